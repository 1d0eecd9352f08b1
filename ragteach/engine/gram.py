"""The kernel K as a matrix, for few documents: with it a product does not go through the words.

Enters: a `Problem`.  Leaves: `Gram`, whose `product` is z = K e.

    K[ti, uj] = (1 / lam_s + (GG')[t,u] / lam) x_ti' x_uj

Two matrices are kept, one for each penalty, so that all replicas share them. K between the
documents and others gives the others' logits: so the weights, of which there are many where tasks
are, need never be made for a penalty that is not chosen.
"""

from __future__ import annotations

from typing import Any

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
    n_docs = int((tensors.weight > 0).sum())  # padding is left out
    if n_docs > 2 * GRAM_DOCS:
        return False
    if tensors.n_features > 8 * n_docs:  # very wide
        return True
    dense = isinstance(tensors.x, Tensor | Blocks)
    if n_docs <= (GRAM_DOCS if dense else GRAM_DOCS // 2):
        return True
    n_vectors = len(problem.lam) * tensors.n_classes  # that go through K at once
    if n_vectors <= tensors.n_features // 8:  # too few to be worth making K
        return False
    through_words = 2 * n_docs * tensors.n_features if dense else 0
    through_weights = PASSES * tensors.n_features * (1 + len(problem.adapters_move))
    return n_docs**2 <= through_words + through_weights


class Gram:
    """The two parts of K, x_ti' x_uj and (GG')[t,u] x_ti' x_uj; of documents, not of padding.

    Each is a list of (which documents, their matrix): one entry for all, or one a task where no
    task knows of another; empty for a part that is frozen.
    """

    def __init__(self, problem: Problem) -> None:
        tensors = problem.tensors
        self.there = (tensors.weight > 0).flatten().nonzero().flatten()
        self.padded = len(self.there) < tensors.y.numel()
        inner = inner_products(tensors.x, tensors.x, self.there if self.padded else None)
        self.shared = [(slice(None), inner)] if problem.shared_moves else []
        self.adapters: list[tuple[slice, Tensor]] = []
        used = _used(problem)
        covariance = used @ used.mT  # (n_tasks, n_tasks)
        if torch.equal(covariance, covariance.diag().diag()):
            ends = tensors.sizes.cumsum(0).tolist()
            for start, end, s2 in zip([0, *ends], ends, covariance.diag().tolist(), strict=False):
                own = slice(start, end)  # documents of a task lie side by side
                if s2 and end > start:
                    self.adapters.append((own, inner[own, own] * s2))
        elif bool(used.any()):
            task = torch.arange(len(used), device=used.device).repeat_interleave(tensors.sizes)
            self.adapters = [(slice(None), inner * covariance[task][:, task])]

    def product(self, e: Tensor, variance_shared: Tensor, variance: Tensor) -> Tensor:
        """z = K e, both (n_blocks, R, n_classes, n_docs).

        Args:
            variance_shared, variance: (R,), 1 / lam_s and 1 / lam.
        """
        n_blocks, n_replicas, n_classes, n_docs = e.shape
        whole = e.permute(1, 2, 0, 3).flatten(2)  # (R, n_classes, n_blocks n_docs)
        rows = whole[..., self.there] if self.padded else whole
        z = torch.zeros_like(rows)
        for parts, s2 in ((self.shared, variance_shared), (self.adapters, variance)):
            for place, matrix in parts:
                z[..., place].addcmul_(rows[..., place] @ matrix, s2[:, None, None])
        if self.padded:
            z = torch.zeros_like(whole).index_copy_(-1, self.there, z)
        return z.view(n_replicas, n_classes, n_blocks, n_docs).permute(2, 0, 1, 3)


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


def inner_products(x: Documents, others: Documents, among: Tensor | None = None) -> Tensor:
    """Inner products of all documents of all blocks with all others, float64.

    Args:
        among: of both only these, by their places among the documents of all blocks.

    Returns:
        (n_blocks n_docs, the others')
    """
    flat, theirs = _flat(x, among), _flat(others, among)
    if isinstance(flat, Tensor) or isinstance(theirs, Tensor):
        return _dense(flat) @ _dense(theirs).mT
    return torch.from_numpy((flat @ theirs.T).toarray())


def _flat(x: Documents, among: Tensor | None) -> Any:
    """(n_blocks n_docs, n_features) in float64: a tensor, or scipy's sparse matrix."""
    if isinstance(x, BlockSparse):
        matrix = x.matrix.astype("float64")
        return matrix if among is None else matrix[among.numpy()]
    rows = x.rows if isinstance(x, Blocks) else x
    rows = rows.flatten(0, 1)
    return (rows if among is None else rows[among]).double()


def _dense(rows: Any) -> Tensor:
    return rows if isinstance(rows, Tensor) else torch.from_numpy(rows.toarray())


def _used(problem: Problem) -> Tensor:
    """Which adapters that move serve which task: (n_tasks, n_adapters)."""
    return problem.graph * problem.adapters_move.flatten()
