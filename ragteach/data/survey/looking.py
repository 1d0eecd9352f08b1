"""A look at your data before any model: what is there, what may go wrong, and what to do about it.

Enters: a table of texts with labels and tasks (a frame, a file, a dataset).  Leaves: a `Look`: a
table in a terminal, HTML in a notebook, a dict for a program.

Counting is exact for every row. Three things are measured on a sample of the texts, and say so:
near-twins, scripts, and words that tasks share. Seconds and memory grow with the rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.frames import ROLES, named_frame, row_counts, tasks_apart
from ragteach.data.kin import twins
from ragteach.data.naming import ordered_values
from ragteach.data.resemblance import text_key
from ragteach.data.scales import LABELS
from ragteach.data.shares import effective, wilson
from ragteach.data.splits import groups, tied
from ragteach.data.survey.findings import (
    Finding,
    about_apart,
    about_balance,
    about_changes,
    about_gaps,
    about_names,
    about_numbers,
    about_pairs,
    about_power,
    about_several,
    about_tasks,
    power_table,
)
from ragteach.data.survey.look_views import as_html, as_text
from ragteach.data.survey.sign_findings import about_signs
from ragteach.data.survey.text_findings import (
    about_alike,
    about_counted,
    about_lengths,
    about_marks,
    about_repeats,
    about_scripts,
    about_twins,
    about_words,
    shared_words,
)
from ragteach.data.wild.asked import asked_labels, asked_table, in_options
from ragteach.data.wild.reading import opened
from ragteach.errors import whole
from ragteach.ground.arguments import LARGEST_NUMPY_SEED, among
from ragteach.ground.objects import attribute
from ragteach.ground.telling import tell


@dataclass
class Look:
    """What `look` found.

    Attributes:
        n_rows: rows with a text, a label and a task. name: what was looked at.
        left_out: how many rows were left out (``rows``), and how many of them had no text, label
            or task. mended: what `mend` did, in sentences.
        columns: which column was read as text, label and task.
        tasks: one row a task: rows, classes, most frequent class and its share with a 95 %
            interval.
        classes: one row a class: rows, and its share with a 95 % interval (Wilson).
        shared_words: (n_tasks, n_tasks) Jaccard overlap of the tasks' words.
        power: which differences this many rows can show.
        findings: list of `Finding`, the most important first.
    """

    name: str
    n_rows: int
    columns: dict[str, str]
    tasks: pd.DataFrame = field(repr=False)
    classes: pd.DataFrame = field(repr=False)
    shared_words: pd.DataFrame = field(repr=False)
    power: pd.DataFrame = field(repr=False)
    counts: dict = field(repr=False)
    findings: list[Finding] = field(repr=False)
    left_out: dict[str, int] = field(default_factory=dict, repr=False)
    mended: list[str] = field(default_factory=list, repr=False)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)

    def to_dict(self) -> dict:
        """Everything as numbers, texts, lists and dicts, ready for JSON."""
        return {
            "name": self.name,
            "rows": self.n_rows,
            "columns": self.columns,
            "tasks": _records(self.tasks),
            "classes": _records(self.classes),
            "shared_words": self.shared_words.to_dict(),
            "power": _records(self.power),
            "counts": self.counts,
            "left_out": self.left_out,
            "mended": self.mended,
            "findings": [vars(finding) for finding in self.findings],
        }


def look(
    data: Any,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    seed: int = 0,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    quotes: bool | None = None,
    sheet: str | None = None,
    analyzer: str | None = None,
    **labels: Any,
) -> Look:
    """Look at data before you train on them.

    Args:
        data: a frame, the path of a file, or a `MultiTaskDataset` made from texts.
        text, label, task: the names of the columns. Default: found by their names, as in
            `as_frame`.
        seed: of the samples that are drawn where all pairs would be too many.
        encoding, separator, quotes, sheet: how a file is read, as in `load_table`.
        analyzer: what is counted in the texts, as in `as_frame`.
        labels: what labels are, as in `as_frame`: cut, as_classes, label_order, real_labels.

    Returns:
        `Look`: print it, show it in a notebook, or call ``.to_dict()``.

    Raises:
        RagteachError: a missing column, no complete row, a dataset of numbers instead of texts.

    Example:
        >>> from ragteach import make_toy
        >>> report = look(make_toy(n_per_task=20))
        >>> report.n_rows, report.tasks["rows"].tolist()
        (80, [20, 20, 20, 20])
    """
    whole("seed", seed, 0, LARGEST_NUMPY_SEED)
    name = Path(data).name if isinstance(data, str | Path) else type(data).__name__
    data = opened(data, encoding=encoding, separator=separator, quotes=quotes, sheet=sheet)
    for option in labels:
        among("option", option, LABELS)
    if not any(labels.get(option) for option in LABELS[:3]):
        labels["as_classes"] = True  # numbers are told below, and not refused
    rows, before = _frame(data, text, label, task, {"analyzer": analyzer, **labels})
    rows["key"] = [text_key(words) for words in rows["text"].tolist()]
    rng = np.random.default_rng(seed)
    twin = groups(rows["text"]) if rows.attrs.get("fresh") else twins(rows["text"])
    label_names = rows.attrs["label_names"]
    task_names = rows.attrs["task_names"]
    tasks = _tasks(rows, task_names, twin)
    classes = _balance(rows["label"], label_names, twin)
    overlap = shared_words(rows, rng)
    family = tied(rows)
    different = int((~pd.DataFrame({"family": family, "task": rows["task"]}).duplicated()).sum())
    power = power_table(different, rows["task"].nunique())
    left_out = rows.attrs.get("left_out", {})
    mended = rows.attrs.get("mended", [])
    counts = {f"rows without {role}": left_out.get(role, 0) for role in ROLES}
    column = rows.attrs["columns"]["label"]
    ordered = isinstance(column, str) and ordered_values(label_names, column) is not None
    findings = [
        *about_changes(mended),
        *about_gaps(left_out, left_out == before, rows.attrs.get("gaps", {})),
        *about_names(rows.attrs["names"]),
        *about_tasks(tasks, classes, _candidates(rows)),
        *about_balance(tasks, classes),
        *about_numbers(label_names, ordered),
        *about_several(label_names),
        *about_apart(rows.attrs["apart"]),
        *about_pairs(rows, counts),
        *about_repeats(rows, counts),
        *about_alike(rows, counts),
        *about_counted(len(rows), effective(twin)),
        *about_twins(rows, counts, rng),
        *about_marks(rows, counts),
        *about_scripts(rows, counts, rng),
        *about_lengths(rows, counts),
        *about_signs(rows, counts, rng),
        *about_words(overlap, counts),
        *about_power(power),
    ]
    order = {"act": 0, "know": 1, "fine": 2}
    findings.sort(key=lambda finding: order[finding.weight])
    columns = dict(rows.attrs["columns"])
    seen = (tasks, classes, overlap, power, counts, findings)
    report = Look(name, len(rows), columns, *seen, dict(left_out), list(mended))
    return tell(report, at_the_end=False)


# ---------------------------------------------------------------- the table


def _frame(
    data: Any,
    text: str | None,
    label: str | Sequence[str] | None,
    task: str | None,
    options: dict[str, Any],
) -> tuple[pd.DataFrame, dict[str, int]]:
    """(standard frame with names instead of numbers, what was left out before)."""
    before = attribute(data, "attrs", {}).get("left_out", {})
    how: Any = {"missing": "drop", "warn": False, **options}
    frame = named_frame(data, text, label, task, **how)
    attrs = dict(frame.attrs)
    attrs |= {"apart": tasks_apart(frame), "names": row_counts(frame)}
    named = np.asarray(attrs["label_names"], dtype=object)
    frame["label"] = named[frame["label"].to_numpy()]
    frame.attrs = attrs
    return frame, before


def _balance(labels: pd.Series, names: list[str], twin: np.ndarray) -> pd.DataFrame:
    """Each class and its share; ``twin``: rows that the intervals count as one (see `twins`)."""
    count = labels.value_counts().reindex(names, fill_value=0)
    share = (count / count.sum()).to_numpy()
    worth = effective(twin)
    low, high = wilson(share * worth, worth)
    table = {"label": count.index, "rows": count.to_numpy(), "share": share}
    return pd.DataFrame(table | {"low": low, "high": high})


def _tasks(rows: pd.DataFrame, names: list[str], twin: np.ndarray) -> pd.DataFrame:
    """Each task and its most frequent class; ``twin`` as in `_balance`."""
    count = rows.groupby(["task", "label"], sort=False).size()
    by_task = count.groupby(level="task", sort=False)
    total = by_task.sum().reindex(names)
    top = by_task.max().reindex(names)
    worth = pd.Series(twin).groupby(rows["task"].to_numpy()).agg(effective).reindex(names)
    low, high = wilson(top / total * worth, worth)
    return pd.DataFrame(
        {
            "task": total.index,
            "rows": total.to_numpy(),
            "classes": by_task.size().reindex(names).to_numpy(),
            "most_frequent": [label for _, label in by_task.idxmax().reindex(names)],
            "share": (top / total).to_numpy(),
            "low": low,
            "high": high,
        }
    )


def _candidates(rows: pd.DataFrame) -> list[str]:
    """Other columns with few values that repeat: one of them may name the tasks."""
    others = [name for name in rows.columns if name not in (*ROLES, "key")]
    counts = {name: rows[name].astype(str).nunique() for name in others}
    return [str(name) for name, n in counts.items() if 2 <= n <= min(200, len(rows) // 10)]


def _records(table: pd.DataFrame) -> list[dict]:
    return [
        {k: v.item() if hasattr(v, "item") else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def run_look(options: argparse.Namespace) -> None:
    """The command ``look``: print what was found, as a table or as JSON."""
    table, columns = asked_table(options.file, options)
    print(
        f"{len(table):,} rows read; looking for texts that are alike", file=sys.stderr, flush=True
    )
    with in_options():
        how = {"analyzer": getattr(options, "analyzer", None), **asked_labels(options)}
        found = look(table, **columns, **how)
    found.name = Path(options.file).name
    if options.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(found)
