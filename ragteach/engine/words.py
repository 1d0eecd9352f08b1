"""The kernel K by way of the words that are there, for sparse documents of many tasks.

Enters: a `Problem` of sparse documents.  Leaves: `Words`, whose `product` is z = K e.

    K = 1/lam_s X X' + 1/lam M M'        X  (n_docs, n_words)             the documents
                                         M  (n_docs, n_adapters n_words)  row i of task t has the
                                            numbers G[t,k] x_i among the words of every adapter k

Weights have a number for every word of every adapter, and most of them are words that none of its
documents holds. M leaves those columns out: a product costs by the words of the documents, not by
adapters times words.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from ragteach.data.documents import BlockSparse
from ragteach.engine.gram import PASSES
from ragteach.engine.objective import Problem


def pays(problem: Problem) -> bool:
    """Whether the documents are sparse, and M holds less than there are weights to pass over."""
    x = problem.tensors.x
    if not isinstance(x, BlockSparse):
        return False
    through_weights = PASSES * x.shape[2] * (1 + len(problem.adapters_move))
    return _adapters_of(problem)[1].sum() < through_weights


class Words:
    """X and M of the documents, not of padding; None where the part is frozen."""

    def __init__(self, problem: Problem) -> None:
        x = problem.tensors.x
        self.there = (problem.tensors.weight > 0).flatten().nonzero().flatten()
        matrix = x.matrix[self.there.cpu().numpy()].astype("float64")
        used, served = _adapters_of(problem)
        self.shared = _only_columns_there(matrix, x) if problem.shared_moves else None
        self.adapters = _only_columns_there(_routed(matrix, used), x) if served.sum() else None

    def product(self, e: Tensor, variance_shared: Tensor, variance: Tensor) -> Tensor:
        """z = K e, both (n_blocks, R, n_classes, n_docs).

        Args:
            variance_shared, variance: (R,), 1 / lam_s and 1 / lam.
        """
        n_blocks, n_replicas, n_classes, n_docs = e.shape
        whole = e.permute(0, 3, 1, 2).reshape(n_blocks * n_docs, -1)  # (rows, R n_classes)
        rows = whole[self.there]
        z = torch.zeros_like(rows)
        for part, s2 in ((self.shared, variance_shared), (self.adapters, variance)):
            if part is not None:
                z += part.times(part.back(rows)) * s2.repeat_interleave(n_classes)
        z = torch.zeros_like(whole).index_copy_(0, self.there, z)
        return z.view(n_blocks, n_docs, n_replicas, n_classes).permute(0, 2, 3, 1)


def _adapters_of(problem: Problem) -> tuple[sp.csr_matrix, np.ndarray]:
    """For each document G's row of its task, (n_docs, n_adapters), of the adapters that move; and
    how many numbers of M its row of M is.
    """
    tensors = problem.tensors
    n_docs = tensors.y.shape[1]
    graph = sp.csr_matrix((problem.graph * problem.adapters_move.flatten()).cpu().numpy())
    n_blocks = len(tensors.y)
    task = np.arange(n_blocks) if tensors.task is None else tensors.task.cpu().numpy()
    there = (tensors.weight > 0).flatten().cpu().numpy()
    whose = np.repeat(task, n_docs)[there]
    words = np.diff(tensors.x.matrix.indptr)[there]
    return graph[whose], words * np.diff(graph.indptr)[whose]


def _routed(matrix: sp.csr_matrix, used: sp.csr_matrix) -> sp.csr_matrix:
    """M: every number of a document once for each adapter of its row of ``used``."""
    numbers = matrix.tocoo()
    counts = np.diff(used.indptr)[numbers.row]  # of adapters, for each number
    entry = np.repeat(np.arange(numbers.nnz), counts)
    first = np.repeat(used.indptr[numbers.row], counts)
    nth = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts)
    column = used.indices[first + nth].astype(np.int64) * matrix.shape[1] + numbers.col[entry]
    values = used.data[first + nth] * numbers.data[entry]
    shape = (matrix.shape[0], used.shape[1] * matrix.shape[1])
    return sp.csr_matrix((values, (numbers.row[entry], column)), shape=shape)


def _only_columns_there(matrix: sp.csr_matrix, x: BlockSparse) -> BlockSparse:
    """The same products with the transpose and back, without empty columns."""
    found, indices = np.unique(matrix.indices, return_inverse=True)
    shape = (matrix.shape[0], len(found))
    matrix = sp.csr_matrix((matrix.data, indices, matrix.indptr), shape=shape)
    return BlockSparse(matrix, max(1, shape[0]), 1, dtype=torch.float64, device=x.device)
