"""One shape for every refusal: what was expected, what arrived, what to do.

Enters: three short texts.  Leaves: an exception to raise.  Every module of ragteach refuses bad input through
`refuse`, before any work is lost, so that a learner who meets an error always finds its cure in the last
line.
"""


class RagteachError(ValueError):
    """Bad input, said in three parts. It is a ValueError, so ``except ValueError`` catches it."""


def refuse(*, expected: str, got: str, fix: str) -> RagteachError:
    """Build (not raise) a three-part error.

    Args:
        expected: what the function can work with.
        got: what arrived instead, with its numbers.
        fix: the next thing to try.

    Example:
        >>> print(refuse(expected="lam >= 0", got="lam = -1", fix="use 0 for no penalty"))
        Expected: lam >= 0
        Got: lam = -1
        What to do: use 0 for no penalty
    """
    return RagteachError(f"Expected: {expected}\nGot: {got}\nWhat to do: {fix}")


def one_of(name: str, value: object, options) -> None:
    """Refuse ``value`` unless it is among ``options``; the error lists them all."""
    options = list(options)
    if value not in options:
        listed = ", ".join(repr(o) for o in options)
        raise refuse(
            expected=f"{name} to be one of {listed}", got=f"{name} = {value!r}", fix=f"choose one of {listed}"
        )


def at_least(name: str, value: float, low: float = 0.0) -> None:
    """Refuse a number that is below ``low`` or not finite."""
    try:
        fine = low <= float(value) < float("inf")
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise refuse(
            expected=f"{name} to be a finite number >= {low:g}",
            got=f"{name} = {value!r}",
            fix=f"use {name} >= {low:g}",
        )
