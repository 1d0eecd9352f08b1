"""A wrong function is asked again with one argument changed: does it see that argument at all?

Enters: the learner's function, the reference, and the arguments of the last call. Leaves: a
sentence about the first argument that the two treat differently, or nothing. It is
asked only where no known mistake was found, so that a function nobody foresaw is told more than its
first wrong number:

- an argument, or a part of it, that changes nothing though it should, and the reverse, both only if
  they hold at every one of several quite different values;
- an answer that stands still where a number changes a little, and should not: one that rounds;
- an answer that grows where it should fall;
- an answer that is four times as large where a number is doubled, and should not be;
- a mean that moves where every row comes twice, or whose weights do not sum to 1.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ragteach.teach.drawing import as_array

Answer = np.ndarray | None
ENOUGH = 3  # values that a function must answer before "whatever it is" is said


def probed(function: Callable, reference: Callable, given: Mapping[str, Any]) -> str:
    """What changes when one argument does, if it is not what should change."""
    with np.errstate(all="ignore"):
        ask = _asker(function, given)
        ask_reference = _asker(reference, given)
        mine = ask({})
        right = ask_reference({})
        again = ask({})
        if mine is None or right is None or again is None or not np.array_equal(mine, again):
            return ""  # it fails, or it draws: nothing can be read off a change
        for name, row, others in [*_changes(given), *_parts(given)]:
            if _alike(mine, ask({name: others[0]})) == _alike(
                right, ask_reference({name: others[0]})
            ):
                continue
            moved = [ask({name: other}) for other in others]
            wanted = [ask_reference({name: other}) for other in others]
            if told := _seen(name, row, mine, moved, right, wanted):
                return told
        if mine.shape != right.shape:
            return ""  # the shape comes first: what else changes may follow from it
        for name, _, others in _changes(given):
            after = ask({name: others[0]})
            should = ask_reference({name: others[0]})
            if told := _direction(name, mine, after, right, should):
                return told
        told = next(_doubled(given, ask, ask_reference, mine, right), "")
        return told or _means(given, ask, ask_reference, mine, right)


def confirmed(
    function: Callable,
    reference: Callable,
    given: Mapping[str, Any],
    slip: Callable[[np.ndarray, np.ndarray], str],
    mine: np.ndarray,
    right: np.ndarray,
) -> bool:
    """Does a slip that explains one answer explain the function's others, at random inputs, too?

    True where it cannot be asked: an answer that is a part of what the function returns, or drawn.
    """
    with np.errstate(all="ignore"):
        ask = _asker(function, given)
        ask_reference = _asker(reference, given)
        if not (_alike(ask({}), mine) and _alike(ask_reference({}), right)):
            return True
        told = _kind(slip(mine, right))
        for seed in (1, 2, 3):
            changed = dict(_noisy(given, np.random.default_rng(seed)))
            moved = ask(changed)
            wanted = ask_reference(changed)
            if not changed or moved is None or wanted is None:
                continue
            if _kind(slip(moved, wanted)) != told:
                return False
    return True


def _noisy(given: Mapping[str, Any], rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    """Each argument that has decimals, every number of it a little larger or smaller."""
    for name, value in given.items():
        if isinstance(value, float | np.floating):
            yield name, value * rng.uniform(0.8, 1.2)
        elif _decimals(value):
            noise = rng.uniform(0.8, 1.2, tuple(value.shape))
            yield name, value * (value.new_tensor(noise) if hasattr(value, "new_tensor") else noise)


def _kind(sentence: str) -> str:
    """A sentence without its numbers."""
    return re.sub(r"-?\d[\d.e+-]*|, too (large|small)", "#", sentence)


def _asker(function: Callable, given: Mapping[str, Any]) -> Callable[[dict], Answer]:
    """The function's answer with some arguments changed; None where it has none."""

    def ask(changed: dict) -> Answer:
        try:
            answer = as_array(function(*copy.deepcopy(list((dict(given) | changed).values()))))
        except Exception:  # whatever a learner's function does with a number it did not expect
            return None
        return answer if answer.size and np.isfinite(answer).all() else None

    return ask


def _changes(given: Mapping[str, Any]) -> Iterator[tuple[str, str, list]]:
    """Each argument that is numbers: a little larger first, then quite other ones."""
    for name, value in given.items():
        if isinstance(value, bool | np.bool_):
            continue
        if isinstance(value, int | np.integer):
            yield name, "", [value + 1, value + 2, 2 * value + 3, 3 * value + 7, max(value - 1, 1)]
        elif isinstance(value, float | np.floating):
            yield name, "", [value * factor for factor in (1.1, 0.5, 2.0, 5.0, 0.1)]
        elif _decimals(value):
            yield name, "", _others(value)


def _parts(given: Mapping[str, Any]) -> Iterator[tuple[str, str, list]]:
    """Each array with one of its first parts changed: does the answer look at all of them?"""
    for name, value in given.items():
        if not _decimals(value) or value.ndim < 2 or not hasattr(value, "reshape"):
            continue
        for i in range(min(len(value), 6)):
            others = []
            for part in (1.3 * value[i] + 0.1, *_others(value[i])[1:]):
                other = copy.deepcopy(value)
                other[i] = part
                others.append(other)
            yield name, str(i), others


def _others(value: Any) -> list:
    """Arrays of the same shape: a little noise first, then what shares little with it."""
    rng = np.random.default_rng(0)
    drawn = [
        rng.uniform(0.8, 1.2, tuple(value.shape)),
        rng.uniform(0.1, 0.9, tuple(value.shape)),
        rng.uniform(-40, 40, tuple(value.shape)),
        rng.integers(0, 2, tuple(value.shape)).astype(float),
        -np.ones(tuple(value.shape)),
    ]
    as_given = [value.new_tensor(d) if hasattr(value, "new_tensor") else d for d in drawn]
    return [value * as_given[0], *as_given[1:4], value * as_given[4]]


def _decimals(value: object) -> bool:
    """An array or a tensor of floats?"""
    return hasattr(value, "shape") and "float" in str(getattr(value, "dtype", ""))


def _seen(
    name: str,
    row: str,
    mine: np.ndarray,
    moved: list[Answer],
    right: np.ndarray,
    wanted: list[Answer],
) -> str:
    """Does it see this argument, and should it? Each sentence holds at every value tried."""
    mine_moves = [not _alike(mine, answer) for answer in moved if answer is not None]
    right_moves = [not _alike(right, answer) for answer in wanted if answer is not None]
    if len(mine_moves) < ENOUGH or len(right_moves) < ENOUGH:
        return ""  # most of the values tried made no sense to one of the two
    place = f"{name}[{row}] (part {row} of {name}, counted from 0)" if row else name
    if not any(mine_moves) and any(right_moves):
        if row:
            return f"Yours stays the same whatever stands in {place}: where does it come in?"
        return f"Yours stays the same whatever {name} is: where does {name} come in?"
    if any(mine_moves) and not any(right_moves):
        return f"Yours changes when {place} does, and should not."
    steps = moved[0], wanted[0]
    if row or any(step is None for step in steps) or bool((right == np.round(right)).all()):
        return ""
    if _alike(mine, moved[0]) and not _alike(right, wanted[0]):
        return (
            f"If {name} changes a little, yours stays the same, and should not: is something "
            "rounded, or does only its sign or its zeros count?"
        )
    return ""


def _direction(
    name: str, mine: np.ndarray, moved: Answer, right: np.ndarray, wanted: Answer
) -> str:
    if moved is None or wanted is None or mine.shape != right.shape:
        return ""
    if not mine.shape == moved.shape == wanted.shape:
        return ""
    way = np.sign(moved - mine)
    wanted_way = np.sign(wanted - right)
    if way.any() and (way == -wanted_way).all():
        return (
            f"When {name} changes, yours moves the wrong way: up where it should go down, or the "
            "reverse."
        )
    return ""


def _doubled(
    given: Mapping[str, Any],
    ask: Callable[[dict], Answer],
    ask_reference: Callable[[dict], Answer],
    mine: np.ndarray,
    right: np.ndarray,
) -> Iterator[str]:
    """An argument doubled: how many times as large is the answer?"""
    for name, value in given.items():
        if not (_decimals(value) or isinstance(value, float)):
            continue
        times = _times(mine, ask({name: 2 * value}), ask({name: 4 * value}))
        twice, again = (ask_reference({name: factor * value}) for factor in (2, 4))
        should = _times(right, twice, again)
        if times and should and abs(times - should) > 1e-6:
            yield (
                f"If {name} is doubled, yours is {times:.3g} times as large. Is {name} used as "
                "often as the rule says, and to the right power?"
            )


def _means(
    given: Mapping[str, Any],
    ask: Callable[[dict], Answer],
    ask_reference: Callable[[dict], Answer],
    mine: np.ndarray,
    right: np.ndarray,
) -> str:
    """Every row twice, and 1 added to every number: what a mean makes of it."""
    rows = {name: v for name, v in given.items() if isinstance(v, np.ndarray) and v.ndim}
    lengths = {len(v) for v in rows.values()}
    if len(lengths) == 1:
        twice = {name: np.concatenate([v, v]) for name, v in rows.items()}
        moved = ask(twice)
        wanted = ask_reference(twice)
        if _alike(wanted, right) and mine.any() and _alike(moved, 2 * mine):
            return "If every row came twice, yours would change: a sum, where the rule has a mean?"
    for name, value in given.items():
        if not _decimals(value):
            continue
        moved = ask({name: value + 1})
        wanted = ask_reference({name: value + 1})
        if _alike(wanted, right + 1) and _raised(mine, moved):
            return (
                f"If 1 is added to every number of {name}, the answer of a mean grows by 1. Yours "
                "does not: do the weights sum to 1?"
            )
    return ""


def _raised(mine: np.ndarray, moved: Answer) -> bool:
    """Has every entry grown by one and the same number, but not by 1?"""
    if moved is None or moved.shape != mine.shape:
        return False
    by = float((moved - mine).mean())
    return abs(by - 1) > 1e-6 and _alike(moved, mine + by)


def _alike(a: Answer, b: Answer) -> bool:
    if a is None or b is None or a.shape != b.shape:
        return False
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))


def _times(before: np.ndarray, twice: Answer, again: Answer) -> float:
    """The factor that an answer grows by at each doubling, if it is the same both times; else 0."""
    factor = 0.0
    for last, after in ((before, twice), (twice, again)):
        if last is None or after is None or last.shape != after.shape or not last.any():
            return 0.0
        found = float((after * last).sum() / (last * last).sum())
        if not np.allclose(after, found * last, rtol=1e-6, atol=1e-12):
            return 0.0
        if factor and abs(found - factor) > 1e-6 * abs(factor):
            return 0.0
        factor = found
    return factor
