"""Checks that teach: what you made goes in, PASS, FAIL or TODO comes out, with the reason.

Enters: an exercise's number and the learner's function, number, array or text. Leaves: a `Result`
that a notebook draws as a small table: your answer, with the places that differ marked. A check
never raises: an error in the learner's code becomes a FAIL that names the error, and an unfinished
answer (``...`` or None) becomes TODO. And it never gives the answer away: the right value takes
part in the comparison, and in nothing that leaves it.

An exercise is a function in ``ragteach/teach/exercises/lesson_NN.py`` that receives the learner's
answer and compares it with `expect_close`, `expect_equal`, `expect_choice`, `expect_marks` or
`expect`. These know the plausible wrong answers of their exercise, so that a wrong answer is told
which misconception it shows.
"""

from __future__ import annotations

import copy
import html
import importlib
import inspect
import pickle
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ragteach.errors import refuse, shown
from ragteach.ground.objects import printed
from ragteach.ground.telling import of_learner, tell, told
from ragteach.teach import record
from ragteach.teach.classroom.worlds import DEFAULT, world_of
from ragteach.teach.drawing import as_array, as_html, as_text, marked
from ragteach.teach.grammar import agreeing
from ragteach.teach.handing import by_name, does_not_fit, kinds, like, read
from ragteach.teach.likely import direction, first_difference, likely, not_finite, rounded
from ragteach.teach.meant import meant
from ragteach.teach.partly import partly
from ragteach.teach.probing import confirmed, probed

PASS = "PASS"
FAIL = "FAIL"
TODO = "TODO"
_SIGN = {PASS: "✓", FAIL: "✗", TODO: "…"}  # a sign and a word, never colour alone
_EDGE = {PASS: "#0072B2", FAIL: "#D55E00", TODO: "#767676"}
REGISTRY: dict[str, Exercise] = {}
IN_WORLDS = "ragteach.teach.exercises.lessons_in_worlds"  # one exercise of most lessons: 01-w, ...
_SAID: ContextVar[list[tuple[bytes, np.ndarray]]] = ContextVar("answers of this check")
_ASKED: ContextVar[tuple[Callable, dict[str, Any]] | None] = ContextVar("the last call of a check")
_NOW: ContextVar[Exercise | None] = ContextVar("the exercise that is checked", default=None)


FORM = re.compile(  # about how an answer is handed over: no misconception
    r"Hand over|Return |Fill in|Answer with|Choose one of|Give (one|two|three|a|an|the) |"
    r"Your function takes|[^.]* should be numbers, not|[^.]* has shape"
)


class Wrong(Exception):
    """Raised inside a checker: this answer is wrong, and this is what it misunderstands.

    Args:
        message: the misconception, without the right value.
        yours: what the learner sees of the own answer.
        expected: the right value, from which only the places that differ are kept.
        diagnosed: False where the message names no misconception.
        rule: whether the exercise's rule is told behind it; by default where nothing is named.
        part: which of several things that were asked for ``yours`` is.
    """

    def __init__(
        self,
        message: str,
        yours: object = None,
        expected: object = None,
        diagnosed: bool = True,
        rule: bool | None = None,
        part: str = "",
    ) -> None:
        super().__init__(message)
        self.part = part
        self.yours, self.diagnosed = yours, diagnosed
        self.rule = not diagnosed if rule is None else rule
        self.marked = marked(yours, expected)


class Unfinished(Exception):
    """Raised inside a checker: there is no answer yet."""


@dataclass
class Exercise:
    """What is fixed about one exercise: the card, the hints, the checker and the reference
    answer.
    """

    number: str
    title: str
    difficulty: str  # "easy", "medium" or "hard"
    minutes: int
    trains: str
    hints: Sequence[str]
    checker: Callable[[object], str | None]
    reference: object = None
    reason: str = ""  # why the reference is right, shown with PASS
    rule: str = ""  # what to look at again when no known mistake fits; else the first hint
    rubric: Sequence[str] = ()  # for answers that a reader must judge
    draft: Mapping[str, Any] = field(default_factory=dict)  # sentences to mark, see `written`
    model: str = ""  # a good answer in words, and
    tempting: str = ""  # a plausible wrong one, with
    flaw: str = ""  # what is wrong with it
    bound: Callable[[Any], object] | None = None  # the right answer in a world, see `worlds`


@dataclass
class Result:
    """The answer of `check`: status, message, and yours, marked where it differs.

    The right answer is not in it: a message that shows it ends the exercise.
    """

    exercise: str
    status: str
    message: str
    yours: object = None
    marked: np.ndarray | None = None  # True where yours differs
    part: str = ""  # of several answers, which one yours is
    diagnosed: bool = False  # True: the message names a misconception
    rubric: Sequence[str] = field(default=())

    def __bool__(self) -> bool:
        return self.status == PASS

    def __repr__(self) -> str:
        told(self)
        lines = [f"{_SIGN[self.status]} {self.status} {self.exercise}: {self.message}"]
        if self.yours is not None:
            lines.append(f"  yours{self._part}:")
            lines += [f"    {line}" for line in as_text(self.yours, self.marked).splitlines()]
        lines += [f"  [ ] {item}" for item in self.rubric]
        return printed("\n".join(lines))

    @property
    def _part(self) -> str:
        return f" ({self.part[:1].lower()}{self.part[1:]})" if self.part else ""

    def _repr_html_(self) -> str:
        told(self)
        head = f"<strong>{_SIGN[self.status]} {self.status} {html.escape(self.exercise)}</strong>"
        body = f"<div>{html.escape(self.message)}</div>"
        if self.yours is not None:
            table = as_html(self.yours, self.marked)
            body += f"<div><em>yours{html.escape(self._part)}</em>{table}</div>"
        if self.rubric:
            body += (
                "<ul>"
                + "".join(f"<li>☐ {html.escape(item)}</li>" for item in self.rubric)
                + "</ul>"
            )
        style = f"border-left:4px solid {_EDGE[self.status]};padding-left:0.8em"
        return printed(f"<div style='{style}'>{head}{body}</div>")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


# ------------------------------------------------------------------ for the learner


def check(number: str, yours: object = ...) -> Result:
    """Check your answer to one exercise.

    Args:
        number: the exercise, e.g. ``"02-1"``.
        yours: your function, number, array or marks. ``...`` and None mean "not yet".

    Returns:
        A `Result`, which a notebook shows wherever in a cell the check stands. It is true when you
        PASS.

    Example:
        >>> check("00-1", ...)
        … TODO 00-1: Nothing to check yet: replace the ... with your answer.
    """
    result = _judge(number, yours)
    _remember(result, yours)
    return tell(result)


def reference(number: str) -> object:
    """The reference answer, for later cells that need one whether or not you have finished.

    Example:
        >>> mine_or_not = reference("00-1")
    """
    exercise = get(number)
    if exercise.bound is not None:  # the default world's, wherever you are: not yours
        return exercise.bound(world_of(DEFAULT))
    return copy.deepcopy(exercise.reference)


def get(number: str) -> Exercise:
    """The exercise with this number; the error lists the lesson's numbers."""
    lesson = printed(number).rpartition("-")[0]
    name = lesson if lesson.startswith("lab_") else f"lesson_{lesson}"
    module = f"ragteach.teach.exercises.{name}"
    try:
        if re.fullmatch(r"\w+", lesson):
            importlib.import_module(module)
            importlib.import_module(IN_WORLDS)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    if not isinstance(number, str) or number not in REGISTRY:
        known = ", ".join(sorted(k for k in REGISTRY if k.startswith(f"{lesson}-")))
        short = re.fullmatch(r"\d-\d+", printed(number))  # "0-1" is 00-1
        raise refuse(
            expected=f"the number of an exercise: {known or 'as on its card, such as 00-1'}",
            got=shown(number, 80),
            fix=f'write "0{printed(number)}"' if short else "check the number",
        )
    return REGISTRY[number]


# ------------------------------------------------------------------ for the author


def exercise(number: str, **card: Any) -> Callable:
    """Register the decorated checker as exercise ``number``; ``card``: the other fields of
    `Exercise`.
    """

    def register(checker: Callable) -> Callable:
        new = Exercise(number=number, checker=checker, **card)
        if number in REGISTRY and REGISTRY[number].checker.__module__ != checker.__module__:
            raise refuse(
                expected="a new number",
                got=number,
                fix="number the exercises of a lesson 1, 2, 3, ...",
            )
        if new.difficulty not in ("easy", "medium", "hard"):
            raise refuse(
                expected="easy, medium or hard",
                got=repr(new.difficulty),
                fix="choose one of the three words",
            )
        if len(new.hints) < 2:
            raise refuse(
                expected="a ladder of at least 2 hints",
                got=f"{len(new.hints)}",
                fix="add a smaller step",
            )
        REGISTRY[number] = new
        return checker

    return register


def call(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call the learner's function on copies, so that it cannot spoil the check's own arrays.

    Hand over what the lesson hands over, arrays or tensors. A function that was written for the
    other kind (``.sum(dim=0)`` on arrays, ``.sum(axis=0, keepdims=True)`` on tensors, lists) is
    called again with that; if no kind will do, the error of the first call is the one that is told.
    """
    if not callable(function):
        raise Wrong(
            f"Hand over the function itself, without brackets; this is a {type(function).__name__}."
        )
    if problem := does_not_fit(function, args, kwargs):
        advice = "Compare the names and the number of your function's arguments with the exercise."
        raise Wrong(f"{problem} {advice}", diagnosed=False)
    _ASKED.set((function, by_name(function, args, kwargs)))
    answer = _first_that_runs(function, args, kwargs)
    if isinstance(answer, Iterator):
        answer = read(answer)
    finished(
        answer,
        "Your function returns nothing yet. If you have written it: does it end with return?",
    )
    _note(args, kwargs, answer)
    return answer


def _note(args: tuple, kwargs: dict, answer: object) -> None:
    """Keep what the function was asked in this check and what it said, if both can be kept."""
    try:
        asked = pickle.dumps((args, kwargs))
        said = as_array(answer)
    except Exception:  # a model, an object of theirs: then this clue is missing
        return
    _SAID.get([]).append((asked, said))


def _deaf() -> bool:
    """Did the function give one answer, with decimals, to different questions of this check?"""
    found = _SAID.get([])
    if len({asked for asked, _ in found}) < 2:
        return False
    first = found[0][1]
    plain = first.dtype.kind != "f" or bool((first == np.round(first)).all())
    return not plain and all(np.array_equal(first, said) for _, said in found)


def _first_that_runs(function: Callable, args: tuple, kwargs: dict) -> object:
    first: Exception | None = None
    for these, named in kinds(args, kwargs):
        try:
            return function(*these, **named)
        except (Wrong, Unfinished, NotImplementedError):
            raise
        except Exception as error:  # of another kind it may take the same numbers
            first = first or error
    assert first is not None
    raise first


Mistakes = Iterable[tuple[object, str]]


def expect_close(
    yours: object,
    expected: object,
    wrong: Mistakes = (),
    what: str = "Your answer",
    rtol: float = 1e-3,
    atol: float = 1e-6,
) -> None:
    """Compare numbers or arrays; ``wrong`` pairs known wrong values with the message for each.

    A wrong value may be a function of no arguments, called only if needed. The one that equals
    yours decides the message; where two do, both are told, for nobody can say which it was. A wrong
    shape is told as such.

    Example:
        >>> expect_close(7, 12, wrong=[(7, "You added where the equation multiplies.")])
        Traceback (most recent call last):
        ...
        ragteach.teach.checks.Wrong: You added where the equation multiplies.
    """
    finished(yours, agreeing(what, "is not there yet."))
    right = as_array(expected)
    try:
        mine = as_array(yours)
    except Exception:
        told = f"{what} should be numbers, not {type(yours).__name__}."
        raise Wrong(told, shown(yours), right, diagnosed=False, rule=False) from None
    if right.ndim == 0 and mine.size == 1:
        mine = mine.reshape(())  # an array of one number is a number
    if isinstance(expected, int):
        rtol = min(rtol, 1e-6)  # a count is right or wrong: 1501 is not 1500
    if _same(mine, right, rtol, atol):
        return
    slips = (
        message
        for value, message in wrong
        if _same(mine, as_array(value() if callable(value) else value), rtol, atol)
    )
    one = "" if right.ndim or what == "Your answer" else what  # named beside the number shown
    if known := list(dict.fromkeys(slips)):
        raise Wrong(_either(known), mine, right, part=one)
    if told := rounded(mine, right):
        raise Wrong(agreeing(what, told), mine, right, part=one)
    slip = likely(mine, right, rtol, atol)
    if slip and _holds(mine, right, lambda a, b: likely(a, b, rtol, atol)):
        raise Wrong(agreeing(what, slip), mine, right, part=one)
    part = partly(mine, right, what, _given())
    if part and _holds(mine, right, lambda a, b: partly(a, b, what, _given())):
        raise Wrong(agreeing(what, part), mine, right, rule=_rule_helps(part))
    if mine.shape != right.shape:
        raise Wrong(
            agreeing(what, f"has shape {mine.shape}; it should be {right.shape}."),
            mine,
            right,
            diagnosed=False,
        )
    if told := not_finite(mine, right):
        raise Wrong(agreeing(what, told), mine, right, diagnosed=False, part=one)
    off = int((~np.isclose(mine, right, rtol=rtol, atol=atol)).sum())
    where = first_difference(mine, right, rtol, atol)
    how_many = f" in {off} of {right.size} entries, {where}" if where else ""
    if not right.ndim:
        how_many = f" from what is asked: yours is {mine:.4g}{direction(mine, right)}"
    raise Wrong(agreeing(what, f"differs{how_many}."), mine, right, diagnosed=False, part=one)


def _either(told: Sequence[str]) -> str:
    """One slip, or the first two of those that give the same numbers."""
    if len(told) == 1:
        return told[0]
    return f"Two slips give just this. Either: {told[0]} Or: {told[1]}"


def expect_equal(
    yours: object, expected: object, wrong: Mistakes = (), what: str = "Your answer"
) -> None:
    """Compare things that are equal or not: words, sets, lists, whole numbers."""
    finished(yours, agreeing(what, "is not there yet."))
    if bool(yours == expected):
        return
    for value, message in wrong:
        if bool(yours == value):
            raise Wrong(message, shown(yours), shown(expected))
    where = _first_unequal(yours, expected)
    told = agreeing(what, f"is not the expected one{where}.")
    raise Wrong(told, shown(yours), shown(expected), diagnosed=False)


def _first_unequal(yours: object, expected: object) -> str:
    """Where two dicts or lists differ first, and what stands there in the learner's."""
    if isinstance(yours, dict) and isinstance(expected, dict):
        keys = [k for k in expected if k not in yours] + [k for k in yours if k not in expected]
        if keys:
            return f": {keys[0]!r} is {'missing' if keys[0] in expected else 'too much'}"
        at = next((k for k in expected if yours[k] != expected[k]), None)
        return f": first at {at!r}, where yours is {shown(yours[at], 60)}"
    if isinstance(yours, list | tuple) and isinstance(expected, list | tuple):
        pairs = enumerate(zip(yours, expected, strict=False))
        at = next((i for i, (a, b) in pairs if a != b), None)
        if at is not None:
            return f": first at [{at}], where yours is {shown(yours[at], 60)}"
        return f": it has {len(yours)} entries, and should have {len(expected)}"
    return ""


def expect_choice(
    yours: object, right: str, wrong: dict[str, str], offered: Sequence[str] = ()
) -> None:
    """A choice among letters or words; every wrong choice has its message, and the right one is not
    shown. ``offered``: those that the exercise names, where ``wrong`` knows more.
    """
    mine = as_choice(yours)
    if not mine:
        raise Unfinished("No choice yet.")
    if mine == as_choice(right):
        return
    read, _ = meant(yours, [right, *wrong])  # "full" is "full sharing", as in a prediction
    if read == right:
        return
    for value, message in wrong.items():
        if as_choice(value) in (mine, as_choice(read)):
            raise Wrong(message)
    raise Wrong(
        f"Choose one of {', '.join(offered or sorted([right, *wrong]))}; you wrote {shown(yours)}.",
        diagnosed=False,
        rule=False,
    )


def as_choice(word: object) -> str:
    """Capitals, brackets, dots, hyphens and spaces do not make another choice."""
    return re.sub(r"[\s_-]+", " ", printed(word).strip().strip("().'\"")).strip().lower()


def expect(condition: object, message: str, yours: object = None, expected: object = None) -> None:
    """Fail with ``message`` unless ``condition`` holds."""
    if not bool(condition):
        raise Wrong(message, yours, expected)


@contextmanager
def ruled(rule: str) -> Iterator[None]:
    """Inside, an answer that shows no known mistake is told this rule, and not the exercise's: for
    the parts of a long build, of which each has a rule of its own.
    """
    try:
        yield
    except Wrong as wrong:
        if wrong.rule:
            wrong.args = (f"{wrong} Look again at this: {rule}",)
            wrong.diagnosed = True
            wrong.rule = False
        raise


# ------------------------------------------------------------------ inside


def _judge(number: str, yours: object) -> Result:
    try:
        exercise = get(number)
    except ValueError as error:
        return Result(printed(number), FAIL, str(error))
    _SAID.set([])
    _ASKED.set(None)
    _NOW.set(exercise)
    try:
        finished(yours, "Nothing to check yet: replace the ... with your answer.")
        said = exercise.checker(like(yours, exercise.reference))
    except (Unfinished, NotImplementedError) as error:
        return Result(
            number, TODO, str(error) or "Not finished yet: it raises NotImplementedError."
        )
    except Wrong as wrong:
        if not wrong.diagnosed and _deaf():
            told = (
                "Your function gave one and the same answer to different questions. "
                f"{wrong} {_rule(exercise)}"
            )
            return Result(number, FAIL, told, wrong.yours, wrong.marked, wrong.part, True)
        seen = "" if wrong.diagnosed else _probed(exercise)
        parts = (str(wrong), seen, _rule(exercise) if wrong.rule else "")
        diagnosed = wrong.diagnosed or bool(seen)
        told = " ".join(part for part in parts if part)
        return Result(number, FAIL, told, wrong.yours, wrong.marked, wrong.part, diagnosed)
    except Exception as error:  # whatever the learner's code does, the notebook goes on
        return _explain_error(number, error, callable(yours))
    own = callable(yours) and yours is exercise.reference
    note = "This is the course's own answer: write yours to learn from it." if own else ""
    message = " ".join(text for text in (said or "Right.", exercise.reason, note) if text)
    return Result(number, PASS, message, rubric=() if exercise.model else exercise.rubric)


def _remember(result: Result, yours: object) -> None:
    """Keep how an exercise went: state, tries, the last answer, and which misconceptions were
    met.
    """
    if result.status == TODO or result.exercise not in REGISTRY:
        return
    before = record.kept("checks").get(result.exercise, {})
    met = list(before.get("met", []))
    of_form = FORM.match(result.message)
    if result.diagnosed and not of_form and result.message not in met:
        met.append(result.message)
    entry = {
        "status": result.status,
        "passed": bool(before.get("passed")) or PASS in (result.status, before.get("status")),
        "tries": before.get("tries", 0) + 1,
        "met": met,
        "answer": record.as_data(yours),
    }
    record.keep("checks", result.exercise, entry)


def finished(thing: object, message: str) -> None:
    """Raise `Unfinished` for ``...``, None, NotImplemented, "TODO", or a container that holds
    ``...``.
    """
    blank = thing is None or thing is ... or thing is NotImplemented
    if isinstance(thing, str):
        blank = thing.strip() in ("", "...", "TODO")
    elif isinstance(thing, dict):
        blank = any(v is ... for v in thing.values())
    elif isinstance(thing, list | tuple | set | frozenset):
        blank = any(v is ... for v in thing)
    if blank:
        raise Unfinished(message)


def _same(a: np.ndarray, b: np.ndarray, rtol: float, atol: float) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True))


def _given() -> dict[str, Any]:
    """The arguments of the last call, by their names."""
    asked = _ASKED.get(None)
    return asked[1] if asked else {}


def _rule_helps(part: str) -> bool:
    """Not where it is the first hint, and that is about the number which is right already."""
    exercise = _NOW.get(None)
    return not part.startswith("is right in part") or bool(exercise and exercise.rule)


def _holds(
    mine: np.ndarray, right: np.ndarray, slip: Callable[[np.ndarray, np.ndarray], str]
) -> bool:
    """Is a slip that explains these numbers one of the function's, or did they just coincide?"""
    asked = _ASKED.get(None)
    exercise = _NOW.get(None)
    if asked is None or exercise is None or not inspect.isfunction(exercise.reference):
        return True
    return confirmed(asked[0], exercise.reference, asked[1], slip, mine, right)


def _probed(exercise: Exercise) -> str:
    """What the learner's last function does with its arguments, beside the reference."""
    asked = _ASKED.get(None)
    if asked is None or not inspect.isfunction(exercise.reference):
        return ""
    return probed(asked[0], exercise.reference, asked[1])


def _rule(exercise: Exercise) -> str:
    """What to look at again, where no known mistake says it better."""
    return f"Look again at this: {exercise.rule or exercise.hints[0]}"


_DOTS = re.compile(r"'ellipsis'|\b(not|got) (an )?ellipsis\b")  # of einsum's "no ellipsis" none
_ADVICE = [  # a sign of the error's text, and what helps then; the first that is found
    (
        r"keyword argument '(dim|axis|keepdim|keepdims)'",
        "torch says dim and keepdim, numpy axis and keepdims.",
    ),
    (r"requires grad", "Write .detach() before you hand a tensor with gradients to numpy."),
    (
        r"dtype|scalar type",
        "Numbers of two kinds meet: turn one with .double(), .float() or .astype(float).",
    ),
    (
        r"has no attribute",
        "Print the type of what stands before the dot: is it an array, a tensor or a list?",
    ),
    (
        r"einsum|einstein",
        "In einsum a letter stands for an axis: give each array as many letters as it has axes, "
        "and use one letter only for axes of one length.",
    ),
    (
        r"shape|size|dimension|broadcast",
        "Print the shapes on both sides, and write them as a comment beside the line.",
    ),
    (
        r"must be (a string\b.*|a )?real number|must be numeric|should be numbers",
        "A dict, a set or an object stands where numbers are asked for: compare with what the "
        "exercise asks you to return.",
    ),
    (r"is not defined", "Run the cells above this one, or check the spelling."),
    (
        r"could not convert string|invalid literal",
        "Text stands where a number is asked for: write a number, without quotes.",
    ),
    (
        r"^KeyError",
        "Nothing has this name there: print list(...) of what you look it up in.",
    ),
    (r"argument", "Look up this function: which arguments does it take, and in which order?"),
]


def _explain_error(number: str, error: Exception, is_code: bool) -> Result:
    """An error while checking, told as a learner needs it; a forgotten ``...`` is a TODO."""
    said = f"{type(error).__name__}: {error}"
    if _DOTS.search(str(error)):
        return Result(number, TODO, "A ... is still in your code; replace it.")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if of_learner(f.filename)]
    where = f" in line {frames[-1].lineno} of your cell ({frames[-1].line})" if frames else ""
    found = [advice for sign, advice in _ADVICE if re.search(sign, said, re.IGNORECASE)]
    usual = "Read the last line of the error first; then call your function on a small example."
    if not is_code:
        usual = "Compare its form with the line that you filled in."
    what = "Your code raised" if is_code else "Your answer cannot be read:"
    return Result(number, FAIL, f"{what} {said}{where}. {(found or [usual])[0]}")
