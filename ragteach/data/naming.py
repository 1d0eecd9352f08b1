"""Names instead of numbers: any column of labels or tasks, as names in order and each row's number.

Enters: a column as it comes (whole numbers with gaps, ``0.0``, text, booleans, categories, nullable
or Arrow-backed values).  Leaves: `Named`, in which

    names[numbers[i]] = the name of row i

What has no name (NaN, None, an empty cell) is never made a class silently, and neither is what only
looks like a name ("unknown", "n/a"): you are asked, once, what to do with them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import torch

from ragteach.errors import one_of, refuse, shown
from ragteach.ground.arguments import members
from ragteach.ground.objects import as_array, as_name, has
from ragteach.tensors import MISSING

WAYS = ("ask", "drop", "keep")  # what to do with rows without a name
NO_NAME = "(missing)"  # the class of those rows, if you keep them
LOOK_ALIKES = frozenset(
    (
        "nan none null nil na n/a n.a. n.a nat unknown unk unlabeled unlabelled unannotated "
        "missing empty blank undefined unspecified unassigned unclassified tbd #n/a #ref! #value! "
        "#name? #div/0! \\n ? ?? ??? - -- --- . .. ..."
    ).split()
) | {"not available", "not applicable", "not labeled", "not labelled", "not specified", "not given",
     "not annotated", "no label", "no value", "no answer", "no data", "to be done"}  # fmt: skip
# An exponent has a sign, as programs write it: 198434e3 is some row's name, and so is 1e9.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]\d{1,3})?", re.IGNORECASE)
SIGNS = "€$£¥₹%‰"  # before a number, or behind it
AMOUNTS = {"star", "stars", "rating", "ratings", "score", "grade", "points", "overall", "stufe"}
# 0 to 10 in halves; percent
MOST_ON_A_SCALE = 21
LARGEST_ON_A_SCALE = 100
MOST_ROWS = 100_000_000
MOST_WHOLE = 2**53  # beyond it, a float no longer says which whole number it is


@dataclass(frozen=True)
class Named:
    """A column as names and numbers.

    Attributes:
        names: what there is, in natural order: 2 before 10, -2 before -1, False before True.
        numbers: (n_rows,) int64, the place of each row's name; ``MISSING`` (-100) where a row is to
            be dropped.
    """

    names: list[str]
    numbers: np.ndarray

    def reordered(self, names: Sequence[str]) -> Named:
        """The same rows, numbered by ``names``."""
        place = {name: number for number, name in enumerate(names)}
        table = np.array([*(place[name] for name in self.names), MISSING], dtype=np.int64)
        at = np.where(self.numbers == MISSING, len(self.names), self.numbers)
        return Named(list(names), table[at])

    def used(self) -> Named:
        """The same rows, without names that no row has."""
        there = set(self.numbers.tolist())
        place = np.full(len(self.names) + 1, MISSING, dtype=np.int64)
        kept = [number for number in range(len(self.names)) if number in there]
        place[kept] = np.arange(len(kept))
        at = np.where(self.numbers == MISSING, len(self.names), self.numbers)
        return Named([self.names[number] for number in kept], place[at])


def name_column(
    values: Any,
    what: str = "label",
    names: Sequence[str] | None = None,
    missing: str = "ask",
    gaps: bool = False,
    scheme: Sequence[str] | None = None,
    real: Iterable[str] = (),
) -> Named:
    """Name every value of a column.

    Args:
        values: the column: a pandas or polars Series, an array, a tensor, a list.
        what: what a value is, for the errors: ``"label"`` or ``"task"``.
        names: the names there may be, in this order (those of your training data). Default: the
            column's own, in natural order; an ordered category keeps its order.
        missing: what to do with rows that have no name, or a name such as "unknown": ``"ask"`` (an
            error that counts them), ``"drop"`` (their number is ``MISSING``), or ``"keep"`` (a
            class of their own).
        gaps: an empty cell is allowed, and means "no label here" (one column per task).
        scheme: what numbers 0, 1, ... in the column are called (a frame's ``label_names``); if the
            column holds others, it is not used.
        real: names that look as if there were none, such as "n.a.", and are names all the same.

    Raises:
        RagteachError: rows without a name, a name that is not among ``names``, numbers that are to
            be predicted rather than named, values that cannot be a name.

    Example:
        >>> name_column([10.0, 2.0, 10.0])
        Named(names=['2', '10'], numbers=array([1, 0, 1]))
        >>> name_column(["bad", None, "good"], missing="drop").numbers.tolist()
        [0, -100, 1]
    """
    one_of("missing", missing, WAYS)
    series = _series(values, what)
    codes, found = distinct(series, what)
    called = [name_of(value, what) for value in found]
    scheme = scheme if scheme and _are_places(found, called, len(scheme)) else None
    if scheme is not None:
        called = [name if name is None else scheme[int(name)] for name in called]
    elif names is None:
        _refuse_measurements(series, found, what)
        _refuse_identifiers(series, called, what)
    alike = _alike(called, [*(scheme or names or ()), *real])
    # one entry more than there are values: the last is what code -1 (no value) points to
    absent = np.array([*(name is None for name in called), True])[codes]
    looks = np.array([*(name in alike for name in called), False])[codes]
    if missing == "ask":
        ask(series, looks | (absent & (not gaps)), what)
    known = [n for n in called if n is not None and (missing == "keep" or n not in alike)]
    keep_absent = missing == "keep" and not gaps and bool(absent.any())
    order = list(names or scheme or _ordered(series, known))
    if keep_absent and names is None:
        order.append(NO_NAME)
    unknown = [name for name in known if name not in set(order)]
    if unknown:
        raise refuse(
            expected=f"{what}s among {_some(order)}",
            got=f"{what} {unknown[0]!r}, never seen before",
            fix="check its spelling, leave those rows out, or build the training data with them "
            f"too ({'class' if what == 'label' else what}_names)",
        )
    place: dict[str | None, int] = {name: number for number, name in enumerate(order)}
    numbers = np.array([*(place.get(n, MISSING) for n in called), MISSING], dtype=np.int64)[codes]
    if keep_absent:
        numbers[absent] = place.get(NO_NAME, MISSING)
    return Named(order, numbers)


def looks_missing(name: str) -> bool:
    """Whether a name only says that there is none, in whatever brackets and letters.

    Example:
        >>> [looks_missing(name) for name in ("Unknown", "<NA>", "(no label)", "not_labeled", "no")]
        [True, True, True, True, False]
    """
    bare = name.casefold().strip("()[]<>{}'\" ")
    return bare in LOOK_ALIKES or re.sub(r"[_\s-]+", " ", bare) in LOOK_ALIKES


def natural(name: str) -> tuple:
    """A sort key: numbers by their value (2 before 10, -2 before -1), words by their letters.

    Example:
        >>> sorted(["10", "2", "-1", "-2", "b", "a10", "a2"], key=natural)
        ['-2', '-1', '2', '10', 'a2', 'a10', 'b']
    """
    number = number_of(name)
    if number is not None:
        return (0, number, (), name)
    parts = re.split(r"(\d+)", name.casefold())
    key = [(int(p), "") if p.isascii() and p.isdigit() else (0, p) for p in parts]
    return (1, 0.0, tuple(key), name)


def number_of(name: str) -> Decimal | None:
    """The number that a name is, also with a decimal comma, a currency or a percent sign; exact,
    where a float is not. None if it is no number.

    Example:
        >>> [number_of(name) for name in ("2.5", "12,5", "1.234,50 €", "$1,299.00", "7 %")]
        [Decimal('2.5'), Decimal('12.5'), Decimal('1234.50'), Decimal('1299.00'), Decimal('7')]
        >>> number_of("1,2,3"), number_of("5 stars")
        (None, None)
    """
    said = re.sub(rf"^([-+]?)[{SIGNS}]\s?|\s?[{SIGNS}]$", r"\1", name.strip())
    if re.fullmatch(r"[-+]?\d{1,3}(\.\d{3})+,\d+", said):
        said = said.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+\.\d+", said):
        said = said.replace(",", "")
    else:
        said = re.sub(r"^([-+]?\d+),(\d{1,2})$|^([-+]?0),(\d+)$", r"\1\3.\2\4", said)
    return Decimal(said) if NUMBER.fullmatch(said) else None


def ordered_values(names: Sequence[str], column: str = "label") -> np.ndarray | None:
    """The numbers that three or more classes are called, such as stars 1 to 5; else None.

    An error of one star is smaller than one of four: such classes have an order. Where the column
    is called stars or the like, numbers are amounts. Elsewhere they may be codes, and no mean
    absolute error of codes means anything: they are amounts if a person would give them, up to 21
    numbers between -100 and 100. The numbers 0, 1, ..., with or without gaps, are the codes of
    programs.

    Example:
        >>> ordered_values(["1", "2", "5"]).tolist(), ordered_values(["bad", "good", "so-so"])
        ([1.0, 2.0, 5.0], None)
        >>> ordered_values(["101", "202", "303"]), ordered_values(["0", "2", "3"])
        (None, None)
    """
    numbers = [float(natural(name)[1]) for name in names if natural(name)[0] == 0]
    values = np.array(numbers)
    if not 3 <= len(names) == len(numbers) or not np.isfinite(values).all():
        return None
    amount = bool(AMOUNTS & set(re.split(r"[\W_]+", column.casefold())))
    return values if amount or _given_by_people(values) else None


def _given_by_people(values: np.ndarray) -> bool:
    """Whether numbers make a scale on which people rate, rather than codes of a program."""
    if len(values) > MOST_ON_A_SCALE or abs(values).max() > LARGEST_ON_A_SCALE:
        return False
    whole = values.astype(int)
    counted = values.min() == 0 and (values == whole).all() and np.gcd.reduce(whole) == 1
    return not counted


def plain(names: Sequence[str]) -> bool:
    """Whether these are the numbers 0, 1, ... themselves."""
    return list(names) == [str(number) for number in range(len(names))]


def check_same_classes(mine: list[str], its: list[str] | None) -> None:
    """Refuse data whose classes are not the model's.

    Plain numbers agree with any names: they are the classes' places.
    """
    if its is None or mine == its or len(mine) != len(its):
        return
    numbers = [any(map(str.isdecimal, names)) for names in (mine, its)]
    if (plain(mine) or plain(its)) and not all(numbers):
        return
    raise refuse(
        expected=f"data with the model's classes: {its}",
        got=f"{mine}",
        fix="build the data with from_frame(frame, like=train), or a new model for them",
    )


# ---------------------------------------------------------------- from a value to a name


def _series(values: Any, what: str) -> pd.Series:
    if isinstance(values, pd.Series | pd.Index):
        return pd.Series(values).reset_index(drop=True)
    if isinstance(values, torch.Tensor):
        values = as_array(what, values)
    if has(values, "to_list"):  # a polars Series
        values = values.to_list()
    if not isinstance(values, np.ndarray | pd.api.extensions.ExtensionArray):
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise refuse(
                expected=f"one {what} for each row",
                got=shown(values),
                fix=f"give a list of {what}s, as long as the table",
            )
        values = pd.Series(
            members(what, values, f"give the {what}s in a list", MOST_ROWS), dtype=object
        )
    if getattr(values, "ndim", 1) != 1:
        raise refuse(
            expected=f"one column of {what}s",
            got=f"an array of shape {values.shape}",
            fix="give one value for each row; several label columns go in as label=['a', 'b']",
        )
    return pd.Series(values)


def distinct(series: pd.Series, what: str) -> tuple[np.ndarray, list]:
    """(number of each row's value, the values); the number is -1 where there is none."""
    if series.dtype == object:
        kind = pd.api.types.infer_dtype(series, skipna=True)
        if kind not in ("string", "boolean", "integer", "floating"):
            # a hash table takes 1, 1.0 and True for the same: go by the name
            series = pd.Series([name_of(value, what) for value in series], dtype=object)
    codes, values = pd.factorize(series)
    return np.asarray(codes), list(np.asarray(values))


def check_cells(
    column: pd.Series, what: str, missing: str = "keep", names: Iterable[str] = ()
) -> np.ndarray:
    """Which rows have no name, (n_rows,); refuses a column in which something cannot be one: a
    list, a dict, infinity; and such rows too, where ``missing`` is ``"ask"``.

    Example:
        >>> check_cells(pd.Series(["good", 5, None]), "label").tolist()
        [False, False, True]
    """
    series = _series(column, what)
    codes, found = distinct(series, what)
    called = [name_of(value, what) for value in found]
    alike = _alike(called, names)
    nameless = np.array([*(name is None or name in alike for name in called), True])[codes]
    if missing == "ask":
        ask(series, nameless, what)
    return nameless


def _alike(called: Sequence[str | None], names: Iterable[str]) -> set[str]:
    """Which names only say that there is none, and are not among those there may be."""
    wanted = {*names} | ({"-"} if "+" in called else set())  # then it is the other pole
    return {n for n in called if n and looks_missing(n) and n not in wanted}


def name_of(value: Any, what: str = "label") -> str | None:
    """The name of one value; None if it has none.

    Example:
        >>> name_of(5.0), name_of(" good "), name_of(float("nan"))
        ('5', 'good', None)
    """
    if value is None or value is pd.NA or value is pd.NaT or value is np.ma.masked:
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, Integral):
        return None if int(value) == MISSING else str(int(value))
    if isinstance(value, float | np.floating):
        return _name_of_float(value, what)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, pd.Timestamp | np.datetime64):
        stamp = pd.Timestamp(value)
        return stamp.isoformat() if stamp != stamp.normalize() else stamp.date().isoformat()
    if isinstance(value, list | dict | set | np.ndarray):
        raise refuse(
            expected=f"one {what} in each row",
            got=f"a {type(value).__name__}, such as {shown(value, 60)}",
            fix="one row per label: frame.explode(column); or a column of its own for each task",
        )
    name = as_name(f"a {what}", value).strip().lstrip("\ufeff")
    return None if name in ("", str(MISSING)) else name


def _name_of_float(value: Any, what: str) -> str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise refuse(
            expected=f"finite {what}s",
            got=f"{what} {value}",
            fix="find it with numpy.isinf, and drop or correct those rows",
        )
    if float(value).is_integer() and abs(value) <= MOST_WHOLE:
        return name_of(int(value), what)
    return str(value)


def _are_places(found: list, called: list, n_names: int) -> bool:
    """Whether the values are numbers 0 .. n_names - 1 (and not text that looks so)."""
    return all(
        name is None or (not isinstance(v, str) and name.isdecimal() and int(name) < n_names)
        for v, name in zip(found, called, strict=True)
    )


def _refuse_measurements(series: pd.Series, found: list, what: str) -> None:
    """Numbers with a fraction, nearly all of them different, are to be predicted, not named."""
    many = len(found) > 20 and 2 * len(found) > len(series)
    if many and isinstance(found[0], float | np.floating) and not all(v == int(v) for v in found):
        raise refuse(
            expected=f"{what}s that are names of classes",
            got=f"{len(found)} different numbers in {len(series)} rows, such as {found[0]:g}",
            fix="cut them into classes (pandas.cut), or predict the number itself with "
            "RAGRegressor",
        )


def _refuse_identifiers(series: pd.Series, called: list, what: str) -> None:
    """Labels of which most stand in one row only tell rows apart: a number, a name, free text."""
    if what == "label" and len(called) > 20 and 2 * len(called) > len(series):
        raise refuse(
            expected="labels that repeat: classes with several rows each",
            got=f"column {series.name!r} with {len(called)} different labels in {len(series)} "
            f"rows, such as {shown(called[0], 60)}",
            fix="say which column holds the classes: label='...'; if it is this one, merge its "
            "labels into fewer, or add rows",
        )


def _ordered(series: pd.Series, known: list[str]) -> list[str]:
    """Distinct names in natural order; an ordered category keeps its own."""
    if isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.ordered:
        all_names = [str(name_of(value, "label")) for value in series.dtype.categories]
        return [name for name in dict.fromkeys(all_names) if name in set(known)]
    return sorted(set(known), key=natural)


def ask(series: pd.Series, nameless: np.ndarray, what: str) -> None:
    """Refuse rows without a name, counting them and naming the two ways out."""
    if not nameless.any():
        return
    rows = np.flatnonzero(nameless)
    where = f" of column {series.name!r}" if series.name not in (None, what) else ""
    listed = gap_words(series, nameless)
    raise refuse(
        expected=f"a {what} in every row",
        got=f"{len(rows)} of {len(series)} rows without one, or that look so ({listed}): "
        f"empty {what} in data rows {(rows[:5] + 1).tolist()}{where}",
        fix='fill in or delete those rows; or leave them out: rt.mend(data, missing="drop")'
        + ("" if what == "text" else f'; or keep them as a {what} of their own: missing="keep"')
        + _or_real(series, rows, what),
    )


def _or_real(series: pd.Series, rows: np.ndarray, what: str) -> str:
    """That a word that looks like a gap may be a label."""
    words = [name_of(value, what) for value in series.iloc[rows[:1000]].tolist()]
    word = next((word for word in words if word is not None), None)
    if what != "label" or word is None:
        return ""
    return f'; or, if it is a label: real_labels=["{word}"]'


def gaps_in(column: pd.Series, real: Iterable[str] = ()) -> np.ndarray:
    """(n_rows,) which cells hold a word that only says that there is no label; empty cells do not.

    Args:
        real: such words that are labels all the same.
    """
    codes, found = distinct(_series(column, "label"), "label")
    called = [name_of(value) for value in found]
    alike = _alike(called, real)
    return np.array([*(name in alike for name in called), False])[codes]


def ask_of_several(columns: Mapping[str, pd.Series], gaps: Mapping[str, np.ndarray]) -> None:
    """Refuse words that say that there is no label, of all label columns in one question.

    Args:
        columns, gaps: by name; ``gaps`` as `gaps_in` finds them.
    """
    words = [f"{gap_words(columns[n], gaps[n])} in {n!r}" for n in columns if gaps[n].any()]
    if not words:
        return
    one = name_of(next(columns[n][gaps[n]].iloc[0] for n in columns if gaps[n].any()))
    raise refuse(
        expected="a label or an empty cell in every row of each label column",
        got=f"words that look as if there were none: {'; '.join(words)}",
        fix='take them for empty cells: rt.mend(data, missing="drop"); or for labels: '
        f'rt.mend(data, real_labels=["{one}"])',
    )


def gap_words(series: pd.Series, nameless: np.ndarray, most: int = 4) -> str:
    """What stands in the rows without a name, the most frequent first.

    Example:
        >>> values = pd.Series(["n.a.", "good", "n.a.", ""])
        >>> gap_words(values, np.array([True, False, True, True]))
        "2 x 'n.a.', 1 x ''"
    """
    rows = np.flatnonzero(nameless)[:100_000]
    count = Counter(_shown(value) for value in series.iloc[rows].tolist())
    more = f", and {len(count) - most} others" if len(count) > most else ""
    return ", ".join(f"{n} x {value}" for value, n in count.most_common(most)) + more


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value.strip())
    return "NaN" if isinstance(value, float) else str(value)


def _some(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(repr(name) for name in list(names)[:most])
    return f"[{shown}]" if len(names) <= most else f"[{shown}, ... {len(names)} in all]"
