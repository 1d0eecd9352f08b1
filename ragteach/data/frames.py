"""One door for data: a frame, a path, a polars table or a dataset, as one standard frame.

Enters: what you have.  Leaves: a pandas DataFrame with

    text   str     label  int64, 0 .. C-1     task  str     (and your other columns)

whose ``attrs`` say what the numbers mean: ``label_names``, ``task_names`` and ``columns`` (where
they came from). Everything in the package that takes data calls `as_frame` first, so a name that
went in comes out again.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import connected_components

from ragteach.data.features import ANALYZERS
from ragteach.data.naming import (
    WAYS,
    Named,
    ask,
    ask_of_several,
    gap_words,
    gaps_in,
    name_column,
    natural,
    plain,
)
from ragteach.data.scales import LABELS, is_ordered, said_of_labels, scaled
from ragteach.data.survey.alike import look_alikes
from ragteach.data.wild.columns import ROLES, Columns, find_columns, repeated_headers
from ragteach.data.wild.reading import READING, load_table, opened
from ragteach.errors import is_list, one_of, refuse, shown
from ragteach.ground.aligned import aligned
from ragteach.ground.arguments import among, members, names_of
from ragteach.ground.objects import as_array, attribute, check_signs, half_a_sign, has, outside
from ragteach.tensors import MISSING


class NamesWarning(UserWarning):
    """Names that a person may have meant to be one, such as ``Good`` and ``good``."""


def as_frame(
    data: Any,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    *,
    missing: str = "ask",
    class_names: Sequence[str] | None = None,
    task_names: Sequence[str] | None = None,
    analyzer: str | None = None,
    **reading: Any,
) -> pd.DataFrame:
    """The standard frame of whatever you have.

    Args:
        data: a pandas or polars table, a dict of columns, a path or an address (see `load_table`),
            or a `MultiTaskDataset` that was made of texts.
        text, label, task: names of the columns. Default: found by their names, and printed if they
            are not called so. ``label`` may be a list: one column per task, whose empty cells mean
            "no label here". Without a task column there is one task.
        missing: rows without a text, label or task: ``"ask"``, ``"drop"`` or ``"keep"``, see
            `name_column`.
        class_names, task_names: the names there may be, in order: those of the training data.
        analyzer: what whoever makes features of the texts is to count: ``"word"``, ``"char"`` or
            ``"auto"``, see `make_vectorizer`. Default: auto.
        reading: how a file is read: encoding, separator, quotes, sheet, as in `load_table`; and
            what labels are: numbers to ``cut`` into so many classes, or to take ``as_classes``; in
            a ``label_order`` from low to high; ``real_labels`` that look as if there were none,
            such as "n.a." (see `ragteach.data.scales`).

    Returns:
        The frame. Its ``attrs`` also say how many rows were left out, and for want of what
        (``left_out``), and what `mend` did (``mended``).

    Raises:
        RagteachError: data of another kind, no such column, no row, something missing, tasks whose
            classes have nothing in common, more than 21 numbers as labels.

    Warns:
        NamesWarning: once, of labels or tasks that look like another one (a typo, ``5 stars``
            beside ``5``), with the line that merges them.

    Example:
        >>> frame = as_frame({"text": ["a", "b"], "label": [400001, 400000], "task": [7, 7]})
        >>> frame["label"].tolist(), frame.attrs["label_names"], frame.attrs["task_names"]
        ([1, 0], ['400000', '400001'], ['7'])
    """
    names: Any = {"class_names": class_names, "task_names": task_names}
    how: Any = {"missing": missing, "analyzer": analyzer, **reading}
    frame = named_frame(data, text, label, task, **names, **how)
    attrs = attribute(data, "attrs", {})
    again = "columns" in attrs  # a part of it may not show what tasks share
    if class_names is None and (not again or attrs.get("own_classes")):
        refuse_apart(frame)
    return frame


def any_frame(data: Any, *columns: Any, **options: Any) -> pd.DataFrame:
    """`as_frame`, also of tasks with classes of their own; then ``attrs["own_classes"]`` is True.

    Example:
        >>> table = {"text": ["a", "b"] * 2, "label": [1, 2, 3, 4], "task": ["p", "p", "q", "q"]}
        >>> any_frame(table).attrs["own_classes"], any_frame(any_frame(table)).attrs["own_classes"]
        (True, True)
    """
    frame = named_frame(data, *columns, **options)
    attrs = attribute(data, "attrs", {})
    own = attrs.get("own_classes", False) if "columns" in attrs else bool(tasks_apart(frame))
    frame.attrs["own_classes"] = own
    return frame


def named_frame(
    data: Any,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    *,
    missing: str = "ask",
    class_names: Sequence[str] | None = None,
    task_names: Sequence[str] | None = None,
    warn: bool = True,
    analyzer: str | None = None,
    **reading: Any,
) -> pd.DataFrame:
    """`as_frame`, also of tasks whose classes have nothing in common.

    Args:
        warn: of names that look alike, if the data are named for the first time.
    """
    one_of("missing", missing, WAYS)
    class_names = names_of("class_names", class_names)
    task_names = names_of("task_names", task_names)
    for name in reading:
        among("option", name, [*READING, "analyzer", "missing", *ROLES, *LABELS])
    on_labels = {name: reading.pop(name) for name in LABELS if name in reading}
    table, attrs = _table(opened(data, **reading))
    attrs = with_analyzer(attrs, analyzer)
    said = said_of_labels(on_labels, attrs)
    if missing == "ask":
        missing = attrs.get("missing", "ask")  # what `mend` was told
    roles = attrs.get("roles", {})  # those that `mend` was told, unless others are named
    unnamed = text is None and label is None and task is None
    if unnamed and _there(roles, table):
        text, label, task = (roles[role] for role in ROLES)
    columns = find_columns(list(table.columns), text, label, task, table)
    if columns.found and not roles:
        print(columns)
    if "text" in columns.found and not roles:
        _refuse_numbers(table[columns.text])
    table = _without_headers(table, columns, attrs)
    if len(table) == 0:
        raise refuse(
            expected="a text in every row, and at least one row",
            got="0 rows",
            fix="check the file, and what you filtered",
        )
    warn = warn and "columns" not in attrs
    if isinstance(columns.label, tuple):
        known = class_names, task_names
        out = _from_label_columns(table, columns, missing, *known, said, attrs)
        return _noted(out, attrs, missing, warn and class_names is None)
    again = (columns.text, columns.label, columns.task) == ROLES and attrs.get("columns")
    scheme = attrs.get("label_names")
    if scheme is None and class_names and not any(name.isdecimal() for name in class_names):
        scheme = class_names  # numbers, where training data had names, are their places
    if scheme is None and class_names is None or {"cut", "label_order"} & set(said):
        table = _with_scale(table, columns.label, scheme, said, attrs)
        scheme = None
    real = said.get("real_labels", ())
    labels = name_column(
        table[columns.label], "label", class_names, missing, scheme=scheme, real=real
    )
    tasks = _tasks(table, columns, missing, task_names, attrs.get("task_names"))
    texts, has_text = _texts(table[columns.text], missing)
    keep = has_text & (labels.numbers != MISSING) & (tasks.numbers != MISSING)
    kept = labels
    if not class_names:  # a class of rows that are left out is none
        kept = Named(labels.names, np.where(keep, labels.numbers, MISSING)).used()
    out = _standard(table, columns, texts, kept, tasks, np.flatnonzero(keep), task_names)
    lacks = {
        "text": ~has_text,
        "label": labels.numbers == MISSING,
        "task": tasks.numbers == MISSING,
    }
    _note_left_out(out, lacks)
    asked = (("label", columns.label), ("task", columns.task))
    gaps = {r: gap_words(table[name], lacks[r]) for r, name in asked if lacks[r].any()}
    if gaps:
        out.attrs["gaps"] = gaps
    if is_ordered(table[columns.label], out.attrs["label_names"], real):
        out.attrs["ordered"] = True
    if again:
        out.attrs["columns"] = again
    return _noted(out, attrs, missing, warn and class_names is None and task_names is None)


def _with_scale(
    table: pd.DataFrame, name: Any, scheme: Sequence[str] | None, said: dict, attrs: dict
) -> pd.DataFrame:
    """The table whose column of labels is cut or in order, if that was said; what was done goes
    into ``attrs``. Numbers that may be measurements are refused.
    """
    notes = list[str]()
    values = table[name]
    if scheme is not None:
        values = values.map(dict(enumerate(scheme)))
        attrs.pop("ordered", None)
    changed = scaled(values, said, notes)
    if notes:
        attrs["mended"] = [*attrs.get("mended", ()), *notes]
    return table if changed is values else table.assign(**{name: changed})


def with_analyzer(attrs: Mapping[str, Any], analyzer: str | None) -> dict[str, Any]:
    """A table's attrs, with what is to be counted in its texts if that is said."""
    if analyzer is None:
        return dict(attrs)
    one_of("analyzer", analyzer, ANALYZERS)
    return {**attrs, "analyzer": analyzer}


def _refuse_numbers(values: pd.Series) -> None:
    """Refuse a column of texts that was found by its name and holds numbers, as in *review: 5*."""
    some = [value for value in values.dropna().head(1000) if not isinstance(value, bytes)]
    numbers = [value for value in some if natural(str(value).strip())[0] == 0]
    if some and 2 * len(numbers) > len(some):
        raise refuse(
            expected=f"texts in the column {values.name!r}, which its name seems to say",
            got=f"numbers in {len(numbers)} of its first {len(some)} rows, such as "
            f"{shown(numbers[0], 60)}",
            fix="say which column holds the texts: text='...'; if it is this one: "
            f"text={values.name!r}",
        )


def _without_headers(table: pd.DataFrame, columns: Columns, attrs: dict) -> pd.DataFrame:
    """The table without rows that repeat the header."""
    label = columns.label if isinstance(columns.label, tuple) else (columns.label,)
    names = [name for name in (columns.text, *label, columns.task) if isinstance(name, str)]
    texts = table[columns.text].tolist()
    rows = [i for i, text in enumerate(texts) if type(text) is str and text.strip() == columns.text]
    rows = [i for i in rows if all(str(table[name].iloc[i]).strip() == name for name in names)]
    if not rows or len(names) < 2:
        return table
    attrs["mended"] = [*attrs.get("mended", ()), repeated_headers(len(rows))]
    return table.drop(index=table.index[rows]).reset_index(drop=True)


def _note_left_out(out: pd.DataFrame, lacks: Mapping[str, np.ndarray]) -> None:
    """How many rows were left out, and how many of them lacked what, into the frame's attrs."""
    gone = np.logical_or.reduce(list(lacks.values()))
    if gone.any():
        counts = {role: int(lack.sum()) for role, lack in lacks.items()}
        out.attrs["left_out"] = {"rows": int(gone.sum()), **counts}


def _noted(out: pd.DataFrame, attrs: dict, missing: str, warn: bool) -> pd.DataFrame:
    """The frame with what was noted about it before; warns of names that look alike."""
    before = attrs.get("left_out")
    now = out.attrs.get("left_out")
    if before:
        out.attrs["left_out"] = {key: n + (now or {}).get(key, 0) for key, n in before.items()}
    if attrs.get("analyzer") is not None:
        out.attrs["analyzer"] = attrs["analyzer"]
    if missing == "keep":
        out.attrs["missing"] = missing  # whoever gets the frame keeps them, too
    if attrs.get("ordered") is True:
        out.attrs["ordered"] = True  # the classes stand from low to high
    if attrs.get("fresh") is True:
        out.attrs["fresh"] = True
    if attrs.get("mended"):
        out.attrs["mended"] = list(attrs["mended"])
    if warn:
        _warn_alike(out)
    return out


def row_counts(frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """label and task -> name -> how many rows have it, of a standard frame."""
    names = frame.attrs["label_names"]
    counts = np.bincount(frame["label"].to_numpy(), minlength=len(names))
    labels = dict(zip(names, counts.tolist(), strict=True))
    tasks = frame["task"].value_counts(sort=False)
    return {"label": labels, "task": {str(name): int(n) for name, n in tasks.items()}}


def _codes(labels: Mapping[str, int]) -> str:
    """Of labels that are nearly all numbers: that what the frame holds are codes."""
    names = list(labels)
    others = [name for name in names if natural(name)[0] != 0]
    numbers = [name for name in names if name not in others]
    if len(others) != 1 or len(numbers) < 3 or plain(numbers):
        return ""
    return (
        f" Since {others[0]!r} is no number, these labels are names without amounts: the column "
        f"label holds codes, {names[0]!r} as 0 to {names[-1]!r} as {len(names) - 1}, not the "
        "numbers themselves, and no mean absolute error is measured. Rename it or drop it "
        "to have that."
    )


def _warn_alike(frame: pd.DataFrame) -> None:
    """One warning of all names that look alike."""
    rows = row_counts(frame)
    found = [alike for role in ("label", "task") for alike in look_alikes(role, rows[role])]
    if not found:
        return
    more = f" And {len(found) - 1} more: see rt.look(data)." if len(found) > 1 else ""
    warnings.warn(
        f"It may be a slip: {found[0]}. They stay two; "
        f"{found[0].cure()}.{more}{_codes(rows['label'])}",
        NamesWarning,
        stacklevel=outside(),
    )


def _there(roles: Mapping[str, Any], table: pd.DataFrame) -> bool:
    """Whether the table has the columns of these roles."""
    label = roles.get("label", [])
    names = [*(label if isinstance(label, list) else [label]), roles.get("text"), roles.get("task")]
    return bool(roles) and all(name is None or name in table.columns for name in names)


def as_table(data: Any) -> pd.DataFrame:
    """Whatever `as_frame` takes, as a pandas table with its own columns and a fresh index."""
    return _table(data)[0]


def table_of(data: Any, most: int = 12) -> str:
    """A dataset as a small table of text: its examples by task and class."""
    counts = np.zeros((data.n_tasks, data.n_classes), dtype=int)
    np.add.at(counts, (data.task.numpy(), data.y.numpy()), 1)
    table = pd.DataFrame(counts, index=data.task_names, columns=data.class_names)
    hidden = []
    if table.shape[1] > most:
        hidden.append(f"{table.shape[1] - most} more classes")
        table = table.iloc[:, :most].assign(**{"...": ""})
    table["all"] = counts.sum(1)
    if len(table) > most:
        hidden.append(f"{len(table) - most} more tasks")
        table = table.iloc[:most]
    source = ", ".join(f"{role} = {name}" for role, name in data.columns.items() if name)
    lines = [
        f"MultiTaskDataset: {len(data)} examples, {data.n_tasks} tasks, {data.n_classes} classes, "
        f"{data.n_features} features",
        aligned(table.reset_index(names="")),
        *([f"... and {' and '.join(hidden)}"] if hidden else []),
        *([f"from the columns {source}"] if source else []),
    ]
    return "\n".join(lines)


# ---------------------------------------------------------------- the kinds of data


def _ours(attrs: Any) -> dict:
    """What `as_frame` said in a frame's attrs; names that are no lists are somebody else's."""
    names = ("label_names", "task_names")
    return {
        key: value
        for key, value in dict(attrs).items()
        if key not in names or value is None or isinstance(value, list | tuple)
    }


def _table(data: Any) -> tuple[pd.DataFrame, dict]:
    """A pandas DataFrame with a fresh index, and what its attrs said."""
    if isinstance(data, str | bytes | os.PathLike) or has(data, "read"):
        data = load_table(data)
    elif has(data, "texts", "class_names"):
        data = _of_dataset(data)
    elif isinstance(data, dict) or _records(data):
        data = _columns(data) if isinstance(data, dict) else data
        try:
            data = pd.DataFrame(data)
        except UnicodeEncodeError as error:
            raise half_a_sign("data", error.object) from None
        except ValueError as error:
            raise refuse(
                expected="data: a dict of columns of one length",
                got=str(error),
                fix="check their lengths",
            ) from None
    elif has(data, "to_pandas") or has(data, "collect"):  # polars, Arrow
        data = _of_polars(data)
    if not isinstance(data, pd.DataFrame):
        raise refuse(
            expected="a table with the columns text, label and task (a pandas or polars frame, a "
            "path, or a MultiTaskDataset)",
            got=f"{type(data).__name__} without {', '.join(ROLES)}",
            fix="pass the frame itself, or a path: rt.load_table('mine.csv')",
        )
    check_header(data)
    attrs = _ours(data.attrs)
    named = [n for n in data.index.names if n is not None and n not in data.columns]
    table = data.reset_index(named).reset_index(drop=True)  # an index with a name is a column
    return table, attrs


def _columns(data: dict) -> dict:
    """A dict of columns, each in an order of its own; one value alone stands for every row."""
    fix = "pass a list of as many values as there are rows"
    found = {}
    for name, value in data.items():
        if isinstance(value, torch.Tensor):
            value = as_array(shown(name), value)
        elif is_list(value) and not isinstance(value, str) and not has(value, "dtype"):
            value = members(shown(name), value, fix)
        found[name] = value
    return found


def check_header(data: pd.DataFrame) -> None:
    """Refuse a table whose columns have names of several levels, or one name twice."""
    if data.columns.nlevels > 1:
        raise refuse(
            expected="a table whose columns have one name each",
            got=f"columns of {data.columns.nlevels} levels, such as {shown(data.columns[0], 60)}",
            fix="join the levels: frame.columns = ['_'.join(map(str, c)) for c in frame.columns]",
        )
    double = data.columns[data.columns.duplicated()]
    if len(double):
        raise refuse(
            expected="columns with different names",
            got=f"{double[0]!r} more than once",
            fix="rename one of them",
        )


def _of_polars(data: Any) -> pd.DataFrame:
    """A polars or Arrow table, column by column, so that neither needs the other's engine."""
    if has(data, "collect"):  # a lazy frame, not computed yet
        data = data.collect()
    if has(data, "get_columns"):
        return pd.DataFrame(
            {c.name: pd.Series(c.to_list(), dtype=object) for c in data.get_columns()}
        )
    return data.to_pandas()


def _records(data: Any) -> bool:
    """Whether this is a list of dicts, one a row."""
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(r, dict) for r in data)


def _of_dataset(data: Any) -> pd.DataFrame:
    """The frame that a dataset of texts was made of."""
    if not data.texts:
        raise refuse(
            expected="a dataset that was made of texts",
            got=f"a MultiTaskDataset of {data.n_features} numbers per document",
            fix="pass the frame of sentences instead",
        )
    texts = np.array(data.texts, dtype=object)[data.doc.numpy()]
    tasks = np.array(data.task_names, dtype=object)[data.task.numpy()]
    frame = pd.DataFrame({"text": texts, "label": data.y.numpy(), "task": tasks})
    frame.attrs = {
        "label_names": list(data.class_names),
        "task_names": list(data.task_names),
    }
    return frame


# ---------------------------------------------------------------- the columns


def _tasks(
    table: pd.DataFrame,
    columns: Columns,
    missing: str,
    task_names: Sequence[str] | None,
    order: Sequence[str] | None,
) -> Named:
    """The tasks: in the order of first appearance, but numbers by their value."""
    if columns.task is None:
        names = list(task_names or ["task1"])
        if len(names) != 1:
            raise refuse(
                expected=f"a task column, for the tasks {names}",
                got="a table without one",
                fix="say which column it is: task=...",
            )
        return Named(names, np.zeros(len(table), dtype=np.int64))
    named = name_column(table[columns.task], "task", task_names, missing)
    if task_names is not None:
        return named
    seen = [named.names[i] for i in dict.fromkeys(named.numbers.tolist()) if i != MISSING]
    if all(natural(name)[0] == 0 for name in seen):
        seen = sorted(seen, key=natural)
    first = [name for name in order or [] if name in seen]
    return named.reordered([*first, *(name for name in seen if name not in first)])


def _texts(values: pd.Series, missing: str) -> tuple[list[str], np.ndarray]:
    """(texts, whether there is one); numbers among texts are texts too."""
    raw = values.astype(object).tolist()
    if not any(isinstance(value, str | bytes) for value in raw):
        raise refuse(
            expected="texts in the text column",
            got=f"column {values.name!r} of {type(raw[0]).__name__}, such as {shown(raw[0], 60)}",
            fix="say which column holds the texts: text=...",
        )
    texts = [value if type(value) is str else _as_text(value) for value in raw]
    check_signs("text", texts)
    there = np.array([bool(text.strip()) for text in texts])
    if missing == "ask":
        ask(values, ~there, "text")
    return texts, there | (missing == "keep")


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if not isinstance(value, str) and pd.isna(value) is True else str(value)


def _from_label_columns(
    table: pd.DataFrame,
    columns: Columns,
    missing: str,
    class_names: Sequence[str] | None,
    task_names: Sequence[str] | None,
    said: dict,
    attrs: dict,
) -> pd.DataFrame:
    """One task per label column: a row for every label that is there."""
    names = [str(name) for name in columns.label]
    if class_names is None and "label_order" in said:
        every_cell = pd.concat([table[name] for name in names], keys=names)
        every_cell = scaled(every_cell, said, [])
        table = table.assign(**{name: every_cell[name] for name in names})
    elif class_names is None:
        for name in names:
            table = _with_scale(table, name, None, said, attrs)
    real = said.get("real_labels", ())
    gaps = {name: gaps_in(table[name], (*real, *(class_names or ()))) for name in names}
    if missing == "ask":
        ask_of_several({name: table[name] for name in names}, gaps)
    each = [
        name_column(table[name], "label", class_names, missing, gaps=True, real=real)
        for name in names
    ]
    for name, named in zip(names, each, strict=True):
        if (named.numbers == MISSING).all():
            raise refuse(
                expected="a label in some row of every label column",
                got=f"none in {name!r}",
                fix=f"leave {name!r} out of label, or check the file",
            )
    every: Any = dict.fromkeys(name for named in each for name in named.names)
    ordered = all(is_ordered(table[name], every, real) for name in names)
    if ordered:
        every = [name for name in said.get("label_order", every) if name in every]
    every = class_names or (every if ordered else sorted(every, key=natural))
    numbers = np.stack([named.reordered(every).numbers for named in each], axis=1)
    texts, has_text = _texts(table[columns.text], missing)
    task, row = np.nonzero((numbers.T != MISSING) & has_text)
    labels = Named(list(every), numbers[row, task])
    labels = labels if class_names else labels.used()
    lacks = {"text": ~has_text, "label": (numbers == MISSING).all(1)}
    lacks["task"] = np.zeros(len(table), dtype=bool)
    texts = [texts[i] for i in row]
    rest = table.drop(columns=list(columns.label)).iloc[row].reset_index(drop=True)
    tasks = Named(names, task)
    out = _standard(rest, columns, texts, labels, tasks, np.arange(len(row)), task_names)
    _note_left_out(out, lacks)
    words = [f"{gap_words(table[n], gaps[n])} in {n!r}" for n in names if gaps[n].any()]
    if words and missing == "drop":
        out.attrs["gaps"] = {"label": "; ".join(words)}
        out.attrs["gap_cells"] = int(sum(gap.sum() for gap in gaps.values()))
    if ordered:
        out.attrs["ordered"] = True
    return out


def _standard(
    table: pd.DataFrame,
    columns: Columns,
    texts: list[str],
    labels: Named,
    tasks: Named,
    rows: np.ndarray,
    task_names: Sequence[str] | None,
) -> pd.DataFrame:
    """The standard frame of the ``rows`` that are kept."""
    if len(rows) == 0:
        raise refuse(
            expected="at least one row with text, label and task",
            got=f"none of {len(table)}",
            fix=f"check what was taken for what ({columns})",
        )
    roles = {columns.text, columns.label, columns.task, *ROLES}
    out = pd.DataFrame(
        {
            "text": [texts[row] for row in rows],
            "label": labels.numbers[rows],
            "task": np.array(tasks.names, dtype=object)[tasks.numbers[rows]].tolist(),
        }
    )
    for name in table.columns:
        if name not in roles:
            out[name] = table[name].to_numpy()[rows]
    there = set(out["task"])
    label = columns.label if isinstance(columns.label, str) else list(columns.label)
    out.attrs = {
        "label_names": list(labels.names),
        "task_names": [n for n in tasks.names if n in there]
        if task_names is None
        else list(task_names),
        "columns": {"text": columns.text, "label": label, "task": columns.task},
    }
    return out


def check_classes(frame: pd.DataFrame) -> None:
    """Refuse a standard frame of one class: there is nothing to learn."""
    names = frame.attrs["label_names"]
    if len(names) < 2:
        raise refuse(
            expected="labels of at least two classes",
            got=f"{len(names)}: {names}",
            fix="check the label column, and what you filtered",
        )


def refuse_apart(frame: pd.DataFrame) -> None:
    """Refuse tasks whose classes have nothing in common: shared weights of what?"""
    said = tasks_apart(frame)
    if said:
        raise refuse(
            expected="tasks with classes in common",
            got=f"no class that these share: {'; '.join(said)}",
            fix="give each task a head of its own: rt.heads_from_frame(frame); compare and "
            "fit_split (train, on the command line) do so by themselves",
        )


def tasks_apart(frame: pd.DataFrame) -> list[str]:
    """Two tasks that no chain of common classes joins, with their classes; empty if there are none.

    A task of one class is left out: it says too little to be of another kind.
    """
    pairs = frame[["task", "label"]].drop_duplicates()
    sets = {t: frozenset(part["label"]) for t, part in pairs.groupby("task", sort=False)}
    rich = [t for t, classes in sets.items() if len(classes) > 1]
    if len(rich) < 2:
        return []
    task = pd.factorize(pairs["task"])[0]
    label = pd.factorize(pairs["label"])[0]
    n_nodes = len(sets) + label.max() + 1  # tasks, then classes; an edge where a task has a class
    edges = sp.coo_matrix((np.ones(len(pairs)), (task, len(sets) + label)), (n_nodes, n_nodes))
    part = dict(zip(sets, connected_components(edges, directed=False)[1], strict=False))
    first = rich[0]
    other = next((t for t in rich if part[t] != part[first]), None)
    if other is None:
        return []
    names = np.array(frame.attrs["label_names"], dtype=object)
    return [f"task {t!r} with {', '.join(names[sorted(sets[t])][:6])}" for t in (first, other)]
