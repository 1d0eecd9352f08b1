"""Tables from files in the wild: CSV in its many dialects, packed, JSON lines, Parquet, Excel.

Enters: a path, an address, bytes or an open file.  Leaves: a pandas DataFrame as the file has it.
Of CSV every value is text, so that nothing is guessed: ``NA`` in a text column is a text.

What the file does not say, its bytes do: packed or not, which encoding (UTF-8, or the UTF-16 of
spreadsheets), which separator stands in the header. A separator other than the comma is printed,
and so are lines that stand above the header.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import select
import stat
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from ragteach.data.wild.decoding import decoded
from ragteach.data.wild.dialects import SHAPE, csv_table
from ragteach.data.wild.formats import binary_table, is_book, is_json, json_table
from ragteach.errors import refuse, shown
from ragteach.ground.arguments import is_a, yes_no
from ragteach.ground.objects import as_path, has

PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
WRITER_TRIES = 50  # so many tenths of a second a pipe waits for somebody who writes
READING = ("encoding", "separator", "quotes", "sheet")  # what `load_table` may be told
MEMORY = 8  # bytes that a table of text takes for each byte of its file


def load_table(
    source: Any,
    encoding: str | None = None,
    separator: str | None = None,
    quotes: bool = True,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Read a table as the file has it. `as_frame` (and whatever calls it) takes paths too.

    Args:
        source: a path, an address (``https://...``), bytes, or an open file (StringIO). Read are
            CSV (also with ``;``, tabs or ``|``), ``.jsonl``, ``.json``, ``.parquet``, ``.xlsx``,
            each also packed as ``.gz``, ``.bz2``, ``.xz`` or ``.zip``.
        encoding: of the text. Default: as its first bytes say, else UTF-8.
        separator: between values. Default: the one that the header has most of, printed if it is
            not the comma.
        quotes: False for a file in which ``"`` is a letter like any other.
        sheet: of a workbook with several tables. Default: the only one that holds a table.

    Raises:
        RagteachError: no such file, an encoding that does not fit (with the line), rows of
            different lengths, a quote that swallows rows, a package that is missing, too little
            memory.

    Example:
        >>> load_table(b"text;label\\ngood;1\\n")
        separator: ';'
           text label
        0  good     1
    """
    _check_options(encoding, separator, quotes, sheet)
    raw, name = _bytes(source)
    if isinstance(raw, bytes):
        raw, name = _unpacked(raw, name)
        table = binary_table(raw, name, sheet)
        if table is not None:
            return table
    if sheet is not None:
        raise refuse(
            expected="a workbook, if you name a sheet",
            got=f"{name}, which has no sheets",
            fix="leave sheet out",
        )
    if isinstance(raw, bytes):
        text = decoded(raw, name, encoding)
        _refuse_zeros(text, name)
    else:
        text = raw
    kind = Path(name).suffix.lower()
    if separator is None and is_json(text, kind):
        return json_table(text, name)
    return csv_table(
        text, name, "\t" if kind == ".tsv" and separator is None else separator, quotes
    )


def opened(data: Any, **how: Any) -> Any:
    """The table of a path; any other data as they are, of which nothing is to be said but None.

    Args:
        how: encoding, separator, quotes, sheet, as in `load_table`.

    Raises:
        RagteachError: one of these beside data that are no file; whatever `load_table` refuses.

    Example:
        >>> opened([1, 2], encoding=None)
        [1, 2]
    """
    said = {name: value for name, value in how.items() if value is not None}
    if isinstance(data, str | bytes | os.PathLike) or has(data, "read"):
        return load_table(data, **said)
    if said:
        names = ", ".join(said)
        raise refuse(
            expected=f"a path, for {names} say how a file is read",
            got=f"{names} beside a {type(data).__name__}, which is read already",
            fix=f"leave {names} out, or pass the path",
        )
    return data


def _refuse_zeros(text: str, name: str) -> None:
    if "\0" in text[:10_000]:
        raise refuse(
            expected=SHAPE,
            got=f"{name}, whose bytes are no text (it holds zeros)",
            fix="save the table as CSV; .parquet, .xlsx and .jsonl are read by their endings",
        )


def _check_options(encoding: object, separator: object, quotes: object, sheet: object) -> None:
    if encoding is not None:
        is_a("encoding", encoding, str, "the name of a text encoding", "try encoding='utf-8'")
    usable = isinstance(separator, str) and len(separator) == 1 and separator not in '"\0\r\n'
    if separator is not None and not usable:
        raise refuse(
            expected="separator to be one letter, such as ',' or ';'",
            got=f"separator = {shown(separator, 60)}",
            fix="leave it out: the header shows which it is",
        )
    yes_no("quotes", quotes)
    if sheet is not None:
        is_a("sheet", sheet, str, "the name of a sheet", "write it as the workbook shows it")


# ---------------------------------------------------------------- bytes


def _bytes(source: Any) -> tuple[Any, str]:
    """(bytes or text, a name for it)."""
    if isinstance(source, bytes | bytearray):
        return bytes(source), "the bytes"
    if has(source, "read"):
        name = str(getattr(source, "name", "the open file"))
        try:
            return source.read(), name
        except (OSError, ValueError) as error:  # closed, opened to write, another encoding
            raise refuse(
                expected="an open file that can be read",
                got=f"{name}: {error}",
                fix="pass its path; or open it anew: open(path, 'rb')",
            ) from None
    if not isinstance(source, str | os.PathLike):
        raise refuse(
            expected="a path, an address, bytes or an open file",
            got=f"source of type {type(source).__name__}",
            fix="pass the path of the file, for example load_table('mine.csv')",
        )
    name = str(as_path("data, the table", source))
    if re.match(r"(https?|ftp|file)://", name):
        return _fetched(name), urllib.parse.urlsplit(name).path
    _refuse_no_path(name)
    try:
        path = Path(name).expanduser()
        about = path.stat()
        if stat.S_ISCHR(about.st_mode) or stat.S_ISBLK(about.st_mode):
            raise OSError("a device, which has no end")
        if stat.S_ISFIFO(about.st_mode):
            return _piped(path), name
        _check_memory(about.st_size, name)
        return path.read_bytes(), name
    except (OSError, ValueError, RuntimeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise refuse(
            expected=SHAPE,
            got=f"{name[:300] or repr(name)}: {said}",
            fix="check the path of the file",
        ) from None


def _piped(path: Path) -> bytes:
    """What somebody writes into a pipe; refuses one that nobody has open after a while."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    parts = list[bytes]()
    tries = 0
    with open(number, "rb", buffering=0) as pipe:
        while True:
            part = pipe.read(2**20)
            if part is None:  # somebody has it open, and says nothing yet
                select.select([pipe], [], [])
            elif part:
                parts.append(part)
            elif parts:
                return b"".join(parts)
            elif tries == WRITER_TRIES:
                raise OSError("a pipe into which nobody writes")
            else:
                tries += 1
                time.sleep(0.1)


def _refuse_no_path(name: str) -> None:
    """Refuse the text of a table, and addresses that only other packages know."""
    if "\n" in name:
        raise refuse(
            expected="a path, an address, bytes or an open file",
            got=f"a text of {len(name.splitlines())} lines that begins {name[:40]!r}",
            fix="pass it as a file: io.StringIO(text)",
        )
    scheme = re.match(r"\w[\w+.-]+://", name)
    if scheme:
        raise refuse(
            expected="an address that begins with https://, http://, ftp:// or file://",
            got=name,
            fix=f"download it; or pandas.read_csv(address), if a package that knows {scheme[0]} is "
            "installed, and pass that frame",
        )


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
            if unpack is gzip.decompress:  # its last four bytes are the size of what it holds
                _check_memory(int.from_bytes(raw[-4:], "little"), name)
            try:
                return unpack(raw), re.sub(r"\.(gz|gzip|bz2|xz)$", "", name)
            except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
                raise refuse(
                    expected="a packed file that is whole",
                    got=f"{name}: {error}",
                    fix="copy or download it again",
                ) from None
    if raw[:4] == b"PK\x03\x04" and not is_book(raw):
        with _zip(raw, name) as pack:
            inside = [n for n in pack.namelist() if not n.endswith("/") and "__MACOSX" not in n]
            if len(inside) != 1:
                raise refuse(
                    expected="a zip with one table in it",
                    got=f"{name} with {len(inside)}: {', '.join(inside[:5])}",
                    fix="unpack it, and pass the path of the table you mean",
                )
            _check_memory(pack.getinfo(inside[0]).file_size, f"{name}/{inside[0]}")
            try:
                return pack.read(inside[0]), inside[0]
            except (zipfile.BadZipFile, RuntimeError, zlib.error) as error:  # or locked
                raise _broken(name, error) from None
    return raw, name


def _zip(raw: bytes, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise _broken(name, error) from None


def _broken(name: str, said: object) -> Exception:
    return refuse(
        expected="a packed file (or a workbook) that is whole, without a password",
        got=f"{name}: {said}",
        fix="copy or download it again; or open it yourself and save the table as CSV",
    )
