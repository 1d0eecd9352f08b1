"""A file that was named on the command line, read as its options say.

Enters: a path and parsed options: ``text``, ``label``, ``task``, ``encoding``, ``missing``, and the
    names to exchange or leave out (``rename_label``, ``drop_task`` ...).
Leaves: the file as it is (for a look), or the standard frame (for everything else). What is wrong
is said in the command line's words: ``--task shop`` instead of ``task='shop'``.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from ragteach.data.frames import any_frame
from ragteach.data.mending import mend
from ragteach.data.scales import LABELS
from ragteach.data.wild.columns import ROLES
from ragteach.data.wild.reading import load_table
from ragteach.errors import RagteachError, refuse

RENAMES = ("rename_label", "rename_task")
DROPS = ("drop_label", "drop_task")
CHANGES = (*RENAMES, *DROPS, "least_rows")
ARGUMENT = re.compile(
    r"""\b(text|label|task|encoding|missing|separator|sheet|least_rows|cut)"""
    r"""=(?:(["'])(.*?)\2|([^\s"'\[;]+))"""
)
COLUMNS = re.compile(r"\blabel=\[(.*?)\]")  # one column per task
LISTED = re.compile(r"\b(real_labels|drop_labels)=\[(['\"])(.*?)\2\]")


def asked_table(path: str, options: argparse.Namespace) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The file as it is, but for the names that the options exchange or leave out; and the columns
    that are still to be named: `mend` remembers them.
    """
    with in_options():
        how = {"encoding": options.encoding, "separator": options.separator}
        if getattr(options, "no_quotes", False):
            how["quotes"] = False
        table = load_table(path, sheet=getattr(options, "sheet", None), **how)
        columns = {role: getattr(options, role) for role in ROLES}
        changes = asked_changes(options)
        return (mend(table, **columns, **changes), {}) if changes else (table, columns)


def asked_frame(path: str, options: argparse.Namespace) -> pd.DataFrame:
    """The standard frame of the file, with the columns that the options name."""
    table, columns = asked_table(path, options)
    with in_options():
        analyzer = getattr(options, "analyzer", None)
        how = {"missing": options.missing, "analyzer": analyzer, **asked_labels(options)}
        return any_frame(table, **columns, **how)


def asked_labels(options: argparse.Namespace) -> dict[str, Any]:
    """What the options say about labels."""
    given = {name: getattr(options, name, None) for name in LABELS}
    return {name: value for name, value in given.items() if value is not None}


def asked_changes(options: argparse.Namespace) -> dict[str, Any]:
    """What `mend` is to do: the options that were given."""
    changes: dict[str, Any] = {}
    for name in RENAMES:
        given = getattr(options, name, None)
        if given:
            pairs = [_pair(name, pair) for pair in given]
            changes[name + "s"] = dict(pairs)
            if len(changes[name + "s"]) < len(dict.fromkeys(pairs)):
                option = _option(name)
                raise refuse(
                    expected=f"one new name for each old one in {option}",
                    got=f"{option} {f' {option} '.join(given)}",
                    fix="say once what a name is to become",
                )
    for name in DROPS:
        given = getattr(options, name, None)
        if given:
            changes[name + "s"] = list(given)
    least = getattr(options, "least_rows", None)
    return changes if least is None else changes | {"least_rows": least}


def _pair(name: str, given: str) -> tuple[str, str]:
    """OLD=NEW as two names."""
    old, sign, new = given.partition("=")
    if not sign or not old.strip() or not new.strip():
        option = _option(name)
        raise refuse(
            expected=f"{option} OLD=NEW",
            got=f"{option} {given}",
            fix=f"write both names, for example {option} 'Bokshop=Bookshop'",
        )
    return old, new


@contextmanager
def in_options() -> Iterator[None]:
    """Errors name options instead of arguments.

    Example:
        >>> with in_options():
        ...     raise RagteachError('leave them out: rt.mend(data, missing="drop")')
        Traceback (most recent call last):
        ragteach.errors.RagteachError: leave them out: --missing drop
    """
    try:
        yield
    except RagteachError as error:
        raise RagteachError(in_words(str(error))) from None


def in_words(said: str) -> str:
    """What an error or a warning says, in the command line's words."""
    said = re.sub(r"rt\.mend\(data, .*?\), in a terminal ", "", said)
    changes = "missing|cut|as_classes|real_labels|drop_labels"
    said = re.sub(rf"rt\.mend\(data, ((?:{changes})=.*?)\)", r"\1", said)
    said = re.sub(r"rt\.load_table\(path, (.*?)\)", r"\1", said).replace(
        "quotes=False", "--no-quotes"
    )
    said = LISTED.sub(lambda found: f"{_option(found[1][:-1])} {shlex.quote(found[3])}", said)
    said = said.replace("as_classes=True", "--as-classes")
    said = COLUMNS.sub(lambda found: found[1].replace(", ", " ").replace("'", "\0"), said)
    said = re.sub("\0(.*?)\0", lambda found: f"--label {shlex.quote(found[1])}", said)
    said = ARGUMENT.sub(_as_option, said)
    said = re.sub(r"\bn_per_task = (\d)", r"--n-per-task \1", said)
    return re.sub(r"\b(n_per_task|least_rows)\b", lambda found: _option(found[1]), said)


def _as_option(found: re.Match) -> str:
    """NAME=VALUE as --name VALUE."""
    return f"{_option(found[1])} {shlex.quote(found[3] or found[4])}"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
