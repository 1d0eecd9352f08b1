"""One shape for every refusal: what was expected, what arrived, what to do.

Enters: three short texts.  Leaves: an exception to raise.  Every module of ragteach refuses bad
input through `refuse`, before any work is lost; a learner finds the cure in the last line.
"""

import difflib
import importlib
import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import TypeGuard

LARGEST = 2**31 - 1  # of a count: no computer takes so many steps, rows or processes
MANY = 40  # options an error lists


class RagteachError(ValueError):
    """Bad input, said in three parts. It is a ValueError, so ``except ValueError`` catches it."""


class DivergenceWarning(RuntimeWarning):
    """Training ran away: weights would have become infinite or not a number."""


def refuse(*, expected: str, got: str, fix: str) -> RagteachError:
    """Build (not raise) a three-part error.

    Args:
        expected: what the function can work with.
        got: what arrived instead, with its numbers.
        fix: the next thing to try.

    Example:
        >>> print(refuse(expected="lam >= 0", got="lam = -1", fix="use 0 for no penalty"))
        Expected: lam >= 0
        Got: lam = -1
        What to do: use 0 for no penalty
    """
    expected, got, fix = (_cut(part, 2000) for part in (expected, got, fix))
    return RagteachError(f"Expected: {expected}\nGot: {got}\nWhat to do: {fix}")


def _cut(text: str, letters: int) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()  # half a sign is no text to print
    return text if len(text) <= letters else text[:letters] + " ..."


def shown(value: object, letters: int = 200) -> str:
    """A value as an error shows it: its first letters; or what it is, if it cannot be printed."""
    try:
        text = repr(value)
    except Exception:
        return f"a value of type {type(value).__name__} that cannot be printed"
    return _cut(text, letters)


def one_of(name: str, value: object, options: Iterable) -> None:
    """Refuse ``value`` unless it is among ``options``; of many it says the nearest."""
    options = list(options)
    boolean = "bool" in type(value).__name__  # True is not 1, False is not 0
    try:
        same = [value == o for o in options if isinstance(o, bool) == boolean]
    except Exception:  # of whatever cannot be compared: a signalling NaN, a frame of another kind
        same = []
    if not any(type(each).__name__.startswith("bool") and each for each in same):  # no arrays
        listed = ", ".join(map(shown, options[:MANY])) or "(there are none)"
        if len(options) > MANY:
            near = difflib.get_close_matches(shown(value), map(shown, options[:5000]), 3)
            listed += f", ... ({len(options):,} in all; the nearest: {', '.join(near) or 'none'})"
        raise refuse(
            expected=f"{name} to be one of {listed}",
            got=f"{name} = {shown(value)}",
            fix=f"choose one of {listed}",
        )


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is one real number: Python's or numpy's; no text, array, True or False."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _real(value: float) -> float:
    """The number as a float; infinite if it is larger than any of those."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def at_least(name: str, value: object, low: float = 0.0, high: float = math.inf) -> None:
    """Refuse a number that is below ``low``, above ``high`` or not finite."""
    if not (is_number(value) and low <= _real(value) <= high and _real(value) < math.inf):
        most = "" if high == math.inf else f" and <= {high:g}"
        raise refuse(
            expected=f"{name} to be a finite number >= {low:g}{most}",
            got=f"{name} = {shown(value)}",
            fix=f"use {name} >= {low:g}{most}",
        )


def finite(name: str, value: object) -> None:
    """Refuse anything but a finite number."""
    if not (is_number(value) and math.isfinite(_real(value))):
        raise refuse(
            expected=f"{name} to be a finite number",
            got=f"{name} = {shown(value)}",
            fix="use a number, neither NaN nor infinite",
        )


def whole(name: str, value: object, low: int = 0, high: float = LARGEST) -> None:
    """Refuse anything but a whole number >= ``low`` (and <= ``high``; a seed's is its own)."""
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or not low <= number <= high:
        small = number is None or number < low
        most = "" if small and high in (LARGEST, math.inf) else f" and <= {high}"
        raise refuse(
            expected=f"{name} to be a whole number >= {low}{most}",
            got=f"{name} = {shown(value)}",
            fix=f"use a whole number, {name} >= {low}{most}",
        )


def is_list(value: object) -> TypeGuard[Iterable]:
    """Whether it has members to go through: a list, a range, an array with an axis; no bytes."""
    if isinstance(value, bytes | bytearray | memoryview):
        return False
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def need(*packages: str) -> None:
    """Refuse to go on without these optional packages; the error says how to get them."""
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise refuse(
                expected=f"the optional package {package}",
                got=f"none that can be imported ({error})",
                fix=f"pip install {package} (in a notebook: %pip install {package}), "
                "then run this again",
            ) from error
