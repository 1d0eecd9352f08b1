"""Examples in any order, stacked by task: the one place where documents are copied into blocks.

Enters: features, and for each example its document, class, task and weight.  Leaves: `TaskTensors`.

A task of n_t examples takes ceil(n_t / n_rows) blocks of n_rows rows. With n_rows the largest n_t,
block t is task t. With n_rows the mean, at most half of the rows are padding. Sparse padding is an
empty row, but its label, weight and logits are there all the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ragteach.data.documents import Blocks, BlockSparse
from ragteach.data.weighting import weights_of_classes
from ragteach.errors import refuse
from ragteach.ground.memory import fits_memory
from ragteach.tensors import TaskTensors

# up to so much one block a task; above, padding at most doubles the data. Of sparse documents only
# labels and weights are padded, yet every vector of a search for the optimum is padded as they are
PADDED_BYTES = 64 * 2**20
PADDED_SPARSE = 2 * 2**20


def stack_rows(
    x: Any,
    y: torch.Tensor,
    task: torch.Tensor,
    weight: torch.Tensor,
    n_classes: int,
    task_names: list[str],
    doc: torch.Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    n_rows: int | None = None,
) -> TaskTensors:
    """Examples in any order, stacked by task.

    Args:
        x: (n_docs, n_features) tensor or scipy CSR.
        y, task: (n_examples,) long tensors. A task without an example has no block.
        weight: (n_examples,) what each counts; made to sum to 1 in each task.
        doc: (n_examples,) row of x of each example. Default: one example a row, in its order.
        n_rows: rows of a block. Default: the largest task's; or, where that would be above 64 MB
            and mostly padding, the mean.

    Raises:
        RagteachError: it would not fit into this computer's memory.
    """
    n_tasks = len(task_names)
    sizes = task.bincount(minlength=len(task_names))
    dense = isinstance(x, torch.Tensor)
    bytes_per_row = dtype.itemsize * (2 + 2 * n_classes + x.shape[1] * dense) + 8
    largest = int(sizes.max())
    total = len(y)
    if n_rows is None:
        most = PADDED_BYTES if dense else PADDED_SPARSE
        wasteful = n_tasks * largest > max(2 * total, most // bytes_per_row)
        n_rows = -(-total // n_tasks) if wasteful else largest
    n_blocks = (sizes + n_rows - 1) // n_rows  # (n_tasks,)
    shape = (int(n_blocks.sum()), n_rows)
    fits_memory(
        f"{total} examples of {n_tasks} tasks, stacked ({shape[0]} x {n_rows} rows, "
        f"{x.shape[1]} features, {n_classes} classes)",
        shape[0] * n_rows * bytes_per_row,
        "fewer examples or features, or a stream of batches: fit(model, DataLoader(...))",
    )
    order = task.argsort(stable=True)
    task = task[order]
    doc = order if doc is None else doc[order]
    first = (n_blocks.cumsum(0) - n_blocks) * n_rows - (sizes.cumsum(0) - sizes)
    place = first[task] + torch.arange(total)  # of each example among the rows of all blocks
    weight = weight[order].double()
    sums = weight.new_zeros(n_tasks).index_add_(0, task, weight)
    flat_y = torch.zeros(shape).long().flatten()
    flat_weight = torch.zeros(shape, dtype=dtype)
    flat_y[place] = y[order]
    flat_weight.view(-1)[place] = (weight / sums[task]).to(dtype)
    whose = None
    if shape[0] > n_tasks or not bool(n_blocks.all()):
        whose = torch.arange(n_tasks).repeat_interleave(n_blocks)
    if not dense:
        rows = x[doc.numpy()]
        counts = np.zeros(shape[0] * n_rows, dtype=rows.indptr.dtype)
        counts[place.numpy()] = np.diff(rows.indptr)
        indptr = np.concatenate([counts[:1] * 0, np.cumsum(counts, dtype=counts.dtype)])
        rows = type(rows)((rows.data, rows.indices, indptr), shape=(len(counts), x.shape[1]))
        x = BlockSparse(rows, n_rows, n_tasks, whose, dtype=dtype)
    else:
        rows = torch.zeros(shape[0] * n_rows, x.shape[1], dtype=dtype)
        filled = sizes[sizes > 0].tolist()
        for where, here in zip(place.split(filled), doc.split(filled), strict=True):
            rows[where[0] : where[0] + len(where)] = x[here].to(dtype)
        rows = rows.view(*shape, -1)
        x = rows if whose is None else Blocks(rows, whose, n_tasks)
    return TaskTensors(x, flat_y.view(shape), flat_weight, n_classes, list(task_names))


def stack_examples(
    data: Any, class_weight: Any = None, dtype: torch.dtype = torch.float32
) -> TaskTensors:
    """The examples of a `MultiTaskDataset`, task by task; what ``dataset.stacked()`` calls."""
    for name, size in zip(data.task_names, data.sizes.tolist(), strict=True):
        if size == 0:
            raise refuse(
                expected="at least one labelled example in every task",
                got=f"task {name!r} with none",
                fix="if its name is mistyped, correct it; else leave its rows out (or its name out "
                "of task_names), or add labelled examples to it",
            )
    weight = torch.ones(len(data.y))
    if class_weight is not None:
        for t in range(data.n_tasks):
            here = data.task == t
            weight[here] = weights_of_classes(class_weight, data.y[here], data.n_classes)[
                data.y[here]
            ]
    names = data.task_names
    doc = data.doc
    return stack_rows(data.x, data.y, data.task, weight, data.n_classes, names, doc, dtype)
