"""What a recommender scores on ratings that it never saw: nDCG@10 and recall@10, reader by reader.

Enters: a predictor and, for each reader, items with ratings 1 .. 5 that are held out. Leaves:
`RankScore`.

The predictor is handed items and a reader's name, never ratings, and gives each item a score: the
higher, the earlier it stands. With r_(i) the rating of the item in place i of the list, and the
best list below:

    nDCG@k = sum_i<=k (2^r_(i) - 1) / log2(i + 1)  /  the same of the best list
    recall@k = liked items among the first k / liked items          (liked: 4 or 5)

Items with equal scores stand in every order at once: the mean over them. The readers are the
sample: an interval is Student's, over readers, and a difference of two predictors is taken reader
by reader.

Source: Järvelin and Kekäläinen (2002); Burges et al. (2005) for 2^r - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import ndcg_score

from ragteach.errors import refuse
from ragteach.ground.telling import tell
from ragteach.labs.held import NOT_YET, Lab, NotYet
from ragteach.labs.scoring import Part, asked, key
from ragteach.study.experiment import interval

K = 10
LIKED = 4
NDCG = f"nDCG@{K}"
RECALL = f"recall@{K}"


def ndcg(ratings: Any, scores: Any, k: int = K) -> float:
    """nDCG@k of one list, by scikit-learn, with gains 2^rating - 1.

    Example:
        >>> round(ndcg([5, 1, 3], [0.9, 0.1, 0.5]), 3)
        1.0
    """
    gains = 2.0 ** np.asarray(ratings, dtype=float) - 1
    return float(ndcg_score([gains], [np.asarray(scores, dtype=float)], k=k))


def recall(ratings: Any, scores: Any, k: int = K) -> float:
    """Of the items rated 4 or 5, the share among the first k; NaN if there is none.

    Example:
        >>> recall([5, 4, 1], [0.9, 0.1, 0.5], k=2)
        0.5
    """
    liked = np.asarray(ratings) >= LIKED
    scores = np.asarray(scores, dtype=float)
    if not liked.any():
        return float("nan")
    cut = np.sort(scores)[::-1][min(k, len(scores)) - 1]
    above = scores > cut
    level = scores == cut
    share = (
        min(k, len(scores)) - above.sum()
    ) / level.sum()  # of those that tie for the last places
    return float((liked[above].sum() + share * liked[level].sum()) / liked.sum())


@dataclass
class RankScore:
    """What a lab's ``score`` returns for a recommender; print it.

    Attributes:
        table: a row for each reader: n, nDCG@10, of known and of new items, recall@10, overlap.
        mean, low, high: of the readers' nDCG@10; an end beyond 0 or 1 is cut there.
    """

    table: pd.DataFrame
    mean: float
    low: float
    high: float
    note: str = field(default="")

    def _head(self) -> str:
        means = self.table[[NDCG, "known", "new", RECALL]].mean()
        return (
            f"Mean {NDCG} {self.mean:.3f}, 95 % interval {self.low:.3f} to {self.high:.3f}, over "
            f"{len(self.table)} readers. Known items {means['known']:.3f}, new items "
            f"{means['new']:.3f}, {RECALL} {means[RECALL]:.3f}."
        )

    def __repr__(self) -> str:
        return f"{self._head()}\n{self.table.head().round(3).to_string()}\n...\n{self.note}"

    def _repr_html_(self) -> str:
        table = self.table.head().round(3).to_html()
        return f"<div>{self._head()} The first five:{table}{self.note}</div>"


class RankingLab(Lab):
    """A `Lab` whose tasks are readers, and whose answers are scores to rank items by.

    Attributes:
        train, val: a dict reader -> (texts, ratings 1 .. 5).
        features: turns texts into numbers; the baselines read through it.
    """

    def __init__(
        self,
        name: str,
        train: Part,
        val: Part,
        held_out: Part,
        baselines: Callable[[Lab], Mapping[str, Any]],
        features: Any,
    ) -> None:
        scale = [str(stars) for stars in range(1, 6)]
        super().__init__(name, train, val, held_out, dict.fromkeys(train, scale), baselines)
        self.features = features
        rated = {key(text) for x, _ in train.values() for text in x}
        self._new = {
            t: np.array([key(i) not in rated for i in x]) for t, (x, _) in held_out.items()
        }

    def __repr__(self) -> str:
        parts = {"training": self.train, "validation": self.val, "held out": self._held}
        rows = {}
        for name, part in parts.items():
            n = [len(r) for _, r in part.values()]
            items = {text for x, _ in part.values() for text in x}
            rows[name] = {"ratings": sum(n), "fewest": min(n), "most": max(n), "items": len(items)}
        table = pd.DataFrame(rows).T.rename(
            columns={"fewest": "fewest of a reader", "most": "most of a reader"}
        )
        return f"Lab {self.name!r}: {len(self.tasks)} readers\n{table.to_string()}"

    def score(self, predictor: Any, trained_on: Any = None) -> Any:
        """nDCG@10 and recall@10 of a recommender on held-out ratings, with a 95 % interval.

        Args:
            predictor: a model with ``predict(texts)`` or ``predict(texts, task)``, a function of
                (texts, reader), or a dict from reader to one of these. It gives a score to each
                text, (n_items,): the higher, the earlier. ``...``: not yet.
            trained_on: a dict reader -> the texts it was trained on, for the report of overlap.
                Default: its attribute ``trained_on``, if it has one.

        Returns:
            `RankScore`: a row for each reader, and their means.

        Raises:
            RagteachError: no predictor for a reader, scores of a wrong shape or that are no
                numbers.
        """
        if predictor is ... or predictor is None:
            return tell(NotYet(NOT_YET), at_the_end=False)
        given = trained_on if trained_on is not None else getattr(predictor, "trained_on", None)
        leaks = None if given is None else self._overlap(given)
        rows = {}
        for reader, (x, r) in self._held.items():
            said = _scores(predictor, reader, x)
            new = self._new[reader]
            row = {"n": len(r), NDCG: ndcg(r, said)}
            for name, which in (("known", ~new), ("new", new)):
                row[name] = ndcg(r[which], said[which]) if which.sum() > 1 else np.nan
            rows[reader] = row | {RECALL: recall(r, said)}
            if leaks is not None:
                rows[reader]["overlap"] = leaks[reader]
        table = pd.DataFrame(rows).T.astype({"n": int})
        note = (
            "Overlap with the training ratings: not known; pass trained_on, reader -> their texts."
        )
        if leaks is not None:
            table = table.astype({"overlap": int})
            note = _said_of(sum(leaks.values()), int(table["n"].sum()))
        mean, low, high = interval(table[NDCG])
        low, high = (float(end) for end in np.clip((low, high), 0, 1))
        return tell(RankScore(table, mean, low, high, note), at_the_end=False)

    def _row(self, found: RankScore) -> dict[str, float]:
        means = found.table[["known", "new", RECALL]].mean()
        return {NDCG: found.mean, "low": found.low, "high": found.high, **means}

    def _difference(self, mine: RankScore, other: RankScore) -> tuple[float, float, float]:
        return interval(mine.table[NDCG] - other.table[NDCG])

    def _overlap(self, given: Any) -> dict[str, int]:
        """Reader -> held-out items that they, or if an item is new anybody, was trained on."""
        if not isinstance(given, Mapping):
            raise refuse(
                expected="trained_on: a dict from reader to the texts they were trained on",
                got=f"{type(given).__name__} {given!r:.40}",
                fix="pass lab.train, if you trained on that",
            )
        own = {
            reader: {key(text) for text in (items[0] if isinstance(items, tuple) else items)}
            for reader, items in given.items()
        }
        anybody = set().union(*own.values())
        found = {}
        for reader, (x, _) in self._held.items():
            seen = own.get(reader, set())
            pairs = zip(x, self._new[reader], strict=True)
            found[reader] = sum(key(text) in (anybody if new else seen) for text, new in pairs)
        return found


def _said_of(leaked: int, n: int) -> str:
    if leaked == 0:
        return "No held-out rating was among the training ratings."
    return (
        f"{leaked} of {n} held-out ratings were among the training ratings: "
        "this score is too good. Leave them out of the training, and score again."
    )


def _scores(predictor: Any, reader: str, x: np.ndarray) -> np.ndarray:
    """The scores that a predictor gives to one reader's items; refuses anything else."""
    found = asked(predictor, reader)(x.copy())
    if hasattr(found, "detach"):
        found = found.detach().cpu().numpy()
    try:
        found = np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        raise refuse(
            expected=f"a number for each item of {reader!r}, the higher the earlier it stands",
            got=f"{type(found).__name__} {found!r:.40}",
            fix="give scores, not titles: the lab makes the list",
        ) from None
    if found.shape != (len(x),):
        raise refuse(
            expected=f"scores of shape ({len(x)},) for {reader!r}, one for each item in their "
            "order",
            got=f"shape {found.shape}",
            fix="give every item a score, also those that you would not recommend",
        )
    if not np.isfinite(found).all():
        raise refuse(
            expected=f"a finite score for every item of {reader!r}",
            got=f"{int((~np.isfinite(found)).sum())} scores that are NaN or infinite",
            fix="an item that nobody rated has no mean: give it the mean of all items",
        )
    return found
