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
from numbers import Integral

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from ragteach.data.features import make_vectorizer
from ragteach.data.frames import as_frame, table_of
from ragteach.data.naming import name_column, plain
from ragteach.errors import distinct, refuse, whole
from ragteach.tensors import MISSING, TaskTensors, stack_examples

SPARSE_ABOVE = 5_000  # features; wider sparse matrices stay sparse,
DENSE_NUMBERS = 20_000_000  # and so do those that would fill more than 80 MB


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
        texts,
        labels,
        num_classes: int,
        tasks=None,
        task_names=None,
        vectorizer=None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        whole("num_classes", num_classes, 1)
        self.n_classes = int(num_classes)
        self._class_names = _class_names(class_names, self.n_classes)
        self.columns: dict = {}
        self.texts = _texts(texts)
        if self.texts:
            vectorizer, texts = _vectorized(self.texts, vectorizer)
        self.vectorizer = vectorizer
        self.x = _features(texts)
        examples = _examples(labels, self.x.shape[0], num_classes, tasks, task_names)
        self.doc, self.task, self.y, self.task_names = examples

    @classmethod
    def from_frame(
        cls,
        frame,
        vectorizer=None,
        task_names=None,
        n_classes: int | None = None,
        *,
        text: str | None = None,
        label: str | Sequence[str] | None = None,
        task: str | None = None,
        class_names: Sequence[str] | None = None,
        missing: str = "ask",
        like: MultiTaskDataset | None = None,
    ) -> MultiTaskDataset:
        """Build from a table, a path, or whatever else `as_frame` takes; classes and tasks are named.

        Args:
            frame: text, label and task, one row for each label.
            vectorizer, task_names: those of the training data. With its words come its classes.
            n_classes: only if some classes have no example here: then labels are 0 .. n_classes - 1.
            text, label, task: names of the columns, if they are called otherwise. A list for
                ``label``: one column per task, in which empty cells mean "no label".
            class_names: the classes, in order. Default: those that are there.
            missing: rows without a label, task or text: ``"ask"``, ``"drop"`` or ``"keep"``.
            like: the training data: takes over its words, tasks, classes and columns.

        Example:
            >>> table = {"text": ["good", "bad", "so so"], "label": [5, 1, 3]}
            >>> MultiTaskDataset.from_frame(table).class_names
            ['1', '3', '5']
        """
        if like is not None:
            vectorizer = like.vectorizer if vectorizer is None else vectorizer
            task_names = like.task_names if task_names is None else task_names
            class_names = like.class_names if class_names is None else class_names
            text, label, task = (
                given or like.columns.get(role)
                for role, given in (("text", text), ("label", label), ("task", task))
            )
        if vectorizer is not None and class_names is None and n_classes is None:
            class_names = _of_training(vectorizer, frame, label or "label")
        if n_classes is not None and class_names is None:
            whole("n_classes", n_classes, 1)
            class_names = _in_advance(frame, label or "label", n_classes)
        options = {"missing": missing, "class_names": class_names, "task_names": task_names}
        frame = as_frame(frame, text, label, task, **options)
        names = frame.attrs["label_names"]
        if n_classes not in (None, len(names)):
            raise refuse(
                expected=f"{n_classes} classes",
                got=f"{len(names)}: {names}",
                fix="leave n_classes out: the classes are counted",
            )
        texts, tasks = frame["text"].tolist(), frame["task"].tolist()
        order = task_names or frame.attrs["task_names"]
        data = cls(texts, frame["label"].to_numpy(), len(names), tasks, order, vectorizer, names)
        data.columns = frame.attrs["columns"]
        if vectorizer is None:
            data.vectorizer.class_names_ = names  # whoever counts these words has these classes
        return data

    @property
    def class_names(self) -> list[str]:
        """The classes' names, in the order of their numbers; "0", "1", ... if they have none."""
        return list(self._class_names or map(str, range(self.n_classes)))

    def agree(self, model) -> None:
        """Give the model these classes' names, or refuse if it has learnt others.

        Plain numbers agree with any names: they are the classes' places.
        """
        mine, its = self.class_names, getattr(model, "class_names", None)
        numbers = [any(map(str.isdecimal, names)) for names in (mine, its or [])]
        places = (plain(mine) or plain(its or [])) and not all(numbers)
        if its is not None and mine != its and len(mine) == len(its) and not places:
            raise refuse(
                expected=f"data with the model's classes: {its}",
                got=f"{mine}",
                fix="build the data with from_frame(frame, like=train), or a new model for them",
            )
        if its is None or plain(its):
            model.class_names = mine

    def __repr__(self) -> str:
        """A small table: examples by task and class."""
        return table_of(self)

    n_features = property(lambda self: self.x.shape[1])
    n_tasks = property(lambda self: len(self.task_names))
    sizes = property(
        lambda self: torch.bincount(self.task, minlength=self.n_tasks)
    )  # (n_tasks,) examples

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.rows(self.doc[i].view(1))[0], self.y[i], self.task[i]

    def rows(self, docs):
        """Features of the documents ``docs`` as a dense tensor (only these rows are made dense)."""
        if sp.issparse(self.x):
            return torch.from_numpy(self.x[np.asarray(docs)].toarray())  # (len(docs), n_features)
        return self.x[docs]

    def subset(self, indices):
        """The examples ``indices`` as a new dataset with the same tasks and vocabulary."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        indices = np.asarray(indices)
        indices = torch.from_numpy(indices if len(indices) else indices.astype(np.int64))
        new.doc, new.task, new.y = self.doc[indices], self.task[indices], self.y[indices]
        return new

    def stacked(self, class_weight=None, dtype=torch.float32) -> TaskTensors:
        """Stack the examples task by task.

        Args:
            class_weight: (n_classes,) how much an example of each class counts, or ``"balanced"``,
                which is n / (C n_c) per task.
            dtype: float32 for training, float64 for exact optima.
        """
        return stack_examples(self, class_weight, dtype)


def _class_names(class_names, n_classes: int) -> list[str] | None:
    if class_names is None:
        return None
    names = distinct(class_names, "class", "class names")
    if len(names) != n_classes:
        raise refuse(
            expected=f"one name for each of the {n_classes} classes",
            got=f"{len(names)}: {names}",
            fix="give as many class_names as num_classes says",
        )
    return names


def _in_advance(frame, label, n_classes: int) -> list[str] | None:
    """The names of ``n_classes`` classes of which some have no example; None: to be counted."""
    names = getattr(frame, "attrs", {}).get("label_names") or []
    if len(names) == n_classes:
        return names
    try:
        numbers = np.asarray(frame[label]).dtype.kind in "iu"
    except (KeyError, TypeError, IndexError):
        return None
    return [str(number) for number in range(n_classes)] if numbers else None


def _of_training(vectorizer, frame, label) -> list[str] | None:
    """The classes of the data that the words were counted on, if all labels here are of them."""
    names = getattr(vectorizer, "class_names_", None)
    try:
        labels = set(np.asarray(frame[label]).tolist())
    except (KeyError, TypeError, IndexError):
        return None
    places = set(range(len(names or ())))
    return names if labels <= set(names or ()) or labels <= places else None


def _texts(texts):
    """The texts as a list, or None if these are numbers."""
    if isinstance(texts, str):
        raise refuse(
            expected="a list of texts",
            got="one single text",
            fix="put it in a list: [text], with labels [label]",
        )
    if getattr(texts, "ndim", 1) != 1 or isinstance(texts, torch.Tensor):
        return None
    texts = list(texts)
    texts = [t if type(t) is str else str(t) if isinstance(t, str) else t for t in texts]
    absent = [i for i, t in enumerate(texts) if t is None or t is pd.NA or t != t]
    if absent and any(isinstance(t, str) for t in texts):
        raise refuse(
            expected="a list of texts, one for every document",
            got=f"list that is neither: {len(absent)} of {len(texts)} are None or NaN",
            fix="pass strings: leave those documents out, or use from_frame(frame, missing='drop')",
        )
    return texts if texts and all(isinstance(t, str) for t in texts) else None


def _vectorized(texts, vectorizer):
    """A fitted vectoriser and what it makes of the texts."""
    try:
        if vectorizer is not None:
            return vectorizer, vectorizer.transform(texts)
        vectorizer = make_vectorizer()
        return vectorizer, vectorizer.fit_transform(texts)
    except ValueError as error:
        raise refuse(
            expected="texts with words in them, and a vectorizer that is fitted",
            got=f"{len(texts)} texts, such as {texts[0]!r}: {error}",
            fix="look at your texts; fit the vectorizer on the training texts, or leave it out",
        ) from error


def _features(x):
    """Numbers of shape (n_docs, n_features): float32 tensor, or CSR when wide and sparse."""
    if sp.issparse(x):
        x = sp.csr_matrix(x, dtype=np.float32)
        finite, shape = np.isfinite(x.data).all(), x.shape
        wide = shape[1] > SPARSE_ABOVE or shape[0] * shape[1] > DENSE_NUMBERS
        x = x if wide else torch.from_numpy(x.toarray())
    else:
        try:
            x = torch.as_tensor(x if isinstance(x, torch.Tensor) else np.asarray(x)).to(
                torch.float32
            )
        except (TypeError, ValueError) as error:
            raise refuse(
                expected="a list of texts, or numbers of shape (n_docs, n_features)",
                got=f"{type(x).__name__} that is neither ({error})",
                fix="pass strings, a numpy array, a tensor or a scipy sparse matrix",
            ) from error
        finite, shape = bool(torch.isfinite(x).all()), tuple(x.shape)
    if len(shape) != 2 or 0 in shape:
        raise refuse(
            expected="features of shape (n_docs, n_features), neither of them 0",
            got=f"shape {shape}",
            fix="one row per document, one column per feature; x.reshape(1, -1) makes a row of one document",
        )
    if not finite:
        raise refuse(
            expected="finite features",
            got="NaN or infinity among them",
            fix="find them with numpy.isfinite and drop or fill those rows",
        )
    return x


def _examples(labels, n_docs, n_classes, tasks, task_names):
    """(doc, task, y, task_names) of all labels that are there."""
    labels = _labels(labels, n_docs)
    doc, *column = np.nonzero(labels != MISSING)  # labels with two axes have one column per task
    y = labels[doc, *column]
    if len(y) and not (0 <= y.min() and y.max() < n_classes):
        raise refuse(
            expected=f"labels 0 .. {n_classes - 1}, or {MISSING} for a missing one",
            got=f"label {y[(y < 0) | (y >= n_classes)][0]}",
            fix=f"number the classes from 0, set num_classes, or mark missing labels with {MISSING}",
        )
    if column:
        if tasks is not None:
            raise refuse(
                expected="one label per document, since its task is given",
                got=f"tasks beside {labels.shape[1]} columns of labels, one per task",
                fix="leave tasks out (task_names names the columns), or give one label per document",
            )
        names, task = _task_names(task_names, labels.shape[1]), column[0]
        if len(names) != labels.shape[1]:
            raise refuse(
                expected=f"one task name for each of the {labels.shape[1]} columns of labels",
                got=f"{len(names)} names: {names}",
                fix="give as many task_names as labels have columns",
            )
    else:
        names, numbers = _task_numbers([0] * n_docs if tasks is None else tasks, n_docs, task_names)
        task = numbers[doc]
    as_long = [torch.from_numpy(np.ascontiguousarray(a)).long() for a in (doc, task, y)]
    return (*as_long, names)


def _labels(labels, n_docs):
    """Labels as an integer array, (n_docs,) or (n_docs, n_tasks)."""
    try:
        labels = np.asarray(labels)
    except ValueError:
        labels = np.zeros(0)  # rows of unequal length
    if labels.ndim not in (1, 2) or labels.shape[0] != n_docs or 0 in labels.shape:
        raise refuse(
            expected=f"one label (or one row of labels) for each of the {n_docs} documents",
            got=f"labels of shape {labels.shape}",
            fix="give texts and labels the same length, and all rows of labels too",
        )
    if labels.dtype == object and all(isinstance(label, Integral) for label in labels.flat):
        labels = labels.astype(np.int64)  # of a nullable column
    if labels.dtype.kind not in "iu":
        raise refuse(
            expected="integer labels 0 .. num_classes - 1",
            got=f"labels of type {labels.dtype}, such as {labels.flat[0]!r}",
            fix="turn names into numbers (LABELS.index; from_frame does it for you), decimals into "
            f"integers (astype(int)), and missing labels into {MISSING}",
        )
    return labels.astype(np.int64)


def _task_names(task_names, default):
    return distinct(default if task_names is None else task_names, "task", "task names")


def _task_numbers(tasks, n_docs, task_names):
    """(names, number of each document's task).

    With ``task_names``, a task is one of them, or its place among them. Without, the numbers 0, 1,
    ... are called task1, task2, ... as in RAG; any other tasks are named by themselves.
    """
    tasks = [t.item() if hasattr(t, "item") else t for t in tasks]
    if len(tasks) != n_docs:
        raise refuse(
            expected=f"one task for each of the {n_docs} documents",
            got=f"{len(tasks)} tasks",
            fix="give texts and tasks the same length",
        )
    named = name_column(tasks, "task", missing="keep", gaps=True)
    if (named.numbers == MISSING).any():
        raise refuse(
            expected="a task for every document",
            got=f"none for document {int(np.argmin(named.numbers))} (None, NaN or empty)",
            fix="leave those documents out, or name their task",
        )
    numbered = all(type(t) is int for t in tasks)
    if task_names is None:
        if numbered and set(tasks) == set(range(len(named.names))):
            return _task_names(None, len(named.names)), np.array(tasks)
        seen = [named.names[i] for i in dict.fromkeys(named.numbers.tolist())]
        task_names = named.names if numbered else seen
    names = _task_names(task_names, 0)
    by_place = numbered and not {*named.names} <= {*names}
    known = [str(place) for place in range(len(names))] if by_place else names
    unknown = [t for t in named.names if t not in known]
    if unknown:
        raise refuse(
            expected=f"tasks among {names}",
            got=f"task {unknown[0] if numbered else repr(unknown[0])}, never seen before",
            fix="check its spelling, or add it to task_names (and to the model with model.add_task)",
        )
    return names, named.reordered(known).numbers
