"""What a learner's function is handed: the same numbers as arrays, tensors or lists.

Enters: the arguments as the lesson has them. Leaves: those first, then the same numbers in the
other kinds, so that a function written for tensors is not refused because a check made arrays.
"""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch

from ragteach.errors import refuse, shown

MOST = 100_000  # values of one answer


def as_numpy(thing: Any) -> Any:
    """Tensors and columns of pandas become arrays; everything else stays."""
    if isinstance(thing, pd.Series):
        return thing.to_numpy()
    return thing.detach().cpu().numpy() if isinstance(thing, torch.Tensor) else thing


def as_tensor(thing: Any) -> Any:
    """Arrays and columns of numbers become tensors; everything else stays."""
    if isinstance(thing, pd.Series):
        thing = thing.to_numpy()
    if isinstance(thing, np.ndarray) and thing.dtype.kind in "fiub":
        return torch.from_numpy(np.array(thing))
    return thing


def as_single(thing: Any) -> Any:
    """Tensors, in torch's usual precision: what ``torch.zeros(3)`` can be multiplied with."""
    thing = as_tensor(thing)
    return thing.float() if isinstance(thing, torch.Tensor) and thing.is_floating_point() else thing


def as_dict(thing: Any) -> Any:
    """A column of pandas becomes a dict, its index the keys; everything else stays."""
    return thing.to_dict() if isinstance(thing, pd.Series) else thing


def as_lists(thing: Any) -> Any:
    """Arrays and tensors become nested lists."""
    thing = as_numpy(thing)
    return thing.tolist() if isinstance(thing, np.ndarray) else thing


def kinds(args: tuple, kwargs: dict) -> Iterator[tuple[list, dict]]:
    """Copies of the arguments: as given, then in every kind that differs from it."""
    yield copy.deepcopy(list(args)), copy.deepcopy(kwargs)
    if not _has_numbers([*args, *kwargs.values()]):
        return
    for turn in (as_tensor, as_single, as_numpy, as_lists):
        yield (
            [_turned(thing, turn) for thing in copy.deepcopy(args)],
            {name: _turned(thing, turn) for name, thing in copy.deepcopy(kwargs).items()},
        )


def _has_numbers(thing: Any) -> bool:
    """Is there an array, a tensor or a column in it?"""
    if isinstance(thing, list | tuple):
        return any(_has_numbers(part) for part in thing)
    return isinstance(thing, np.ndarray | torch.Tensor | pd.Series)


def _turned(thing: Any, turn: Callable) -> Any:
    """Every array or tensor in it turned into the other kind, tuples and lists kept."""
    if type(thing) in (list, tuple):
        return type(thing)(_turned(part, turn) for part in thing)
    return turn(thing)


def like(yours: Any, reference: Any) -> Any:
    """An answer in the form of the reference, where only its wrapping differs.

    A generator becomes a list. Beside a reference that is a dict, a pandas Series becomes one, and
    keys are found whatever their case, and whether 20 is written as a number or as text.

    Example:
        >>> like({"20": "a", 40.0: "b"}, {20: "x", 40: "y"})
        {20: 'a', 40: 'b'}
    """
    if isinstance(yours, Iterator):
        return read(yours)
    if not isinstance(reference, dict):
        return yours
    if type(yours).__module__.startswith("pandas") and getattr(yours, "ndim", 0) == 1:
        yours = yours.to_dict()
    if not isinstance(yours, dict):
        return yours
    known = {_key(key): key for key in reference}
    found = {known.get(_key(key), key): value for key, value in yours.items()}
    return found if len(found) == len(yours) and len(known) == len(reference) else yours


def read(yours: Iterator) -> list:
    """What a generator hands out, which must end."""
    found = list(itertools.islice(yours, MOST + 1))
    if len(found) > MOST:
        raise refuse(
            expected=f"an answer of at most {MOST:,} values",
            got=f"{shown(yours, 60)}, which has more, or never ends",
            fix="hand over a list of the values that are asked for",
        )
    return found


def _key(key: Any) -> Any:
    """A key as it is looked up: a number as a number, words in lower case."""
    try:
        return float(key)
    except (TypeError, ValueError):
        return " ".join(key.lower().split()) if isinstance(key, str) else key


def by_name(function: Callable, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The arguments of a call under the names that the function's author gave them."""
    try:
        return dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        return {}


def does_not_fit(function: Callable, args: tuple, kwargs: dict) -> str:
    """What is wrong with the function's list of arguments; empty if nothing, or if unknown."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return ""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        names = ", ".join(signature.parameters) or "no arguments"
        n = len(args) + len(kwargs)
        return (
            f"Your function takes {names}; the exercise hands over {n} "
            f"argument{'s' * (n != 1)} ({error})."
        )
    return ""
