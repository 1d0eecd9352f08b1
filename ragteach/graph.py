"""The routing graph: which adapters serve which task.

Enters: a name ("one_per_task", "all", ...) or a matrix.  Leaves: G, a float tensor of shape
(n_tasks, n_adapters).

    W_t = W_s + sum_k G[t, k] A_k

G is also a covariance between tasks. If W_s ~ N(0, s_s^2) and A_k ~ N(0, s_a^2), then the task
weights covary as

    Cov[W_t, W_u] = s_s^2 + s_a^2 (G G')[t, u]        with s_s^2 = 1 / lam_shared, s_a^2 = 1 / lam.

Source: Evgeniou & Pontil (2004) for G = identity; Ponti et al. (2022) for learned or random graphs
over skills.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from ragteach.errors import at_least, one_of, refuse, shown, whole
from ragteach.ground.arguments import as_matrix, generator_of
from ragteach.ground.memory import fits_memory

GRAPHS = ("one_per_task", "all", "grouped", "random")


def routing_graph(
    graph: Any, n_tasks: int, n_adapters: int, per_task: int = 1, seed: int = 0
) -> torch.Tensor:
    """Build the (n_tasks, n_adapters) routing matrix G.

    Args:
        graph: ``"one_per_task"`` (identity), ``"all"`` (ones: the article's literal sum),
            ``"grouped"`` (neighbouring tasks share one adapter), ``"random"`` (each task draws
            ``per_task`` of the adapters), or any matrix of numbers (weighted routing).
        n_tasks, n_adapters: its shape.
        per_task: how many adapters each task draws in a random graph.
        seed: of the random graph.

    Raises:
        RagteachError: unknown name, wrong shape, not a finite matrix, ``per_task`` out of range.

    Example:
        >>> routing_graph("grouped", n_tasks=4, n_adapters=2)
        tensor([[1., 0.],
                [1., 0.],
                [0., 1.],
                [0., 1.]])
    """
    whole("n_tasks", n_tasks, 1)
    whole("n_adapters", n_adapters)
    whole("per_task", per_task, 1)
    generator = generator_of(seed)
    what = f"the graph of n_tasks = {n_tasks} and n_adapters = {n_adapters}"
    fits_memory(what, 16 * n_tasks * n_adapters, "fewer adapters, or graph='grouped'")
    if not isinstance(graph, str):
        return as_matrix("graph", graph, (n_tasks, n_adapters))
    one_of("graph", graph, GRAPHS)
    if graph == "all" or n_adapters == 0:
        return torch.ones(n_tasks, n_adapters)
    if graph == "one_per_task":
        if n_adapters != n_tasks:
            raise refuse(
                expected='as many adapters as tasks for graph="one_per_task"',
                got=f"{n_adapters} adapters for {n_tasks} tasks",
                fix=f'set num_adapters={n_tasks}, or choose graph="grouped", "random" or "all"',
            )
        return torch.eye(n_tasks)
    if graph == "grouped":
        group = torch.arange(n_tasks) * n_adapters // n_tasks  # task t: group floor(t K / T)
        return torch.nn.functional.one_hot(group, n_adapters).float()
    if per_task > n_adapters:
        raise refuse(
            expected=f"per_task between 1 and num_adapters = {n_adapters}",
            got=f"per_task = {per_task}",
            fix="ask for fewer adapters per task, or make more adapters",
        )
    order = torch.rand(n_tasks, n_adapters, generator=generator).argsort(1)
    return (order < per_task).float()


def unless_identity(graph: torch.Tensor) -> torch.Tensor | None:
    """The graph; or None if it is the identity, whose products can be left out."""
    n_tasks, n_adapters = graph.shape
    if n_tasks == n_adapters and torch.equal(graph, _eye(n_tasks, graph.dtype, graph.device)):
        return None
    return graph


@functools.lru_cache(64)
def _eye(n: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.eye(n, dtype=dtype, device=device)


def task_covariance(graph: Any, lam: float, lam_shared: float) -> torch.Tensor:
    """Prior covariance of the tasks' weights: 1/lam_shared + G G' / lam, shape (n_tasks, n_tasks).

    Example:
        >>> task_covariance(torch.eye(2), lam=1.0, lam_shared=0.5)
        tensor([[3., 2.],
                [2., 3.]])
    """
    for name, value in (("lam", lam), ("lam_shared", lam_shared)):
        at_least(name, value)
        if value < 1e-30:  # float32 has no inverse of it
            raise refuse(
                expected=f"{name} > 0, at least 1e-30",
                got=f"{name} = {shown(value)}",
                fix="a penalty of 0 is a prior of infinite variance: use a small number instead",
            )
    graph = as_matrix("graph", graph)
    return 1 / float(lam_shared) + graph @ graph.mT / float(lam)
