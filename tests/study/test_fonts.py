"""Names of any script in a picture: shown, or said which font is missing, and never a warning."""

import warnings

import pytest
from matplotlib.figure import Figure

from ragteach.study import fonts


def drawn(title):
    figure = Figure()
    ax = figure.subplots()
    ax.set_title(title)
    ax.plot([0, 1], label=title)
    ax.legend()
    fonts.readable(figure)
    figure.canvas.draw()
    return ax.title.get_fontfamily()


@pytest.mark.parametrize("title", ["films", "très bien, кино, ταινία", "عربي"])
def test_letters_that_are_there_are_drawn_silently(title, capsys):
    drawn(title)
    assert capsys.readouterr().out == ""


def test_a_missing_font_is_named_once_and_no_warning_comes(capsys, monkeypatch):
    monkeypatch.setattr(fonts, "_said", set())
    monkeypatch.setattr(fonts, "_families", lambda letters: [])
    monkeypatch.setattr(fonts, "_installed", lambda letters: frozenset())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn("映画 ภาพ फिल्म")
        drawn("電影")
    said = capsys.readouterr().out.splitlines()
    assert [line.split(",")[-2].strip() for line in said] == [
        "for example Noto Sans Devanagari", "for example Noto Sans Thai", "for example Noto Sans CJK",
    ]  # fmt: skip


def test_an_installed_font_with_the_letters_is_taken(monkeypatch):
    monkeypatch.setattr(fonts, "_families", lambda letters: ["DejaVu Serif"])
    monkeypatch.setattr(fonts, "_installed", lambda letters: letters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert drawn("映画")[-1] == "DejaVu Serif"
