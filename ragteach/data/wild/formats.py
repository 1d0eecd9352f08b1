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

from ragteach.data.wild.columns import is_likely, tidy
from ragteach.errors import need, refuse

OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OPEN_SHEET = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
WORKBOOKS = (".xlsx", ".xlsm")
OTHER_BOOKS = (".xls", ".xlsb", ".ods")
JSON = (".jsonl", ".ndjson", ".json")


def binary_table(raw: bytes, name: str, sheet: str | None = None) -> pd.DataFrame | None:
    """The table in a binary file (of a workbook, on that sheet); None if it is text.

    Raises:
        RagteachError: a package that is missing, a broken file, several sheets with a table.
    """
    kind = Path(name).suffix.lower()
    if kind in (".parquet", ".pq") or raw.startswith(b"PAR1"):
        return _arrow(raw, name, "a Parquet file", pd.read_parquet)
    if kind in (".feather", ".arrow") or raw.startswith(b"ARROW1"):
        return _arrow(raw, name, "a Feather file", pd.read_feather)
    if kind in WORKBOOKS or _is_workbook(raw):
        return _excel(raw, name, "openpyxl", "openpyxl", sheet)
    if kind in OTHER_BOOKS or raw.startswith(OLD_WORKBOOK) or OPEN_SHEET in raw[:200]:
        return _excel(raw, name, "python_calamine", "calamine", sheet)
    if sheet is not None:
        raise refuse(
            expected="a workbook, if you name a sheet",
            got=f"{name}, which has no sheets",
            fix="leave sheet out",
        )
    return None


def is_book(raw: bytes) -> bool:
    """Whether a zip is a spreadsheet, not a pack with a table in it."""
    return _is_workbook(raw) or OPEN_SHEET in raw[:200]


def _is_workbook(raw: bytes) -> bool:
    return raw[:4] == b"PK\x03\x04" and b"xl/workbook" in raw


def _arrow(raw: bytes, name: str, what: str, read: Any) -> pd.DataFrame:
    need("pyarrow")
    try:
        return _flat(read(io.BytesIO(raw)))
    except (OSError, ValueError) as error:
        raise refuse(
            expected=what, got=f"{name}: {error}", fix="write it again, or as CSV"
        ) from None


def _excel(
    raw: bytes, name: str, package: str, engine: Any, sheet: str | None = None
) -> pd.DataFrame:
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
    chosen = _chosen({title: _filled(cells) for title, cells in book.items()}, name, sheet)
    if len(book) > 1 and sheet is None:
        print(f"sheet: {chosen!r} (of {', '.join(map(str, book))})")
    return _sheet(_filled(book[chosen]))


def _filled(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of rows and columns in which something stands."""
    return cells.dropna(how="all").dropna(how="all", axis=1).reset_index(drop=True)


def _chosen(book: dict[str, pd.DataFrame], name: str, sheet: str | None) -> str:
    """The title of the sheet that was named, or of the only one with a table."""
    if sheet in book:
        return str(sheet)
    tables = [title for title, cells in book.items() if len(cells) > 1]
    wide = [title for title in tables if book[title].shape[1] > 1]  # a note has one column
    if sheet is None and len(wide or tables) == 1:
        return (wide or tables)[0]
    meant = str((wide or tables or ["..."])[0])
    raise refuse(
        expected="one sheet with a table" if sheet is None else "a sheet that is there",
        got=f"{name} with {len(tables)}: {', '.join(map(str, tables))}"
        + ("" if sheet is None else f"; no sheet {sheet!r}"),
        fix=f"say which you mean: rt.load_table(path, sheet={meant!r})",
    )


def _sheet(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells below the header, which is the first row that is more than a title."""
    if cells.empty:
        return cells
    n_filled = cells.notna().sum(axis=1).to_numpy()
    top = int((n_filled > 1).argmax())  # 0 if there is none
    top += _is_of_groups(cells.iloc[top : top + 2])
    titles = [str(value) for value in cells.iloc[:top].to_numpy().ravel() if pd.notna(value)]
    if titles and (not is_likely(titles[0]) or any(map(is_likely, cells.iloc[top].dropna()))):
        print(f"above the header, left out: {', '.join(map(repr, titles))}")
        cells = _filled(cells.iloc[top:])
    header = [
        f"column {i + 1}" if pd.isna(name) else tidy(str(name))
        for i, name in enumerate(cells.iloc[0])
    ]
    table = cells.iloc[1:].reset_index(drop=True)
    table.columns = pd.Index(header)
    return table


def _is_of_groups(rows: pd.DataFrame) -> bool:
    """Whether the first of two rows names groups of columns, as merged cells do, and the second one
    the columns: it has no gap, where the first one has some, and one of its names is in use.
    """
    if len(rows) < 2 or rows.iloc[0].notna().all() or rows.iloc[1].isna().any():
        return False
    names = rows.iloc[1].tolist()
    words = all(isinstance(name, str) for name in names)
    return words and len(set(names)) == len(names) and any(map(is_likely, names))


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
        return _flat(pd.DataFrame(_records(text)))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refuse(
            expected="one JSON object in each line, with the same keys",
            got=f"{name}: {error}",
            fix='look at its first lines; each should read like {"text": "good film", "label": '
            '"good"}',
        ) from None


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Objects inside objects as columns: ``{"review": {"stars": 5}}`` as review.stars."""
    for name in list(table.columns):
        values = table[name]
        n_objects = (
            sum(isinstance(value, dict) for value in values) if values.dtype == object else 0
        )
        if n_objects == 0 or n_objects < values.notna().sum():
            continue
        rows = [value if isinstance(value, dict) else {} for value in values]
        inner = pd.json_normalize(rows).set_index(table.index).add_prefix(f"{name}.")
        place = list(table.columns).index(name)
        left = table.iloc[:, :place]
        right = table.iloc[:, place + 1 :]
        table = pd.concat([left, inner, right], axis=1)
    return table


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
