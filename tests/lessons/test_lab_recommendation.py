"""The recommendation lab: what its prose claims, on the lab's own board and in worlds it did not draw."""

import numpy as np
import pytest
from lesson_source import load

import ragteach as rt
from ragteach.data.readers import SETTINGS

NAMES = (
    "lab", "items", "labels", "opened", "known", "reads", "older", "likeness", "HEADS", "parts_of", "train_heads",
    "heads_measured", "two", "as_card", "cards", "middle_card", "size", "WAYS", "words", "world", "FIRST",
    "newcomers", "crowd", "Both", "mine",
)  # fmt: skip


@pytest.fixture(scope="module")
def lesson():
    return load("lab_recommendation", *NAMES)


@pytest.fixture(scope="module")
def worlds(lesson):
    """{(setting, ratings): (n_worlds, way, part)} in worlds 11 .. 13; ways RAG, full, own, popularity."""
    ways = (*lesson["WAYS"], "popularity")
    found = {}
    for setting, common in SETTINGS.items():
        for n in (5, 20, 60):
            drawn = [lesson["world"](common, n, seed) for seed in (11, 12, 13)]
            found[setting, n] = np.array([[one[way] for way in ways] for one in drawn])
    return found


RAG, FULL, OWN, CROWD = range(4)
ALL, KNOWN, NEW = range(3)


def gap(worlds, setting, n, rival, part=ALL):
    values = worlds[setting, n]
    return values[:, RAG, part].mean() - values[:, rival, part].mean()


def test_popularity_is_ahead_of_rag_on_texts_and_worth_nothing_on_new_items(lesson):
    board = lesson["lab"].leaderboard(lesson["lab"].baselines["RAG"], name="RAG")
    assert board.verdict("popularity") == "worse"
    assert board.verdict("independent") == board.verdict("content profile") == "better"
    assert board.verdict("full sharing") == "no clear difference"
    table = board.table
    assert table.loc["popularity", "new"] == pytest.approx(table.loc["no order", "new"])
    assert table.loc["no order", "nDCG@10"] == pytest.approx(0.43, abs=0.005)
    assert table.loc["RAG", "new"] > table.loc["popularity", "new"] + 0.05
    row = table.loc["popularity"]
    assert row[["yours minus it", "from", "to"]].round(2).tolist() == [-0.06, -0.1, -0.03]


def test_cards_and_the_crowd_together_are_ahead_of_all(lesson):
    board = lesson["lab"].leaderboard(lesson["mine"])
    assert board.table.index[0] == "yours" and "No held-out rating" in board.note
    row = board.table.loc["popularity"]
    assert row[["yours minus it", "from", "to"]].tolist() == pytest.approx(
        [0.05, 0.03, 0.075], abs=0.006
    )


def test_no_head_is_seen_to_help_another(lesson):
    alone, three, likeness, cosine = np.array([lesson["heads_measured"](s) for s in (11, 12)]).T
    assert abs((three - alone).mean()) < 0.05 and alone.mean() > 0.5
    assert likeness.mean() < cosine.mean() + 0.03


def test_rag_is_ahead_of_both_limits_between_them_and_nowhere_behind(worlds):
    for setting, n in worlds:
        assert min(gap(worlds, setting, n, rival) for rival in (FULL, OWN)) > -0.015
    for rival in (FULL, OWN):
        assert gap(worlds, "half and half", 20, rival) > 0.005
    assert abs(gap(worlds, "one taste", 5, FULL)) < 0.015 and gap(worlds, "one taste", 5, OWN) > 0.1
    assert abs(gap(worlds, "half and half", 60, OWN)) < 0.01
    assert (
        abs(gap(worlds, "own tastes", 60, OWN)) < 0.01 and gap(worlds, "own tastes", 60, FULL) > 0.1
    )


def test_rag_beats_popularity_on_new_items_always_and_on_known_ones_by_the_setting(worlds):
    for setting in SETTINGS:
        assert gap(worlds, setting, 20, CROWD, NEW) > 0.08
    assert gap(worlds, "one taste", 20, CROWD, KNOWN) < 0.01
    assert gap(worlds, "own tastes", 20, CROWD, KNOWN) > 0.08


def test_cards_beat_texts_and_most_of_all_on_known_items(lesson, worlds):
    texts = lesson["reads"].astype(float) / 8
    found = [lesson["world"](0.5, 20, seed, texts, ["RAG"])["RAG"] for seed in (11, 12, 13)]
    gain = (worlds["half and half", 20][:, RAG] - np.array(found)).mean(0)
    assert gain[KNOWN] > 0.05 and gain[KNOWN] > gain[NEW] > -0.01


def test_a_newcomer_gets_what_all_like(lesson):
    for common, least in ((0.9, 0.2), (0.1, 0.03)):
        rag, own = lesson["newcomers"](common, 11)
        assert rag[0] > own[0] + least  # no rating yet


def test_the_card_of_a_known_item_is_nearly_its_labels_and_of_a_new_one_a_guess(lesson):
    said = lesson["as_card"](lesson["reads"])[:, :8].argmax(1) == lesson["labels"][:, :8].argmax(1)
    new = np.setdiff1d(np.arange(312), lesson["opened"])
    assert said[lesson["known"]].mean() > 0.95 and 0.5 < said[new].mean() < 0.85


def test_training_holds_no_item_for_trial_and_nothing_that_is_held_out():
    lab = rt.lab("recommendation")
    score = lab.score(lab.baselines["matrix factorisation"])
    assert score.table["overlap"].sum() == 0 and (score.table["n"] == 40).all()
    trained = {text for x, _ in lab.train.values() for text in x}
    assert len(trained) == 192 and len({t for x, _ in lab.val.values() for t in x} - trained) == 48
