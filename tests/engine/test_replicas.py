"""Many trainings at once: the written-out gradient is autograd's, and replica r is a lone run."""

import copy
import functools

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from problems import model_for, problem, refused, same

from ragteach import (
    RAG,
    DivergenceWarning,
    MultiTaskDataset,
    MultiTaskLoss,
    fit,
    gradients,
    solve,
    solve_path,
    train_many,
)
from ragteach.engine.replicas import routing, stack

template = functools.partial(model_for, scale=0.3, seed=3)


def lone(model, data, seed, lam, **options):
    """The reference: a `fit` of its own."""
    twin = copy.deepcopy(model).reset(seed)
    fit(twin, data, lam=lam, progress=False, device="cpu", **options)
    return twin


GRAPHS = [
    dict(),
    dict(graph="all", num_adapters=2),
    dict(num_adapters=0, graph="all"),
    dict(graph=[[1.0, 0.5], [0.0, -1.0], [2.0, 0.0]], num_adapters=2),
]


@pytest.mark.parametrize("bias", ["task", "shared", False])
@pytest.mark.parametrize("options", GRAPHS, ids=["one_per_task", "all", "K=0", "weighted"])
@pytest.mark.parametrize("alpha", ["equal", "size"])
def test_gradients_are_those_of_the_loss(options, bias, alpha):
    data = problem(sizes=(4, 9, 6))
    model = template(data, bias=bias, **options).double()
    tensors = data.stacked(dtype=torch.float64)
    criterion = MultiTaskLoss(alpha=alpha, lam=0.3, lam_shared=0.2, sizes=data.sizes)
    criterion.stacked(model, tensors).backward()
    replicas = stack([model, copy.deepcopy(model).reset(8)], lam=[0.3, 0.9], lam_shared=0.2)
    with torch.no_grad():
        shared, adapters, d_bias = gradients(
            replicas, tensors, criterion.alphas.double(), routing(model).double()
        )
    assert same(shared[0], model.shared.grad, 1e-7)
    for k, adapter in enumerate(model.adapters.values()):
        assert same(adapters[k, 0], adapter.full.grad, 1e-7)
    assert (d_bias is None) if bias is False else same(d_bias[:, 0], model.bias.grad, 1e-7)
    assert torch.allclose(replicas.objective(tensors, alpha)[0], criterion.stacked(model, tensors))


@pytest.mark.parametrize("optimizer, torch_s, lr", [("adam", torch.optim.Adam, 0.05), ("sgd", torch.optim.SGD, 0.3),
                                                    (torch.optim.RMSprop, torch.optim.RMSprop, 0.01)])  # fmt: skip
@pytest.mark.parametrize("options", GRAPHS, ids=["one_per_task", "all", "K=0", "weighted"])
def test_replica_equals_lone_run(optimizer, torch_s, lr, options):
    data = problem(sizes=(12, 20, 7))
    model = template(data, **options)
    lams, seeds = [0.0, 0.01, 0.5, 0.01], [0, 1, 2, 1]
    replicas = train_many(model, data.stacked(), lam=lams, lam_shared=0.02, seeds=seeds, steps=40, lr=lr,
                          optimizer=optimizer)  # fmt: skip
    assert len(replicas) == 4 and same(replicas.shared[1], replicas.shared[3], 1e-6)
    for r, (lam, seed) in enumerate(zip(lams, seeds, strict=True)):
        alone = lone(model, data, seed, lam, lam_shared=0.02, epochs=40, lr=lr, optimizer=torch_s)
        ours = replicas.model(r)
        assert same(ours.shared, alone.shared, 1e-5) and same(ours.bias, alone.bias, 1e-5)
        assert same(ours.task_weights(), alone.task_weights(), 1e-5)
        assert same(ours.adapter_weights(), alone.adapter_weights(), 1e-5)


def test_chunks_do_not_matter():
    data = problem()
    grid = dict(
        lam=[0.0, 0.1, 1.0, 0.2, 0.3],
        lam_shared=0.01,
        seeds=[0, 1, 2, 3, 4],
        steps=15,
        record_every=5,
    )
    whole = train_many(template(data), data.stacked(), budget_mb=1000, **grid)
    for budget in (0, 0.02, 0.05):
        parts = train_many(template(data), data.stacked(), budget_mb=budget, **grid)
        for name in ("shared", "adapters", "bias"):
            assert same(getattr(parts, name), getattr(whole, name), 1e-6)
        assert torch.equal(parts.lam, whole.lam) and len(parts.history) == len(whole.history) == 4
        for (step, *a), (other, *b) in zip(parts.history, whole.history, strict=True):
            assert step == other and all(same(p, w, 1e-6) for p, w in zip(a, b, strict=True))


def test_snapshots_are_the_run_as_it_was():
    data = problem()
    model = template(data)
    run = train_many(model, data.stacked(), seeds=[4, 5], steps=25, record_every=10)
    assert [step for step, *_ in run.history] == [0, 10, 20, 25]
    _, shared, adapters = run.history[0]
    assert same(shared[0], copy.deepcopy(model).reset(4).shared)
    assert same(adapters[:, 1], copy.deepcopy(model).reset(5).adapter_weights())
    ten = train_many(model, data.stacked(), seeds=[4, 5], steps=10)
    assert same(run.history[1][1], ten.shared) and same(run.history[1][2], ten.adapters)
    assert same(run.history[-1][1], run.shared)


def test_training_on_goes_on():
    data = problem()
    options = dict(optimizer="sgd", lr=0.2)
    grid = dict(lam=[0.1, 0.3], lam_shared=0.1, seeds=[1, 2])
    whole = train_many(template(data), data.stacked(), steps=20, **grid, **options)
    half = train_many(template(data), data.stacked(), steps=10, **grid, **options)
    kept = half.shared.clone()
    assert same(train_many(half, data.stacked(), steps=10, **options).shared, whole.shared, 1e-6)
    assert torch.equal(half.shared, kept)


def test_the_template_is_left_alone():
    data = problem()
    model = template(data)
    before = copy.deepcopy(model.state_dict())
    train_many(model, data.stacked(), seeds=[0, 1], steps=3)
    train_many(model, data, steps=3)  # a dataset will do
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_proximal_stays_finite_where_gradient_descent_does_not():
    data = problem()
    grid = dict(lam=[10.0, 1000.0], lam_shared=0.01, seeds=[0, 0], lr=2.0, steps=300)
    with pytest.warns(DivergenceWarning, match="2 of 2 replicas"):
        train_many(template(data), data.stacked(), optimizer="sgd", **grid)
    run = train_many(template(data), data.stacked(), optimizer="proximal", **grid)
    assert torch.isfinite(run.adapters).all() and run.adapters[:, 1].abs().max() < 1e-2
    assert run.diverged.tolist() == [-1, -1]


def test_proximal_ends_at_the_optimum():
    data = problem(sizes=(40, 40))
    model = template(data).double()
    run = train_many(model, data.stacked(dtype=torch.float64), lam=0.2, lam_shared=0.1, seeds=[1], lr=0.5, steps=2000,
                     optimizer="proximal")  # fmt: skip
    solve(model, data, lam=0.2, lam_shared=0.1)
    assert same(run.model(0).task_weights(), model.task_weights(), 1e-5)


@pytest.mark.parametrize(
    "optimizer", ["adam", "sgd", "proximal", torch.optim.AdamW, torch.optim.RMSprop]
)
def test_frozen_and_inactive_adapters_keep_every_bit(optimizer):
    data = problem()
    model = template(data)
    model.freeze("A2")
    model.deactivate("A3")
    run = train_many(
        model, data.stacked(), lam=0.37, lam_shared=0.11, steps=30, lr=0.07, optimizer=optimizer
    )
    after = run.model(0)
    assert same(after.adapters["A2"].full, model.adapters["A2"].full)
    assert same(after.adapters["A3"].full, model.adapters["A3"].full)
    assert not same(after.adapters["A1"].full, model.adapters["A1"].full) and not after.active["A3"]


@pytest.mark.parametrize("part", ["shared", "adapters", "bias"])
def test_parts_that_may_not_move_do_not(part):
    data = problem()
    model = template(data)
    others = [p for p in ("shared", "adapters", "bias") if p != part]
    left_out = train_many(model, data.stacked(), steps=5, train=others)
    model.freeze(part)
    for run in (left_out, train_many(model, data.stacked(), steps=5)):
        start = stack([model])
        assert start.lam.tolist() == start.lam_shared.tolist() == [0.0]  # unless one is given
        assert [same(getattr(run, p), getattr(start, p)) for p in (part, *others)] == [
            True,
            False,
            False,
        ]
    assert same(train_many(model, data.stacked(), steps=5, train=()).shared, stack([model]).shared)


def test_replicas_score_as_their_models_do():
    from ragteach import evaluate

    data = problem(sizes=(9, 4, 14))
    tensors = data.stacked()
    run = train_many(template(data), tensors, seeds=[0, 1, 2], steps=10)
    for r in range(3):
        scores = evaluate(run.model(r), data)
        for t, name in enumerate(data.task_names):
            assert run.losses(tensors)[t, r].item() == pytest.approx(
                scores[f"loss/{name}"], abs=1e-6
            )
            assert run.accuracy(tensors)[t, r].item() == pytest.approx(scores[f"accuracy/{name}"])


def wide_and_dense():
    """The same sentences twice: as sparse wide features, and as their non-empty columns, dense."""
    rng = np.random.default_rng(0)
    dense = (rng.random((40, 12)) < 0.4) * rng.random((40, 12))
    wide = sp.csr_matrix((40, 5200))
    wide = wide.tolil()
    wide[:, :12] = dense
    y, task = rng.integers(0, 3, 40), [0] * 15 + [1] * 25
    return MultiTaskDataset(wide.tocsr(), y, 3, task), MultiTaskDataset(dense, y, 3, task)


@pytest.mark.parametrize("batch_size", [None, 6])
def test_sparse_data_train_as_dense_data_do(batch_size):
    wide, dense = wide_and_dense()
    assert sp.issparse(wide.x)
    models = [RAG(d.n_features, 3, 2, init="zero") for d in (wide, dense)]
    for model, data in zip(models, (wide, dense), strict=True):
        fit(model, data, epochs=8, batch_size=batch_size, lam=0.01, lam_shared=0.01, progress=False)
    assert same(models[0].task_weights()[..., :12], models[1].task_weights(), 1e-5)
    assert models[0].task_weights()[..., 12:].eq(0).all()
    if batch_size is None:
        runs = [
            train_many(RAG(d.n_features, 3, 2, init="zero"), d, lam=[0.1, 1.0], steps=8)
            for d in (wide, dense)
        ]
        assert same(runs[0].adapters[..., :12], runs[1].adapters, 1e-5)
        paths = [
            solve_path(RAG(d.n_features, 3, 2, init="zero").double(), d, lam=[0.1, 1.0], tol=1e-9)
            for d in (wide, dense)
        ]
        assert same(paths[0].task_weights()[..., :12], paths[1].task_weights(), 1e-6)


def test_bad_calls_are_refused():
    data = problem()
    model, tensors = template(data), data.stacked()
    for options, *words in (
        (dict(lam=-1), "lam to be a finite number >= 0", "lam = -1"),
        (dict(lam=[0.1, float("nan")]), "lam to be a finite number", "lam = nan"),
        (dict(lam_shared=float("inf")), "lam_shared to be a finite number", "lam_shared = inf"),
        (dict(lam=[]), "at least one value of lam", "lam = []"),
        (
            dict(lam=[1, 2], seeds=[1, 2, 3]),
            "lam, lam_shared and seeds of one length",
            "2, 1 and 3 values",
            "grid",
        ),
        (dict(steps=-1), "steps to be a whole number >= 0", "steps = -1"),
        (dict(steps=1.5), "steps to be a whole number >= 0", "steps = 1.5"),
        (dict(lr=-1), "lr to be a finite number >= 0", "lr = -1"),
        (dict(record_every=0), "record_every to be a whole number >= 1", "record_every = 0"),
        (
            dict(optimizer="adagrad"),
            "optimizer to be one of 'adam', 'sgd', 'proximal'",
            "optimizer = 'adagrad'",
        ),
        (
            dict(train=["adapter"]),
            "train to be one of 'shared', 'adapters', 'bias'",
            "train = 'adapter'",
        ),
        (dict(alpha="difficulty"), "alpha to be one of 'equal', 'size'", "alpha = 'difficulty'"),
        (dict(alpha=[1.0]), "3 task weights alpha >= 0", "alpha = [1.0]"),
    ):
        with refused(*words):
            train_many(model, tensors, **options)
    with refused("number of features: 5", "6", "vectorizer"):
        train_many(RAG(5, 3, 3), tensors)
    with refused(
        "the model's tasks: ['a', 'b', 'c']", "['task1', 'task2', 'task3']", "same task_names"
    ):
        train_many(RAG(6, 3, 3, tasks=["a", "b", "c"]), tensors)
    with refused('models with adapter="full"', "adapter='low_rank'", "fit()"):
        train_many(template(data, adapter="low_rank", rank=1), tensors)
    with refused("a MultiTaskDataset", "list", "from_frame"):
        train_many(model, [1, 2])
