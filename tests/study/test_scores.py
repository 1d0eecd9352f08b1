"""How one strategy is scored: no penalty is solved for twice without need, and by hand it is the same."""

import math

import numpy as np
import pandas as pd
import pytest
from problems import problem, refused, states_equal

from ragteach.engine import choosing
from ragteach.ground import memory
from ragteach.study import scores
from ragteach.study.kept import Kept
from ragteach.study.scores import best_penalty, few_words, majority
from ragteach.study.strategies import REGISTRY, Strategy, pairs

LAMS = [10.0, 0.02, 1.0]
SHARING = Strategy("three", REGISTRY["full sharing"].builder, pairs([0.0], LAMS))


@pytest.fixture
def solved(monkeypatch):
    """The penalties that were solved for, where memory has room for one at a time."""
    seen, original = [], scores._solved

    def counting(candidates, part):
        seen.extend(candidates.lam_shared[part].tolist())
        return original(candidates, part)

    monkeypatch.setattr(scores, "_solved", counting)
    monkeypatch.setattr(choosing, "how_many_fit", lambda each, most: 1)
    return seen


def test_a_penalty_is_solved_for_again_only_where_a_kept_one_is_the_best(solved, tmp_path):
    data, val = problem(sizes=(9, 9)), problem(sizes=(9, 9), seed=0).stacked()
    best = best_penalty(SHARING, data, val)
    assert solved == LAMS and best.lam_shared == pytest.approx(0.02) == LAMS[best.losses.argmin()]
    kept = Kept(tmp_path, "these", "part")
    best_penalty(SHARING, data, val, kept)
    for at, expected in ((0, [10.0, 0.02]), (1, [0.02]), (2, [1.0, 0.02])):
        solved.clear()
        kept.path(scores.Tries("three", at)).unlink()
        again = best_penalty(SHARING, data, val, kept, resume=True)
        assert solved == expected
        assert again.lam_shared == best.lam_shared and np.array_equal(again.losses, best.losses)
        assert states_equal(again.model, best.model)


def test_few_words_are_the_most_frequent_ones():
    train = pd.DataFrame({"text": ["good film", "good plot", "bad good plot"]})
    assert few_words(train, None) is None
    assert {*few_words(train, 2).get_feature_names_out()} == {"good", "plot"}


def test_the_majority_says_the_frequencies_of_training_plus_one_each():
    train = pd.DataFrame({"task": ["a"] * 4, "label": [0, 0, 0, 1]})
    test = pd.DataFrame({"task": ["a"] * 2, "label": [0, 2]})
    said = {(task, metric): value for task, metric, value in majority(train, test, n_classes=3)}
    assert said["a", "accuracy"] == 0.5
    assert said["a", "log_loss"] == pytest.approx(-(math.log(4 / 7) + math.log(1 / 7)) / 2)
    assert said["mean", "log_loss"] == said["a", "log_loss"] and len(said) == 8


def test_every_penalty_that_is_done_is_told_once(monkeypatch):
    monkeypatch.setattr(choosing, "how_many_fit", lambda each, most: 2)  # and one is left over
    data, val = problem(sizes=(9, 9)), problem(sizes=(9, 9), seed=0).stacked()
    told = []
    best_penalty(SHARING, data, val, told=told.append)
    assert told == [2, 1] and sum(told) == len(LAMS)


def test_weights_that_no_memory_holds_are_refused_with_the_words_that_would_do(monkeypatch):
    data = problem(sizes=(9, 9), n_features=500)
    scores.check_room(data, adapters=True)  # there is room
    for module in (scores, memory):
        monkeypatch.setattr(module, "free_memory", lambda: 40_000)
    with refused("weights for 2 tasks x 3 classes x 500 words", "are free", "max_words="):
        scores.check_room(data, adapters=True)
