"""RAG inside a network: the course's equation in any layers of any torch module.

Enters: a network whose weights stay as they are, and the names of some of its linear layers.
Leaves: `DeepRAG`, in which every one of these layers is

    W_t = W_0 + dW_s + sum_k G[t, k] dA_k

W_0 frozen, dW_s for all tasks, dA_k for those that the graph G sends there.  Everything starts at
zero, so an untrained `DeepRAG` is the network it was made of, to the last bit.  The linear `RAG` is
the case of one layer with W_0 = 0.

Sources: Hu et al. (2022) for the low-rank change; Ponti et al. (2022) for a graph over adapters.
"""

from __future__ import annotations

import contextlib
import copy
import fnmatch
import hashlib
import inspect
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ragteach.data.documents import check_numbers
from ragteach.errors import is_list, one_of, refuse, shown, whole
from ragteach.graph import routing_graph
from ragteach.ground.arguments import MOST, distinct, generator_of, members, short
from ragteach.ground.objects import as_plain
from ragteach.ground.states import Parts
from ragteach.ground.writing import put
from ragteach.integrations.deep_kinds import DEEP_KINDS, Bottleneck, new_delta
from ragteach.model import RAG

SHARED = "shared"  # the name of dW_s beside the adapters' names
PRECISIONS = ("auto", "float32", "bfloat16")


class DeltaLinear(nn.Module):
    """One layer of a `DeepRAG`: the old one, plus what is shared, plus what the graph sends
    here.
    """

    def __init__(self, base: nn.Linear, deltas: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.base = base
        self.deltas = nn.ModuleDict(dict(deltas))  # SHARED (if any) and the adapters
        self.route: dict[str, Tensor | float] = {}  # how much of each counts: set by every call

    def forward(self, h: Tensor) -> Tensor:
        """(n_docs, ..., n_in) -> (n_docs, ..., n_out)."""
        check_read(h, self.base)
        y = self.base(h)
        change = torch.zeros_like(y)
        for name, share in self.route.items():
            delta = self.deltas[name]
            bent = delta(y) if isinstance(delta, Bottleneck) else _times(delta, h)
            if isinstance(share, Tensor):  # one share for each document
                if len(share) != len(h):
                    raise refuse(
                        expected=f"{len(share)} documents in every layer, a task for each",
                        got=f"a layer that sees {len(h)} rows",
                        fix="give one task for the whole batch, or choose other layers",
                    )
                share = share.view(-1, *[1] * (y.ndim - 1))
            change = change + share * bent
        return y + change

    @property
    def weight(self) -> Tensor:
        """Refused: who multiplies by it alone leaves the changes out, and nobody would notice."""
        raise refuse(
            expected="a layer that is called, layer(h)",
            got="its weight alone, as some modules read it of the layers in them",
            fix="leave that layer out of DeepRAG(layers=[...])",
        )


def check_read(h: Any, layer: Any) -> None:
    """Refuse what a layer with weights cannot multiply: another precision, another shape."""
    own = layer.weight.dtype
    if isinstance(h, Tensor):
        lower = h.is_floating_point() and h.dtype != torch.float64
        cast_for_us = lower and torch.is_autocast_enabled(h.device.type)
        if (h.dtype == own or cast_for_us) and not h.is_nested and _fits(h, layer):
            return
        nested = " in a nested tensor" if h.is_nested else f" of shape {tuple(h.shape)}"
        got = str(h.dtype).removeprefix("torch.") + nested
    else:
        got = short(h)
    if isinstance(layer, nn.Linear):
        shape = f"(n_docs, ..., {layer.in_features})"
    else:
        shape = f"(n_docs, {layer.in_channels}, {', '.join(['...'] * len(layer.kernel_size))})"
    raise refuse(
        expected=f"x: what this layer reads, a {str(own).removeprefix('torch.')} tensor {shape}",
        got=f"x = {got}",
        fix=f"hand over what the network was made for: numbers as x.to({own}), texts as its "
        "tokenizer's numbers",
    )


def _fits(h: Tensor, layer: Any) -> bool:
    """Whether a layer multiplies tensors of this shape."""
    if isinstance(layer, nn.Linear):
        return h.shape[-1:] == (layer.in_features,)
    axes = len(layer.kernel_size)  # a convolution's: one document has its channels before them
    return h.ndim in (axes + 1, axes + 2) and h.shape[-axes - 1] == layer.in_channels


def check_first(network: nn.Module, x: Any) -> None:
    """Refuse what the first layer of a chain cannot read, if it is one that reads x as it is."""
    while isinstance(network, nn.Sequential) and len(network):
        network = network[0]
    if isinstance(network, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
        check_read(x, network)
    if isinstance(network, nn.Embedding):
        whole = isinstance(x, Tensor) and x.dtype in (torch.int32, torch.int64)
        n = network.num_embeddings
        if not whole or (x.numel() and not 0 <= int(x.min()) <= int(x.max()) < n):
            raise refuse(
                expected=f"x: the numbers of tokens, 0 .. {n - 1}, in a tensor of int64",
                got=f"x = {short(x)}",
                fix="hand over what the network's own tokenizer gives",
            )


def _times(delta: nn.Module, h: Tensor) -> Tensor:
    """h times the change; of a product of two thin matrices never the whole."""
    if getattr(delta, "kind", "full") in ("low_rank", "projected"):
        up = cast(Tensor, delta.up)
        down = cast(Tensor, delta.down)
        return (h @ down.mT) @ up.mT
    return h @ cast(Tensor, delta.weight).mT


class Part:
    """One part over all layers, as losses and penalties see it."""

    def __init__(self, deltas: Sequence[nn.Module]) -> None:
        self.deltas = deltas

    def parameters(self) -> Iterator[nn.Parameter]:
        """What may be trained of it, layer by layer."""
        return itertools.chain.from_iterable(delta.parameters() for delta in self.deltas)

    @property
    def weight(self) -> Tensor:
        """All its changes side by side, (1, n_numbers): ||weight||^2 is the penalty's square."""
        return torch.cat([cast(Tensor, delta.weight).flatten() for delta in self.deltas])[None]


class DeepRAG(Parts):
    """Shared and adapter weights inside a network, joined by a routing graph.

    Args:
        base: any module. It is not copied; its weights are frozen. (A single `nn.Linear` is
            layer ``"0"`` of an `nn.Sequential`: the linear `RAG`.)
        layers: names of its `nn.Linear` layers, as ``base.named_modules()`` has them; ``*`` stands
            for anything (``"*.query"``). Default: all of them.
        tasks: number of tasks, or their names.
        n_adapters: how many adapters. Default: one per task.
        graph, per_task, adapters: as in `RAG`: which adapter serves which task, and their names.
        kind: of every adapter: ``"full"``, ``"low_rank"``, ``"projected"``, ``"vera"``,
            ``"randlora"`` or ``"bottleneck"`` (see `ragteach.integrations.deep_kinds`).
        rank: r; at most the smaller side of every layer.
        shared: kind of dW_s; ``"same"`` as the adapters; None: no shared part (W_0 alone).
        head: names of modules of ``base`` that are new and trained whole, by all tasks.
        precision: ``"auto"``: while it is trained on a GPU that has bfloat16, the network computes
            in it (`torch.autocast`); weights, losses, and all answers without gradients stay
            float32. ``"bfloat16"``: so on any device; ``"float32"``: never.
        seed: of the random parts.

    As in `RAG`, an adapter is *active* or not, and *trainable* or not. `fit` trains it from a
    stream of (x, y, task) batches; its penalties are those of the changes, summed over layers.

    Raises:
        RagteachError: layer names that match nothing (those there are get listed), a rank that is
            larger than a layer, an unknown kind, task or adapter; a base that has adapters already.

    Example:
        >>> base = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))
        >>> model = DeepRAG(base, tasks=["films", "cars"], rank=2)
        >>> model(torch.zeros(5, 8), task="films").shape
        torch.Size([5, 3])
        >>> model.num_parameters(trainable=True)  # 3 parts x 2 layers: 3 (2 x 14 + 2 x 9)
        138
    """

    graph: Tensor  # (n_tasks, n_adapters)

    def __init__(
        self,
        base: nn.Module,
        layers: str | Iterable[str] = "*",
        *,
        tasks: int | Iterable[str],
        n_adapters: int | None = None,
        graph: Any = "one_per_task",
        adapters: Iterable[str] | None = None,
        per_task: int = 1,
        kind: str = "low_rank",
        rank: int = 8,
        shared: str | None = "same",
        head: str | Iterable[str] = (),
        precision: str = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(base, nn.Module):
            raise refuse(
                expected="base: a torch module",
                got=f"base = {shown(base, 60)}",
                fix="pass a network, for example nn.Sequential(...)",
            )
        if any(isinstance(module, DeltaLinear) for module in base.modules()):
            raise refuse(
                expected="base: a network without adapters, into which they are put",
                got="one that a DeepRAG has in it already",
                fix="make the network anew, or copy it before: DeepRAG(copy.deepcopy(network), "
                "...)",
            )
        one_of("kind", kind, DEEP_KINDS)
        whole("rank", rank, 1)
        one_of("precision", precision, PRECISIONS)
        self.precision = precision
        shared_kind = kind if isinstance(shared, str) and shared == "same" else shared
        if shared_kind is not None:
            one_of("shared", shared_kind, DEEP_KINDS)
        if isinstance(base, nn.Linear):
            base = nn.Sequential(base)  # what stands alone has no name: call it 0
        generator = generator_of(seed)
        self.task_names = distinct(tasks, "task", "task names")
        n_tasks = len(self.task_names)
        whole("number of tasks", n_tasks, 1)
        if n_adapters is not None:
            whole("n_adapters", n_adapters, 0, MOST)
        given: int | Iterable[str] = n_tasks if n_adapters is None else n_adapters
        if adapters is not None:
            given = adapters
        names = distinct(given, "A", "adapter names", {SHARED, *dir(nn.ModuleDict())})
        self.register_buffer("graph", routing_graph(graph, n_tasks, len(names), per_task, seed))
        self.kind, self.rank, self.shared_kind, self.seed = kind, rank, shared_kind, seed
        self.adapter_names = names
        self.head_names = named_modules("head", head)
        known = [name for name, _ in base.named_modules() if name]
        for name in self.head_names:
            one_of("head", name, known)
        self.layer_names = found_layers(base, layers, self.head_names)
        check_rank(base, self.layer_names, {kind, shared_kind or kind}, rank)
        self.base_hash = digest(base, self.head_names)
        self.base = base.requires_grad_(False)
        kinds = {SHARED: shared_kind} if shared_kind else {}
        kinds |= dict.fromkeys(names, kind)
        for name in self.layer_names:
            linear = cast(nn.Linear, base.get_submodule(name))
            shape = (linear.out_features, linear.in_features, rank, generator)
            deltas = {part: new_delta(of, *shape).to(linear.weight) for part, of in kinds.items()}
            _replace(base, name, DeltaLinear(linear, deltas))
        self.active = dict.fromkeys(names, True)
        self.unfreeze("head")

    # ---- the equation

    def forward(self, x: Any, task: Any = None) -> Tensor:
        """What the network says about ``x`` for a task.

        Args:
            x: what the network reads: a tensor, a tuple of arguments, or a dict of named ones.
            task: a name or number; or one for each document, a tensor of numbers (n_docs,) or a
                list; or None, every document by every task: (n_docs, n_tasks, n_classes).
        """
        if task is None:
            return torch.stack([self(x, t) for t in range(self.n_tasks)], 1)
        numbers = self.task_numbers(task)
        rows = self.graph[numbers]  # (n_adapters,), or (n_docs, n_adapters)
        route: dict[str, Tensor | float] = {SHARED: 1.0} if self.shared_kind else {}
        for k, name in enumerate(self.adapter_names):
            share = rows[..., k]
            if self.active[name] and bool((share != 0).any()):
                route[name] = share if share.ndim else share.item()
        device = self.graph.device
        x = moved_to(x, device)
        layers = self.layers
        for layer in layers:
            layer.route = route
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=self.in_bfloat16()):
                out = asked(self.base, x)
        finally:
            for layer in layers:
                layer.route = {}
        out = getattr(out, "logits", out)
        return out.float() if isinstance(out, Tensor) and out.dtype == torch.bfloat16 else out

    def in_bfloat16(self) -> bool:
        """Whether the network computes in bfloat16 now."""
        if self.precision != "auto":
            return self.precision == "bfloat16" and torch.is_grad_enabled()
        there = self.graph.device.type == "cuda" and torch.cuda.is_bf16_supported()
        return there and self.training and torch.is_grad_enabled()

    def merge(self, task: str | int) -> nn.Module:
        """The network of one task, as a new module without adapters: W_t in every layer.

        Raises:
            RagteachError: a bottleneck, which is not linear and is no part of a matrix.
        """
        t = self.task_index(task)
        if "bottleneck" in (self.kind, self.shared_kind):
            raise refuse(
                expected="changes that are matrices, to be added to W_0",
                got="bottlenecks: each bends what its layer says (relu), so no matrix equals both",
                fix="keep the DeepRAG, or use kind='low_rank'",
            )
        with torch.no_grad():
            merged = copy.deepcopy(self.base)
            for name, layer in zip(self.layer_names, self.layers, strict=True):
                linear = copy.deepcopy(layer.base)
                for part, delta in layer.deltas.items():
                    k = None if part == SHARED else self.adapter_names.index(part)
                    share = 1.0 if k is None else self.graph[t, k].item() * self.active[part]
                    linear.weight += share * cast(Tensor, delta.weight)
                _replace(merged, name, linear)
        return merged

    @torch.no_grad()
    def predict(self, x: Any, task: Any = None) -> Tensor:
        """Most likely class of each document: the argmax of `forward`."""
        return self(x, task).argmax(-1)

    # ---- parts, names and states: what `fit` and `MultiTaskLoss` ask of a model

    n_tasks = property(lambda self: len(self.task_names))
    n_adapters = property(lambda self: len(self.adapter_names))

    @property
    def layers(self) -> list[DeltaLinear]:
        """The layers that have changes, in the order of ``layer_names``."""
        return [cast(DeltaLinear, self.base.get_submodule(name)) for name in self.layer_names]

    @property
    def adapters(self) -> dict[str, Part]:
        """Name -> the adapter over all layers."""
        layers = self.layers
        return {name: Part([layer.deltas[name] for layer in layers]) for name in self.adapter_names}

    @property
    def shared(self) -> Tensor:
        """dW_s over all layers, (1, n_numbers)."""
        return self._part(SHARED).weight if self.shared_kind else self.graph.new_zeros(1, 1)

    def task_index(self, task: Any) -> int:
        """Number of a task given by name or number."""
        return RAG.task_index(cast(RAG, self), task)

    def task_numbers(self, task: Any) -> int | Tensor:
        """Number of one task; or of several, (n_docs,), given as a tensor of numbers or a list."""
        if isinstance(task, str) or not is_list(task):
            return self.task_index(task)
        if not isinstance(task, Tensor):
            given = members("task", task, "one task for each document, in a list")
            task = torch.tensor([self.task_index(t) for t in given], dtype=torch.long)
        return check_numbers(task, None, self.task_names).to(self.graph.device)

    def part_names(self) -> list[str]:
        """What `freeze` knows."""
        return [SHARED, "adapters", "head", "bias", *self.adapter_names]

    def called(self, part: str) -> list[nn.Module | nn.Parameter]:
        """The modules of that name: a change in each layer, or the heads."""
        if part in ("head", "bias"):  # `fit` trains what is called bias in every phase
            return [self.base.get_submodule(head) for head in self.head_names]
        several = {"adapters": self.adapter_names, SHARED: [SHARED] if self.shared_kind else []}
        names = several.get(part, [part])
        return [layer.deltas[name] for name in names for layer in self.layers]

    def extra_repr(self) -> str:
        rows = [
            f"  {task}: "
            + " ".join(
                f"{g:.3g} {name}" for g, name in zip(row, self.adapter_names, strict=True) if g
            )
            for task, row in zip(self.task_names, self.graph.tolist(), strict=True)
        ]
        return "\n".join(
            [
                "W_t = W_0 + dW_s + sum_k G[t,k] dA_k  in " + ", ".join(self.layer_names),
                f"adapters: {self.kind} of rank {self.rank}; shared: {self.shared_kind}",
                *rows,
                f"{self.num_parameters():,} parameters, "
                f"{self.num_parameters(trainable=True):,} trainable",
            ]
        )

    def __repr__(self) -> str:
        return "DeepRAG(\n  " + self.extra_repr().replace("\n", "\n  ") + "\n)"

    # ---- a file of the changes alone

    def save(self, path: str | Path) -> Path:
        """Write the changes, the head, the graph and the states; of the base only its hash.

        Raises:
            RagteachError: a path that cannot be written to.
        """
        state = {name: p.contiguous() for name, p in self._own_state().items()}
        about = {
            "layers": self.layer_names,
            "tasks": self.task_names,
            "adapters": self.adapter_names,
            "kind": self.kind,
            "rank": self.rank,
            "shared": self.shared_kind,
            "seed": self.seed,
            "head": self.head_names,
            "active": self.active,
            "frozen": self._frozen(),
            "precision": self.precision,
            "base": self.base_hash,
        }
        header = {"deep_rag": json.dumps(about)}
        return put(path, safetensors.torch.save(state, header))

    @classmethod
    def load(cls, path: str | Path, base: nn.Module) -> DeepRAG:
        """The model of a file, on its base.

        Raises:
            RagteachError: a file that is no such model, or a base with other weights.
        """
        about, state = read(path)
        found = digest(base, about["head"])
        if found != about["base"]:
            raise refuse(
                expected=f"the network this file was trained on (SHA-256 {about['base'][:12]}...)",
                got=f"one with other weights ({found[:12]}...)",
                fix="load the same base, before anything changes it",
            )
        model = cls(
            base,
            about["layers"],
            tasks=about["tasks"],
            adapters=about["adapters"],
            graph=state["graph"],
            kind=about["kind"],
            rank=about["rank"],
            shared=about["shared"],
            head=about["head"],
            seed=about["seed"],
            precision=about.get("precision", "auto"),  # older files have none
        )
        own = model._own_state()
        if set(own) != set(state) or any(own[n].shape != state[n].shape for n in own):
            raise refuse(
                expected="the tensors that the file's own header announces",
                got="others, or of other shapes",
                fix="the file is damaged: take it from where it came again",
            )
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])
        model.active.update(about["active"])
        model.freeze(*about.get("frozen", []))
        return model

    # ---- within

    def _own_state(self) -> dict[str, Tensor]:
        heads = tuple(f"base.{name}." for name in self.head_names)
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if ".deltas." in name or name == "graph" or (heads and name.startswith(heads))
        }

    def _frozen(self) -> list[str]:
        """The parts that are not trained: "shared", adapters, "head"."""
        names = [SHARED, *self.adapter_names] if self.shared_kind else self.adapter_names
        parts = {name: [layer.deltas[name] for layer in self.layers] for name in names}
        if self.head_names:
            parts["head"] = [self.base.get_submodule(name) for name in self.head_names]
        moving = {
            name: any(p.requires_grad for module in modules for p in module.parameters())
            for name, modules in parts.items()
        }
        return [name for name in parts if not moving[name]]

    def _part(self, name: str) -> Part:
        return Part([layer.deltas[name] for layer in self.layers])


def asked(network: nn.Module, x: Any) -> Any:
    """What a network says of x: a tensor, a tuple of arguments or a dict of named ones."""
    named = x if isinstance(x, dict) else {}
    given = () if isinstance(x, dict) else x if isinstance(x, tuple) else (x,)
    if not torch.compiler.is_compiling():
        _check_taken(network, given, named)
    if len(given) == 1:
        check_first(network, given[0])
    with layer_by_layer():
        return network(*given, **named)


def _check_taken(network: nn.Module, given: tuple, named: dict) -> None:
    """Refuse more or fewer arguments than a network takes, or of other names."""
    takes = inspect.signature(network.forward)
    try:
        takes.bind(*given, **named)
    except TypeError as error:
        raise refuse(
            expected=f"x: what the network's forward takes, {takes}",
            got=f"x = {len(given)} arguments and the names {shown([*named], 60)}: {error}",
            fix="a tensor, a tuple of arguments, or a dict of named ones",
        ) from error


@contextlib.contextmanager
def layer_by_layer() -> Iterator[None]:
    """In here torch's transformer blocks call their layers, which else they may only read."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def moved_to(x: Any, device: torch.device) -> Any:
    """What a network reads, on a device."""
    if isinstance(x, dict):
        return {name: moved_to(part, device) for name, part in x.items()}
    if isinstance(x, tuple):
        return tuple(moved_to(part, device) for part in x)
    if not isinstance(x, Tensor):
        return x
    return (x if x.device == device else as_plain("x", x)).to(device)


def named_modules(argument: str, names: str | Iterable[str]) -> list[str]:
    """One name or several, as a list."""
    if isinstance(names, str):
        return [names]
    fix = "pass names that base.named_modules() gives, such as ['classifier']"
    given = members(argument, names, fix) if is_list(names) else []
    if is_list(names) and all(isinstance(name, str) for name in given):
        return given
    raise refuse(
        expected=f"{argument}: names of modules of base, in a list",
        got=f"{argument} = {short(names)}",
        fix=fix,
    )


def found_layers(
    base: nn.Module, layers: str | Iterable[str], head: Iterable[str] = ()
) -> list[str]:
    """The names of the linear layers that are asked for, in the network's order; none of a head's,
    and none of which torch reads the weights alone.
    """
    unasked = [m.out_proj for m in base.modules() if isinstance(m, nn.MultiheadAttention)]
    linear = [
        name
        for name, module in base.named_modules()
        if isinstance(module, nn.Linear)
        and not _within(name, head)
        and not any(module is other for other in unasked)  # read, never called
    ]
    asked = named_modules("layers", layers)
    for pattern in asked:
        if not fnmatch.filter(linear, pattern):
            raise refuse(
                expected="names of linear layers of base, this "
                f"network: {', '.join(linear) or 'none'}",
                got=f"layers = {pattern!r}, which matches none of them",
                fix="choose among them; * stands for anything, as in '*.query'",
            )
    return [name for name in linear if any(fnmatch.fnmatch(name, p) for p in asked)]


def check_rank(base: nn.Module, layers: list[str], kinds: set[str], rank: int) -> None:
    """Refuse a rank that no layer of this size has."""
    if kinds == {"full"}:
        return
    for name in layers:
        linear = cast(nn.Linear, base.get_submodule(name))
        size = min(linear.out_features, linear.in_features)
        if rank > size:
            raise refuse(
                expected=f"a rank of at most {size}, the smaller side of base's layer {name!r}",
                got=f"rank = {rank}",
                fix=f"use rank={size} or less, kind='full', or leave that layer out",
            )


def digest(base: nn.Module, head: Iterable[str] = ()) -> str:
    """SHA-256 of a network's names, shapes and numbers; the head is new, and left out."""
    found = hashlib.sha256()
    for name, tensor in sorted(base.state_dict().items()):
        if _within(name, head):
            continue
        data = tensor.detach().cpu().contiguous()
        found.update(f"{name}{tuple(data.shape)}{data.dtype}".encode())
        found.update(data.view(torch.uint8).numpy() if data.ndim else data.numpy().tobytes())
    return found.hexdigest()


def read(path: str | Path) -> tuple[dict, dict[str, Tensor]]:
    """What a file of `DeepRAG.save` says, and its tensors."""
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {})["deep_rag"])
            return about, {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise refuse(
            expected="a file that DeepRAG.save wrote",
            got=f"{path}: {error}",
            fix="check the path; save again if the file is damaged",
        ) from error


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def _replace(base: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(base.get_submodule(parent), last, module)
