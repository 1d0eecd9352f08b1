"""Aligned: a table as lines of text whose columns stand straight, in any script.

Enters: a frame.  Leaves: lines. A Chinese or Japanese letter takes two columns of a terminal; a
vowel sign or an accent of its own, as in Thai or Hindi, takes none.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import pandas as pd

NOTHING = ("Mn", "Me", "Cf")  # marks upon another letter, and signs that nobody sees


def width(text: str) -> int:
    """How many columns of a terminal a text takes.

    Example:
        >>> width("film"), width("\u6620\u753b"), width("\u0e14\u0e35"), width("e\u0301")
        (4, 4, 1, 1)
    """
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in NOTHING:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def padded(text: str, columns: int, right: bool = False) -> str:
    """The text with spaces to so many columns: behind it, or before it if ``right``."""
    spaces = " " * (columns - width(text))
    return spaces + text if right else text + spaces


def aligned(table: pd.DataFrame, decimals: int = 3) -> str:
    """A frame as text, without its index: the first column to the left, the others to the right.

    Example:
        >>> print(aligned(pd.DataFrame({"task": ["\u6620\u753b", "c"], "mean": [0.5, 0.25]})))
        task   mean
        \u6620\u753b  0.500
        c     0.250
    """
    cells = [[_cell(value, decimals) for value in table[name]] for name in table.columns]
    columns = [[str(name), *said] for name, said in zip(table.columns, cells, strict=True)]
    widths = [max(map(width, column)) for column in columns]
    lines = []
    for row in zip(*columns, strict=True):
        parts = [
            padded(said, wide, right=place > 0)
            for place, (said, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def _cell(value: Any, decimals: int) -> str:
    if isinstance(value, float):
        return "NaN" if pd.isna(value) else f"{value:.{decimals}f}"
    return str(value)
