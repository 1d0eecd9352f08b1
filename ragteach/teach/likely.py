"""Slips that any exercise with numbers can meet: a sign, a factor, an axis, an order.

Enters: the learner's array and the right one. Leaves: a sentence that names the slip, or nothing.
The exercise's own known mistakes come first; these are for what its author did not think of. A
sentence says how an answer is off, never what the right one is: where the slip of a single number
would tell it ("twice"), the sentence leaves the direction open.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

FACTORS = {2.0: "twice", 0.5: "half", 100.0: "100 times", 0.01: "a hundredth of"}
OF_ONE_NUMBER = {  # the same slips without the direction
    2.0: "a factor of two: was something counted twice, or left out?",
    100.0: "a factor of 100: is one of the two in percent?",
}
BASES = {1 / np.log(10): "10", 1 / np.log(2): "2"}


def likely(mine: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> str:
    """The sentence about a slip; empty if none of them explains what came."""
    with np.errstate(all="ignore"):
        if mine.shape == right.shape:
            return _values(mine, right, lambda a, b: _same(a, b, rtol, atol))
        return _shapes(mine, right, lambda a, b: _same(a, b, rtol, atol))


def first_difference(mine: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> str:
    """Where two arrays of one shape differ first, with the learner's number."""
    off = np.argwhere(~np.isclose(mine, right, rtol=rtol, atol=atol))
    if not len(off) or not right.ndim:
        return ""
    at = tuple(int(i) for i in off[0])
    place = ", ".join(map(str, at))
    way = "" if _whole(right) else direction(mine[at], right[at])
    return f"first at [{place}], where yours is {mine[at]:.4g}{way}"


def not_finite(mine: np.ndarray, right: np.ndarray) -> str:
    """Where nan or infinity stands and should not, or the other way round; of one shape."""
    for name, holds in (("nan", np.isnan), ("infinity", np.isinf)):
        off = np.argwhere(holds(mine) & ~holds(right))
        if len(off):
            place = f", first at {off[0].tolist()}" if right.ndim else ""
            return f"contains {name} where a number belongs{place}."
    off = np.argwhere(~np.isfinite(right) & np.isfinite(mine))
    if len(off):
        return f"is a finite number at {off[0].tolist()}, where none is possible."
    return ""


def rounded(mine: np.ndarray, right: np.ndarray) -> str:
    """Typed by hand with too few decimals, rounded or cut off? One digit alone may be a guess."""
    if mine.shape != right.shape or not mine.size or not np.isfinite(right).all():
        return ""
    for decimals in (1, 2, 3):
        digits = np.abs(np.round(mine * 10**decimals)).max()
        exact = bool(np.allclose(mine, np.round(mine, decimals), rtol=0, atol=1e-12))
        telling = digits >= 10 or (decimals > 1 and (right.size > 1 or digits >= 1))
        rest = np.abs(mine - right)
        near = bool((rest <= 10.0**-decimals / 2 + 1e-9).all())
        cut = bool((rest < 10.0**-decimals).all() and (np.abs(mine) <= np.abs(right)).all())
        if exact and telling and (near or cut):
            return (
                f"is {'rounded to' if near else 'cut off, not rounded, after'} {decimals} "
                f"decimal{'s' * (decimals > 1)}, and that is too coarse. "
                "Hand over what was computed, or more decimals."
            )
    return ""


def direction(mine: np.ndarray, right: np.ndarray) -> str:
    """ ", too large" or ", too small"; nothing for whole numbers, of which it leaves too few."""
    if _whole(right) or np.isnan(mine):
        return ""
    return ", too large" if mine > right else ", too small"


def _whole(right: np.ndarray) -> bool:
    return bool((right == np.round(right)).all())


def _same(a: np.ndarray, b: np.ndarray, rtol: float, atol: float) -> bool:
    finite = bool(np.isfinite(b).all())
    return finite and a.shape == b.shape and bool(np.allclose(a, b, rtol=rtol, atol=atol))


Alike = Callable[[np.ndarray, np.ndarray], bool]


def _values(mine: np.ndarray, right: np.ndarray, alike: Alike) -> str:
    if alike(mine, -right):
        return "has the opposite sign everywhere: what is taken from what?"
    if not right.ndim:
        for factor, told in OF_ONE_NUMBER.items():
            if alike(mine, factor * right) or alike(mine, right / factor):
                return f"is off by {told}"
    for factor, name in FACTORS.items():
        if alike(mine, factor * right):
            return f"is {name} what it should be, in every entry."
    for factor, base in BASES.items():
        if right.ndim and right.size > 2 and alike(mine, factor * right):
            return f"is a logarithm of base {base}; the natural one is asked for."
    if alike(mine, np.abs(right)):
        return "has the right sizes, but no signs: an absolute value or a square took them away."
    if right.ndim and alike(mine, np.round(right)) and len(np.unique(mine)) > 2:
        return f"is rounded to whole numbers{_first(mine)}. Keep the decimals."
    if alike(mine, right**2):
        return "is the square of the right answer."
    if alike(mine, np.sqrt(np.abs(right))):
        return "is the root of the right answer."
    if alike(mine, 1 / right):
        return "is upside down: 1 divided by the right answer."
    if alike(mine, 1 - right):
        return "is 1 minus the right answer."
    if alike(mine, np.exp(right)):
        return "is exp of the right answer: a logarithm is missing."
    if alike(mine, np.log(np.abs(right))):
        return "is the logarithm of the right answer."
    if right.ndim:
        return _entries(mine, right, alike)
    if alike(mine, right + 1) or alike(mine, right - 1):
        return f"is one off: yours is {mine:.4g}."
    if mine in (0, 1, -1):
        return f"is {mine:.4g}: is that what you computed, or a constant?"
    return ""


def _first(mine: np.ndarray) -> str:
    """ " (2 to begin with)", from the first entry."""
    return f" ({mine.flat[0]:.4g} to begin with)" if mine.size else ""


def _entries(mine: np.ndarray, right: np.ndarray, alike: Alike) -> str:
    """The same numbers in other places, or moved and stretched alike."""
    if right.size < 2:
        return ""
    for axes in itertools.permutations(range(right.ndim)):
        if axes != tuple(range(right.ndim)) and alike(mine, right.transpose(axes)):
            return "has the right numbers with two axes swapped."
    for axis in range(right.ndim):
        if alike(mine, np.flip(right, axis)):
            return f"has the right numbers in reverse order along axis {axis}."
    if alike(np.sort(mine, axis=None), np.sort(right, axis=None)):
        return "has the right numbers in another order."
    for axis in range(right.ndim) if right.ndim > 1 else ():
        if alike(mine, np.broadcast_to(right.mean(axis, keepdims=True), right.shape)):
            return f"is the same all along axis {axis}: a mean was taken over it."
    if np.ptp(right) > 1e-9 and np.ptp(mine) < 1e-12:
        return f"is {mine.flat[0]:.4g} in every entry; the entries should differ."
    return _line(mine, right, alike)


def _line(mine: np.ndarray, right: np.ndarray, alike: Alike) -> str:
    """yours = factor * right, or yours = right + shift; three entries at least, or it says
    nothing.
    """
    if right.size < 3 or np.ptp(right) < 1e-9 or not np.isfinite(mine).all():
        return ""
    shift = float((mine - right).mean())
    if alike(mine, right + shift):
        return f"is off by the same {shift:.4g} in every entry."
    factor = float((mine * right).sum() / (right * right).sum())
    if abs(factor) > 1e-9 and alike(mine, factor * right):
        return f"is {factor:.4g} times what it should be, in every entry."
    return ""


def _shapes(mine: np.ndarray, right: np.ndarray, alike: Alike) -> str:
    if right.ndim == 1 and mine.ndim == 0 and right.size < 4:
        return f"is one number; {right.size} numbers are asked for."
    if right.ndim == mine.ndim == 1 and mine.size != right.size and max(mine.size, right.size) < 8:
        return f"has {mine.size} numbers, and {right.size} are asked for."
    if right.ndim > 1 and mine.ndim == 0:
        return f"is one number; a table of shape {right.shape} is asked for. What was summed away?"
    if mine.size == right.size and alike(mine.ravel(), right.ravel()):
        return f"has the right numbers in the shape {mine.shape}; it should be {right.shape}."
    for axes in itertools.permutations(range(right.ndim)):
        if alike(mine, right.transpose(axes)):
            return f"has two axes swapped: its shape is {mine.shape}, it should be {right.shape}."
    ways: dict[str, Callable] = {"mean": np.mean, "sum": np.sum, "maximum": np.max}
    for axis, (name, way) in itertools.product(range(right.ndim), ways.items()):
        if right.shape[axis] and alike(mine, way(right, axis=axis)):
            return f"has lost axis {axis}: a {name} ran over it. It should be {right.shape}."
    for axis in range(right.ndim):
        if right.shape[axis] and alike(mine, right.take(0, axis=axis)):
            return f"is the first part only, along axis {axis}. It should be {right.shape}."
    if mine.ndim == right.ndim + 1:
        return _too_many(mine, right, alike)
    return ""


def _too_many(mine: np.ndarray, right: np.ndarray, alike: Alike) -> str:
    ways: dict[str, Callable] = {"mean": np.mean, "sum": np.sum, "maximum": np.max}
    for axis, (name, way) in itertools.product(range(mine.ndim), ways.items()):
        if mine.shape[axis] and alike(way(mine, axis=axis), right):
            return (
                f"has one axis too many, {mine.shape}: what is asked is its {name} over axis "
                f"{axis}."
            )
    return ""
