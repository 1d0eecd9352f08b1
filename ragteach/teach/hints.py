"""Beside the exercises: cards, hints one step at a time, predictions before the reveal.

Enters: an exercise's number, or a question's name and your guess.  Leaves: something a notebook
shows. Nothing here ever raises in a notebook, and nothing leaves your machine: predictions are kept
beside the notebook (see `record`).
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from ragteach.ground.arguments import one_or_more
from ragteach.ground.objects import printed
from ragteach.ground.telling import tell, told
from ragteach.teach import questions, record
from ragteach.teach.checks import Unfinished, finished, get

_shown: dict[str, int] = {}  # how many hints of each exercise this session has seen


class Note(str):
    """Text that a notebook draws as a framed note and everything else prints."""

    def __str__(self) -> str:
        told(self)
        return super().__str__()

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        body = "<br>".join(html.escape(line) for line in str(self).splitlines())
        frame = "border-left:4px solid #56B4E9;padding-left:0.8em"
        return {"text/plain": str(self), "text/html": f"<div style='{frame}'>{body}</div>"}


def card(number: str) -> Note:
    """Show an exercise's card: title, difficulty, minutes, and what it trains.

    Example:
        >>> card("00-1")  # doctest: +ELLIPSIS
        Exercise 00-1 ...
    """
    try:
        e = get(number)
    except ValueError as error:
        return tell(Note(str(error)))
    lines = [
        f"Exercise {number} · {e.title}",
        f"{e.difficulty}, about {e.minutes} minutes · trains: {e.trains}",
    ]
    if e.draft:
        lines += ["", 'A draft of an answer. Mark each sentence "right" or "wrong":']
        lines += [f"{letter}. {sentence.text}" for letter, sentence in e.draft.items()]
    return tell(Note("\n".join(lines)))


def hint(number: str) -> Note:
    """Show the next hint; each call adds one step. After the last, all stay.

    Example:
        >>> hint("00-1")  # doctest: +ELLIPSIS
        Hint 1 of ...
    """
    try:
        steps = get(number).hints
    except ValueError as error:
        return tell(Note(str(error)))
    _shown[number] = min(_shown.get(number, 0) + 1, len(steps))
    lines = [
        f"Hint {i} of {len(steps)}: {text}"
        for i, text in enumerate(steps[: _shown[number]], start=1)
    ]
    if _shown[number] == len(steps):
        lines.append(
            "That was the last hint. The worked answer is in the notebook of the same name in "
            "solutions/."
        )
    return tell(Note("\n".join(lines)))


def rubric(number: str) -> Note:
    """Show what a good answer contains, for exercises that a reader must judge."""
    try:
        items = get(number).rubric
    except ValueError as error:
        return tell(Note(str(error)))
    return tell(
        Note(
            "\n".join(f"[ ] {item}" for item in items)
            or "This exercise has no rubric: its check is complete."
        )
    )


def predict(question: str, guess: object = ...) -> Note:
    """Keep your prediction until `reveal` shows it beside the result.

    Your guess is one of the answers that the question offers. Case does not matter, and a slip of
    spelling is read as what you meant, and said; any other guess is not kept, and the answers are
    listed (see `questions`). To a question of your own, which offers none, any words are an answer.
    After the reveal nothing is kept that differs: a guess is made before the answer is known.

    Args:
        question: the question's name in the lesson, e.g. ``"02-a"``.
        guess: a word, a number, or for several claims a dict. ``...`` means "not yet".

    Example:
        >>> print(predict("00-a", "banana"))
        Expected: one of the offered answers: "independent", "full sharing", "RAG"
        Got: 'banana'
        What to do: write one of them; your guess is not kept yet
    """
    try:
        finished(guess, "")
    except Unfinished:
        return tell(
            Note(
                "No prediction yet. Replace the ... with your guess before you read on: wrong "
                "guesses teach most."
            )
        )
    name = printed(question)
    try:
        meant, read_from = questions.read(name, guess)
    except ValueError as error:
        return tell(Note(str(error)))
    first = record.kept("predictions").get(name)
    if name in record.kept("outcomes") and meant != first:
        before = "You made no prediction" if first is None else f"You predicted {first}"
        told_late = "The answer is known by now, so this guess is not kept."
        return tell(Note(f"{told_late} {before} before it was revealed."))
    record.keep("predictions", name, meant)
    return tell(Note(f"Kept: you predict {meant}{read_from}."))


def reveal(question: str, result: object, tied: str | Sequence[str] = ()) -> Note:
    """Show what came out beside what you predicted, and whether they agree.

    Args:
        question: the question's name in the lesson, e.g. ``"02-a"``.
        result: what came out.
        tied: another answer that the data cannot tell from it, or several: who predicted one was
            not wrong.
    """
    try:
        ties = [printed(answer) for answer in one_or_more("tied", tied)]
    except ValueError as error:
        return tell(Note(str(error)))
    name = printed(question)
    out = printed(result)
    mine = record.kept("predictions").get(name)
    record.keep("outcomes", name, out[:500])
    others = " and ".join(ties)
    even = f"These data cannot tell {others} from {out}." if others else ""
    if mine is None:
        lines = ("You made no prediction.", f"It came out: {out}.", even)
        return tell(Note("\n".join(filter(None, lines))))
    if printed(mine) in ties:
        verdict = f"Not as you predicted. But {even[0].lower()}{even[1:]} So yours is not refuted."
    else:
        verdict = " ".join(filter(None, (questions.compared(name, mine, result), even)))
    return tell(Note(f"You predicted: {mine}.\nIt came out: {out}.\n{verdict}"))
