"""The page of what can go wrong is made of the errors' own texts, and is current."""

import ast
import re

import pytest

from ragteach.teach import troubles


@pytest.fixture(scope="module")
def page():
    return troubles.page()


def test_the_page_is_current(page):
    assert troubles.PAGE.read_text(encoding="utf-8") == page, (
        "run python -m ragteach.teach.troubles"
    )


def test_every_refusal_stands_on_the_page(page):
    """Counted another way: by the words in the source."""
    calls = 0
    for path in troubles.PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = len(list(troubles._refusals(tree)))
        calls += found
        names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "refuse"]
        assert found == len(names), path
    assert calls > 100
    assert "| `whole` | ‹name› to be a whole number >= ‹low›‹most› |" in page
    assert all(line.count(" | ") == 2 for line in page.splitlines() if line.startswith("| `"))


def test_rows_are_words_not_code(page):
    """No bare brace, no private name, no cell that is a placeholder alone."""
    rows = [row for row in page.splitlines() if row.startswith("|")]
    assert not [row for row in rows if re.search("[{}]", row)]
    assert not [row for row in rows if re.search(r"(?<![\w_])_[a-z]", row)]
    assert not [row for row in rows if re.search(r"\| ‹[^‹›]*› \|", row)]


def test_a_private_helper_is_listed_under_the_public_names_that_lead_to_it():
    source = """
def _check(x): raise refuse(expected="x", got="y", fix="z")
def _way(x): _check(x)
def fit(x): _way(x)
class Model:
    def __init__(self): _check(1)
class _Hidden:
    def go(self): raise refuse(expected="a", got="b", fix="c")
"""
    tree = ast.parse(source)
    callers = troubles._callers(tree)
    where = [troubles._public(place, callers) for place, *_ in troubles._refusals(tree)]
    assert where == ["`Model`, `fit`", "–"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("'a' + f'{x!r} b'", "a‹x› b"),
        ("f'{1}'", "1"),
        ("'a' if x else 'b'", "a"),
        ("CHECK", "look"),
        ("', '.join(self._names)", "‹names›"),
        ("f'{len(rows)} rows'", "‹number of rows› rows"),
        ("f'{_some(there)}'", "‹there›"),
        ("f'{folder!s}'", "‹folder›"),
    ],
)
def test_texts_are_read_as_the_reader_sees_them(source, words):
    constants = {"CHECK": ast.Constant("look")}
    assert troubles._words(ast.parse(source, mode="eval").body, constants) == words
