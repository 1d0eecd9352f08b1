"""Arguments as people pass them: what is refused before any work, with the argument's name.

Enters: a name and a value.  Leaves: the value as numbers, names or a generator, or an error in
three parts. The checks of single numbers and choices are in `ragteach.errors`.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

import numpy as np
import torch

from ragteach.errors import RagteachError, at_least, is_list, one_of, refuse, shown, whole
from ragteach.ground.functions import check_callbacks, check_function
from ragteach.ground.objects import as_name, as_numbers, check_length, n_members

LARGEST_SEED = 2**63 - 1  # of torch's generators
LARGEST_NUMPY_SEED = 2**32 - 1
LARGEST_PENALTY = 1e30  # its weights are 0 long before
NEAR = 0.75  # of the letters of two words: one may be a slip of the other


MOST = 1_000_000  # names, seeds or sizes in one argument


def short(value: object) -> str:
    """A value as an error shows it: what it is, and its first letters."""
    return f"{type(value).__name__} {shown(value, 60)}"


def members(name: str, value: Iterable, fix: str, most: int = MOST, ordered: bool = True) -> list:
    """What stands in a list, range, array or generator; refuses one that breaks or never ends,
    and, where the order matters, a set (it has none) and a dict (whose keys are seldom meant).

    Example:
        >>> members("seeds", range(3), "seeds=[0, 1, 2]")
        [0, 1, 2]
    """
    if ordered and isinstance(value, Set | Mapping):
        raise refuse(
            expected=f"{name} in a list, in their order",
            got=f"{name} = {short(value)}, of another kind",
            fix=fix,
        )
    if endless(value) or n_members(value) > most:  # said at once, without reading
        raise _too_many(name, value, fix, most)
    try:
        found = list(itertools.islice(value, most + 1))
    except Exception as error:
        got = (
            f"{name} = {short(value)}, which breaks as it is read ({type(error).__name__}: {error})"
        )
        raise refuse(expected=f"{name} in a list", got=got, fix=fix) from error
    if len(found) > most:
        raise _too_many(name, value, fix, most)
    return found


def texts_in(name: str, value: Iterable, fix: str, most: int) -> list:
    """The members of what should be texts; of a generator or range whose first one is no text, that
    one only: the whole would say no more.

    Example:
        >>> texts_in("texts", itertools.count(3, 2), "texts=['a']", 100)
        Traceback (most recent call last):
        ragteach.errors.RagteachError: Expected: at most 100 values of texts
        Got: texts = count count(3, 2), which has more, or never ends
        What to do: texts=['a']
        >>> texts_in("texts", (n for n in range(10**9)), "texts=['a']", 10**8)
        [0]
    """
    if not isinstance(value, Iterator | range) or endless(value):
        return members(name, value, fix, most)
    value = iter(value)
    first = members(name, itertools.islice(value, 1), fix)
    if not first or not isinstance(first[0], str):
        return first
    return first + members(name, value, fix, most - 1)


def endless(value: object) -> bool:
    """Whether an iterator of the standard library never ends."""
    if isinstance(value, itertools.count | itertools.cycle):
        return True
    if not isinstance(value, itertools.repeat):
        return False
    try:
        value.__length_hint__()
    except TypeError:  # no number of times was given
        return True
    return False


def _too_many(name: str, value: object, fix: str, most: int) -> RagteachError:
    return refuse(
        expected=f"at most {most:,} values of {name}",
        got=f"{name} = {short(value)}, which has more, or never ends",
        fix=fix,
    )


def one_or_more(name: str, value: Any) -> list:
    """What stands in a list, a set or a dict, in any order; one name or number by itself.

    Example:
        >>> one_or_more("tasks", "films"), one_or_more("tasks", {"films": 0.5})
        (['films'], ['films'])
    """
    if isinstance(value, str) or not is_list(value):
        return [value]
    return members(name, value, f"{name}=[...], one name or several", ordered=False)


def distinct(
    given: int | Iterable[object], prefix: str, what: str, reserved: Iterable[str] = ()
) -> list[str]:
    """Names from a count or a list: distinct and not empty; without dots if some are reserved.

    Example:
        >>> distinct(2, "task", "task names"), distinct("films", "task", "task names")
        (['task1', 'task2'], ['films'])
    """
    if not is_list(given):
        whole(f"number of {what}", given, 0, MOST)
        return [f"{prefix}{i + 1}" for i in range(int(given))]  # type: ignore[arg-type]
    fix = "name each once, in a list"
    given = [given] if isinstance(given, str) else members(what, given, fix)
    names = [as_name(what, one) for one in given]
    counts = Counter(names)
    bad = [n for n in names if not n or counts[n] > 1 or n in reserved or ("." in n and reserved)]
    if bad:
        raise refuse(
            expected=f"distinct, non-empty {what}" + (" without dots" if reserved else ""),
            got=f"{shown(names)}, of which {shown(bad[0])} is repeated, empty or reserved",
            fix="choose another name for it",
        )
    return names


def meant(name: str, value: Any, options: Iterable[str]) -> str:
    """The option that a word means, in any case, its parts joined as you like; refuses others.

    Example:
        >>> meant("strategy", "Full_Sharing", ["RAG", "full sharing"])
        'full sharing'
    """
    options = list(options)
    known = {spelt(option): option for option in options}
    found = known.get(spelt(value), value) if isinstance(value, str) else value
    among(name, found, options)
    return found


def among(name: str, value: object, options: Iterable[str]) -> None:
    """Refuse what is none of the options; of a slip, the error says what may have been meant.

    Example:
        >>> among("task", "bookshop", ["Films", "Bookshop"])
        Traceback (most recent call last):
        ragteach.errors.RagteachError: Expected: task to be one of 'Films', 'Bookshop'
        Got: task = 'bookshop'
        What to do: choose one of 'Films', 'Bookshop'; did you mean 'Bookshop'?
    """
    options = list(options)
    try:
        one_of(name, value, options)
    except RagteachError as error:
        if not isinstance(value, str):
            raise
        raise RagteachError(f"{error}{or_meant(value, options)}") from None


def or_meant(word: str, options: Iterable[str]) -> str:
    """The question whether an option was meant, of which a word may be a slip; else nothing.

    A slip is near word by word: ``team_bob`` is no slip for ``team_dora``, though most of their
    letters agree, nor is ``shop 1`` for ``shop 2``.

    Example:
        >>> or_meant("full sharng", ["RAG", "full sharing"]), or_meant("team bob", ["team dora"])
        ("; did you mean 'full sharing'?", '')
        >>> or_meant("rog", ["RAG", "full sharing"])
        "; did you mean 'RAG'?"
    """
    known = {spelt(str(option)): option for option in options}
    for close in difflib.get_close_matches(spelt(word), known, n=3):
        if _a_slip(spelt(word), close):
            return f"; did you mean {known[close]!r}?"
    return ""


def _a_slip(word: str, other: str) -> bool:
    """Whether two spellings differ by letters in their words, not by a word or a number."""
    if re.findall(r"\d+", word) != re.findall(r"\d+", other):
        return False
    mine = word.split()
    its = other.split()
    pairs = zip(mine, its, strict=True) if len(mine) == len(its) else [(word, other)]
    return all(_near(a, b) for a, b in pairs)


def _near(word: str, other: str) -> bool:
    one_letter = len(word) == len(other) > 2 and sum(map(str.__ne__, word, other)) == 1
    return one_letter or difflib.SequenceMatcher(None, word, other).ratio() >= NEAR


def spelt(word: str) -> str:
    """A word in small letters, its parts joined by blanks."""
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def is_a(name: str, value: object, kind: type | tuple[type, ...], what: str, fix: str) -> None:
    """Refuse a value of another kind; ``what`` says which kind it is to be."""
    if not isinstance(value, kind):
        raise refuse(expected=f"{name} to be {what}", got=f"{name} = {short(value)}", fix=fix)


def yes_no(name: str, value: object) -> None:
    """Refuse anything but True and False."""
    is_a(name, value, (bool, np.bool_), "True or False", f"use {name}=True or {name}=False")


def check_penalty(name: str, value: object, low: float = 0.0) -> None:
    """Refuse a penalty below ``low``, or so large that float32 has no such numbers."""
    at_least(name, value, low, LARGEST_PENALTY)


def generator_of(seed: object) -> torch.Generator:
    """torch's generator with this seed, a whole number."""
    whole("seed", seed, 0, LARGEST_SEED)
    return torch.Generator().manual_seed(int(seed))  # type: ignore[call-overload]


def check_model(model: object) -> None:
    """Refuse anything but a `RAG` (a compiled one has its names too)."""
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "n_tasks"):
        raise refuse(
            expected="model: a RAG",
            got=f"model = {short(model)}",
            fix="build one: RAG(n_features, n_classes, n_adapters, tasks=data.task_names)",
        )


def check_linear(model: object) -> None:
    """Refuse a model whose data cannot be stacked into products with W_t: a network reads
    batches.
    """
    if not hasattr(model, "parts"):
        raise refuse(
            expected="batches of (x, y, task), for a network",
            got=f"a whole dataset for a {type(model).__name__}",
            fix="torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)",
        )


def check_optimizer(optimizer: object) -> None:
    """Refuse anything but an optimiser that knows its parameters."""
    what = "a torch optimiser, made with the model's parameters"
    fix = "torch.optim.Adam(model.parameters(), lr=0.05)"
    is_a("optimizer", optimizer, torch.optim.Optimizer, what, fix)


def made_optimizer(
    make: Callable[..., Any], parameters: list, options: dict, saved: dict | None = None
) -> Any:
    """The optimiser that ``make`` builds, in the ``saved`` state; refuses what builds none."""
    try:
        made = make(parameters, **options)
    except TypeError as error:
        raise _no_optimizer(make, str(error)) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise _no_optimizer(make, f"it made a {type(made).__name__}")
    if saved is not None:
        own = {*made.param_groups[0]}
        made.load_state_dict(saved)
        lacking = own - {*made.param_groups[0], "fused", "foreach"}
        if lacking:
            raise refuse(
                expected="the optimizer of the training that is resumed",
                got=f"optimizer = a {type(made).__name__}, whose {', '.join(sorted(lacking))} the "
                "checkpoint does not have",
                fix="pass the optimizer as before, or start anew without resume=",
            )
    return made


def _no_optimizer(make: object, why: str) -> Exception:
    return refuse(
        expected="optimizer: called as optimizer(parameters, lr=lr), a torch optimiser",
        got=f"optimizer = {short(make)}: {why}",
        fix="pass the class torch.optim.Adam; for options of its own, "
        "functools.partial(torch.optim.SGD, momentum=0.9)",
    )


def check_fit(
    model: object,
    lr: object,
    optimizer: object,
    batch_size: object,
    val: object,
    patience: object,
    callbacks: Any,
    seed: object,
    adapters_first: object,
    progress: object,
) -> None:
    """Refuse what `fit` cannot work with, before any training."""
    check_model(model)
    check_finite(model)
    at_least("lr", lr)
    whole("seed", seed, 0, LARGEST_SEED)
    yes_no("adapters_first", adapters_first)
    yes_no("progress", progress)
    for name, value in (("batch_size", batch_size), ("patience", patience)):
        if value is not None:
            whole(name, value, 1)
    if patience is not None and val is None:
        raise refuse(
            expected="val data for early stopping", got="patience without val", fix="pass val="
        )
    fix = "pass torch.optim.Adam; for options of its own, functools.partial(torch.optim.SGD, ...)"
    check_function("optimizer", optimizer, ("parameters",), fix, made=True, named=("lr",))
    check_callbacks(callbacks)


def check_finite(model: Any) -> None:
    """Refuse a model whose weights are no numbers before it has learnt anything."""
    for name, weights in model.named_parameters():
        if weights.device.type != "meta" and not bool(weights.isfinite().all()):
            raise refuse(
                expected="a model of finite weights",
                got=f"NaN or infinity in {name}",
                fix="build it anew, or model.reset(seed)",
            )


def names_of(name: str, value: Any) -> list[str] | None:
    """The names given, distinct and not empty; None if there are none."""
    if value is None:
        return None
    if isinstance(value, str | bytes) or not is_list(value):
        raise refuse(
            expected=f"{name} to be a list of names, in their order",
            got=f"{name} = {short(value)}",
            fix=f"put them in a list: {name}=['first', 'second']",
        )
    names = distinct(value, "", name)
    if not names:
        raise refuse(
            expected=f"at least one name in {name}",
            got=f"{name} = {short(value)}",
            fix=f"leave {name} out, or name them all",
        )
    return names


def as_matrix(name: str, value: Any, shape: tuple[int, int] | None = None) -> torch.Tensor:
    """A copy as a float32 matrix of finite numbers; refuses other shapes."""
    rows, columns = shape or ("n_tasks", "n_adapters")
    check_length(name, value)
    try:
        value = value.detach().cpu() if isinstance(value, torch.Tensor) else value
        matrix = torch.as_tensor(np.asarray(value, dtype=np.float32)).clone()
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise refuse(
            expected=f"a {name} whose rows all have one number per adapter",
            got=f"rows that make no matrix ({error})",
            fix="give every task a row of the same length, 0 where an adapter does not serve it",
        ) from error
    right_shape = matrix.ndim == 2 if shape is None else matrix.shape == shape
    finite = bool(torch.isfinite(matrix).all())
    if not right_shape or not finite:
        nan = "" if finite else " with NaN or infinity"
        raise refuse(
            expected=f"a {name} of {rows} tasks x {columns} adapters with finite entries",
            got=f"shape {tuple(matrix.shape)}{nan}",
            fix="one row per task, one column per adapter",
        )
    return matrix


def as_sizes(sizes: Any) -> torch.Tensor:
    """How many examples each task has, (n_tasks,): finite numbers >= 0, not all zero."""
    given = as_numbers(sizes)
    fine = given.ndim == 1 and bool((given >= 0).all()) and 0 < float(given.sum()) < math.inf
    if not fine:
        raise refuse(
            expected="sizes: how many examples each task has, (n_tasks,)",
            got=f"sizes = {short(sizes)}",
            fix="MultiTaskLoss(..., sizes=dataset.sizes), or a list of numbers such as [40, 12]",
        )
    return given


def row_numbers(indices: Any, n: int) -> torch.Tensor:
    """Places among ``n`` examples, as a tensor: whole numbers, or True and False for each."""
    check_length("indices", indices)
    try:
        places = np.asarray(indices)
    except (TypeError, ValueError, RuntimeError):
        places = np.zeros((0, 0))
    if places.size == 0 and places.ndim == 1:
        places = places.astype(np.int64)
    mask = places.dtype.kind == "b" and places.shape == (n,)
    numbers = places.dtype.kind in "iu" and places.ndim == 1
    if numbers and places.size:
        numbers = bool(-n <= int(places.min()) and int(places.max()) < n)
    if not (mask or numbers):
        raise refuse(
            expected=f"indices of examples: whole numbers 0 .. {n - 1}, in a list",
            got=f"indices = {short(indices)}",
            fix="dataset.subset([0, 5, 7]); a mask has one True or False for each example",
        )
    return torch.from_numpy(np.ascontiguousarray(places if mask else places.astype(np.int64)))


def check_float(dtype: object) -> None:
    """Refuse anything but a precision of torch."""
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise refuse(
            expected="dtype: torch.float32 or torch.float64",
            got=f"dtype = {short(dtype)}",
            fix="use torch.float32 for training, torch.float64 for exact optima",
        )


def as_list(name: str, value: Any, fix: str) -> list:
    """What stands in a list, range or array; refuses an empty one, and what is none."""
    if isinstance(value, str | bytes | dict) or not is_list(value):
        raise refuse(expected=f"{name} in a list", got=f"{name} = {short(value)}", fix=fix)
    found = members(name, value, fix)
    if not found:
        raise refuse(
            expected=f"at least one value of {name}", got=f"{name} = {short(value)}", fix=fix
        )
    return found


def check_columns(name: str, columns: Iterable[object]) -> None:
    """Refuse what cannot be the name of a column: neither text nor a whole number."""
    for column in columns:
        if column is not None and (isinstance(column, bool) or not isinstance(column, str | int)):
            raise refuse(
                expected=f"the name of a column for {name}",
                got=f"{name} = {short(column)}",
                fix=f"pass it as a string: {name}='...'",
            )


def check_same_shape(model: Any, data: Any) -> None:
    """Refuse data whose tasks, words or classes are not the model's."""
    parts = {
        "tasks": "task_names",
        "number of features": "n_features",
        "number of classes": "n_classes",
    }
    for what, part in parts.items():
        its = getattr(model, part)
        there = getattr(data, part)
        if its != there:
            raise refuse(
                expected=f"data with the model's {what}: {its}",
                got=f"{there}",
                fix="build data and model with the same task_names, vectorizer and n_classes",
            )
