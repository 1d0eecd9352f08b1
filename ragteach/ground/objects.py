"""Objects of any kind, asked carefully: one that breaks when it is asked has no answer.

Enters: whatever somebody passed.  Leaves: an attribute, a number, an array of numpy's; or an error
in three parts. Objects may raise from ``__getattr__``, ``__str__`` or ``__array__`` (proxies of
lazy modules and of closed databases do), and tensors may lie where nobody can read them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from ragteach.errors import is_number, refuse, shown
from ragteach.ground.memory import fits_memory

_NOTHING = object()
INSIDE = ("ragteach.", "torch.utils._contextlib", "contextlib")  # ours, and what decorates ours


def outside() -> int:
    """The ``stacklevel`` of a warning that is to point at the first caller outside this package.

    Example:
        >>> outside() >= 1
        True
    """
    frame = sys._getframe(1)
    level = 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(INSIDE):
        frame = frame.f_back
        level = level + 1
    return level


def attribute(value: Any, name: str, default: Any = None) -> Any:
    """``getattr`` that gives the default for whatever an object raises instead of an answer.

    Example:
        >>> attribute([1, 2], "ndim", 1)
        1
    """
    try:
        return getattr(value, name, default)
    except Exception:
        return default


def has(value: Any, *names: str) -> bool:
    """Whether an object has all of these attributes, and hands them over.

    Example:
        >>> has(np.zeros(2), "ndim", "shape"), has([1], "shape")
        (True, False)
    """
    return all(attribute(value, name, _NOTHING) is not _NOTHING for name in names)


def as_name(what: str, value: Any) -> str:
    """``str`` of a value that is to be a name; refuses one that cannot be printed or written."""
    try:
        name = str(value)
        name.encode()  # half a sign (a surrogate) is no text that a file could hold
        return name
    except Exception as error:
        raise refuse(
            expected=f"{what} that can be printed",
            got=f"{shown(value)} ({type(error).__name__}: {error})",
            fix="give names as strings",
        ) from error


def check_signs(what: str, texts: Iterable[str]) -> None:
    r"""Refuse a text with half a sign (a lone surrogate) in it: no file and no page can show it.

    Example:
        >>> check_signs("text", ["fine", "\U0001f600"])
        >>> check_signs("text", ["fine", "half \ud83d"])
        Traceback (most recent call last):
        ragteach.errors.RagteachError: Expected: text of whole signs, such as UTF-8 can write
        Got: 'half \ud83d' at place 1, with half a sign in it
        What to do: mend it: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    """
    for place, text in enumerate(texts):
        try:
            text.isascii() or text.encode()
        except UnicodeEncodeError:
            raise half_a_sign(what, text, f" at place {place}") from None


def half_a_sign(what: str, text: str, where: str = "") -> Exception:
    """The refusal of a text that holds half a sign."""
    return refuse(
        expected=f"{what} of whole signs, such as UTF-8 can write",
        got=f"{shown(text, 60)}{where}, with half a sign in it",
        fix='mend it: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")',
    )


def printed(value: Any) -> str:
    r"""``str`` of a value; what it is, if it cannot be printed. Half a sign is written as its code.

    Example:
        >>> printed("\ud800"), printed("\u00e9")
        ('\\ud800', 'é')
    """
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return shown(value)


def readable(tensor: torch.Tensor) -> bool:
    """Whether a tensor's numbers can be read one by one: it has numbers, each at its own place.

    Example:
        >>> readable(torch.ones(2)), readable(torch.ones(2, device="meta"))
        (True, False)
    """
    strided = tensor.layout == torch.strided and not tensor.is_nested
    return strided and tensor.device.type != "meta" and not tensor.is_quantized


def one_value(value: Any) -> Any:
    """The number in a tensor or an array without axes; any other value as it is."""
    hidden = value is np.ma.masked or (isinstance(value, torch.Tensor) and not readable(value))
    if hidden or attribute(value, "ndim") != 0:
        return value
    return value.item()


def n_members(value: Any) -> int:
    """How many members a sequence says it has; 0 where it does not say."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return 0
    try:
        return len(value)
    except OverflowError:  # range(10**30)
        return sys.maxsize
    except Exception:  # an object that breaks: whoever reads it says so
        return 0


def check_length(what: str, value: Any) -> None:
    """Refuse a list or a range that no memory holds, before it is copied."""
    n_values = 0 if has(value, "dtype") else n_members(value)  # else in memory already
    if n_values > 1_000_000:
        fits_memory(
            f"{what} = {type(value).__name__} of {n_values:,} values",
            40.0 * n_values,
            f"pass fewer of {what}",
        )


def as_array(what: str, value: Any) -> np.ndarray:
    """numpy's view of a list, a column or a tensor of any precision; refuses what has none.

    Args:
        what: the name of the argument, for the message.

    Raises:
        RagteachError: numbers that are nowhere (a meta tensor), or behind a mask.
        ValueError: rows of unequal length.

    Example:
        >>> as_array("labels", torch.tensor([1, 2], dtype=torch.bfloat16)).tolist()
        [1.0, 2.0]
    """
    check_length(what, value)
    try:
        if isinstance(value, torch.Tensor):
            value = as_plain(what, value.detach())
            value = value.float() if value.dtype == torch.bfloat16 else value
            return value.cpu().numpy()
        array = np.asanyarray(value)
    except ValueError:
        raise
    except Exception as error:
        raise refuse(
            expected=f"{what} that numpy can read: a list, an array, a column or a tensor",
            got=f"{what} = {type(value).__name__} {shown(value, 60)} ({error})",
            fix=f"pass {what} as a list or an array of numbers",
        ) from error
    if np.ma.is_masked(array):
        raise refuse(
            expected=f"{what} without a mask: a number in every place",
            got=f"{what} = an array in which {np.ma.count_masked(array)} are masked",
            fix="leave those rows out, or fill them: array.filled(...)",
        )
    return np.asarray(array)


def as_numbers(value: Any, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Real numbers as a tensor of this precision (None: their own); an empty one of whatever holds
    none, or breaks when it is asked.

    Example:
        >>> as_numbers([1, 2]), as_numbers("ab"), as_numbers([10**400])
        (tensor([1, 2]), tensor([]), tensor([]))
    """
    try:
        check_length("numbers", value)
        given = value.detach() if isinstance(value, torch.Tensor) else torch.as_tensor(value)
        given = as_plain("numbers", given)
        return torch.zeros(0) if given.is_complex() else given.to(dtype or given.dtype)
    except Exception:  # whatever an object raises, it has no numbers for us
        return torch.zeros(0)


def as_plain(what: str, tensor: torch.Tensor) -> torch.Tensor:
    """A tensor that holds its numbers one by one; refuses one that holds none."""
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if not readable(tensor):
        raise refuse(
            expected=f"{what}: a tensor with numbers in it",
            got=f"{what} = a tensor of shape {tuple(tensor.shape)} on {tensor.device}, without any",
            fix="move the numbers there first: tensor.to('cpu'), or make it on the CPU",
        )
    return tensor


def as_rows(what: str, value: Any) -> Any:
    """What scikit-learn can read: tensors become arrays, tables and lists stay as they are; an
    object that is neither, or breaks when numpy asks it, is refused.

    Example:
        >>> as_rows("X", torch.ones(1, 2, requires_grad=True)).tolist()
        [[1.0, 1.0]]
    """
    if isinstance(value, torch.Tensor):
        return as_array(what, value)
    check_length(what, value)
    columns = value.columns if has(value, "columns", "iloc") else None
    twice = [] if columns is None else list(columns[columns.duplicated()])
    if twice:
        raise refuse(
            expected=f"{what} whose columns all have names of their own",
            got=f"{what} = a table with the column {shown(twice[0], 60)} more than once",
            fix="rename one of them, or drop it: frame.loc[:, ~frame.columns.duplicated()]",
        )
    plain = value is None or isinstance(value, str | bytes | list | tuple | dict | np.ndarray)
    if plain or is_number(value) or has(value, "columns") or has(value, "shape"):
        return value
    if as_array(what, value).ndim == 0:
        raise refuse(
            expected=f"{what} that has rows: a list, an array or a table",
            got=f"{what} = {type(value).__name__} {shown(value, 60)}",
            fix=f"pass {what} as an array, one row for each document",
        )
    return value


def as_path(what: str, value: Any) -> str | bytes:
    """The path in a string or a path-like object; refuses one that breaks when it is asked."""
    try:
        return os.fspath(value)
    except Exception as error:
        raise refuse(
            expected=f"{what}: the path of a file or a folder",
            got=f"{what} = {shown(value, 60)} ({type(error).__name__}: {error})",
            fix="pass the path as a string",
        ) from error
