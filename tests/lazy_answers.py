"""Lazy answers to any exercise, made from its right one: a sign turned, an order reversed, rounded ...

Enters: a reference answer.  Leaves: {what was done to it: the answer}.  A spoilt function counts in
how many of its calls it said something else than the reference: if in none, it is right after all.
"""

import inspect
import numbers

import numpy as np
import torch

WAYS = {
    "the sign is flipped": lambda v: -v,
    "the order is reversed": lambda v: np.flip(v, 0) if np.ndim(v) else v,
    "the mean over the first axis": lambda v: (
        np.broadcast_to(np.mean(v, 0), np.shape(v)) if np.ndim(v) else v
    ),
    "the mean over the last axis": lambda v: np.broadcast_to(
        np.mean(v, -1, keepdims=True) if np.ndim(v) else v, np.shape(v)
    ),
    "rounded to integers": np.round,
    "zero": np.zeros_like,
    "one": np.ones_like,
    "the mean of all": lambda v: np.full_like(v, np.mean(v)),
    "twice": lambda v: 2 * v,
}


def spoilt(value, way):
    """The same thing with every number, or array of numbers, in it spoilt."""
    if isinstance(value, bool | np.bool_):
        return (
            bool(np.abs(WAYS[way](np.float64(value))) > 0.5)
            if way in ("zero", "one")
            else not value
        )
    if isinstance(value, torch.Tensor):
        if value.dtype == torch.bool:
            return torch.from_numpy(np.asarray(spoilt(value.numpy(), way)))
        return torch.from_numpy(np.array(spoilt(value.detach().numpy(), way)))
    if isinstance(value, np.ndarray) and value.dtype.kind == "b":
        return ~value
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return np.asarray(WAYS[way](value.astype(float)))
    if isinstance(value, numbers.Number):
        return float(WAYS[way](np.float64(value)))
    if isinstance(value, dict):
        if way == "the order is reversed":
            return dict(zip(value, reversed(value.values()), strict=True))
        return {key: spoilt(v, way) for key, v in value.items()}
    if isinstance(value, list | tuple):
        if way == "the order is reversed" or way.startswith("the mean"):
            flat = all(isinstance(v, numbers.Number) for v in value)
            if flat and value:
                return type(value)(np.asarray(WAYS[way](np.array(value, dtype=float))).tolist())
        if way == "the order is reversed":
            return type(value)(reversed(value))
        return type(value)(spoilt(v, way) for v in value)
    return value


def same(a, b):
    """Whether two answers say the same."""
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor) or isinstance(a, np.ndarray):
        a, b = (np.asarray(v.detach() if isinstance(v, torch.Tensor) else v) for v in (a, b))
        if a.dtype.kind in "biuf" and b.dtype.kind in "biuf":
            return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-6, equal_nan=True)
        return a.shape == b.shape and bool((a == b).all())
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, numbers.Number) and isinstance(b, numbers.Number):
        return bool(np.isclose(float(a), float(b), rtol=1e-3, atol=1e-6, equal_nan=True))
    return bool(a == b)


class Spoilt:
    """A function that answers as the reference does, spoilt in one way."""

    def __init__(self, function, way):
        self.function, self.way, self.differs, self.first = function, way, 0, None
        self.__signature__ = inspect.signature(function)

    def __call__(self, *args, **named):
        right = self.function(*args, **named)
        if self.way == "the first answer for ever":
            self.first = right if self.first is None else self.first
            mine = self.first
        else:
            mine = spoilt(right, self.way)
        self.differs += not same(mine, right)
        return mine


def lazy(reference):
    """{what was done: the answer} for the ways that change something, as far as can be seen."""
    if inspect.isfunction(reference):
        return {way: Spoilt(reference, way) for way in (*WAYS, "the first answer for ever")}
    if inspect.isclass(reference):
        return {}
    made = {way: spoilt(reference, way) for way in WAYS}
    return {way: answer for way, answer in made.items() if not same(answer, reference)}
