"""The nine laws of RAG, each against an oracle that shares no code with the package."""

import copy

import numpy as np
import problems
import pytest
import torch
from problems import centred, descend, model_for, problem, same
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from torch import nn

from ragteach import (
    RAG,
    evaluate,
    fit,
    solve,
    solve_path,
    task_covariance,
    train_many,
)

QUIET = dict(progress=False, device="cpu")
FREE = {"lam": 0.0, "lam_shared": 0.0}  # no penalties
SGD = torch.optim.SGD


def start(data, num_adapters=None, **options):
    """A double-precision model for ``data``."""
    return model_for(data, num_adapters, **{"seed": 1} | options).double()


def objective(model, data, lam, lam_shared):
    return problems.objective(model, data, lam, lam_shared).item()


# ---- 1 ----------------------------------------------------------------------------------------------


def test_law_1_collapse_the_literal_model_is_one_linear():
    data = problem()
    model = start(data, num_adapters=4, graph="all", bias="shared")
    single = nn.Linear(6, 3).double()
    with torch.no_grad():
        single.weight.copy_(model.shared + sum(a.full for a in model.adapters.values()))
        single.bias.copy_(model.bias[0])
    x = data.x.double()
    for t in range(3):
        assert same(model(x, t), single(x), 1e-12)
    # and it stays one while it learns: its steps are those of a single Linear, only 1 + K times as
    # long
    fit(model, data, epochs=50, lr=0.02, optimizer=SGD, **FREE, **QUIET)
    optimizer = SGD(
        [{"params": [single.weight], "lr": 0.02 * 5}, {"params": [single.bias], "lr": 0.02}]
    )

    def loss():
        logits, here = single(x[data.doc]), [data.task == t for t in range(3)]
        return sum(nn.functional.cross_entropy(logits[h], data.y[h]) for h in here)

    descend(loss, optimizer, 50)
    assert all(same(w, single.weight, 1e-10) for w in model.task_weights())


# ---- 2 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 7])
def test_law_2_conservation(batch_size):
    data = problem(sizes=(20, 35, 11))
    model = start(data)
    before = (model.shared - model.adapter_weights().sum(0)).detach()
    fit(model, data, epochs=40, lr=0.3, optimizer=SGD, batch_size=batch_size, **FREE, **QUIET)
    assert not same(model.shared, start(data).shared, 0.1)
    assert same(model.shared - model.adapter_weights().sum(0), before, 1e-12)


def test_law_2_conservation_for_any_graph():
    """dJ/dA_k = sum_t G[t,k] dJ/dW_t: whatever is orthogonal to the columns of [1 | G] stays."""
    data = problem(sizes=(20, 20, 20, 20))
    graph = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    model = start(data, num_adapters=2, graph=graph)
    before = (model.shared - model.adapter_weights().sum(0)).detach()  # groups cover each task once
    fit(model, data, epochs=20, lr=0.3, optimizer=SGD, **FREE, **QUIET)
    assert same(model.shared - model.adapter_weights().sum(0), before, 1e-12)


@pytest.mark.parametrize("broken", ["lam", "adam", "graph"])
def test_law_2_needs_its_conditions(broken):
    data = problem()
    graph = (
        torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]]) if broken == "graph" else "one_per_task"
    )
    model = start(data, graph=graph)
    before = (model.shared - model.adapter_weights().sum(0)).detach()
    fit(model, data, epochs=40, lr=0.1, lam=0.1 * (broken == "lam"), lam_shared=0.0,
        optimizer=torch.optim.Adam if broken == "adam" else SGD, **QUIET)  # fmt: skip
    assert not same(model.shared - model.adapter_weights().sum(0), before, 1e-2)


# ---- 3 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam, lam_shared", [(0.1, 0.1), (0.02, 0.5), (1.0, 0.01)])
def test_law_3_balance(lam, lam_shared):
    data = problem(sizes=(20, 35, 11))
    model = start(data)
    assert solve(model, data, lam=lam, lam_shared=lam_shared, tol=1e-9).converged
    assert same(lam_shared * model.shared, lam * model.adapter_weights().sum(0), 1e-7)


def test_law_3_balance_without_a_penalty_on_the_shared_weights():
    data = problem(sizes=(60, 60, 60), n_features=3)
    model = start(data)
    assert solve(model, data, lam=0.3, lam_shared=0.0).converged
    assert model.adapter_weights().norm() > 0.1
    assert model.adapter_weights().sum(0).abs().max() < 1e-5


def test_law_3_balance_for_any_graph():
    """lam A_k = -sum_t G[t,k] dCE/dW_t and lam_s W_s = -sum_t dCE/dW_t, by autograd."""
    data = problem(sizes=(20, 20, 20, 20))
    model = start(data, num_adapters=3, graph="random", per_task=2)
    solve(model, data, lam=0.2, lam_shared=0.3, tol=1e-9)
    weights = model.task_weights().detach().requires_grad_()
    x, bias = data.x.double(), model.bias.detach()
    loss = sum(nn.functional.cross_entropy(x[data.task == t] @ weights[t].T + bias[t], data.y[data.task == t])
               for t in range(4))  # fmt: skip
    (grad,) = torch.autograd.grad(loss, weights)
    assert same(0.3 * model.shared, -grad.sum(0), 1e-7)
    assert same(
        0.2 * model.adapter_weights(), -torch.einsum("tk,tcd->kcd", model.graph, grad), 1e-7
    )


# ---- 4 ----------------------------------------------------------------------------------------------


def spread(replicas):
    """Largest difference between replicas' W_t, up to the common shift of all classes."""
    weights = centred(replicas.task_weights())  # (n_tasks, n_replicas, n_classes, n_features)
    return (weights - weights[:, :1]).abs().max().item()


def test_law_4_forgetting():
    data = problem(sizes=(25, 25, 25))
    tensors, seeds = data.stacked(dtype=torch.float64), [0, 1, 2, 3]
    run = dict(lam=0.1, lam_shared=0.05, seeds=seeds, lr=0.3, optimizer="sgd")
    long = train_many(start(data), tensors, steps=3000, **run)
    short = train_many(start(data), tensors, steps=20, **run)
    assert spread(long) < 1e-6 and spread(short) > 0.1
    best = start(data)
    solve(best, data, lam=0.1, lam_shared=0.05)
    assert same(centred(long.task_weights()[:, 0]), centred(best.task_weights()), 1e-5)


def test_law_4_even_without_a_penalty_on_the_shared_weights():
    data = problem(sizes=(60, 60), n_features=3)
    tensors = data.stacked(dtype=torch.float64)
    run = dict(lam=0.3, lam_shared=0.0, seeds=[0, 1, 2], lr=0.3, optimizer="sgd")
    long = train_many(start(data), tensors, steps=3000, **run)
    assert spread(long) < 1e-6
    assert (long.shared - long.shared[:1]).abs().max() > 0.1  # the shift itself is remembered


def test_law_4_unpenalised_training_remembers_its_start():
    data = problem(sizes=(60, 60), n_features=3)
    run = train_many(
        start(data),
        data.stacked(dtype=torch.float64),
        seeds=[0, 1],
        steps=3000,
        lr=0.3,
        optimizer="sgd",
        **FREE,
    )
    gap = run.shared - run.adapters.sum(0)
    assert (gap[0] - gap[1]).abs().max() > 0.1  # law 2, at the other end


# ---- 5 ----------------------------------------------------------------------------------------------


def test_law_5_limits():
    data = problem(sizes=(20, 35, 11))
    shared = RAG.full_sharing(6, 3, tasks=data.task_names, bias="task").double()
    alone = RAG.independent(6, 3, tasks=data.task_names).double()
    lam_shared = 0.2
    solve(shared, data, lam=1.0, lam_shared=lam_shared)
    ends = []
    for lam in (1e2, 1e4, 1e6):
        model = start(data)
        solve(model, data, lam=lam, lam_shared=lam_shared)
        ends.append((model.task_weights() - shared.task_weights()).abs().max().item())
    assert ends[0] > ends[1] > ends[2] and ends[2] < 1e-5
    # lam -> 0: W_s costs infinitely more than the adapters, so each task is left to its own
    ends = []
    for lam in (0.1, 0.01, 0.001):
        model = start(data)
        solve(model, data, lam=lam, lam_shared=1e3 * lam)
        solve(alone, data, lam=lam, lam_shared=0.0)
        ends.append(
            (centred(model.task_weights()) - centred(alone.task_weights())).norm()
            / alone.task_weights().norm()
        )
    assert max(ends) < 0.01
    # and for a fixed lam_shared: W_s = (lam / lam_shared) sum A vanishes beside the adapters
    ratios = []
    for lam in (1e-1, 1e-2, 1e-3):
        model = start(data)
        solve(model, data, lam=lam, lam_shared=lam_shared)
        ratios.append((model.shared.norm() / model.adapter_weights().norm()).item())
    assert ratios[0] > ratios[1] > ratios[2] and ratios[2] < 0.01


# ---- 6 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam, lam_shared", [(0.1, 0.1), (0.02, 0.3)])
def test_law_6_equivalence_with_augmented_logistic_regression(lam, lam_shared):
    """min J = LogisticRegression on [x, s x in the task's own block], s = sqrt(lam_shared /
    lam).
    """
    data = problem(sizes=(20, 35, 11))
    model = start(data, bias=False)
    solve(model, data, lam=lam, lam_shared=lam_shared, tol=1e-9)
    x, task, y = data.x.double().numpy(), data.task.numpy(), data.y.numpy()
    s = (lam_shared / lam) ** 0.5
    blocks = np.zeros((len(x), 3, 6))
    blocks[np.arange(len(x)), task] = s * x
    augmented = np.concatenate([x, blocks.reshape(len(x), -1)], 1)
    weight = 1 / data.sizes.numpy()[task]  # CE_t is a mean
    oracle = LogisticRegression(C=1 / lam_shared, fit_intercept=False, tol=1e-10, max_iter=10_000)
    coef = oracle.fit(augmented, y, sample_weight=weight).coef_
    # (1 + n_tasks, n_classes, n_features)
    coef = torch.from_numpy(coef.reshape(3, 4, 6)).movedim(1, 0)
    assert same(model.shared, coef[0], 1e-5)
    assert same(model.adapter_weights(), s * coef[1:], 1e-5)


def pooled_regression(data, lam, lam_shared, strength):
    """LogisticRegression on [x, s x in the task's own block], every sentence counting the same."""
    x, task = data.x.double().numpy(), data.task.numpy()
    blocks = np.zeros((len(x), data.n_tasks, data.n_features))
    blocks[np.arange(len(x)), task] = (lam_shared / lam) ** 0.5 * x
    augmented = np.concatenate([x, blocks.reshape(len(x), -1)], 1)
    oracle = LogisticRegression(C=1 / strength, fit_intercept=False, tol=1e-10, max_iter=10_000)
    coef = oracle.fit(augmented, data.y.numpy()).coef_
    return torch.from_numpy(coef.reshape(data.n_classes, -1, data.n_features)[:, 0])


@pytest.mark.parametrize(
    ("sizes", "alpha", "holds"),
    [((20, 20, 20), "equal", True), ((20, 35, 11), "size", True), ((20, 35, 11), "equal", False)],
)
def test_law_6_needs_every_sentence_to_count_the_same(sizes, alpha, holds):
    """J n / T = sum_i -log p_i + (n / T) (penalties), if alpha_t / n_t is the same for all tasks."""
    data, lam, lam_shared = problem(sizes=sizes), 0.05, 0.2
    model = start(data, bias=False)
    solve(model, data, lam=lam, lam_shared=lam_shared, alpha=alpha, tol=1e-9)
    pooled = pooled_regression(data, lam, lam_shared, lam_shared * len(data) / data.n_tasks)
    assert same(model.shared, pooled, 1e-5) == holds


@pytest.mark.parametrize("graph", ["one_per_task", "random"])
def test_law_6_the_optimum_is_scipy_s(graph):
    data = problem(sizes=(10, 15), n_features=3)
    model = start(data, graph=graph)
    lam, lam_shared = 0.2, 0.1
    solution = solve(model, data, lam=lam, lam_shared=lam_shared, tol=1e-9)
    x, task, y, g = (
        data.x.double().numpy(),
        data.task.numpy(),
        data.y.numpy(),
        model.graph.double().numpy(),
    )

    def J(flat):
        shared, adapters, bias = (
            flat[:9].reshape(3, 3),
            flat[9:27].reshape(2, 3, 3),
            flat[27:].reshape(2, 3),
        )
        value = lam_shared / 2 * (shared**2).sum() + lam / 2 * (adapters**2).sum()
        for t in range(2):
            z = x[task == t] @ (shared + np.tensordot(g[t], adapters, 1)).T + bias[t]
            value += np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), y[task == t]])
        return value

    oracle = minimize(J, np.zeros(33), method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    assert solution.objective == pytest.approx(oracle.fun, rel=1e-8)
    assert solution.objective == pytest.approx(objective(model, data, lam, lam_shared), rel=1e-10)
    assert np.abs(model.shared.detach().numpy() - oracle.x[:9].reshape(3, 3)).max() < 1e-4


def test_law_6_the_graph_is_a_covariance():
    """Two graphs with one covariance have one optimum: rotating the adapters changes nothing."""
    data = problem(sizes=(20, 20, 20))
    graph = torch.tensor([[1.0, 0.2], [0.5, 1.0], [0.0, 0.7]])
    angle = torch.tensor(0.7)
    turn = torch.stack(
        [torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])]
    )
    a, b = start(data, 2, graph=graph), start(data, 2, graph=graph @ turn)
    assert same(task_covariance(graph, 0.1, 0.2), task_covariance(graph @ turn, 0.1, 0.2), 1e-5)
    for model in (a, b):
        solve(model, data, lam=0.1, lam_shared=0.2, tol=1e-9)
    assert same(a.task_weights(), b.task_weights(), 1e-6)
    assert not same(a.adapter_weights(), b.adapter_weights(), 1e-2)


# ---- 7 ----------------------------------------------------------------------------------------------


def phase(model, data, frozen, lam, lam_shared):
    model.freeze(frozen)
    solution = solve(model, data, lam=lam, lam_shared=lam_shared)
    model.unfreeze(frozen)
    return solution.objective


@pytest.mark.parametrize("seed, lam, lam_shared", [(0, 0.1, 0.1), (1, 0.01, 0.3), (2, 1.0, 0.01)])
def test_law_7_order_matters(seed, lam, lam_shared):
    data = problem(sizes=(20, 35, 11), seed=seed)
    joint, turns = start(data), start(data)
    best = solve(joint, data, lam=lam, lam_shared=lam_shared, tol=1e-8).objective
    phase(turns, data, "adapters", lam, lam_shared)
    values = [phase(turns, data, "shared", lam, lam_shared)]  # two-phase: shared, then adapters
    assert values[0] > best + 1e-6
    for _ in range(20):
        phase(turns, data, "adapters", lam, lam_shared)
        values.append(phase(turns, data, "shared", lam, lam_shared))
        if values[-1] - best < 1e-7:
            break
    assert all(b <= a + 1e-8 for a, b in zip(values, values[1:], strict=False))  # never uphill,
    assert values[-1] - best < 0.2 * (values[0] - best)  # towards the joint optimum
    assert values[-1] >= best - 1e-10


def test_law_7_the_same_with_fit():
    data = problem(sizes=(20, 35, 11))
    options = dict(lam=0.1, lam_shared=0.1, lr=0.05, **QUIET)
    best = solve(start(data), data, lam=0.1, lam_shared=0.1).objective
    gap = {}
    for schedule in ("two_phase", "alternating", "joint"):
        model = start(data)
        fit(model, data, schedule, epochs=400, rounds=20, **options)
        gap[schedule] = objective(model, data, 0.1, 0.1) - best
    assert min(gap.values()) > -1e-9 and gap["joint"] < 1e-4
    assert gap["alternating"] < 0.5 * gap["two_phase"]


# ---- 8 ----------------------------------------------------------------------------------------------


def test_law_8_merging():
    data = problem()
    model = start(data, num_adapters=5, graph="random", per_task=3)
    x = data.x.double()
    for t, name in enumerate(data.task_names):
        merged = model.merge(name)
        assert same(merged(x), model(x, t), 1e-12)
        # nothing extra: the size of one Linear
        assert sum(p.numel() for p in merged.parameters()) == 3 * 6 + 3


# ---- 9 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("C, d, T, r", [(3, 300, 4, 2), (2, 50, 7, 1), (5, 20, 3, 4)])
def test_law_9_rank_counts(C, d, T, r):
    def trained(**options):
        return RAG(d, C, T, bias=False, **options).num_parameters(trainable=True)

    independent = RAG.independent(d, C, tasks=T, bias=False).num_parameters(trainable=True)
    assert independent == T * C * d
    assert trained() == C * d + T * C * d > independent  # full-size adapters save nothing
    assert trained(adapter="low_rank", rank=r) == C * d + T * r * (C + d)
    assert trained(adapter="projected", rank=r) == C * d + T * r * C
    assert trained(adapter="projected", rank=r) < trained(adapter="low_rank", rank=r)
    if r < C * d / (C + d):
        assert trained(adapter="low_rank", rank=r) < trained()


def test_law_9_rank_has_a_measurable_cost():
    """On tasks with unrelated parts, fit grows with rank; full rank loses nothing."""
    data = problem(sizes=(60, 60, 60, 60), n_features=10, n_classes=5)
    loss = {}
    for kind, rank in (("projected", 1), ("low_rank", 1), ("low_rank", 5), ("full", None)):
        model = start(data, adapter=kind, rank=rank, scale=0.1)
        fit(model, data, epochs=300, lr=0.05, lam=0.003, lam_shared=0.003, **QUIET)
        scores = evaluate(model, data)
        loss[kind, rank] = scores["loss"]
        assert 0 <= scores["accuracy"] <= 1
    assert loss["full", None] < loss["low_rank", 1] < loss["projected", 1]
    assert loss["low_rank", 5] == pytest.approx(loss["full", None], rel=0.02)


@pytest.mark.parametrize("tol", [1e-9, 1e-12])
def test_a_tolerance_below_rounding_still_gives_numbers(tol):
    data = problem(sizes=(20, 35, 11), seed=2)
    model = start(data)
    model.freeze("adapters")
    solution = solve(model, data, lam=1.0, lam_shared=0.01, tol=tol, max_iter=300)
    assert solution.grad_norm < 1e-7 and torch.isfinite(model.shared).all()


def test_a_path_is_its_solutions():
    data = problem(sizes=(12, 20))
    lams = [1e-2, 1e-1, 1.0, 10.0]
    path = solve_path(start(data), data, lam=lams, lam_shared=0.1, tol=1e-9)
    for r, lam in enumerate(lams):
        alone = copy.deepcopy(start(data))
        solve(alone, data, lam=lam, lam_shared=0.1, tol=1e-9)
        assert same(path.model(r).task_weights(), alone.task_weights(), 1e-6)
    norms = path.adapters.square().sum((0, 2, 3))
    assert (norms[1:] < norms[:-1]).all()  # a larger lam, smaller adapters
