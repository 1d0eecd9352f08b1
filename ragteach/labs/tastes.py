"""RAG on ratings: every reader is a task, and a taste is one row of weights, at its exact optimum.

Enters: for each reader the items x (n_t, n_features) and ratings r (n_t,). Leaves: `Tastes`, the
    optimum of

    J = sum_t 1/n_t sum_i (r_ti - w_t . x_ti - b_t)^2 / 2
        + lam_shared/2 |w_s|^2 + lam/2 sum_t |a_t|^2
    w_t = w_s + a_t

Centred in each reader, which removes b_t, with H_t = X_t'X_t / n_t and c_t = X_t'r_t / n_t:

    a_t = (H_t + lam)^-1 (c_t - H_t w_s)
    (lam_shared + lam sum_t (H_t + lam)^-1 H_t) w_s = lam sum_t (H_t + lam)^-1 c_t

The first line is also what a new reader costs: w_s stays, and a_t is one ridge regression on what
w_s leaves over. lam = infinity is full sharing, lam_shared = infinity is a taste of their own for
all.

Source: Evgeniou & Pontil (2004), Regularized multi-task learning; Rendle (2010) on ratings as
regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragteach.errors import one_of
from ragteach.labs.penalties import best_of, checked

Ratings = Mapping[str, tuple[Any, np.ndarray]]
FINE = np.logspace(-3, 1, 17)
COARSE = np.logspace(-3, 1, 9)
MANY = np.logspace(-1, 4, 17)
TRIES = {  # pairs (lam, lam_shared)
    "RAG": [(lam, shared) for lam in COARSE for shared in MANY[::2]],
    "full sharing": [(np.inf, shared) for shared in MANY],
    "independent": [(lam, np.inf) for lam in FINE],
}


@dataclass
class Tastes:
    """A fitted model: ``predict(items, task)`` gives the ratings it expects of a reader.

    Attributes:
        shared: w_s (n_features,). adapters: a_t (n_readers, n_features). weights: w_s + a_t.
        offset: b_t (n_readers,). lam, lam_shared: its penalties.
        features: what turns texts into x, or None. trained_on: reader -> their items.
    """

    tasks: list[str]
    shared: np.ndarray
    adapters: np.ndarray
    offset: np.ndarray
    lam: float
    lam_shared: float
    features: Any = None
    trained_on: dict[str, Any] | None = None

    @property
    def weights(self) -> np.ndarray:
        return self.shared + self.adapters

    def predict(self, items: Any, task: str) -> np.ndarray:
        """w_t . x + b_t of every item, (n_items,)."""
        one_of("reader", task, self.tasks)
        t = self.tasks.index(task)
        x = items if self.features is None else self.features.transform(items)
        return np.asarray(x) @ self.weights[t] + self.offset[t]


class TasteProblem:
    """The part that all penalties share: the singular vectors of every reader's items."""

    def __init__(self, data: Ratings, features: Any = None) -> None:
        self.tasks, self.features = list(data), features
        self.raw = {task: x for task, (x, _) in data.items()}
        made = [x if features is None else features.transform(x) for x in self.raw.values()]
        rank = max(min(np.shape(x)) for x in made)
        n_features = made[0].shape[1]
        self.v = np.zeros((len(made), n_features, rank))  # H_t = v h v'
        self.h = np.zeros((len(made), rank))
        self.c = np.zeros((len(made), n_features))
        self.mean_x = np.zeros((len(made), n_features))
        self.mean_r = np.zeros(len(made))
        for t, (x, (_, r)) in enumerate(zip(made, data.values(), strict=True)):
            x, r = np.asarray(x, dtype=float), np.asarray(r, dtype=float)
            self.mean_x[t], self.mean_r[t] = x.mean(0), r.mean()
            x = x - self.mean_x[t]
            _, size, v = np.linalg.svd(x / len(x) ** 0.5, full_matrices=False)
            self.v[t, :, : len(size)], self.h[t, : len(size)] = v.T, size**2
            self.c[t] = x.T @ (r - self.mean_r[t]) / len(x)

    def solve(self, lam: float, lam_shared: float) -> Tastes:
        """The optimum at one pair of penalties."""
        n_readers, n_features = self.c.shape
        shared = np.zeros(n_features)
        own = np.zeros((n_readers, n_features))
        within = np.einsum("tdr,td->tr", self.v, self.c)  # c_t in the reader's directions
        if np.isinf(lam):
            total = np.einsum("tdr,tr,ter->de", self.v, self.h, self.v, optimize=True)
            shared = np.linalg.solve(lam_shared * np.eye(n_features) + total, self.c.sum(0))
        else:
            if not np.isinf(lam_shared):
                shrunk = self.h / (self.h + lam)
                total = np.einsum("tdr,tr,ter->de", self.v, lam * shrunk, self.v, optimize=True)
                pull = np.einsum("tdr,tr->d", self.v, lam * within / (self.h + lam))
                shared = np.linalg.solve(lam_shared * np.eye(n_features) + total, pull)
            left = within - self.h * np.einsum("tdr,d->tr", self.v, shared)
            own = np.einsum("tdr,tr->td", self.v, left / (self.h + lam))
        offset = self.mean_r - ((shared + own) * self.mean_x).sum(1)
        return Tastes(self.tasks, shared, own, offset, lam, lam_shared, self.features, self.raw)


def fit_tastes(
    data: Ratings, lam: float = 0.1, lam_shared: float = 10.0, *, features: Any = None
) -> Tastes:
    """RAG on ratings, at its exact optimum.

    Args:
        data: a dict reader -> (x, ratings): features (n_items, n_features) or texts, and numbers.
        lam, lam_shared: penalties > 0; infinity switches the adapters, or w_s, off.
        features: a fitted vectoriser, where x are texts.

    Raises:
        RagteachError: a penalty that is not > 0, or both infinite.

    Example:
        >>> x = np.eye(4)
        >>> model = fit_tastes({"a": (x, [5, 5, 1, 1]), "b": (x, [5, 1, 5, 1])}, 0.01, 0.01)
        >>> model.predict(x, "b").argsort()[:2].tolist()
        [3, 1]
    """
    return TasteProblem(data, features).solve(*checked(lam, lam_shared))


def choose_tastes(
    train: Ratings,
    val: Ratings,
    strategy: str | Sequence[tuple[float, float]] = "RAG",
    *,
    features: Any = None,
) -> Tastes:
    """The penalties with the smallest squared error on ``val``, mean of its readers.

    Every reader's mean is taken out of both sides, for only the order of items counts.

    Args:
        train, val, features: as in `fit_tastes`.
        strategy: ``"RAG"``, ``"full sharing"``, ``"independent"``, or pairs (lam, lam_shared).
    """
    problem = TasteProblem(train, features)
    rows = [problem.tasks.index(task) for task in val]
    made = [x if features is None else features.transform(x) for x, _ in val.values()]
    n = np.array([len(x) for x in made])
    # Shorter lists end in zeros, which cost nothing.
    x = np.zeros((len(made), n.max(), made[0].shape[1]))
    r = np.zeros(x.shape[:2])
    for t, (items, (_, stars)) in enumerate(zip(made, val.values(), strict=True)):
        x[t, : n[t]] = np.asarray(items) - np.mean(items, 0)
        r[t, : n[t]] = np.asarray(stars) - np.mean(stars)

    def error(model: Tastes) -> float:
        said = (x @ model.weights[rows][:, :, None])[:, :, 0]
        return float(np.mean(((r - said) ** 2).sum(1) / n))

    return best_of(strategy, TRIES, problem.solve, error)


def taste_of(model: Tastes, x: np.ndarray, ratings: np.ndarray) -> np.ndarray:
    """w_s + a of a reader who was not trained with: a is a ridge on what w_s leaves over.

    Args:
        x: (n_items, n_features) of the items that they rated, perhaps none. ratings: (n_items,).

    Example:
        >>> model = fit_tastes({"a": (np.eye(3), [5, 3, 1])})
        >>> bool(np.allclose(taste_of(model, np.zeros((0, 3)), np.zeros(0)), model.shared))
        True
    """
    if len(x) == 0 or np.isinf(model.lam):
        return model.shared
    x = np.asarray(x) - np.mean(x, 0)
    left = np.asarray(ratings) - np.mean(ratings)
    left = left - x @ model.shared
    system = x.T @ x / len(x) + model.lam * np.eye(x.shape[1])
    return model.shared + np.linalg.solve(system, x.T @ left / len(x))
