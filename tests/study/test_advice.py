"""The advice is what the intervals bear out, and never a model that another clearly beats."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from problems import refused

from ragteach.study.advice import advise
from ragteach.study.by_task import by_task, draw_by_task
from ragteach.study.tables import paired, summary

WEIGHTS = {"RAG": 500, "full sharing": 100, "independent": 400, "full sharing + task bias": 110}


def table(means, seeds=8, noise=0.004):
    """A table of draws with these mean accuracies."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for name, mean in means.items():
            for task in ("a", "b"):
                value = mean + (0.05 if task == "a" else -0.05) + noise * rng.normal()
                rows.append((name, task, seed, value))
    frame = pd.DataFrame(rows, columns=["strategy", "task", "seed", "value"])
    mean = frame.groupby(["strategy", "seed"], sort=False)["value"].mean().reset_index()
    frame = pd.concat([frame, mean.assign(task="mean")], ignore_index=True)
    frame["n_params"] = [WEIGHTS.get(name, 0) for name in frame["strategy"]]
    about = {"data": "own", "n_per_task": 20, "metric": "accuracy", "seconds": 1.0}
    return frame.assign(**about, draws="resplit", test_per_train=0.25)


ALONE = {"majority class": 0.3}


@pytest.mark.parametrize(
    ("means", "strategy", "rival", "said"),
    [
        (
            {"RAG": 0.9, "full sharing": 0.8, "independent": 0.7},
            "RAG",
            "full sharing",
            "sharing a part of the weights pays here",
        ),
        (
            {"RAG": 0.8, "full sharing": 0.9, "independent": 0.7},
            "full sharing",
            "RAG",
            "Use full sharing.",
        ),
        (
            {"RAG": 0.9, "full sharing": 0.7, "independent": 0.9},
            "independent",
            "RAG",
            "no clear difference between",
        ),
        (
            {"RAG": 0.9, "full sharing": 0.9, "independent": 0.9},
            "full sharing",
            None,
            "not to say that there is none",
        ),
        (
            {"RAG": 0.8, "full sharing": 0.8, "full sharing + task bias": 0.9, "independent": 0.7},
            "full sharing + task bias",
            "RAG",
            "clearly better than",
        ),
    ],
)
def test_the_fewest_weights_among_those_that_none_clearly_beats(means, strategy, rival, said):
    advice = advise(table(means | ALONE))
    assert advice.strategy == strategy and said in advice.said
    assert advice.rival in (rival, *(("RAG", "independent") if rival is None else ()))
    assert f"{max(means.values()):.0%}"[:2] in advice.said
    assert "most frequent class" not in advice.said


def test_what_no_draw_can_show_is_not_a_reason_for_more_weights():
    """RAG leads by far less than the draws differ: no clear difference, so full sharing."""
    rng = np.random.default_rng(1)
    found = table({"RAG": 0.82, "full sharing": 0.80} | ALONE, noise=0)
    noise = dict(zip(range(8), 0.2 * rng.normal(size=8), strict=True))
    moved = found["strategy"] == "RAG"
    found.loc[moved, "value"] += found.loc[moved, "seed"].map(noise)
    assert advise(found).strategy == "full sharing"


def test_a_strategy_that_reads_no_better_than_nothing_says_so():
    said = advise(table({"RAG": 0.5, "full sharing": 0.5, "majority class": 0.5})).said
    assert "not clearly better than saying each task's most frequent class" in said


def test_few_draws_are_called_few_and_equal_differences_no_verdict():
    found = table({"RAG": 0.9, "full sharing": 0.8} | ALONE, seeds=2, noise=0)
    advice = advise(found)
    assert advice.strategy == "full sharing" and "2 draws are few" in advice.said
    assert "--seeds 20" in advice.said
    assert set(paired(found)["verdict"]) == {"no clear difference"}
    assert advise(table({"RAG": 0.9, "full sharing": 0.8}, seeds=5, noise=0)).strategy == "RAG"


def test_no_interval_leaves_what_is_possible():
    found = table({"RAG": 0.95, "full sharing": 0.5}, seeds=2, noise=0.2)
    means = summary(found)
    assert means["low"].min() >= 0 and means["high"].max() <= 1


def test_one_task_has_nothing_to_share():
    found = table({"RAG": 0.9, "full sharing": 0.9})
    assert "one task: nothing to share" in advise(found[found["task"] != "b"]).said
    assert "one task" not in advise(found).said


def test_one_draw_has_no_verdict():
    advice = advise(table({"RAG": 0.7, "full sharing": 0.8}, seeds=1))
    assert advice.strategy == "full sharing" and "take twenty" in advice.said


def test_a_table_without_a_strategy_to_use_is_refused():
    with refused("RAG", "majority class", "leave strategies out"):
        advise(table(ALONE))


def test_task_by_task_is_the_mean_of_each():
    found = table({"RAG": 0.9, "full sharing": 0.8}, noise=0)
    scores = by_task(found, "RAG", "full sharing").set_index("task")
    assert scores["RAG"].to_dict() == pytest.approx({"a": 0.95, "b": 0.85})
    assert scores["difference"].tolist() == pytest.approx([0.1, 0.1])
    assert scores[["low", "high"]].isna().all(axis=None)  # the same in every draw: no width
    with refused("strategy", "none"):
        by_task(found, "RAG", "none")
    wide = by_task(
        table({"RAG": 0.9, "full sharing": 0.1}, seeds=2, noise=0.4), *scores.columns[:2]
    )
    assert wide["low"].min() == -1 and wide["high"].max() == 1  # accuracies differ by no more


@pytest.mark.parametrize("scores", [(1.0, 0.98), (0.0, 0.01), (0.0, 1.0), (0.5, 0.55)])
def test_the_axis_of_accuracies_ends_where_they_end(scores):
    found = pd.DataFrame([("a", *scores)], columns=["task", "RAG", "full sharing"])
    low, high = draw_by_task(found, ["a"], Figure().subplots()).get_xlim()
    assert 0 <= low <= min(scores) and max(scores) <= high <= 1
    assert high - low == pytest.approx(max(0.3, min(1, 1.1 * abs(scores[0] - scores[1]))))


def test_a_yardstick_that_came_out_higher_is_said():
    found = {"RAG": 0.5, "full sharing": 0.55, "independent, equal parameters": 0.56}
    said = advise(table(found)).said
    assert "Best on average: full sharing" in said
    assert re.search(r"independent, equal parameters \(5[56]\.\d%\) came out higher", said)
    assert "to measure by only" in said
    assert "to measure by" not in advise(table(found | {"full sharing": 0.6})).said
