"""CSV in its dialects: separators, quotes and headers, as programs and people write them."""

import pytest
from problems import refused

from ragteach import load_table


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


def test_a_header_that_is_too_short_is_shown():
    with refused("a header line", "(1: '# exported today')", "first two lines"):
        read("# exported today\ntext,label\na,b\n")
