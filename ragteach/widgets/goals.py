"""Goals: what a learner is asked to bring about with an explorer, and whether it is reached.

Enters: sentences with a condition each.  Leaves: what the page needs to say "reached".

    goal={"Move lambda until the domains read the sentence alike": "readings == 1"}

A condition compares the explorer's own numbers, its measures, with each other or with what you
write; ``and`` joins several.  A class is written by its name (``reads_films == positive``), so that
the condition says what the sentence says.  The page and Python judge by the same numbers:
`Explorer.measures`, `Explorer.reached`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence

from ragteach.errors import refuse

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
PART = re.compile(r"\s*([\w.+-]+)\s*(<=|>=|==|!=|<|>)\s*([\w.+-]+)\s*")
EXAMPLE = 'goal={"Bring the accuracy to 60 %": "accuracy >= 0.6 and lam < 1"}'


def parse(
    goal: Mapping[str, str] | None, known: Iterable[str], classes: Sequence[str] = ()
) -> list[dict]:
    """Goals as the page reads them: [{"say": text, "when": [[left, sign, right], ...]}].

    Args:
        goal: {what to do: condition}, in the order in which they are to be reached.
        known: the names of the explorer's measures.
        classes: the names of the classes; in a condition a name stands for its place.

    Raises:
        RagteachError: no text, a condition that is none, a name that the explorer does not measure.

    Example:
        >>> parse({"Find it": "accuracy >= 0.6"}, ["accuracy"])
        [{'say': 'Find it', 'when': [['accuracy', '>=', 0.6]]}]
        >>> parse({"Praise": "reads_cars == like"}, ["reads_cars"], ["dislike", "like"])
        [{'say': 'Praise', 'when': [['reads_cars', '==', 1.0]]}]
    """
    known = sorted(known)
    places = {word_for(name): float(c) for c, name in enumerate(classes)}
    if goal is None:
        return []
    good = isinstance(goal, Mapping) and all(
        isinstance(part, str) and part.strip() for pair in goal.items() for part in pair
    )
    if not good:
        raise refuse(
            expected="goal to be a dict {what to do: condition}",
            got=f"{goal!r:.80}",
            fix=EXAMPLE,
        )
    return [{"say": say, "when": _condition(when, known, places)} for say, when in goal.items()]


def _condition(text: str, known: list[str], places: Mapping[str, float]) -> list[list]:
    found = [PART.fullmatch(part) for part in re.split(r"\s+and\s+", text)]
    if None in found:
        raise refuse(
            expected="a condition such as accuracy >= 0.6, several joined by and",
            got=f"{text!r:.80}",
            fix=EXAMPLE,
        )
    sides = [match.groups() for match in found if match is not None]
    return [[_side(a, known, places), sign, _side(b, known, places)] for a, sign, b in sides]


def _side(text: str, known: list[str], places: Mapping[str, float]) -> str | float:
    if text in known:
        return text
    try:
        return float(text)  # also where a class is called 1
    except ValueError:
        if text in places:
            return places[text]
        raise refuse(
            expected=f"a number, or one of the explorer's: {', '.join(known) or 'none'}",
            got=f"{text!r} in a condition",
            fix="compare what the explorer measures; w.measures() shows it",
        ) from None


def word_for(name: str) -> str:
    """A task's, a strategy's or a word's name as a condition writes it: ``full sharing`` is
    full_sharing.
    """
    return name.replace(" ", "_")


def judge(goals: list[dict], measures: Mapping[str, float]) -> list[bool]:
    """Whether each goal is reached by these numbers, which count to six digits: the page's are
    float32.
    """

    def side(of: str | float) -> float:
        return float(f"{measures[of] if isinstance(of, str) else of:.6g}")

    return [
        all(bool(COMPARE[sign](side(a), side(b))) for a, sign, b in goal["when"]) for goal in goals
    ]
