"""Tables of texts from files: the committed ones, and a CSV of your own.

Enters: a name or a path.  Leaves: a pandas DataFrame with the columns ``text``, ``label``,
``task``, one row per labelled text.
"""

import re

import numpy as np
import pandas as pd

from ragteach.data.toy import LABELS, folder, scheme
from ragteach.data.writing import write
from ragteach.errors import one_of, refuse

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


def write_csv(frame: pd.DataFrame, path) -> None:
    """Write a frame as CSV in one step: a reader sees the old file or the whole new one, never half
    of it.
    """
    write(path, frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))


# ---------------------------------------------------------------- your own data


def load_csv(path, encoding: str = "utf-8") -> pd.DataFrame:
    """Your own data: a CSV with the columns text, label and task; other columns are kept.

    Labels may be whole numbers from 0 on, or names.  Names become numbers: in the order of
    ``LABELS`` if they are among those three words, else in alphabetical order;
    ``frame.attrs["label_names"]`` says which.

    Raises:
        RagteachError: an unreadable file, a missing column, an empty text, label or task, a bad
            encoding.

    Example:
        >>> frame = load_csv(folder("toy_sentiment") / "handwritten.csv")
        >>> list(frame.columns)
        ['text', 'label', 'task']
    """
    shape = "a CSV file with a header line and the columns text, label, task"
    try:
        with open(path, encoding=encoding, newline="") as file:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
        if not isinstance(
            frame.index, pd.RangeIndex
        ):  # pandas took the first values for names of rows
            raise pd.errors.ParserError("the rows have more values than the header has names")
    except LookupError:
        raise refuse(
            expected="the name of a text encoding",
            got=f"encoding = {encoding!r}",
            fix="try 'utf-8'",
        ) from None
    except UnicodeDecodeError as error:
        raise refuse(
            expected=f"text in the encoding {encoding!r}",
            got=f"byte {error.object[error.start]:#04x} in {path}, which is not",
            fix="save the file as UTF-8, or name its encoding, e.g. load_csv(path, encoding='cp1252')",
        ) from None
    except OSError as error:
        raise refuse(
            expected=shape, got=f"{path}: {error.strerror}", fix="check the path of the file"
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        fix = (
            "open the file as text and compare its first two lines; a text with commas needs quotes"
        )
        raise refuse(expected=shape, got=f"{path}: {str(error).strip()}", fix=fix) from None
    frame.columns = [str(name).strip().lstrip("\ufeff") for name in frame.columns]
    needed = ["text", "label", "task"]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise refuse(
            expected=shape,
            got=f"no column {', '.join(missing)} in {path}; it has {', '.join(frame.columns)}",
            fix="rename the columns in the first line of the file (the separator must be a comma)",
        )
    frame = frame[[*needed, *(name for name in frame if name not in needed)]].copy()
    for name in needed:
        frame[name] = frame[name].fillna("").str.strip()
        empty = (np.flatnonzero(frame[name] == "") + 1).tolist()
        if empty or frame.empty:
            raise refuse(
                expected=f"a {name} in every row, and at least one row",
                got=f"{len(frame)} rows; empty {name} in data rows {empty[:5]}",
                fix="fill in or delete those rows",
            )
    frame["label"], frame.attrs["label_names"] = _numbered(frame["label"])
    return frame


def _numbered(labels) -> tuple:
    if all(re.fullmatch(r"\d+", label) for label in labels):
        return labels.astype("int64"), None
    names = list(LABELS) if set(labels) <= set(LABELS) else sorted(set(labels))
    return labels.map({name: number for number, name in enumerate(names)}).astype("int64"), names
