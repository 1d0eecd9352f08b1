"""A lab on data of your own: a table is split into three parts, one of them held out.

Enters: a table with label, task, and either a text or numbers. Leaves: a `Lab`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.frames import as_frame
from ragteach.data.splits import split_frame
from ragteach.data.wild.reading import load_table
from ragteach.errors import refuse
from ragteach.labs.baselines import linear_baselines, word_features
from ragteach.labs.held import Lab


def own_texts(data: Any, seed: int, analyzer: str = "char") -> Lab:
    """A lab of a table with text, label and task; all tasks have the same classes."""
    frame = as_frame(data)
    names = list(frame.attrs["label_names"])
    parts = [
        _by_task(part, part["text"].to_numpy(object)) for part in split_frame(frame, seed=seed)
    ]
    train, val, held = _all_tasks(parts, frame.attrs["task_names"])
    features = word_features(train, analyzer)
    return Lab(
        "your texts",
        train,
        val,
        held,
        dict.fromkeys(train, names),
        lambda lab: linear_baselines(lab.train, lab.val, len(names), features),
    )


def own_numbers(data: Any, seed: int) -> Lab:
    """A lab of a table with label, task and numbers: every other column is a feature."""
    table = data if isinstance(data, pd.DataFrame) else load_table(data)
    missing = [name for name in ("label", "task") if name not in table]
    if missing:
        raise refuse(
            expected="a table with the columns label and task, and a column for each number",
            got=f"columns {', '.join(map(str, table.columns[:8]))}; no {' and no '.join(missing)}",
            fix="rename your columns: table.rename(columns={'digit': 'label'})",
        )
    rest = table.drop(columns=["label", "task"])
    numbers = rest.apply(pd.to_numeric, errors="coerce").astype(float)
    bad = ~np.isfinite(numbers.to_numpy())  # (n_rows, n_columns)
    if rest.shape[1] == 0 or bad.any():
        got = "no other column"
        if bad.any():
            row, column = np.argwhere(bad)[0]
            value = rest.iloc[row, column]
            shown = repr(value) if isinstance(value, str) else str(value)
            got = f"{shown} in column {rest.columns[column]!r}"
        raise refuse(
            expected="a finite number in every cell of every column but label and task",
            got=got,
            fix="drop that column, or fill the gaps; a table of texts is not for this lab",
        )
    frame = pd.DataFrame({"label": table["label"], "task": table["task"]})
    frame["text"] = [f"row {i}" for i in range(len(frame))]
    frame.attrs = {"fresh": True}  # these texts only name the rows
    frame = as_frame(frame)
    names = list(frame.attrs["label_names"])
    x = numbers.to_numpy(dtype="float32")
    x = (x - x.min(0)) / np.maximum(x.max(0) - x.min(0), 1e-9)
    rows = [
        part["text"].str.removeprefix("row ").astype(int) for part in split_frame(frame, seed=seed)
    ]
    parts = [_by_task(frame.iloc[row], x[row]) for row in rows]
    train, val, held = _all_tasks(parts, frame.attrs["task_names"])
    return Lab(
        "your numbers",
        train,
        val,
        held,
        dict.fromkeys(train, names),
        lambda lab: linear_baselines(lab.train, lab.val, len(names)),
    )


def _by_task(part: pd.DataFrame, items: Any) -> dict:
    tasks = part["task"].astype(str).to_numpy()
    labels = part["label"].to_numpy()
    names = list(dict.fromkeys(tasks))
    return {t: (items[tasks == t], labels[tasks == t].astype("int64")) for t in names}


def _all_tasks(parts: list[dict], tasks: list[str]) -> list[dict]:
    for part, name in zip(parts, ("training", "validation", "held-out"), strict=True):
        lost = [t for t in tasks if t not in part]
        if lost:
            raise refuse(
                expected="enough rows of every task for three parts, at least three of some class",
                got=f"no {name} row of {', '.join(lost)}",
                fix="add rows, or leave that task out",
            )
    return [{t: part[t] for t in tasks} for part in parts]
