"""The questions that a lesson asks before it computes, and the answers that each offers.

Enters: a question's name and what somebody guessed, or what came out.  Leaves: the offered answer
that is meant, or an error in three parts that lists them; and whether the two agree.

A guess is one of the offered answers or it is refused: what cannot come out cannot be compared.
How it may be written: see `meant`. The digits of a guess matter: "about 15 %" is no misspelt
"about 5 %".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragteach.errors import RagteachError, refuse, shown
from ragteach.ground.objects import printed
from ragteach.teach.meant import meant, plain, without_brackets


@dataclass(frozen=True)
class Choice:
    """One of a few answers; ``also`` pairs other natural words with the answer they mean."""

    answers: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()

    def read(self, guess: object) -> str:
        """The answer that is meant.

        Raises:
            RagteachError: it is none of them, it denies one, or it holds two.
        """
        if isinstance(guess, bool | np.bool_) and {"yes", "no"} <= set(self.answers):
            return "yes" if guess else "no"
        if isinstance(guess, list | tuple):  # ("no", "yes"); ["cars", "food"] in any order
            guess = ", ".join(printed(part) for part in guess)
        answer, what_to_do = self.means(guess)
        if answer:
            return answer
        listed = ", ".join(f'"{answer}"' for answer in self.answers)
        raise refuse(
            expected=f"one of the offered answers: {listed}",
            got=shown(guess, 80),
            fix=what_to_do,
        )

    def means(self, guess: object) -> tuple[str, str]:
        """The answer that these words mean, or what to do."""
        return meant(guess, self.answers, self.also)

    def came(self, result: object) -> str:
        """The offered answer with which a result begins, whatever stands in brackets; or empty."""
        offered = {plain(answer): answer for answer in self.answers}
        told = printed(result)
        outs = [f"{plain(words)} " for words in (told, without_brackets(told))]
        fits = [word for word in offered if any(out.startswith(f"{word} ") for out in outs)]
        return offered[max(fits, key=len)] if fits else ""

    def compared(self, mine: object, result: object) -> str:
        """What the reveal says of a guess beside the result."""
        came = self.came(result)
        if not came:
            return "That is none of the offered answers: what had you assumed?"
        same = plain(mine) == plain(came)
        return "As you predicted." if same else "Not as you predicted: what had you assumed?"


NO_LETTER = ("none", "none of them", "no 1", "neither", "nothing", "0")  # as `plain` has them


class Letters(Choice):
    """Any of a few letters, in any order: "ab", "b, a" or ["a", "b"]; or "none" of them."""

    def means(self, guess: object) -> tuple[str, str]:
        """These letters, with nothing but separators between; a letter too many is no slip."""
        if plain(guess) in NO_LETTER:
            return "none", ""
        text = re.sub(r"\band\b", ",", printed(guess).lower())
        letters = "".join(sorted(set(re.findall(r"[a-z]", text))))
        only = re.fullmatch(r"[\sa-z,;/+&.\[\]()'\"{}]*", text)
        if only and letters in self.answers:
            return letters, ""
        return "", 'write the letters alone, or "none"; your guess is not kept yet'


@dataclass(frozen=True)
class Number:
    """A number between two bounds; "20 %" is 0.2."""

    low: float
    high: float

    def read(self, guess: object) -> str:
        text = re.sub(r"^(about|≈|~)\s*", "", printed(guess).strip().lower())
        text = re.sub(r"\s*per ?cent$", "%", text)
        top, slash, bottom = text.rstrip("% ").partition("/")
        try:
            value = float(top) / (float(bottom) if slash else 1)
        except (ValueError, ZeroDivisionError):
            value = float("nan")
        value /= 100 if text.endswith("%") else 1
        if not self.low <= value <= self.high:
            raise refuse(
                expected=f"a number from {self.low:g} to {self.high:g}",
                got=shown(guess, 80),
                fix="write the number itself; your guess is not kept yet",
            )
        return f"{value + 0.0:g}"  # -0 is 0

    def compared(self, mine: object, result: object) -> str:
        try:
            off = float(printed(mine)) - float(printed(result))
        except ValueError:
            return "What had you assumed?"
        if abs(off) < 0.005:
            return "As you predicted."
        return (
            f"Your guess is {abs(off):.2g} too {'high' if off > 0 else 'low'}: what had "
            "you assumed?"
        )


@dataclass(frozen=True)
class Bets:
    """One word for each of several claims."""

    words: tuple[str, ...]

    def read(self, guess: object) -> dict[str, str]:
        if not isinstance(guess, Mapping):
            raise refuse(
                expected='a dict with a word for each claim: {"claim": "word", ...}',
                got=shown(guess, 80),
                fix="fill in the dict above",
            )
        kept = {}
        unread = []
        for claim, word in guess.items():
            try:
                kept[printed(claim)] = Choice(self.words).read(word)
            except RagteachError:
                unread.append(f"{printed(claim)}: {shown(word, 40)}")
        if unread:
            listed = ", ".join(f'"{word}"' for word in self.words)
            raise refuse(
                expected=f"for each claim one of {listed}",
                got="; ".join(unread),
                fix="write one of these words there; your bets are not kept yet",
            )
        return kept

    def compared(self, mine: object, result: object) -> str:
        if not isinstance(mine, Mapping) or not isinstance(result, Mapping):
            return "What had you assumed?"
        off = [claim for claim, word in result.items() if mine.get(claim) != word]
        if not off:
            return f"All {len(result)} as you predicted."
        told = "; ".join(f"{c}: you said {mine.get(c)}, it is {result[c]}" for c in off)
        return f"{len(result) - len(off)} of {len(result)} as you predicted. The others: {told}."


Question = Choice | Number | Bets


def _each(*answers: str, also: Mapping[str, str] | None = None) -> Choice:
    return Choice(answers, tuple((also or {}).items()))


def _combined(
    first: Sequence[str], second: Sequence[str], between: str, also: Mapping[str, str] | None = None
) -> Choice:
    answers = (between.join(pair) for pair in itertools.product(first, second))
    return _each(*answers, also=also)


SAME = "same equal equally alike tie unchanged".split()  # other words for an answer that says so
SAME += ["about equal", "about the same", "no difference", "no clear difference", "no change"]


def _same(answer: str) -> dict[str, str]:
    return dict.fromkeys(SAME, answer)


STRATEGIES = _each(
    "independent", "full sharing", "RAG", also={"shared": "full sharing", "sharing": "full sharing"}
)
AGAINST_ALONE = _each(
    "better",
    "worse",
    "no clear difference",
    also={
        **_same("no clear difference"),
        **{
            f"{word} than {rival}": word
            for word in ("better", "worse")
            for rival in ("independent", "independent models", "independent policies")
        },
    },
)
VERDICTS = Bets(("for", "against", "depends", "open", "cannot be tested"))
TELLING = _each("yes", "no", "these draws cannot tell")

QUESTIONS: dict[str, Question] = {
    "00-a": STRATEGIES,
    "01-a": _each(
        *"1234",
        also={
            words.format(k): k
            for k in "1234"
            for words in ("{} of 4", "at most {}", "at best {}", "up to {}", "{} at best")
        },
    ),
    "01-b": _each("yes", "no", also={"never": "no"}),
    "02-a": _each("1", "2", "3", "4"),
    "02-b": _each("0", "1", "2", "3", "4", "5", "6"),
    "02-c": _each("1 in 3", "as before", "perfect", also=_same("as before")),
    "03-a": _each(
        "mostly right",
        "always positive",
        "by chance",
        also={"it always says positive": "always positive", "chance": "by chance"},
    ),
    "03-b": _each(
        "films",
        "the small tasks",
        "all",
        "none",
        also={
            "small ones": "the small tasks",
            **{
                ", ".join(three): "the small tasks"
                for three in itertools.permutations(("cars", "food", "phones"))
            },
        },
    ),
    "03-c": _each(
        "about 0.33",
        "about 0",
        "hardly changes",
        also={"chance": "about 0.33", "stays": "hardly changes", **_same("hardly changes")},
    ),
    "04-a": _each("all three", "joint and alternating", "joint and two_phase", "none"),
    "04-b": _each("clearly worse", "about equal", "clearly better", also=_same("about equal")),
    "04-c": _each("all three", "joint and asleep", "joint", "none"),
    "05-a": _each(
        "W_s",
        "an adapter",
        "equal",
        also={"shared": "W_s", "shared weights": "W_s", **_same("equal")},
    ),
    "05-b": Letters(
        tuple(
            "".join(some) or "none" for n in range(5) for some in itertools.combinations("abcd", n)
        )
    ),
    "05-c": _each(
        "below 0", "about 0", "above 0", also={"negative": "below 0", "positive": "above 0"}
    ),
    "06-a": STRATEGIES,
    "06-b": _each("nothing", "about a third", "more than half"),
    "06-c": _each(
        "beats both",
        "beats full sharing only",
        "beats neither",
        also={"only full sharing": "beats full sharing only"},
    ),
    "06-d": _each("about 95 %", "about 85 %", "below 75 %"),
    "07-a": _each(
        "below 0.03",
        "between 0.03 and 3",
        "above 3",
        also={"between": "between 0.03 and 3", "in between": "between 0.03 and 3"},
    ),
    "08-a": _combined(
        ("same with", "different with"),
        ("same without", "different without"),
        ", ",
        also={  # in the order of the question: with the penalty, without it
            f"{one}, {two}": f"{one} with, {two} without"
            for one, two in itertools.product(("same", "different"), repeat=2)
        },
    ),
    "08-b": _each("on", "off"),
    "09-a": _each("equal", "size", "it depends on the relatedness"),
    "09-b": _each(
        "all of it", "a part", "nothing", also={"some of it": "a part", "some": "a part"}
    ),
    "09-c": _each(
        "weights",
        "over",
        "under",
        "shift",
        also={
            "oversampling": "over",
            "over-sampling": "over",
            "undersampling": "under",
            "under-sampling": "under",
            "weighting": "weights",
            "class weights": "weights",
            "shifting": "shift",
        },
    ),
    "09-d": _each("up", "no clear change", "down", also=_same("no clear change")),
    "09-e": _combined(
        ("yes", "no"),
        ("yes", "no"),
        ", then ",
        also={
            f"{one}, {two}": f"{one}, then {two}"
            for one, two in itertools.product(("yes", "no"), repeat=2)
        },
    ),
    "10-a": _each("about 1 in 100", "about 1 in 10", "about 1 in 3"),
    "10-b": _each("negative", "neutral", "positive"),
    "10-c": _each("0 to 3", "4 to 8", "9 to 12"),
    "11-a": _each("full sharing", "independent", "both", "neither"),
    "11-b": _each("more", "less", "equally", also=_same("equally")),
    "11-c": _each(
        "in the first block",
        "in the last block",
        "equally in both",
        also={"block 1": "in the first block", **_same("equally in both")},
    ),
    "11-d": _each("worse", "equal", "better", also=_same("equal")),
    "12-a": _each("1", "2", "5", also={"once": "1", "twice": "2", "5 times": "5"}),
    "12-b": _each("lower", "about equal", "higher", also=_same("about equal")),
    "13-a": VERDICTS,
    "13-b": VERDICTS,
    "lab_finance-a": AGAINST_ALONE,
    "lab_finance-b": _each("about 5 %", "about 25 %", "over half"),
    "lab_finance-c": _each(
        "about as long", "about twice", "more than three times", also=_same("about as long")
    ),
    "lab_finance-d": _each("about 5 %", "clearly lower", "clearly higher"),
    "lab_languages-a": _each("English", "German", "Spanish", "Russian", "Chinese"),
    "lab_languages-b": AGAINST_ALONE,
    "lab_languages-c": _each("English", "German", "Spanish", "all five", also={"all": "all five"}),
    "lab_recommendation-a": AGAINST_ALONE,
    "lab_recommendation-b": TELLING,
    "lab_recommendation-c": STRATEGIES,
    "lab_robot-a": AGAINST_ALONE,
    "lab_robot-b": _each("more", "fewer"),
    "lab_robot-c": STRATEGIES,
    "lab_robot-d": _each("the gale", "turned", "both", "neither"),
    "lab_service-a": AGAINST_ALONE,
    "lab_service-b": Number(0, 1),
    "lab_service-c": _each("clearly below 1", "clearly above 1", "not tell"),
    "lab_vision-a": AGAINST_ALONE,
    "lab_vision-b": _each("plain", "rotated", "inverted", "half hidden", "another pen"),
    "lab_vision-c": STRATEGIES,
    "lab_vision-d": TELLING,
}


def read(question: str, guess: object) -> tuple[object, str]:
    """(what is kept, how it was read if that needs saying); of an unknown question, all words are.

    Raises:
        RagteachError: the guess is none of the offered answers.
    """
    asked = QUESTIONS.get(question)
    if asked is None:
        return printed(guess), ""
    meant = asked.read(guess)
    said = printed(guess).strip()
    exact = isinstance(meant, dict) or meant == said or isinstance(asked, Number)
    return meant, "" if exact else f' (read from "{said}")'


def compared(question: str, mine: object, result: object) -> str:
    """How a kept guess compares with what came out."""
    asked = QUESTIONS.get(question)
    if asked is not None:
        return asked.compared(mine, result)
    same = plain(mine) == plain(result)
    return "As you predicted." if same else "Compare the two: what had you assumed?"
