"""Documents stacked in blocks, dense or sparse: what ``W_t x`` is a product with.

Enters: documents of several tasks; a block holds documents of one.  Leaves: x of shape (n_blocks,
    n_docs, n_features): a plain tensor where block t is task t, else `Blocks`, or `BlockSparse`.

`ragteach.linear` holds the products.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import torch

from ragteach.errors import refuse, shown
from ragteach.ground.objects import attribute, has, readable


class Blocks:
    """Dense ``x`` of tasks so unequal that a large one is cut into several blocks.

    Args:
        rows: (n_blocks, n_docs, n_features), zero rows where a block is not full.
        task: (n_blocks,) whose documents a block holds.
        n_tasks: how many tasks there are.
    """

    words = None

    def __init__(self, rows: torch.Tensor, task: torch.Tensor, n_tasks: int):
        self.rows, self.task, self.n_tasks, self.shape = rows, task, n_tasks, rows.shape

    def to(
        self, device: str | torch.device | None = None, dtype: torch.dtype | None = None
    ) -> Blocks:
        """The same documents on another device or in another precision."""
        rows = self.rows.to(device=device, dtype=dtype)
        return Blocks(rows, self.task.to(rows.device), self.n_tasks)


class BlockSparse:
    """Sparse ``x`` for wide vocabularies: one matrix with a block of columns for each task.

    Row (b, i) holds document i of block b in the columns of its task (the same trick as Daume's
    feature augmentation), so a single sparse product serves all tasks and nothing dense of size
    n_docs x n_features is ever made.

    Args:
        matrix: scipy CSR (n_blocks n_docs, n_words): the documents, empty rows where padded.
        n_docs: rows of a block.
        n_tasks, task: as in `Blocks`. Without ``task``, block t is task t.
        words: (n_words,) which features the columns are. None: all of them.
        dtype, device: of the products.
    """

    def __init__(
        self,
        matrix: Any,
        n_docs: int,
        n_tasks: int,
        task: torch.Tensor | None = None,
        words: torch.Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ):
        self.matrix, self.n_tasks, self.task, self.words = matrix, n_tasks, task, words
        self.shape = torch.Size([matrix.shape[0] // n_docs, n_docs, matrix.shape[1]])
        self.dtype, self.device = dtype, torch.device(device)

    @functools.cached_property
    def rows(self) -> torch.Tensor:
        """The matrix of `project`: torch CSR (n_blocks n_docs, n_tasks n_words)."""
        return _torch_csr(self._wide(), self)

    @functools.cached_property
    def columns(self) -> torch.Tensor:
        """Its transpose, the matrix of `back_project`."""
        return _torch_csr(self._wide().T.tocsr(), self)

    def times(self, flat: torch.Tensor) -> torch.Tensor:
        """The product with weights (n_tasks n_words, k): (n_blocks n_docs, k)."""
        if self._kept():
            return self.rows @ flat
        return torch.from_numpy(self._batch(flat) @ flat.detach().numpy())

    def back(self, flat: torch.Tensor) -> torch.Tensor:
        """The product with the transpose: (n_blocks n_docs, k) -> (n_tasks n_words, k)."""
        if self._kept():
            return self.columns @ flat
        return torch.from_numpy(self._batch(flat).T @ flat.detach().numpy())

    def _kept(self) -> bool:
        """A batch (its words only) is used once: torch's own form of it, and that of its transpose,
        would cost more than the products.
        """
        batch = self.words is not None and self.device.type == "cpu"
        return not batch or self.dtype not in (torch.float32, torch.float64)

    def _batch(self, flat: torch.Tensor) -> Any:
        return self._wide_once.astype(flat.detach().numpy().dtype, copy=False)

    @functools.cached_property
    def _wide_once(self) -> Any:
        return self._wide()

    def _wide(self) -> Any:
        n_blocks, n_docs, n_words = self.shape
        task = np.arange(n_blocks) if self.task is None else self.task.cpu().numpy()
        per_block = np.diff(self.matrix.indptr[::n_docs])  # stored numbers
        indices = self.matrix.indices + np.repeat(task * n_words, per_block)
        shape = (n_blocks * n_docs, self.n_tasks * n_words)
        return type(self.matrix)((self.matrix.data, indices, self.matrix.indptr), shape=shape)

    def to(
        self, device: str | torch.device | None = None, dtype: torch.dtype | None = None
    ) -> BlockSparse:
        """The same documents on another device or in another precision."""
        device = torch.device(device or self.device)
        dtype = dtype or self.dtype
        if (device, dtype) == (self.device, self.dtype):
            return self
        task, words = (None if v is None else v.to(device) for v in (self.task, self.words))
        n_docs = self.shape[1]
        return BlockSparse(self.matrix, n_docs, self.n_tasks, task, words, dtype, device)

    def only_words_there(self) -> BlockSparse:
        """The same documents, with columns for the words they hold only."""
        indices = self.matrix.indices
        there = np.zeros(self.shape[2], dtype=bool)
        there[indices] = True
        found = np.flatnonzero(there)
        place = np.empty(self.shape[2], dtype=indices.dtype)
        place[found] = np.arange(len(found), dtype=indices.dtype)
        parts = (self.matrix.data, place[indices], self.matrix.indptr)
        words = torch.from_numpy(found).to(self.device)
        matrix = type(self.matrix)(parts, shape=(self.matrix.shape[0], len(words)))
        words = words if self.words is None else self.words[words]
        n_docs = self.shape[1]
        task = self.task
        return BlockSparse(matrix, n_docs, self.n_tasks, task, words, self.dtype, self.device)


def take(x: Any, index: torch.Tensor) -> Any:
    """Rows ``index`` (n_blocks, n_batch) of each block; of sparse x with the words they hold
    only.
    """
    n_blocks, n_docs, n_features = x.shape
    first = torch.arange(0, n_blocks * n_docs, n_docs, device=index.device).unsqueeze(1)
    rows = (first + index).flatten()
    if isinstance(x, BlockSparse):
        matrix = x.matrix[rows.cpu().numpy()]
        n_batch = index.shape[1]
        batch = BlockSparse(matrix, n_batch, x.n_tasks, x.task, x.words, x.dtype, x.device)
        return batch.only_words_there()
    if isinstance(x, Blocks):
        return Blocks(take(x.rows, index), x.task, x.n_tasks)
    # Whole rows of a flat x: several times faster than x[each, index].
    return x.flatten(0, 1).index_select(0, rows).view(n_blocks, -1, n_features)


class _Columns(torch.autograd.Function):
    """Some columns, and (if asked for) ||weights||^2. In a mini-batch the passes over all weights
    are what costs, and here both gradients are made in one.
    """

    @staticmethod
    def forward(
        ctx: Any, weights: torch.Tensor, words: torch.Tensor | None, squared: bool
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        ctx.save_for_backward(weights, words)
        ctx.set_materialize_grads(False)
        flat = weights.flatten()
        columns = None if words is None else weights.index_select(1, words)
        return columns, torch.dot(flat, flat) if squared else None

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor | None) -> tuple[torch.Tensor, None, None]:
        grad, of_square = grads
        weights, words = ctx.saved_tensors
        wide = torch.zeros_like(weights) if of_square is None else weights * (2 * of_square)
        if grad is not None:
            wide.scatter_add_(1, words.expand_as(grad), grad)
        return wide, None, None


def columns_of(
    weights: torch.Tensor, words: torch.Tensor, squares: list | None = None
) -> torch.Tensor:
    """The columns ``words`` of weights (n_classes, n_features); ``squares`` gets ||weights||^2."""
    columns, square = _Columns.apply(weights, words, squares is not None)
    if squares is not None:
        squares.append(square)
    return columns


def square_of(weights: torch.Tensor) -> torch.Tensor:
    """||weights||^2 in one pass over memory, and one for its gradient 2 weights."""
    return _Columns.apply(weights, None, True)[1]


def sparse_rows(
    x: Any, place: torch.Tensor, n_tasks: int, dtype: torch.dtype, device: str | torch.device
) -> BlockSparse:
    """Sparse documents (scipy or torch), each a block of one row; with the words they hold only."""
    import scipy.sparse as sp

    if isinstance(x, torch.Tensor):
        with warnings.catch_warnings():  # see _torch_csr
            warnings.simplefilter("ignore")
            x = x.to_sparse_csr().cpu()
        parts = (x.values().numpy(), x.col_indices().numpy(), x.crow_indices().numpy())
        x = sp.csr_matrix(parts, shape=tuple(x.shape))
    x = sp.csr_matrix(x)
    return BlockSparse(x, 1, n_tasks, place, None, dtype, device).only_words_there()


def _torch_csr(matrix: Any, x: BlockSparse) -> torch.Tensor:
    with warnings.catch_warnings():  # torch calls its CSR layout a beta; our tests hold our use
        warnings.simplefilter("ignore")
        parts = (torch.from_numpy(a) for a in (matrix.indptr, matrix.indices, matrix.data))
        crow, column, values = parts
        if crow.dtype != column.dtype:
            crow = crow.long()
            column = column.long()
        values = values.to(x.dtype)
        shape = matrix.shape
        csr = torch.sparse_csr_tensor(crow, column, values, shape, check_invariants=False)
        return csr.to(x.device)


def check_words(words: object, n_features: int) -> None:
    """Refuse anything but None, or a tensor of column numbers (n_words,)."""
    if words is None:
        return
    if not isinstance(words, torch.Tensor) or not _columns(words, n_features):
        raise refuse(
            expected=f"words: a tensor of column numbers 0 .. {n_features - 1}, (n_words,)",
            got=f"words = {type(words).__name__} {shown(words, 60)}",
            fix="torch.tensor([3, 17]) takes two columns of W_t; None takes all",
        )


def _columns(words: torch.Tensor, n_features: int) -> bool:
    """Whether these are numbers of columns (n_words,)."""
    if words.ndim != 1 or words.dtype not in (torch.int32, torch.int64):
        return False
    return not len(words) or 0 <= int(words.min()) <= int(words.max()) < n_features


def check_documents(x: Any, n_features: int, dtype: torch.dtype) -> None:
    """Refuse anything but features (n_docs, n_features): a tensor of this precision, or scipy's."""
    shape: tuple[int, ...] = attribute(x, "shape", ())
    kind = attribute(x, "dtype")
    tensor = isinstance(x, torch.Tensor)
    sparse = not tensor and has(x, "tocsr")
    real = np.dtype(kind).kind in "biuf" if sparse else kind == dtype
    fine = real and (sparse or (tensor and x.device.type != "meta"))
    if not fine or len(shape) != 2 or shape[1] != n_features:
        of_shape = "" if kind is None else f" of shape {tuple(shape)}, {kind}"
        of_shape += " on the device meta, without numbers" if tensor and x.is_meta else ""
        raise refuse(
            expected=f"a tensor of features of shape (n_docs, {n_features}), {dtype}",
            got=type(x).__name__ + of_shape,
            fix="turn texts into numbers with the vectoriser the model was trained with, "
            "arrays into tensors with torch.as_tensor(x, dtype=torch.float32)",
        )
    if not torch.compiler.is_compiling() and not _finite(x):
        raise refuse(
            expected="finite features x",
            got="NaN or infinity among them",
            fix="find them with torch.isfinite(x), and drop or fill those rows",
        )


def _finite(x: Any) -> bool:
    """Whether all numbers of x are finite: their sum tells at once, unless it overflows."""
    if not isinstance(x, torch.Tensor):
        return bool(np.isfinite(x.tocsr().data).all())
    values = (
        x.detach() if x.layout == torch.strided else x.detach().to_sparse_coo().coalesce().values()
    )
    return bool(values.sum().isfinite()) or bool(values.isfinite().all())


def check_numbers(task: torch.Tensor, n_docs: int | None, task_names: list[str]) -> torch.Tensor:
    """One task number for each document, (n_docs,); refuses anything else."""
    n_docs = len(task) if n_docs is None else n_docs
    whole = task.dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    bad = not whole or task.shape != (n_docs,) or not readable(task)
    if bad or (n_docs and not 0 <= int(task.min()) <= int(task.max()) < len(task_names)):
        values = list(dict.fromkeys(task.flatten().tolist()))[:8] if readable(task) else "unknown"
        raise refuse(
            expected=f"one task number in 0 .. {len(task_names) - 1} for each of {n_docs} "
            "documents",
            got=f"task of shape {tuple(task.shape)}, values {values}",
            fix=f"number the tasks as in model.task_names = {task_names}",
        )
    return task.long()
