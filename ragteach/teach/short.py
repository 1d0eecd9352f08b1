"""The short form of a lesson: the same cells on less, for a machine that must answer soon.

Enters: a size of the whole form, and that of the short one.  Leaves: the whole; or, where the
environment variable `VARIABLE` is set, the short one, and then the cell says so.

Nobody needs it to learn: the course's own tests run each lesson's short form at every change, and
the whole form now and then (``make test-long``).
"""

import os

VARIABLE = "RAGTEACH_SHORT"
SIGN = "Short form: "  # what a shortened cell says first


def sized(whole: int, short: int, what: str) -> int:
    """``whole``; in the short form ``short``, and a line that says so.

    Example:
        >>> sized(60, short=8, what="sentences a domain")
        60
    """
    if not os.environ.get(VARIABLE):
        return whole
    print(f"{SIGN}{short} {what}, not {whole}.")
    return short
