"""The kernel K as a matrix, for few documents: with it a product does not go through the words.

Enters: a `Problem`.  Leaves: `Gram`, whose `product` is z = K e.

    K[ti, uj] = (1 / lam_s + (GG')[t,u] / lam) x_ti' x_uj

Two matrices are kept, one for each penalty, so that all replicas share them. K between the
documents and others gives the others' logits: so the weights, of which there are many where tasks
are, need never be made for a penalty that is not chosen.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ragteach.data.documents import Blocks, BlockSparse
from ragteach.engine.objective import Problem
from ragteach.linear import Documents
from ragteach.tensors import TaskTensors

GRAM_DOCS = 2048  # up to so many documents in all K is kept as a matrix (measured)
PASSES = 8  # over all weights, that a product through the words takes


def pays(problem: Problem) -> bool:
    """Whether K as a matrix is quicker than the way through the words (measured)."""
    tensors = problem.tensors
    n_docs = tensors.y.numel()
    if n_docs > 2 * GRAM_DOCS:
        return False
    if tensors.n_features > 8 * n_docs:  # very wide
        return True
    dense = isinstance(tensors.x, Tensor)
    if n_docs <= (GRAM_DOCS if dense else GRAM_DOCS // 2):
        return True
    n_vectors = len(problem.lam) * tensors.n_classes  # that go through K at once
    if n_vectors <= tensors.n_features // 8:  # too few to be worth making K
        return False
    through_words = 2 * n_docs * tensors.n_features if dense else 0
    through_weights = PASSES * tensors.n_features * (1 + len(problem.adapters_move))
    return n_docs**2 <= through_words + through_weights


class Gram:
    """The two parts of K: x_ti' x_uj, and (GG')[t,u] x_ti' x_uj; None for a part that is frozen."""

    def __init__(self, problem: Problem) -> None:
        inner = inner_products(
            problem.tensors.x, problem.tensors.x
        )  # (n_tasks n_docs, n_tasks n_docs)
        used = problem.tensors.of_task(_used(problem))  # (n_blocks, n_adapters)
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
    apart = rows.reshape(n_replicas * n_classes, len(matrix), -1).transpose(0, 1)
    return (apart @ matrix).transpose(0, 1).reshape(n_replicas, n_classes, n)


def product_across(
    problem: Problem, others: TaskTensors, e: Tensor, variance_shared: Tensor, variance: Tensor
) -> Tensor:
    """Logits of other documents: K between them and those of the problem, times e.

    Args:
        others: of the same tasks and features.
        e: (n_blocks, R, n_classes, n_docs) of the problem's documents.
        variance_shared, variance: (R,), 1 / lam_s and 1 / lam.

    Returns:
        (n_blocks, R, n_classes, n_docs) of the others; with what the frozen parts say.
    """
    inner = inner_products(others.x, problem.tensors.x)  # (all others, all documents)
    used = _used(problem)
    theirs, ours = others.of_task(used), problem.tensors.of_task(used)
    covariance = theirs @ ours.mT  # (blocks of the others, blocks)
    n_blocks, n_docs = others.y.shape
    rows = e.permute(1, 2, 0, 3).flatten(2)  # (R, n_classes, all documents)
    z = rows.new_zeros(*rows.shape[:2], len(inner))
    if problem.shared_moves:
        z.addcmul_(rows @ inner.mT, variance_shared[:, None, None])
    if bool(used.any()):
        blocks = inner.view(n_blocks, n_docs, len(ours), -1)
        routed = (blocks * covariance[:, None, :, None]).view_as(inner)
        z.addcmul_(rows @ routed.mT, variance[:, None, None])
    z = z.view(*z.shape[:2], n_blocks, n_docs).permute(2, 0, 1, 3)
    return z + problem.fixed_logits(others)


def inner_products(x: Documents, others: Documents) -> Tensor:
    """Inner products of all documents of all blocks with all others: (n_blocks n_docs, the
    others'), float64.
    """
    if isinstance(x, BlockSparse) and isinstance(others, BlockSparse):
        product = x.matrix.astype("float64") @ others.matrix.astype("float64").T
        return torch.from_numpy(product.toarray()).to(x.device)
    return _flat(x) @ _flat(others).mT


def _flat(x: Documents) -> Tensor:
    if isinstance(x, BlockSparse):
        return torch.from_numpy(x.matrix.astype("float64").toarray()).to(x.device)
    rows = x.rows if isinstance(x, Blocks) else x
    return rows.flatten(0, 1).double()


def _used(problem: Problem) -> Tensor:
    """Which adapters that move serve which task: (n_tasks, n_adapters)."""
    return problem.graph * problem.adapters_move.flatten()
