"""RAG by least squares: equal to scikit-learn's ridge in its limits, and at the bottom of J everywhere."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import Ridge

import ragteach as rt
from ragteach.labs.ridge import choose_ridge, fit_ridge

RNG = np.random.default_rng(5)
DATA = {
    t: (RNG.normal(size=(n, 6)), np.append(RNG.integers(0, 3, n - 3), [0, 1, 2]))
    for t, n in (("a", 15), ("b", 25))
}


def objective(model, data, lam, lam_shared, graph):
    shared, adapters = model
    W = shared + np.einsum("tk,kcd->tcd", graph, adapters)
    total = (shared**2).sum() * lam_shared / 2 + (adapters**2).sum() * lam / 2
    for t, (x, y) in enumerate(data.values()):
        left = np.eye(3)[y] - x @ W[t].T
        left = left - left.mean(0)  # the best bias
        total += (left**2).sum() / len(y) / 2
    return total


def test_independent_models_are_scikit_learns_ridge():
    found = fit_ridge(DATA, lam=0.3, lam_shared=np.inf)
    for t, (x, y) in enumerate(DATA.values()):
        ridge = Ridge(alpha=0.3 * len(y)).fit(x, np.eye(3)[y])
        np.testing.assert_allclose(found.weights[t], ridge.coef_, atol=1e-10)
        np.testing.assert_allclose(found.bias[t], ridge.intercept_, atol=1e-10)
    assert not found.shared.any()


def test_full_sharing_is_one_ridge_on_centred_tasks():
    found = fit_ridge(DATA, lam=np.inf, lam_shared=0.2)
    x = np.concatenate([x - x.mean(0) for x, _ in DATA.values()])
    y = np.concatenate([np.eye(3)[y] - np.eye(3)[y].mean(0) for _, y in DATA.values()])
    weight = np.repeat([1 / 15, 1 / 25], [15, 25])
    ridge = Ridge(alpha=0.2, fit_intercept=False).fit(x, y, sample_weight=weight)
    np.testing.assert_allclose(found.weights[0], ridge.coef_, atol=1e-10)
    np.testing.assert_allclose(found.weights[1], ridge.coef_, atol=1e-10)
    assert not found.adapters.any()


@pytest.mark.parametrize(
    "graph", [np.eye(2), np.ones((2, 2)), np.array([[1.0, -0.5, 0], [0, 2.0, 1]])]
)
def test_no_small_step_away_from_the_optimum_is_lower(graph):
    found = fit_ridge(DATA, 0.4, 0.1, graph=graph)
    best = objective((found.shared, found.adapters), DATA, 0.4, 0.1, graph)
    rng = np.random.default_rng(0)
    for _ in range(20):
        step = [1e-3 * rng.normal(size=part.shape) for part in (found.shared, found.adapters)]
        moved = found.shared + step[0], found.adapters + step[1]
        assert objective(moved, DATA, 0.4, 0.1, graph) > best
    W = found.shared + np.einsum("tk,kcd->tcd", graph, found.adapters)
    np.testing.assert_allclose(found.weights, W, atol=1e-12)


def test_balance_as_in_the_lessons():
    found = fit_ridge(DATA, lam=0.4, lam_shared=0.1)
    np.testing.assert_allclose(0.1 * found.shared, 0.4 * found.adapters.sum(0), atol=1e-12)


def test_sparse_and_dense_agree():
    sparse = {t: (sp.csr_matrix(x), y) for t, (x, y) in DATA.items()}
    one, two = fit_ridge(DATA), fit_ridge(sparse)
    np.testing.assert_allclose(one.weights, two.weights, atol=1e-10)
    assert one.predict(DATA["a"][0], "a").tolist() == two.predict(sparse["a"][0], "a").tolist()


def test_validation_chooses():
    val = {t: (x + 0.1, y) for t, (x, y) in DATA.items()}
    pairs = [(lam, 0.1) for lam in (1e-3, 0.1, 10)]
    found = choose_ridge(DATA, val, pairs)

    def error(model):
        return np.mean(
            [((np.eye(3)[y] - model.scores(x, t)) ** 2).sum(1).mean() for t, (x, y) in val.items()]
        )

    errors = [error(fit_ridge(DATA, *pair)) for pair in pairs]
    assert found.lam == pairs[int(np.argmin(errors))][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lam": 0}, "lam > 0"),
        ({"lam_shared": "much"}, "lam_shared > 0"),
        ({"lam": np.inf, "lam_shared": np.inf}, "one penalty that is finite"),
        ({"graph": np.eye(3)}, "a graph of shape \\(2, n_adapters\\)"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(rt.RagteachError, match=message):
        fit_ridge(DATA, **options)
    with pytest.raises(rt.RagteachError, match="a task that was trained: a, b"):
        fit_ridge(DATA).predict(DATA["a"][0], "c")
    with pytest.raises(rt.RagteachError, match="strategy = 'ragged'"):
        choose_ridge(DATA, DATA, "ragged")
