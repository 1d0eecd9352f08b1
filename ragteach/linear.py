"""One product for all tasks: ``W_t x`` and its transpose, dense or sparse.

Enters: weights (n_tasks, *, n_classes, n_features) and stacked documents x (n_tasks, n_docs,
    n_features).
Leaves: (n_tasks, *, n_classes, n_docs). The star is an optional replica axis; it rides along in the
same matrix product. Weights are kept as (class, feature) and documents as columns, so that both
products run on contiguous memory.
"""

from __future__ import annotations

import warnings

import torch


class BlockSparse:
    """Sparse ``x`` for wide vocabularies: one matrix with a block of columns for each task.

    Row (t, i) holds document i of task t in the columns of block t (the same trick as Daume's
    feature augmentation), so a single sparse product serves all tasks and nothing dense of size
    n_docs x n_features is ever made.
    """

    def __init__(self, rows, columns, shape, blocks):
        self.rows, self.columns, self.shape, self.blocks = rows, columns, torch.Size(shape), blocks

    @classmethod
    def build(cls, blocks, n_docs, dtype):
        """Put scipy CSR ``blocks`` (one per task) on a diagonal, each padded to ``n_docs`` rows."""
        import scipy.sparse as sp  # noqa: PLC0415  (whoever has sparse documents has scipy)

        n_features = blocks[0].shape[1]
        padded = []
        for block in blocks:
            missing = sp.csr_matrix((n_docs - block.shape[0], n_features), dtype=block.dtype)
            padded.append(sp.vstack([block, missing]))
        matrix = sp.block_diag(padded, format="csr")  # (n_tasks n_docs, n_tasks n_features)
        shape = (len(blocks), n_docs, n_features)
        return cls(_torch_csr(matrix, dtype), _torch_csr(matrix.T.tocsr(), dtype), shape, padded)

    def to(self, device=None, dtype=None):
        rows, columns = (m.to(device=device, dtype=dtype) for m in (self.rows, self.columns))
        return BlockSparse(rows, columns, self.shape, self.blocks)

    def take(self, index):
        """Rows ``index`` (n_tasks, n_batch) of each task, made dense: (n_tasks, n_batch,
        n_features).
        """
        index = index.cpu().numpy()
        dense = [torch.from_numpy(b[i].toarray()) for b, i in zip(self.blocks, index, strict=True)]
        return torch.stack(dense).to(self.rows)


class _SparseProject(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weights, x):
        ctx.x = x
        n_tasks, n_docs, n_features = x.shape
        flat = weights.flatten(1, -2).mT  # (n_tasks, n_features, * n_classes)
        flat = flat.reshape(n_tasks * n_features, -1)
        out = x.rows @ flat  # (n_tasks n_docs, * n_classes)
        return out.view(n_tasks, n_docs, -1).mT.contiguous().view(*weights.shape[:-1], n_docs)

    @staticmethod
    def backward(ctx, grad):
        return back_project(grad, ctx.x), None


def project(weights, x, bias=None):
    """``W_t x + b_t`` for every task at once.

    Args:
        weights: (n_tasks, *, n_classes, n_features); a replica axis may stand where the star is.
        x: (n_tasks, n_docs, n_features) tensor or `BlockSparse`.
        bias: (n_tasks or 1, *, n_classes), or None.

    Returns:
        (n_tasks, *, n_classes, n_docs)
    """
    if isinstance(x, BlockSparse):
        logits = _SparseProject.apply(weights, x)
        return logits if bias is None else logits + bias.unsqueeze(-1)
    flat = weights.flatten(
        1, -2
    )  # (n_tasks, * n_classes, n_features): the replicas in the same product
    if bias is None:
        logits = torch.bmm(flat, x.mT)
    else:
        logits = torch.baddbmm(bias.flatten(1).unsqueeze(-1), flat, x.mT)
    return logits if weights.ndim == 3 else logits.view(*weights.shape[:-1], x.shape[1])


def back_project(residual, x):
    """The transpose of `project`: (n_tasks, *, n_classes, n_docs) -> (n_tasks, *, n_classes,
    n_features).
    """
    if isinstance(x, BlockSparse):
        n_tasks, n_docs, n_features = x.shape
        flat = residual.flatten(1, -2).mT.reshape(
            n_tasks * n_docs, -1
        )  # (n_tasks n_docs, * n_classes)
        out = (x.columns @ flat).view(n_tasks, n_features, -1)
        return out.mT.contiguous().view(*residual.shape[:-1], n_features)
    return torch.bmm(residual.flatten(1, -2), x).view(*residual.shape[:-1], x.shape[2])


def gram(x):
    """Inner products of all documents of all tasks: (n_tasks n_docs, n_tasks n_docs), float64."""
    if isinstance(x, BlockSparse):
        import scipy.sparse as sp  # noqa: PLC0415

        rows = sp.vstack(x.blocks, format="csr").astype("float64")
        return torch.from_numpy((rows @ rows.T).toarray()).to(x.rows.device)
    rows = x.flatten(0, 1).double()
    return rows @ rows.mT


def _torch_csr(matrix, dtype):
    parts = [torch.from_numpy(a.astype("int64")) for a in (matrix.indptr, matrix.indices)]
    values = torch.from_numpy(matrix.data).to(dtype)
    with (
        warnings.catch_warnings()
    ):  # torch calls its CSR layout a beta; our tests hold what we use of it
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(*parts, values, matrix.shape, check_invariants=False)
