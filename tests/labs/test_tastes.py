"""RAG on ratings: equal to scikit-learn's ridge in its limits and in between, and balanced as in the lessons."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import ragteach as rt
from ragteach.labs.tastes import choose_tastes, fit_tastes, taste_of

RNG = np.random.default_rng(2)
DATA = {
    t: (RNG.normal(size=(n, 5)), RNG.integers(1, 6, n).astype(float))
    for t, n in (("a", 4), ("b", 12), ("c", 7))  # fewer ratings than features, and more
}


def centred(x, r):
    return x - x.mean(0), r - r.mean()


@pytest.mark.parametrize(("lam", "lam_shared"), [(0.3, 2.0), (0.01, 50.0), (4.0, 0.1)])
def test_it_is_one_ridge_on_features_and_on_a_copy_of_them_for_each_reader(lam, lam_shared):
    s = (lam_shared / lam) ** 0.5
    rows, target, weight = [], [], []
    for t, (x, r) in enumerate(DATA.values()):
        x, r = centred(x, r)
        blocks = [s * x if u == t else 0 * x for u in range(3)]
        rows.append(np.concatenate([x, *blocks], 1))
        target.append(r)
        weight += [1 / len(r)] * len(r)
    ridge = Ridge(alpha=lam_shared, fit_intercept=False)
    ridge.fit(np.concatenate(rows), np.concatenate(target), sample_weight=weight)
    found = fit_tastes(DATA, lam, lam_shared)
    np.testing.assert_allclose(found.shared, ridge.coef_[:5], atol=1e-10)
    np.testing.assert_allclose(found.adapters, s * ridge.coef_[5:].reshape(3, 5), atol=1e-10)


def test_independent_tastes_are_a_ridge_each():
    found = fit_tastes(DATA, 0.4, np.inf)
    for t, (x, r) in enumerate(DATA.values()):
        ridge = Ridge(alpha=0.4 * len(r)).fit(x, r)
        np.testing.assert_allclose(found.weights[t], ridge.coef_, atol=1e-10)
        np.testing.assert_allclose(found.predict(x, "abc"[t]), ridge.predict(x), atol=1e-10)
    assert not found.shared.any()


def test_full_sharing_is_one_ridge():
    found = fit_tastes(DATA, np.inf, 0.7)
    pairs = [centred(x, r) for x, r in DATA.values()]
    weight = np.concatenate([np.full(len(r), 1 / len(r)) for _, r in pairs])
    ridge = Ridge(alpha=0.7, fit_intercept=False)
    ridge.fit(*map(np.concatenate, zip(*pairs, strict=True)), sample_weight=weight)
    np.testing.assert_allclose(found.shared, ridge.coef_, atol=1e-10)
    assert not found.adapters.any()


def test_balance_as_in_the_lessons():
    found = fit_tastes(DATA, 0.4, 3.0)
    np.testing.assert_allclose(3.0 * found.shared, 0.4 * found.adapters.sum(0), atol=1e-12)


def test_a_readers_adapter_can_be_found_again_from_w_s_alone():
    found = fit_tastes(DATA, 0.2, 1.0)
    for t, (x, r) in enumerate(DATA.values()):
        np.testing.assert_allclose(taste_of(found, x, r), found.weights[t], atol=1e-10)
    nobody = taste_of(found, np.zeros((0, 5)), np.zeros(0))
    np.testing.assert_array_equal(nobody, found.shared)


def test_validation_chooses():
    val = {t: (x + 0.1, r) for t, (x, r) in DATA.items() if t != "b"}
    pairs = [(lam, 1.0) for lam in (1e-3, 0.1, 100.0)]

    def error(model):
        left = [centred(r, model.predict(x, t)) for t, (x, r) in val.items()]
        return np.mean([np.mean((r - said) ** 2) for r, said in left])

    errors = [error(fit_tastes(DATA, *pair)) for pair in pairs]
    assert choose_tastes(DATA, val, pairs).lam == pairs[int(np.argmin(errors))][0]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(rt.RagteachError, match="lam > 0"):
        fit_tastes(DATA, 0)
    with pytest.raises(rt.RagteachError, match="one penalty that is finite"):
        fit_tastes(DATA, np.inf, np.inf)
    with pytest.raises(rt.RagteachError, match="reader"):
        fit_tastes(DATA).predict(np.zeros((1, 5)), "d")
    with pytest.raises(rt.RagteachError, match="strategy = 'ragged'"):
        choose_tastes(DATA, DATA, "ragged")
