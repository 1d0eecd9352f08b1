"""Many tasks, one dataset: from texts with labels to examples.

Enters: texts (or a feature matrix), labels, and which task each label belongs to.
Leaves: `MultiTaskDataset`, a torch Dataset of *examples*. One example = one document, one task, one
    label:

    x (n_features,)    y class number    task task number

A document may have a label for several tasks: one example each. A missing label is simply no
    example.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.model_selection import train_test_split

from ragteach.data.features import make_vectorizer
from ragteach.errors import at_least, distinct, refuse, whole
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

    def __init__(self, texts, labels, num_classes, tasks=None, task_names=None, vectorizer=None):
        whole("num_classes", num_classes, 1)
        self.n_classes, self.texts = int(num_classes), _texts(texts)
        if self.texts:
            vectorizer, texts = _vectorized(self.texts, vectorizer)
        self.vectorizer = vectorizer
        self.x = _features(texts)
        examples = _examples(labels, self.x.shape[0], num_classes, tasks, task_names)
        self.doc, self.task, self.y, self.task_names = examples

    @classmethod
    def from_frame(cls, frame, vectorizer=None, task_names=None, n_classes=3):
        """Build from a table with the columns ``text``, ``label`` and ``task`` (see
        `ragteach.data`).
        """
        _columns(frame)
        texts, tasks = (np.asarray(frame[name], dtype=object).tolist() for name in ("text", "task"))
        return cls(texts, np.asarray(frame["label"]), n_classes, tasks, task_names, vectorizer)

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


def split_frame(frame, train=0.6, val=0.2, seed=0):
    """Split a table into training, validation and test parts, stratified by task and label.

    Args:
        frame: columns ``text``, ``label``, ``task``.
        train, val: fractions; the rest is the test part.
        seed: the same seed gives the same split.

    Raises:
        RagteachError: the fractions leave no test part, or a (task, label) pair is too rare to be
            split.
    """
    _columns(frame)
    at_least("train", train), at_least("val", val)
    if not (0 < train and 0 < val and train + val < 1):
        raise refuse(
            expected="train > 0, val > 0 and train + val < 1",
            got=f"train = {train}, val = {val}",
            fix="leave something for testing, for example train=0.6, val=0.2",
        )
    key = frame["task"].astype(str) + "/" + frame["label"].astype(str)
    try:
        rest, test = train_test_split(
            np.arange(len(frame)), test_size=1 - train - val, stratify=key, random_state=seed
        )
        fit, valid = train_test_split(
            rest, test_size=val / (train + val), stratify=key.iloc[rest], random_state=seed
        )
    except ValueError as error:
        count = key.value_counts()
        raise refuse(
            expected="enough examples of every (task, label) pair for three parts",
            got=f"the rarest pair {count.index[-1]!r} has {count.iloc[-1]} ({error})",
            fix="add examples, merge rare labels, or split by hand",
        ) from error
    return tuple(frame.iloc[np.sort(part)].reset_index(drop=True) for part in (fit, valid, test))


def _columns(frame):
    missing = [
        name for name in ("text", "label", "task") if name not in getattr(frame, "columns", ())
    ]
    if missing:
        raise refuse(
            expected="a table with the columns text, label and task",
            got=f"{type(frame).__name__} without {', '.join(missing)}",
            fix="rename its columns, for example frame.rename(columns={'review': 'text'})",
        )


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
    return [str(t) for t in texts] if texts and all(isinstance(t, str) for t in texts) else None


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
    if labels.dtype.kind not in "iu":
        raise refuse(
            expected="integer labels 0 .. num_classes - 1",
            got=f"labels of type {labels.dtype}, such as {labels.flat[0]!r}",
            fix="turn names into numbers (LABELS.index), decimals into integers (astype(int)), "
            f"and missing labels into {MISSING}",
        )
    return labels.astype(np.int64)


def _task_names(task_names, default):
    return distinct(default if task_names is None else task_names, "task", "task names")


def _task_numbers(tasks, n_docs, task_names):
    """(names, number of each document's task). Numbers 0, 1, ... are called task1, task2, ... as in
    RAG.
    """
    tasks = [t.item() if hasattr(t, "item") else t for t in tasks]
    if len(tasks) != n_docs:
        raise refuse(
            expected=f"one task for each of the {n_docs} documents",
            got=f"{len(tasks)} tasks",
            fix="give texts and tasks the same length",
        )
    if all(isinstance(t, int) for t in tasks):
        names = _task_names(task_names, max(tasks) + 1)
        number = {t: t for t in range(len(names))}
    else:
        names = _task_names(task_names, dict.fromkeys(str(t) for t in tasks))
        number = {name: t for t, name in enumerate(names)}
        tasks = [str(t) for t in tasks]
    for t in tasks:
        if t not in number:
            raise refuse(
                expected=f"tasks among {names}",
                got=f"task {t!r}, never seen before",
                fix="check its spelling, or add it to task_names (and to the model with model.add_task)",
            )
    return names, np.array([number[t] for t in tasks])
