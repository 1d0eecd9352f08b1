"""What the engine refuses, before any work is done.

Enters: the arguments of a call.  Leaves: the same as numbers and tensors, or an error in three
parts that names the argument and its value.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ragteach.errors import RagteachError, refuse, shown
from ragteach.ground.arguments import check_penalty, members
from ragteach.ground.objects import attribute, one_value
from ragteach.model import RAG

LARGEST_SEED = 2**63 - 1  # what torch's generators take

Penalty = float | Sequence[float] | np.ndarray | Tensor
Seeds = int | Sequence[int] | np.ndarray | Tensor | None


def check_model(model: object) -> None:
    """Refuse anything but a `RAG` with full-size adapters."""
    if not isinstance(model, RAG):
        raise refuse(
            expected="a RAG model",
            got=f"model = {_short(model)}",
            fix="build one: RAG(n_features, n_classes, n_adapters, tasks=data.task_names)",
        )
    if model.adapter_kind != "full":
        raise refuse(
            expected='models with adapter="full"',
            got=f"adapter={model.adapter_kind!r}",
            fix="train low-rank or projected adapters with fit(), one model at a time",
        )


def check_row(name: str, row: object, length: int) -> None:
    """Refuse a place that is not among ``length`` (counted from the end if negative)."""
    scalar = _scalar(row)
    if not _is(Integral, scalar) or not -length <= scalar < length:
        raise refuse(
            expected=f"{name} to be a whole number, 0 .. {length - 1}",
            got=f"{name} = {_short(row)}",
            fix=f"there are {length} of them, counted from 0",
        )


def number(name: str, value: object, fix: str = "") -> float:
    """A finite number >= 0, as a float."""
    scalar = _scalar(value)
    if not _is(Real, scalar) or not 0 <= scalar <= sys.float_info.max:  # NaN: False
        raise _no_number(name, value, fix)
    return float(scalar)


def numbers(name: str, value: Penalty) -> Tensor:
    """One number, or a sequence of them, all finite and >= 0: (n,) in float64."""
    if not _is_sequence(value):
        return torch.tensor([number(name, value)], dtype=torch.float64)
    listed: Any = value
    found = members(name, listed, f"{name}=[0.1, 1.0]")
    values = [number(name, each) for each in found]
    if not values:
        raise refuse(
            expected=f"at least one value of {name}",
            got=f"{name} = {_short(value)}, which is empty",
            fix=f"give a number, or a list of numbers, {name} >= 0",
        )
    return torch.tensor(values, dtype=torch.float64)


def grid(
    lam: Penalty, lam_shared: Penalty, seeds: Seeds = None
) -> tuple[Tensor, Tensor, list[int | None]]:
    """One (lam, lam_shared, seed) per replica, out of single values and sequences of one length."""
    lams = numbers("lam", lam)
    lams_shared = numbers("lam_shared", lam_shared)
    for name, penalties in (("lam", lams), ("lam_shared", lams_shared)):
        check_penalty(name, float(penalties.max()))
    starts: list[int | None] = [None] if seeds is None else _seeds(seeds)
    lengths = [len(lams), len(lams_shared), len(starts)]
    n_replicas = max(lengths)
    if set(lengths) - {1, n_replicas}:
        raise refuse(
            expected="lam, lam_shared and seeds of one length (or a single value each)",
            got="{}, {} and {} values".format(*lengths),
            fix="for a grid, repeat them: torch.cartesian_prod(lams, seeds)",
        )
    if len(starts) == 1:
        starts = starts * n_replicas
    return lams.expand(n_replicas).clone(), lams_shared.expand(n_replicas).clone(), starts


def _seeds(seeds: Any) -> list[int | None]:
    if not _is_sequence(seeds):
        return [_seed(seeds)]
    starts: list[int | None] = [_seed(each) for each in members("seeds", seeds, "seeds=range(5)")]
    if not starts:
        raise _no_seed(seeds)
    return starts


def _seed(value: object) -> int:
    scalar = _scalar(value)
    if not _is(Integral, scalar) or not 0 <= scalar <= LARGEST_SEED:
        raise _no_seed(value)
    return int(scalar)


def _no_seed(value: object) -> RagteachError:
    return refuse(
        expected="seeds to be whole numbers >= 0, one per replica (or None: the model as it is)",
        got=f"seeds = {_short(value)}",
        fix="seeds=range(5) gives five random starts",
    )


def _no_number(name: str, value: object, fix: str) -> RagteachError:
    return refuse(
        expected=f"{name} to be a finite number >= 0",
        got=f"{name} = {_short(value)}",
        fix=fix or f"use {name} >= 0",
    )


def _is_sequence(value: object) -> bool:
    """Whether its members are what counts: a list, a range, an array with an axis ..."""
    if isinstance(value, (str, bytes, dict, set)) or _ndim(value) == 0:
        return False
    return isinstance(value, Iterable)


def _is(kind: type, scalar: object) -> bool:
    return isinstance(scalar, kind) and not isinstance(scalar, bool)


def _scalar(value: Any) -> Any:
    """What stands in an array or tensor without axes; anything else as it is."""
    return one_value(value)


def _ndim(value: Any) -> int | None:
    ndim = attribute(value, "ndim")
    return ndim if isinstance(ndim, int) else None


def _short(value: object) -> str:
    return shown(value, 80)
