"""Telling: what a function returns to be read is shown, also where the caller would lose it.

Enters: a value made to be read, such as a check's verdict, on its way to whoever called. Leaves:
the same value.

The last line of a cell is shown by the notebook, and by nobody else. A call whose value is thrown
away (a line of its own further up, in a loop, in a script) shows it at once. A value that is kept
(``c = check(...)``) is shown at the end of its cell, unless it was displayed or printed by then.
"""

from __future__ import annotations

import contextlib
import dis
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

Value = TypeVar("Value")

_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
_PACKAGE = str(Path(__file__).resolve().parents[1])
_waiting: list[object] = []  # values of this cell that nobody has shown yet


def tell(value: Value, at_the_end: bool = True) -> Value:
    """Hand ``value`` to whoever called your function, and show it where it would be lost.

    Args:
        value: what your function returns; call `told` in its ``__repr__`` and its like.
        at_the_end: show it at the end of a notebook's cell, too, if it was kept and never shown.

    Example:
        >>> def greet():
        ...     return tell("Good morning")
        >>> def speak():
        ...     greet()
        ...     return "and good night"
        >>> speak()
        Good morning
        'and good night'
    """
    caller = sys._getframe(2)
    if not of_learner(caller.f_code.co_filename):
        return value
    shell = _shell()
    if _thrown_away(caller):
        _show(value, shell)
    elif shell is not None and at_the_end:
        _waiting.append(value)
        shell.events.register("pre_run_cell", _begin)
        shell.events.register("post_run_cell", _end)
    return value


def told(value: object) -> None:
    """``value`` is being shown: it waits no longer."""
    _waiting[:] = [other for other in _waiting if other is not value]


def of_learner(filename: str) -> bool:
    """Is this a file that the learner wrote, a cell or a module of theirs?"""
    return "ipykernel" in filename or not filename.startswith((*_LIBRARIES, _PACKAGE))


def _thrown_away(caller: FrameType) -> bool:
    """Does the code that called do nothing with what it gets?"""
    later = (step for step in dis.get_instructions(caller.f_code) if step.offset > caller.f_lasti)
    following = next(later, None)
    return following is not None and following.opname == "POP_TOP"


def _shell() -> Any:
    """The notebook's, or the terminal's, IPython; None in plain Python."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _show(value: object, shell: Any) -> None:
    told(value)
    with contextlib.suppress(UnicodeError):  # a terminal that knows no such sign
        if shell is not None:
            from IPython.display import display

            display(value)
            return
    text = value if isinstance(value, str) else repr(value)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError, ValueError):  # an output that is closed
        print(text.encode(encoding, "backslashreplace").decode(encoding))


def _begin(*_: object) -> None:
    _waiting.clear()


def _end(*_: object) -> None:
    shell = _shell()
    for value in list(_waiting):
        _show(value, shell)
    _waiting.clear()
