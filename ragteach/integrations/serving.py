"""Scoring from the command line: sentences in, one line of prediction out for each.

    python -m ragteach predict model.safetensors --task films < sentences.txt

Enters: a file that `save` wrote, and lines of text, or a table (see `tables`).  Leaves:
tab-separated lines: label, probability, sentence, and a note that is empty but for lines of which
the model knows no word: of these it says its bias alone. Lines are read and answered in blocks, so
a long file needs little memory. Only the task's own W_t is used: one product.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shlex
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ragteach.errors import RagteachError, refuse, shown, whole
from ragteach.ground.arguments import yes_no
from ragteach.integrations.answers import (
    ABOUT_SHARED,
    EMPTY,
    SILENT,
    answered,
    check_task,
    class_labels,
    record,
    said,
)

if TYPE_CHECKING:  # it is imported when there is something to predict
    pass

PLAIN = (".txt", ".text", "")  # endings of files of sentences, one a line
LONGEST_NAME = 24  # letters, of a column where lines seem to be a table
TABLE_OPTIONS = ("text", "task_column", "encoding", "separator", "sheet", "no_quotes")


def add_predict_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command ``predict`` to an argparse parser's ``subparsers``; its ``func`` is
    `predict_command`.

    Example:
        >>> import argparse
        >>> parser = argparse.ArgumentParser()
        >>> _ = add_predict_parser(parser.add_subparsers())
        >>> parser.parse_args(["predict", "model.safetensors", "--task", "films"]).task
        'films'
    """
    parser = subparsers.add_parser(
        "predict",
        help="score sentences, one per line",
        description="Read sentences from standard input (or a file), one per line; write label, "
        "probability, sentence and a note, separated by tabs, one line for each. The note says "
        f"{EMPTY!r} or {SILENT!r} where the answer is the task's bias alone. Of a table (a file "
        "that is no .txt), every row is answered by its own task.",
    )
    parser.add_argument("model", help="a file written by ragteach.save")
    parser.add_argument(
        "--task",
        help="whose sentences these are: the name of one task (of train and compare, --task is the "
        "column of all of them); not needed if the model has only one",
    )
    help = "a text file, instead of standard input; or a table: CSV, Excel, JSON lines, Parquet"
    parser.add_argument("--input", help=help)
    help = "the column of texts, of a table (default: that of training, or found, and shown)"
    parser.add_argument("--text", help=help)
    help = "the column of tasks, of a table (default: that of training, or found, and shown)"
    parser.add_argument("--task-column", help=help)
    parser.add_argument("--encoding", help="of a table")
    parser.add_argument("--separator", help="of a table")
    parser.add_argument("--sheet", help="of a workbook (default: the only one with a table)")
    help = 'read " as a letter like any other, in a table (default: it stands around values)'
    parser.add_argument("--no-quotes", action="store_true", default=None, help=help)
    parser.add_argument(
        "--all", action="store_true", help="write the probability of every class, with a header"
    )
    parser.add_argument(
        "--block", type=int, default=1000, help="lines scored at a time (default: %(default)s)"
    )
    help = "for a task that was not in training: answer by what all tasks share, W_s alone (of a "
    help += "table, only rows of such tasks)"
    parser.add_argument("--shared", action="store_true", help=help)
    parser.set_defaults(func=predict_command, run=predict_command)
    return parser


def predict_command(
    args: argparse.Namespace, stdin: TextIO | None = None, stdout: TextIO | None = None
) -> int:
    """Run ``predict`` with parsed arguments; returns the exit code (2 after a message on standard
    error).

    Args:
        args: with model, task, input, all and block, as `add_predict_parser` defines them.
        stdin, stdout: text streams; default: the process's own, as UTF-8.
    """
    try:
        whole("--block", args.block, 1)
        for stream in (sys.stdin, sys.stdout):  # a console may have another encoding
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8")
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            answers = predict_table(args) if is_table(args) else _of_lines(args, stdin)
            for line in answers:
                print(line, file=stdout or sys.stdout)
        (stdout or sys.stdout).flush()
        for warning in noted:
            print(f"Note: {warning.message}", file=sys.stderr)
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RagteachError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _of_lines(args: argparse.Namespace, stdin: TextIO | None) -> Iterator[str]:
    """The answers to the lines of a file, or of standard input."""
    lines = _opened(args.input) if args.input is not None else stdin or sys.stdin
    with lines if args.input is not None else _left_open(lines) as source:
        sentences = _decoded(source, args.input or "standard input")
        shared = getattr(args, "shared", False)
        yield from predict_lines(args.model, sentences, args.task, args.all, args.block, shared)


def _opened(path: str | os.PathLike) -> TextIO:
    """The file of sentences, to be read; refused in three parts."""
    try:
        return open(path, encoding="utf-8")
    except OSError as error:
        raise refuse(
            expected="--input to name a file of sentences, one a line",
            got=f"{path}: {error.strerror or error}",
            fix="check the path; without --input, sentences come from standard input",
        ) from None


def _decoded(stream: TextIO, name: str) -> Iterator[str]:
    """The stream's lines; bytes that are no UTF-8 are refused with the number of their line."""
    raw = getattr(stream, "buffer", None)
    if raw is None:
        yield from stream
        return
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise refuse(
                expected="sentences in UTF-8, one a line",
                got=f"byte 0x{line[error.start]:02x} in line {number} of {name}",
                fix="convert them first: iconv -f cp1252 -t utf-8 sentences.txt (if they are of an "
                "older Windows)",
            ) from None


def predict_lines(
    path: str | os.PathLike,
    lines: Iterable[str],
    task: str | None = None,
    every_class: bool = False,
    block: int = 1000,
    shared: bool = False,
) -> Iterator[str]:
    """Predictions for ``lines`` of text, as a generator of tab-separated lines in the same order.

    After the sentence stands a note, empty but for lines of which the model knows no word.
    A sentence that holds a tab or a quote stands in quotes, as ``csv`` and pandas read it:
    ``pandas.read_csv(file, sep="\\t")``.

    Args:
        path: a file that `save` wrote.
        task: its name; None if the model has only one.
        every_class: a header, then the probability of every class.
        block: lines scored at a time.
        shared: answer by what all tasks share (see `Saved.shared_logits`); then without a task.

    Raises:
        RagteachError: no task named where there are several, an unknown one, a model without
            vectoriser, or a task that does not classify.

    Warns:
        UnknownWordsWarning: once, at the end, of lines without any word that the model knows.
    """
    from ragteach.integrations.saving import load

    whole("block", block, 1)
    yes_no("every_class", every_class)
    yes_no("shared", shared)
    saved = load(path)
    names = saved.model.task_names
    if shared and task is not None:
        raise refuse(
            expected="--shared, the answers of what all tasks share, or --task",
            got=f"--shared and --task {task}",
            fix="leave one of them out",
        )
    if task is None and len(names) > 1 and not shared:
        raise refuse(
            expected=f"a task among {names}",
            got="none",
            fix=f"add --task {shlex.quote(names[0])}; for a task that is none of these: --shared",
        )
    yield from _answers(saved, lines, task or names[0], every_class, block, shared)


def _answers(
    saved: Any, lines: Iterable[str], task: str, every_class: bool, block: int, shared: bool
) -> Iterator[str]:
    """What `predict_lines` yields, of a model that is loaded."""
    from ragteach.data.features import warn_of_silent

    names = saved.model.task_names
    column = (getattr(saved.model, "columns", None) or {}).get("task")
    if task not in names and task == column:
        raise refuse(
            expected=f"--task to name one of the tasks {shown(names)}",
            got=f"--task {task}, the column that they stand in",
            fix=f"say whose sentences these are: --task {shlex.quote(names[0])}",
        )
    check_task("--task", task, names)
    one = None if shared else task
    labels = class_labels(saved, one)
    if shared:
        print(f"Note: {ABOUT_SHARED}", file=sys.stderr)
    if every_class:
        yield record([*labels, "sentence", "note"])
    lines = _no_table((line.rstrip("\r\n") for line in lines), saved.model)
    n_docs = 0
    silent = list[str]()
    places = list[int]()
    while texts := list(itertools.islice(lines, block)):
        p, notes = answered(saved, one, texts)
        places += [n_docs + i for i, note in enumerate(notes, 1) if note]
        silent += [text for text, note in zip(texts, notes, strict=True) if note]
        n_docs += len(texts)
        for row, text, note in zip(p, texts, notes, strict=True):
            yield record([*said(row, labels, every_class), text, note])
    warn_of_silent(n_docs, silent, places)


def is_table(args: argparse.Namespace) -> bool:
    """Whether the input is a table: by its name, or since a column of it is named."""
    if args.input is None:
        given = [name for name in TABLE_OPTIONS if getattr(args, name, None) is not None]
        if given:
            names = ", ".join("--" + name.replace("_", "-") for name in given)
            raise refuse(
                expected=f"{names} with --input mine.csv, a table",
                got=f"{names} without --input",
                fix="name the table, or leave these out for sentences, one a line",
            )
        return False
    named = getattr(args, "text", None) is not None
    return named or Path(args.input).suffix.lower() not in PLAIN


def predict_table(args: argparse.Namespace) -> Iterator[str]:
    """The answers to a table, as lines; see `ragteach.integrations.tables`."""
    from ragteach.integrations.tables import predict_rows

    return predict_rows(args)


def _no_table(lines: Iterator[str], model: Any) -> Iterator[str]:
    """The same lines; refuses those of a table, whose first one names the column of texts that the
    model was trained on, and another one, or two names that are in use for such columns.
    """
    from ragteach.data.wild.columns import is_likely

    text = (getattr(model, "columns", None) or {}).get("text")
    first = next(lines, None)
    if first is None:
        return
    for sign in ",;\t|":
        names = [name.strip(' "\ufeff') for name in first.split(sign)]
        short = all(len(name) <= LONGEST_NAME for name in names)
        alike = short and sum(map(is_likely, names)) > 1
        if len(names) > 1 and (alike or (text is not None and str(text) in names)):
            raise refuse(
                expected="sentences, one a line",
                got=f"a table: its first line is {shown(first, 60)}",
                fix="name its file, so that it is read as one: --input mine.csv (and --text COLUMN "
                "if its texts are not found)",
            )
    yield first
    yield from lines


class _left_open:
    """A context that gives a stream back without closing it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __enter__(self) -> TextIO:
        return self.stream

    def __exit__(self, *_: Any) -> None:
        return None
