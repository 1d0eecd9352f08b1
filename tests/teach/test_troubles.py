"""The page of what can go wrong is made of the errors' own texts, and is current."""

import ast

import pytest

from ragteach.teach import troubles


def test_the_page_is_current():
    fresh = troubles.page()
    assert troubles.PAGE.read_text(encoding="utf-8") == fresh, (
        "run python -m ragteach.teach.troubles"
    )


def test_every_refusal_stands_on_the_page():
    """Counted another way: by the words in the source."""
    calls = 0
    for path in troubles.PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = len(list(troubles._refusals(tree)))
        calls += found
        names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "refuse"]
        assert found == len(names), path
    assert calls > 100
    page = troubles.page()
    assert (
        "| `whole` | {name} to be a whole number &gt;= {low}{most} |".replace("&gt;", ">") in page
    )
    assert all(line.count(" | ") == 2 for line in page.splitlines() if line.startswith("| `"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("'a' + f'{x!r} b'", "a{x} b"),
        ("f'{1}'", "1"),
        ("'a' if x else 'b'", "a"),
        ("CHECK", "look"),
        ("join(x)", "{join(x)}"),
    ],
)
def test_texts_are_read_as_the_reader_sees_them(source, words):
    constants = {"CHECK": ast.Constant("look")}
    assert troubles._words(ast.parse(source, mode="eval").body, constants) == words
