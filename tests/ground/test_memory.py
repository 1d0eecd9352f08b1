"""What does not fit is refused before anything is allocated, with numbers."""

import copy
import re

import numpy as np
import pytest
import torch
from problems import refused

from ragteach import (
    RAG,
    MultiTaskDataset,
    class_weights,
    compare,
    fit,
    fit_split,
    make_toy,
    solve_path,
    who_wins_map,
)
from ragteach.data.stacking import stack_rows
from ragteach.engine import choosing
from ragteach.ground import memory
from ragteach.study import one_split, scores


def test_an_estimate_is_compared_with_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2_000_000_000)
    memory.fits_memory("a small thing", 1.9e9, "")
    with refused(
        "a big thing, to fit into memory",
        "it needs 8.0 GB, 2.0 GB are free",
        "25% of it at most, or less",
    ):
        memory.fits_memory("a big thing", 8e9, "less")
    monkeypatch.setattr(memory, "free_memory", lambda: None)  # a system that does not tell
    memory.fits_memory("a big thing", 8e12, "less")


@pytest.mark.parametrize(("options", "n_numbers"), [
    (dict(), 30 + 4 * 30),
    (dict(adapter="low_rank", rank=2), 30 + 4 * (3 + 10) * 2),
])  # fmt: skip
def test_a_model_asks_for_the_bytes_of_its_weights(options, n_numbers, monkeypatch):
    asked = []
    monkeypatch.setattr("ragteach.model.fits_memory", lambda _, n_bytes, fix: asked.append(n_bytes))
    model = RAG(10, 3, 4, bias=False, **options)
    assert asked == [4 * n_numbers]
    assert model.num_parameters() == n_numbers


def test_training_asks_for_three_times_its_weights(monkeypatch):
    """Gradients, every W_t, and a copy to go back to."""
    asked = []
    monkeypatch.setattr(
        "ragteach.ground.memory.fits_memory", lambda _, n_bytes, fix: asked.append(n_bytes)
    )
    data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
    model = RAG(4, 2, 2, tasks=["a", "b"])
    fit(model, data, epochs=0, progress=False)
    assert asked == [3 * 4 * model.num_parameters()]


def test_this_computer_tells_what_is_free():
    free = memory.free_memory()
    assert free is None or 10_000_000 < free < 10**14


@pytest.mark.parametrize("options, got", [
    (dict(num_adapters=1000), "it needs"),
    (dict(num_adapters=1000, adapter="low_rank", rank=1000), "it needs"),
])  # fmt: skip
def test_a_model_that_does_not_fit_is_refused_at_once(options, got):
    with refused("input_dim = 50 x 10000000, to fit into memory", got, "HashingVectorizer"):
        RAG(10_000_000, 50, **options)


def test_what_no_memory_holds_is_refused_before_it_is_begun():
    for asked in (
        lambda: make_toy(n_per_task=10**9),
        lambda: compare(n_per_task=[6, 10**9], seeds=1),  # before the small draws too
        lambda: who_wins_map(n_per_task=[6, 10**9], seeds=1),
    ):
        with refused("sentences (n_per_task x 4 tasks), to fit", "GB are free", "n_per_task"):
            asked()
    with refused("n_classes to be a whole number", "n_classes = 100000", "<= 1000000"):
        class_weights([0, 1], 10**400)


@pytest.mark.parametrize("options, numbers", [
    (dict(num_adapters=5), 3 * 40 + 5 * 3 * 40),
    (dict(num_adapters=5, adapter="low_rank", rank=2), 3 * 40 + 5 * 2 * (3 + 40)),
])  # fmt: skip
def test_a_model_is_refused_from_the_first_byte_too_many(options, numbers, monkeypatch):
    tasks = [f"t{t}" for t in range(5)]
    monkeypatch.setattr(memory, "free_memory", lambda: 4 * numbers)
    RAG(40, 3, tasks=tasks, **options)
    monkeypatch.setattr(memory, "free_memory", lambda: 4 * numbers - 1)
    with refused("input_dim = 3 x 40, to fit into memory", "it needs", "fewer features"):
        RAG(40, 3, tasks=tasks, **options)


def test_optima_that_do_not_fit_are_refused_before_any_work(monkeypatch):
    data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
    model = RAG(4, 2, 2, tasks=["a", "b"])
    before = copy.deepcopy(model.state_dict())
    weights = 3 * 4 * 2 + 2 * 2  # W_s and two adapters, and a bias for each task
    logits = 4 * 2
    each = 8 * (8 * weights + 30 * logits)
    monkeypatch.setattr(memory, "free_memory", lambda: 50 * each - 1)
    with refused("50 optima of 2 adapters, 2 x 4, of 4 examples", "GB are free", "graph='grouped'"):
        solve_path(model, data, np.logspace(-3, 1, 50))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert len(solve_path(model, data, np.logspace(-3, 1, 49)).lam) == 49


def test_a_split_walks_in_as_many_pieces_as_fit(monkeypatch):
    frame = make_toy(n_per_task=20)
    whole = fit_split(frame, strategies=["RAG"])
    monkeypatch.setattr(choosing, "how_many_fit", lambda each, most: 10)
    pieces = fit_split(frame, strategies=["RAG"])
    a, b = whole.fitted["RAG"], pieces.fitted["RAG"]
    assert (a.lam, a.lam_shared) == (b.lam, b.lam_shared)
    assert np.array_equal(a.said, b.said) and np.allclose(a.probability, b.probability, atol=1e-3)
    few = fit_split(frame, strategies=["RAG"], max_words=7)
    assert len(few.vectorizer.vocabulary_) == 7 and few.fitted["RAG"].model.n_features == 7


def test_a_split_that_has_no_room_says_how_many_words_would_do(monkeypatch):
    frame = make_toy(n_per_task=20)  # 12 of each task train
    logits, word = 8 * 30 * 48 * 3, 8 * 8 * (4 + 1) * 3
    free = 2 * (logits + 26 * word)
    for module in (memory, scores):
        monkeypatch.setattr(module, "free_memory", lambda: free)
    made = []
    monkeypatch.setattr(one_split, "_fit", lambda *_: made.append(1))
    with refused(
        "weights for 4 tasks x 3 classes x",
        "0.0 GB are free",
        "or the 26 most frequent words: max_words=26 (command line: --max-words 26)",
    ):
        fit_split(frame)
    assert made == []
    fit_split(frame, max_words=26)  # what it proposes is not refused
    assert made == [1, 1, 1]
    monkeypatch.setattr(scores, "free_memory", lambda: logits)
    monkeypatch.setattr(memory, "free_memory", lambda: logits)
    with refused("weights for", "GB are free", "a part of the rows, fewer tasks (--least-rows"):
        fit_split(frame)


def test_the_bar_counts_every_penalty_and_names_the_strategy(capsys):
    names = []
    fit_split(
        make_toy(n_per_task=9),
        strategies=["independent", "full sharing"],
        max_words=3,
        after=lambda split: names.append(list(split.fitted)),
        progress=True,
    )
    said = capsys.readouterr().err
    assert re.search(r"full sharing(, about [^:]*)?: 100%", said) and "98/98" in said
    assert re.search(r"independent(, about [^:]*)?: ", said)
    assert names == [["independent"], ["independent", "full sharing"]]


def test_as_many_as_fit_into_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    assert [memory.how_many_fit(each, 49) for each in (1, 100, 499, 10_000)] == [49, 5, 1, 1]


def test_stacking_counts_its_padding(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    x, y, task = torch.zeros(30, 4), torch.zeros(30).long(), (torch.arange(30) >= 29).long()
    with refused(
        "30 examples of 2 tasks, stacked (2 x 29 rows, 4 features, 3 classes)", "GB", "stream"
    ):
        stack_rows(x, y, task, torch.ones(30), 3, ["a", "b"])
