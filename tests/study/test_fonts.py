"""Names of any script in a picture: shown, or said which font is missing, and never a warning."""

import warnings

import pandas as pd
import pytest
from matplotlib.figure import Figure

from ragteach import plots
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


def test_a_sign_that_is_no_letter_has_a_font_for_signs(capsys, monkeypatch):
    monkeypatch.setattr(fonts, "_said", set())
    monkeypatch.setattr(fonts, "_families", lambda letters: [])
    monkeypatch.setattr(fonts, "_installed", lambda letters: frozenset())
    drawn("\U0001f44d \U0001f3fd")
    said = capsys.readouterr().out
    assert "for example Noto Emoji," in said and said.count("\n") == 1


def test_fonts_installed_after_matplotlib_wrote_its_list_are_known(monkeypatch):
    added = []
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: ["/new/font.ttf", "/broken/font.ttf"])
    monkeypatch.setattr(fonts.fontManager, "addfont", added.append)
    fonts._know_new_fonts.__wrapped__()
    assert added == ["/broken/font.ttf", "/new/font.ttf"]


def test_fonts_are_looked_for_by_their_letters():
    assert fonts._families(frozenset("é")) and fonts._families(frozenset()) == []
    assert fonts._installed(frozenset("é\ufdd0")) == {"é"}  # no font has a letter for the second


def test_a_heat_map_of_words_warns_of_nothing(monkeypatch):
    monkeypatch.setattr(fonts, "_families", lambda letters: [])
    monkeypatch.setattr(fonts, "_installed", lambda letters: frozenset())
    table = pd.DataFrame([[1.0, -1.0]], index=["映画"], columns=["W_s", "ภาพยนตร์"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plots.words(table)
        ax.figure.canvas.draw()
    assert [t.get_text() for t in ax.get_yticklabels()] == ["映画"]


def test_an_installed_font_with_the_letters_is_taken(monkeypatch):
    monkeypatch.setattr(fonts, "_families", lambda letters: ["DejaVu Serif"])
    monkeypatch.setattr(fonts, "_installed", lambda letters: letters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert drawn("映画")[-1] == "DejaVu Serif"
