"""One split: what it counts is what one counts by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from problems import refused
from scipy.stats import binomtest

import ragteach as rt
from ragteach.data.splits import SplitWarning
from ragteach.study.one_split import _check_every_task, fit_split


@pytest.fixture(scope="module")
def split():
    return fit_split(rt.make_toy(relatedness=0.3, n_per_task=50, seed=1))


def test_no_sentence_is_on_both_sides(split):
    parts = [set(zip(p.text, p.task, strict=True)) for p in (split.train, split.val, split.test)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


@pytest.mark.parametrize("strategy", ["RAG", "full sharing", "independent"])
def test_the_answers_are_the_models(split, strategy):
    """`evaluate`, the course's own judge, counts as many right answers."""
    data = rt.MultiTaskDataset.from_frame(
        split.test, split.vectorizer, split.task_names, len(split.class_names)
    )
    judged = rt.evaluate(split.fitted[strategy].model, data)
    table = split.accuracy(strategy).set_index("task")["accuracy"]
    assert table[split.task_names].mean() == pytest.approx(judged["accuracy"], abs=1e-6)


def test_intervals_are_wilsons(split):
    for row in split.accuracy("RAG").itertuples():
        oracle = binomtest(round(row.accuracy * row.n), row.n).proportion_ci(method="wilson")
        assert (row.low, row.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_a_difference_is_paired(split):
    a, b = split.right("RAG").astype(float), split.right("independent").astype(float)
    middle, low, high = split.difference("RAG", "independent")
    assert middle == pytest.approx((a - b).mean())
    only_a, only_b = int((a > b).sum()), int((b > a).sum())
    assert only_a + only_b > 0
    clear = binomtest(only_a, only_a + only_b).pvalue < 0.05
    assert (low > 0 or high < 0) == clear and low < middle < high
    assert split.difference("independent", "RAG") == pytest.approx((-middle, -high, -low))


def test_a_difference_by_hand(split, monkeypatch):
    """Of ten sentences three are right by a alone, one by b alone: McNemar's table."""
    right = {
        "a": np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]),
        "b": np.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 0]),
    }
    monkeypatch.setattr(type(split), "right", lambda self, name: right[name].astype(bool))
    middle, low, high = split.difference("a", "b")
    assert middle == pytest.approx(0.2) and low < 0 < high
    wider = split.difference("a", "b", level=0.99)
    assert wider[1] < low and high < wider[2]


def test_sentences_are_those_that_one_gets_right_and_the_other_wrong(split):
    table = split.sentences("RAG", "full sharing", most=1000)
    assert len(table) == int((split.right("RAG") & ~split.right("full sharing")).sum()) > 0
    assert (table["RAG"] == table["truth"]).all()
    assert (table["full sharing"] != table["truth"]).all()
    assert set(table["truth"]) <= set(rt.LABELS)
    known = set(zip(split.test.text, split.test.task, strict=True))
    assert set(zip(table["text"], table["task"], strict=True)) <= known


def test_the_first_sentences_come_from_different_tasks(split):
    table = split.sentences("RAG", "full sharing", most=1000)
    assert table["task"][: table["task"].nunique()].is_unique


def test_of_a_task_the_surest_sentence_comes_first(split):
    """Both are sure, and one of them is wrong: from that one learns most."""
    sizes = []
    for a, b in itertools.permutations(["RAG", "full sharing", "independent"], 2):
        table = split.sentences(a, b, most=1000)
        sure = table[f"{a}: how sure"] + table[f"{b}: how sure"]
        for _, of_task in sure.groupby(table["task"]):
            assert of_task.is_monotonic_decreasing
            sizes.append(len(of_task))
    assert max(sizes) > 1


def test_a_fitted_model_is_printed_in_a_line(split):
    assert "array" not in repr(split.fitted["RAG"]) and "lam_shared" in repr(split.fitted["RAG"])


def test_a_strategy_that_is_not_there_is_refused(split):
    with refused("strategy", "'best'"):
        split.right("best")
    with refused("strategy", "'majority class'"):
        fit_split(rt.make_toy(n_per_task=20), strategies=["majority class"])


def test_a_split_shows_its_bar_only_if_asked(capsys):
    frame = rt.make_toy(n_per_task=30, seed=0)
    fit_split(frame, strategies=["full sharing"], progress=False)
    assert capsys.readouterr().err == ""
    fit_split(frame, strategies=["full sharing"], progress=True)
    assert "penalty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (["a"], r"1 task has too few .*'a' \(1 and 1\).* It trains"),
        (["a", "b"], "2 tasks have too few .* They train"),
    ],
)
def test_tasks_that_no_text_chooses_for_are_counted_in_words(tasks, said):
    whole = pd.DataFrame({"text": list("xyz"), "label": [0, 1, 0], "task": list("abc")})
    chosen = whole[~whole["task"].isin(tasks)]
    with pytest.warns(SplitWarning, match=said):
        _check_every_task((whole, chosen, whole))
