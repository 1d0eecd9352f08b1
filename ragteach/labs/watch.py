"""A feed of headlines, day by day: how many of them does a reader call negative?

Enters: the true share of negative headlines on each day, and a reader's errors. Leaves: counts.
    They
are simulated, and called so: headlines are drawn independently (unless ``alike`` says otherwise).

    q = share * rate of the negative ones + (1 - share) * rate of all others
    count of a day ~ Binomial(per_day, q)                        alike = 0
    q of a day ~ Beta with mean q and variance alike * q (1 - q)  alike > 0: one story, many
    headlines
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ragteach.errors import is_number, refuse, whole
from ragteach.labs.held import Lab
from ragteach.labs.scoring import answers, asked

PERFECT = (1.0, 0.0)  # calls all negative headlines negative, and none of the others


def feed(
    shares: Any,
    per_day: int = 20,
    rates: Sequence[float] = PERFECT,
    n_streams: int = 1000,
    seed: int = 0,
    alike: float = 0.0,
) -> np.ndarray:
    """Simulated counts of headlines called negative, (n_streams, n_days).

    Args:
        shares: (n_days,) true share of negative headlines on each day.
        per_day: headlines a day.
        rates: what share is called negative of the negative headlines, and of all others.
        n_streams: how many times the same days are drawn.
        seed: of the draw.
        alike: from 0 (headlines are independent) towards 1 (a day has one story); the correlation
            of two headlines of one day.

    Raises:
        RagteachError: a share or a rate outside 0 .. 1, alike outside 0 .. 1 (1 itself is too
            much).

    Example:
        >>> feed([0.0, 1.0], per_day=5, n_streams=2).tolist()
        [[0, 5], [0, 5]]
    """
    whole("per_day", per_day, 1)
    whole("n_streams", n_streams, 1)
    whole("seed", seed, 0, math.inf)
    s = _shares("shares", shares)
    hit, false = _shares("rates", rates, 2)
    if not is_number(alike) or not 0 <= alike < 1:
        raise refuse(expected="0 <= alike < 1", got=f"alike = {alike!r}", fix="try alike=0.05")
    q = s * hit + (1 - s) * false  # (n_days,)
    rng = np.random.default_rng(seed)
    q = np.broadcast_to(q, (n_streams, len(s)))
    if alike > 0:
        sure = (q > 0) & (q < 1)  # a day that is all or nothing has no spread
        strength = 1 / alike - 1
        mean = np.where(sure, q, 0.5)
        q = np.where(sure, rng.beta(mean * strength, (1 - mean) * strength), q)
    return rng.binomial(per_day, q)


def held_out_rates(
    lab: Lab, predictor: Any, task: str = "sentiment", bad: str = "negative"
) -> tuple[float, float]:
    """What share of a lab's held-out items a predictor calls bad: of the bad ones, and of all
    others.

    It is a score: look once, at the end.

    Raises:
        RagteachError: a task or a class that the lab does not have; whatever `Lab.score` refuses.
    """
    x, truth = lab._held[_named("task", task, lab.tasks)]
    number = lab.classes[task].index(_named("bad", bad, lab.classes[task]))
    asked(predictor, task)
    said = answers(predictor, task, x, lab.classes[task]) == number
    is_bad = np.asarray(truth) == number
    return float(said[is_bad].mean()), float(said[~is_bad].mean())


def _named(what: str, name: str, names: list[str]) -> str:
    if name not in names:
        raise refuse(
            expected=f"{what}: one of {', '.join(names)}",
            got=f"{what} = {name!r}",
            fix="choose one of them",
        )
    return name


def _shares(name: str, values: Any, n: int | None = None) -> np.ndarray:
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise refuse(
            expected=f"{name}: numbers from 0 to 1",
            got=f"{name} = {values!r:.60}",
            fix="a share of one third is 1 / 3",
        ) from error
    right = found.ndim == 1 and len(found) > 0 and (n is None or len(found) == n)
    if not right or not ((found >= 0) & (found <= 1)).all():
        raise refuse(
            expected=f"{name}: {'a list of' if n is None else n} numbers from 0 to 1",
            got=f"shape {found.shape}"
            if not right
            else f"{found[~((found >= 0) & (found <= 1))][0]}",
            fix="a share of one third is 1 / 3; 60 days of it are [1 / 3] * 60",
        )
    return found
