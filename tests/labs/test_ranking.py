"""Lists and their scores: equal to scikit-learn's nDCG, ties in every order, readers as the sample."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

import ragteach as rt
from ragteach.labs.ranking import NDCG, RankingLab, RankScore, ndcg, recall

TEXTS = np.array(["a dull one", "A fine one!", "one that is fair", "a new one"], dtype=object)
KNOWN = TEXTS[:3]
STARS = {"Ada": np.array([1, 5, 3, 4]), "Ben": np.array([5, 2, 1, 4])}
TRAIN = {"Ada": (KNOWN[:1], np.array([1])), "Ben": (KNOWN[1:], np.array([2, 1]))}
HELD = {name: (TEXTS, stars) for name, stars in STARS.items()}


@pytest.fixture
def small():
    flat = {"no order": lambda x: np.zeros(len(x))}
    return RankingLab("small", TRAIN, TRAIN, HELD, lambda lab: flat, None)


def truth(x, task):
    stars = dict(zip(TEXTS, STARS[task], strict=True))
    return [stars[text] for text in x]


def test_ndcg_is_that_of_scikit_learn_and_of_the_formula():
    rng = np.random.default_rng(0)
    for k in (1, 3, 10):
        r, s = rng.integers(1, 6, 15), rng.normal(size=15)
        assert ndcg(r, s, k) == pytest.approx(ndcg_score([2.0**r - 1], [s], k=k))
        order = np.argsort(-s)[:k]
        best = np.sort(r)[::-1][:k]
        places = np.log2(np.arange(len(order)) + 2)
        by_hand = ((2.0 ** r[order] - 1) / places).sum() / ((2.0**best - 1) / places).sum()
        assert ndcg(r, s, k) == pytest.approx(by_hand)


def test_ties_stand_in_every_order_at_once():
    r = np.array([5, 4, 1, 2, 5])
    scores = np.array([2.0, 1.0, 1.0, 1.0, 0.0])
    every = list(itertools.permutations([1, 2, 3]))
    broken = []
    for order in every:
        apart = scores.copy()
        apart[list(order)] += np.array([0.3, 0.2, 0.1])
        broken.append((ndcg(r, apart, 2), recall(r, apart, 2)))
    both = ndcg(r, scores, 2), recall(r, scores, 2)
    np.testing.assert_allclose(both, np.mean(broken, 0))
    assert np.isnan(recall([1, 2, 3], [1, 2, 3]))


def test_the_right_order_has_1_and_the_wrong_one_less(small):
    assert small.score(truth).mean == pytest.approx(1)
    turned = small.score(lambda x, task: [-r for r in truth(x, task)])
    assert turned.mean < small.score(lambda x: np.zeros(len(x))).mean < 1
    assert small.score(truth).table["recall@10"].tolist() == [1, 1]


def test_known_and_new_items_are_told_apart(small):
    seen = []

    def spy(x, task):
        seen.append((task, list(x)))
        return truth(x, task)

    found = small.score(spy)
    assert isinstance(found, RankScore) and seen == [(name, list(TEXTS)) for name in HELD]
    assert found.table["n"].tolist() == [4, 4]
    np.testing.assert_allclose(found.table["known"], 1)
    assert found.table["new"].isna().all()  # one new item is no list


def test_overlap_is_a_reader_with_their_own_item_or_anybody_with_a_new_one(small):
    assert "not known" in small.score(truth).note
    found = small.score(truth, trained_on={"Ada": ["a DULL one"], "Ben": ["A new one."]})
    assert found.table["overlap"].tolist() == [2, 1]
    assert "3 of 8 held-out ratings were among the training" in found.note
    assert "No held-out rating" in small.score(truth, trained_on={"Ada": ["else"]}).note
    with pytest.raises(rt.RagteachError, match="a dict from reader to the texts"):
        small.score(truth, trained_on=["a dull one"])


def test_the_board_is_paired_by_reader(small):
    assert "Nothing to score yet" in repr(small.score(...))
    assert list(small.leaderboard().table.index) == ["no order"]
    board = small.leaderboard(truth)
    flat = [ndcg(r, np.zeros(4)) for r in STARS.values()]
    row = board.table.loc["no order"]
    assert row["yours minus it"] == pytest.approx(1 - np.mean(flat))
    assert row["from"] < row["yours minus it"] < row["to"]
    assert list(board.table.index) == ["yours", "no order"] and NDCG in board.table


BAD = {
    "a missing reader": ({"Ada": lambda x: [0] * len(x)}, "a predictor for every task; 'Ben'", "add one for 'Ben'"),
    "titles": (lambda x, t: ["fine"] * len(x), "a number for each item of 'Ada'", "the lab makes the list"),
    "the best two": (lambda x, t: [1, 0], "scores of shape \\(4,\\)", "shape \\(2,\\)"),
    "a matrix": (lambda x, t: np.zeros((len(x), 5)), "scores of shape \\(4,\\)", "shape \\(4, 5\\)"),
    "NaN": (lambda x, t: np.full(len(x), np.nan), "a finite score for every item of 'Ada'", "4 scores that are NaN"),
    "a list, not a model": ([3, 1, 2], "a predictor: a fitted model", "list"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_in_three_parts(small, name):
    predictor, expected, more = BAD[name]
    with pytest.raises(rt.RagteachError, match=f"Expected: {expected}(.|\n)*{more}") as caught:
        small.score(predictor)
    assert len(str(caught.value).splitlines()) == 3


def test_what_a_predictor_is_handed_is_a_copy(small):
    def vandal(x, task):
        x[:] = "spoilt"
        return np.zeros(len(x))

    small.score(vandal)
    assert small.score(truth).mean == pytest.approx(1)
