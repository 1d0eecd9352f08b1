"""A lab: data to learn from, a part that is held out, and a leaderboard.

Enters: parts, a dict task -> (items, class numbers). Leaves: `Lab`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ragteach.errors import one_of
from ragteach.ground.telling import tell
from ragteach.labs.scoring import Part, Score, mean_of_tasks, score

NOT_YET = "Nothing to score yet: hand over your fitted predictor."


class NotYet(str):
    """What stands where a score will be."""

    def __repr__(self) -> str:
        return str(self)


class Board:
    """A leaderboard; ``table`` has a row for each predictor, best first."""

    def __init__(self, table: pd.DataFrame, note: str) -> None:
        self.table, self.note = table, note

    def __repr__(self) -> str:
        return f"{self.table.round(3).to_string()}\n{self.note}"

    def _repr_html_(self) -> str:
        return f"<div>{self.table.round(3).to_html()}{self.note}</div>"

    def verdict(self, rival: str) -> str:
        """``"better"`` or ``"worse"`` than a rival, or ``"no clear difference"``, by the paired
        interval.
        """
        one_of("row of the leaderboard", rival, self.table.index)
        row = self.table.loc[rival]
        if row.get("from", 0) > 0:
            return "better"
        return "worse" if row.get("to", 0) < 0 else "no clear difference"


class Lab:
    """What you work with in a lab.

    Attributes:
        train, val: a dict task -> (items, class numbers): to learn from, and to choose by.
        classes: a dict task -> names of its classes.
        tasks: the tasks' names. n_classes: the most classes of a task.

    The held-out part is reached by `score` and `leaderboard` only. Score once, at the end: who
    tries ten models on it and keeps the best has used it for choosing.
    """

    def __init__(
        self,
        name: str,
        train: Part,
        val: Part,
        held_out: Part,
        classes: Mapping[str, list[str]],
        baselines: Callable[[Lab], Mapping[str, Any]],
        groups: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.name = name
        self.train, self.val = dict(train), dict(val)
        self.classes = {task: list(names) for task, names in classes.items()}
        self.tasks = list(train)
        self.n_classes = max(map(len, self.classes.values()))
        self._held, self._groups, self._make = dict(held_out), groups, baselines

    def __repr__(self) -> str:
        parts = {"training": self.train, "validation": self.val, "held out": self._held}
        counts = {name: [len(part[t][1]) for t in self.tasks] for name, part in parts.items()}
        table = pd.DataFrame(counts, self.tasks)
        table["classes"] = [len(self.classes[t]) for t in self.tasks]
        return f"Lab {self.name!r}: items of each task\n{table.to_string()}"

    @cached_property
    def baselines(self) -> dict[str, Any]:
        """Name -> fitted predictor: what yours stands beside."""
        return dict(self._make(self))

    @cached_property
    def _baseline_scores(self) -> dict[str, Score]:
        return {name: self.score(model) for name, model in self.baselines.items()}

    def score(self, predictor: Any, trained_on: Any = None) -> Any:
        """Accuracy of a fitted predictor on the held-out items, with 95 % intervals.

        Args:
            predictor: a model with ``predict(items)`` or ``predict(items, task)``, a function of
                (items, task), or a dict from task to one of these. It gets items without labels,
                and answers with class numbers or names, (n_items,). ``...``: not yet.
            trained_on: the items it was trained on, for the report of overlap; a list, or a dict
                from task to items. Default: its attribute ``trained_on``, if it has one.

        Returns:
            `Score`: a row for each task, their mean, and how many held-out items were trained on.

        Raises:
            RagteachError: no predictor for a task, answers of a wrong shape, NaN, an unknown class.
        """
        if predictor is ... or predictor is None:
            return tell(NotYet(NOT_YET), at_the_end=False)
        found = score(predictor, self._held, self.classes, self._groups, trained_on)
        return tell(found, at_the_end=False)

    def leaderboard(
        self, predictor: Any = ..., trained_on: Any = None, name: str = "yours"
    ) -> Board:
        """Yours beside the baselines, on the held-out items: accuracy (of a list: nDCG@10), and
        yours minus each, paired.

        The arguments are those of `score`; ``name`` is what to call yours.
        """
        scores: dict[str, Any] = dict(self._baseline_scores)
        mine = self.score(predictor, trained_on)
        note = NOT_YET
        scored = not isinstance(mine, NotYet)
        if scored:
            scores = {name: mine} | scores
            note = f"{name}: {mine.note}"
        rows = {}
        for who, found in scores.items():
            rows[who] = self._row(found)
            if scored and found is not mine:
                gap = self._difference(mine, found)
                rows[who] |= dict(zip(("yours minus it", "from", "to"), gap, strict=True))
        table = pd.DataFrame(rows).T
        best_first = table.columns[0]
        board = Board(table.sort_values(best_first, ascending=False, kind="stable"), note)
        return tell(board, at_the_end=False)

    def _row(self, found: Any) -> dict[str, float]:
        """One predictor's cells, the measure that orders the board first."""
        return {"accuracy": found.mean, "low": found.low, "high": found.high}

    def _difference(self, mine: Any, other: Any) -> tuple[float, float, float]:
        """(mean, low, high) of mine minus the other, paired."""
        gaps = {t: mine.correct[t].astype(float) - other.correct[t] for t in self.tasks}
        mean, half = mean_of_tasks(gaps, self._groups)
        return mean, mean - half, mean + half
