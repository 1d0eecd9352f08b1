"""Tables from files in the wild: CSV in its many dialects, packed, JSON lines, Parquet, Excel.

Enters: a path, an address, bytes or an open file.  Leaves: a pandas DataFrame as the file has it; for
CSV every value is text, so that nothing is guessed: ``NA`` in a text column is a text.

What the file does not say, its bytes do: packed or not, which encoding (UTF-8, or the UTF-16 of
spreadsheets), which separator stands in the header. A separator other than the comma is printed.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import re
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from ragteach.data.arguments import is_a, yes_no
from ragteach.errors import need, refuse

SHAPE = "a CSV file with a header line and the columns text, label, task"
SEPARATORS = ",;\t|"
BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
MEMORY = 8  # bytes that a table of text takes for each byte of its file


def load_table(
    source: Any,
    encoding: str | None = None,
    separator: str | None = None,
    quotes: bool = True,
) -> pd.DataFrame:
    """Read a table as the file has it. `as_frame` (and whatever calls it) takes paths too.

    Args:
        source: a path, an address (``https://...``), bytes, or an open file (StringIO). Read are CSV
            (also with ``;``, tabs or ``|``), ``.jsonl``, ``.json``, ``.parquet``, ``.xlsx``, each also
            packed as ``.gz``, ``.bz2``, ``.xz`` or ``.zip``.
        encoding: of the text. Default: as its first bytes say, else UTF-8.
        separator: between values. Default: the one that the header has most of, printed if it is not
            the comma.
        quotes: False for a file in which ``"`` is a letter like any other.

    Raises:
        RagteachError: no such file, an encoding that does not fit (with the line), rows of different
            lengths, a quote that swallows rows, a package that is missing, too little memory.

    Example:
        >>> load_table(b"text;label\\ngood;1\\n")
        separator: ';'
           text label
        0  good     1
    """
    _check_options(encoding, separator, quotes)
    raw, name = _bytes(source)
    if isinstance(raw, bytes):
        raw, name = _unpacked(raw, name)
        kind = Path(name).suffix.lower()
        if kind in (".parquet", ".pq") or raw[:4] == b"PAR1":
            return _parquet(raw, name)
        if kind in (".xlsx", ".xlsm") or _is_workbook(raw):
            return _excel(raw, name)
        text = _decoded(raw, name, encoding)
    else:
        text, kind = raw, Path(name).suffix.lower()
    if kind in (".jsonl", ".ndjson", ".json"):
        return _json(text, name, kind)
    return _csv(text, name, "\t" if kind == ".tsv" and separator is None else separator, quotes)


def _check_options(encoding: object, separator: object, quotes: object) -> None:
    if encoding is not None:
        is_a("encoding", encoding, str, "the name of a text encoding", "try encoding='utf-8'")
    if separator is not None and (not isinstance(separator, str) or len(separator) != 1):
        raise refuse(
            expected="separator to be one letter, such as ',' or ';'",
            got=f"separator = {separator!r:.60}",
            fix="leave it out: the header shows which it is",
        )
    yes_no("quotes", quotes)


# ---------------------------------------------------------------- bytes


def _bytes(source: Any) -> tuple[Any, str]:
    """(bytes or text, a name for it)."""
    if isinstance(source, bytes | bytearray):
        return bytes(source), "the bytes"
    if hasattr(source, "read"):
        return source.read(), str(getattr(source, "name", "the open file"))
    if not isinstance(source, str | os.PathLike):
        raise refuse(
            expected="a path, an address, bytes or an open file",
            got=f"source of type {type(source).__name__}",
            fix="pass the path of the file, for example load_table('mine.csv')",
        )
    name = os.fspath(source)
    if re.match(r"https?://", str(name)):
        return _fetched(str(name)), str(name)
    try:
        path = Path(name)
        _check_memory(path.stat().st_size, str(name))
        return path.read_bytes(), str(name)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise refuse(
            expected=SHAPE, got=f"{name}: {said}", fix="check the path of the file"
        ) from None


def _fetched(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=60) as page:
            return page.read()
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise refuse(
            expected="an address that answers",
            got=f"{address}: {error}",
            fix="open it in a browser; or download the file and pass its path",
        ) from None


def _check_memory(n_bytes: int, name: str) -> None:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not every system says
        return
    if MEMORY * n_bytes > 2 * free:  # what is free now is a careful estimate: caches give way
        raise refuse(
            expected=f"a table that fits: {MEMORY * n_bytes / 1e9:.1f} GB for this one",
            got=f"{free / 1e9:.1f} GB of free memory for {name}",
            fix=f"take a part of the file, say {free / MEMORY / 1e6:.0f} MB of it "
            "(pandas.read_csv(path, nrows=...)), and pass that frame",
        )


def _unpacked(raw: bytes, name: str) -> tuple[bytes, str]:
    """The content of a packed file, and its name without the packing."""
    for mark, unpack in PACKED.items():
        if raw.startswith(mark):
            try:
                return unpack(raw), re.sub(r"\.(gz|gzip|bz2|xz)$", "", name)
            except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
                raise refuse(
                    expected="a packed file that is whole",
                    got=f"{name}: {error}",
                    fix="copy or download it again",
                ) from None
    if raw[:4] == b"PK\x03\x04" and not _is_workbook(raw):
        with zipfile.ZipFile(io.BytesIO(raw)) as pack:
            inside = [n for n in pack.namelist() if not n.endswith("/") and "__MACOSX" not in n]
            if len(inside) != 1:
                raise refuse(
                    expected="a zip with one table in it",
                    got=f"{name} with {len(inside)}: {', '.join(inside[:5])}",
                    fix="unpack it, and pass the path of the table",
                )
            _check_memory(pack.getinfo(inside[0]).file_size, f"{name}/{inside[0]}")
            return pack.read(inside[0]), inside[0]
    return raw, name


def _is_workbook(raw: bytes) -> bool:
    return raw[:4] == b"PK\x03\x04" and b"xl/workbook" in raw


def _decoded(raw: bytes, name: str, encoding: str | None) -> str:
    for mark, found in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark) and (encoding is None or encoding.lower() in ("utf-8", "utf8")):
            encoding = found
            break
    if encoding is None and raw[:400].count(0) * 3 > len(raw[:400]):  # every other byte is 0
        encoding = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    encoding = encoding or "utf-8"
    try:
        text = raw.decode(encoding)
    except LookupError:
        raise refuse(
            expected="the name of a text encoding",
            got=f"encoding = {encoding!r}",
            fix="try 'utf-8'",
        ) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        start, end = raw.rfind(b"\n", 0, error.start) + 1, raw.find(b"\n", error.start)
        shown = raw[start : end if end >= 0 else None][:80].decode("cp1252", "replace").strip()
        raise refuse(
            expected=f"text in the encoding {encoding!r}",
            got=f"byte {raw[error.start]:#04x} in line {line} of {name}, which is not",
            fix="save the file as UTF-8, or name its encoding: with encoding='cp1252' that line "
            f"reads {shown!r}",
        ) from None
    if "\0" in text[:10_000]:
        raise refuse(
            expected=SHAPE,
            got=f"{name}, whose bytes are no text (it holds zeros)",
            fix="save the table as CSV; .parquet, .xlsx and .jsonl are read by their endings",
        )
    return text


# ---------------------------------------------------------------- kinds of file


def _parquet(raw: bytes, name: str) -> pd.DataFrame:
    need("pyarrow")
    try:
        return pd.read_parquet(io.BytesIO(raw))
    except (OSError, ValueError) as error:
        raise refuse(
            expected="a Parquet file", got=f"{name}: {error}", fix="write it again, or as CSV"
        ) from None


def _excel(raw: bytes, name: str) -> pd.DataFrame:
    need("openpyxl")
    try:
        book = pd.read_excel(
            io.BytesIO(raw), sheet_name=None, dtype=object, keep_default_na=False, na_values=[""]
        )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise refuse(
            expected="an Excel file", got=f"{name}: {error}", fix="save it again, or as CSV"
        ) from None
    sheets = {title: sheet for title, sheet in book.items() if len(sheet)}
    if len(sheets) != 1:
        raise refuse(
            expected="one sheet with a table",
            got=f"{name} with {len(sheets)}: {', '.join(map(str, sheets))}",
            fix=f"pass the sheet you mean: pandas.read_excel({name!r}, sheet_name=...)",
        )
    return next(iter(sheets.values()))


def _json(text: str, name: str, kind: str) -> pd.DataFrame:
    """One object in each line, or (``.json``) a list of objects."""
    try:
        if kind == ".json" and text.lstrip().startswith("["):
            return pd.DataFrame(json.loads(text))
        return pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()])
    except (ValueError, TypeError, AttributeError) as error:
        raise refuse(
            expected="one JSON object in each line, with the same keys",
            got=f"{name}: {error}",
            fix='look at its first lines; each should read like {"text": "good film", "label": "good"}',
        ) from None


def _csv(text: str, name: str, separator: str | None, quotes: bool) -> pd.DataFrame:
    if separator is None:
        separator = _separator(text)
        if separator != ",":
            print(f"separator: {separator!r}")
    options: dict[str, Any] = {} if quotes else {"quoting": csv.QUOTE_NONE}
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False,
            skipinitialspace=separator != "\t", **options,
        )  # fmt: skip
        if not isinstance(table.index, pd.RangeIndex):  # pandas took first values for names of rows
            raise pd.errors.ParserError("the rows have more values than the header has names")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        said = str(error).strip()
        fix = (
            "open the file as text and compare its first two lines; a text with commas needs quotes"
        )
        if "EOF inside string" in said:
            fix = 'a quote (") is opened and never closed there: close it, or pass quotes=False'
        raise refuse(expected=SHAPE, got=f"{name}: {said}", fix=fix) from None
    table.columns = [str(column).strip().lstrip("\ufeff") for column in table.columns]
    table = table.fillna("")
    if quotes:
        _refuse_swallowed(table, separator, name)
    return table.apply(_whole_numbers)


def _separator(text: str) -> str:
    """The separator that the header has most of, outside quotes."""
    header = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    header = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=header.count)


def _refuse_swallowed(table: pd.DataFrame, separator: str, name: str) -> None:
    """Refuse a value in which whole rows stand: a stray quote opened it."""
    for place, column in enumerate(table.columns):
        values = table.iloc[:, place]
        long = values[values.str.contains("\n", regex=False)]
        last = place < table.shape[1] - 1
        edge = set(table.iloc[:, -1 if last else 0].str.strip()) - {""}
        for row, value in long.items():
            lines = [line.split(separator) for line in value.splitlines()[1 if not last else 0 :]]
            rows = [p for p in lines if len(p) >= table.shape[1] - 1 and len(p) > 1]
            inside = [p for p in rows if p[-1 if last else 0].strip().strip('"') in edge]
            if inside:
                raise refuse(
                    expected='quotes (") in pairs',
                    got=f"{name}: the value of {column} in data row {int(str(row)) + 1} holds "
                    f"{len(value.splitlines())} lines that look like rows: {value[:60]!r}",
                    fix='write a quote inside a text twice (""), or pass quotes=False: '
                    "rt.load_table(path, quotes=False)",
                )


def _whole_numbers(values: pd.Series) -> pd.Series:
    """Columns of ``0.0``, ``1.0`` are whole numbers that a program wrote as decimals."""
    filled = values[values != ""]
    if len(filled) and filled.str.fullmatch(r"-?\d+\.0+").all():
        return values.str.replace(r"\.0+$", "", regex=True)
    return values
