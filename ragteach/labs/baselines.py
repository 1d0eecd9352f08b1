"""What a lab's leaderboard holds beside yours: fitted on training, chosen on validation.

Enters: a lab's training and validation parts. Leaves: a predictor for each name. Nothing here sees
what is held out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from ragteach.ground.arguments import yes_no
from ragteach.labs.ridge import TRIES, choose_ridge

Part = Mapping[str, tuple[Any, np.ndarray]]
IMAGES = {
    "nearest neighbour": KNeighborsClassifier(1),
    "logistic regression": LogisticRegression(C=1.0, max_iter=300),
    "support vectors (RBF)": SVC(C=10.0, gamma="scale"),
}
TEXTS = {
    "naive Bayes": MultinomialNB(alpha=0.1),
    "logistic regression": LogisticRegression(C=10.0, max_iter=300),
    "nearest neighbour": KNeighborsClassifier(1, metric="cosine", algorithm="brute"),
}


class Majority:
    """Says each task's most frequent class, whatever it reads."""

    def __init__(self, train: Part) -> None:
        self.most = {task: int(np.bincount(y).argmax()) for task, (_, y) in train.items()}
        self.trained_on = dict(train)

    def predict(self, x: Any, task: str) -> np.ndarray:
        return np.full(len(x), self.most[task])


class Best:
    """The scikit-learn model that is best on validation: one for each task, or one for all tasks.

    ``name`` says which it is, ``tried`` what each reached on validation. ``pooled=False`` tries no
    model for all tasks: tasks with classes of their own have none.
    """

    def __init__(
        self,
        train: Part,
        val: Part,
        models: Mapping[str, Any],
        features: Any,
        pooled: bool = True,
    ) -> None:
        yes_no("pooled", pooled)
        self.trained_on = dict(train)
        self.tried: dict[str, float] = {}
        x = [x for x, _ in train.values()]
        y = [y for _, y in train.values()]
        ready = [items if features is None else features.transform(items) for items in x]
        everything = sp.vstack(ready) if sp.issparse(ready[0]) else np.concatenate(ready)
        found: dict[str, dict] = {}
        for name, model in models.items():
            if pooled:
                one = clone(model).fit(everything, np.concatenate(y))
                found[f"{name}, one for all"] = dict.fromkeys(train, one)
            own = [clone(model).fit(a, b) for a, b in zip(ready, y, strict=True)]
            found[f"{name}, one a task"] = dict(zip(train, own, strict=True))
        self.features = features
        for name, fitted in found.items():
            self.models = fitted
            hits = [np.mean(self.predict(x, task) == y) for task, (x, y) in val.items()]
            self.tried[name] = float(np.mean(hits))
        self.name = max(self.tried, key=lambda name: self.tried[name])
        self.models = found[self.name]

    def predict(self, x: Any, task: str) -> np.ndarray:
        ready = x if self.features is None else self.features.transform(x)
        return self.models[task].predict(ready)


def linear_baselines(
    train: Part, val: Part, n_classes: int, features: Any = None
) -> dict[str, Any]:
    """Majority, the three strategies, and scikit-learn's best: tasks with the same classes."""
    models = TEXTS if features is not None else IMAGES
    best = Best(train, val, models, features)
    options = {"n_classes": n_classes, "features": features}
    board: dict[str, Any] = {"majority class": Majority(train)}
    board |= {name: choose_ridge(train, val, name, **options) for name in TRIES}
    board[f"scikit-learn ({best.name})"] = best
    return board


def word_features(train: Part, analyzer: str = "word") -> Any:
    """TF-IDF of the training texts: words, or runs of two to four letters within words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    letters = {"analyzer": "char_wb", "ngram_range": (2, 4)}
    how = {"token_pattern": r"\w+"} if analyzer == "word" else letters
    vectorizer = make_pipeline(TfidfVectorizer(sublinear_tf=True, **how))
    return vectorizer.fit([text for x, _ in train.values() for text in x])
