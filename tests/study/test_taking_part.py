"""What takes part: rows that a draw leaves out are counted, rows that are alike count as one."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import ragteach as rt
from ragteach.data.shares import effective, paired_shares
from ragteach.study.draws import draw, overlap_ratio
from ragteach.study.one_split import fit_split
from ragteach.study.wordless import WithWordless

WORDS = "red blue slow fast car film book dog tree lamp cup sea hill road".split()


def table(n, seed=0, tasks="ab"):
    """Texts that are not alike, as many a task, with labels that alternate."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, 6)) + f" {rng.integers(10**9)}" for _ in range(n)]
    names = np.repeat(list(tasks), n // len(tasks))
    return pd.DataFrame({"text": texts, "label": np.arange(n) % 2, "task": names})


def with_shared(n=200, shared=15):
    """Of 100 rows a task, 15 texts stand in both."""
    frame = table(n)
    frame.loc[n // 2 : n // 2 + shared - 1, "text"] = frame.loc[: shared - 1, "text"].to_numpy()
    return rt.as_frame(frame)


def test_texts_of_several_tasks_are_dealt_whole_and_no_row_is_lost():
    """Counted anew: every row is in one part, no text in two, every task has its share in each."""
    frame = with_shared()
    for seed in range(8):
        parts = draw("own", frame, None, seed)
        assert sum(map(len, parts)) == len(frame)
        texts = [set(part["text"]) for part in parts]
        assert not texts[0] & texts[1] and not texts[2] & (texts[0] | texts[1])
        assert [part.groupby("task").size().tolist() for part in parts] == [
            [60, 60],
            [20, 20],
            [20, 20],
        ]
        assert overlap_ratio(frame, None, parts) == pytest.approx(40 / 120)


def test_the_interval_counts_what_is_tested():
    frame = with_shared()
    parts = draw("own", frame, None, 0)
    short = (parts[0], parts[1], parts[2].iloc[:13])
    assert overlap_ratio(frame, None, short) == pytest.approx(13 / 120)


# ---------------------------------------------------------------- rows that are alike


@pytest.fixture(scope="module")
def fourfold():
    """Each text four times, with other commas: 30 texts, 120 rows; and the same 30 once."""
    once = table(30, seed=3, tasks="a")
    signs = pd.DataFrame({"sign": [".", "!", " ?", " ..."]})
    times = once.merge(signs, how="cross")
    times["text"] += times["sign"]
    return once, times.drop(columns="sign")


def test_intervals_count_a_text_that_stands_there_four_times_once(fourfold):
    split = fit_split(fourfold[1], strategies=["full sharing"])
    row = split.accuracy("full sharing").iloc[-1]
    n_texts = row["n"] // 4
    assert row["counted"] == n_texts and row["n"] == len(split.test)
    hits = row["accuracy"] * n_texts
    assert hits == pytest.approx(round(hits))  # all rows of a text get one answer
    oracle = binomtest(round(hits), n_texts).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((oracle.low, oracle.high))
    assert f"these {row['n']} count as {n_texts}" in split.about_counted()


def test_the_interval_of_a_difference_counts_texts_too(fourfold):
    split = fit_split(fourfold[1], strategies=["full sharing"])
    n_texts = len(split.test) // 4
    right = np.repeat(np.arange(n_texts) < 3, 4)
    order = np.argsort(split.group, kind="stable")
    answers = {"a": np.zeros(len(order), bool), "b": np.zeros(len(order), bool)}
    answers["a"][order] = right
    split.right = answers.get
    assert split.difference("a", "b") == pytest.approx(paired_shares(3, 0, n_texts))


def test_a_look_says_the_same_of_a_table_and_of_its_copies(fourfold):
    looks = [rt.look(frame) for frame in fourfold]
    for part in ("tasks", "classes"):
        ends = [getattr(found, part)[["share", "low", "high"]].to_numpy() for found in looks]
        assert ends[0] == pytest.approx(ends[1])
    assert "120 rows are worth 30" in str(looks[1]) and "worth" not in str(looks[0])


def test_what_each_row_is_worth():
    assert effective(np.arange(7)) == 7
    assert effective([0] * 7) == 1
    assert effective([0, 0, 0, 1, 1, 2]) == pytest.approx(36 / 14)


def test_sentences_of_a_generator_count_one_by_one():
    split = fit_split(rt.make_toy(n_per_task=20), strategies=["full sharing"])
    table = split.accuracy("full sharing")
    assert table["counted"].tolist() == table["n"].tolist() and not split.about_counted()


# ---------------------------------------------------------------- tasks that lack a class


def test_a_task_without_a_class_gets_a_wordless_row_in_one_split_too(monkeypatch):
    """Else its bias of that class would fall for ever."""
    frame = table(80)
    frame["label"] = np.arange(80) % 3
    frame.loc[(frame["task"] == "b") & (frame["label"] == 2), "label"] = 0
    seen = []
    from ragteach.study import one_split

    solve = one_split.best_penalty
    monkeypatch.setattr(
        one_split, "best_penalty", lambda s, data, *a: seen.append(data) or solve(s, data, *a)
    )
    split = fit_split(frame, strategies=["RAG"])
    assert isinstance(seen[0], WithWordless) and seen[0].wordless.tolist() == [1]
    assert abs(split.fitted["RAG"].model.task_bias()).max() < 20
