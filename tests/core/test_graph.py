"""The routing graph: which adapters serve which task, and the covariance it stands for."""

import numpy as np
import pandas as pd
import pytest
import torch
from problems import refused

from ragteach.graph import routing_graph, task_covariance


def test_named_graphs():
    assert torch.equal(routing_graph("one_per_task", 3, 3), torch.eye(3))
    assert torch.equal(routing_graph("all", 2, 4), torch.ones(2, 4))
    grouped = routing_graph("grouped", 7, 3)
    assert grouped.sum(1).tolist() == [1] * 7  # each task in one group,
    assert grouped.sum(0).tolist() == [3, 2, 2]  # of nearly equal sizes,
    assert grouped.argmax(1).tolist() == sorted(grouped.argmax(1).tolist())  # of neighbours
    assert routing_graph("random", 3, 0).shape == (3, 0)


@pytest.mark.parametrize("per_task", [1, 2, 5])
def test_random_graph_draws_k_of_K_and_repeats(per_task):
    graph = routing_graph("random", 40, 5, per_task=per_task, seed=3)
    assert graph.sum(1).tolist() == [per_task] * 40 and set(graph.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(graph, routing_graph("random", 40, 5, per_task=per_task, seed=3))
    if per_task < 5:
        assert not torch.equal(graph, routing_graph("random", 40, 5, per_task=per_task, seed=4))
        assert (graph.sum(0) > 0).all()


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor, pd.DataFrame])
def test_any_matrix_weighted_or_not_is_copied(kind):
    rows = [[1.0, -0.5], [0.0, 2.0], [0.25, 0.0]]
    graph = routing_graph(kind(rows), 3, 2)
    assert graph.dtype == torch.float32 and graph.tolist() == rows
    source = torch.ones(2, 2)
    routing_graph(source, 2, 2).zero_()
    assert source.sum() == 4


def test_bad_graphs_are_refused():
    with refused("graph to be one of 'one_per_task', 'all', 'grouped', 'random'", "graph = 'star'"):
        routing_graph("star", 2, 2)
    with refused("as many adapters as tasks", "3 adapters for 2 tasks", "set num_adapters=2"):
        routing_graph("one_per_task", 2, 3)
    with refused(
        "rows all have one number per adapter", "rows that make no matrix", "row of the same length"
    ):
        routing_graph([[1, 0], [1]], 2, 2)
    with refused("2 tasks x 2 adapters", "shape (3, 2)", "one row per task"):
        routing_graph(np.ones((3, 2)), 2, 2)
    with refused("finite entries", "shape (1, 2) with NaN or infinity"):
        routing_graph([[1, float("nan")]], 1, 2)
    with refused("per_task between 1 and num_adapters = 2", "per_task = 3", "fewer adapters"):
        routing_graph("random", 4, 2, per_task=3)
    with refused("n_adapters to be a whole number >= 0", "n_adapters = -1"):
        routing_graph("all", 2, -1)
    for per_task in (0, 1.5):
        with refused("per_task to be a whole number >= 1", f"per_task = {per_task}"):
            routing_graph("random", 4, 2, per_task=per_task)


def test_covariance_of_random_draws_is_the_stated_one():
    lam, lam_shared = 2.0, 0.5
    graph = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.5]])
    draw = torch.Generator().manual_seed(0)
    shared = torch.randn(400_000, 1, generator=draw) / lam_shared**0.5
    adapters = torch.randn(400_000, 2, generator=draw) / lam**0.5
    measured = torch.cov((shared + adapters @ graph.T).T)
    assert torch.allclose(measured, task_covariance(graph, lam, lam_shared), atol=0.03)
    with refused("lam > 0", "lam = 0", "a prior of infinite variance"):
        task_covariance(graph, 0, 1.0)
