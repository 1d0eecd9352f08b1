"""A file that was named on the command line, read as its options say.

Enters: a path and parsed options: ``text``, ``label``, ``task``, ``encoding``, ``missing``.
Leaves: the file as it is (for a look), or the standard frame (for everything else). What is wrong
is said in the command line's words: ``--task shop`` instead of ``task='shop'``.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

from ragteach.data.frames import any_frame
from ragteach.data.reading import load_table
from ragteach.errors import RagteachError

ARGUMENT = re.compile(r"""\b(text|label|task|encoding|missing|separator)=(["']?)([^\s"']+)\2""")


def asked_table(path: str, options: argparse.Namespace) -> pd.DataFrame:
    """The file as it is."""
    with in_options():
        return load_table(path, encoding=options.encoding, separator=options.separator)


def asked_frame(path: str, options: argparse.Namespace) -> pd.DataFrame:
    """The standard frame of the file, with the columns that the options name."""
    with in_options():
        table = load_table(path, encoding=options.encoding, separator=options.separator)
        return any_frame(table, options.text, options.label, options.task, missing=options.missing)


@contextmanager
def in_options() -> Iterator[None]:
    """Errors name options instead of arguments.

    Example:
        >>> with in_options():
        ...     raise RagteachError('leave them out with missing="drop"')
        Traceback (most recent call last):
        ragteach.errors.RagteachError: leave them out with --missing drop
    """
    try:
        yield
    except RagteachError as error:
        said = ARGUMENT.sub(r"--\1 \3", str(error))
        raise RagteachError(said) from None
