"""Stopping: Ctrl-C, SIGTERM and a closed terminal end the work once, however often they are sent.

Enters: a signal.  Leaves: one KeyboardInterrupt, which says in its ``sign`` what it was.

Work that is stopped has something to do still: end its processes, remove half a file, say what is
kept. A finger that presses twice, or a terminal and a system that both send, must not break into
that. So what comes within `PATIENCE` seconds of the first signal is taken for the same; what comes
later is meant, and ends the ending too.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 3.0  # seconds
SIGNS = {
    "SIGINT": "Ctrl-C",
    "SIGTERM": "SIGTERM (a request to end)",
    "SIGHUP": "SIGHUP (its terminal was closed)",
}


class Ended(KeyboardInterrupt):
    """A program was asked to stop; ``sign`` says in words how."""

    def __init__(self, sign: str):
        super().__init__()
        self.sign = sign


def sign_of(stopped: BaseException) -> str:
    """How somebody said stop, for a message.

    Example:
        >>> sign_of(KeyboardInterrupt()), sign_of(Ended(SIGNS["SIGHUP"]))
        ('Ctrl-C', 'SIGHUP (its terminal was closed)')
    """
    return getattr(stopped, "sign", SIGNS["SIGINT"])


class Once:
    """A handler of signals that raises `Ended`, once for all that are sent in a hurry.

    Attributes:
        number: of the first signal; None if there was none.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.first = 0.0

    def __call__(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self.number is not None and now - self.first < PATIENCE:
            return
        if self.number is None:
            self.number = number
            self.first = now
        raise Ended(SIGNS[signal.Signals(number).name])


@contextmanager
def once(*names: str) -> Iterator[Once]:
    """Let `Once` handle these signals for a while (default: Ctrl-C's).

    Whoever handles one in another way already, or ignores it (``nohup`` does), goes on doing so.
    Only the main thread hears signals.
    """
    handler = Once()
    before = dict[int, Any]()
    if threading.current_thread() is threading.main_thread():
        for name in names or ("SIGINT",):
            number = getattr(signal, name, None)  # a system without terminals has no SIGHUP
            if number is None:
                continue
            usual = signal.getsignal(number)
            if usual in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = usual
                signal.signal(number, handler)
    try:
        yield handler
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
