"""Scoring a table: every row by its own task.

    python -m ragteach predict model.safetensors --input mine.csv > answers.tsv

Enters: a file that `save` wrote, and a table.  Leaves: tab-separated lines with a header: label,
probability, task, text, note. Columns are those of training; where the table has other names, they
are found by likeness and shown, or asked about.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.features import warn_of_silent
from ragteach.data.naming import NO_NAME, name_of
from ragteach.data.wild.asked import in_options
from ragteach.data.wild.columns import is_likely, likeliest, proposed
from ragteach.data.wild.reading import load_table
from ragteach.errors import RagteachError, refuse, shown
from ragteach.ground.arguments import among
from ragteach.integrations.answers import (
    ABOUT_SHARED,
    BY_ALL,
    answered,
    check_task,
    class_labels,
    record,
    said,
)

NEW = "(new)"  # the task of rows that have none, where what is shared answers


def predict_rows(args: argparse.Namespace) -> Iterator[str]:
    """The answers to a table, as tab-separated lines in the order of its rows.

    Raises:
        RagteachError: a column that is not there or not found, a task that the model has not;
            before anything is answered.
    """
    from ragteach.integrations.saving import load

    saved = load(args.model)
    with in_options(), contextlib.redirect_stdout(sys.stderr):  # where answers do not stand
        quotes = not getattr(args, "no_quotes", None)
        sheet = getattr(args, "sheet", None)
        table = load_table(args.input, args.encoding, args.separator, quotes, sheet)
    shared = bool(getattr(args, "shared", False))
    texts, tasks = _columns(table, args, saved.model, shared)
    known = set(saved.model.task_names)
    if shared and not set(tasks) <= known:
        class_labels(saved, None)  # refused here, if nothing is shared
        print(f"Note: {ABOUT_SHARED}", file=sys.stderr)
    if args.all:
        each = {task: task if task in known else None for task in dict.fromkeys(tasks)}
        classes = class_labels(saved, each[tasks[0]])
        other = next((t for t, one in each.items() if class_labels(saved, one) != classes), None)
        if other is not None:
            raise refuse(
                expected="tasks of the same classes, with --all",
                got=f"{tasks[0]!r} and {other!r}, whose classes differ",
                fix="leave --all out; or name one task: --task " + shlex.quote(tasks[0]),
            )
    head = classes if args.all else ["label", "probability"]
    lines: list[str] = [""] * len(texts)
    silent: list[int] = []
    tasks_of = np.array(tasks, dtype=object)
    for task in dict.fromkeys(tasks):
        own = task if task in known else None
        labels = class_labels(saved, own)
        rows = np.flatnonzero(tasks_of == task)
        for some in np.array_split(rows, 1 + len(rows) // args.block):
            if not len(some):
                continue
            probability, notes = answered(saved, own, [texts[row] for row in some])
            for row, p, note in zip(some, probability, notes, strict=True):
                silent += [int(row)] if note else []
                note = "; ".join([note] * bool(note) + [BY_ALL] * (own is None))
                lines[row] = record([*said(p, labels, args.all), task, texts[row], note])
    yield record([*head, "task", "text", "note"])
    yield from lines
    silent.sort()
    warn_of_silent(len(texts), [texts[row] for row in silent], [row + 1 for row in silent])


def _columns(
    table: pd.DataFrame, args: argparse.Namespace, model: Any, shared: bool = False
) -> tuple[list[str], list[str]]:
    """(the texts, the task of each), from columns that are named, known or found, and shown.

    Args:
        shared: tasks that the model has not are let through, and so is a table without tasks.
    """
    learned = getattr(model, "columns", None) or {}
    names = list(table.columns)
    if args.task is not None and args.task_column is not None:
        raise refuse(
            expected="--task, one task for all rows, or --task-column",
            got=f"--task {args.task} and --task-column {args.task_column}",
            fix="leave one of them out",
        )
    for option, given in (("--text", args.text), ("--task-column", args.task_column)):
        if given is not None and given not in names:
            among(option, given, names)
    if table.empty:
        raise refuse(expected="a table with rows", got="0 rows", fix="check the file")
    text = args.text or _known(learned.get("text"), names)
    found = False
    fitting = list[str]()
    if text is None:
        text, fitting = _text_of(names, args.task_column)
        found = text != "text"
    task = args.task_column
    asked = list[str]()
    if args.task is None and task is None and (len(model.task_names) > 1 or shared):
        task = _known(learned.get("task"), names)
        if task is None:
            others = [name for name in names if name != text]
            task, asked = _of_tasks(table, others, model.task_names)
            found |= task not in ("task", None)
            asked = [] if shared else asked
    if text is None or asked:
        raise _lacking(table, text, fitting, asked, model.task_names)
    if found:
        said_task = "" if task is None else f", task = {task}"
        print(f"columns: text = {text}{said_task}", file=sys.stderr)
    texts = ["" if name_of(value) is None else str(value) for value in table[text].tolist()]
    if shared and args.task is None and task is None:
        return texts, [NEW] * len(texts)
    if args.task is not None or task is None:
        one = model.task_names[0] if args.task is None else args.task
        check_task("--task", one, model.task_names)
        return texts, [one] * len(texts)
    tasks = _named(table, task, model.task_names)
    if shared:
        return texts, [NEW if name is None else name for name in tasks]
    for row, name in enumerate(tasks, 1):
        if name is None:
            raise refuse(
                expected=f"a task in every row of column {task!r}",
                got=f"none in data row {row}",
                fix="fill it in, or name one task for all rows: --task "
                + shlex.quote(model.task_names[0]),
            )
    for name in dict.fromkeys(tasks):
        check_task(f"every task in column {task!r}", str(name), model.task_names)
    return texts, [str(name) for name in tasks]


def _named(table: pd.DataFrame, column: str, known: list[str]) -> list[str | None]:
    """The task of each row; an empty cell is the task of rows without one, if the model has it."""
    none = NO_NAME if NO_NAME in known else None
    return [name_of(value, "task") or none for value in table[column].tolist()]


def _all_known(table: pd.DataFrame, column: str, known: list[str]) -> bool:
    """Whether a column holds nothing but tasks of the model; an empty one, or lists, holds none."""
    try:
        there = set(_named(table, column, known))
    except RagteachError:
        return False
    return there <= set(known) and there != {NO_NAME}


def _known(name: Any, names: list) -> str | None:
    """The column of training, if the table has it."""
    return name if isinstance(name, str) and name in names else None


def _text_of(names: list, taken: str | None) -> tuple[str | None, list[str]]:
    """The column that is called like one of texts, or None and those of which each may be it."""
    try:
        return likeliest("text", names, {taken}, needed=False), []
    except RagteachError:
        return None, [name for name in names if is_likely(name)]


def _of_tasks(table: pd.DataFrame, names: list[str], known: list[str]) -> tuple[str | None, list]:
    """The one column whose values are tasks of the model, or that is called so; or None, and what
    was found instead.
    """
    fitting = [name for name in names if _all_known(table, name, known)]
    if not fitting:  # one that is called so, in which a name may be misspelt
        likely = likeliest("task", names, set(), needed=False)
        fitting = [] if likely is None else [likely]
    if len(fitting) == 1:
        return fitting[0], []
    return None, [f"{len(fitting)} columns of tasks"]


def _lacking(
    table: pd.DataFrame, text: str | None, fitting: list[str], asked: list[str], known: list[str]
) -> Exception:
    """All that a table lacks, in one question.

    Args:
        text: the column of texts, if it was found; else ``fitting`` may be it. asked: what stands
            where one column of tasks is needed; empty if none is.
    """
    names = list(table.columns)
    likely = proposed(table, ["text"], set()) if text is None and not fitting else {}
    lacks = ["texts"] * (text is None)
    lacks += [f"tasks of the model ({shown(known)})"] * bool(asked)
    got = [f"no column of texts among {', '.join(map(str, names))}"] * (text is None)
    if fitting:
        got = [f"{len(fitting)} that may be texts: {', '.join(fitting)}"]
    there = ", ".join(str(name) for name in names if name != text) or "none"
    got += [f"{said} among {there}" for said in asked]
    column = shlex.quote(str(likely.get("text", (fitting or ["COLUMN"])[0])))
    perhaps = ", perhaps" if likely else ""
    fix = [f"--text {column}{perhaps and ' (its values look so)'}"] * (text is None)
    fix += [
        f"--task-column COLUMN, or one task for all rows: --task {shlex.quote(known[0])}, or, if "
        "they are of a task that was not in training: --shared"
    ] * bool(asked)
    return refuse(
        expected=f"a table with a column of {' and one of '.join(lacks)}",
        got="; ".join(got),
        fix=f"say which {'they are' if len(lacks) > 1 else 'it is'}: {'; and '.join(fix)}",
    )
