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

import torch
from torch import nn

from ragteach.errors import need, refuse
from ragteach.model import RAG

LAYER = "linear"


class OneLinear(nn.Module):
    """The base model that PEFT wraps: one layer, named so that LoRA can find it."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        """Logits (n_docs, n_classes)."""
        return self.linear(x)


def lora_weights(model, task):
    """A task's LoRA as plain tensors: A (rank, n_features) and B (n_classes, rank), with W_t = W_s
    + B A.

    Example:
        >>> model = RAG(6, 3, 2, tasks=["films", "cars"], adapter="low_rank", rank=2)
        >>> A, B = lora_weights(model, "films")
        >>> torch.allclose(model.shared + B @ A, model.task_weights(0)[0])
        True
    """
    downs, ups = [], []
    route = model.graph[model.task_index(task)]
    for g, (name, adapter) in zip(route, model.adapters.items(), strict=True):
        if g == 0 or not model.active[name]:
            continue
        if adapter.kind == "full":
            up, down = torch.eye(model.n_classes).to(adapter.full), adapter.full
        else:
            up, down = adapter.up, adapter.down
        downs.append(down.detach())
        ups.append(g * up.detach())
    if not downs:  # PEFT knows no rank 0
        return model.shared.new_zeros(1, model.n_features), model.shared.new_zeros(
            model.n_classes, 1
        )
    return torch.cat(downs), torch.cat(ups, 1)


def to_peft(model):
    """The same model as a `peft.PeftModel` with one LoRA adapter per task; the RAG is not changed.

    Choose a task with ``set_adapter("films")``, merge it with ``merge_and_unload()``, keep it with
    ``save_pretrained(folder)``. Needs the package peft.

    Raises:
        RagteachError: a task name with a dot, which PEFT cannot use.
    """
    need("peft")
    from peft import LoraConfig, get_peft_model

    dotted = [name for name in model.task_names if "." in name]
    if dotted:
        raise refuse(expected="task names without dots", got=f"{dotted}", fix="rename these tasks")
    base = nn.Linear(model.n_features, model.n_classes, bias=model.bias is not None).to(
        model.shared
    )
    by_task = model.bias_kind == "task"
    state = {"weight": model.shared.detach()}
    if model.bias is not None:
        state["bias"] = torch.zeros_like(base.bias) if by_task else model.bias[0].detach()
    base.load_state_dict(state)
    wrapped = None
    for t, task in enumerate(model.task_names):
        A, B = lora_weights(model, task)
        config = LoraConfig(r=len(A), lora_alpha=len(A), target_modules=[LAYER], lora_bias=by_task)
        if wrapped is None:
            wrapped = get_peft_model(
                OneLinear(base), config, adapter_name=task, autocast_adapter_dtype=False
            )
        else:
            wrapped.add_adapter(task, config, autocast_adapter_dtype=False)
        layer = wrapped.base_model.model.get_submodule(LAYER)
        with torch.no_grad():
            layer.lora_A[task].weight = nn.Parameter(A.clone())
            layer.lora_B[task].weight = nn.Parameter(B.clone())
            if by_task:
                layer.lora_B[task].bias = nn.Parameter(model.bias[t].detach().clone())
    wrapped.set_adapter(model.task_names[0])
    return wrapped


def from_peft(wrapped):
    """A `RAG` with low-rank adapters from a PEFT model that has LoRA on one nn.Linear: one task per
    LoRA adapter.

    Smaller ranks are filled up with zeros to the largest; LoRA's scaling is folded into ``up``.

    Raises:
        RagteachError: LoRA on no layer, on several, or on one that is not linear.
    """
    layers = [m for m in wrapped.modules() if hasattr(m, "lora_A") and hasattr(m, "base_layer")]
    if len(layers) != 1 or not isinstance(layers[0].base_layer, nn.Linear):
        raise refuse(
            expected="LoRA on exactly one nn.Linear", got=f"{len(layers)} layers with LoRA",
            fix="choose it with LoraConfig(target_modules=[...])",
        )  # fmt: skip
    (layer,) = layers
    base, tasks = layer.base_layer, list(layer.lora_A)
    own = {task: layer.lora_B[task].bias for task in tasks}
    by_task = any(bias is not None for bias in own.values())
    rank = max(layer.lora_A[task].weight.shape[0] for task in tasks)
    model = RAG(
        base.in_features, base.out_features, len(tasks), tasks=tasks, adapter="low_rank", rank=rank,
        bias="task" if by_task else "shared" if base.bias is not None else False,
    ).to(base.weight)  # fmt: skip
    with torch.no_grad():
        model.shared.copy_(base.weight)
        if model.bias is not None and base.bias is not None:
            model.bias.copy_(base.bias)  # (n_tasks or 1, n_classes)
        for t, (task, adapter) in enumerate(zip(tasks, model.adapters.values(), strict=True)):
            A, B, scaling = (
                layer.lora_A[task].weight,
                layer.lora_B[task].weight,
                layer.scaling[task],
            )
            adapter.down.zero_(), adapter.up.zero_()
            adapter.down[: len(A)].copy_(A)  # (rank, n_features)
            adapter.up[:, : len(A)].copy_(scaling * B)  # (n_classes, rank)
            if own[task] is not None:
                model.bias[t].add_(scaling * own[task])
    return model
