"""A large task cut into several blocks gives the same numbers as one block a task, everywhere."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from problems import centred, problem, same

from ragteach import RAG, MultiTaskDataset, MultiTaskLoss, evaluate, fit, solve, train_many
from ragteach.data.batches import epoch_batches
from ragteach.data.documents import Blocks, BlockSparse
from ragteach.data.stacking import stack_rows
from ragteach.engine import gram, optimum
from ragteach.engine.backward import gradients
from ragteach.engine.replicas import routing, stack
from ragteach.engine.spaces import Documents, Weights
from ragteach.study.scores import model_scores

SIZES = (23, 4, 11)
HIGH = 5  # rows of a block: 5, 1 and 3 blocks


def cut(data, n_rows=HIGH, dtype=torch.float64):
    weight = torch.linspace(0.5, 1.5, len(data))
    x = data.x.to(dtype) if isinstance(data.x, torch.Tensor) else data.x
    return stack_rows(x, data.y, data.task, weight, data.n_classes, data.task_names, data.doc,
                      dtype, n_rows)  # fmt: skip


def sparse(data):
    return MultiTaskDataset(
        sp.csr_matrix(np.pad(data.x.numpy(), ((0, 0), (0, 6000)))), data.y, 3, data.task
    )


@pytest.fixture(params=["dense", "sparse"])
def both(request):
    """The same examples in one block a task, and in several."""
    data = problem(sizes=SIZES, n_features=40)
    data = sparse(data) if request.param == "sparse" else data
    one, many = cut(data, max(SIZES)), cut(data)
    assert one.task is None and many.task.tolist() == [0, 0, 0, 0, 0, 1, 2, 2, 2]
    assert isinstance(many.x, BlockSparse if request.param == "sparse" else Blocks)
    return one, many


def model(tensors, **options):
    shape = (tensors.n_features, 3, 3)
    return RAG(*shape, tasks=tensors.task_names, scale=0.3, **options).double()


@pytest.mark.parametrize("bias", ["task", "shared", False])
def test_J_its_gradient_and_the_scores(both, bias):
    one, many = both
    assert torch.equal(one.sizes, many.sizes) and many.sizes.tolist() == list(SIZES)
    criterion = MultiTaskLoss(alpha=[1.0, 2.0, 0.5], lam=0.1, sizes=SIZES)
    a, b = model(one, bias=bias), model(one, bias=bias)
    for m, tensors in ((a, one), (b, many)):
        criterion.stacked(m, tensors).backward()
    assert torch.allclose(criterion.stacked(a, one), criterion.stacked(b, many))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert same(p.grad, q.grad, 1e-12)
    assert evaluate(a, one) == pytest.approx(evaluate(a, many))
    scores, others = model_scores(a, one), model_scores(a, many)
    assert [s[:2] for s in scores] == [s[:2] for s in others]
    assert [s[2] for s in scores] == pytest.approx([s[2] for s in others])
    replicas = stack([a], 0.1, 0.2)
    given = (torch.tensor([1.0, 2.0, 0.5]).double(), routing(a).double())
    for p, q in zip(
        gradients(replicas, one, *given), gradients(replicas, many, *given), strict=True
    ):
        assert (p is q is None) or same(p, q, 1e-12)
    assert same(replicas.losses(one), replicas.losses(many), 1e-12)
    assert same(replicas.accuracy(one), replicas.accuracy(many))
    assert same(replicas.objective(one), replicas.objective(many), 1e-12)


@pytest.mark.parametrize("bias", ["task", "shared"])
@pytest.mark.parametrize("way", ["gram", "documents", "weights"])
def test_the_optimum(both, bias, way, monkeypatch):
    one, many = both
    make = {
        "gram": lambda p: Documents(p, gram.Gram(p)),
        "documents": Documents,
        "weights": Weights,
    }
    monkeypatch.setattr(optimum, "best_space", make[way])
    found = []
    for tensors in (one, many):
        m = model(one, bias=bias)
        solution = solve(m, tensors, lam=0.1, lam_shared=0.2, tol=1e-9)
        assert solution.converged
        found.append((m, solution.objective))
    (a, first), (b, second) = found
    assert first == pytest.approx(second, abs=1e-12)
    assert same(a.task_weights(), b.task_weights(), 1e-6)
    assert same(centred(a.task_bias().unsqueeze(-1)), centred(b.task_bias().unsqueeze(-1)), 1e-6)


def test_training_of_one_and_of_many(both):
    one, many = both
    options = dict(
        epochs=10, lam=0.1, lr=0.1, progress=False, device="cpu", optimizer=torch.optim.SGD
    )
    a, b = model(one), model(one)
    fit(a, one, **options)
    fit(b, many, **options)
    assert same(a.task_weights(), b.task_weights(), 1e-12)
    runs = [train_many(model(one), t, lam=[0.1, 0.3], steps=10, seeds=[1, 2]) for t in both]
    assert same(runs[0].task_weights(), runs[1].task_weights(), 1e-9)


def test_every_example_is_in_one_batch_and_weights_sum_to_one(both):
    one, many = both
    rows = epoch_batches(many, 6, torch.Generator().manual_seed(0))
    assert len(rows) == -(-HIGH // 2)  # 6 of 23 rows: 2 of each block of 5
    seen = torch.cat(rows, 1).sort(1).values
    assert seen.equal(torch.arange(HIGH).expand(len(many.y), -1))
    total = 0
    for batch in many.batches(rows):
        sums = batch.by_task(batch.weight.sum(1))
        assert torch.allclose(sums[sums > 0], torch.ones(()).double())
        total += int((batch.weight > 0).sum())
    assert total == sum(SIZES)
    m = model(one)
    history = fit(m, many, epochs=20, batch_size=6, lr=0.05, progress=False, device="cpu")
    assert history.records[-1]["loss"] < history.records[0]["loss"]


def test_padding_is_bounded_where_it_would_be_large():
    sizes = [3000] + [20] * 199
    task = torch.arange(200).repeat_interleave(torch.tensor(sizes))
    y, x = task % 3, torch.zeros(len(task), 300)
    tensors = stack_rows(x, y, task, torch.ones(len(task)), 3, [str(t) for t in range(200)])
    assert tensors.y.numel() <= 2.1 * len(task) and torch.equal(tensors.sizes, torch.tensor(sizes))
    few = stack_rows(x[:, :2], y, task, torch.ones(len(task)), 3, [str(t) for t in range(200)])
    assert few.task is None  # 25 MB: not worth a thought
