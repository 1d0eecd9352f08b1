"""Scales: labels that are measurements are asked about, cut into classes, or put in your order.

Enters: a column of labels as it comes, and what you said about it.  Leaves: the same column, or an
ordered category: its classes stand from low to high, so that an answer can be a little wrong.

A score from 0 to 100, a price, a share: of such numbers each would be a class of its own, and what
is next to right would be as wrong as anything. So more than 21 numbers as labels are never taken
for classes in silence: you are asked, once, at every door in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.naming import (
    MOST_ON_A_SCALE,
    distinct,
    looks_missing,
    name_of,
    natural,
    number_of,
)
from ragteach.errors import refuse, shown, whole
from ragteach.ground.arguments import names_of, or_meant, yes_no

LABELS = ("cut", "as_classes", "label_order", "real_labels")  # what may be said about labels
EACH = "; or, if each number is a class of its own: rt.mend(data, as_classes=True)"
NEARLY_ALL = 0.95  # of the labels: with so many numbers among them, the others are slips


def said_of_labels(options: dict[str, Any], attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Take what is said about labels out of ``options``: checked, with what `mend` was told."""
    given = {name: options.pop(name) for name in LABELS if name in options}
    given = {name: value for name, value in given.items() if value not in (None, False)}
    said = {**attrs.get("labels", {}), **given}
    chosen = [name for name in LABELS[:3] if name in said]
    if len(chosen) > 1:
        raise refuse(
            expected="one of cut, as_classes and label_order: each says what the labels are",
            got=", ".join(chosen),
            fix="leave all but one of them out",
        )
    if "cut" in given:
        whole("cut", given["cut"], 2, MOST_ON_A_SCALE)
    if "as_classes" in given:
        yes_no("as_classes", given["as_classes"])
    for name in LABELS[2:]:
        if name in given:
            said[name] = [str(name_of(one)) for one in names_of(name, given[name]) or ()]
    return said


def scaled(values: pd.Series, said: Mapping[str, Any], notes: list[str]) -> pd.Series:
    """The labels as they are to be named: cut or put in order if that was said, else as they came.

    Args:
        values: the column. said: of `said_of_labels`. notes: gets a sentence on what was done.

    Raises:
        RagteachError: more than 21 numbers, of which nothing was said; a cut of what is no number;
            an order that lacks a label, or names one that is not there.

    Example:
        >>> notes = []
        >>> scaled(pd.Series([10, 20, 30, 40], name="points"), {"cut": 2}, notes).tolist()
        ['10 to 20', '10 to 20', '30 to 40', '30 to 40']
        >>> notes[0]
        "the numbers of 'points' are cut into 2 classes: '10 to 20' (2 rows), '30 to 40' (2 rows)"
    """
    if "cut" in said:
        return _cut(values, int(said["cut"]), said, notes)
    if "label_order" in said:
        return _in_order(values, said)
    codes, found = distinct(values, "label")
    names = {name for name in (name_of(value) for value in found) if name is not None}
    names = {
        name for name in names if name in said.get("real_labels", ()) or not looks_missing(name)
    }
    numbers = sorted((name for name in names if natural(name)[0] == 0), key=natural)
    if len(numbers) <= MOST_ON_A_SCALE or len(numbers) < NEARLY_ALL * len(names):
        return values
    only_once = 2 * len(found) > len(codes)
    if not said.get("as_classes") or only_once:
        raise refuse(
            expected="labels that are names of classes",
            got=f"{len(numbers)} different numbers in the column {values.name!r}, {numbers[0]} to "
            f"{numbers[-1]}, in {len(codes):,} rows: these may be measurements",
            fix="cut them into classes from low to high, of about as many rows each: "
            "rt.mend(data, cut=3)"
            + ("" if only_once else EACH)
            + "; or predict the number itself, in Python: rt.RAGRegressor",
        )
    return values


def _cut(values: pd.Series, n: int, said: Mapping[str, Any], notes: list[str]) -> pd.Series:
    """Numbers as ``n`` classes of about as many rows each, from low to high."""
    codes, found = distinct(values, "label")
    names = [name_of(value) for value in found]
    amounts = [None if name is None else number_of(name) for name in names]
    real = said.get("real_labels", ())
    others = [
        name
        for name, amount in zip(names, amounts, strict=True)
        if name is not None and amount is None and (name in real or not looks_missing(name))
    ]
    if others or not any(amount is not None for amount in amounts):
        raise refuse(
            expected=f"numbers in the column {values.name!r}, to be cut",
            got=f"{shown(others[0], 60) if others else 'none'}",
            fix="say which column holds the numbers: label='...'; or leave that label out: "
            f"rt.mend(data, drop_labels=[{(others or ['...'])[0]!r}])",
        )
    numbers = np.array([np.nan if amount is None else float(amount) for amount in amounts])
    of_row = np.append(numbers, np.nan)[codes]  # (n_rows,)
    there = of_row[~np.isnan(of_row)]
    bins = pd.qcut(there, n, labels=False, duplicates="drop")
    if bins.max() + 1 < n or len(np.unique(bins)) < n:
        raise refuse(
            expected=f"numbers that can be cut into {n} classes of about as many rows",
            got=f"{len(np.unique(there))} different ones, of which one alone has "
            f"{pd.Series(there).value_counts().iloc[0]:,} of {len(there):,} rows",
            fix=f"cut them into fewer: cut={max(2, len(np.unique(bins)))}; or keep each number as "
            "a class: as_classes=True",
        )
    edges = [(there[bins == b].min(), there[bins == b].max()) for b in range(n)]
    called = [
        _number(low) if low == high else f"{_number(low)} to {_number(high)}" for low, high in edges
    ]
    cut = np.array(values.astype(object), dtype=object)
    cut[~np.isnan(of_row)] = np.array(called, dtype=object)[bins]
    rows = ", ".join(f"{name!r} ({int((bins == b).sum()):,} rows)" for b, name in enumerate(called))
    notes.append(f"the numbers of {values.name!r} are cut into {n} classes: {rows}")
    return _ordered(cut, called, values)


def _number(value: float) -> str:
    """A number as a person writes it."""
    return f"{value:.10g}"


def _in_order(values: pd.Series, said: Mapping[str, Any]) -> pd.Series:
    """The labels in the order that was said."""
    order = list(dict.fromkeys(said["label_order"]))
    codes, found = distinct(values, "label")
    names = [name_of(value) for value in found]
    real = said.get("real_labels", ())
    there = {
        n for n in names if n is not None and (n in order or n in real or not looks_missing(n))
    }
    lacking = sorted(there - set(order), key=natural)
    unknown = [name for name in order if name not in there]
    if lacking or unknown:
        odd = (unknown or lacking)[0]
        raise refuse(
            expected="label_order with every label once, from low to high",
            got=f"{shown(order, 80)}, "
            + (f"of which {odd!r} is no label" if unknown else f"without {odd!r}"),
            fix=f"the labels are {', '.join(map(repr, sorted(there, key=natural)[:20]))}"
            + (or_meant(odd, sorted(there)) if unknown else "; write all of them"),
        )
    called = np.array([*names, None], dtype=object)[codes]
    return _ordered(called, order, values)


def _ordered(called: np.ndarray, order: Sequence[str], values: pd.Series) -> pd.Series:
    """An ordered category; what only says that there is no label stands behind the classes."""
    column = pd.Series(called, dtype=object)
    gaps = [name for name in column.dropna().unique() if name not in set(order)]
    kind = pd.CategoricalDtype([*order, *gaps], ordered=True)
    return pd.Series(
        column.astype(kind).to_numpy(), dtype=kind, index=values.index, name=values.name
    )


def is_ordered(column: pd.Series, names: Iterable[str], real: Iterable[str] = ()) -> bool:
    """Whether the classes of a named column stand from low to high: those of an ordered category,
    and no class of rows without a label among them.
    """
    kind = column.dtype
    if not isinstance(kind, pd.CategoricalDtype) or not kind.ordered:
        return False
    known = set(real)
    return not any(looks_missing(name) for name in names if name not in known)
