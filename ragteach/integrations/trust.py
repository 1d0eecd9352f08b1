"""What a saved file may say: every name, number and shape, checked before anything is built of it.

Enters: the header (JSON) and the tensors of a file.  Leaves: nothing, or a refusal.

A seal tells damage, not intent. So a header that claims a billion tasks, a rank that no tensor has
or a word pattern that never ends is refused by comparing it with the tensors that really are there:
in time and memory of the order of the file.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ragteach.adapters import INITS, KINDS
from ragteach.data.features import WORD
from ragteach.data.wild.columns import ROLES
from ragteach.errors import at_least, is_number, one_of, refuse, shown, whole
from ragteach.model import RAG

LONGEST_PATTERN = 200  # characters of a word pattern
MOST_WAYS = 64  # through a word pattern, if every repeat is taken once
MOST_REPEATS = 4  # in it
REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
ASSERTIONS = ("ASSERT", "ASSERT_NOT")
HALF = re.compile("[\ud800-\udfff]")  # of a sign: no text that can be shown
LETTERS = ("LITERAL", "NOT_LITERAL", "IN", "ANY")  # what takes one letter
LONGEST_NGRAM = 50  # words (or letters) in a row
USUAL_NGRAM = 8  # of a vectoriser whose vocabulary has no such phrase
TEXT_OPTIONS = {
    "input": ("content",),  # "filename" would open files
    "decode_error": ("strict", "ignore", "replace"),
    "strip_accents": (None, "ascii", "unicode"),
    "analyzer": ("word", "char", "char_wb"),
    "dtype": ("float32", "float64", "int32", "int64"),
    "preprocessor": (None,),
    "tokenizer": (None,),
}


def read_json(text: str | bytes) -> Any:
    """JSON of a stranger: no name twice, no NaN, not deeper than Python can read.

    Example:
        >>> read_json('{"a": [1, 2]}')
        {'a': [1, 2]}
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name that stands there twice")
        return found

    def no_number(name: str) -> None:
        raise ValueError(f"{name}, which is no JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except RecursionError:
        raise ValueError("lists in lists without end") from None


def check_rag(model: Any) -> None:
    """Refuse anything but a `RAG`."""
    if not isinstance(model, RAG):
        raise refuse(
            expected="model to be a RAG",
            got=f"{type(model).__name__}",
            fix="of a fitted RAGClassifier it is .model_; RAG(input_dim, output_dim, num_adapters)",
        )


def check_names(what: str, names: Any) -> None:
    """A list of distinct strings that are not empty."""
    fine = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not fine or len(set(names)) < len(names):
        raise refuse(
            expected=f"{what}: a list of distinct names",
            got=_short(names),
            fix="use a file that save() wrote",
        )


def check_labels(labels: Any, sizes: Mapping[str, int] | int) -> None:
    """Names of classes as many as there are classes: a list, or a dict from task to list."""
    if labels is None:
        return
    by_task = labels.items() if isinstance(labels, Mapping) else [(None, labels)]
    for task, names in by_task:
        if task is not None and isinstance(sizes, Mapping):
            one_of("task in labels", task, sizes)
        n_classes = sizes[task] if isinstance(sizes, Mapping) and task is not None else sizes
        fine = isinstance(names, list | tuple) and all(map(_is_name, names))
        if isinstance(n_classes, int):
            fine = fine and len(names) == n_classes and len(set(map(str, names))) == n_classes
        if not fine:
            raise refuse(
                expected=f"labels: {n_classes} distinct names, one for each class",
                got=f"labels = {_short(names)}",
                fix="give the names in the order of the class numbers",
            )


def _is_name(name: Any) -> bool:
    """Whether a class can be called so: some text, a finite number, True or False."""
    if isinstance(name, str):
        return bool(name.strip()) and not HALF.search(name)
    return isinstance(name, bool) or (is_number(name) and abs(name) <= sys.float_info.max)


def check_model(given: Any, state: Mapping[str, torch.Tensor], multi: bool, heads: Mapping) -> None:
    """The facts about a model, against the tensors that are there."""
    check_names("tasks", given["tasks"])
    check_names("adapters", given["adapters"])
    one_of("adapter", given["adapter"], KINDS)
    one_of("init", given["init"], INITS)
    one_of("bias", given["bias"], ("task", "shared", False))
    at_least("scale", given["scale"])
    whole("seed", given["seed"], -(2**63))
    if given["adapter"] != "full":
        whole("rank", given["rank"], 1)
    active = given["active"]
    frozen = given["frozen"]
    if not isinstance(active, list) or [type(one) for one in active] != [bool] * len(
        given["adapters"]
    ):
        raise ValueError("active: not one True or False for each adapter")
    if not isinstance(frozen, list) or not set(frozen) <= set(state):
        raise ValueError("frozen: not the names of tensors")
    expected = _shapes(given, state, multi, heads)
    found = {name: tuple(t.shape) for name, t in state.items()}
    if expected != found:
        odd = sorted(set(expected.items()) ^ set(found.items()))[0]
        raise ValueError(f"tensors of other names or shapes than the header says, such as {odd[0]}")
    check_finite(state)
    check_reach(given, state, "body." if multi else "")
    if len({tensor.dtype for tensor in state.values()}) > 1:
        raise ValueError("tensors of several types")


def check_finite(state: Mapping[str, torch.Tensor]) -> None:
    """Weights are finite numbers."""
    for name, tensor in state.items():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise refuse(
                expected="finite weights",
                got=f"NaN, infinity or other things in {name}",
                fix="train again, with a smaller lr, or use an earlier file",
            )


def check_reach(given: Any, state: Mapping[str, torch.Tensor], body: str) -> None:
    """The most that W_t x can come to, for x up to 1, is a number of float32 too."""

    def largest(name: str) -> float:
        weights = state[body + name]
        return float(weights.abs().max()) if weights.numel() else 0.0

    n_features = state[body + "shared"].shape[1]
    adapters = [f"adapters.{name}." for name in given["adapters"]]
    if given["adapter"] == "full":
        added = sum(largest(name + "full") for name in adapters)
    else:
        added = sum(largest(name + "up") * largest(name + "down") for name in adapters)
        added *= given["rank"]
    reach = n_features * (largest("shared") + largest("graph") * added)
    if reach > torch.finfo(torch.float32).max:
        raise ValueError("weights so large that what they predict is infinite")


def check_roles(columns: Any) -> None:
    """What the columns of the training data were called: names of text, label and task."""
    if columns is None:
        return

    def fine(name: Any) -> bool:
        return name is None or _is_name(name)

    is_dict = isinstance(columns, dict) and set(columns) <= set(ROLES)
    names = list(columns.values()) if is_dict else []
    names = [one for name in names for one in (name if isinstance(name, list) else [name])]
    if not is_dict or not all(map(fine, names)):
        raise refuse(
            expected=f"columns: what each of {', '.join(ROLES)} was called",
            got=f"columns = {_short(columns)}",
            fix="use a file that save() wrote",
        )


def _shapes(given: Any, state: Mapping[str, torch.Tensor], multi: bool, heads: Mapping) -> dict:
    """Names and shapes of all tensors that a model of these facts has."""
    body = "body." if multi else ""
    n_outputs, n_features = state[body + "shared"].shape
    n_tasks = len(given["tasks"])
    n_adapters = len(given["adapters"])
    rank = given["rank"]
    shapes: dict[str, tuple[int, ...]] = {
        "shared": (n_outputs, n_features),
        "graph": (n_tasks, n_adapters),
    }
    if given["bias"]:
        shapes["bias"] = (n_tasks if given["bias"] == "task" else 1, n_outputs)
    for name in given["adapters"]:
        if given["adapter"] == "full":
            shapes[f"adapters.{name}.full"] = (n_outputs, n_features)
        else:
            shapes[f"adapters.{name}.up"] = (n_outputs, rank)
            shapes[f"adapters.{name}.down"] = (rank, n_features)
    shapes = {body + name: shape for name, shape in shapes.items()}
    if not multi:
        return shapes
    if len(given["heads"]) != n_tasks:
        raise ValueError("not one head for each task")
    for i, (kind, size) in enumerate(given["heads"]):
        one_of("kind of head", kind, heads)
        whole("size of a head", size, 1)
        shapes[f"heads.{i}.linear.weight"] = (size, n_outputs)
        shapes[f"heads.{i}.linear.bias"] = (size,)
    return shapes


# ---------------------------------------------------------------- the vectoriser


def check_vectorizer(info: Any, n_features: int, idf: torch.Tensor | None) -> None:
    """A vectoriser of as many words as the model has features, which reads any text in good
    time.
    """
    params = info["params"]
    terms = info["terms"]
    check_names("words of the vectoriser", terms)
    if len(terms) != n_features:
        raise refuse(
            expected=f"a vectoriser of {n_features} words, the number of the model's features",
            got=f"a vectoriser of {len(terms)} words",
            fix="pair the model with the vectoriser whose features it was trained on",
        )
    if idf is not None:
        number = idf.dtype in (torch.float32, torch.float64)
        if not number or tuple(idf.shape) != (n_features,) or not bool(idf.isfinite().all()):
            raise ValueError("word weights (idf) that are not one finite number a word")
    for name, options in TEXT_OPTIONS.items():
        one_of(name, params[name], options)
    for n in params["ngram_range"]:
        whole("ngram_range", n, 1)
    if max(params["ngram_range"]) > LONGEST_NGRAM:
        raise ValueError(f"phrases of more than {LONGEST_NGRAM} words")
    longest = max(map(len, terms) if params["analyzer"] != "word" else map(_n_words, terms))
    if max(params["ngram_range"]) > max(longest, USUAL_NGRAM):
        raise refuse(
            expected=f"phrases of at most {max(longest, USUAL_NGRAM)} words (or letters): the "
            f"vocabulary has none above {longest}",
            got=f"ngram_range = {_short(params['ngram_range'])}",
            fix="fit the vectoriser again, with a shorter ngram_range",
        )
    check_encoding(params["encoding"])
    check_pattern(params["token_pattern"])


def _n_words(term: str) -> int:
    return term.count(" ") + 1


def check_encoding(encoding: Any) -> None:
    """Refuse what turns no bytes into text: ``rot13``, ``zlib``, a name that is none.

    Example:
        >>> check_encoding("utf-8")
    """
    try:
        (b" " * 8).decode(encoding, "replace")
    except (LookupError, TypeError, ValueError) as error:
        raise refuse(
            expected="the encoding of a vectoriser, which makes text of bytes",
            got=f"encoding = {_short(encoding)} ({error})",
            fix="use encoding='utf-8', or that of your files",
        ) from None


def check_pattern(pattern: Any) -> None:
    """Refuse a word pattern on which some texts take forever.

    A search by trial takes exponential time where a repeat or a choice stands in a repeat, such as
    ``(a+)+`` or ``(a|aa)+``, and a power of the text's length where repeats of the same letters
    follow each other, such as ``a*a*b``. Repeats that have no letter in common, or one between
    them that ends the first, keep it short.

    Example:
        >>> check_pattern(r"(?u)\\b\\w[\\w'-]*\\b")
        >>> check_pattern(r"\\w+(?:['-]\\w+)?")
    """
    if pattern is None or pattern == WORD:
        return
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise _slow(pattern, "is no text, or a long one")
    try:
        parsed = re._parser.parse(pattern)  # type: ignore[attr-defined]
        why = _why_slow(parsed)
        re.compile(pattern if not why else "")
    except (re.error, RecursionError, OverflowError) as error:
        raise _slow(pattern, f"is no pattern ({error})") from None
    if why:
        raise _slow(pattern, why)


def _why_slow(parsed: Any) -> str:
    """What makes a parsed pattern slow, in words; nothing if it is quick."""
    ways, repeats = _counted(parsed)
    if ways > MOST_WAYS:
        return "has too many choices one after another"
    if repeats > MOST_REPEATS:
        return f"has more than {MOST_REPEATS} repeats"
    try:
        _running(parsed, [])
    except ValueError as error:
        return str(error)
    return ""


def _counted(parsed: Any) -> tuple[float, int]:
    """Ways through a pattern where every repeat is taken once (or left out), and its repeats."""
    ways = 1.0
    repeats = 0
    for kind, value in parsed:
        name = str(kind)
        more = 0
        if name in REPEATS:
            inner, more = _counted(value[2])
            ways *= inner + (value[:2] == (0, 1))
            more += value[1] > 1
        elif name == "SUBPATTERN" or name in ASSERTIONS:
            inner, more = _counted(value[-1])
            ways *= inner
        elif name == "BRANCH":
            counted = [_counted(one) for one in value[1]]
            ways *= sum(inner for inner, _ in counted)
            more = sum(many for _, many in counted)
        repeats += more
    return ways, repeats


def _running(parsed: Any, before: list, inside: bool = False) -> list:
    """What is repeated in or before this part, and may share letters with what follows it.

    Args:
        before: what is repeated before it. inside: whether this part stands in a repeat.

    Raises:
        ValueError: says what makes the pattern slow.
    """
    running = before
    for kind, value in parsed:
        name = str(kind)
        if name in REPEATS:
            least, most, inner = value
            if inside:
                raise ValueError("repeats what repeats")
            if most > 1 and least < most and any(_share(one, inner) for one in running):
                raise ValueError("has repeats of the same letters one after another")
            within = _running(inner, running, inside=most > 1)
            if most == 1:
                running = [*running, *within]
            elif least < most:
                running = [*(running if least == 0 else []), inner]
        elif name == "SUBPATTERN":
            if value[1] or value[2]:
                raise ValueError("has flags in the middle")
            running = _running(value[-1], running, inside)
        elif name == "BRANCH":
            if inside:
                raise ValueError("repeats a choice")
            ends = [one for inner in value[1] for one in _running(inner, running)]
            running = list({id(one): one for one in ends}.values())
        elif name in ASSERTIONS:
            _running(value[-1], running, inside)
        elif name in ("GROUPREF", "GROUPREF_EXISTS", "ATOMIC_GROUP"):
            raise ValueError("refers back, or forbids to")
        elif running and name in LETTERS:
            this = type(parsed)(parsed.state, [(kind, value)])
            running = [one for one in running if _share(one, this)]
    return running


def _share(one: Any, other: Any) -> bool:
    """Whether some letter fits both parts of a pattern; so if they are not of one letter each."""
    if any(len(part) != 1 or str(part[0][0]) not in LETTERS for part in (one, other)):
        return True
    ahead = (re._constants.ASSERT, (1, one))  # type: ignore[attr-defined]
    both = re._compiler.compile(type(one)(one.state, [ahead, *other]))  # type: ignore[attr-defined]
    kind, value = other[0]
    return both.search(chr(value) if str(kind) == "LITERAL" else _every_letter()) is not None


@functools.cache
def _every_letter() -> str:
    every = np.arange(sys.maxunicode + 1, dtype="<u4")
    return every.tobytes().decode("utf-32-le", "surrogatepass")


def _slow(pattern: Any, why: str) -> Exception:
    return refuse(
        expected="a word pattern that reads any text quickly: no repeat inside a repeat",
        got=f"token_pattern = {_short(pattern)}, which {why}",
        fix=r"use make_vectorizer(), or a pattern such as r'(?u)\b\w[\w-]*\b'",
    )


def _short(value: Any) -> str:
    """What arrived, but never a whole page of it."""
    if isinstance(value, list | tuple) and len(value) > 6:
        return f"{len(value)} names, such as {_short(list(value[:3]))}"
    return type(value).__name__ if isinstance(value, dict) else shown(value, 100)
