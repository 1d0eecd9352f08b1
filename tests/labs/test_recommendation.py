"""Ratings of your own become a lab, or are refused with the cure; who rated what is dealt without overlap."""

import numpy as np
import pandas as pd
import pytest

import ragteach as rt
from ragteach.data.sources.readers import load_items, simulate_readers
from ragteach.labs.ranking import ndcg
from ragteach.labs.recommendation import N_HELD, deal, list_scores, rated
from ragteach.labs.recommenders import Factors, Popularity

ITEMS = load_items()


def my_table(n_users=3, n_items=60):
    rng = np.random.default_rng(1)
    rows = [
        (f"user {u}", ITEMS["blurb"][i], int(rng.integers(0, 11)))
        for u in range(n_users)
        for i in rng.permutation(100)[:n_items]
    ]
    return pd.DataFrame(rows, columns=["user", "item", "rating"])


def test_no_rating_stands_in_two_parts_and_more_ratings_leave_the_held_out_ones():
    few, many = deal(5, 10, seed=4), deal(5, 40, seed=4)
    for name in few[0]:
        parts = [np.concatenate(list(part[name].values())) for part in many]
        assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
        for k in (1, 2):
            assert np.array_equal(few[k][name]["known"], many[k][name]["known"])
            assert np.array_equal(few[k][name]["new"], many[k][name]["new"])
        assert set(few[0][name]["known"]) <= set(many[0][name]["known"])
        for part, kind in zip(many, ("known", "trial", "new"), strict=True):
            assert set(ITEMS["part"][part[name]["new"]]) <= {kind}
            assert set(ITEMS["part"][part[name]["known"]]) == {"known"}
    with pytest.raises(rt.RagteachError, match="n_rated"):
        deal(5, 200)


def test_list_scores_are_the_ndcg_of_scikit_learn():
    readers = simulate_readers(0.5, 4, seed=1, items=ITEMS)
    x = np.random.default_rng(0).normal(size=(len(ITEMS), 3))
    held = rated(deal(4, 5)[2], readers, x)

    class First:
        def predict(self, items, task):
            return items[:, 0]

    for found, (x_t, r) in zip(list_scores(First(), held), held.values(), strict=True):
        parts = (slice(None), slice(None, N_HELD), slice(N_HELD, None))
        assert found == pytest.approx([ndcg(r[s], x_t[s, 0]) for s in parts])


def test_popularity_is_the_learners_and_factors_add_to_it():
    from ragteach.teach.exercises.answers_lab_recommendation import popularity

    texts = np.array(["a one", "b two", "c three"], dtype=object)
    train = {"u": (texts[:2], np.array([5, 1])), "v": (texts[1:], np.array([4, 2]))}
    matrix = np.array([[5, 1, np.nan], [np.nan, 4, 2]])
    found = Popularity(train, prior=2).predict(["c three", "A one!", "unheard of"])
    np.testing.assert_allclose(found[:2], popularity(matrix, 2)[[2, 0]])
    assert found[2] == 0
    factors = Factors(train, train)
    assert factors.predict(texts, "u")[0] > Popularity(train).predict(texts)[0]


def test_a_table_of_your_own_becomes_a_lab_on_the_scale_1_to_5(tmp_path):
    my_table().to_csv(tmp_path / "mine.csv", index=False)
    lab = rt.lab("recommendation", data=tmp_path / "mine.csv", seed=2)
    stars = np.concatenate([r for part in (lab.train, lab.val) for _, r in part.values()])
    assert lab.tasks == ["user 0", "user 1", "user 2"] and 1 <= stars.min() < stars.max() <= 5
    board = lab.leaderboard(lab.baselines["popularity"])
    assert "No held-out rating" in board.note
    assert board.table.loc["popularity", "yours minus it"] == 0


BAD = {
    "no rating": (lambda t: t.rename(columns={"rating": "stars"}), "columns user, item, stars; no rating"),
    "a gap": (lambda t: t.assign(rating=t["rating"].astype(float).where(t.index != 4)), "nan in row 5"),
    "a word": (lambda t: t.assign(rating=t["rating"].astype(str).where(t.index != 4, "good")), "'good' in row 5"),
    "nobody": (lambda t: t.assign(user=t["user"].where(t.index != 4)), "a user in every row(.|\n)*row 5"),
    "twice": (lambda t: pd.concat([t, t.iloc[[7]]]), "two of (.|\n)*drop_duplicates"),
    "numbers": (lambda t: t.assign(item=range(len(t))), "an item as a text that describes it"),
    "one user": (lambda t: t[t["user"] == "user 0"], "two users or more"),
    "all alike": (lambda t: t.assign(rating=3), "two different ratings or more"),
    "too few": (lambda t: t.groupby("user").head(3), "some ten or more"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_table_that_cannot_be_ranked_is_refused_with_the_cure(name):
    change, message = BAD[name]
    with pytest.raises(rt.RagteachError, match=message) as caught:
        rt.lab("recommendation", data=change(my_table()))
    assert len(str(caught.value).splitlines()) == 3
