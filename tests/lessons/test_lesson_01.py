"""Every number and claim in the prose of lesson 01, on draws that the lesson does not show."""

import numpy as np
import pytest
from lesson_source import load

from ragteach import TOY_TASKS, make_toy
from ragteach.teach.checks import check, reference
from ragteach.teach.exercises.lesson_01 import _bias_and_variance, _expected_errors, _label_counts

LESSON = load(
    "01_why_share",
    "LAMBDAS",
    "learn",
    "tasks",
    "tests",
    "words",
    "examine",
    "STRATEGIES",
    "SIZES",
    "curves",
)
STRATEGIES, SIZES = LESSON["STRATEGIES"], LESSON["SIZES"]
DRAWS = range(40, 48)  # the lesson shows 0 .. 11


@pytest.fixture(scope="module")
def runs():
    found = {}
    for n in SIZES:
        for seed in DRAWS:
            train, val = make_toy(0.5, n, seed=seed), make_toy(0.5, n, seed=1000 + seed)
            for strategy in STRATEGIES:
                one = LESSON["examine"](*LESSON["learn"](strategy, train, val))
                found.setdefault((strategy, n), []).append(one)
    return lambda strategy, n, *what: np.array([one[what] for one in found[strategy, n]])


def test_the_words_mean_what_the_text_says():
    frame = make_toy(n_per_task=400, seed=0)
    table = _label_counts(frame, "unpredictable", list(TOY_TASKS))
    assert table.argmax(1).tolist() == [2, 0, 1, 0] and (table.sum(1) == table.max(1)).all()
    assert _label_counts(frame, "wonderful", list(TOY_TASKS)).argmax(1).tolist() == [2, 2, 2, 2]


def test_random_linear_models_get_at_most_three_of_four():
    space = load("01_why_share", "x", "truth", "w", "f", "right")
    assert space["right"].max() == 3 and len(space["right"]) == 100_000
    assert (space["truth"] @ space["x"] == 0).all()  # the certificate
    assert check("01-2", space["truth"]).status == "PASS"


def test_four_real_models_fail_as_proved():
    texts = [
        f"The {noun} was {word}."
        for word in ("unpredictable", "predictable")
        for noun in ("script", "steering")
    ]
    for seed in range(3):
        frame = make_toy(0.0, 160, seed=seed)
        model, data = LESSON["learn"]("full sharing", frame, make_toy(0.0, 160, seed=900 + seed))
        W = model.task_weights().detach().numpy()[0]
        score = (data.vectorizer.transform(texts) @ (W[2] - W[0])) + (
            model.bias[0, 2] - model.bias[0, 0]
        ).item()
        assert (np.sign(score) == [1, -1, -1, 1]).sum() <= 3


def test_the_two_means_cross_at_sixteen_and_simulation_agrees():
    space = load("01_why_share", "n_tasks", "sigma", "tau", "sizes", "simulate")
    n_tasks, sigma, tau = space["n_tasks"], space["sigma"], space["tau"]
    assert sigma**2 / tau**2 == 16
    own, pooled = _expected_errors(16, n_tasks, sigma, tau)
    assert own == pytest.approx(pooled)
    for n in space["sizes"]:
        own, pooled = _expected_errors(n, n_tasks, sigma, tau)
        assert (own > pooled) == (n < 16) or n == 16
        for seed in (1, 2):
            assert space["simulate"](n, seed=seed) == pytest.approx((own, pooled), rel=0.08)
    assert _expected_errors(10**9, n_tasks, sigma, tau)[1] == pytest.approx(
        0.75 * tau**2
    )  # the bias stays


def test_agreed_sentences_sharing_wins_by_a_lot(runs):
    for n in SIZES:
        lead = runs("full sharing", n, "right", "agreed") - runs(
            "independent", n, "right", "agreed"
        )
        assert lead.mean() > 0.1
    for strategy in ("full sharing", "RAG"):
        assert runs(strategy, 160, "right", "agreed").mean() > 0.95
    assert (
        runs("RAG", 20, "right", "agreed").mean()
        < runs("full sharing", 20, "right", "agreed").mean()
    )


def test_disputed_sentences_sharing_never_catches_up(runs):
    for n in SIZES:
        assert 0.3 < runs("full sharing", n, "right", "disputed").mean() < 0.46
    assert 0.85 < runs("independent", 160, "right", "disputed").mean() < 1
    for n in (80, 160):
        shared, rag, own = (
            runs(s, n, "right", "disputed").mean() for s in STRATEGIES[:1] + ["RAG", "independent"]
        )
        assert shared < rag < own


def test_one_word_under_the_lens(runs):
    shared = runs("full sharing", 80, "score", "unpredictable")[:, 0]
    assert shared.mean() < 0 and (shared > 0).mean() < 0.5
    assert np.ptp(runs("full sharing", 80, "score", "unpredictable"), axis=1).max() < 1e-6
    assert runs("independent", 80, "score", "unpredictable")[:, 0].mean() > 0
    assert (np.abs(runs("independent", 80, "score", "wonderful")[:, 0]) < 0.05).sum() >= 2
    assert (runs("full sharing", 80, "score", "wonderful")[:, 0] > 0).mean() > 0.7


def test_bias_and_variance(runs):
    parts = {
        (s, k): _bias_and_variance(runs(s, 80, "p", k))
        for s in STRATEGIES
        for k in ("agreed", "disputed")
    }
    for kind in ("agreed", "disputed"):
        assert parts["full sharing", kind][1] < parts["independent", kind][1]
        p = runs("RAG", 80, "p", kind)
        assert sum(parts["RAG", kind]) == pytest.approx(((1 - p) ** 2).mean())
    assert parts["full sharing", "disputed"][0] > 2 * parts["independent", "disputed"][0]
    assert parts["full sharing", "agreed"][0] < parts["independent", "agreed"][0]


def test_the_crossing_moves_right_as_tasks_become_alike():
    first = {}
    for r in (0.25, 0.5, 0.75):
        table = LESSON["curves"](r)
        first[r] = min(
            table.index[table["independent"] > table["full sharing"]], default=float("inf")
        )
    assert check("01-5", first).status == "PASS", first
    assert check("01-5", reference("01-5")).status == "PASS"
