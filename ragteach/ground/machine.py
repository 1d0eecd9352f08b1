"""The machine under a training: which device it has, and a Ctrl-C that loses nothing.

Enters: the name of a device; a signal.  Leaves: a device that is there; a note that a loop reads.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import torch

from ragteach.errors import refuse, shown


def pick_device(device: Any = "auto") -> torch.device:
    """``"auto"``: CUDA if there is one, then MPS, then the CPU. Anything else is taken as it is."""
    if not isinstance(device, str) or device != "auto":
        try:
            return torch.empty(0, device=device).device
        except (RuntimeError, AssertionError, TypeError, ValueError) as error:
            raise refuse(
                expected='device="auto", or one that this computer has',
                got=f"device = {shown(device)}",
                fix='use "auto" or "cpu"',
            ) from error
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class Interruption:
    """Notes Ctrl-C, so that a step under way is finished first; a second one stops at once.

    ``with interruption:`` also notes a KeyboardInterrupt raised in the learner's own code.
    """

    def __init__(self) -> None:
        self.noted = False

    def is_set(self) -> bool:
        return self.noted

    def set(self, *_: Any) -> None:
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True

    def __enter__(self) -> Interruption:
        return self

    def __exit__(self, kind: type | None, *_: Any) -> bool:
        if kind is KeyboardInterrupt:
            self.noted = True
        return kind is KeyboardInterrupt


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """An `Interruption` that Ctrl-C sets. (Only the main thread hears signals.)"""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = signal.signal(signal.SIGINT, interruption.set)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
