"""The model: shared weights plus adapters, joined by a graph.

Enters: features x (n_docs, n_features) and a task.  Leaves: logits (n_docs, n_classes).

    W_t = W_s + sum_k G[t, k] A_k            logits_t(x) = W_t x + b_t

The same class is a whole family. K = 0 is full sharing (Caruana 1997). G = identity is shared + one
adapter per task (Evgeniou & Pontil 2004). G = identity with W_s frozen at 0 is a set of independent
models. G = ones is the source article read literally: every task gets the same W_t.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from zlib import crc32

import torch
from torch import Tensor, nn

from ragteach.adapters import KINDS, Adapter, random_weights
from ragteach.data.documents import (
    check_documents,
    check_numbers,
    check_words,
    columns_of,
    sparse_rows,
)
from ragteach.errors import finite, is_list, one_of, refuse, shown, whole
from ragteach.graph import routing_graph, unless_identity
from ragteach.ground.arguments import distinct, generator_of, members, one_or_more
from ragteach.ground.memory import fits_memory
from ragteach.ground.objects import one_value
from ragteach.ground.states import Parts, state_of
from ragteach.linear import Documents, project, project_rows

Task = str | int  # a name, or a number
RESERVED = {"shared", "adapters", "bias", *dir(nn.ModuleDict())}  # no names for adapters


def task_weights(shared: Tensor, adapters: Tensor, graph: Tensor | None = None) -> Tensor:
    """``W_t = W_s + sum_k G[t, k] A_k`` for every task.

    Args:
        shared: (*, n_classes, n_features); a replica axis may stand where the star is.
        adapters: (n_adapters, *, n_classes, n_features).
        graph: (n_tasks, n_adapters). None is the identity, where the sum is just A_t.

    Returns:
        (n_tasks, *, n_classes, n_features)
    """
    return shared + (adapters if graph is None else torch.tensordot(graph, adapters, dims=1))


def task_logits(x: Documents, weights: Tensor, bias: Tensor | None = None) -> Tensor:
    """``W_t x + b_t``; x (n_blocks, n_docs, n_features) -> (n_blocks, *, n_classes, n_docs)."""
    return project(weights, x, bias)


class RAG(Parts):
    """Shared weights + random adapters, joined by a routing graph.

    Intuition: W_s holds what all tasks agree on. Each adapter A_k holds what some tasks need on
    top. The graph G says which.

    Args:
        input_dim: d, number of features.
        output_dim: c, number of classes.
        num_adapters: K. 0 is full sharing.
        tasks: number of tasks, or their names. Default: one per adapter (or one row of ``graph``
            each).
        graph: ``"one_per_task"``, ``"all"``, ``"grouped"``, ``"random"`` or a matrix (n_tasks,
            n_adapters).
        adapters: their names. Default: A1, A2, ...
        per_task: how many adapters each task draws if ``graph="random"``.
        adapter: ``"full"``, ``"low_rank"`` or ``"projected"`` (see `Adapter`); the last two need
            ``rank``.
        init, scale, seed: random start of W_s and the adapters. The same seed gives the same start
            on any device.
        bias: ``"task"`` (b_t for each task), ``"shared"`` (one b) or False.

    Two states are kept apart: an adapter is *active* if it takes part in W_t, and *trainable* if
    training may change it.

    Raises:
        RagteachError: an unknown option, name or shape; the message lists what would do.

    Example:
        >>> model = RAG(input_dim=300, output_dim=3, num_adapters=2, tasks=["films", "cars"])
        >>> model(torch.zeros(5, 300), task="films").shape
        torch.Size([5, 3])
    """

    graph: Tensor  # (n_tasks, n_adapters)
    columns: dict | None

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        num_adapters: int,
        *,
        tasks: int | Iterable[str] | None = None,
        graph: Any = "one_per_task",
        adapters: Iterable[str] | None = None,
        per_task: int = 1,
        adapter: str = "full",
        rank: int | None = None,
        init: str = "normal",
        scale: float = 0.01,
        seed: int = 0,
        bias: str | bool = "task",
    ) -> None:
        super().__init__()
        whole("input_dim", input_dim, 1)
        whole("output_dim", output_dim, 1)
        whole("num_adapters", num_adapters)
        one_of("adapter", adapter, KINDS)
        one_of("bias", bias, ("task", "shared", False))
        if adapter != "full":
            whole("rank", rank, 1)
        generator = generator_of(seed)
        if tasks is None:
            matrix = hasattr(graph, "__len__") and not isinstance(graph, str)
            tasks = len(graph) if matrix else num_adapters or 1
        self.task_names = distinct(tasks, "task", "task names")
        whole("number of tasks", len(self.task_names), 1)
        self.n_features, self.n_classes = input_dim, output_dim
        self.class_names: list[str] | None = None  # the first data bring names
        self.columns = None
        self.adapter_kind, self.rank, self.bias_kind = adapter, rank, bias
        self.init, self.scale, self.seed = init, scale, seed
        n_tasks = len(self.task_names)
        given = num_adapters if adapters is None else adapters
        names = distinct(given, "A", "adapter names", RESERVED)
        if len(names) != num_adapters:
            raise refuse(
                expected=f"{num_adapters} adapter names",
                got=f"{len(names)}: {names}",
                fix="one name per adapter",
            )
        low_rank = (rank or 0) * (input_dim + output_dim)
        per_adapter = input_dim * output_dim if adapter == "full" else low_rank
        fits_memory(
            f"a model of {num_adapters} {adapter} adapters, output_dim x input_dim = "
            f"{shown(output_dim, 12)} x {shown(input_dim, 12)}",
            4 * (input_dim * output_dim + num_adapters * per_adapter),
            "fewer features (HashingVectorizer(n_features=...)), or adapter='low_rank'",
        )
        self.register_buffer("graph", routing_graph(graph, n_tasks, num_adapters, per_task, seed))
        self.shared = nn.Parameter(random_weights((output_dim, input_dim), init, scale, generator))
        self.adapters = nn.ModuleDict({name: self._new_adapter(generator) for name in names})
        rows = {"task": n_tasks, "shared": 1, False: 0}[bias]
        self.bias = nn.Parameter(torch.zeros(rows, output_dim)) if bias else None
        self.active = dict.fromkeys(names, True)

    @classmethod
    def full_sharing(
        cls,
        input_dim: int,
        output_dim: int,
        *,
        tasks: int | Iterable[str],
        bias: str | bool = "shared",
        **options: Any,
    ) -> RAG:
        """One model for all tasks: K = 0 (hard parameter sharing)."""
        return cls(input_dim, output_dim, 0, tasks=tasks, graph="all", bias=bias, **options)

    @classmethod
    def independent(
        cls,
        input_dim: int,
        output_dim: int,
        *,
        tasks: int | Iterable[str],
        bias: str | bool = "task",
        **options: Any,
    ) -> RAG:
        """One model per task: G = identity, W_s frozen at 0."""
        names = distinct(tasks, "task", "task names")
        options |= {"tasks": names, "graph": "one_per_task", "bias": bias}
        model = cls(input_dim, output_dim, len(names), **options)
        nn.init.zeros_(model.shared)
        model.freeze("shared")
        return model

    @torch.no_grad()
    def reset(self, seed: int) -> RAG:
        """Draw the random start again, as ``RAG(..., seed=seed)`` would. What is frozen stays."""
        fresh = generator_of(seed)
        self.seed = seed
        shared = random_weights(self.shared.shape, self.init, self.scale, fresh)
        if self.shared.requires_grad:
            self.shared.copy_(shared)
        for adapter in self.adapters.values():
            start = self._new_adapter(fresh)
            if state_of(adapter.parameters()) == "trainable":
                adapter.load_state_dict(start.state_dict())
        if self.bias is not None and self.bias.requires_grad:
            self.bias.zero_()
        return self

    # ---- the equation

    def forward(self, x: Any, task: Any = None) -> Tensor:
        """Logits of documents ``x``: (n_docs, n_features), dense or sparse (scipy's or torch's).

        Args:
            task: a name or number, giving (n_docs, n_classes). Or n_docs of them (a tensor of
                numbers, or a list), each document by its own task: (n_docs, n_classes); only the
                W_t of tasks among them are made. Or None, every document by every task:
                (n_docs, n_tasks, n_classes).
        """
        check_documents(x, self.n_features, self.shared.dtype)
        bias = self.task_bias()
        place = torch.zeros(x.shape[0], dtype=torch.long)
        numbers = slice(None) if task is None else self.task_numbers(task, x.shape[0])
        present = None if task is None else numbers
        n_weights = 1
        if isinstance(numbers, Tensor):
            present, place = numbers.unique(return_inverse=True)
            n_weights = len(present)
        if not isinstance(x, Tensor) or x.layout != torch.strided:
            x = sparse_rows(x, place, n_weights, self.shared.dtype, self.shared.device)
        weights = self._task_weights(present, getattr(x, "words", None))
        if task is None:  # all tasks' classes side by side
            weights = weights.flatten(0, 1).unsqueeze(0)  # (1, n_tasks n_classes, n_features)
        logits = project_rows(weights, x, place)  # (n_docs, n_classes), or n_tasks n_classes
        if task is None:
            logits = logits.view(-1, self.n_tasks, self.n_classes)
        return logits if bias is None else logits + bias[numbers]

    def task_weights(self, task: Any = None, words: Tensor | None = None) -> Tensor:
        """W_t of every task (n_tasks, n_classes, n_features), or of some.

        Args:
            task: one name or number, or several of them. None: all tasks.
            words: (n_words,) columns of W_t, a tensor of numbers, none twice. None: all.
        """
        check_words(words, self.n_features)
        return self._task_weights(None if task is None else self.task_numbers(task), words)

    def _task_weights(self, task: Any, words: Tensor | None) -> Tensor:
        shared, adapters, graph = self.parts(words)
        if isinstance(task, Tensor):
            used = graph[task].any(0).nonzero().flatten()  # the adapters that serve these tasks
            serve = unless_identity(graph[task][:, used])
            return task_weights(shared, adapters.index_select(0, used), serve)
        return task_weights(shared, adapters, graph if task is None else graph[task : task + 1])

    def task_bias(self) -> Tensor | None:
        """b_t of every task (n_tasks, n_classes), or None."""
        if self.bias is None or self.bias_kind != "shared":
            return self.bias
        return self.bias.expand(self.n_tasks, -1)

    def adapter_weights(self) -> Tensor:
        """Every A_k, active or not: (n_adapters, n_classes, n_features)."""
        return self._stack(self.adapter_names)

    def parts(
        self, words: Tensor | None = None, squares: list | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What takes part in W_t: W_s, the active adapters stacked (their ``words``), their G. With
        ``words``, ``squares`` gets ||W_s||^2 and then each ||A_k||^2, of all words.
        """
        names = [name for name in self.adapter_names if self.active[name]]
        shared = self.shared if words is None else columns_of(self.shared, words, squares)
        adapters = self._stack(names, words, squares)
        graph = self.graph
        if len(names) < len(self.adapters):
            graph = graph[:, [k for k, name in enumerate(self.adapters) if self.active[name]]]
        return shared, adapters, graph

    def merge(self, task: Task) -> nn.Linear:
        """The task's W_t and b_t as one new `nn.Linear`: the same logits for one product."""
        t = self.task_index(task)
        bias = self.task_bias()
        linear = nn.Linear(self.n_features, self.n_classes, bias=bias is not None).to(self.shared)
        with torch.no_grad():
            linear.weight.copy_(self._task_weights(t, None)[0])
            if bias is not None:
                linear.bias.copy_(bias[t])
        return linear

    @torch.no_grad()
    def predict(self, x: Any, task: Any = None) -> Tensor:
        """Most likely class of each document: the argmax of `forward`."""
        return self(x, task).argmax(-1)

    # ---- names and states

    n_tasks = property(lambda self: len(self.task_names))
    n_adapters = property(lambda self: len(self.adapters))
    adapter_names = property(lambda self: list(self.adapters))

    def task_index(self, task: Any) -> int:
        """Number of a task given by name or number."""
        task = one_value(task)
        known = [*self.task_names, *(() if isinstance(task, str) else range(self.n_tasks))]
        one_of("task", task, known)
        return known.index(task) % self.n_tasks

    def task_numbers(self, task: Any, n_docs: int | None = None) -> int | Tensor:
        """Number of one task; or of several, (n_docs,), given as a tensor of numbers or a list."""
        if isinstance(task, str) or not is_list(task):
            return self.task_index(task)
        if not isinstance(task, Tensor):
            task = torch.tensor(
                [self.task_index(t) for t in members("task", task, "task=['films', 'cars']")],
                dtype=torch.long,
            )
        numbers = check_numbers(task, n_docs, self.task_names)
        return numbers.to(self.shared.device)

    def part_names(self) -> list[str]:
        """What `freeze` knows."""
        return ["shared", "adapters", "bias", *self.adapter_names]

    def called(self, part: str) -> list[nn.Module | nn.Parameter]:
        """The part of that name; none if it is a bias and the model has none."""
        found = self.adapters[part] if part in self.adapters else getattr(self, part)
        return [] if found is None else [found]

    def add_adapter(self, name: str, tasks: Any = (), seed: int | None = None) -> None:
        """Append an adapter that serves ``tasks`` (names, numbers, or a dict of weights). Its
        random start has this ``seed``; by default one made of the model's seed and the name.
        """
        *_, name = distinct([*self.adapter_names, name], "A", "adapter names", RESERVED)
        column = torch.zeros(self.n_tasks, 1)
        for task in one_or_more("tasks", tasks):
            weight = tasks[task] if isinstance(tasks, dict) else 1.0
            finite(f"weight of task {shown(task)}", weight)
            column[self.task_index(task)] = weight
        seed = self.seed + crc32(name.encode()) if seed is None else seed
        self.adapters[name] = self._new_adapter(generator_of(seed)).to(self.shared)
        self.active[name] = True
        self.graph = torch.cat([self.graph, column.to(self.graph)], 1)

    def remove_adapter(self, name: str) -> None:
        """Drop an adapter and its column of G."""
        one_of("adapter", name, self.adapter_names)
        keep = [k for k, other in enumerate(self.adapter_names) if other != name]
        self.graph = self.graph[:, keep]
        del self.adapters[name], self.active[name]

    def add_task(self, name: str, adapters: Any = ()) -> None:
        """Append a task served by ``adapters`` (names, or a dict of weights), with a bias of 0."""
        names = distinct([*self.task_names, name], "task", "task names")
        row = torch.zeros(1, self.n_adapters)
        for adapter in one_or_more("adapters", adapters):
            one_of("adapter", adapter, self.adapter_names)
            weight = adapters[adapter] if isinstance(adapters, dict) else 1.0
            finite(f"weight of adapter {shown(adapter)}", weight)
            row[0, self.adapter_names.index(adapter)] = weight
        self.graph = torch.cat([self.graph, row.to(self.graph)])
        self.task_names = names
        if self.bias is not None and self.bias_kind == "task":
            bias = torch.cat([self.bias.data, self.bias.new_zeros(1, self.n_classes)])
            self.bias = nn.Parameter(bias, requires_grad=self.bias.requires_grad)

    def get_extra_state(self) -> Tensor:
        """Which adapters are active, (n_adapters,): a part of ``state_dict()``."""
        return torch.tensor([self.active[name] for name in self.adapter_names], dtype=torch.bool)

    def set_extra_state(self, state: Tensor) -> None:
        if len(state) != self.n_adapters:
            raise RuntimeError(f"state of {len(state)} adapters, the model has {self.n_adapters}")
        self.active = dict(zip(self.adapter_names, state.tolist(), strict=True))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *rest: Any) -> None:
        # A state_dict of before knows nothing of it: what is active stays.
        state_dict.setdefault(prefix + "_extra_state", self.get_extra_state())
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def extra_repr(self) -> str:
        width = max([len(n) for n in self.task_names] + [5])
        head = " ".join(f"{n:>6}" for n in self.adapter_names)
        rows = [
            f"  {n:>{width}}  " + " ".join(f"{g:6.3g}" for g in row)
            for n, row in zip(self.task_names, self.graph.tolist(), strict=True)
        ]
        kind = self.adapter_kind + (f" of rank {self.rank}" if self.rank else "")
        states = []
        for (name, adapter), used in zip(self.adapters.items(), self.graph.any(0), strict=True):
            active = "in" * (not self.active[name]) + "active" + ", serves no task" * (not used)
            states.append(f"  {name}: {active}, {state_of(adapter.parameters())}, {kind}")
        lines = [
            "W_t = W_s + sum_k G[t,k] A_k      logits_t(x) = W_t x"
            + (" + b_t" if self.bias_kind else ""),
            f"graph G ({self.n_tasks} tasks x {self.n_adapters} adapters)",
            f"  {'':>{width}}  {head}",
            *rows,
            f"W_s: {self.n_classes} x {self.n_features} = {self.shared.numel()} numbers, "
            f"{state_of([self.shared])}",
            *states,
            f"{self.num_parameters()} parameters, {self.num_parameters(trainable=True)} trainable",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return "RAG(\n  " + self.extra_repr().replace("\n", "\n  ") + "\n)"

    def _new_adapter(self, generator: torch.Generator) -> Adapter:
        shape = (self.n_classes, self.n_features)
        return Adapter(*shape, self.adapter_kind, self.rank, self.init, self.scale, generator)

    def _stack(
        self, names: list[str], words: Tensor | None = None, squares: list | None = None
    ) -> Tensor:
        if not names:
            n_words = self.n_features if words is None else len(words)
            return self.shared.new_zeros(0, self.n_classes, n_words)
        adapters = [cast(Adapter, self.adapters[name]) for name in names]
        return torch.stack([a.columns(words, squares) for a in adapters])
