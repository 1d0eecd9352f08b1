"""Pictures of many tasks: no colour comes twice, nothing is left out without a word, no page of paper."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ragteach import RAG, Trajectory, plots
from ragteach.engine.replicas import Replicas
from ragteach.study.crowds import MOST, draw_others, stand_out

N_TASKS = 188


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture
def path():
    """Weights of 188 tasks that move at random."""
    rng = torch.Generator().manual_seed(0)
    tasks = [f"condition {t}" for t in range(N_TASKS)]
    model = RAG(4, 3, N_TASKS, tasks=tasks)
    shared = torch.randn(5, 3, 4, generator=rng)
    adapters = torch.randn(5, N_TASKS, 3, 4, generator=rng)
    return Trajectory.of(model, np.arange(5), shared, adapters, list("abcd"))


def hidden(ax):
    """How many lines the legend says are not named."""
    said = [t.get_text() for t in ax.get_legend().get_texts()]
    return sum(
        int(m[1].replace(",", "")) for m in (re.match(r"([\d,]+) others", t) for t in said) if m
    )


def named(ax):
    return [
        line for line in ax.lines if line.get_label()[0] != "_" and "others" not in line.get_label()
    ]


@pytest.mark.parametrize(
    ("draw", "n_lines"),
    [(plots.norms, 1 + N_TASKS), (plots.angles, N_TASKS), (plots.plane, 1 + N_TASKS)],
)
def test_no_colour_comes_twice_and_the_legend_counts_everything(path, draw, n_lines):
    ax = draw(path)
    lines = named(ax)
    assert len(lines) == MOST == len({line.get_color() for line in lines})
    assert len(lines) + hidden(ax) == n_lines


def test_the_shared_weights_are_always_shown(path):
    path.shared[:] = 0.0  # they move least of all
    assert "W_s" in [line.get_label() for line in named(plots.norms(path))]


def test_hundreds_of_pairs_become_a_band(ax):
    pairs = {k: (np.arange(3), np.array([0.0, k, 2 * k])) for k in range(1001)}
    draw_others(ax, pairs)
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(2 * 950) and not ax.lines
    assert ax.get_legend_handles_labels()[1][0].startswith("1,001 others")


def test_those_stand_out_that_move_most():
    still = {f"far {k}": np.full(4, 100.0 + k) for k in range(20)}
    moving = {f"moving {k}": np.array([0, 1, 0, 1.0 + k]) for k in range(MOST)}
    assert stand_out(still | moving) == list(moving)
    assert stand_out(dict(list(still.items())[:MOST])) == list(still)[:MOST]


def test_a_path_of_lambda_shows_the_tasks_that_it_changes(monkeypatch, ax):
    accuracy = torch.full((N_TASKS, 3), 0.5)
    accuracy[7] = torch.tensor([0.1, 0.9, 0.2])
    replicas = Replicas.__new__(Replicas)
    replicas.lam = torch.tensor([0.1, 1.0, 10.0])
    monkeypatch.setattr(Replicas, "accuracy", lambda *_: accuracy)
    tensors = type("Tensors", (), {"task_names": [f"condition {t}" for t in range(N_TASKS)]})
    plots.lambda_path(replicas, tensors, ax)
    labels = [line.get_label() for line in named(ax)]
    assert "condition 7" in labels and "mean" in labels
    assert len(labels) - 1 + hidden(ax) == N_TASKS


def test_a_large_graph_is_a_table_of_a_page(path):
    graph = torch.eye(N_TASKS)
    ax = plots.routing(RAG(4, 3, N_TASKS, tasks=N_TASKS, graph=graph))
    assert np.array_equal(ax.images[0].get_array(), graph.numpy())
    assert ax.images[0].get_clim() == (-1, 1)  # no route is in the middle of the colours
    assert ax.get_ylabel() == "188 tasks" and ax.get_xlabel() == "188 adapters"
    assert max(ax.figure.get_size_inches()) < 12


def test_a_table_of_words_keeps_the_largest_parts(path):
    table = pd.DataFrame(
        np.arange(2.0 * 60).reshape(2, 60), columns=["W_s", *(f"A{k}" for k in range(59))]
    )
    ax = plots.words(table)
    shown = [t.get_text() for t in ax.get_xticklabels()]
    assert shown == ["W_s", *(f"A{k}" for k in range(46, 59))]
    assert ax.get_xlabel().startswith("14 of 60 parts") and ax.figure.get_size_inches()[0] < 20


def test_a_name_as_long_as_a_text_leaves_room_for_the_picture(path, ax):
    path.task_names[0] = path.adapter_names[0] = "an endless name " * 20
    path.adapters[:, 0] *= 100  # so that it stands out
    labels = [t.get_text() for t in plots.norms(path, ax).get_legend().get_texts()]
    assert max(map(len, labels)) == 48 and any(label.endswith("…") for label in labels)
