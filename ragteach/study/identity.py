"""Identity: a function, and all that it leans on, as text that another one would not have.

Enters: a function, a setting, an object.  Leaves: nested lists of texts, as JSON can hold them, the
same in every process.

A finished draw may be taken again only where the same strategy would give the same numbers. A
strategy is a function: its code decides, and so do its defaults, the variables that it closes over,
and the functions and values of its own file (or notebook) that it names. What another module holds
goes by its name: the versions of the packages stand beside it.
"""

from __future__ import annotations

import dis
import functools
import pickle
import types
from collections.abc import Iterator
from typing import Any

import joblib
import torch

from ragteach.errors import refuse

PLAIN = (str, int, float, complex, bytes, type(None), type(...))
NAMED = (types.ModuleType, types.BuiltinFunctionType)


def identity(value: Any, home: str = "", above: tuple[int, ...] = ()) -> Any:
    """What tells this value from another one.

    Args:
        value: whatever a builder may be, or lean on.
        home: the module whose functions and classes are looked into; the others go by their names.
        above: ids of the values that this one is a part of.

    Raises:
        RagteachError: an object that cannot be told from others of its kind.

    Example:
        >>> def times(k):
        ...     return lambda x: k * x
        >>> identity(times(2)) == identity(times(2)), identity(times(2)) == identity(times(3))
        (True, False)
    """
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    if id(value) in above:
        return "itself"

    def part(inner: Any, where: str = home) -> Any:
        return identity(inner, where, (*above, id(value)))

    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(part, value)]
    if isinstance(value, dict):
        return ["dict", *([part(key), part(inner)] for key, inner in value.items())]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(map(str, map(part, value)))]
    if isinstance(value, functools.partial):
        return ["partial", part(value.func), part(value.args), part(value.keywords)]
    if isinstance(value, types.MethodType):
        return ["method", part(value.__func__), part(value.__self__)]
    if isinstance(value, types.FunctionType):
        return _function(value, part, home)
    if isinstance(value, NAMED):
        return f"{type(value).__name__} {value.__name__}"
    if isinstance(value, type):
        return _class(value, part, home)
    if isinstance(value, torch.Tensor):
        return ["tensor", str(value.dtype), joblib.hash(value.detach().cpu().numpy())]
    if type(value).__module__.split(".")[0] not in ("numpy", "pandas", "scipy"):
        if hasattr(value, "__dict__"):
            return ["object", _class(type(value), part, type(value).__module__), part(vars(value))]
    return [type(value).__qualname__, _hash(value)]


def _function(function: types.FunctionType, part: Any, home: str) -> list:
    """Name, code, defaults, closure, and the values of its module that it names."""
    module = function.__module__ or ""
    called = [module, function.__qualname__]
    if home and module != home:
        return called
    cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    codes = list(_codes(function.__code__))
    names = sorted({name for code in codes for name in _globals(code)})
    leans = {name: function.__globals__[name] for name in names if name in function.__globals__}
    return [
        *called,
        [[code.co_code.hex(), *code.co_names, *map(repr, _constants(code))] for code in codes],
        *(part(held, module) for held in (function.__defaults__, function.__kwdefaults__)),
        *(part(held, module) for held in (cells, leans)),
    ]


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a name that has no value yet
        return False
    return True


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A function's code, and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _globals(code: types.CodeType) -> Iterator[str]:
    """The names that a code looks up in its module; an attribute is none, whatever it is called."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval


def _constants(code: types.CodeType) -> list:
    """The constants of a code; sets in an order that does not change from process to process."""
    plain = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    return [sorted(map(repr, c)) if isinstance(c, frozenset) else c for c in plain]


def _class(kind: type, part: Any, home: str) -> list:
    """A class by its name, and by its methods if it is of the module that is looked into."""
    called = [kind.__module__, kind.__qualname__]
    library = kind.__module__.split(".")[0] in ("builtins", "torch", "sklearn", "ragteach")
    if kind.__module__ != home or library:
        return called
    methods = {k: v for k, v in vars(kind).items() if isinstance(v, types.FunctionType)}
    return [*called, part(methods, home)]


def _hash(value: Any) -> str:
    try:
        return joblib.hash(value)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
        raise refuse(
            expected="strategies that lean on values which can be told from others",
            got=f"{value!r:.80} ({error})",
            fix="make it inside the function; or leave out=..., and nothing is kept",
        ) from None
