"""A small world for the comparison of exercise 06-8, which remembers what was read, and when.

Enters: a list of seeds.  Leaves: `draw`, `strategies`, `tries` and `score` to hand to a comparison;
afterwards `judge` names a rule that was broken, `right` and `wrong` give the numbers.

A draw of seed 3 holds the word "seed3" in every sentence; "chosenby" stands in validation sentences
only, "testedby" in test sentences only. So a vocabulary tells which sentences it was made from.
Losses and accuracies are random numbers that depend on strategy, penalty, seed and part, and on
nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ragteach.teach.checks import Wrong

PARTS = ("train", "val", "test")
WORDS = {"train": "read", "val": "chosenby", "test": "testedby"}
ROWS = {"train": 12, "val": 6, "test": 18}


@dataclass(frozen=True)
class Model:
    """What `World.strategies` return: who trained it, with which penalty, on which draw."""

    strategy: str
    penalty: float | tuple[float, ...]
    seed: int
    n_features: int


class World:
    """Two strategies, some seeds, and a memory."""

    def __init__(self, seeds: Sequence[int]):
        self.seeds = list(seeds)
        pairs = [(1.0, 0.1), (2.0, 0.1), (1.0, 0.2), (2.0, 0.2)]  # as the lesson's (lam, lam_s)
        self.tries: dict[str, list[Any]] = {"one": [0.1, 0.2, 0.4, 0.8], "each": pairs}
        self.strategies = {"one": self._fit("one"), "each": self._fit("each")}
        self.fitted: Counter = Counter()
        self.scored: Counter = Counter()
        rng = np.random.default_rng(len(self.seeds))
        size = (len(self.strategies), len(self.seeds), 4)
        self._loss = {
            part: rng.permutation(np.prod(size)).reshape(size) / 40 + 0.2 for part in PARTS
        }
        self._accuracy = {part: rng.permutation(np.prod(size)).reshape(size) / 50 for part in PARTS}

    def draw(self, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Training, validation and test sentences of one seed."""
        if seed not in self.seeds:
            raise Wrong(
                f"You drew with seed {seed!r}. The seeds to use are handed over: {self.seeds}."
            )
        frames = []
        for part in PARTS:
            rows = range(ROWS[part])
            text = [f"seed{seed} {WORDS[part]} plain" for _ in rows]
            task = ["films" if i % 2 else "cars" for i in rows]
            frames.append(
                pd.DataFrame({"text": text, "task": task, "label": [i // 2 % 3 for i in rows]})
            )
        return tuple(frames)

    def _fit(self, name: str) -> Any:
        def fit(data: Any, penalty: Any) -> Model:
            if not isinstance(penalty, tuple) and np.ndim(penalty) == 1:  # a row of a table
                penalty = tuple(float(value) for value in penalty)
            words = set(_words(data))
            for part in ("test", "val"):
                if WORDS[part] in words:
                    kind = {"test": "test", "val": "validation"}[part]
                    raise Wrong(
                        f"The vocabulary knows {WORDS[part]!r}, a word that only {kind} sentences "
                        "have. Make it from the training sentences: from_frame(train)."
                    )
            if len(data) != ROWS["train"]:
                raise Wrong(
                    f"A model was trained on {len(data)} sentences; the draw has {ROWS['train']} "
                    "to train on. Validation and test sentences train nothing."
                )
            if penalty not in self.tries[name]:
                raise Wrong(
                    f"{name!r} was given the penalty {penalty!r}, which is not among its own tries."
                )
            seed = next(int(word[4:]) for word in words if word.startswith("seed"))
            self.fitted[name, seed, penalty] += 1
            return Model(name, penalty, seed, data.n_features)

        return fit

    def score(self, model: Model, data: Any) -> dict[str, float]:
        """Loss and accuracy of a model."""
        if not isinstance(model, Model):
            raise Wrong(
                f"score takes a trained model first, then data; the first is {model!r:.60}."
            )
        if not hasattr(data, "n_features"):
            raise Wrong(
                "score takes data, not a frame: "
                "rt.MultiTaskDataset.from_frame(val, data.vectorizer, data.task_names)."
            )
        words = set(_words(data))
        if f"seed{model.seed}" not in words or WORDS["train"] not in words:
            raise Wrong(
                "A model reads columns that it was not trained with: hand data.vectorizer of the "
                "training sentences, of the same seed, to from_frame."
            )
        part = next(name for name in PARTS if ROWS[name] == len(data))
        self.scored[part, model.strategy, model.seed] += 1
        place = self._place(model)
        return {
            "loss": float(self._loss[part][place]),
            "accuracy": float(self._accuracy[part][place]),
        }

    def judge(self) -> None:
        """Raise `Wrong` for the first rule of the comparison that was broken."""
        for name, tries in self.tries.items():
            for seed in self.seeds:
                tried = sum(self.fitted[name, seed, penalty] > 0 for penalty in tries)
                if tried == 0:
                    raise Wrong(f"{name!r} was never trained on the draw of seed {seed}.")
                if tried < len(tries):
                    raise Wrong(
                        f"With seed {seed}, {name!r} tried {tried} of its {len(tries)} penalties: "
                        "every strategy tries all of its own."
                    )
                looks = self.scored["test", name, seed]
                if looks > 1:
                    raise Wrong(
                        f"The test set was scored {looks} times for {name!r} and seed {seed}. "
                        "Choose on validation first; then score the chosen model on test, once."
                    )

    def right(self, name: str) -> np.ndarray:
        """Test accuracy of the model with the least validation loss, (n_seeds,)."""
        i = list(self.strategies).index(name)
        return self._at("test", i, self._loss["val"][i].argmin(1))

    def wrong(self, name: str) -> list[tuple[object, str]]:
        """What plausible mistakes give, and what to say."""
        i = list(self.strategies).index(name)
        loss = self._loss["val"][i]
        accuracy = self._accuracy["val"][i]
        return [
            (self.right(name).mean(), "Keep one number a seed: the pairs need them."),
            (
                self._at("test", i, loss.argmax(1)),
                "The LARGEST validation loss was chosen. A loss is good when it is small.",
            ),
            (
                self._at("test", i, accuracy.argmax(1)),
                "Validation accuracy chose. The rule says cross-entropy, the loss: it is finer.",
            ),
            (
                self._at("test", i, self._loss["train"][i].argmin(1)),
                "The training loss chose: it always prefers the least penalty.",
            ),
            (
                self._at("test", i, np.full(len(self.seeds), loss.mean(0).argmin())),
                "One penalty was chosen for all seeds. Each draw is an experiment of its own.",
            ),
            (
                self._at("val", i, loss.argmin(1)),
                "These are validation accuracies of the chosen models. Report the test set.",
            ),
            (
                self._at("train", i, loss.argmin(1)),
                "These are accuracies on the training sentences. Report the test set.",
            ),
            (
                self._loss["test"][i, np.arange(len(self.seeds)), loss.argmin(1)],
                "These are test losses. The accuracies of the chosen models are asked.",
            ),
            (
                self._at("test", i, np.full(len(self.seeds), -1)),
                "The last penalty was used every time. Did the chosen model get lost in the loop?",
            ),
            (
                self._at("test", i, np.zeros(len(self.seeds), dtype=int)),
                "The first penalty was used every time. Which has the least validation loss?",
            ),
        ]

    def _at(self, part: str, i: int, column: np.ndarray) -> np.ndarray:
        return self._accuracy[part][i, np.arange(len(self.seeds)), column]

    def _place(self, model: Model) -> tuple[int, int, int]:
        name = model.strategy
        return (
            list(self.strategies).index(name),
            self.seeds.index(model.seed),
            self.tries[name].index(model.penalty),
        )


def _words(data: Any) -> list[str]:
    vectorizer = getattr(data, "vectorizer", None)
    if vectorizer is None:
        raise Wrong(
            "A strategy takes data, not a frame: data = rt.MultiTaskDataset.from_frame(train)."
        )
    return list(vectorizer.get_feature_names_out())
