"""The penalties of a lab's exact optima: a strategy is a list of pairs, and validation takes one.

Enters: a strategy's name or pairs (lam, lam_shared). Leaves: checked pairs, and the best solution.
Infinity switches the adapters (lam) or the shared weights (lam_shared) off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from ragteach.errors import is_number, refuse

Pair = tuple[float, float]
Found_co = TypeVar("Found_co", covariant=True)


class Solver(Protocol[Found_co]):
    """A problem whose optimum is known at any pair of penalties."""

    def __call__(self, lam: float, lam_shared: float) -> Found_co: ...


def checked(lam: float, lam_shared: float) -> Pair:
    """The pair as floats; refuses a penalty that is not > 0, and two that are infinite.

    Example:
        >>> checked(1, float("inf"))
        (1.0, inf)
    """
    for name, value in (("lam", lam), ("lam_shared", lam_shared)):
        if not is_number(value) or not value > 0:
            raise refuse(
                expected=f"{name} > 0 (infinity switches that part off)",
                got=f"{name} = {value!r}",
                fix=f"use {name} = 0.1, or numpy.inf",
            )
    if np.isinf(lam) and np.isinf(lam_shared):
        raise refuse(
            expected="one penalty that is finite",
            got="lam and lam_shared both infinite: no weights at all",
            fix="lam=numpy.inf is full sharing, lam_shared=numpy.inf is independent models",
        )
    return float(lam), float(lam_shared)


def best_of(
    strategy: str | Sequence[Pair],
    strategies: Mapping[str, Sequence[Pair]],
    solve: Solver[Any],
    error: Callable[[Any], float],
) -> Any:
    """Of a strategy's pairs the solution with the smallest error on validation.

    Args:
        strategy: one of ``strategies``, or pairs (lam, lam_shared). solve: of (lam, lam_shared).
        error: of a solution.

    Example:
        >>> pairs = {"RAG": [(1.0, 1.0), (2.0, 1.0)]}
        >>> best_of("RAG", pairs, lambda lam, lam_shared: lam, lambda found: -found)
        2.0
    """
    if isinstance(strategy, str) and strategy not in strategies:
        raise refuse(
            expected=f"a strategy: {', '.join(strategies)}; or pairs (lam, lam_shared)",
            got=f"strategy = {strategy!r}",
            fix="choose one of them",
        )
    tries: Iterable[Pair] = strategies[strategy] if isinstance(strategy, str) else strategy
    found = [solve(*checked(*pair)) for pair in tries]
    return found[int(np.argmin([error(one) for one in found]))]
