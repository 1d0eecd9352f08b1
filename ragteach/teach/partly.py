"""What of a wrong answer is right: its middle, one of its numbers, all but a row, all but a factor.

Enters: the learner's array and the right one, and what the learner's function was given. Leaves: a
sentence that says which part to look at, or nothing. These sentences come after the exercise's own
known mistakes and after `likely`, and the exercise's rule stands behind them. They say where an
answer is off, never what the right one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ragteach.teach.likely import direction

EXACT = 1e-6  # so close that chance is no likely reason
FEW = 7  # numbers that are named one by one


def partly(mine: np.ndarray, right: np.ndarray, what: str, given: Mapping[str, Any]) -> str:
    """The sentence about the part that is right; empty if there is none."""
    with np.errstate(all="ignore"):
        if not np.isfinite(mine).all() or not np.isfinite(right).all():
            return ""
        if mine.shape != right.shape:
            return ""
        ways = (_interval(mine, right), _named(mine, right, what), _table(mine, right))
        return next(filter(None, ways), "") or _argument(mine, right, given)


def _same(a: np.ndarray, b: np.ndarray, atol: float = 1e-9) -> bool:
    return bool(np.allclose(a, b, rtol=EXACT, atol=atol))


def _interval(mine: np.ndarray, right: np.ndarray) -> str:
    """(mean, low, high): is it the middle or the width?"""
    if right.shape != (3,) or not right[1] < right[0] < right[2]:
        return ""
    if not _same(right[0] - right[1], right[2] - right[0]):
        return ""
    half = (mine[2] - mine[1]) / 2
    wanted = (right[2] - right[1]) / 2
    middle = _same((mine[1] + mine[2]) / 2, mine[0])
    if _same(mine[0], right[0]) and not middle:
        return "has the right mean, but its ends are not equally far from it."
    if _same(mine[0], right[0]):
        wide = "wide" if half > wanted else "narrow"
        return (
            f"has the right mean; the interval around it is too {wide}. Look at its three parts: "
            "the factor, the spread, and what it is divided by."
        )
    return ""


def _named(mine: np.ndarray, right: np.ndarray, what: str) -> str:
    """A few numbers, some of them right."""
    if right.ndim != 1 or not 2 <= right.size <= FEW:
        return ""
    good = np.isclose(mine, right, rtol=EXACT)
    if not good.any() or (np.isin(right, (0, 1)).all() and right.size > 2):
        return ""
    names = what.strip("()").split(", ") if re.fullmatch(r"\(.+\)", what) else []
    if len(names) != right.size:
        names = [f"number {i + 1}" for i in range(right.size)]
    fine = " and ".join(n for n, ok in zip(names, good, strict=True) if ok)
    off = " and ".join(n for n, ok in zip(names, good, strict=True) if not ok)
    at = int(np.flatnonzero(~good)[0])
    which = "" if (~good).sum() == 1 else f" of {names[at]}"
    there = f"yours{which} is {mine[at]:.4g}{direction(mine[at], right[at])}."
    return f"is right in part: {fine} {'is' if good.sum() == 1 else 'are'}, {off} not yet: {there}"


def _table(mine: np.ndarray, right: np.ndarray) -> str:
    """A table of two axes or more: where is it right, and what do its rows have in common?"""
    if right.ndim < 2 or right.size < 4 or np.isin(right, (0, 1)).all():
        return ""
    good = np.isclose(mine, right, rtol=EXACT, atol=1e-9)
    told = _diagonal(good) or _zeros(mine, right, good) or _slices(good)
    return told or _rows(mine, right)


def _diagonal(good: np.ndarray) -> str:
    if good.ndim != 2 or good.shape[0] != good.shape[1] or len(good) < 3:
        return ""
    on = np.eye(len(good), dtype=bool)
    if good[~on].all():
        return "is right but for its diagonal."
    return "is right on its diagonal only." if good[on].all() and not good[~on].any() else ""


def _slices(good: np.ndarray) -> str:
    """Right but for some places along one axis."""
    for axis, n in enumerate(good.shape):
        others = tuple(i for i in range(good.ndim) if i != axis)
        fine = good.all(others)
        if 0 < fine.sum() < n and good.compress(~fine, axis).mean() < 0.4:
            off = np.flatnonzero(~fine)
            run = off[-1] - off[0] == len(off) - 1
            places = f"{off[0]} to {off[-1]}" if run and len(off) > 1 else _listed(off)
            return f"is right but for {places} along axis {axis} (they count from 0)."
    return ""


def _listed(places: np.ndarray) -> str:
    return ", ".join(str(i) for i in places[:6]) + (" and more" if len(places) > 6 else "")


def _zeros(mine: np.ndarray, right: np.ndarray, good: np.ndarray) -> str:
    """Numbers where zeros belong, or zeros where numbers belong."""
    empty = right == 0
    if good.all() or not good.any():
        return ""
    if empty.any() and good[~empty].all():
        return "has numbers in places that should be empty (0)."
    if (mine[~good] == 0).all():
        return "has zeros where numbers belong; the rest is right."
    return ""


def _rows(mine: np.ndarray, right: np.ndarray) -> str:
    """Each row or column is the right one times, or plus, a number of its own."""
    for axis, n in enumerate(right.shape):
        other = right.size // n
        a = np.moveaxis(mine, axis, 0).reshape(n, other)
        b = np.moveaxis(right, axis, 0).reshape(n, other)
        if other < 3 or n < 2:
            continue
        factor = (a * b).sum(1, keepdims=True) / (b * b).sum(1, keepdims=True)
        if np.abs(factor).min() > 1e-9 and _same(a, factor * b):
            part = ("row", "column")[axis] if right.ndim == 2 else f"part along axis {axis}"
            return (
                f"is off by one factor in each {part}, another one in another {part}: something "
                f"that belongs to the whole {part} is left out, or used once too often."
            )
        if _same(a, b + (a - b).mean(1, keepdims=True)):
            part = ("row", "column")[axis] if right.ndim == 2 else f"part along axis {axis}"
            return (
                f"is off by one number in each {part}, another one in another {part}: something "
                f"that belongs to the whole {part} is added or taken away once too often, or not "
                "at all."
            )
    return ""


def _argument(mine: np.ndarray, right: np.ndarray, given: Mapping[str, Any]) -> str:
    """Right up to one of the things that the function was given."""
    if np.abs(right).max() < 1e-12:
        return ""
    whole = bool((right == np.round(right)).all())
    factors = []
    terms = []
    for name, value in _values(given):
        if value in (0.0, 1.0, -1.0) or (whole and abs(value) < 3):
            continue
        if _same(mine, right * value) or _same(mine * value, right):
            factors.append(name)
        elif not whole and (_same(mine, right + value) or _same(mine, right - value)):
            terms.append(name)
    if len(factors) == 1:
        return f"is off by a factor of {factors[0]}: is it left out, or used once too often?"
    if len(terms) == 1 and not factors:
        return f"is off by {terms[0]}: is it added, or taken away, once too often or not at all?"
    return ""


def _values(given: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers among the arguments, and the lengths of the arrays, each with its name."""
    seen: dict[float, str] = {}
    for name, value in given.items():
        if isinstance(value, bool | str):
            continue
        if isinstance(value, int | float | np.number):
            number = float(value)
            seen.setdefault(number, name)
            for told, other in (
                (f"{name} squared", number**2),
                (f"the root of {name}", abs(number) ** 0.5),
                (f"1 - {name}", 1 - number),
                (f"{name} + 1", number + 1),
                (f"{name} - 1", number - 1),
            ):
                seen.setdefault(other, told)
        elif hasattr(value, "shape"):
            for axis, n in enumerate(value.shape):
                seen.setdefault(float(n), f"{n} (the length of {name} along axis {axis})")
    yield from ((name, number) for number, name in seen.items())
