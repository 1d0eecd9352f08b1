"""Exercise 12-7: a model as bytes, without pickle; round trips, other readers, and damage."""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors import numpy as of_numpy
from safetensors import torch as of_torch
from safetensors.torch import load as read_safetensors

from ragteach.model import RAG
from ragteach.teach.checks import Wrong, exercise, expect, finished
from ragteach.teach.watching import by_hand


def pack(model):
    """The model as the bytes of a safetensors file."""
    arrays = {"shared": model.shared, "graph": model.graph, "bias": model.bias}
    arrays |= {f"adapters.{n}": model.adapters[n].weight for n in model.adapter_names}
    arrays = {name: a.detach().numpy().astype("<f4") for name, a in arrays.items()}
    notes = {"tasks": model.task_names, "adapters": model.adapter_names}
    header = {"__metadata__": {key: json.dumps(v) for key, v in notes.items()}}
    body = b""
    for name, a in arrays.items():
        place = [len(body), len(body) + a.nbytes]
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": place}
        body += a.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def unpack(data):
    """The model again; ValueError for bytes that are no such file."""
    n = int.from_bytes(data[:8], "little")
    if len(data) < 8 or n > len(data) - 8:
        raise ValueError(f"the header claims {n} bytes; the file has {len(data)}")
    header = json.loads(data[8 : 8 + n])
    body = data[8 + n :]
    notes = {key: json.loads(v) for key, v in header.pop("__metadata__").items()}
    if max(entry["data_offsets"][1] for entry in header.values()) != len(body):
        raise ValueError("the file is cut short, or has bytes too many")
    arrays = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        flat = np.frombuffer(body[first:last], "<f4")
        arrays[name] = torch.from_numpy(flat.reshape(entry["shape"]).copy())
    n_classes, n_features = arrays["shared"].shape
    names = {"tasks": notes["tasks"], "adapters": notes["adapters"]}
    model = RAG(n_features, n_classes, len(notes["adapters"]), graph=arrays["graph"], **names)
    with torch.no_grad():
        model.shared.copy_(arrays["shared"])
        model.bias.copy_(arrays["bias"])
        for name in notes["adapters"]:
            model.adapters[name].full.copy_(arrays[f"adapters.{name}"])
    return model


class ModelFile:
    """The reference of 12-7."""

    pack = staticmethod(pack)
    unpack = staticmethod(unpack)


def example(seed=0):
    """A model whose graph, names and biases matter."""
    graph = torch.tensor([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]])
    names = {"tasks": ["films", "cars", "phones"], "adapters": ["dark", "loud"]}
    model = RAG(5, 3, 2, graph=graph, bias="task", seed=seed, scale=1.0, **names)
    with torch.no_grad():
        model.bias.copy_(torch.arange(9.0).reshape(3, 3) / 7)
    return model


@exercise(
    "12-7",
    title="A file of your own",
    difficulty="hard",
    minutes=30,
    trains="knowing every byte of what you hand on, and refusing what is broken",
    hints=[
        "pack: one dict of arrays (shared, graph, bias, adapters.NAME), each as float32, and one "
        "text of notes. For each array note dtype, shape and data_offsets, counted from the end "
        "of the header.",
        "The file is: 8 bytes with the header's length, the header as JSON, and all arrays one "
        "after the other. In __metadata__ every value must be a string: json.dumps the "
        "lists of names.",
        "unpack: first compare the length in the first 8 bytes with len(data), and the last offset "
        "with what is left. Raise ValueError where they differ. Only then build rt.RAG(n_features, "
        'n_classes, n_adapters, tasks=..., adapters=..., graph=..., bias="task") and copy.',
    ],
    reference=ModelFile,
    reason="Length, JSON, numbers: any language can read it, nothing in it is run, and a broken "
    "one is refused.",
    rule="length, header, arrays; and the same model afterwards, with its graph and its names.",
)
def model_file(yours):
    """The class, part by part: bytes, header, round trip, other readers, damage."""
    expect(isinstance(yours, type), "Hand over the class itself, without brackets.")
    model = example()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with by_hand(of_numpy.save, of_torch.save, why="it writes every byte of the file"):
        data = yours.pack(model)
    finished(data, "pack returns nothing yet.")
    expect(isinstance(data, bytes), f"pack returns bytes; yours is {type(data).__name__}.")
    changed = any(not torch.equal(before[k], v) for k, v in model.state_dict().items())
    expect(not changed, "pack has changed the model. Copy before you turn anything.")
    _header(data)
    _arrays(data, model)
    try:
        with by_hand(of_numpy.load, of_torch.load, why="it reads every byte of the file"):
            again = yours.unpack(data)
    except ValueError as error:
        raise Wrong(
            f"unpack refuses a sound file: {error} (The model in it has 3 tasks and 2 adapters. The "
            "third number of rt.RAG counts adapters, not tasks.)"
        ) from None
    finished(again, "unpack returns nothing yet.")
    _same(again, model)
    _damage(yours, data)


def _header(data):
    expect(
        data[:2] not in (b"\x80\x04", b"\x80\x05"),
        "This is a pickle: whoever loads it runs what is in it. Write length, JSON and numbers.",
    )
    expect(
        data[:2] != b"PK", "This is torch.save's file, a pickle in a zip. Write the bytes yourself."
    )
    n = int.from_bytes(data[:8], "little")
    turned = int.from_bytes(data[:8], "big")
    expect(
        not (n > len(data) >= turned),
        'The length is written with the large end first. A safetensors file has "little".',
    )
    try:
        header = json.loads(data[8 : 8 + n])
    except ValueError as error:
        raise Wrong(
            f"The first 8 bytes do not give the length of a JSON text that follows them. ({error})"
        ) from None
    notes = header.get("__metadata__", {})
    expect(
        notes,
        "The names of tasks and adapters belong into __metadata__: a model forgets them else.",
    )
    expect(
        all(isinstance(value, str) for value in notes.values()),
        "In __metadata__ every value is a string: json.dumps the lists.",
    )


def _arrays(data, model):
    try:
        found = read_safetensors(data)
    except Exception as error:
        n = int.from_bytes(data[:8], "little")
        entries = [v for k, v in json.loads(data[8 : 8 + n]).items() if k != "__metadata__"]
        firsts = min((v["data_offsets"][0] for v in entries), default=0)
        expect(
            firsts == 0,
            "The offsets are counted from the end of the header: the first array begins at 0.",
        )
        raise Wrong(f"The library safetensors cannot read your bytes: {error}") from None
    values = list(found.values())
    for name, right in (("shared", model.shared), ("graph", model.graph), ("bias", model.bias)):
        inside = any(v.shape == right.shape and torch.allclose(v.float(), right) for v in values)
        expect(
            inside, f"The file does not hold {name}, {tuple(right.shape)}, as it is in the model."
        )
    expect(
        all(value.dtype == torch.float32 for value in values),
        "Write float32, F32: the model's own numbers, and half the size of float64.",
    )


def _same(again, model):
    expect(isinstance(again, RAG), f"unpack returns a RAG; yours is {type(again).__name__}.")
    expect(
        again.task_names == model.task_names and again.adapter_names == model.adapter_names,
        f"The names are {again.task_names} and {again.adapter_names}; they were {model.task_names} "
        f"and {model.adapter_names}.",
    )
    expect(torch.equal(again.graph, model.graph), "The graph is another one after unpack.")
    x = torch.eye(5)
    with torch.no_grad():
        close = torch.allclose(again(x), model(x), atol=1e-6)
        rest = torch.allclose(again(x) - again(0 * x), model(x) - model(0 * x), atol=1e-6)
    expect(close or not rest, "The weights are back, but not the biases.")
    expect(
        close,
        "The model that comes back gives other logits. Are all parts copied, in their places?",
    )


def _damage(yours, data):
    n = int.from_bytes(data[:8], "little")
    longer = (len(data) * 1000).to_bytes(8, "little") + data[8:]
    cases = {
        "is cut short by one byte": data[:-1],
        "ends inside the header": data[: 8 + n // 2],
        "is empty": b"",
        "claims a header that is longer than the file": longer,
        "has a byte too many": data + b"\x00",
    }
    for what, broken in cases.items():
        try:
            yours.unpack(broken)
        except ValueError:
            continue
        except Exception as error:
            raise Wrong(
                f"A file that {what} ends in {type(error).__name__}. Look first, and "
                "raise ValueError."
            ) from None
        raise Wrong(f"A file that {what} is read as if nothing were wrong. Raise ValueError.")
