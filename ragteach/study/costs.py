"""Costs: how long a comparison or a training will take, said before it is begun.

Enters: a frame, strategies, draws.  Leaves: seconds, and a sentence that says what to leave out.

One product with the data is measured; a search for the optimum takes some hundred of them (see
`ragteach.engine.choosing.Candidates.forecast`). So a forecast may be wrong by a half, or more where
other work goes on beside it; it tells minutes from hours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ragteach.engine.choosing import Candidates
from ragteach.study.draws import draw
from ragteach.study.scores import Parts
from ragteach.study.strategies import Strategy

LARGE = 5_000_000  # rows x tasks x classes: of less, a forecast is not worth its second
LONG = 60.0  # seconds: of less, nothing is said


def how_long(seconds: float) -> str:
    """A time as a person would say it.

    Example:
        >>> [how_long(seconds) for seconds in (7, 200, 5000, 90000)]
        ['about 7 seconds', 'about 3 minutes', 'about 1.4 hours', 'about 25 hours']
    """
    if seconds < 90:
        return f"about {seconds:.0f} second{'s' * (round(seconds) != 1)}"
    if seconds < 4800:
        return f"about {seconds / 60:.0f} minutes"
    hours = seconds / 3600
    return f"about {hours:.1f} hours" if hours < 3 else f"about {hours:.0f} hours"


def about_the_cost(
    frame: pd.DataFrame,
    strategies: Sequence[Strategy],
    n: int | None,
    seed: int,
    n_draws: int,
    n_processes: int,
    max_words: int | None,
) -> str:
    """What a comparison of a standard frame will cost, in a sentence; nothing, if it is little.

    The first strategy that trains is measured on its first draw; each other one takes about as long
    where it has a matrix for each task, and those with equal parameters longer.

    Args:
        n, seed: of the first draw. n_draws, n_processes: how many draws, on how many processes.
    """
    tasks = frame["task"].nunique()
    classes = len(frame.attrs["label_names"])
    trained = [strategy for strategy in strategies if strategy.builder is not None]
    if len(frame) * tasks * classes < LARGE or not trained or frame.attrs.get("own_classes"):
        return ""
    first = trained[0]
    parts = Parts(*draw("own", frame, n, seed), classes, max_words)
    each = seconds_of(first, parts)
    total = each * len(trained) * n_draws / max(1, min(n_processes, n_draws))
    if total < LONG:
        return ""
    names = "RAG full_sharing independent"
    fewer = f", fewer strategies (--strategies {names})" if len(trained) > 3 else ""
    seeds = ", fewer draws (--seeds 5)" if n_draws > 5 else ""
    return (
        f"{how_long(total).capitalize()} for {n_draws} draw{'s' * (n_draws != 1)} of "
        f"{len(trained)} strateg{'y' if len(trained) == 1 else 'ies'}: on {len(frame):,} rows, "
        f"{tasks} tasks and {classes} classes "
        f"one takes {how_long(each)} a draw. Finished draws are kept where out says. For less "
        f"time: the most frequent words only (--max-words 2000), larger tasks only (--least-rows "
        f"30){seeds}{fewer}."
    )


def seconds_of(strategy: Strategy, parts: Parts) -> float:
    """How many seconds a strategy's penalties will take on a draw, roughly."""
    assert strategy.builder is not None, "a strategy that trains something"
    data, val, _ = parts.of(strategy)
    tries = np.array(strategy.tries, dtype=float)
    return Candidates(strategy.builder(data), data, val, *tries.T).forecast(len(tries))
