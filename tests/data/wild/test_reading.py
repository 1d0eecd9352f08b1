"""Files in the wild: whatever the dialect, the same table; or an error that says what to do."""

import bz2
import csv
import gzip
import http.server
import io
import lzma
import os
import threading
import zipfile

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from problems import refused

from ragteach import MultiTaskDataset, load_table
from ragteach.data.frames import named_frame
from ragteach.data.wild import reading

ROWS = [
    ("good; film", "angry", "films"),
    ('say "no", brakes', "calm", "cars"),
    ("très bon|", "angry", "cars"),
]
TABLE = pd.DataFrame(ROWS, columns=["text", "label", "task"])


def as_csv(separator=",", newline="\n"):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=newline)
    writer.writerows([TABLE.columns, *ROWS])
    return out.getvalue()


def same(table):
    assert table[["text", "label", "task"]].astype(object).equals(TABLE.astype(object))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_separator_and_unicode(separator, encoding, capsys):
    same(load_table(as_csv(separator, "\r\n").encode(encoding)))
    said = capsys.readouterr().out
    assert said == ("" if separator == "," else f"separator: {separator!r}\n")


def test_utf_16_without_its_mark():
    same(load_table(as_csv().encode("utf-16-le")))
    same(load_table(as_csv().encode("utf-16-be")))


def zipped(raw):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("inner.csv", raw)
    return out.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zipped])
def test_packed(pack, tmp_path):
    path = tmp_path / "mine.csv.packed"
    path.write_bytes(pack(as_csv().encode()))
    same(load_table(path))
    same(load_table(str(path)))


def test_open_files_and_bytes():
    same(load_table(io.StringIO(as_csv())))
    same(load_table(io.BytesIO(as_csv().encode())))


def test_tsv_and_json_lines(tmp_path, capsys):
    (tmp_path / "a.tsv").write_text(as_csv("\t"), encoding="utf-8")
    same(load_table(tmp_path / "a.tsv"))
    for name, lines in (("a.jsonl", True), ("a.json", False), ("a.json", True)):
        TABLE.to_json(tmp_path / name, orient="records", lines=lines)
        same(load_table(tmp_path / name))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    same(load_table(tmp_path / "a.jsonl.gz"))
    assert capsys.readouterr().out == ""


def test_an_address():
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/mine.csv" else 404)
            self.end_headers()
            self.wfile.write(as_csv().encode())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        at = f"http://127.0.0.1:{server.server_port}"
        same(load_table(f"{at}/mine.csv"))
        with refused("an address that answers", "404", "pass its path"):
            load_table(f"{at}/other.csv")
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name, package", [("a.parquet", "pyarrow"), ("a.xlsx", "openpyxl")])
def test_engines_that_are_missing_are_named(name, package, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    (tmp_path / name).write_bytes(b"x")
    with refused(f"the optional package {package}", "none that can be imported", "pip install"):
        load_table(tmp_path / name)


def test_a_quote_that_swallows_rows_is_noticed():
    rows = "".join(f"text {i},{i % 2},films\n" for i in range(9))
    with refused("in pairs", "data row 10 holds", "quotes=False"):
        load_table(f'text,label,task\n{rows}"bad,0,films\n{rows}an end",1,films\n'.encode())
    with refused("a CSV file", "EOF inside string", "quotes=False"):
        load_table(f'text,label,task\n"bad,0,films\n{rows}'.encode())
    whole = load_table(f'text,label,task\n"bad,0,films\n{rows}'.encode(), quotes=False)
    assert whole["text"][0] == '"bad' and len(whole) == 10


def test_texts_of_many_lines_are_no_fault():
    poem = "One, two,\nthree, four,\nfive, six, seven.\n"
    table = load_table(f'text,label,task\n"{poem}",1,poems\nprose,0,poems\n'.encode())
    assert table["text"][0] == poem


def test_bad_bytes_are_named_with_their_line():
    raw = "text,label,task\nx,1,a\ncafé,1,a\n".encode("cp1252")
    said = "rt.load_table(path, encoding='cp1252') that line reads 'café,1,a'"
    with refused("'utf-8'", "byte 0xe9 in line 3", said):
        load_table(raw)
    assert load_table(raw, encoding="cp1252")["text"][1] == "café"


def test_other_refusals(tmp_path):
    with refused("one table in it", "with 2: a.csv, b.csv", "unpack"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as pack:
            pack.writestr("a.csv", "x")
            pack.writestr("b.csv", "x")
        load_table(out.getvalue())
    with refused("a packed file that is whole", "the bytes", "copy"):
        load_table(gzip.compress(b"x" * 99)[:-9])
    with open(tmp_path / "a.csv", "w") as opened:
        with refused("can be read", "a.csv: not readable", "pass its path"):
            load_table(opened)
    with refused("can be read", "a.csv: I/O operation on closed file", "pass its path"):
        load_table(opened)
    with refused("without a password", "the bytes: File is not a zip file", "download it again"):
        load_table(b"PK\x03\x04 and no more")
    with refused("one JSON object", "recursion", "first lines"):
        (tmp_path / "deep.json").write_text("[" * 100_000)
        load_table(tmp_path / "deep.json")
    with refused("the name of a text encoding", "utf", "try 'utf-8'"):
        load_table(b"text,label\na,1\n", encoding="utf\0")
    with refused("separator to be one letter", "separator = '\"'", "the header shows"):
        load_table(b"text,label\na,1\n", separator='"')
    with refused("a path, an address, bytes or an open file", "type int", "mine.csv"):
        load_table(7)
    with refused("a CSV file", "no text", "as CSV"):
        load_table(b"abcdefghij\0klmnopqrst\n")
    (tmp_path / "a.jsonl").write_text("{no json")
    with refused("one JSON object in each line", "a.jsonl", "first lines"):
        load_table(tmp_path / "a.jsonl")


def test_a_device_without_an_end_is_not_read():
    with refused("a CSV file", "/dev/zero: a device, which has no end", "check the path"):
        load_table("/dev/zero")


def test_decimals_that_are_whole_numbers_and_texts_that_look_missing():
    table = load_table(b"text,label,task\nNA,0.0,7\nnull,1.0,12\n")
    assert table["label"].tolist() == ["0", "1"] and table["text"].tolist() == ["NA", "null"]
    data = MultiTaskDataset.from_frame(table)
    assert data.class_names == ["0", "1"] and data.task_names == ["7", "12"]


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@given(
    st.lists(st.tuples(CELL, st.sampled_from(["angry", "2", "10", "好"]), st.sampled_from(["a", "b"])),
             min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None, phases=[Phase.generate])
def test_what_was_written_is_read(rows, separator, encoding, quoting, newline):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=newline, quoting=quoting)
    writer.writerows([("text", "label", "task"), *rows])
    frame = named_frame(out.getvalue().encode(encoding))
    names = frame.attrs["label_names"]
    assert [(t, names[y], k) for t, y, k in frame.to_numpy().tolist()] == rows
    assert set(names) == {label for _, label, _ in rows}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_read_when_somebody_writes_and_refused_when_nobody_does(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(reading, "WRITER_TRIES", 0)
    with refused("CSV", "nobody writes"):
        load_table(tmp_path / "pipe")
    keeps_open = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(keeps_open, b"text,label\ngood,1\n")
    monkeypatch.setattr(reading.select, "select", lambda *_: os.close(keeps_open))
    assert load_table(tmp_path / "pipe")["text"].tolist() == ["good"]
