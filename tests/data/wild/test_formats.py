"""Files that are no CSV: what was written is read; what cannot be read says why.

Parquet, Feather and Excel are written and read by pandas' own optional packages, the extra
``files``.
"""

import io
import json
import zipfile

import pandas as pd
import pytest
from problems import refused

from ragteach import MultiTaskDataset, load_table
from ragteach.data.wild.columns import find_columns

TABLE = pd.DataFrame(
    {
        "text": ["good film", "bad brakes", "très bon", "好き"],
        "label": [5, 1, 5, 1],
        "task": ["films", "cars", "cars", "films"],
    }
)


def written(how, **options):
    out = io.BytesIO()
    getattr(TABLE, how)(out, **options)
    return out.getvalue()


def same(table):
    data = MultiTaskDataset.from_frame(table)
    assert data.class_names == ["1", "5"] and data.task_names == ["films", "cars"]
    assert data.texts == TABLE["text"].tolist() and data.y.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("how", ["to_parquet", "to_feather"])
@pytest.mark.parametrize("dress", ["plain", "category", "Arrow", "nullable"])
def test_arrow_files_by_their_name_or_their_first_bytes(how, dress, tmp_path):
    pytest.importorskip("pyarrow", reason="the extra 'files' is not installed")
    table = {
        "plain": TABLE,
        "category": TABLE.astype("category"),
        "Arrow": TABLE.convert_dtypes(dtype_backend="pyarrow"),
        "nullable": TABLE.convert_dtypes(),
    }[dress]
    getattr(table, how)(tmp_path / "mine.table")
    same(load_table(tmp_path / "mine.table"))
    same(tmp_path / "mine.table")


def test_an_index_with_a_name_is_a_column():
    same(TABLE.set_index("text"))
    same(TABLE.set_index(["task", "text"]))


@pytest.mark.parametrize("start", [0, 3])
def test_excel_wherever_its_table_begins(start):
    pytest.importorskip("openpyxl", reason="the extra 'files' is not installed")
    raw = written("to_excel", index=False, startrow=start, startcol=start)
    same(load_table(raw))


def test_excel_with_gaps_and_several_sheets(tmp_path):
    pytest.importorskip("openpyxl", reason="the extra 'files' is not installed")
    path = tmp_path / "mine.xlsx"
    with pd.ExcelWriter(path) as book:
        TABLE.assign(label=[True, None, False, True]).to_excel(book, sheet_name="A", index=False)
        pd.DataFrame().to_excel(book, sheet_name="empty")
    with refused("a label in every row", "data rows [2]", "missing"):
        MultiTaskDataset.from_frame(path)
    assert MultiTaskDataset.from_frame(path, missing="drop").class_names == ["False", "True"]
    with pd.ExcelWriter(path) as book:
        TABLE.to_excel(book, sheet_name="A", index=False)
        TABLE.to_excel(book, sheet_name="B", index=False)
    with refused("one sheet", "with 2: A, B", "rt.load_table(path, sheet='A')"):
        load_table(path)
    same(load_table(path, sheet="B"))
    with refused("a sheet that is there", "A, B; no sheet 'C'", "sheet='A'"):
        load_table(path, sheet="C")
    with pd.ExcelWriter(path) as book:  # a note before the table is not what is meant
        pd.DataFrame({"note": ["made", "by", "hand"]}).to_excel(book, sheet_name="N", index=False)
        TABLE.to_excel(book, sheet_name="A", index=False)
    with refused("a sheet that is there", "no sheet 'C'", "sheet='A'"):
        load_table(path, sheet="C")


def test_a_note_and_a_title_are_no_table(capsys):
    pytest.importorskip("openpyxl", reason="the extra 'files' is not installed")
    out = io.BytesIO()
    with pd.ExcelWriter(out) as book:
        pd.DataFrame({"Export": ["of May", "by Ann"]}).to_excel(
            book, sheet_name="Note", index=False
        )
        TABLE.to_excel(book, sheet_name="Data", index=False, startrow=2)
        book.sheets["Data"]["A1"] = "Reviews of May"
    table = load_table(out.getvalue())
    said = capsys.readouterr().out
    assert said == "sheet: 'Data' (of Note, Data)\nabove the header, left out: 'Reviews of May'\n"
    same(table)


def test_a_sheet_is_of_a_workbook():
    with refused("a workbook", "which has no sheets", "leave sheet out"):
        load_table(b"text,label\na,b\n", sheet="A")


def test_older_workbooks_name_the_package_that_reads_them(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        pack.writestr("content.xml", "<x/>")
    for raw in (old, out.getvalue()):
        with refused("the optional package python_calamine", "none", "pip install"):
            load_table(raw)


def test_objects_inside_objects_are_columns(capsys):
    rows = [
        {"review": {"body": text, "by": {"id": i}}, "meta": {"stars": label}, "domain": task}
        for i, (text, label, task) in enumerate(TABLE.itertuples(index=False))
    ]
    rows.append({"review": None, "meta": {}, "domain": "films"})
    for text in (json.dumps(rows), "\n".join(map(json.dumps, rows))):
        table = load_table(io.StringIO(text))
        columns = ["review.body", "review.by.id", "meta.stars", "domain"]
        assert table.columns.tolist() == columns and len(table) == 5
        same(table.iloc[:4])
    assert "text = review.body, label = meta.stars, task = domain" in capsys.readouterr().out


ROWS = TABLE.to_dict("records")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, ROWS)),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps({"version": 1, "data": ROWS}),
        json.dumps(TABLE.to_dict("list")),
        TABLE.to_json(),
    ],
)
def test_json_in_its_shapes(text, tmp_path):
    (tmp_path / "mine.json").write_text("\ufeff" + text, encoding="utf-8")
    same(load_table(tmp_path / "mine.json"))
    if text[0] != "{" or '"text"' in text[:10]:
        same(load_table(io.StringIO(text)))  # without a name, by how it begins


def test_a_line_of_json_may_hold_any_sign_but_a_line_feed():
    lines = ['{"text": "a\u2028b\x85c", "label": "x"}', '{"text": "d", "label": "y"}']
    assert load_table(io.StringIO("\n".join(lines)))["text"].tolist() == ["a\u2028b\x85c", "d"]


def test_what_is_no_table():
    page = b"<!DOCTYPE html>\n<html><head><title>x</title></head><body>404, not found</body></html>"
    with refused("a CSV file", "a page of the web", "Raw"):
        load_table(page)
    with refused("a CSV file", "nothing in it", "file.seek(0)"):
        load_table(io.StringIO(""))
    with refused("a path", "a text of 3 lines", "io.StringIO(text)"):
        load_table("text,label\na,b\nb,c\n")
    with refused("begins with https://", "s3://mine/a.csv", "download it"):
        load_table("s3://mine/a.csv")


def test_a_row_that_names_groups_of_columns_stands_above_the_header(tmp_path, capsys):
    """Merged cells, as a workbook has them: Customer over two columns, Place over one."""
    pytest.importorskip("openpyxl", reason="the extra 'files' is not installed")
    rows = [["Feedback 2026", None, None], ["Customer", None, "Place"]]
    rows += [["Comment", "Sentiment", "Region"], *(["good", "yes", "Rome"], ["bad", "no", "Bonn"])]
    for kept in (rows, rows[1:], rows[2:]):
        pd.DataFrame(kept).to_excel(tmp_path / "a.xlsx", header=False, index=False)
        table = load_table(tmp_path / "a.xlsx")
        assert list(table.columns) == ["Comment", "Sentiment", "Region"] and len(table) == 2
    said = capsys.readouterr().out
    assert "left out: 'Feedback 2026', 'Customer', 'Place'" in said
    gap = [["text", None, "task"], ["good", "yes", "Rome"], ["bad", "no", "Bonn"]]
    pd.DataFrame(gap).to_excel(tmp_path / "b.xlsx", header=False, index=False)
    assert len(load_table(tmp_path / "b.xlsx")) == 2  # a header with a gap, above data


def test_a_column_that_says_one_thing_is_no_column_of_tasks_where_there_is_another():
    """Both are called like tasks; rows of one language only, of two shops."""
    rows = [
        {"text": f"said {i}", "label": i % 2, "lang": "en", "shop": "ab"[i % 2]} for i in range(6)
    ]
    table = pd.DataFrame(rows)
    assert find_columns(list(table.columns), values=table).task == "shop"
    alone = table.drop(columns="shop")
    assert find_columns(list(alone.columns), values=alone).task == "lang"
    varied = table.assign(lang=["en", "de"] * 3)
    assert find_columns(list(varied.columns), values=varied).task == "lang"
