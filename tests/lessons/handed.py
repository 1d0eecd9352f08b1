"""What a learner's function is handed: by its check, and by the cells of the lesson after it.

Enters: a lesson that runs, and an exercise's check.  Leaves: for each argument of each function the
kinds that it was handed, such as "tensor float32 2d".  A check that hands over another kind than
the lesson may pass what fails in the next cell, or refuse what works there.

    python tests/lessons/handed.py           every exercise: what its check hands over
    python tests/lessons/handed.py NAME ...  run lessons whole: what their later cells hand over

`test_handed.py` holds the two beside each other.
"""

import functools
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ragteach.teach import checks

Handed = dict[str, dict[str, list[str]]]  # exercise -> argument -> kinds
INSIDE = ("ragteach.teach", "__main__", "builtins", "handed")  # not where a class is at home


def kind(thing: object, depth: int = 0) -> str:
    """What a function can tell of a thing: its type, and of numbers the precision and the axes."""
    if isinstance(thing, torch.Tensor):
        return f"tensor {str(thing.dtype)[6:]} {thing.ndim}d"
    if isinstance(thing, np.ndarray):
        return f"array {thing.dtype.kind} {thing.ndim}d"
    if isinstance(thing, pd.Series):
        return f"Series {thing.dtype}"
    if isinstance(thing, np.generic) and not isinstance(thing, float):
        return type(thing).__name__
    if isinstance(thing, float):  # a np.float64 is one
        return "float"
    if isinstance(thing, range):
        return "list(int)"
    if isinstance(thing, list | tuple) and depth < 3:
        inside = sorted({kind(part, depth + 1) for part in thing})
        return f"{type(thing).__name__}({' | '.join(inside)})"
    if isinstance(thing, dict) and depth < 3:
        sides = [sorted({kind(p, depth + 1) for p in part}) for part in (thing, thing.values())]
        return f"dict({': '.join(' | '.join(side) for side in sides)})"
    if isinstance(thing, torch.optim.Optimizer):
        return "Optimizer"
    if inspect.isroutine(thing) or isinstance(thing, functools.partial):
        return "function"
    at_home = (c for c in type(thing).__mro__ if not c.__module__.startswith(INSIDE))
    return type(thing).__name__ if type(thing).__module__ == "builtins" else next(at_home).__name__


def watched(function: Callable, seen: dict[str, set[str]]) -> Callable:
    """The same function; the kinds of what it is handed go into ``seen``, argument by argument."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def handed(*args: object, **kwargs: object) -> object:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            seen.setdefault(name, set()).add(kind(value))
        return function(*args, **kwargs)

    return handed


def by_the_check(number: str) -> dict[str, set[str]]:
    """What an exercise's check hands over, found out by a right answer."""
    seen: dict[str, set[str]] = {}
    result = checks.check(number, watched(checks.reference(number), seen))
    assert result, result
    return seen


def record(path: Path) -> Callable[[], float]:
    """In a kernel, before its first cell: note what functions of `reference` are handed.

    Returns:
        What is called at the end: it writes the notes as JSON, and took no seconds of its own.
    """
    seen: dict[str, dict[str, set[str]]] = {}
    plainly = checks.reference

    def reference(number: str) -> object:
        thing = plainly(number)
        return watched(thing, seen.setdefault(number, {})) if inspect.isfunction(thing) else thing

    checks.reference = reference

    def write() -> float:
        plain = {n: {k: sorted(v) for k, v in found.items()} for n, found in seen.items() if found}
        path.write_text(json.dumps(plain, indent=1), encoding="utf-8")
        return 0.0

    return write


def by_the_lesson(name: str, folder: Path) -> Handed:
    """What a lesson's later cells hand over: its solution is run, whole."""
    from lesson_runs import _notebooks, _run
    from lesson_source import build

    path = folder / f"{name}.handed.json"
    begin = functools.partial(record, path)
    where = build.paths(name)["solution"].parent
    _run(_notebooks(name)["solution"], begin, where, folder, f"{name}-handed", True)
    return json.loads(path.read_text(encoding="utf-8"))


def main(names: list[str]) -> None:
    import tempfile

    from test_checks import EXERCISES

    found: Handed = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            found |= by_the_lesson(name, Path(folder))
    functions = [n for n in sorted(EXERCISES) if inspect.isfunction(checks.reference(n))]
    for number in found or functions:
        check = {k: sorted(v) for k, v in by_the_check(number).items()}
        print(json.dumps({number: {"check": check, "lesson": found.get(number)}}, indent=1))


if __name__ == "__main__":
    sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "teach")]
    main(sys.argv[1:])
