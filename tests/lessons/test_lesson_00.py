"""What lesson 00 says in words, run again on the lesson's draws and on others."""

import re
import time

import numpy as np
import pytest
from problems import on_draws

import ragteach as rt
from ragteach.widgets.sharing import compute, toy_parts

SENTENCE = "Predictable brakes and solid steering make it a joy to drive."
LEFT_END = 1e-5  # lambda there, in the slider
NAMES = ["independent", "full sharing", "RAG", "majority class"]


@pytest.mark.parametrize("seeds", on_draws(range(12), range(50, 62)))
def test_the_order_at_half_relatedness(seeds):
    table = rt.compare("toy", seeds, 40, NAMES, progress=False)
    mean = rt.summary(table).set_index("strategy")["mean"]
    assert mean["RAG"] > mean["full sharing"] > mean["independent"] > mean["majority class"]
    lead = rt.paired(table).set_index("strategy")
    assert (
        0.01 < lead.loc["full sharing", "difference"] < lead.loc["independent", "difference"] < 0.12
    )
    assert lead.loc["majority class", "difference"] > 0.3
    assert (lead["verdict"] == "better").all()
    lam = table[(table["metric"] == "lam") & (table["strategy"] == "independent")]["value"]
    assert 20 < lam.median() / LEFT_END < 120  # "some seventy times"


def test_related_tasks_and_few_sentences_favour_full_sharing():
    table = rt.compare(
        "toy", 8, 20, ["full sharing", "RAG", "independent"], progress=False, relatedness=1.0
    )
    assert rt.summary(table)["strategy"].iloc[0] == "full sharing"


@pytest.mark.parametrize("seeds", [range(3), range(50, 53)])
def test_unrelated_tasks_make_full_sharing_the_last(seeds):
    table = rt.compare(
        "toy", seeds, 40, ["full sharing", "RAG", "independent"], progress=False, relatedness=0.0
    )
    means = rt.summary(table).set_index("strategy")["mean"]
    assert means.idxmin() == "full sharing"
    assert abs(means["RAG"] - means["independent"]) < 0.02  # learning alone is as good


@pytest.mark.parametrize("seeds", [range(3), range(50, 53)])
def test_the_two_extremes_change_places(seeds):
    """Exercise 00-5, as the learner runs it; 40 sentences are held by the first test."""
    table = rt.summary(rt.compare("toy", seeds, [20, 80], NAMES, progress=False))
    means = table.set_index(["n_per_task", "strategy"])["mean"]
    assert means[20, "full sharing"] > means[20, "independent"] + 0.05
    assert means[80, "independent"] > means[80, "full sharing"] + 0.1


@pytest.mark.parametrize("n", [20, 40, 80])
def test_independent_models_do_not_care_how_related_the_tasks_are(n):
    """The exact optimum at one penalty, the same draws at every relatedness."""
    right = {r: [_independent(r, n, seed) for seed in range(6)] for r in (0.0, 0.5, 1.0)}
    mean = {r: np.mean(values) for r, values in right.items()}
    assert max(mean.values()) - min(mean.values()) < 0.015


def _independent(r, n, seed):
    data = rt.MultiTaskDataset.from_frame(rt.make_toy(r, n, seed=seed))
    test = rt.MultiTaskDataset.from_frame(rt.make_toy(r, 200, seed=5000 + seed), like=data)
    model = rt.RAG.independent(data.n_features, 3, tasks=data.task_names, init="zero")
    rt.solve(model, data, lam=0.001, lam_shared=0.0)
    return rt.evaluate(model, test)["accuracy"]


def test_a_task_that_hedges_gives_fewer_right_answers():
    """In the slider's own draw, without W_s: at the left end's price, and at a chosen one."""
    train, _, test = toy_parts(0.5, 40, 0)
    data = rt.MultiTaskDataset.from_frame(train)
    fresh = rt.MultiTaskDataset.from_frame(test, like=data)
    right = {}
    for lam in (LEFT_END, 0.001):
        model = rt.RAG.independent(data.n_features, 3, tasks=data.task_names, init="zero")
        rt.solve(model, data, lam=lam, lam_shared=0.0)
        right[lam] = rt.evaluate(model, fresh)["accuracy"]
    assert right[LEFT_END] > right[0.001] + 0.015


# ------------------------------------------------------------------ the slider


@pytest.fixture(scope="module")
def slider():
    """The lesson's own explorer: its readings and accuracies at every lambda."""
    lam = 0.001 * np.logspace(-2, 2, 61)
    train, val, test = toy_parts(0.5, 40, 0)
    data = rt.MultiTaskDataset.from_frame(train)
    arrays, spec = compute(data, train, val, test, lam, 0.001, SENTENCE)
    return {k: np.asarray(v) for k, v in arrays.items()}, spec


def test_the_slider_has_a_task_that_can_be_done(slider):
    arrays, spec = slider
    read = readings(arrays, spec, SENTENCE)  # (n_lambda, n_tasks)
    films, cars = spec["tasks"].index("films"), spec["tasks"].index("cars")
    assert read[0, films] == 0 and read[0, cars] == 2  # blame, praise
    alike = (read == read[:, :1]).all(1)
    assert not alike[0] and alike[-1] and (read[-1] == 2).all()
    assert (np.diff(alike.astype(int)) >= 0).all()  # once they agree, they go on agreeing


def test_the_slider_shows_a_best_lambda_between_the_ends(slider):
    arrays, spec = slider
    mean = arrays["accuracy"].mean(1)
    assert mean[spec["best"]] > max(mean[0], mean[-1]) + 0.02
    assert mean[0] > mean[-1]  # and the table says the reverse, as the text explains
    assert "strange" in spec["drawn"]
    j = spec["words"].index("strange")
    weights = arrays["shared"][:, None, :, j] + arrays["adapters"][..., j]
    score = weights[..., 2] - weights[..., 0]  # (n_lambda, n_tasks)
    assert score[0].round() == pytest.approx([11, -6, -11, 0])  # films, cars, food, phones
    assert score[-1] == pytest.approx([1, 1, 1, 1], abs=0.3)
    assert mean[[0, mean.argmax(), -1]] == pytest.approx([0.70, 0.74, 0.66], abs=0.006)
    assert arrays["lam"][mean.argmax()] == pytest.approx(0.0006, abs=1e-4)
    assert np.ptp(score[0]) > 5 and np.ptp(score[-1]) < 0.5


def readings(arrays, spec, sentence):
    """The class that each task reads at each lambda, as the page counts it: (n_lambda, n_tasks)."""
    known = [
        spec["words"].index(w) for w in re.findall(r"\w+", sentence.lower()) if w in spec["words"]
    ]
    x = arrays["idf"][known] / np.linalg.norm(arrays["idf"][known])
    # (n_lambda, n_tasks, n_classes, n_words)
    weights = arrays["shared"][:, None] + arrays["adapters"]
    return ((weights[..., known] * x).sum(-1) + arrays["bias"]).argmax(-1)


def test_the_written_sentences_disagree_as_the_text_says():
    written = rt.load_handwritten()
    has = written[written["text"].str.contains(r"\bpredictable\b", case=False)]
    has = has.set_index("task")["label"]
    assert has["films"] == 0 and has["cars"] == 2
    assert SENTENCE in set(written["text"])


def test_the_comparison_answers_in_seconds():
    """CPU seconds, so that a busy machine does not matter: 20 s of wall time on one free core."""
    started = time.process_time()
    rt.compare("toy", seeds=12, n_per_task=40, strategies=NAMES, progress=False)
    assert time.process_time() - started < 20
