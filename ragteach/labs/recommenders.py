"""What stands beside a recommender: no order, popularity, a profile of contents, matrix factors.

Enters: for each reader texts and ratings. Leaves: predictors of (texts, reader). All know an item
by its text, and take a reader's mean out of their ratings first: some people like everything.

    popularity_i = sum_u (r_ui - mean_u) / (n_i + prior)            n_i readers rated it; none: 0
    profile_u(i) = x_i . sum_j (r_uj - mean_u) x_j                  the sum of what they liked
    factors      = popularity + the first k singular vectors of what it leaves over, unrated: 0
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD

from ragteach.labs.held import Lab
from ragteach.labs.scoring import key
from ragteach.labs.tastes import TRIES, Ratings, choose_tastes

PRIOR = 3.0
RANKS = (1, 2, 4, 8)


class NoOrder:
    """Gives every item the same score: what a list is worth that was never ordered."""

    def __init__(self, train: Ratings) -> None:
        self.trained_on = dict(train)

    def predict(self, items: Any, task: str) -> np.ndarray:
        return np.zeros(len(items))


class Popularity:
    """Gives every reader the same list: what the others liked, shrunk towards the mean."""

    def __init__(self, train: Ratings, prior: float = PRIOR) -> None:
        self.trained_on = dict(train)
        self.column = {text: i for i, text in enumerate(_texts(train))}
        self.matrix = np.full((len(train), len(self.column)), np.nan)
        for row, (x, r) in zip(self.matrix, train.values(), strict=True):
            row[self._columns(x)] = np.asarray(r, dtype=float) - np.mean(r)
        n = np.isfinite(self.matrix).sum(0)
        self.worth = np.nansum(self.matrix, 0) / (n + prior)

    def predict(self, items: Any, task: str | None = None) -> np.ndarray:
        columns = self._columns(items)
        return np.where(columns < 0, 0.0, self.worth[columns])

    def _columns(self, items: Any) -> np.ndarray:
        """Of each text its column in the matrix; -1 if nobody rated it."""
        return np.array([self.column.get(str(key(text)), -1) for text in items], dtype=int)


class Factors(Popularity):
    """Popularity, and the first singular vectors of what it leaves over: as many as validation
    says.
    """

    def __init__(self, train: Ratings, val: Ratings) -> None:
        super().__init__(train)
        self.readers = list(train)
        left = np.nan_to_num(self.matrix - self.worth)
        errors = {}
        for k in [k for k in RANKS if k < min(left.shape)] or [1]:
            svd = TruncatedSVD(k, random_state=0).fit(left)
            self.filled = svd.inverse_transform(svd.transform(left))
            errors[k] = _error(self, val), self.filled
        self.rank = min(errors, key=lambda k: errors[k][0])
        self.filled = errors[self.rank][1]

    def predict(self, items: Any, task: str | None = None) -> np.ndarray:
        columns = self._columns(items)
        own = self.filled[self.readers.index(str(task))][columns]
        return super().predict(items) + np.where(columns < 0, 0.0, own)


class Profile:
    """Content only: an item is good if it is like what the reader liked. Nobody else's ratings
    count.
    """

    def __init__(self, train: Ratings, features: Any) -> None:
        self.trained_on, self.features = dict(train), features
        self.profiles = {}
        for task, (texts, r) in train.items():
            self.profiles[task] = features.transform(texts).T @ (np.asarray(r) - np.mean(r))

    def predict(self, items: Any, task: str) -> np.ndarray:
        return self.features.transform(items) @ self.profiles[task]


def rating_baselines(lab: Lab) -> dict[str, Any]:
    """No order, popularity, content profile, factors, and the three strategies."""
    features = lab.features  # type: ignore[attr-defined]
    board: dict[str, Any] = {
        "no order": NoOrder(lab.train),
        "popularity": Popularity(lab.train),
        "content profile": Profile(lab.train, features),
        "matrix factorisation": Factors(lab.train, lab.val),
    }
    for strategy in TRIES:
        board[strategy] = choose_tastes(lab.train, lab.val, strategy, features=features)
    return board


def _texts(train: Ratings) -> list[str]:
    return list(dict.fromkeys(str(key(text)) for x, _ in train.values() for text in x))


def _error(model: Any, val: Ratings) -> float:
    """Squared error of centred ratings, mean over readers."""
    errors = []
    for task, (x, r) in val.items():
        said = model.predict(x, task)
        errors.append(np.mean((r - np.mean(r) - said + said.mean()) ** 2))
    return float(np.mean(errors))
