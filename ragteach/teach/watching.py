"""By hand: a learner's function may not call the library's own for what the exercise asks of it.

Enters: functions of the library, and a block in which the learner's function is called.  Leaves:
nothing, or `Wrong` if one of them ran.  The functions are known by where their code stands, so that
the process in which a student's function runs can watch for them too: a name that was bound anew
there hides nothing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ragteach.ground.telling import of_learner
from ragteach.teach.checks import Wrong

Place = tuple[str, int, str]  # file, line and name of a function's code; of a built-in its module
_WATCHED: ContextVar[dict[Place, str]] = ContextVar("what may not be called now")


@contextmanager
def by_hand(*library: Callable, why: str = "it does the whole exercise") -> Iterator[None]:
    """Inside, a function of the learner that calls one of these is refused, whatever it returns.

    Raises:
        Wrong: one of them was called.
    """
    told = "Yours calls {}: {}. Write it yourself, without that call."
    refused = {_place(f): told.format(f.__name__, why) for f in library}
    before = _WATCHED.set(refused)
    try:
        with refusing(refused):
            yield
    finally:
        _WATCHED.reset(before)


def refused_now() -> dict[Place, str]:
    """What may not be called now, and what is said then: for the process of a student's code."""
    return _WATCHED.get({})


@contextmanager
def refusing(refused: Mapping[Place, str]) -> Iterator[None]:
    """Watch every call, and raise `Wrong` at the end if one was among these."""
    used: list[str] = []

    def see(frame: Any, event: str, called: Any) -> None:
        place: Place | None = None
        if event == "call":
            code = frame.f_code
            place = code.co_filename, code.co_firstlineno, code.co_name
        elif event == "c_call" and of_learner(frame.f_code.co_filename):
            place = _place(called)  # a built-in, and not one that a library calls for itself
        if place is not None and place in refused:
            used.append(refused[place])

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(before)
        if used:
            raise Wrong(used[0])


def _place(called: Any) -> Place:
    """Where the code of a function stands, or which built-in it is."""
    code = getattr(inspect.unwrap(called), "__code__", called)
    if inspect.iscode(code):
        return code.co_filename, code.co_firstlineno, code.co_name
    return str(getattr(code, "__module__", "")), 0, str(getattr(code, "__name__", ""))
