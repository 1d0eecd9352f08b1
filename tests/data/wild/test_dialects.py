"""CSV in its dialects: separators, quotes and headers, as programs and people write them."""

import re

import pytest
from problems import refused

from ragteach import RagteachError, load_table
from ragteach.data.wild.dialects import csv_table


def read(text, **options):
    return load_table(text.encode(), **options)


def test_excels_first_line_names_the_separator():
    table = read("sep=;\ntext;label\ngood, and cheap;1\n")
    assert table.to_dict("list") == {"text": ["good, and cheap"], "label": ["1"]}


def test_single_quotes_around_every_name():
    table = read("'text','label'\n'good, and cheap','it''s'\n")
    assert table.to_dict("list") == {"text": ["good, and cheap"], "label": ["it's"]}
    assert read("'twas,label\na,b\n").columns.tolist() == ["'twas", "label"]


@pytest.mark.parametrize("separator", ["^", "~", "#"])
def test_an_unusual_separator_is_named_not_guessed(separator):
    text = f"text{separator}label\ngood{separator}1\n"
    with refused("a semicolon, a tab", "one column", f"separator={separator!r}"):
        read(text)
    assert read(text, separator=separator).to_dict("list") == {"text": ["good"], "label": ["1"]}


def test_one_column_may_be_a_table():
    assert read("text\ngood\n").columns.tolist() == ["text"]


def test_two_columns_of_one_name_are_refused():
    with refused("different names", "'label' more than once", "rename"):
        read("text,label,label\na,b,c\n")
    assert read("text,label,,\na,b,c,d\n").shape == (1, 4)  # without a name there is nothing alike


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "titles", ["# exported today", "Reviews of May\n\nby Ann", "Reviews{0}{0}"]
)
@pytest.mark.parametrize("header", [["id", "Review", "stars"], ["Nr", "Meinung", "Sterne"]])
def test_what_stands_above_the_header_is_left_out_and_said(titles, separator, header, capsys):
    rows = [header, ["1", "good and cheap", "5"], ["2", "bad", "1"]]
    text = "\n".join([titles.format(separator), *map(separator.join, rows)])
    table = read(text)
    assert [table.columns.tolist(), *table.to_numpy().tolist()] == rows
    assert "above the header, left out: " + repr(titles[:7])[:-1] in capsys.readouterr().out


def test_a_header_that_is_too_short_is_shown():
    with refused("a header line", "(1: 'made today')", "the header must be the first"):
        read("made today\nWort,Urteil\na,b\n")


@pytest.mark.parametrize(
    "text",
    [
        "id;review;stars;useful\n3;good, a review;5;1\n4;bad, a review;1;2\n",
        "text\na, b\nc, d\n",
        "Meinung\ngut, und wie\nschlecht, leider\n",
        "Meinung\ngut; und; wie\nschlecht; leider\nna; ja\n",
    ],
)
def test_a_header_is_no_title(text, capsys):
    try:
        read(text)
    except RagteachError:
        pass
    assert "above the header" not in capsys.readouterr().out


def test_names_over_two_lines_stand_on_one():
    table = read('" Review\nText ","Over-all\r\nstars"\ngood,5\n')
    assert table.columns.tolist() == ["Review Text", "Over-all stars"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("text;note\na;1,0\nb;10,0\n", ["1", "10"]),
        ("text;note\na;1,0\nb;2,5\n", ["1,0", "2,5"]),
        ("text;note\na;1.0\nb;n.a.\nc;\n", ["1", "n.a.", ""]),
        ("text;note\na;1.0\nb;two\n", ["1.0", "two"]),
        ("text;note\na;1,000\nb;2,000\n", ["1,000", "2,000"]),
        ('text,note\na,"1,0"\nb,"2,0"\n', ["1,0", "2,0"]),
    ],
)
def test_decimal_commas(text, labels):
    assert read(text)["note"].tolist() == labels


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("quotes", [True, False])
@pytest.mark.parametrize(
    ("lines", "found", "more"),
    [
        (
            ["text;label", "a;b", "good; but slow;1", "c;d"],
            "3 values in line 3: 'good; but slow;1'",
            "",
        ),
        (
            ["sep=;", "text;label", "a;b", "c;d", "x;y;z;1", "e;f", "1;2;3"],
            "4 values in line 5: 'x;y",
            "line 7",
        ),
        (
            ["Export of May", "", "text,label", "a,b", "c,d", "e,f,g"],
            "3 values in line 6: 'e,f,g'",
            "",
        ),
        (
            ["text,label", *["a,b"] * 9, *["a,b,c"] * 8],
            "in line 11",
            "lines 12, 13, 14, 15, 16 and 2 more",
        ),
    ],
)
def test_a_row_that_is_too_long_is_shown_with_its_line(lines, found, more, quotes, newline):
    with refused("2 values in every line", found, "on_bad_lines='skip'") as caught:
        read(newline.join(lines), quotes=quotes)
    assert (
        f"the same in {more}" in str(caught.value) if more else "the same" not in str(caught.value)
    )


@pytest.mark.parametrize("given", ["0", "|"])
def test_a_separator_that_is_not_in_the_header_is_named_beside_the_one_that_is(given):
    with pytest.raises(RagteachError, match=re.escape(f"separator = {given!r}; the header is 'l")):
        csv_table("label;note\na;b\n", "m.csv", given, quotes=True)
    assert csv_table("note\na\nb\n", "m.csv", ";", quotes=True).shape == (2, 1)
