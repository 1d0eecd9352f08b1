"""A lesson as slides: one page from disk, one idea on each slide.

Enters: a `Lesson`.  Leaves: a page that needs no network and no file beside it. It moves by the
arrow keys, by scrolling, or on paper.

A section gives its first words, each of its formulas with the sentence that leads to it, its first
question, its first picture, and its exercises, in this order; the recap ends the deck.
"""

from __future__ import annotations

import re
from html import escape

from ragteach.teach import checks
from ragteach.teach.classroom.chapters import Lesson, Section
from ragteach.teach.classroom.pages import page

LONGEST = 420  # characters of a slide's text, formulas aside
WIDEST = 36  # symbols of a formula that fits into a line
FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)
WHOLE = re.compile(r"[.?!∎][)\"'*`]*$")  # a text that ends with a sentence's end
SENTENCE = re.compile(r"(?<=[.?!])\s+|(?<=[.?!][)\"'*])\s+")
BLOCK = re.compile(r"^(\d*)([.)]|(?<!\d)(?:[-+*>]|#+))(?=\s)")  # what would begin a list, a heading
LEFT_OUT = ("|", "<", "```", "**Predict", "![")

STYLE = """
html { scroll-snap-type: y mandatory } body { max-width: none; margin: 0; padding: 0 }
body > h1 { display: none }
section.slide { box-sizing: border-box; min-height: 100vh; padding: 5vh 8vw;
  scroll-snap-align: start; display: flex; flex-direction: column; justify-content: center;
  font-size: clamp(18px, 2.4vw, 36px); break-after: page; position: relative }
section.slide h2 { font-size: 1.5em; margin: 0 0 .6em }
section.slide p, section.slide ul, section.slide ol { margin: 0 0 .7em; max-width: 36em }
section.slide li { margin-bottom: .3em }
section.slide img { width: 84vw; height: 60vh; object-fit: contain; align-self: center;
  background: white }
section.slide math[display=block] { font-size: 1.15em; margin: .3em 0 .6em; overflow: auto hidden }
section.slide pre { font-size: .75em; margin: 0 0 .7em; overflow-x: auto }
section.slide footer { position: absolute; right: 2vw; bottom: 2vh; font-size: .6em; opacity: .8 }
"""
MOVE = """
const slides = [...document.querySelectorAll("section.slide")];
addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const here = slides.findIndex((slide) => slide.getBoundingClientRect().top > -innerHeight / 2);
  slides[Math.min(Math.max(here + step, 0), slides.length - 1)].scrollIntoView();
});
"""


# ------------------------------------------------------------------ Markdown to a page


def rendered(markdown: str) -> str:
    """Markdown with formulas as HTML with MathML; links to files beside it are plain words."""
    from nbconvert.filters import markdown2html

    from ragteach.widgets.html import mathml

    return markdown2html(mathml(re.sub(r"\[([^][]*)\]\((?!https?:)[^)]*\)", r"\1", markdown)))


def inline(markdown: str) -> str:
    """One paragraph of Markdown, to stand inside a line; no mark at its beginning makes a block.

    >>> inline("2. A *look*"), inline("- 3 points")
    ('2. A <em>look</em>', '- 3 points')
    """
    markdown = BLOCK.sub(r"\1\\\2", markdown)
    return rendered(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def picture(png: str, alt: str) -> str:
    """A picture that lies in the page."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{png}">'


# ------------------------------------------------------------------ what goes on a slide


def slides(lesson: Lesson) -> str:
    """A deck of one idea a slide."""
    parts = [f"<h2>{inline(lesson.title)}</h2><p>Afterwards you can {inline(lesson.able)}.</p>"]
    for section in lesson.sections[1:]:
        if section.title != "Sources" and not section.title.startswith("Extra"):
            parts += of_section(section)
    n = len(parts)
    body = "".join(
        f'<section class="slide" aria-label="slide {i} of {n}">{part}'
        f"<footer>{i} / {n}</footer></section>"
        for i, part in enumerate(parts, start=1)
    )
    whole = page(lesson.title, body + f"<script>{MOVE}</script>")
    return whole.replace("</style>", f"{STYLE}</style>", 1)


def of_section(section: Section) -> list[str]:
    """The slides of one section, as HTML."""
    title = f"<h2>{inline(section.title)}</h2>"
    if section.title == "Recap":
        return [title + rendered(text) for text in points(section)]
    parts = [title + rendered(text) for text in ideas(section)]
    parts += [title + rendered(question) for question in section.questions[:1]]
    if section.pictures:
        parts.append(title + picture(*section.pictures[0]))
    return parts + [_turn(number) for number in section.exercises]


def _turn(number: str) -> str:
    e = checks.get(number)
    return (
        f"<h2>Your turn · {number}</h2><p>{inline(e.title)}</p>"
        f"<p>{trains(number)}</p><p>{e.minutes} minutes</p>"
    )


def trains(number: str) -> str:
    """What an exercise trains, as a sentence with one mark at its end."""
    words = inline(checks.get(number).trains)
    return f"Trains {words}" + ("" if words.endswith(("?", "!", ".")) else ".")


def points(section: Section) -> list[str]:
    """A list's points, on as few slides as hold them."""
    slides: list[str] = []
    for point in re.split(r"(?m)^(?=- )", "\n".join(section.words)):
        if slides and len(slides[-1]) + len(point) <= 1.1 * LONGEST:
            slides[-1] += point
        elif point.strip():
            slides.append(point)
    return slides


def ideas(section: Section) -> list[str]:
    """The first thing that the section says, and each formula with what leads to it."""
    found = [text for text in map(_shortened, _thoughts(section)) if text]
    return [text for i, text in enumerate(found) if i == 0 or FORMULA.search(text)]


def _thoughts(section: Section) -> list[list[str]]:
    """Paragraphs that belong together: one that ends with a colon, and what it announces."""
    found: list[list[str]] = []
    goes_on = False
    for text in section.words:
        if text in section.questions or text.startswith(LEFT_OUT):
            goes_on = False
            continue
        if goes_on or (found and text[:1].islower()):
            found[-1].append(text)
        else:
            found.append([text])
        goes_on = not WHOLE.search(text) and not FORMULA.fullmatch(text)
    return found


def _shortened(thought: list[str]) -> str:
    """Whole sentences of a thought, and its first formula with the sentence before it."""
    text = "\n\n".join(thought)
    formula = FORMULA.search(text)
    if formula:
        before = _last_sentences(text[: formula.start()].strip())
        after = _first_sentences(text[formula.end() :].strip(), LONGEST - len(before))
        return "\n\n".join(filter(None, (before, *_lines(formula[0]), after)))
    if len(text) > LONGEST or not WHOLE.search(text):
        return _first_sentences(thought[0], LONGEST)
    return text


def _lines(formula: str) -> list[str]:
    r"""A formula that is too wide for a slide: its equations, that stand side by side, one a line.

    Example:
        >>> _lines(r"$$y = f(x) + f(x + 1) + f(x + 2) \qquad \text{where} \qquad f(x) = 2x + 1$$")
        ['$$y = f(x) + f(x + 1) + f(x + 2)$$', '$$\\text{where} \\quad f(x) = 2x + 1$$']
        >>> _lines(r"$$y = f(x) \qquad f(x) = 2x$$")
        ['$$y = f(x) \\qquad f(x) = 2x$$']
    """
    seen = re.sub(r"[{}_^\s]|\\[,;!]", "", re.sub(r"\\[a-zA-Z]+", "x", formula))
    if len(seen) <= WIDEST or r"\begin" in formula:
        return [formula]
    lines: list[str] = []
    for equation in re.split(r"\s*(?:\\qquad\s*)+", formula.strip("$ \n")):
        if lines and re.fullmatch(r"\\text\{[^}]*\}", lines[-1]):
            lines[-1] += rf" \quad {equation}"
        else:
            lines.append(equation)
    return [f"$${line}$$" for line in lines]


def _sentences(text: str) -> list[str]:
    """The sentences of a text; no formula, code or emphasis is cut."""
    found = [""]
    for part in SENTENCE.split(text):
        whole = found[-1].count("$") % 2 == found[-1].count("`") % 2 == 0
        whole = whole and found[-1].count("**") % 2 == 0
        if found[-1] and whole:
            found.append(part)
        else:
            found[-1] = f"{found[-1]} {part}".strip()
    return found


def _first_sentences(text: str, most: int) -> str:
    kept = ""
    for sentence in _sentences(text):
        if len(kept) + len(sentence) > most or not WHOLE.search(sentence):
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def _last_sentences(text: str) -> str:
    """What leads to a formula: as many whole sentences as fit, the last one in any case."""
    kept = ""
    for sentence in reversed(_sentences(text)):
        if kept and len(kept) + len(sentence) > LONGEST:
            break
        kept = f"{sentence} {kept}".strip()
    return kept
