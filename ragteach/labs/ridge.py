"""RAG by least squares: the course's model with an optimum that is one linear system.

Enters: for each task its features x (n_t, n_features) and class numbers. Leaves: `Ridge`, the
optimum of

    J = sum_t 1/n_t sum_i ||y_ti - W_t x_ti - b_t||^2 / 2
        + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2
    W_t = W_s + sum_k G[t, k] A_k

with y_ti a one at its class and zeros elsewhere. As in `ragteach.engine.optimum` every W_t is a sum
of training documents (centred in their task, which removes b_t):

    W_t = sum_u cov[t, u] D_u       cov = 1/lam_shared + GG'/lam       D_u = sum_i e_ui x_ui'
    (cov * XX' + diag(n)) e = y

lam = infinity is full sharing, lam_shared = infinity is independent models. A penalty costs one
system of n equations, so 49 of them cost as much as one run of Newton's method on the
cross-entropy.

Its sibling for ratings is `ragteach.labs.tastes`: one output, sixty tasks, few features, where a
system of n_features equations is smaller.

Source: Evgeniou & Pontil (2004), Regularized multi-task learning; Saunders et al. (1998) for the
dual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from ragteach.errors import refuse
from ragteach.labs.penalties import best_of, checked

Data = Mapping[str, tuple[Any, np.ndarray]]
STRENGTHS = np.logspace(-4, 2, 7)
FINE = np.logspace(-4, 2, 49)
TRIES = {  # each strategy tries 49 penalties (lam, lam_shared)
    "RAG": [(lam, shared) for lam in STRENGTHS for shared in STRENGTHS],
    "full sharing": [(np.inf, shared) for shared in FINE],
    "independent": [(lam, np.inf) for lam in FINE],
}


@dataclass
class Ridge:
    """A fitted model: ``predict(x, task)`` gives class numbers.

    Attributes:
        shared: W_s (n_classes, n_features). adapters: A_k (n_adapters, n_classes, n_features).
        weights: W_t (n_tasks, n_classes, n_features). bias: b_t (n_tasks, n_classes).
        lam, lam_shared: its penalties. features: what turns raw items into x, or None.
        trained_on: the raw items that it was trained on, task by task.
    """

    tasks: list[str]
    shared: np.ndarray
    adapters: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    lam: float
    lam_shared: float
    features: Any = None
    trained_on: dict[str, Any] | None = None

    def scores(self, x: Any, task: str) -> np.ndarray:
        """W_t x + b_t (n_docs, n_classes)."""
        if task not in self.tasks:
            raise refuse(
                expected=f"a task that was trained: {', '.join(self.tasks)}",
                got=f"task = {task!r}",
                fix="choose one of them, or train with that task too",
            )
        t = self.tasks.index(task)
        x = x if self.features is None else self.features.transform(x)
        return np.asarray(x @ self.weights[t].T) + self.bias[t]

    def predict(self, x: Any, task: str) -> np.ndarray:
        """The class with the highest score, (n_docs,)."""
        return self.scores(x, task).argmax(1)


class Problem:
    """The part that all penalties share: centred documents and their products."""

    def __init__(self, data: Data, n_classes: int, features: Any = None) -> None:
        self.tasks = list(data)
        self.features = features
        self.raw = {task: x for task, (x, _) in data.items()}
        made = [x if features is None else features.transform(x) for x in self.raw.values()]
        sizes = [m.shape[0] for m in made]
        self.task = np.repeat(np.arange(len(made)), sizes)  # (n_docs,)
        self.n = np.array(sizes, dtype=float)
        x = sp.vstack(made).tocsr() if sp.issparse(made[0]) else np.concatenate(made)
        y = np.concatenate([np.asarray(y) for _, y in data.values()])
        one = np.eye(n_classes)[y]  # (n_docs, n_classes)
        self.x = x.astype(float)
        self.mean_y = self._means(one)
        self.mean_x = self._means(self.x)  # (n_tasks, n_features)
        self.y = one - self.mean_y[self.task]
        gram = self.x @ self.x.T
        gram = gram.toarray() if sp.issparse(gram) else gram
        row = self.x @ self.mean_x.T  # (n_docs, n_tasks)
        both = self.mean_x @ self.mean_x.T
        t = self.task
        self.gram = gram - row[:, t] - row[:, t].T + both[t][:, t]

    def _means(self, rows: Any) -> np.ndarray:
        return np.stack(
            [np.asarray(rows[self.task == t].mean(0)).ravel() for t in range(len(self.n))]
        )

    def solve(self, lam: float, lam_shared: float, graph: np.ndarray) -> Ridge:
        """The optimum at one pair of penalties."""
        cov = 1 / lam_shared + graph @ graph.T / lam  # (n_tasks, n_tasks)
        system = self.gram * cov[self.task][:, self.task]
        system[np.diag_indices_from(system)] += self.n[self.task]
        e = scipy.linalg.solve(system, self.y, assume_a="pos")  # (n_docs, n_classes)
        pulls = []
        for t in range(len(self.n)):
            mine = self.task == t
            pulls.append((self.x[mine].T @ e[mine]).T - np.outer(e[mine].sum(0), self.mean_x[t]))
        D = np.stack(pulls)  # (n_tasks, n_classes, n_features)
        W = np.einsum("tu,ucd->tcd", cov, D)
        bias = self.mean_y - np.einsum("tcd,td->tc", W, self.mean_x)
        adapters = np.einsum("tk,tcd->kcd", graph, D) / lam
        shared = D.sum(0) / lam_shared
        return Ridge(
            self.tasks, shared, adapters, W, bias, lam, lam_shared, self.features, self.raw
        )


def fit_ridge(
    data: Data,
    lam: float = 0.1,
    lam_shared: float = 0.1,
    *,
    graph: Any = None,
    n_classes: int | None = None,
    features: Any = None,
) -> Ridge:
    """RAG by least squares, at its exact optimum.

    Args:
        data: a dict task -> (x, y): features (n_docs, n_features) or raw texts, and class numbers.
        lam, lam_shared: penalties > 0; infinity switches the adapters, or W_s, off.
        graph: (n_tasks, n_adapters). Default: one adapter a task.
        n_classes: default: the highest class number + 1.
        features: a fitted vectoriser, where x are texts.

    Raises:
        RagteachError: a penalty that is not > 0, both infinite, or a graph of another shape.

    Example:
        >>> x = np.eye(4)
        >>> model = fit_ridge({"a": (x, [0, 0, 1, 1]), "b": (x, [1, 1, 0, 0])}, lam=0.01)
        >>> model.predict(x, "b").tolist()
        [1, 1, 0, 0]
    """
    return Problem(data, _classes(data, n_classes), features).solve(
        *checked(lam, lam_shared), _graph(graph, len(data))
    )


def choose_ridge(
    train: Data,
    val: Data,
    strategy: str | Sequence[tuple[float, float]] = "RAG",
    *,
    graph: Any = None,
    n_classes: int | None = None,
    features: Any = None,
) -> Ridge:
    """The best of 49 penalties: the one with the smallest squared error on ``val``, mean of its
    tasks.

    Args:
        train, val, graph, n_classes, features: as in `fit_ridge`.
        strategy: ``"RAG"``, ``"full sharing"``, ``"independent"``, or pairs (lam, lam_shared).
    """
    n_classes = n_classes or max(_classes(train, None), _classes(val, None))
    problem = Problem(train, n_classes, features)
    routes = _graph(graph, len(train))
    ready = {t: (x if features is None else features.transform(x), y) for t, (x, y) in val.items()}

    def error(model: Ridge) -> float:
        return float(np.mean([_error(model, t, x, y) for t, (x, y) in ready.items()]))

    return best_of(strategy, TRIES, partial(problem.solve, graph=routes), error)


def _error(model: Ridge, task: str, x: Any, y: np.ndarray) -> float:
    t = model.tasks.index(task)
    said = np.asarray(x @ model.weights[t].T) + model.bias[t]
    return float(((np.eye(said.shape[1])[np.asarray(y)] - said) ** 2).sum(1).mean())


def _classes(data: Data, n_classes: int | None) -> int:
    return n_classes or 1 + max(int(np.max(y)) for _, y in data.values())


def _graph(graph: Any, n_tasks: int) -> np.ndarray:
    routes = np.eye(n_tasks) if graph is None else np.asarray(graph, dtype=float)
    if routes.ndim != 2 or len(routes) != n_tasks or not np.isfinite(routes).all():
        raise refuse(
            expected=f"a graph of shape ({n_tasks}, n_adapters), a row for each task",
            got=f"shape {routes.shape}",
            fix="write one row of numbers for each task",
        )
    return routes
