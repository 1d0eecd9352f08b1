"""CSV in its many dialects: which separator, which quotes, and what looks wrong.

Enters: the text of a file.  Leaves: a table in which every value is text, so that nothing is
guessed: ``NA`` in a text column is a text. The separator is the one that the header has most of.
"""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import Any

import pandas as pd

from ragteach.data.naming import looks_missing
from ragteach.data.wild.columns import is_likely, repeated_headers, tidy
from ragteach.errors import refuse

SHAPE = "a CSV file with a header line and the columns text, label, task"
SEPARATORS = ",;\t|"
SAMPLE = 20_000  # letters in which a header is looked for
MOST_TITLES = 10  # lines above a header
FEW_ROWS = 2  # below a header of names that are not known
UNUSUAL = "^~:#/\u00a6\x01\x1f"  # named in an error, not taken: they also stand in titles
EXCEL_SAYS = re.compile(r"\Asep=(.)\r?\n")  # the first line of a file that Excel wrote


def csv_table(text: str, name: str, separator: str | None, quotes: bool) -> pd.DataFrame:
    """Read CSV as it stands there.

    Raises:
        RagteachError: a page of the web, rows of different lengths, a header that names two columns
            alike, a quote that swallows rows, an unusual separator.
    """
    _refuse_pages(text, name)
    said = EXCEL_SAYS.match(text)
    if said:
        text = text[said.end() :]
        separator = separator or said[1]
    given = separator
    whole = text
    text = _below_titles(text, separator)
    above = whole.count("\n") - text.count("\n") + bool(said)  # lines that are left out
    if separator is None:
        separator = _separator(text)
        if separator != ",":
            print(f"separator: {separator!r}")
    options: dict[str, Any] = {"quotechar": _quote(text, separator)}
    if not quotes:
        options = {"quoting": csv.QUOTE_NONE}
    header = _header(text, separator, options)
    if given and len(header) == 1:
        _refuse_absent(given, header[0], _separator(text), name)
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=separator != "\t",
            **options,
        )
        if not isinstance(table.index, pd.RangeIndex):  # pandas took first values for names of rows
            raise pd.errors.ParserError(
                f"the rows have more values than the header has names ({len(header)}: "
                f"{separator.join(header)[:60]!r})"
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        _refuse_long_rows(text, name, header, above, {"delimiter": separator, **options})
        how = f" (read with separator = {given!r})" if given else ""
        raise _unreadable(f"{str(error).strip()}{how}", text, name) from None
    table.columns = [tidy(str(column)) for column in table.columns]
    _refuse_header(header, name)
    table = _without_headers(table.fillna(""))
    if quotes:
        _refuse_swallowed(table, separator, name)
    return table.apply(_whole_numbers, separator=separator)


def _refuse_pages(text: str, name: str) -> None:
    if text[:500].lstrip().lower().startswith(("<!doctype", "<html", "<?xml")):
        raise refuse(
            expected=SHAPE,
            got=f"{name}: a page of the web, which begins with {text.lstrip()[:30]!r}",
            fix="download the table itself; on GitHub the button Raw leads to its address",
        )


def _refuse_absent(given: str, header: str, likely: str, name: str) -> None:
    """A separator that was named and does not stand in the header, where another one does."""
    if likely != given and likely in header:
        raise refuse(
            expected=f"separator to stand in the header of {name}",
            got=f"separator = {given!r}; the header is {header[:60]!r}",
            fix=f"separator={likely!r}",
        )


def _unreadable(said: str, text: str, name: str) -> Exception:
    """The refusal of a file that pandas could not read, with what may be the cause."""
    fix = "open the file as text and compare its first two lines: the header must be the first; a "
    fix += "text with commas needs quotes"
    if "EOF inside string" in said:
        fix = 'a quote (") is opened and never closed there: close it; or read " as a letter like '
        fix += "any other: rt.load_table(path, quotes=False)"
    if not text.strip():
        said = "nothing in it"
        fix = "check the path; an open file that was read is at its end: file.seek(0)"
    return refuse(expected=SHAPE, got=f"{name}: {said}", fix=fix)


def _refuse_long_rows(
    text: str, name: str, header: list[str], above: int, how: dict[str, Any]
) -> None:
    """Refuse rows with more values than the header has names; the first is shown as it stands."""
    reader = csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")), **how)
    found = list[int]()
    most = before = 0
    try:
        for row in reader:
            if len(row) > len(header):
                found.append(before + 1)
                most = most or len(row)
            before = reader.line_num
    except csv.Error:  # a value of many thousand letters
        pass
    if not found or len(header) < 2 or len(found) > before / 2:  # then it is the header
        return
    line = text.splitlines()[found[0] - 1]
    more = ", ".join(str(number + above) for number in found[1:6])
    more += f" and {len(found) - 6} more" if len(found) > 6 else ""
    separator = how["delimiter"]
    raise refuse(
        expected=f"{len(header)} values in every line, as the header has ({', '.join(header)})",
        got=f"{name}: {most} values in line {found[0] + above}: {line[:200]!r}"
        + (f"; the same in line{'s' * (len(found) > 2)} {more}" if more else ""),
        fix=f'put quotes (") around the value that holds a {separator!r}, or take it out. To go on '
        "without such lines, pass the frame of pandas.read_csv(path, "
        f"sep={separator!r}, dtype=str, on_bad_lines='skip'), or save it as a file (.to_csv)",
    )


def _without_headers(table: pd.DataFrame) -> pd.DataFrame:
    """The table without rows that repeat its header; how many stands in ``attrs["mended"]``."""
    if table.shape[1] < 2:
        return table
    again = table[table.iloc[:, 0].str.strip() == table.columns[0]]
    again = again[[all(map(str.__eq__, map(tidy, row), table.columns)) for row in again.to_numpy()]]
    if len(again):
        table = table.drop(index=again.index).reset_index(drop=True)
        table.attrs["mended"] = [repeated_headers(len(again))]
    return table


def _below_titles(text: str, separator: str | None) -> str:
    """The text from its header on: what stands above it is left out, and printed.

    A title stands alone in its line, and the names of columns stand in the line below.
    """
    start = text if len(text) < SAMPLE else text[:SAMPLE].rpartition("\n")[0]
    for sign in separator or SEPARATORS:
        try:
            reader = csv.reader(io.StringIO(start), delimiter=sign)
            rows = [(reader.line_num, row) for row in islice(reader, MOST_TITLES + 2)]
        except csv.Error:
            continue
        n_filled = [sum(bool(value.strip()) for value in row) for _, row in rows]
        top = next((i for i, n in enumerate(n_filled) if n > 1), 0)
        titles = [" ".join(row).strip() for _, row in rows[:top] if "".join(row).strip()]
        alone = all(len(row) < 2 for _, row in rows[:top])  # else empty cells stand beside it
        if not titles or (alone and is_likely(titles[0])) or len(rows) < top + 2:
            continue
        if set("".join(titles)) & set(SEPARATORS):  # of a header, in another dialect
            continue
        header = rows[top][1]
        below = [row for _, row in rows[top + 1 :]]
        if len(header) != len(below[0]):
            continue
        if any(map(is_likely, header)) or _is_table(header, below, sign):
            print(f"above the header, left out: {', '.join(map(repr, titles))}")
            return "\n".join(text.split("\n")[rows[top - 1][0] :])
    return text


def _is_table(header: list[str], below: list[list[str]], separator: str) -> bool:
    """Whether rows are as long as the different names above them, in whatever language."""
    if separator == "," and len(header) < 3:  # one comma is often a sentence's own
        return False
    names = [name.strip() for name in header]
    same = all(len(row) == len(names) for row in below)
    return all(names) and len(set(names)) == len(names) and same and len(below) >= FEW_ROWS


def _first_line(text: str) -> str:
    return next((line for line in text[:100_000].splitlines() if line.strip()), "")


def _separator(text: str) -> str:
    """The separator that the header has most of, outside quotes."""
    header = re.sub(r'"[^"]*"', "", _first_line(text))
    return max(SEPARATORS, key=header.count)


def _quote(text: str, separator: str) -> str:
    """The sign that quotes values: ' if it stands around every name of the header, else "."""
    names = [name.strip() for name in _first_line(text).split(separator)]
    single = all(len(name) > 2 and name[0] == name[-1] == "'" for name in names)
    return "'" if single else '"'


def _header(text: str, separator: str, options: dict[str, Any]) -> list[str]:
    """The names of the columns, as the file has them."""
    start = text[:100_000].lstrip("\ufeff\r\n")
    try:
        names = next(csv.reader(io.StringIO(start), delimiter=separator, **options), [])
    except csv.Error:
        return []
    return [name.strip() for name in names]


def _refuse_header(header: list[str], name: str) -> None:
    """Refuse two columns of one name, and a header in which an unusual separator stands."""
    double = [column for column in header if column and header.count(column) > 1]
    if double:
        raise refuse(
            expected="columns with different names",
            got=f"{name}: {double[0]!r} more than once in the header",
            fix="rename one of them in the file",
        )
    if len(header) != 1:
        return
    for separator in UNUSUAL:
        if len(header[0].strip(separator).split(separator)) > 1:
            raise refuse(
                expected="columns with a comma, a semicolon, a tab or | between them",
                got=f"{name}: one column, {header[0][:80]!r}",
                fix="name what stands between its columns: rt.load_table(path, "
                f"separator={separator!r})",
            )


def _refuse_swallowed(table: pd.DataFrame, separator: str, name: str) -> None:
    """Refuse a value in which whole rows stand: a stray quote opened it."""
    for place, column in enumerate(table.columns):
        values = table.iloc[:, place]
        long = values[values.str.contains("\n", regex=False)]
        if not len(long):
            continue
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
                    fix='write a quote inside a text twice (""); or read " as a letter like any '
                    "other: rt.load_table(path, quotes=False)",
                )


def _whole_numbers(values: pd.Series, separator: str) -> pd.Series:
    """Columns of ``0.0``, ``1.0`` (or ``1,0``) are whole numbers, written as decimals; also beside
    gaps, and words for them.
    """
    zeros = r"\.0+" if separator == "," else r"(?:\.0+|,00?)"  # 1,000 is a thousand
    whole = values.str.fullmatch(rf"\s*-?\d+{zeros}\s*")
    if whole.any() and all(map(_is_gap, values[~whole].unique())):
        return values.str.replace(rf"{zeros}(\s*)$", r"\1", regex=True)
    return values


def _is_gap(value: str) -> bool:
    return not value.strip() or looks_missing(value)
