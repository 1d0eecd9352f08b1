"""One product for all tasks: ``W_t x`` and its transpose, dense or sparse.

Enters: weights (n_tasks, *, n_classes, n_features) and stacked documents x (n_blocks, n_docs,
    n_features); a block holds documents of one task.
Leaves: (n_blocks, *, n_classes, n_docs). The star is an optional replica axis; it rides along in
the same matrix product. Weights are kept as (class, feature) and documents as columns, so that both
products run on contiguous memory.

Tasks of like size have one block each: block t is task t, and dense x is a plain tensor.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ragteach.data.documents import Blocks, BlockSparse

Documents = Tensor | Blocks | BlockSparse


class _SparseProduct(torch.autograd.Function):
    """``x @ flat``, whose gradient is a product with the transpose."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, x: BlockSparse) -> Tensor:
        ctx.x = x
        return x.times(flat)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.x.back(grad.contiguous()), None


def project(weights: Tensor, x: Documents, bias: Tensor | None = None) -> Tensor:
    """``W_t x + b_t`` for every task at once.

    Args:
        weights: (n_tasks, *, n_classes, n_features); a replica axis may stand where the star is.
        x: (n_blocks, n_docs, n_features): tensor (block t is task t), `Blocks` or `BlockSparse`.
        bias: (n_tasks or 1, *, n_classes), or None.

    Returns:
        (n_blocks, *, n_classes, n_docs)
    """
    n_blocks, n_docs, _ = x.shape
    task = getattr(x, "task", None)
    if task is not None and bias is not None and len(bias) > 1:
        bias = bias[task]
    if isinstance(x, BlockSparse):
        flat = weights.flatten(1, -2).mT.flatten(0, 1)  # (n_tasks n_words, * n_classes)
        out = _SparseProduct.apply(flat, x)  # (n_blocks n_docs, * n_classes)
        logits = out.view(n_blocks, n_docs, -1).mT.contiguous()
        logits = logits.view(n_blocks, *weights.shape[1:-1], n_docs)
        return logits if bias is None else logits + bias.unsqueeze(-1)
    if isinstance(x, Blocks):
        weights = weights.index_select(0, x.task)
        x = x.rows
    flat = weights.flatten(1, -2)  # (n_blocks, * n_classes, n_features): replicas ride along
    if bias is None:
        logits = torch.bmm(flat, x.mT)
    else:
        logits = torch.baddbmm(bias.flatten(1).unsqueeze(-1), flat, x.mT)
    return logits if weights.ndim == 3 else logits.view(*weights.shape[:-1], n_docs)


def back_project(residual: Tensor, x: Documents) -> Tensor:
    """The transpose of `project`, summed over the blocks of each task, so of the weights' shape."""
    n_blocks, n_docs, n_words = x.shape
    if isinstance(x, BlockSparse):
        flat = residual.flatten(1, -2).mT.reshape(n_blocks * n_docs, -1)
        out = x.back(flat).view(x.n_tasks, n_words, -1)  # (n_tasks, n_words, * n_classes)
        return out.mT.contiguous().view(x.n_tasks, *residual.shape[1:-1], n_words)
    rows = x.rows if isinstance(x, Blocks) else x
    out = torch.bmm(residual.flatten(1, -2), rows).view(*residual.shape[:-1], n_words)
    if isinstance(x, Blocks):
        out = out.new_zeros(x.n_tasks, *out.shape[1:]).index_add_(0, x.task, out)
    return out


def project_rows(weights: Tensor, x: Tensor | BlockSparse, place: Tensor) -> Tensor:
    """``W x`` of each document by weights of its own.

    Args:
        weights: (n, n_classes, n_features).
        x: (n_docs, n_features) tensor; or `BlockSparse`, each document a block of one row.
        place: (n_docs,) which of the weights a document takes.

    Returns:
        (n_docs, n_classes)
    """
    if isinstance(x, BlockSparse):
        return project(weights, x)[..., 0]
    if len(weights) == 1:
        return x @ weights[0].mT
    order = place.argsort(stable=True)
    parts = x[order].split(place.bincount(minlength=len(weights)).tolist())
    logits = [part @ w.mT for part, w in zip(parts, weights, strict=True)]
    return torch.cat([x.new_zeros(0, weights.shape[1]), *logits])[order.argsort()]
