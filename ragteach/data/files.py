"""Tables of texts from files: the committed ones, and a CSV of your own.

Enters: a name or a path.  Leaves: a pandas DataFrame with the columns ``text``, ``label``,
``task``, one row per labelled text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ragteach.data.frames import any_frame
from ragteach.data.toy import folder, scheme
from ragteach.data.wild.reading import load_table
from ragteach.errors import one_of
from ragteach.ground.writing import put

WHOLE = r"0|-?[1-9]\d{0,17}"  # written in one way only, and 64 bits hold it

# ---------------------------------------------------------------- the committed files


def load_toy() -> pd.DataFrame:
    """The committed toy sentences: ``make_toy()`` with its default settings, as a file that you can
    read.
    """
    return _ours(pd.read_csv(folder("toy_sentiment") / "toy_sentiment.csv"))


def load_handwritten() -> pd.DataFrame:
    """Sentences written by hand for the same four tasks: a test set that no template made.

    They are longer, negate, mix feelings and use words that the generator never saw.  Use them to
    test only.
    """
    return _ours(pd.read_csv(folder("toy_sentiment") / "handwritten.csv"))


def load_article(labels: str = "audited") -> pd.DataFrame:
    """Nine sentences after the source article's worked case, with corrected or with contradictory
    labels.

    The sentences are our reconstruction, not a quotation; datasets/article/DATASHEET.md explains
    each label.

    Args:
        labels: ``"audited"`` (what the text says) or ``"article"`` (labels that contradict some
            texts).

    Raises:
        RagteachError: any other value of ``labels``.
    """
    one_of("labels", labels, ("audited", "article"))
    table = pd.read_csv(folder("article") / "article.csv")
    return _ours(
        pd.DataFrame(
            {"text": table["text"], "label": table[f"label_{labels}"], "task": table["task"]}
        )
    )


def _ours(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs = scheme()
    return frame


def write_csv(frame: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a frame as CSV in one step: a reader sees the old file or the whole new one, never half
    of it.
    """
    put(path, frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))


# ---------------------------------------------------------------- your own data


def load_csv(
    path: Any,
    encoding: str | None = None,
    missing: str = "ask",
    *,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    separator: str | None = None,
    quotes: bool = True,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Your own data: text, label and task, found and checked by `as_frame`; other columns are kept.

    Whole numbers stay the labels' numbers, where all labels are such (``01`` is a name: as a number
    it would be 1). Names become numbers, in natural order, and ``frame.attrs["label_names"]`` says
    which. To keep the file as it is, call `load_table`.

    Args:
        path: whatever `load_table` reads.
        encoding: of the text. Default: as its first bytes say, else UTF-8.
        missing: rows without a text, label or task: ``"ask"``, ``"drop"`` or ``"keep"``.
        text, label, task: names of the columns, as in `as_frame`; a list for ``label`` is one
            column per task.
        separator, quotes, sheet: how the file is read, as in `load_table`.

    Raises:
        RagteachError: an unreadable file, a missing column, an empty text, label or task, a bad
            encoding.

    Example:
        >>> frame = load_csv(folder("toy_sentiment") / "handwritten.csv")
        >>> list(frame.columns)
        ['text', 'label', 'task']
    """
    table = load_table(path, encoding, separator, quotes, sheet)
    frame = any_frame(table, text, label, task, missing=missing)
    frame["text"] = frame["text"].str.strip()
    names = frame.attrs["label_names"]
    if all(re.fullmatch(WHOLE, name) for name in names):
        frame["label"] = frame["label"].map(dict(enumerate(map(int, names)))).astype("int64")
        frame.attrs["label_names"] = None
    return frame
