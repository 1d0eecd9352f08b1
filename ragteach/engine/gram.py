"""The kernel K as a matrix, for few documents: with it a product does not go through the words.

Enters: a `Problem`.  Leaves: `Gram`, whose `product` is z = K e.

    K[ti, uj] = (1 / lam_s + (GG')[t,u] / lam) x_ti' x_uj

Two matrices are kept, one for each penalty, so that all replicas share them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ragteach.engine.objective import Problem
from ragteach.linear import gram

GRAM_DOCS = 2048  # up to so many documents in all K is kept as a matrix (measured)


def pays(problem: Problem) -> bool:
    """Whether K as a matrix is quicker than the way through the words (measured)."""
    tensors = problem.tensors
    n_docs = tensors.y.numel()
    if tensors.n_features > 8 * n_docs:  # very wide
        return n_docs <= 2 * GRAM_DOCS
    dense = isinstance(tensors.x, Tensor)
    return n_docs <= (GRAM_DOCS if dense else GRAM_DOCS // 2)


class Gram:
    """The two parts of K: x_ti' x_uj, and (GG')[t,u] x_ti' x_uj; None for a part that is frozen."""

    def __init__(self, problem: Problem) -> None:
        inner = gram(problem.tensors.x)  # (n_tasks n_docs, n_tasks n_docs)
        used = problem.graph * problem.adapters_move.flatten()
        used = problem.tensors.of_task(used)  # (n_blocks, n_adapters)
        together = used.new_ones(len(problem.tensors.y), len(problem.tensors.y))
        self.shared = _kernel(inner, together) if problem.shared_moves else None
        self.adapters = _kernel(inner, used @ used.mT) if bool(used.any()) else None

    def product(self, e: Tensor, variance_shared: Tensor, variance: Tensor) -> Tensor:
        """z = K e, both (n_tasks, R, n_classes, n_docs).

        Args:
            variance_shared, variance: (R,), 1 / lam_s and 1 / lam.
        """
        n_tasks, n_replicas, n_classes, n_docs = e.shape
        rows = e.permute(1, 2, 0, 3).reshape(n_replicas, n_classes, n_tasks * n_docs)
        z = torch.zeros_like(rows)
        for matrix, s2 in ((self.shared, variance_shared), (self.adapters, variance)):
            if matrix is not None:
                z.addcmul_(_times(rows, matrix), s2[:, None, None])
        return z.view(n_replicas, n_classes, n_tasks, n_docs).permute(2, 0, 1, 3)


def _kernel(inner: Tensor, covariance: Tensor) -> Tensor:
    """Inner products times the covariance of their tasks: (1, n, n), or one block a task,
    (n_tasks, n_docs, n_docs), if no task knows of another.
    """
    n_tasks = len(covariance)
    n_docs = len(inner) // n_tasks
    blocks = inner.view(n_tasks, n_docs, n_tasks, n_docs)
    if n_tasks > 1 and torch.equal(covariance, covariance.diag().diag()):
        own = blocks.diagonal(dim1=0, dim2=2).permute(2, 0, 1)  # (n_tasks, n_docs, n_docs)
        return (own * covariance.diag()[:, None, None]).contiguous()
    return (blocks * covariance[:, None, :, None]).view(1, *inner.shape)


def _times(rows: Tensor, matrix: Tensor) -> Tensor:
    """(R, n_classes, n) times K: all tasks together, or each apart."""
    n_replicas, n_classes, n = rows.shape
    apart = rows.view(n_replicas * n_classes, len(matrix), -1).transpose(0, 1)
    return (apart @ matrix).transpose(0, 1).reshape(n_replicas, n_classes, n)
