"""Examples stacked by task, so that one matrix product serves all tasks.

Enters: a `MultiTaskDataset`.  Leaves: `TaskTensors`:

    x       (n_tasks, n_docs, n_features)   padded with zero rows where a task has fewer examples
    y       (n_tasks, n_docs)               class numbers
    weight  (n_tasks, n_docs)               what each example counts; sums to 1 in a task, 0 where padded

A missing label is no example. Unequal tasks are padded rows of weight 0. So the loss needs no
special case.
"""

from __future__ import annotations

import torch

from ragteach.errors import refuse
from ragteach.linear import BlockSparse

MISSING = -100  # a label that is not there; the same number torch's cross-entropy ignores


class TaskTensors:
    """Examples stacked by task: ``x`` (n_tasks, n_docs, n_features), ``y`` and ``weight`` (n_tasks,
    n_docs).

    Args:
        x: dense tensor or `BlockSparse`.
        y, weight: class numbers, and weights that sum to 1 in each task (0 marks padding).
        n_classes: C.
        task_names: one name per task.
    """

    def __init__(self, x, y, weight, n_classes, task_names, onehot=None):
        self.x, self.y, self.weight, self.onehot = x, y, weight, onehot
        self.n_classes, self.task_names = n_classes, task_names
        if onehot is not None:
            return
        onehot = torch.nn.functional.one_hot(y, n_classes)  # (n_tasks, n_docs, n_classes)
        self.onehot = onehot.mT.to(weight).contiguous()  # (n_tasks, n_classes, n_docs)

    n_tasks = property(lambda self: self.y.shape[0])
    n_features = property(lambda self: self.x.shape[2])
    sizes = property(lambda self: (self.weight > 0).sum(1))  # (n_tasks,) examples in each task

    def batches(self, rows):
        """One batch after another, dense, its weights again summing to 1 per task.

        Args:
            rows: a list of index tensors (n_tasks, n_batch).
        """
        index = torch.cat(rows, 1)
        columns = index.unsqueeze(1).expand(-1, self.n_classes, -1)
        small = (
            self.y.gather(1, index),
            self.weight.gather(1, index),
            self.onehot.gather(2, columns),
        )
        small = (part.split([r.shape[1] for r in rows], -1) for part in small)
        for x, y, weight, onehot in zip(self._documents(rows), *small, strict=True):
            weight = weight / weight.sum(1, keepdim=True).clamp_(min=1e-12)
            yield TaskTensors(x, y, weight, self.n_classes, self.task_names, onehot)

    def take(self, index):
        """The batch of rows ``index`` (n_tasks, n_batch)."""
        return next(self.batches([index]))

    def _documents(self, rows):
        if isinstance(self.x, BlockSparse):
            yield from map(self.x.take, rows)
            return
        n_tasks, n_docs, n_features = self.x.shape
        flat = self.x.flatten(
            0, 1
        )  # whole rows of it: several times faster than self.x[each, index]
        first = torch.arange(0, n_tasks * n_docs, n_docs, device=flat.device).unsqueeze(1)
        for index in rows:
            yield flat.index_select(0, (first + index).flatten()).view(n_tasks, -1, n_features)

    def to(self, device=None, dtype=None):
        """The same examples on another device or in another precision."""
        x, weight, onehot = (
            part.to(device=device, dtype=dtype) for part in (self.x, self.weight, self.onehot)
        )
        return TaskTensors(
            x, self.y.to(device=device), weight, self.n_classes, self.task_names, onehot
        )


def stack_examples(data, class_weight=None, dtype=torch.float32) -> TaskTensors:
    """The examples of a `MultiTaskDataset`, task by task; what ``dataset.stacked()`` calls."""
    members = [torch.nonzero(data.task == t).flatten() for t in range(data.n_tasks)]
    for name, rows in zip(data.task_names, members, strict=True):
        if len(rows) == 0:
            raise refuse(
                expected="at least one labelled example in every task",
                got=f"task {name!r} with none",
                fix="drop that task from task_names, or add labelled examples to it",
            )
    n_docs = max(len(rows) for rows in members)
    y = torch.zeros(data.n_tasks, n_docs, dtype=torch.long)
    weight = torch.zeros(data.n_tasks, n_docs, dtype=dtype)
    for t, rows in enumerate(members):
        y[t, : len(rows)] = data.y[rows]
        each = _class_weight(class_weight, data.y[rows], data.n_classes).to(dtype)[data.y[rows]]
        weight[t, : len(rows)] = each / each.sum()
    docs = [data.doc[rows] for rows in members]
    if not isinstance(data.x, torch.Tensor):  # scipy's CSR
        x = BlockSparse.build([data.x[d.numpy()] for d in docs], n_docs, dtype)
    else:
        x = torch.zeros(data.n_tasks, n_docs, data.n_features, dtype=dtype)
        for t, d in enumerate(docs):
            x[t, : len(d)] = data.x[d].to(dtype)
    return TaskTensors(x, y, weight, data.n_classes, list(data.task_names))


def as_tensors(model, data, class_weight=None) -> TaskTensors:
    """Stacked ``data`` on the model's device, in its precision; refuses data that do not fit the
    model.

    Args:
        model: a `RAG`.
        data: `MultiTaskDataset`, a part of one (``torch.utils.data.Subset``), or `TaskTensors`.
        class_weight: as in ``dataset.stacked``; `TaskTensors` already carry theirs.
    """
    if isinstance(data, torch.utils.data.Subset):  # as random_split makes them
        data = data.dataset.subset(data.indices)
    if isinstance(data, TaskTensors) and class_weight is not None:
        raise refuse(
            expected="a MultiTaskDataset, since class weights are given",
            got="TaskTensors, whose examples are weighted already",
            fix="pass the dataset itself, or weight it with dataset.stacked(class_weight=...)",
        )
    if not isinstance(data, TaskTensors):
        if not hasattr(data, "stacked"):
            raise refuse(
                expected="a MultiTaskDataset (or its stacked form)",
                got=f"{type(data).__name__}",
                fix="build MultiTaskDataset(texts, labels, num_classes, tasks), or .from_frame(frame)",
            )
        data.agree(model)
        data = data.stacked(class_weight, model.shared.dtype)
    have = (data.task_names, data.n_features, data.n_classes)
    need = (model.task_names, model.n_features, model.n_classes)
    for what, h, n in zip(
        ("tasks", "number of features", "number of classes"), have, need, strict=True
    ):
        if h != n:
            raise refuse(
                expected=f"data with the model's {what}: {n}",
                got=f"{h}",
                fix="build data and model with the same task_names, vectorizer and n_classes",
            )
    return data.to(device=model.shared.device, dtype=model.shared.dtype)


def _class_weight(class_weight, y, n_classes):
    if class_weight is None:
        return torch.ones(n_classes)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return len(y) / (n_classes * torch.bincount(y, minlength=n_classes).clamp(min=1))
    return check_class_weight(class_weight, n_classes)


def check_class_weight(class_weight, n_classes):
    """``class_weight`` as a tensor (n_classes,) of positive numbers."""
    try:
        weight = torch.as_tensor(class_weight, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        weight = torch.zeros(0)
    if weight.shape != (n_classes,) or not bool(
        (weight > 0).all() and torch.isfinite(weight).all()
    ):
        raise refuse(
            expected=f'{n_classes} positive class weights (or "balanced", for a whole dataset)',
            got=f"class_weight = {class_weight!r}",
            fix="give one positive number per class",
        )
    return weight
