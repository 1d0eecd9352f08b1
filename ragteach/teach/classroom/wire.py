"""Values cross between the judge and a student's process as data, never as pickles of theirs.

Enters: a value in the student's process.  Leaves: JSON that the judge reads: numbers, words, lists,
dicts, arrays, tensors, tables, an `nn.Linear`; a function or a class only as the word that it is
one.

The other way, from the judge to the student's process, arguments are pickled: those bytes are ours.
"""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch

from ragteach.model import RAG

MAX_REPLY = 24_000_000  # bytes of one message
MAX_DEPTH = 12
MAX_ITEMS = 100_000

Find = Callable[[dict], Any]  # the thing that JSON tells of


class Keep(Protocol):
    """What is to be told of a thing that is no data, and which modules are known already."""

    def __call__(self, thing: Any) -> dict | None: ...

    def knows(self, thing: Any) -> bool: ...


class TooMuch(BaseException):
    """A value that is too large or too deep to cross."""


class Hung(BaseException):
    """No answer in time, or the process has ended. No checker takes it for an error of its own."""


def encode(thing: Any, depth: int = 0, keep: Keep | None = None) -> Any:
    """A value as JSON can hold it; what is no data is what ``keep`` tells of it, or "other"."""
    if depth > MAX_DEPTH:
        raise TooMuch(f"nested more than {MAX_DEPTH} deep")
    if thing is ...:
        return {"kind": "ellipsis"}
    if thing is NotImplemented:
        return {"kind": "none"}
    if thing is None or type(thing) in (bool, str):
        return thing
    if type(thing) is int:
        return thing if abs(thing) < 2**53 else {"kind": "int", "is": str(thing)[:4000]}
    if type(thing) is float:
        return {"kind": "float", "is": repr(thing)}
    if isinstance(thing, torch.Tensor):
        return {"kind": "tensor", "is": _array(thing.detach().cpu().numpy())}
    if isinstance(thing, np.ndarray):
        return {"kind": "array", "is": _array(thing)}
    if isinstance(thing, np.generic):
        return {"kind": "number", "is": _array(np.asarray(thing))}
    if isinstance(thing, pd.DataFrame):
        columns = [
            [encode(name, depth + 1, keep), encode(thing[name].tolist(), depth + 1, keep)]
            for name in thing
        ]
        return {
            "kind": "frame",
            "is": columns,
            "index": encode(thing.index.tolist(), depth + 1, keep),
        }
    if isinstance(thing, pd.Series | pd.Index):
        return encode(thing.to_numpy(), depth, keep)
    if isinstance(thing, bytes):
        return {"kind": "bytes", "is": base64.b64encode(thing).decode()}
    if isinstance(thing, dict):
        _few(thing)
        pairs = [[encode(k, depth + 1, keep), encode(v, depth + 1, keep)] for k, v in thing.items()]
        return {"kind": "dict", "is": pairs}
    if isinstance(thing, list | tuple | set | frozenset | range):
        _few(thing)
        kind = next(
            k.__name__ for k in (list, tuple, range, set, frozenset) if isinstance(thing, k)
        )
        return {"kind": kind, "is": [encode(value, depth + 1, keep) for value in thing]}
    if type(thing) is torch.nn.Linear:
        return {
            "kind": "linear",
            "weight": _array(thing.weight.detach().numpy()),
            "bias": None if thing.bias is None else _array(thing.bias.detach().numpy()),
        }
    if isinstance(thing, RAG) and thing.adapter_kind == "full" and not (keep and keep.knows(thing)):
        return _of_rag(thing)
    told = keep(thing) if keep else None
    return told or {"kind": "other", "is": f"{type(thing).__name__}"[:200]}


def _few(thing: Any) -> None:
    if len(thing) > MAX_ITEMS:
        raise TooMuch(f"{len(thing)} items, more than {MAX_ITEMS}")


def _array(array: np.ndarray) -> Any:
    if array.dtype.kind not in "fiubcUS":
        return {"list": encode(array.tolist())}
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    if file.tell() > MAX_REPLY // 2:
        raise TooMuch(f"an array of {array.size:,} numbers")
    return {"npy": base64.b64encode(file.getvalue()).decode()}


def _as_array(told: Any) -> np.ndarray:
    if "list" in told:
        return np.array(decode(told["list"]), dtype=object)
    return np.load(io.BytesIO(base64.b64decode(told["npy"])), allow_pickle=False)


class Other:
    """Something of the student's that is no data: the judge knows its kind only."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def decode(told: Any, find: Find | None = None) -> Any:
    """The value that JSON tells of; ``find`` knows what is no data."""
    if not isinstance(told, dict):
        return told
    kind: str = told["kind"]
    value: Any = told.get("is")
    plain = {"ellipsis": ..., "none": None}
    if kind in plain:
        return plain[kind]
    if kind in ("int", "float"):
        return int(value) if kind == "int" else float(value)
    if kind in ("array", "tensor", "number"):
        array = _as_array(value)
        if kind == "tensor":
            return torch.from_numpy(array.copy())
        return array if kind == "array" else array[()]
    if kind == "frame":
        columns = {decode(name, find): decode(column, find) for name, column in value}
        return pd.DataFrame(columns, index=decode(told["index"]))
    if kind == "bytes":
        return base64.b64decode(value)
    if kind == "dict":
        return {decode(k, find): decode(v, find) for k, v in value}
    if kind in ("list", "tuple", "set", "frozenset", "range"):
        make = {"tuple": tuple, "set": set, "frozenset": frozenset}.get(kind, list)
        return make(decode(v, find) for v in value)
    if kind == "linear":
        return _linear(told)
    if kind == "rag":
        return _rag(told)
    if find and kind in ("thing", "argument", "handle"):
        return find(told)
    return Other(str(value)[:200])


def _linear(told: dict) -> torch.nn.Linear:
    weight = torch.from_numpy(_as_array(told["weight"]).copy())
    bias = told["bias"]
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = torch.nn.Parameter(weight)
    if bias is not None:
        layer.bias = torch.nn.Parameter(torch.from_numpy(_as_array(bias).copy()))
    return layer


def _of_rag(model: RAG) -> dict:
    """A model of full-size adapters: its names and numbers. They say all that it is."""
    parts = [model.shared, model.adapter_weights(), model.graph, model.bias]
    return {
        "kind": "rag",
        "names": [list(model.task_names), list(model.adapter_names), model.bias_kind],
        "parts": [encode(part) for part in parts],
    }


def _rag(told: dict) -> RAG:
    shared, adapters, graph, bias = map(decode, told["parts"])
    tasks, names, bias_kind = told["names"]
    n_classes, n_features = shared.shape
    model = RAG(
        n_features, n_classes, len(names), tasks=tasks, adapters=names, graph=graph, bias=bias_kind
    )
    model = model.to(shared.dtype)
    with torch.no_grad():
        model.shared.copy_(shared)
        for name, weight in zip(names, adapters, strict=True):
            full: Any = model.adapters[name].full
            full.copy_(weight)
        if model.bias is not None:
            model.bias.copy_(bias)
    return model


# ------------------------------------------------------------------ messages with a length before
# them


def send(link: socket.socket, payload: bytes) -> None:
    """One message."""
    link.sendall(struct.pack(">Q", len(payload)) + payload)


def receive(link: socket.socket, until: float | None = None) -> bytes:
    """One message; `Hung` if it is not whole by the monotonic clock's ``until``."""
    try:
        size = struct.unpack(">Q", _exactly(link, 8, until))[0]
        if size > MAX_REPLY:
            raise TooMuch(f"an answer of {size:,} bytes")
        return _exactly(link, size, until)
    except TimeoutError:
        raise Hung("it did not end in time") from None
    except OSError:
        raise Hung("its process ended, or used up its time or its memory") from None


def _exactly(link: socket.socket, n: int, until: float | None) -> bytes:
    parts = []
    while n:
        if until is not None:
            link.settimeout(max(until - time.monotonic(), 0.001))
        part = link.recv(min(n, 1 << 20))
        if not part:
            raise Hung("its process ended, or used up its time or its memory")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def send_data(link: socket.socket, thing: dict) -> None:
    """A message of JSON."""
    send(link, json.dumps(thing).encode())


def receive_data(link: socket.socket, until: float | None = None) -> dict:
    """A message of JSON, from a process that may say anything."""
    try:
        said = json.loads(receive(link, until))
    except (ValueError, RecursionError):
        raise Hung("it answered with something else than data") from None
    if not isinstance(said, dict):
        raise Hung("it answered with something else than data")
    return said
