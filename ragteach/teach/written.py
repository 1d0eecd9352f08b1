"""Answers in words: what a program can judge, and what only a reader can.

Enters: your marks on a colleague's draft, or your own text.  Leaves: a verdict on the marks (by
`check`), and your text beside a model answer and a tempting wrong one (`reflect`), never a verdict.

A program that looks for words passes the opposite of the truth and refuses good plain answers. So a
question in words has two halves. First you mark each sentence of a draft as right or wrong: that
can be judged, sentence by sentence. Then you write your own answer, compare, and tick what it has.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ragteach.ground.arguments import one_or_more
from ragteach.ground.objects import printed
from ragteach.ground.telling import tell, told
from ragteach.teach import record
from ragteach.teach.checks import Exercise, Unfinished, Wrong, exercise, finished, get
from ragteach.teach.handing import as_dict

RIGHT = "right"
WRONG = "wrong"


@dataclass(frozen=True)
class Sentence:
    """One sentence of a draft: what it says, whether that is right, and why."""

    text: str
    right: bool
    why: str  # what to tell whoever marks it otherwise


def expect_marks(yours: object, draft: Mapping[str, Sentence]) -> str:
    """Judge the marks on a draft: ``{"a": "right", "b": "wrong", ...}``; returns what to say with
    PASS.

    Raises:
        Unfinished: a text in place of marks, or a sentence without a mark.
        Wrong: the first mark that does not hold, with the reason.
    """
    letters = ", ".join(draft)
    if isinstance(yours, str):
        raise Unfinished(
            "A program cannot judge a text. Mark the draft's sentences here, as in "
            '{"a": "right", "b": "wrong", ...}; your own words go to reflect(...).'
        )
    yours = as_dict(yours)
    if not isinstance(yours, Mapping):
        raise Wrong(
            f'Hand over a dict with a mark for each of {letters}: {{"a": "right", ...}}.',
            diagnosed=False,
        )
    finished(dict(yours), "Some sentences have no mark yet.")
    marks = {str(letter).strip().lower(): _mark(letter, mark) for letter, mark in yours.items()}
    if unknown := [letter for letter in marks if letter not in draft]:
        raise Wrong(
            f"There is no sentence {unknown[0]!r}; they are {letters}.",
            diagnosed=False,
        )
    if missing := [letter for letter in draft if letter not in marks]:
        raise Unfinished(f"No mark yet for {', '.join(missing)}.")
    off = [letter for letter, sentence in draft.items() if marks[letter] != sentence.right]
    if off:
        more = f" ({len(off)} marks to look at again.)" if len(off) > 1 else ""
        raise Wrong(f"Sentence {off[0]}: {draft[off[0]].why}{more}")
    return f"All {len(draft)} marks are right. Now write your own answer, in your own words."


def _mark(letter: object, mark: object) -> bool:
    word = str(mark).strip(" .!\"'").lower()
    if word in (RIGHT, "true", "r"):
        return True
    if word in (WRONG, "false", "w"):
        return False
    raise Wrong(
        f'A mark is "right" or "wrong"; sentence {letter} has {mark!r}.',
        diagnosed=False,
    )


def marks_of(draft: Mapping[str, Sentence]) -> dict[str, str]:
    """The marks that hold, as a learner writes them."""
    return {letter: RIGHT if s.right else WRONG for letter, s in draft.items()}


@dataclass(frozen=True)
class Reflection:
    """Your text, a model answer and a tempting one side by side, and the rubric to tick."""

    exercise: Exercise
    text: str
    ticks: tuple[int, ...]

    def __repr__(self) -> str:
        told(self)
        lines = []
        for title, body, _ in self._columns():
            lines += [title, *(f"  {line}" for line in body.splitlines()), ""]
        lines.append(f"Tick what yours has (ticked: {len(self.ticks)} of {self._n}):")
        for i, item in enumerate(self.exercise.rubric, start=1):
            lines.append(f"  [{'x' if i in self.ticks else ' '}] {i}. {item}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<section style='flex:1 1 15em;border-top:3px solid {color};padding-top:0.3em'>"
            f"<strong>{html.escape(title)}</strong>"
            f"<div style='white-space:pre-line'>{html.escape(body)}</div></section>"
            for title, body, color in self._columns()
        )
        items = "".join(
            f"<li>{'☑' if i in self.ticks else '☐'} {i}. {html.escape(item)}</li>"
            for i, item in enumerate(self.exercise.rubric, start=1)
        )
        return (
            f"<div style='display:flex;flex-wrap:wrap;gap:1em'>{cells}</div>"
            f"<p>Tick what yours has, as in <code>ticks=[1, 3]</code> "
            f"(ticked: {len(self.ticks)} of {self._n}):</p>"
            f"<ul style='list-style:none;padding-left:0.5em'>{items}</ul>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    @property
    def _n(self) -> int:
        return len(self.exercise.rubric)

    def _columns(self) -> list[tuple[str, str, str]]:
        """(title, text, colour) of each; in the solved copy yours is the model, and stands once."""
        e = self.exercise
        mine = ("Yours", self.text, "#767676")
        tempting = f"{e.tempting}\n\nWhat is wrong with it: {e.flaw}"
        others = [
            ("A model answer", str(e.model), "#0072B2"),
            ("Tempting, and wrong", tempting, "#D55E00"),
        ]
        copied = " ".join(self.text.split()) == " ".join(str(e.model).split())
        return others if copied else [mine, *others]


class Message(str):
    """Text that a notebook prints as it is."""

    def __str__(self) -> str:
        told(self)
        return super().__str__()

    __repr__ = __str__


def reflect(number: str, text: object = ..., ticks: Iterable[int] = ()) -> Reflection | Message:
    """Compare your own words with a model answer and with a tempting wrong one.

    No program judges them: you do. Text and ticks are kept in ``my_progress.json`` beside the
    notebook.

    Args:
        number: the exercise, e.g. ``"00-4"``.
        text: your answer. ``...`` means "not yet", and nothing is shown before you have written.
        ticks: the numbers of the rubric's lines that your text has.

    Example:
        >>> reflect("00-4", ...)
        Write your answer first; then the model answer appears beside it.
    """
    try:
        exercise = get(number)
    except ValueError as error:
        return tell(Message(error))
    if not exercise.model:
        return tell(Message(f"Exercise {number} asks for no text: its check is complete."))
    try:
        finished(text, "")
    except Unfinished:
        return tell(Message("Write your answer first; then the model answer appears beside it."))
    mine = printed(text).strip()
    n = len(exercise.rubric)
    try:
        ticked = tuple(sorted({_line(i) for i in one_or_more("ticks", ticks)}))
    except (TypeError, ValueError, OverflowError):
        return tell(
            Message(f"ticks are numbers of the rubric's lines, 1 to {n}, as in ticks=[1, 3].")
        )
    if any(not 1 <= i <= n for i in ticked):
        return tell(
            Message(f"ticks are numbers of the rubric's lines, 1 to {n}; got {list(ticked)}.")
        )
    record.keep("written", number, {"text": mine, "ticks": list(ticked)})
    return tell(Reflection(exercise, mine, ticked))


def _line(tick: Any) -> int:
    """The number of a line; infinity, a half and True are none."""
    number = int(tick)
    if isinstance(tick, bool) or number != float(tick):
        raise ValueError
    return number


def in_words(number: str, draft: Mapping[str, Sentence], **card: object) -> None:
    """Register an exercise whose check judges marks on a draft; `reflect` serves the text.

    Args:
        card: the other fields of `Exercise`, with ``model``, ``tempting``, ``flaw`` and ``rubric``.
    """

    def marked(yours: object) -> str:
        return expect_marks(yours, draft)

    exercise(number, draft=draft, reference=marks_of(draft), **card)(marked)
