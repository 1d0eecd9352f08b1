"""Names of any script in a picture: a font that has the letters, or a word about which is missing.

Enters: a figure with its texts.  Leaves: the same figure, every text in fonts that have its letters
as far as they are installed. Where none is, the letters are drawn as boxes, and a line is printed,
once, that names a font to install; matplotlib's own warning for each letter is not needed then.
"""

from __future__ import annotations

import functools
import unicodedata
import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, findSystemFonts, fontManager, get_font
from matplotlib.text import Text

# Scripts (the first word of a letter's Unicode name) that share a font of the Noto family.
EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC")
MISSING_GLYPH = r"Glyph \d+ .* missing from"
_said: set[str] = set()


def readable(figure: Figure | Axes) -> None:
    """Give every text of a figure (or Axes) a font that has its letters; say which is missing."""
    for text in figure.findobj(Text):
        letters = text.get_text()
        if letters.isascii():
            continue
        lacking = _lacking(letters, findfont(text.get_fontproperties()))
        if lacking:
            _know_new_fonts()
        for family in _families(frozenset(lacking)):
            text.set_fontfamily([*text.get_fontfamily(), family])
        for letter in sorted(lacking - _installed(frozenset(lacking))):
            _say(letter)


@functools.cache
def _know_new_fonts() -> None:
    """Fonts that were installed after matplotlib wrote its list of them."""
    known = {font.fname for font in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        try:
            fontManager.addfont(path)
        except (OSError, RuntimeError, ValueError):  # a file that matplotlib cannot read
            continue


def _lacking(letters: str, path: str) -> set[str]:
    known = _letters(path)
    return {c for c in letters if not c.isspace() and c.isprintable() and ord(c) not in known}


@functools.cache
def _letters(path: str) -> frozenset[int]:
    """The code points that a font file has a glyph for."""
    try:
        return frozenset(get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@functools.cache
def _families(letters: frozenset[str]) -> list[str]:
    """Installed fonts that together have as many of the letters as can be had."""
    families = []
    left = set(map(ord, letters))
    for font in fontManager.ttflist:
        if left and left & _letters(font.fname) and "Last" not in font.name:
            families.append(font.name)
            left -= _letters(font.fname)
    return families


@functools.cache
def _installed(letters: frozenset[str]) -> frozenset[str]:
    """Those of the letters that an installed font has."""
    families = set(_families(letters))
    fonts = [_letters(font.fname) for font in fontManager.ttflist if font.name in families]
    return frozenset(c for c in letters if any(ord(c) in known for known in fonts))


def _say(letter: str) -> None:
    script = unicodedata.name(letter, "UNKNOWN").split()[0]
    if unicodedata.category(letter) in ("So", "Sk"):
        script = "EMOJI"
    warnings.filterwarnings("ignore", MISSING_GLYPH, UserWarning)
    if script not in _said:
        _said.add(script)
        called = script if script == "CJK" else script.capitalize()
        font = "Noto Emoji" if script == "EMOJI" else f"Noto Sans {called}"
        font = "Noto Sans CJK" if script in EAST_ASIAN else font
        print(
            f"No installed font has {called} letters such as {letter!r}: they are drawn "
            f"as boxes. Install one, for example {font}, and start Python again."
        )
