"""Examples stacked by task, so that one matrix product serves all tasks.

Enters: a `MultiTaskDataset`.  Leaves: `TaskTensors`:

    x       (n_blocks, n_docs, n_features)   zero rows where a block has fewer examples
    y       (n_blocks, n_docs)               class numbers
    weight  (n_blocks, n_docs)               what each example counts: 1 in all in a task; 0: padded

A missing label is no example. Unequal tasks are padded with rows of weight 0, so the loss needs no
special case. Block t is task t; but where that would be mostly padding, a large task is cut into
several blocks, and ``task`` says whose a block is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ragteach.data.documents import take
from ragteach.errors import refuse
from ragteach.ground.arguments import check_linear, check_same_shape
from ragteach.ground.objects import has

MISSING = -100  # a label that is not there; the same number torch's cross-entropy ignores


class TaskTensors:
    """Examples stacked by task: ``x`` (n_blocks, n_docs, n_features), ``y`` and ``weight``
    (n_blocks, n_docs).

    Args:
        x: dense tensor, `Blocks` or `BlockSparse`.
        y, weight: class numbers, and weights that sum to 1 in each task (0 marks padding).
        n_classes: C.
        task_names: one name per task.
    """

    onehot: torch.Tensor

    def __init__(
        self,
        x: Any,
        y: torch.Tensor,
        weight: torch.Tensor,
        n_classes: int,
        task_names: list[str],
        onehot: torch.Tensor | None = None,
    ) -> None:
        self.x, self.y, self.weight = x, y, weight
        self.n_classes, self.task_names = n_classes, task_names
        self.task = getattr(x, "task", None)  # (n_blocks,) whose a block is; None: block t, task t
        if onehot is None:  # (n_blocks, n_classes, n_docs)
            onehot = weight.new_zeros(len(y), n_classes, y.shape[1])
            onehot.scatter_(1, y.unsqueeze(1), 1.0)
        self.onehot = onehot

    n_tasks = property(lambda self: len(self.task_names))
    n_features = property(lambda self: self.x.shape[2])
    words = property(lambda self: getattr(self.x, "words", None))  # columns that x holds; None: all

    @property
    def sizes(self) -> torch.Tensor:
        """(n_tasks,) examples in each task."""
        return self.by_task((self.weight > 0).sum(1))

    def by_task(self, values: torch.Tensor) -> torch.Tensor:
        """Sums over the blocks of each task: (n_blocks, *) -> (n_tasks, *)."""
        if self.task is None:
            return values
        return values.new_zeros(self.n_tasks, *values.shape[1:]).index_add(0, self.task, values)

    def of_task(self, values: torch.Tensor) -> torch.Tensor:
        """What belongs to the task of each block: (n_tasks or 1, *) -> (n_blocks or 1, *)."""
        return values if self.task is None or len(values) == 1 else values[self.task]

    def batches(self, rows: list[torch.Tensor]) -> Iterator[TaskTensors]:
        """One batch after another, its weights again summing to 1 per task.

        Args:
            rows: a list of index tensors (n_blocks, n_batch).
        """
        for index in rows:
            weight = self.weight.gather(1, index)
            total = self.by_task(weight.sum(1)).clamp_(min=1e-12)
            weight /= self.of_task(total).unsqueeze(1)
            columns = index.unsqueeze(1).expand(-1, self.n_classes, -1)
            y = self.y.gather(1, index)
            onehot = self.onehot.gather(2, columns)
            yield TaskTensors(
                take(self.x, index), y, weight, self.n_classes, self.task_names, onehot
            )

    def take(self, index: torch.Tensor) -> TaskTensors:
        """The batch of rows ``index`` (n_blocks, n_batch)."""
        return next(self.batches([index]))

    def to(self, device: Any = None, dtype: torch.dtype | None = None) -> TaskTensors:
        """The same examples on another device or in another precision."""
        x, weight, onehot = (
            part.to(device=device, dtype=dtype) for part in (self.x, self.weight, self.onehot)
        )
        y = self.y.to(device=device)
        return TaskTensors(x, y, weight, self.n_classes, self.task_names, onehot)


def as_tensors(model: Any, data: Any, class_weight: Any = None) -> TaskTensors:
    """Stacked ``data`` on the model's device, in its precision; refuses what does not fit it.

    Args:
        model: a `RAG`.
        data: `MultiTaskDataset`, a part of one (``torch.utils.data.Subset``), or `TaskTensors`.
        class_weight: as in ``dataset.stacked``; `TaskTensors` already carry theirs.
    """
    check_linear(model)
    if isinstance(data, torch.utils.data.Subset):  # as random_split makes them
        whole: Any = data.dataset
        data = whole.subset(data.indices)
    if isinstance(data, TaskTensors) and class_weight is not None:
        raise refuse(
            expected="a MultiTaskDataset, since class weights are given",
            got="TaskTensors, whose examples are weighted already",
            fix="pass the dataset itself, or weight it with dataset.stacked(class_weight=...)",
        )
    if not isinstance(data, TaskTensors):
        if not has(data, "stacked"):
            raise refuse(
                expected="a MultiTaskDataset (or its stacked form)",
                got=f"{type(data).__name__}",
                fix="build MultiTaskDataset(texts, labels, num_classes, tasks), or "
                ".from_frame(frame), and the model for its words: RAG(data.n_features, "
                "data.n_classes, ...); new texts, by the same words: from_frame(frame, like=train)",
            )
        data.agree(model)
        data = data.stacked(class_weight, model.shared.dtype)
    check_same_shape(model, data)
    return data.to(device=model.shared.device, dtype=model.shared.dtype)
