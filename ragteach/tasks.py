"""Many tasks, one dataset: from texts with labels to tensors the model can eat.

Enters: texts (or a feature matrix), labels, and which task each label belongs to.
Leaves: `MultiTaskDataset`, a torch Dataset of *examples* (one example = one document, one task, one label),
and `TaskTensors`, the same examples stacked task by task so that one matrix product serves all tasks:

    x       (n_tasks, n_docs, n_features)   padded with zero rows where a task has fewer examples
    y       (n_tasks, n_docs)               class numbers
    weight  (n_tasks, n_docs)               how much each example counts; sums to 1 in every task, 0 where
    padded

A missing label is simply no example. Unequal tasks are padded rows of weight 0. So the loss never needs a
special case.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.model_selection import train_test_split

from .errors import at_least, refuse
from .features import make_vectorizer
from .products import BlockSparse

MISSING = -100  # a label that is not there; the same number torch's cross-entropy ignores
SPARSE_ABOVE = 5_000  # features; wider sparse matrices stay sparse,
DENSE_NUMBERS = 20_000_000  # and so do those that would fill more than 80 MB


class MultiTaskDataset(torch.utils.data.Dataset):
    """Examples of several tasks: ``dataset[i]`` is ``(x, y, task)``.

    Args:
        texts: a list of strings, or numbers of shape (n_docs, n_features) (array, tensor or scipy sparse).
        labels: (n_docs,) class numbers with ``tasks`` saying whose they are; or (n_docs, n_tasks), with
            ``MISSING`` (-100) wherever a document has no label for a task.
        num_classes: how many classes each task has.
        tasks: (n_docs,) task names or numbers. Not needed if ``labels`` has one column per task, or for one
            task.
        task_names: the order of the tasks. Default: order of first appearance.
        vectorizer: a fitted scikit-learn vectoriser. Without one, TF-IDF is fitted on these very texts, so
            build the training set first and pass ``train.vectorizer`` to the others: test words must not
            shape the vocabulary.

    Attributes:
        x: (n_docs, n_features) float32 tensor, or a scipy CSR matrix if that would be too wide (above 5,000
            features, or 20 million numbers).
        doc, task, y: (n_examples,) long tensors: row of ``x``, task number, class number.

    Raises:
        RagteachError: not-a-number features, a label out of range, a task with no example, lengths that
            differ.

    Example:
        >>> texts, tasks = ["good film", "bad brakes", "good brakes"], ["films", "cars", "cars"]
        >>> data = MultiTaskDataset(texts, [1, 0, 1], 2, tasks)
        >>> data.task_names, len(data), data[0][0].shape
        (['films', 'cars'], 3, torch.Size([4]))
    """

    def __init__(self, texts, labels, num_classes, tasks=None, task_names=None, vectorizer=None):
        self.num_classes, self.texts = int(num_classes), None
        if not hasattr(texts, "shape") and all(isinstance(t, str) for t in texts) and len(texts):
            self.texts = list(texts)
            vectorizer = vectorizer or make_vectorizer().fit(self.texts)
            texts = vectorizer.transform(self.texts)
        self.vectorizer = vectorizer
        self.x = _features(texts)
        self.doc, self.task, self.y, self.task_names = _examples(
            labels, self.x.shape[0], self.num_classes, tasks, task_names
        )

    @classmethod
    def from_frame(cls, frame, vectorizer=None, task_names=None, num_classes=3):
        """Build from a table with the columns ``text``, ``label`` and ``task`` (see `ragteach.data`)."""
        return cls(
            list(frame["text"]),
            np.asarray(frame["label"]),
            num_classes,
            list(frame["task"]),
            task_names,
            vectorizer,
        )

    n_features = property(lambda self: self.x.shape[1])
    n_tasks = property(lambda self: len(self.task_names))

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
        indices = torch.as_tensor(np.asarray(indices))
        new.doc, new.task, new.y = self.doc[indices], self.task[indices], self.y[indices]
        return new

    def stacked(self, class_weight=None, dtype=torch.float32) -> TaskTensors:
        """Stack the examples task by task.

        Args:
            class_weight: (n_classes,) how much an example of each class counts, or ``"balanced"``: n / (C
                n_c) per task.
            dtype: float32 for training, float64 for exact optima.
        """
        members = [torch.nonzero(self.task == t).flatten() for t in range(self.n_tasks)]
        for name, rows in zip(self.task_names, members, strict=True):
            if len(rows) == 0:
                raise refuse(
                    expected="at least one labelled example in every task",
                    got=f"task {name!r} with none",
                    fix="drop that task from task_names, or add labelled examples to it",
                )
        n_docs = max(len(rows) for rows in members)
        y = torch.zeros(self.n_tasks, n_docs, dtype=torch.long)
        weight = torch.zeros(self.n_tasks, n_docs, dtype=dtype)
        for t, rows in enumerate(members):
            y[t, : len(rows)] = self.y[rows]
            per_class = _class_weight(class_weight, self.y[rows], self.num_classes).to(dtype)
            weight[t, : len(rows)] = per_class[self.y[rows]] / per_class[self.y[rows]].sum()
        docs = [self.doc[rows] for rows in members]
        if sp.issparse(self.x):
            x = BlockSparse.build([self.x[np.asarray(d)] for d in docs], n_docs, dtype)
        else:
            x = torch.zeros(self.n_tasks, n_docs, self.n_features, dtype=dtype)
            for t, d in enumerate(docs):
                x[t, : len(d)] = self.x[d].to(dtype)
        return TaskTensors(x, y, weight, self.num_classes, list(self.task_names))


class TaskTensors:
    """Examples stacked by task: ``x`` (n_tasks, n_docs, n_features), ``y`` and ``weight`` (n_tasks, n_docs).

    Args:
        x: dense tensor or `BlockSparse`.
        y, weight: class numbers, and weights that sum to 1 in each task (0 marks padding).
        num_classes: C.
        task_names: one name per task.
    """

    def __init__(self, x, y, weight, num_classes, task_names):
        self.x, self.y, self.weight = x, y, weight
        self.num_classes, self.task_names = num_classes, task_names
        onehot = torch.nn.functional.one_hot(y, num_classes)  # (n_tasks, n_docs, n_classes)
        self.onehot = onehot.mT.to(weight)  # (n_tasks, n_classes, n_docs)

    n_tasks = property(lambda self: self.y.shape[0])
    n_features = property(lambda self: self.x.shape[2])
    sizes = property(lambda self: (self.weight > 0).sum(1))  # (n_tasks,) examples in each task

    def take(self, index):
        """The batch of rows ``index`` (n_tasks, n_batch), dense, its weights again summing to 1 per task."""
        each = torch.arange(self.n_tasks, device=index.device).unsqueeze(1)
        x = self.x.take(index) if isinstance(self.x, BlockSparse) else self.x[each, index]
        weight = self.weight[each, index]
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-12)
        return TaskTensors(x, self.y[each, index], weight, self.num_classes, self.task_names)

    def to(self, device=None, dtype=None):
        """The same examples on another device or in another precision."""
        x, weight = self.x.to(device=device, dtype=dtype), self.weight.to(device=device, dtype=dtype)
        return TaskTensors(x, self.y.to(device=device), weight, self.num_classes, self.task_names)


def split_frame(frame, train=0.6, val=0.2, seed=0):
    """Split a table into training, validation and test parts, stratified by task and label.

    Args:
        frame: columns ``text``, ``label``, ``task``.
        train, val: fractions; the rest is the test part.
        seed: the same seed gives the same split.

    Raises:
        RagteachError: the fractions leave no test part, or a (task, label) pair is too rare to be split.
    """
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


def _features(x):
    """Numbers of shape (n_docs, n_features): float32 tensor, or CSR when wide and sparse."""
    if sp.issparse(x):
        x = sp.csr_matrix(x, dtype=np.float32)
        finite, shape = np.isfinite(x.data).all(), x.shape
        wide = shape[1] > SPARSE_ABOVE or shape[0] * shape[1] > DENSE_NUMBERS
        x = x if wide else torch.from_numpy(x.toarray())
    else:
        try:
            x = torch.as_tensor(np.asarray(x) if not isinstance(x, torch.Tensor) else x).to(torch.float32)
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


def _examples(labels, n_docs, num_classes, tasks, task_names):
    """(doc, task, y, task_names) of all labels that are there."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise refuse(
            expected="integer labels 0 .. num_classes - 1",
            got=f"labels of type {labels.dtype}",
            fix="map class names to numbers first, for example with ragteach.data.LABELS.index",
        )
    if labels.shape[0] != n_docs or labels.ndim not in (1, 2):
        raise refuse(
            expected=f"one label (or one row of labels) for each of the {n_docs} documents",
            got=f"labels of shape {labels.shape}",
            fix="give texts and labels the same length",
        )
    if labels.ndim == 2:
        names = (
            list(task_names) if task_names is not None else [f"task{t + 1}" for t in range(labels.shape[1])]
        )
        doc, task = np.nonzero(labels != MISSING)
        y = labels[doc, task]
        known = len(names) == labels.shape[1]
    else:
        tasks = [0] * n_docs if tasks is None else [t.item() if hasattr(t, "item") else t for t in tasks]
        if len(tasks) != n_docs:
            raise refuse(
                expected=f"one task for each of the {n_docs} documents",
                got=f"{len(tasks)} tasks",
                fix="give texts and tasks the same length",
            )
        names = list(task_names) if task_names is not None else list(dict.fromkeys(tasks))
        number = {name: t for t, name in enumerate(names)}
        for t in tasks:
            if t not in number:
                raise refuse(
                    expected=f"tasks among {names}",
                    got=f"task {t!r}, never seen before",
                    fix="check its spelling, or add it to task_names (and to the model with model.add_task)",
                )
        doc = np.flatnonzero(labels != MISSING)
        task, y, known = np.array([number[t] for t in tasks])[doc], labels[doc], True
    if not known or (len(y) and not (0 <= y.min() and y.max() < num_classes)):
        bad = y[(y < 0) | (y >= num_classes)]
        raise refuse(
            expected=f"labels 0 .. {num_classes - 1} (or {MISSING}: missing) and one task name per column",
            got=f"label {bad[0]}" if len(bad) else f"{len(names)} names for {labels.shape[1]} columns",
            fix=f"number the classes from 0, set num_classes, or mark missing labels with {MISSING}",
        )
    as_long = [torch.from_numpy(np.ascontiguousarray(a)).long() for a in (doc, task, y)]
    return (*as_long, [str(n) for n in names])


def _class_weight(class_weight, y, num_classes):
    if class_weight is None:
        return torch.ones(num_classes)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return len(y) / (num_classes * torch.bincount(y, minlength=num_classes).clamp(min=1))
    weight = torch.as_tensor(class_weight, dtype=torch.float32)
    if weight.shape != (num_classes,) or not bool((weight > 0).all()):
        raise refuse(
            expected=f'"balanced" or {num_classes} positive class weights',
            got=f"class_weight = {class_weight!r}",
            fix="one positive number per class",
        )
    return weight
