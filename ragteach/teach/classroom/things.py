"""What is no data stays where it is, and is reached from outside: classes, objects, functions.

Enters: a value on one side of the wire.  Leaves: on the judge's side a stand-in, which asks the
student's process whenever it is called or looked at; on the student's side a callback, which asks
the judge's.

    on the judge's side      what it stands for
    a function               a function of the student's
    a `Kind`                 a class of the student's: calling it makes an object there
    a `Thing`                an object of the student's: attributes are read, set and called there

A model or a loss that the judge hands over crosses whole, and comes home with what was done to it.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import pickle
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ragteach.teach.classroom import wire

# (what, place, name, args, kwargs) -> the answer of the student's process
Asked = Callable[..., Any]


class Kind(type):
    """The type of stand-ins for classes: called, it makes an object in the student's process."""

    asked: Asked
    place: int

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.asked("call", cls.place, "", args, kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls.asked("get", cls.place, name)


class Thing(metaclass=Kind):
    """A stand-in for an object: everything about it is asked of the student's process."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._asked("get", self._place, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._asked("set", self._place, name, (value,))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._asked("call", self._place, "", args, kwargs)

    def __len__(self) -> int:
        return int(self._asked("get", self._place, "__len__")())

    def __getitem__(self, key: Any) -> Any:
        return self._asked("get", self._place, "__getitem__")(key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def thing_of(told: dict, asked: Asked, known: dict[int, Any]) -> Any:
    """The stand-in that JSON tells of; the same one for the same thing."""
    place = int(told["place"])
    if place not in known:
        known[place] = _new_stand_in(told, place, asked, known)
    return known[place]


def _new_stand_in(told: dict, place: int, asked: Asked, known: dict[int, Any]) -> Any:
    if told["what"] == "function":
        return _function(place, asked, told.get("parameters") or [])
    name = str(told.get("name"))[:80]
    if told["what"] == "class":
        return Kind(name, (Thing,), {"asked": staticmethod(asked), "place": place})
    of_class = told.get("class")
    kind = thing_of(of_class, asked, known) if isinstance(of_class, dict) else Thing
    thing = object.__new__(kind)
    thing.__dict__.update(_asked=asked, _place=place)
    return thing


def _function(place: int, asked: Asked, parameters: list) -> Callable:
    """A function that runs in the student's process, with the parameters that theirs has."""

    def called(*args: object, **kwargs: object) -> object:
        return asked("call", place, "", args, kwargs)

    called.place = place  # type: ignore[attr-defined]
    called.asked = asked  # type: ignore[attr-defined]
    kinds = inspect._ParameterKind
    with contextlib.suppress(Exception):
        called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    str(name), kinds(int(kind)), default=None if has else inspect.Parameter.empty
                )
                for name, kind, has in parameters[:50]
            ]
        )
    return called


def place_of(thing: object) -> int | None:
    """Where in the student's process a stand-in's thing lies; None for all else."""
    if isinstance(thing, Kind):
        return thing.__dict__.get("place")
    if isinstance(type(thing), Kind):
        return thing.__dict__["_place"]
    return thing.__dict__.get("place") if isinstance(thing, types.FunctionType) else None


def inside(function: Callable, *args: Any) -> Any:
    """``function(*args)``, run in the student's process if one of the arguments lies there.

    For what only the object itself can tell (does a gradient arrive?). What comes back is data.
    """
    found = next((a for a in args if place_of(a) is not None), None)
    if found is None:
        return function(*args)
    asked = found.__dict__["_asked"] if isinstance(type(found), Kind) else found.asked
    return asked("inside", -1, "", (function, *args))


# ------------------------------------------------------------------ arguments


@dataclass(frozen=True)
class Handle:
    """Stands in the student's process for something of the judge's that is no data."""

    place: int


@dataclass(frozen=True)
class Argument:
    """One of the modules of the call under way, by number."""

    place: int


class Packer(pickle.Pickler):
    """The judge's arguments as bytes: stand-ins as places, functions of its own as callbacks."""

    def __init__(self, file: io.BytesIO, callbacks: list[Callable]):
        super().__init__(file)
        self.callbacks = callbacks

    def persistent_id(self, thing: Any) -> tuple | None:
        place = place_of(thing)
        if place is not None:
            return "thing", place
        method = isinstance(thing, types.MethodType) and not isinstance(thing.__self__, type)
        local = isinstance(thing, types.FunctionType) and "<" in thing.__qualname__
        if not (method or local):
            return None
        if thing not in self.callbacks:
            self.callbacks.append(thing)
        return "callback", self.callbacks.index(thing)


def packed(value: Any, callbacks: list[Callable]) -> bytes:
    """A value for the student's process, as bytes."""
    file = io.BytesIO()
    Packer(file, callbacks).dump(value)
    return file.getvalue()


class Unpacker(pickle.Unpickler):
    """The judge's bytes in the student's process."""

    def __init__(self, content: bytes, things: list, callback: Callable[[int], Callable]):
        super().__init__(io.BytesIO(content))
        self.things = things
        self.callback = callback

    def persistent_load(self, told: tuple) -> Any:
        what, place = told
        return self.things[place] if what == "thing" else self.callback(place)


# ------------------------------------------------------------------ models that come home


def modules_in(args: tuple, kwargs: dict) -> list[torch.nn.Module]:
    """The models, layers and losses among the arguments."""
    return [thing for thing in (*args, *kwargs.values()) if isinstance(thing, torch.nn.Module)]


def state_of(module: torch.nn.Module) -> dict:
    """What a function may have done to a module: its numbers, what may move, and plain notes."""
    return {
        "numbers": [wire.encode(p) for p in (*module.parameters(), *module.buffers())],
        "trainable": [p.requires_grad for p in module.parameters()],
        "notes": {name: wire.encode(module.__dict__[name]) for name in _notes(module)},
    }


def _notes(module: torch.nn.Module) -> list[str]:
    """Its attributes of plain data, torch's own aside."""
    plain = (bool, int, float, str, list, dict)
    return [
        name
        for name, value in module.__dict__.items()
        if not name.startswith("_") and name != "training" and isinstance(value, plain)
    ]


def bring_home(module: torch.nn.Module, state: dict) -> None:
    """Do to the judge's module what was done to the student's copy."""
    parameters = list(module.parameters())
    with torch.no_grad():
        for own, new in zip((*parameters, *module.buffers()), state["numbers"], strict=True):
            own.copy_(wire.decode(new))
    for own, moves in zip(parameters, state["trainable"], strict=True):
        own.requires_grad_(bool(moves))
    for name in _notes(module):
        value = wire.decode(state["notes"].get(name))
        if type(value) is type(module.__dict__[name]):
            module.__dict__[name] = value
