"""What lesson 00 says in words, run again on the lesson's draws and on others."""

import time

import pytest

import ragteach as rt

NAMES = ["independent", "full sharing", "RAG", "majority class"]


@pytest.mark.parametrize(
    "seeds", [range(12), range(50, 62)], ids=["the lesson's draws", "other draws"]
)
def test_the_order_at_half_relatedness(seeds):
    table = rt.compare("toy", seeds, 60, NAMES, progress=False)
    mean = rt.summary(table).set_index("strategy")["mean"]
    assert mean["RAG"] > mean["full sharing"] > mean["independent"] > mean["majority class"]
    lead = rt.paired(table).set_index("strategy")["difference"]
    assert 0.005 < lead["full sharing"] < lead["independent"] < 0.12
    assert lead["majority class"] > 0.2


def test_intervals_overlap_but_the_paired_difference_is_clear():
    table = rt.compare("toy", 12, 60, ["full sharing", "RAG"], progress=False)
    means = rt.summary(table).set_index("strategy")
    assert means.loc["RAG", "low"] < means.loc["full sharing", "high"]
    assert rt.paired(table)["verdict"].tolist() == ["better"]


def test_related_tasks_and_few_sentences_favour_full_sharing():
    table = rt.compare(
        "toy", 8, 20, ["full sharing", "RAG", "independent"], progress=False, relatedness=1.0
    )
    assert rt.summary(table)["strategy"].iloc[0] == "full sharing"


def test_unrelated_tasks_make_full_sharing_the_last():
    table = rt.compare(
        "toy", 3, 60, ["full sharing", "RAG", "independent"], progress=False, relatedness=0.0
    )
    means = rt.summary(table).set_index("strategy")["mean"]
    assert means.idxmin() == "full sharing"
    assert abs(means["RAG"] - means["independent"]) < 0.02  # learning alone is as good


def test_more_sentences_more_right_as_the_slider_has_them():
    means = [
        rt.summary(rt.compare("toy", 4, n, ["RAG"], progress=False))["mean"].iloc[0]
        for n in (60, 90)
    ]
    assert means[1] > means[0] + 0.08


def test_the_comparison_answers_in_seconds():
    """CPU seconds, so that a busy machine does not matter: 20 s of wall time on one free core."""
    started = time.process_time()
    rt.compare("toy", seeds=12, n_per_task=60, strategies=NAMES, progress=False)
    assert time.process_time() - started < 20
