"""Many tasks, one dataset: from texts with labels to examples.

Enters: texts (or a feature matrix), labels, and which task each label belongs to.
Leaves: `MultiTaskDataset`, a torch Dataset of *examples*. One example = one document, one task, one
    label:

    x (n_features,)    y class number    task task number

A document may have a label for several tasks: one example each. A missing label is simply no
    example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from ragteach.data.examples import (
    as_examples,
    checked_class_names,
    classes_in_advance,
    classes_of_training,
)
from ragteach.data.frames import as_frame, table_of
from ragteach.data.inputs import DENSE_NUMBERS as DENSE_NUMBERS
from ragteach.data.inputs import SPARSE_ABOVE as SPARSE_ABOVE
from ragteach.data.inputs import as_features, as_texts, vectorized
from ragteach.data.naming import check_same_classes, plain
from ragteach.data.stacking import stack_examples
from ragteach.data.wild.columns import columns_like
from ragteach.errors import refuse, whole
from ragteach.ground.arguments import MOST, check_columns, check_float, is_a, names_of, row_numbers
from ragteach.tensors import TaskTensors


class MultiTaskDataset(torch.utils.data.Dataset):
    """Examples of several tasks: ``dataset[i]`` is ``(x, y, task)``.

    Args:
        texts: a list of strings, or numbers of shape (n_docs, n_features) (array, tensor or scipy
            sparse).
        labels: (n_docs,) class numbers with ``tasks`` saying whose they are; or (n_docs, n_tasks),
            with ``MISSING`` (-100) wherever a document has no label for a task.
        num_classes: how many classes each task has.
        tasks: (n_docs,) task names or numbers. Not needed if ``labels`` has one column per task, or
            for one task.
        task_names: the order of the tasks. Default: order of first appearance; the numbers 0, 1,
            ... are called task1, task2, ..., as `RAG` calls them.
        class_names: one name per class. Default: their numbers.
        vectorizer: a fitted scikit-learn vectoriser. Without one, TF-IDF is fitted on these very
            texts, so build the training set first and pass ``train.vectorizer`` to the others: test
            words must not shape the vocabulary.

    Attributes:
        x: (n_docs, n_features) float32 tensor, or a scipy CSR matrix if that would be too wide
            (above 5,000 features, or 20 million numbers).
        doc, task, y: (n_examples,) long tensors: row of ``x``, task number, class number.

    Raises:
        RagteachError: not-a-number features, a label out of range, a task with no example, lengths
            that differ.

    Example:
        >>> texts, tasks = ["good film", "bad brakes", "good brakes"], ["films", "cars", "cars"]
        >>> data = MultiTaskDataset(texts, [1, 0, 1], 2, tasks)
        >>> data.task_names, len(data), data[0][0].shape
        (['films', 'cars'], 3, torch.Size([4]))
    """

    def __init__(
        self,
        texts: Any,
        labels: Any,
        num_classes: int,
        tasks: Any = None,
        task_names: Any = None,
        vectorizer: Any = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        whole("num_classes", num_classes, 1, MOST)
        self.n_classes = int(num_classes)
        self._class_names = checked_class_names(class_names, self.n_classes)
        self.columns: dict = {}
        self.texts = as_texts(texts)
        if self.texts:
            vectorizer, texts = vectorized(self.texts, vectorizer)
        self.vectorizer = vectorizer
        self.x = as_features(texts)
        examples = as_examples(labels, self.x.shape[0], num_classes, tasks, task_names)
        self.doc, self.task, self.y, self.task_names = examples

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        vectorizer: Any = None,
        task_names: Sequence[str] | None = None,
        n_classes: int | None = None,
        *,
        text: str | None = None,
        label: str | Sequence[str] | None = None,
        task: str | None = None,
        class_names: Sequence[str] | None = None,
        missing: str = "ask",
        like: MultiTaskDataset | None = None,
        **how: Any,
    ) -> MultiTaskDataset:
        """Build from a table, a path, or what else `as_frame` takes; classes and tasks are named.

        Args:
            frame: text, label and task, one row for each label.
            vectorizer, task_names: those of the training data. With its words come its classes.
            n_classes: only if a class has no example here: then labels are 0 .. n_classes - 1.
            text, label, task: names of the columns, if they are called otherwise. A list for
                ``label``: one column per task, in which empty cells mean "no label".
            class_names: the classes, in order. Default: those that are there.
            missing: rows without a label, task or text: ``"ask"``, ``"drop"`` or ``"keep"``.
            like: the training data: takes over its words, tasks, classes and columns.
            how: analyzer, and how a file is read, as in `as_frame`.

        Example:
            >>> table = {"text": ["good", "bad", "so so"], "label": [5, 1, 3]}
            >>> MultiTaskDataset.from_frame(table).class_names
            ['1', '3', '5']
        """
        class_names = names_of("class_names", class_names)
        task_names = names_of("task_names", task_names)
        check_columns("text", [text])
        check_columns("task", [task])
        if like is not None:
            is_a("like", like, MultiTaskDataset, "the training MultiTaskDataset", "pass like=train")
            vectorizer = like.vectorizer if vectorizer is None else vectorizer
            task_names = like.task_names if task_names is None else task_names
            class_names = like.class_names if class_names is None else class_names
            text, label, task = columns_like(like.source(), frame, text, label, task)
        column: Any = "label" if label is None else label
        if vectorizer is not None and class_names is None and n_classes is None:
            class_names = classes_of_training(vectorizer, frame, column)
        if n_classes is not None and class_names is None:
            whole("n_classes", n_classes, 1, MOST)
            class_names = classes_in_advance(frame, column, n_classes)
        options: Any = {"missing": missing, "class_names": class_names, "task_names": task_names}
        frame = as_frame(frame, text, label, task, **options, **how)
        names = frame.attrs["label_names"]
        if n_classes not in (None, len(names)):
            raise refuse(
                expected=f"{n_classes} classes",
                got=f"{len(names)}: {names}",
                fix="leave n_classes out: the classes are counted",
            )
        texts = frame["text"].tolist()
        tasks = frame["task"].tolist()
        order = task_names or frame.attrs["task_names"]
        read = frame.attrs.get("analyzer") if vectorizer is None else vectorizer
        data = cls(texts, frame["label"].to_numpy(), len(names), tasks, order, read, names)
        data.columns = frame.attrs["columns"]
        if vectorizer is None:
            data.vectorizer.class_names_ = names  # whoever counts these words has these classes
        return data

    @property
    def class_names(self) -> list[str]:
        """The classes' names, in the order of their numbers; "0", "1", ... if they have none."""
        return list(self._class_names or map(str, range(self.n_classes)))

    def source(self) -> tuple:
        """The columns that text, label and task came from; None where that is not known."""
        return tuple(self.columns.get(role) for role in ("text", "label", "task"))

    def agree(self, model: Any) -> None:
        """Give the model these classes' names, or refuse if it has learnt others.

        Plain numbers agree with any names: they are the classes' places.
        """
        mine = self.class_names
        its = getattr(model, "class_names", None)
        check_same_classes(mine, its)
        if its is None or plain(its):
            model.class_names = mine
            model.columns = self.columns or None

    def __repr__(self) -> str:
        """A small table: examples by task and class."""
        return table_of(self)

    n_features = property(lambda self: self.x.shape[1])
    n_tasks = property(lambda self: len(self.task_names))
    sizes = property(lambda self: torch.bincount(self.task, minlength=self.n_tasks))  # (n_tasks,)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.rows(self.doc[i].view(1))[0], self.y[i], self.task[i]

    def rows(self, docs: Any) -> torch.Tensor:
        """Features of the documents ``docs`` as a dense tensor (only these rows are made dense)."""
        if sp.issparse(self.x):
            return torch.from_numpy(self.x[np.asarray(docs)].toarray())  # (len(docs), n_features)
        return self.x[docs]

    def subset(self, indices: Any) -> MultiTaskDataset:
        """The examples ``indices`` as a new dataset with the same tasks and vocabulary."""
        indices = row_numbers(indices, len(self))
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.doc = self.doc[indices]
        new.task = self.task[indices]
        new.y = self.y[indices]
        return new

    def stacked(self, class_weight: Any = None, dtype: torch.dtype = torch.float32) -> TaskTensors:
        """Stack the examples task by task.

        Args:
            class_weight: (n_classes,) how much an example of each class counts, or ``"balanced"``,
                which is n / (C n_c) per task.
            dtype: float32 for training, float64 for exact optima.
        """
        check_float(dtype)
        return stack_examples(self, class_weight, dtype)


def as_dataset(data: Any, **options: Any) -> MultiTaskDataset:
    """A dataset of whatever you have: a dataset as it is, else `MultiTaskDataset.from_frame`."""
    if isinstance(data, MultiTaskDataset):
        return data
    return MultiTaskDataset.from_frame(data, **options)
