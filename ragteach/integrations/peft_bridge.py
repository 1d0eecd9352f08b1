"""To and from PEFT: a RAG is one linear layer with a LoRA per task.

Enters: a `RAG`.  Leaves: a `peft.PeftModel` of one nn.Linear with the same logits, and the way
    back.

    RAG     logits = (W_s + sum_k G[t,k] up_k down_k) x + b_t
    LoRA    logits = W x + B_t A_t x + b_t              (Hu et al. 2022, scaling alpha / r = 1)

so W = W_s, A_t stacks the task's ``down_k`` and B_t sets its ``G[t,k] up_k`` side by side. A
full-size adapter is a LoRA of rank n_classes, with B the identity. Where biases differ by task they
ride on B_t (``lora_bias``).

Source: https://huggingface.co/docs/peft
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from ragteach.errors import need, refuse
from ragteach.integrations.trust import check_rag
from ragteach.model import RAG

LAYER = "linear"


class OneLinear(nn.Module):
    """The base model that PEFT wraps: one layer, named so that LoRA can find it."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n_docs, n_classes)."""
        return self.linear(x)


def lora_weights(model: RAG, task: str | int) -> tuple[torch.Tensor, torch.Tensor]:
    """A task's LoRA as plain tensors, with W_t = W_s + B A.

    Returns:
        A (rank, n_features) and B (n_classes, rank).

    Example:
        >>> model = RAG(6, 3, 2, tasks=["films", "cars"], adapter="low_rank", rank=2)
        >>> A, B = lora_weights(model, "films")
        >>> torch.allclose(model.shared + B @ A, model.task_weights(0)[0])
        True
    """
    check_rag(model)
    downs = []
    ups = []
    route = model.graph[model.task_index(task)]
    adapter: Any
    for g, (name, adapter) in zip(route, model.adapters.items(), strict=True):
        if g == 0 or not model.active[name]:
            continue
        if adapter.kind == "full":
            up = torch.eye(model.n_classes).to(adapter.full)
            down = adapter.full
        else:
            up = adapter.up
            down = adapter.down
        downs.append(down.detach())
        ups.append(g * up.detach())
    if not downs:  # PEFT knows no rank 0
        nothing = model.shared.new_zeros
        return nothing(1, model.n_features), nothing(model.n_classes, 1)
    return torch.cat(downs), torch.cat(ups, 1)


def to_peft(model: RAG) -> Any:
    """The same model as a `peft.PeftModel` with one LoRA adapter per task; the RAG is not changed.

    Choose a task with ``set_adapter("films")``, merge it with ``merge_and_unload()``, keep it with
    ``save_pretrained(folder)``. Needs the package peft.

    Raises:
        RagteachError: a task name that PEFT cannot use: one with a dot or a slash, or one under
            which PEFT would lose weights when it saves (such as "weight" or "lora_A").
    """
    need("peft")
    from peft import LoraConfig, get_peft_model

    check_rag(model)
    _check_names(model.task_names)
    base = nn.Linear(model.n_features, model.n_classes, bias=model.bias is not None)
    base = base.to(model.shared)
    by_task = model.bias_kind == "task"
    state = {"weight": model.shared.detach()}
    if model.bias is not None:
        state["bias"] = torch.zeros_like(base.bias) if by_task else model.bias[0].detach()
    base.load_state_dict(state)
    wrapped: Any = None
    for t, task in enumerate(model.task_names):
        A, B = lora_weights(model, task)
        config = LoraConfig(r=len(A), lora_alpha=len(A), target_modules=[LAYER], lora_bias=by_task)
        if wrapped is None:
            wrapped = get_peft_model(
                OneLinear(base), config, adapter_name=task, autocast_adapter_dtype=False
            )
        else:
            wrapped.add_adapter(task, config)
        layer = wrapped.base_model.model.get_submodule(LAYER)
        with torch.no_grad():
            layer.lora_A[task].weight = nn.Parameter(A.clone())
            layer.lora_B[task].weight = nn.Parameter(B.clone())
            if model.bias is not None and by_task:
                layer.lora_B[task].bias = nn.Parameter(model.bias[t].detach().clone())
    _check_saving(wrapped, model.task_names, by_task)
    wrapped.set_adapter(model.task_names[0])
    return wrapped


def _check_names(names: list[str]) -> None:
    """Refuse names that no folder or no torch module can have."""
    for name in names:
        dotted = set(name) & set("./\\") or not name.isprintable()
        if dotted or hasattr(nn.ModuleDict(), name):
            raise refuse(
                expected="task names without dots and slashes that torch does not use itself",
                got=f"task {name!r} in {names}",
                fix="rename this task",
            )


def _check_saving(wrapped: Any, tasks: list[str], by_task: bool) -> None:
    """Refuse names under which PEFT finds other weights than the task's own when it saves.

    PEFT takes the name out of each weight's name, wherever it stands in it.
    """
    from peft import get_peft_model_state_dict

    parts = ["lora_A.weight", "lora_B.weight"] + ["lora_B.bias"] * by_task
    expected = {f"base_model.model.{LAYER}.{part}" for part in parts}
    taken = {part for name in expected for part in name.split(".")}
    for task in sorted(tasks, key=lambda task: task not in taken):  # it harms the others too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT takes a bias for a weight cut short
            try:
                found = set(get_peft_model_state_dict(wrapped, adapter_name=task))
            except (KeyError, ValueError):
                found = set()
        if task in taken or found != expected:
            raise refuse(
                expected="task names that PEFT can save and find again",
                got=f"task {task!r}, a name inside the names of PEFT's own weights",
                fix="rename this task",
            )


def from_peft(wrapped: Any) -> RAG:
    """A `RAG` from a PEFT model that has LoRA on one nn.Linear: one task, one low-rank adapter.

    Smaller ranks are filled up with zeros to the largest; LoRA's scaling is folded into ``up``.

    Raises:
        RagteachError: LoRA on no layer, on several, or on one that is not linear.
    """
    modules = list(wrapped.modules()) if isinstance(wrapped, nn.Module) else []
    layers = [m for m in modules if hasattr(m, "lora_A") and hasattr(m, "base_layer")]
    if len(layers) != 1 or not isinstance(layers[0].base_layer, nn.Linear):
        raise refuse(
            expected="wrapped: a model with LoRA on exactly one nn.Linear",
            got=f"{type(wrapped).__name__} with {len(layers)} layers with LoRA",
            fix="choose it with LoraConfig(target_modules=[...])",
        )
    layer: Any = layers[0]
    base = layer.base_layer
    tasks = list(layer.lora_A)
    own = {task: layer.lora_B[task].bias for task in tasks}
    by_task = any(bias is not None for bias in own.values())
    rank = max(layer.lora_A[task].weight.shape[0] for task in tasks)
    kind: str | bool = "task" if by_task else False
    if not by_task and base.bias is not None:
        kind = "shared"
    options = {"tasks": tasks, "adapter": "low_rank", "rank": rank, "bias": kind}
    model = RAG(base.in_features, base.out_features, len(tasks), **options).to(base.weight)
    with torch.no_grad():
        model.shared.copy_(base.weight)
        if model.bias is not None and base.bias is not None:
            model.bias.copy_(base.bias)  # (n_tasks or 1, n_classes)
        adapter: Any
        for t, (task, adapter) in enumerate(zip(tasks, model.adapters.values(), strict=True)):
            A = layer.lora_A[task].weight
            B = layer.lora_B[task].weight
            scaling = layer.scaling[task]
            adapter.down.zero_()
            adapter.up.zero_()
            adapter.down[: len(A)].copy_(A)  # (rank, n_features)
            adapter.up[:, : len(A)].copy_(scaling * B)  # (n_classes, rank)
            if model.bias is not None and own[task] is not None:
                model.bias[t].add_(scaling * own[task])
    return model
