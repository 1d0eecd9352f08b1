"""The student's side of the wire: what is kept there, and how the judge's questions are answered.

Enters: questions, as JSON and as the judge's own pickles.  Leaves: answers as data; what is no data
stays on this desk, and its number goes out.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import socket
from collections.abc import Callable
from typing import Any

import torch

from ragteach.teach.classroom import things, wire
from ragteach.teach.watching import refusing


class Desk:
    """Everything of the student's that the judge may ask for, by number."""

    def __init__(self, link: socket.socket):
        self.link = link
        self.things: list[Any] = []
        self.modules: list[torch.nn.Module] = []  # the judge's, of the call under way

    def serve(self, do: Callable[[dict], dict]) -> dict:
        """Answer questions until the judge hangs up, or answers one that was asked from here."""
        while True:
            asked = wire.receive_data(self.link)
            if "returned" in asked or "raised" in asked:
                return asked
            try:
                said = do(asked)
            except (SystemExit, KeyboardInterrupt) as error:
                said = {"error": "RuntimeError", "message": f"it called {type(error).__name__}"}
            except BaseException as error:
                said = {"error": type(error).__name__, "message": str(error)[:500]}
            wire.send_data(self.link, said)

    def do(self, asked: dict) -> dict:
        """Call, read, set, or run a function of the course's on a thing of the student's."""
        args, kwargs = self._unpacked()
        before = self.modules
        self.modules = things.modules_in(args, kwargs)
        try:
            refused = {(file, line, name): said for file, line, name, said in asked["refused"]}
            with refusing(refused) if refused else contextlib.nullcontext():
                value = self._done(asked, args, kwargs)
            homes = [things.state_of(module) for module in self.modules]
            return {"value": self.told(value), "modules": homes}
        finally:
            self.modules = before

    def _done(self, asked: dict, args: tuple, kwargs: dict) -> Any:
        if asked["do"] == "inside":
            function, *rest = args
            return function(*rest)
        thing = self.things[asked["place"]]
        if asked["do"] == "get":
            return getattr(thing, asked["name"])
        if asked["do"] == "set":
            setattr(thing, asked["name"], args[0])
            return None
        return thing(*args, **kwargs)

    def _unpacked(self) -> Any:
        return things.Unpacker(wire.receive(self.link), self.things, self._callback).load()

    def _callback(self, place: int) -> Callable:
        def ask(*args: Any, **kwargs: Any) -> Any:
            wire.send_data(
                self.link,
                {"callback": place, "args": self.told(args), "kwargs": self.told(kwargs)},
            )
            said = self.serve(self.do)
            if "raised" in said:
                raise RuntimeError(f"{said['raised']}: {said['message']}")
            value = self._unpacked()
            return self.modules[value.place] if isinstance(value, things.Argument) else value

        return ask

    def told(self, value: Any) -> Any:
        """A value as data; what is none gets a number and stays."""
        return wire.encode(value, keep=self)

    def knows(self, thing: Any) -> bool:
        return any(thing is module for module in self.modules)

    def __call__(self, thing: Any) -> dict:
        for place, module in enumerate(self.modules):
            if thing is module:
                return {"kind": "argument", "place": place, "state": things.state_of(module)}
        if isinstance(thing, things.Handle):
            return {"kind": "handle", "place": thing.place}
        told: dict = {"kind": "thing", "place": self._place(thing), "what": "object"}
        if isinstance(thing, type):
            told |= {"what": "class", "name": thing.__name__}
        elif inspect.isroutine(thing) or isinstance(thing, functools.partial):
            told |= {"what": "function", "parameters": _parameters(thing)}
        else:
            told["class"] = self(type(thing))
        return told

    def _place(self, thing: Any) -> int:
        for place, known in enumerate(self.things):
            if known is thing:
                return place
        self.things.append(thing)
        return len(self.things) - 1


def _parameters(function: Callable) -> list:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [["args", 2, False], ["kwargs", 4, False]]
    return [[p.name, int(p.kind), p.default is not inspect.Parameter.empty] for p in found]
