"""One product for all tasks: dense and sparse give the numbers a loop gives."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from ragteach.data.documents import Blocks, BlockSparse, take
from ragteach.linear import back_project, project, project_rows


def stacked(dtype=torch.float64, sizes=(5, 3, 4), n_features=7):
    blocks = [
        sp.random(n, n_features, 0.4, format="csr", rng=np.random.default_rng(n), dtype=np.float64)
        for n in sizes
    ]
    dense = torch.zeros(len(sizes), max(sizes), n_features, dtype=dtype)
    for t, block in enumerate(blocks):
        dense[t, : block.shape[0]] = torch.from_numpy(block.toarray())
    padded = [sp.vstack([b, sp.csr_matrix((max(sizes) - b.shape[0], n_features))]) for b in blocks]
    matrix = sp.csr_matrix(sp.vstack(padded))
    return dense, BlockSparse(matrix, max(sizes), len(sizes), dtype=dtype)


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


def test_sparse_batches_hold_only_their_words():
    dense, sparse = stacked()
    index = torch.tensor([[4, 0], [0, 1], [3, 3]])
    rows = torch.stack([d[i] for d, i in zip(dense, index, strict=True)])
    assert torch.equal(take(dense, index), rows)
    batch = take(sparse, index)
    there = rows.flatten(0, 1).any(0).nonzero().flatten()
    assert torch.equal(batch.words, there) and batch.shape == (3, 2, len(there))
    weights = torch.randn(3, 2, 7, dtype=torch.float64)
    errors = torch.randn(3, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(project(weights[:, :, there], batch), project(weights, rows))
    torch.testing.assert_close(back_project(errors, batch), back_project(errors, rows)[:, :, there])
    again = take(batch, torch.tensor([[1], [0], [1]]))  # a batch of a batch
    torch.testing.assert_close(
        project(weights[:, :, again.words], again),
        project(weights, rows[:, [1]].index_put((torch.tensor([1]),), rows[1:2, [0]])),
    )


def test_precision_and_device_of_sparse_documents():
    dense, sparse = stacked()
    single = sparse.to(dtype=torch.float32)
    assert single.shape == sparse.shape and sparse.to() is sparse
    assert take(single, torch.zeros(3, 1, dtype=torch.long)).dtype == torch.float32
    weights = torch.randn(3, 2, 7)
    torch.testing.assert_close(project(weights, single), project(weights, dense.float()))


@pytest.mark.parametrize("star", [(), (4,)])
def test_several_blocks_of_one_task_take_its_weights_and_add_up(star):
    torch.manual_seed(0)
    rows = torch.randn(4, 3, 7, dtype=torch.float64)  # 4 blocks of 3 documents
    task = torch.tensor([0, 1, 1, 1])
    weights = torch.randn(2, *star, 5, 7, dtype=torch.float64)
    bias = torch.randn(2, *star, 5, dtype=torch.float64)
    errors = torch.randn(4, *star, 5, 3, dtype=torch.float64)
    blocks = Blocks(rows, task, 2)
    sparse = BlockSparse(sp.csr_matrix(rows.flatten(0, 1).numpy()), 3, 2, task, dtype=rows.dtype)
    there = torch.stack([w @ x.mT + b[..., None] for w, x, b in
                         zip(weights[task], rows, bias[task], strict=True)])  # fmt: skip
    each = torch.stack([e @ x for e, x in zip(errors, rows, strict=True)])
    for x in (blocks, sparse):
        torch.testing.assert_close(project(weights, x, bias), there)
        torch.testing.assert_close(
            project(weights, x, bias[:1]), there - (bias[task] - bias[:1])[..., None]
        )
        torch.testing.assert_close(back_project(errors, x), torch.stack([each[0], each[1:].sum(0)]))
        few = take(x, torch.tensor([[2], [0], [1], [2]]))
        some = weights if few.words is None else weights[..., few.words]
        torch.testing.assert_close(project(some, few)[2], weights[1] @ rows[2, [1]].mT)


def test_each_document_by_weights_of_its_own():
    torch.manual_seed(0)
    x, weights = torch.randn(6, 7), torch.randn(3, 2, 7)
    place = torch.tensor([2, 0, 2, 2, 0, 2])  # nobody takes 1
    there = torch.stack([weights[p] @ row for row, p in zip(x, place, strict=True)])
    torch.testing.assert_close(project_rows(weights, x, place), there)
