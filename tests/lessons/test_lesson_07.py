"""Every number and claim in the prose of lesson 07, on several seeds."""

import functools
import types

import numpy as np
import pytest
import torch
from lesson_source import load
from problems import problem
from sklearn.linear_model import LogisticRegression

import ragteach as rt
from ragteach.study.experiment import draw, interval
from ragteach.teach.exercises import answers_07, world_07
from ragteach.teach.exercises.answers_07 import (
    augment,
    kernel_logits,
    penalty_for,
    shared_from_adapters,
)
from ragteach.widgets.sharing import compute

LESSON = load(
    "07_lambda_as_prior",
    "ratios", "LAM_SHARED", "world", "cross_validated", "task_covariance", "log_evidence", "bands",
    "spread", "judged", "with_lam_shared", "in_its_own_world", "best_mix", "errors_of", "T", "NOISE",
    "SPREADS", "rng", "words",
)  # fmt: skip
ratios, LAM_SHARED, log_evidence = LESSON["ratios"], LESSON["LAM_SHARED"], LESSON["log_evidence"]
task_covariance = answers_07.task_covariance
SEEDS = [0, 1, 2]  # 0 is the lesson's own
CLEARLY = 0.03  # of test loss


@functools.cache
def world(relatedness, seed):
    return LESSON["world"](relatedness, seed)


def chosen(judged):
    return ratios[judged.argmin()]


@functools.cache
def judged(relatedness, seed):
    return LESSON["judged"](relatedness, seed)


# ------------------------------------------------------------------ the prior


def test_the_objective_is_the_log_posterior_divided_by_n():
    """Differences of n J are differences of minus the log posterior of scipy's normal densities."""
    from scipy import stats

    _, data, *_ = world(0.5, 0)
    n, lam, lam_shared = len(data) // 4, 0.03, 0.01
    J, posterior = [], []
    for seed in SEEDS:
        model = rt.RAG(
            data.n_features, 3, 4, tasks=data.task_names, init="normal", scale=1.0, seed=seed
        )
        model = model.double()
        with torch.no_grad():
            criterion = rt.MultiTaskLoss(lam=lam, lam_shared=lam_shared)
            J.append(criterion.stacked(model, data.stacked(dtype=torch.float64)).item())
            log_p = model(data.x.double(), data.task).log_softmax(1)
            W_s, A = model.shared.numpy(), model.adapter_weights().numpy()
        likelihood = log_p[torch.arange(len(data)), data.y].sum().item()
        prior = stats.norm.logpdf(W_s, scale=(n * lam_shared) ** -0.5).sum()
        prior += stats.norm.logpdf(A, scale=(n * lam) ** -0.5).sum()
        posterior.append(-(likelihood + prior))
    np.testing.assert_allclose(n * np.diff(J), np.diff(posterior), rtol=1e-8)


def test_correlations_of_the_three_graphs():
    def correlation(graph):
        cov = task_covariance(np.asarray(graph, dtype=float), 1.0, 1.0)
        return cov / cov[0, 0]

    own, groups = correlation(np.eye(4)), correlation(rt.routing_graph("grouped", 4, 2).numpy())
    np.testing.assert_allclose(own, np.full((4, 4), 0.5) + np.eye(4) / 2)
    np.testing.assert_allclose(groups[:2, :2], 1)
    np.testing.assert_allclose(groups[:2, 2:], 0.5)
    np.testing.assert_allclose(correlation(np.ones((4, 4))), 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_drawn_from_the_prior_covary_as_the_formula_says(seed):
    rng = np.random.default_rng(seed)
    graph = np.array([[1, 0], [1, 0.5], [0, 1.0], [0, -1.0]])
    weights = rng.normal(size=(20_000, 1)) + rng.normal(size=(20_000, 2)) * 2**0.5 @ graph.T
    assert np.abs(np.cov(weights.T) - task_covariance(graph, 0.5, 1.0)).max() < 0.15


@pytest.mark.parametrize("rho", [0.1, 0.5, 0.9])
def test_the_lambda_of_a_belief(rho):
    cov = task_covariance(np.eye(4), penalty_for(rho, 0.02), 0.02)
    assert cov[0, 1] / cov[0, 0] == pytest.approx(rho)


# ------------------------------------------------------------------ the slider


@pytest.mark.parametrize("seed", SEEDS)
def test_validation_finds_the_ratio_of_each_world(seed):
    best = {}
    for r in (0.0, 0.5, 1.0):
        _, _, path, val, _ = world(r, seed)
        best[r] = chosen(path.losses(val).mean(0).numpy())
    assert best[0.0] < 0.1 and best[1.0] == ratios[-1]
    assert best[0.0] < best[0.5] < 3
    assert LESSON["bands"][int(np.digitize(best[0.5], [0.03, 3]))] == "between 0.03 and 3"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_three_curves_look_like(seed):
    mean = {
        r: world(r, seed)[2].accuracy(world(r, seed)[4]).mean(0).numpy() for r in (0.0, 0.5, 1.0)
    }
    starts = [curve[0] for curve in mean.values()]
    assert np.ptp(starts) < 0.03 and min(starts) > 0.75  # alone, a task is as hard in every world
    assert 0.35 < mean[0.0][-1] < 0.45 and mean[1.0][-1] > 0.98
    middle = mean[0.5]
    assert np.ptp(middle[ratios <= 1]) < 0.05  # flat on the left,
    assert 0.06 < middle[0] - middle[-1] < 0.16  # and ten points down on the right


# ------------------------------------------------------------------ between own and pooled


@pytest.mark.parametrize("spread", LESSON["SPREADS"])
def test_the_best_mix_is_where_the_simulated_errors_are_least(spread):
    T, v = LESSON["T"], LESSON["NOISE"]
    w, error = answers_07.best_mix(v, spread, T)
    mixes = [0.0, w - 0.1, w, w + 0.1, 1.0]
    found, james_stein = LESSON["errors_of"](spread, mixes, n_draws=200_000)
    assert np.argmin(found) == 2 and found[2] == pytest.approx(error, rel=0.02)
    assert found[0] == pytest.approx(v, rel=0.02)
    assert found[4] == pytest.approx(v / T + (T - 1) / T * spread, rel=0.02)
    assert error < james_stein < found[0]  # not told the spread, and still better than own
    gain = (T - 3) / T * v**2 / (v + spread)
    assert james_stein == pytest.approx(v - gain, rel=0.02)  # grows with T, towards the best mix's


def test_a_squared_loss_with_an_adapter_is_the_mix():
    """lambda / (1 + lambda) of the pooled mean; solved as a plain least-squares problem."""
    rng = np.random.default_rng(0)
    n, n_tasks, lam = 5, 4, 0.7
    y = rng.normal(size=(n_tasks, n))
    rows = np.zeros((n_tasks * n + n_tasks, 1 + n_tasks))  # mu, a_1 .. a_T
    rows[: n_tasks * n, 0] = n**-0.5
    for t in range(n_tasks):
        rows[t * n : (t + 1) * n, 1 + t] = n**-0.5
        rows[n_tasks * n + t, 1 + t] = lam**0.5
    target = np.append(y.ravel() * n**-0.5, np.zeros(n_tasks))
    mu, *a = np.linalg.lstsq(rows, target, rcond=None)[0]
    w, own = lam / (1 + lam), y.mean(1)
    np.testing.assert_allclose(mu + np.array(a), (1 - w) * own + w * own.mean())
    assert sum(a) == pytest.approx(0)
    v, spread = 0.3, 0.9
    assert answers_07.best_mix(v, spread, 4)[0] == pytest.approx(v / spread / (1 + v / spread))


# ------------------------------------------------------------------ unequal sizes


def unequal():
    return rt.MultiTaskDataset.from_frame(rt.make_toy(0.5, {"films": 40, "cars": 12}, seed=0))


@pytest.mark.parametrize(("alpha", "is_posterior"), [("size", True), ("equal", False)])
def test_with_unequal_sizes_the_posterior_needs_alpha_by_size(alpha, is_posterior):
    data = unequal()
    lam, n_bar, J, posterior = 0.03, len(data) / 2, [], []
    for seed in SEEDS:
        options = {"tasks": data.task_names, "init": "normal", "scale": 1.0, "seed": seed}
        model = rt.RAG(data.n_features, 3, 2, **options).double()
        with torch.no_grad():
            criterion = rt.MultiTaskLoss(lam=lam, lam_shared=lam, alpha=alpha)
            criterion.set_sizes(torch.bincount(data.task))
            J.append(criterion.stacked(model, data.stacked(dtype=torch.float64)).item())
            log_p = model(data.x.double(), data.task).log_softmax(1)
            parts = model.shared.square().sum() + model.adapter_weights().square().sum()
        likelihood = log_p[torch.arange(len(data)), data.y].sum().item()
        posterior.append(-likelihood + n_bar * lam / 2 * parts.item())
    same = np.allclose(n_bar * np.diff(J), np.diff(posterior), rtol=1e-5)
    assert same == is_posterior


@pytest.mark.parametrize("alpha", ["size", "equal"])
def test_law_6_with_unequal_sizes(alpha):
    data, lam = unequal(), 0.005
    s, n_bar = (LAM_SHARED / lam) ** 0.5, len(data) / 2
    sizes = torch.bincount(data.task).numpy()
    weight = n_bar / sizes[data.task.numpy()] if alpha == "equal" else None
    wide = augment(data.x.numpy(), data.task.numpy(), 2, s)
    regression = LogisticRegression(C=1 / (n_bar * LAM_SHARED), tol=1e-10, max_iter=10_000)
    theirs = regression.fit(wide, data.y.numpy(), sample_weight=weight).coef_
    ours = rt.RAG(data.n_features, 3, 2, tasks=data.task_names, bias="shared", init="zero")
    rt.solve(ours, data, lam, LAM_SHARED, alpha=alpha, tol=1e-8)
    gap = np.abs(theirs[:, : data.n_features] - ours.shared.detach().numpy()).max()
    assert gap < 1e-3 < 1 < np.abs(theirs).max()


# ------------------------------------------------------------------ the laws


@pytest.mark.parametrize("seed", SEEDS)
def test_law_4_one_prior_one_answer(seed):
    _, data, *_ = world(0.5, seed)
    space = LESSON | {"data": data, "shape": (data.n_features, 3), "names": data.task_names}
    spread = types.FunctionType(LESSON["spread"].__code__, space)
    assert spread(0.01) < 1e-4 < 3 < spread(0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_law_5_the_limits_and_the_bound_of_the_proof(seed):
    _, data, *_ = world(0.5, seed)
    shape, options = (data.n_features, 3), {"tasks": data.task_names, "init": "zero"}

    def optimum(model, lam, lam_shared):
        J = rt.solve(model, data, lam, lam_shared, tol=1e-8).objective
        return model.task_weights().detach().double(), J

    rag = rt.RAG(*shape, 4, **options)
    one, J_one = optimum(rt.RAG.full_sharing(*shape, bias="task", **options), 0.01, 0.01)
    own, _ = optimum(rt.RAG.independent(*shape, **options), 0.01, 0.01)
    to_one, to_own = [], []
    for big in (100, 1000):
        W, J = optimum(rag, 0.01 * big, 0.01)
        to_one.append((W - one).norm() / one.norm())
        assert J <= J_one and rag.adapter_weights().square().sum() <= 2 * J_one / (0.01 * big)
        to_own.append((optimum(rag, 0.01, 0.01 * big)[0] - own).norm() / own.norm())
    assert to_one[1] < 1e-3 and to_own[1] < 4e-3
    assert 8 < to_one[0] / to_one[1] < 12 and 8 < to_own[0] / to_own[1] < 12  # tenfold for tenfold


@pytest.mark.parametrize("seed", SEEDS)
def test_law_3_balance_and_the_votes(seed):
    _, data, *_ = world(0.5, seed)
    rag, lam = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, init="zero"), 0.005
    rt.solve(rag, data, lam, LAM_SHARED, tol=1e-8)
    W_s, A = rag.shared.detach(), rag.adapter_weights().detach()
    assert (shared_from_adapters(A, lam, LAM_SHARED) - W_s).abs().max() < 1e-4 * W_s.abs().max()
    with torch.no_grad():
        z = rag(data.x, data.task).double()
    e = (np.eye(3)[data.y.numpy()] - z.softmax(1).numpy()) / (len(data) // 4)
    cov = task_covariance(np.eye(4), lam, LAM_SHARED)
    votes = kernel_logits(data.x.numpy(), data.task.numpy(), e, cov)
    votes += rag.bias[data.task].detach().numpy()
    assert np.abs(votes - z.numpy()).max() < 1e-3
    assert e.size < W_s.numel() * 5  # fewer votes than weights


@pytest.mark.parametrize("seed", SEEDS)
def test_with_no_penalty_on_shared_the_adapters_sum_to_zero(seed):
    data = problem(sizes=(60, 60, 60), seed=seed)  # few features: no plane parts the classes
    rag = rt.RAG(6, 3, 3, tasks=data.task_names, init="zero").double()
    assert rt.solve(rag, data, 0.005, 0.0, tol=1e-8).converged
    A = rag.adapter_weights().detach()
    assert A.sum(0).abs().max() < 1e-4 < 0.1 < A.abs().max()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lam", [0.0005, 0.005])
def test_law_6_scikit_learn_finds_the_same_weights(seed, lam):
    _, data, *_ = world(0.5, seed)
    n, d, s = len(data) // 4, data.n_features, (LAM_SHARED / lam) ** 0.5
    wide = augment(data.x.numpy(), data.task.numpy(), 4, s)
    regression = LogisticRegression(C=1 / (n * LAM_SHARED), tol=1e-10, max_iter=10_000)
    theirs = regression.fit(wide, data.y.numpy()).coef_.reshape(3, 5, d)
    ours = rt.RAG(d, 3, 4, tasks=data.task_names, bias="shared", init="zero")
    rt.solve(ours, data, lam, LAM_SHARED, tol=1e-8)
    gaps = [np.abs(theirs[:, 0] - ours.shared.detach().numpy()).max()]
    gaps += [
        np.abs(s * theirs[:, 1 + t] - a).max()
        for t, a in enumerate(ours.adapter_weights().detach().numpy())
    ]
    assert max(gaps) < 1e-3 < 1 < np.abs(theirs[:, 0]).max()


def test_the_slider_shows_what_its_task_asks_for():
    """slow: four opinions at the chosen lambda, one at the right; excellent: praise everywhere."""
    parts = rt.widgets.toy_parts()
    lam = 0.001 * np.logspace(-2, 2, 61)
    arrays, spec = compute(
        rt.MultiTaskDataset.from_frame(parts[0]), *parts, lam, 0.001, words=LESSON["words"]
    )
    assert spec["drawn"] == LESSON["words"]
    W = np.asarray(arrays["shared"])[:, None] + np.asarray(arrays["adapters"])

    def scores(word, at):
        found = W[at, :, :, spec["words"].index(word)]  # (n_tasks, n_classes)
        return found[:, 2] - found[:, 0]

    best = spec["best"]
    assert scores("slow", best).min() < -1 < 1 < scores("slow", best).max()
    assert (scores("excellent", best) > 1).all()
    assert np.ptp(scores("slow", -1)) < 0.05 * np.ptp(scores("slow", best))
    accuracy = np.asarray(arrays["accuracy"]).mean(1)
    assert accuracy[best] > accuracy[-1] + 0.1


# ------------------------------------------------------------------ who chooses lambda


def test_held_out_sentences_choose_well_and_the_evidence_shares_too_much():
    for r in (0.0, 0.5, 1.0):
        trials = [judged(r, seed) for seed in range(6)]
        price = {name: interval([trial[name][0] for trial in trials]) for name in trials[0]}
        assert price["validation"][0] < 0.015 and price["cross-validation"][0] < 0.06
        choice = {name: np.array([trial[name][1] for trial in trials]) for name in trials[0]}
        if r < 1:
            assert price["evidence"][1] > price["cross-validation"][0] + 0.02
            assert (choice["evidence"] > choice["validation"]).all()
            assert (choice["evidence"] > choice["cross-validation"]).all()
        else:
            assert all((c == ratios[-1]).all() for c in choice.values())
    assert np.median([judged(0.0, s)["evidence"][1] for s in range(6)]) < 1  # the direction


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("relatedness", [0.0, 0.5])
def test_choosing_lam_shared_too_does_not_mend_the_evidence(relatedness, seed):
    assert LESSON["with_lam_shared"](relatedness, seed) > CLEARLY


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_world_made_by_the_prior_the_evidence_is_right(seed):
    said = {n: LESSON["in_its_own_world"](n, seed) for n in (60, 160)}
    assert said == {60: 1, 160: 1}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_evidence_is_the_average_over_the_prior(seed):
    """Two sentences per task and a narrow prior: there a plain average is exact enough."""
    train, _, _ = draw("toy", None, 2, seed, relatedness=0.5)
    train = train.assign(label=np.arange(len(train)) % 3)
    data = rt.MultiTaskDataset.from_frame(train)
    n, lam, lam_shared = 2, np.array([5.0, 20.0]), np.array([10.0, 10.0])
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, init="zero", bias=False)
    ours = log_evidence(rt.solve_path(model, data, lam, lam_shared), data)
    x, task, y = data.x.double().numpy(), data.task.numpy(), data.y.numpy()
    rng = np.random.default_rng(seed)
    for r in range(2):
        cov = task_covariance(np.eye(4), lam[r], lam_shared[r])
        K = (x @ x.T) * cov[np.ix_(task, task)] / n
        root = np.linalg.cholesky(K + 1e-9 * np.eye(len(K)))
        z = np.einsum("ij,sjc->sic", root, rng.normal(size=(100_000, len(K), 3)))
        z -= np.log(np.exp(z).sum(2, keepdims=True))
        log_p = z[:, np.arange(len(y)), y].sum(1)
        assert ours[r] == pytest.approx(np.log(np.exp(log_p).mean()), abs=0.02)
        assert np.log(3) * len(y) + ours[r] != pytest.approx(0, abs=0.005)  # the prior counts


def test_the_unknown_world():
    ratio, loss = world_07.loss_of_ratios()
    at = dict(zip(ratio.round(6), loss, strict=True))
    best, ends = ratio[loss.argmin()], (at[ratio.min().round(6)], at[ratio.max().round(6)])
    assert 0.3 < best < 3 and ends[0] > ends[1] + 0.02  # "slowly towards full sharing"
    good = loss < loss.min() + 0.015
    assert good[(ratio >= 0.9) & (ratio <= 4)].all()
    assert not good[(ratio < 0.4) | (ratio > 12)].any()
    mine = chosen(LESSON["cross_validated"](world_07.unknown_world(), ratios))
    assert np.interp(np.log10(mine), np.log10(ratio), loss) < loss.min() + 0.015
