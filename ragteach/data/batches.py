"""Batches: of data in memory, and of data that no memory holds.

Enters: `TaskTensors`; or a stream: any iterable of batches (x, y, task), such as a DataLoader over
    an IterableDataset.  Leaves: the rows of each batch; or the stream's batches, checked.

In a stream x is (n_docs, n_features), dense or sparse (scipy's or torch's), y and task are numbers
(n_docs,). scikit-learn's HashingVectorizer turns texts into such x without a vocabulary, so without
seeing all of them first.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ragteach.errors import is_list, refuse, shown
from ragteach.ground.objects import has, outside, readable
from ragteach.tensors import MISSING


class MissingTaskWarning(UserWarning):
    """A stream of batches has no example of a task."""


WHOLE = (torch.int8, torch.int16, torch.int32, torch.int64)


def is_stream(data: Any) -> bool:
    """Whether these are batches to be read one after another."""
    other = isinstance(data, str | Mapping | torch.Tensor | io.IOBase) or has(data, "columns")
    return is_list(data) and not other


def batches_of(loader: Any, model: Any = None) -> Iterator[tuple]:
    """The batches (x, y, task) of a DataLoader or another stream; refuses what makes none, and
    warns of the model's tasks that have no example in any.
    """
    if not is_stream(loader):
        raise refuse(
            expected="a DataLoader, which makes batches of (x, y, task)",
            got=f"{type(loader).__name__}",
            fix="torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)",
        )
    task_names = [] if model is None else model.task_names
    n_batches = n_full = 0
    seen: set[int] = set()
    for batch in loader:
        x, y, task = as_batch(batch)
        n_batches += 1
        if y.numel():  # a batch without a row teaches nothing
            n_full += 1
            if len(seen) < len(task_names) and task.shape == y.shape:
                seen.update(task[y != MISSING].tolist())
            yield x, y, task
    if not n_full:
        raise refuse(
            expected="a stream (such as a DataLoader) with at least one batch that has rows",
            got=f"{n_batches} batches, all empty" if n_batches else "none",
            fix="pass what can be read again and again, such as a DataLoader",
        )
    missing = [name for t, name in enumerate(task_names) if t not in seen]
    if missing:
        message = (
            f"the stream has no example of {_tasks(missing)}: what it learns is the prior's alone. "
            "Stream all tasks, or build the model of those that are there"
        )
        warnings.warn(message, MissingTaskWarning, stacklevel=outside())


def _tasks(names: list[str]) -> str:
    """Some names of tasks, the first five in full."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"task{'s' * (len(names) > 1)} {', '.join(map(repr, names[:5]))}{more}"


def as_batch(batch: Any) -> tuple:
    """A batch as (x, y, task); refuses anything else."""
    if not isinstance(batch, tuple | list) or len(batch) != 3:
        raise refuse(
            expected="a MultiTaskDataset, or batches of (x, y, task) as a DataLoader makes them",
            got=f"a batch that is a {type(batch).__name__}",
            fix="build MultiTaskDataset(texts, labels, num_classes, tasks), or .from_frame(frame); "
            "a stream yields tuples of features, class numbers and task numbers",
        )
    x, *numbers = batch
    try:
        numbers = [n if isinstance(n, torch.Tensor) else torch.tensor(n) for n in numbers]
    except (TypeError, ValueError, RuntimeError) as error:
        raise refuse(
            expected="batches of (x, y, task) as a DataLoader makes them, y and task of numbers",
            got=f"{shown(batch[1], 60)} and {shown(batch[2], 60)} ({error})",
            fix="build MultiTaskDataset(texts, labels, num_classes, tasks): it numbers labels and "
            "tasks",
        ) from error
    for name, values in zip(("x", "y", "task"), (x, *numbers), strict=True):
        if isinstance(values, torch.Tensor) and (values.is_meta or values.is_complex()):
            raise refuse(
                expected=f"batches of (x, y, task) with real numbers in {name}",
                got=f"{name} of {values.dtype} on the device {values.device}",
                fix="move them to the CPU; of complex numbers pass .real or .abs()",
            )
    return x, *(n if n.is_floating_point() else n.long() for n in numbers)


def check_batch(logits: Any, y: Any, task: Any) -> None:
    """Refuse anything but tensors: logits (n_docs, n_classes), y and task (n_docs,) of numbers."""
    said = {"logits": logits, "y": y, "task": y if task is None else task}
    tensors = all(isinstance(value, torch.Tensor) for value in said.values())
    shapes = tensors and logits.ndim == 2 and y.shape == logits.shape[:1]
    shapes = shapes and said["task"].shape == y.shape and logits.is_floating_point()
    shapes = shapes and all(readable(value) for value in said.values())
    if not shapes or any(said[name].dtype not in WHOLE for name in ("y", "task")):
        shapes_of = [f"{name} {_of_shape(value)}" for name, value in said.items()]
        raise refuse(
            expected="logits (n_docs, n_classes), and whole numbers y (n_docs,) and task (n_docs,)",
            got=", ".join(shapes_of),
            fix="y.flatten() drops a second axis, y.long() makes whole numbers",
        )


def _of_shape(value: Any) -> str:
    tensor = isinstance(value, torch.Tensor)
    return f"{tuple(value.shape)} of {value.dtype}" if tensor else shown(value, 60)


def check_numbers(logits: torch.Tensor, y: torch.Tensor, task: torch.Tensor, n_tasks: int) -> None:
    """Refuse labels or tasks that do not belong to these logits (n_docs, n_classes)."""
    for what, values, n in (("label", y[y != MISSING], logits.shape[-1]), ("task", task, n_tasks)):
        if len(values) and not 0 <= int(values.min()) <= int(values.max()) < n:
            bad = values[(values < 0) | (values >= n)][0]
            raise refuse(
                expected=f"{what} numbers 0 .. {n - 1}"
                + (f", or {MISSING}: missing" * (what == "label")),
                got=f"{what} {int(bad)}",
                fix="number them from 0, or build the model with more outputs (or tasks)",
            )


def check_stream(
    model: Any, stream: Any, criterion: Any, batch_size: int | None, epochs: int
) -> None:
    """Refuse a stream that `fit` cannot read so often; tell the criterion what it can know."""
    if batch_size is not None or (hasattr(stream, "__next__") and epochs > 1):
        raise refuse(
            expected="a stream of batches that can be read once an epoch, and no batch_size",
            got=f"{type(stream).__name__}, batch_size = {batch_size}, epochs = {epochs}",
            fix="pass DataLoader(your IterableDataset, batch_size=...), a list of batches, or an "
            "object whose __iter__ starts anew",
        )
    if criterion.sizes is None:
        if criterion.alpha == "size":
            raise refuse(
                expected='the sizes of the tasks, for alpha = "size"',
                got="a stream, which does not know them",
                fix='criterion=MultiTaskLoss(alpha="size", sizes=[...])',
            )
        criterion.set_sizes(torch.ones(model.n_tasks))  # how many is of no matter


def epoch_batches(tensors: Any, batch_size: int | None, generator: torch.Generator) -> list[Any]:
    """Rows of each batch of one epoch: a list of index tensors (n_blocks, n_batch), or ``[None]``:
    full batch.

    The examples of each task are shuffled and dealt out evenly over the batches, whatever the
    task's size.
    """
    n_docs = tensors.y.shape[1]
    largest = int(tensors.sizes.max())
    if batch_size is None or batch_size >= largest:
        return [None]
    if tensors.task is not None:  # of a block as much as makes the task's share
        batch_size = -(-n_docs * batch_size // largest)
    there = (tensors.weight > 0).cpu()  # (n_blocks, n_docs)
    order = torch.stack([torch.randperm(n_docs, generator=generator) for _ in there])
    if not bool(there.all()):  # real rows first, then padding; then both spread evenly
        shuffled = there.gather(1, order).long()
        order = order.gather(1, shuffled.argsort(stable=True, dim=1, descending=True))
        count = there.sum(1, keepdim=True)
        place = torch.arange(n_docs)
        real = (place + 0.5) / count
        padding = (place - count + 0.5) / (n_docs - count).clamp(min=1)
        spread = torch.where(place < count, real, padding)
        order = order.gather(1, spread.argsort(stable=True, dim=1))
    return list(order.to(tensors.y.device).split(int(batch_size), 1))
