"""One product for all tasks: dense and sparse give the numbers a loop gives."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from ragteach.linear import BlockSparse, back_project, project


def stacked(dtype=torch.float64, sizes=(5, 3, 4), n_features=7):
    blocks = [
        sp.random(n, n_features, 0.4, format="csr", rng=np.random.default_rng(n), dtype=np.float64)
        for n in sizes
    ]
    dense = torch.zeros(len(sizes), max(sizes), n_features, dtype=dtype)
    for t, block in enumerate(blocks):
        dense[t, : block.shape[0]] = torch.from_numpy(block.toarray())
    return dense, BlockSparse.build(blocks, max(sizes), dtype)


@pytest.mark.parametrize("star", [(), (4,), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dense_and_sparse_equal_a_loop_over_tasks(star, dtype):
    dense, sparse = stacked(dtype)
    weights = torch.randn(3, *star, 2, 7, dtype=dtype)
    errors = torch.randn(3, *star, 2, 5, dtype=dtype)
    there = torch.stack([w @ x.T for w, x in zip(weights, dense, strict=True)])
    back = torch.stack([e @ x for e, x in zip(errors, dense, strict=True)])
    for x in (dense, sparse):
        assert project(weights, x).shape == (3, *star, 2, 5)
        torch.testing.assert_close(project(weights, x), there)
        torch.testing.assert_close(back_project(errors, x), back)


def test_back_project_is_the_transpose_of_project():
    """<E, W x'> = <E x, W>, the definition of a transpose."""
    for x in stacked():
        weights, errors = (torch.randn(3, 4, 2, n, dtype=torch.float64) for n in (7, 5))
        left, right = (
            (errors * project(weights, x)).sum(),
            (back_project(errors, x) * weights).sum(),
        )
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize("which", [0, 1])
def test_gradient_of_project(which):
    x = stacked()[which]
    weights = torch.randn(3, 2, 2, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: project(w, x), weights)


def test_sparse_batches_and_precision():
    dense, sparse = stacked()
    index = torch.tensor([[4, 0], [0, 1], [3, 3]])
    rows = torch.stack([d[i] for d, i in zip(dense, index, strict=True)])
    assert torch.equal(sparse.take(index), rows)
    single = sparse.to(dtype=torch.float32)
    assert single.shape == sparse.shape and single.take(index).dtype == torch.float32
    weights = torch.randn(3, 2, 7)
    torch.testing.assert_close(project(weights, single), project(weights, dense.float()))
