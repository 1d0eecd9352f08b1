"""What does not fit is refused before anything is allocated, with numbers."""

import pytest
import torch
from problems import refused

from ragteach import RAG
from ragteach.data import memory
from ragteach.data.stacking import stack_rows


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


def test_this_computer_tells_what_is_free():
    free = memory.free_memory()
    assert free is None or 10_000_000 < free < 10**14


@pytest.mark.parametrize("options, got", [
    (dict(num_adapters=1000), "it needs"),
    (dict(num_adapters=1000, adapter="low_rank", rank=1000), "it needs"),
])  # fmt: skip
def test_a_model_that_does_not_fit_is_refused_at_once(options, got):
    with refused("adapters, 50 x 10000000, to fit into memory", got, "HashingVectorizer"):
        RAG(10_000_000, 50, **options)


def test_stacking_counts_its_padding(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    x, y, task = torch.zeros(30, 4), torch.zeros(30).long(), (torch.arange(30) >= 29).long()
    with refused(
        "30 examples of 2 tasks, stacked (2 x 29 rows, 4 features, 3 classes)", "GB", "stream"
    ):
        stack_rows(x, y, task, torch.ones(30), 3, ["a", "b"])
