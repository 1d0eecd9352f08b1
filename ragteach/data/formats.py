"""Tables that are no CSV: Parquet, Excel and its kin, JSON.

Enters: a file's bytes, or its text.  Leaves: a pandas DataFrame, or None if the bytes are none of
these. A format is told by how the file begins, so its name need not say it. The packages that read
them are optional, and named when they are missing.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from ragteach.errors import need, refuse

OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OPEN_SHEET = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
WORKBOOKS = (".xlsx", ".xlsm")
OTHER_BOOKS = (".xls", ".xlsb", ".ods")
JSON = (".jsonl", ".ndjson", ".json")


def binary_table(raw: bytes, name: str) -> pd.DataFrame | None:
    """The table in a binary file; None if it is text.

    Raises:
        RagteachError: a package that is missing, a broken file, several sheets with a table.
    """
    kind = Path(name).suffix.lower()
    if kind in (".parquet", ".pq") or raw.startswith(b"PAR1"):
        return _arrow(raw, name, "a Parquet file", pd.read_parquet)
    if kind in (".feather", ".arrow") or raw.startswith(b"ARROW1"):
        return _arrow(raw, name, "a Feather file", pd.read_feather)
    if kind in WORKBOOKS or _is_workbook(raw):
        return _excel(raw, name, "openpyxl", "openpyxl")
    if kind in OTHER_BOOKS or raw.startswith(OLD_WORKBOOK) or OPEN_SHEET in raw[:200]:
        return _excel(raw, name, "python_calamine", "calamine")
    return None


def is_book(raw: bytes) -> bool:
    """Whether a zip is a spreadsheet, not a pack with a table in it."""
    return _is_workbook(raw) or OPEN_SHEET in raw[:200]


def _is_workbook(raw: bytes) -> bool:
    return raw[:4] == b"PK\x03\x04" and b"xl/workbook" in raw


def _arrow(raw: bytes, name: str, what: str, read: Any) -> pd.DataFrame:
    need("pyarrow")
    try:
        return read(io.BytesIO(raw))
    except (OSError, ValueError) as error:
        raise refuse(
            expected=what, got=f"{name}: {error}", fix="write it again, or as CSV"
        ) from None


def _excel(raw: bytes, name: str, package: str, engine: Any) -> pd.DataFrame:
    need(package)
    try:
        book = pd.read_excel(
            io.BytesIO(raw),
            sheet_name=None,
            header=None,
            dtype=object,
            engine=engine,
            keep_default_na=False,
            na_values=[""],
        )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise refuse(
            expected="an Excel file", got=f"{name}: {error}", fix="save it again, or as CSV"
        ) from None
    sheets = {title: _sheet(cells) for title, cells in book.items()}
    sheets = {title: sheet for title, sheet in sheets.items() if len(sheet)}
    if len(sheets) != 1:
        raise refuse(
            expected="one sheet with a table",
            got=f"{name} with {len(sheets)}: {', '.join(map(str, sheets))}",
            fix=f"pass the sheet you mean: pandas.read_excel({name!r}, sheet_name=...)",
        )
    return next(iter(sheets.values()))


def _sheet(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells below the first row that is not empty, which is the header."""
    cells = cells.dropna(how="all").dropna(how="all", axis=1).reset_index(drop=True)
    if cells.empty:
        return cells
    header = [
        f"column {i + 1}" if pd.isna(name) else str(name).strip()
        for i, name in enumerate(cells.iloc[0])
    ]
    table = cells.iloc[1:].reset_index(drop=True)
    table.columns = pd.Index(header)
    return table


def is_json(text: str, kind: str) -> bool:
    """Whether a text is JSON, by its ending or by how it begins."""
    begins = text[:200].lstrip().replace(" ", "").replace("\n", "")
    return kind in JSON or begins.startswith(('{"', '[{"'))


def json_table(text: str, name: str) -> pd.DataFrame:
    """One object in each line; a list of objects; or an object of columns.

    Raises:
        RagteachError: text that is none of these.
    """
    try:
        return pd.DataFrame(_records(text))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refuse(
            expected="one JSON object in each line, with the same keys",
            got=f"{name}: {error}",
            fix='look at its first lines; each should read like {"text": "good film", "label": '
            '"good"}',
        ) from None


def _records(text: str) -> Any:
    """What pandas makes a table of."""
    try:
        whole = json.loads(text)
    except ValueError:  # not one value, but one a line; a line ends with \n, not with U+2028
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    if isinstance(whole, dict):
        lists = [key for key, value in whole.items() if isinstance(value, list) and _objects(value)]
        if len(lists) == 1:  # {"version": 1, "data": [{...}, ...]}
            print(f"table: what stands under {lists[0]!r}")
            return whole[lists[0]]
        columns = [isinstance(value, list | dict) for value in whole.values()]
        return whole if columns and all(columns) else [whole]
    return whole


def _objects(values: list) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)
