"""What goes wrong in an exercise: the sentences with which its check answers whoever goes wrong.

Enters: an exercise.  Leaves: its messages, misconceptions first and matters of form last, read off
the check's own code: the texts in it, and those of the tables and the functions of the course that
it names. What a message fills in when it is told (a number of yours) is three dots here.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ragteach.teach.checks import Exercise, get

EXERCISES = "ragteach.teach.exercises"
SHORTEST = 30  # characters of a sentence that says what went wrong
FILLED = "…"
SENTENCE = re.compile(r"(?:[A-Z]|\w+: ).*[.?!]", re.DOTALL)  # or one about a method, "best: ..."
UNFINISHED = ("finished", "Unfinished")
FORM = re.compile(r"Answer with |Hand over |Return a |Give (?!each)")


def known_mistakes(number: str) -> list[str]:
    """The messages of an exercise's check, each once: known misconceptions, others, form."""
    exercise = get(number)
    if exercise.draft:
        return [sentence.why for sentence in exercise.draft.values()]
    from ragteach.teach.classroom.worlds import DEFAULT, world_of
    from ragteach.teach.exercises.lessons_in_worlds import SLIPS

    if number in SLIPS:
        return [message for _, message in SLIPS[number](world_of(DEFAULT))]
    messages = _Messages(exercise)
    messages.read(exercise.checker)
    return messages.in_order()


class _Messages:
    """The texts of a check, sorted while its code is read."""

    def __init__(self, exercise: Exercise):
        self.seen = {id(exercise.checker), id(exercise.reference)}
        self.known: list[str] = []  # paired with a wrong answer
        self.others: list[str] = []
        self.form: list[str] = []  # of what is no answer yet, or none of the right kind

    def in_order(self) -> list[str]:
        found = [" ".join(text.split()) for text in (*self.known, *self.others, *self.form)]
        sentences = [t for t in found if len(t) > SHORTEST and SENTENCE.fullmatch(t)]
        sentences = [text.replace(f"{FILLED}.", FILLED) for text in sentences]
        return sorted(dict.fromkeys(sentences), key=lambda text: bool(FORM.match(text)))

    def read(self, function: Callable) -> None:
        try:
            source = inspect.getsource(function)
        except OSError:  # a class that was made by a call
            return
        (body,) = ast.parse(textwrap.dedent(source)).body
        if not isinstance(body, ast.FunctionDef | ast.ClassDef):
            return
        nodes = list(_within(body))
        paired = _ids(part for n in nodes if isinstance(n, ast.Tuple) for part in n.elts[1:])
        form = _ids(part for n in nodes if _is_of_form(n) for part in ast.walk(n))
        praise = _ids(n.value for n in nodes if isinstance(n, ast.Return) and n.value)
        docstring = ast.get_docstring(body, clean=False)
        for node in nodes:
            text = _text(node)
            if isinstance(node, ast.Name | ast.Attribute):
                self.look_up(_value(node, function))
            elif text is None or text == docstring or id(node) in praise:
                continue
            elif id(node) in form:
                self.form.append(text)
            else:
                (self.known if id(node) in paired else self.others).append(text)

    def look_up(self, value: Any) -> None:
        """What a check names: a table of messages, a sentence, a function of the exercises."""
        if id(value) in self.seen:
            return
        self.seen.add(id(value))
        if isinstance(value, str):
            self.known.append(value)
        elif isinstance(value, Mapping):
            for each in value.values():
                self.look_up(each)
        elif isinstance(value, list | tuple):
            for each in value:
                self.look_up(each)
        elif _is_code(value) and value.__module__.startswith(EXERCISES):
            self.read(value)


def _is_code(value: object) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value)


def _ids(nodes: Iterable[ast.AST]) -> set[int]:
    return {id(node) for node in nodes}


def _is_of_form(node: ast.AST) -> bool:
    """A call that says "not yet", or one that names no misconception."""
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func).rpartition(".")[2]
    return name in UNFINISHED or any(word.arg == "diagnosed" for word in node.keywords)


def _within(body: ast.FunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    """Every node of a body in order; of a text with gaps, the whole and not its pieces."""
    waiting: list[ast.AST] = list(reversed(body.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.JoinedStr):
            waiting += reversed(list(ast.iter_child_nodes(node)))


def _text(node: ast.AST) -> str | None:
    """A text as it stands in code, with dots for what is filled in later."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        pieces = (p.value if isinstance(p, ast.Constant) else FILLED for p in node.values)
        return "".join(map(str, pieces))
    return None


def _value(node: ast.Name | ast.Attribute, function: Callable) -> Any:
    """What a name, or ``module.NAME``, stands for where the function was written."""
    known = vars(sys.modules[function.__module__])
    if isinstance(node, ast.Name):
        return known.get(node.id)
    owner = known.get(node.value.id) if isinstance(node.value, ast.Name) else None
    return getattr(owner, node.attr, None) if inspect.ismodule(owner) else None
