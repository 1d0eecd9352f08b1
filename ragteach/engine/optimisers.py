"""One step of gradient descent on many models at once: what happens to the weights.

Enters: `Replicas`, and what is to move.  Leaves: a function of the gradients, which makes one step.

    sgd         A <- A - lr dJ/dA
    proximal    A <- (A - lr dCE/dA) / (1 + lr lam)       stays finite for any lam
    torch's     element by element (Adam, RMSprop ...), so that no replica notices another

Source: Parikh & Boyd (2014), Proximal algorithms; Kingma & Ba (2015), Adam.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from ragteach.engine.replicas import Replicas
from ragteach.errors import one_of, refuse, shown

OPTIMIZERS = ("adam", "sgd", "proximal")
MIXING = ("LBFGS", "SparseAdam", "Adafactor", "Muon")  # torch's, not element by element

Optimizer = str | Callable[..., torch.optim.Optimizer]
Gradients = Mapping[str, Tensor]
Step = Callable[[Gradients], None]


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is no optimiser, or one whose update mixes the elements of a tensor."""
    if not callable(optimizer):
        one_of("optimizer", optimizer, OPTIMIZERS)
        return
    try:
        inspect.signature(optimizer).bind([], lr=0.1)
        fine = not isinstance(optimizer, torch.nn.Module)
        if isinstance(optimizer, type):
            fine = issubclass(optimizer, torch.optim.Optimizer)
    except (TypeError, ValueError):  # other arguments, or none that can be told
        fine = False
    if not fine or getattr(optimizer, "__name__", "") in MIXING:
        raise _no_optimizer(optimizer)


def make_step(replicas: Replicas, moving: Sequence[str], lr: float, optimizer: Optimizer) -> Step:
    """One step as a function of the gradients {part: dJ/dpart}; it changes the replicas in place.

    Args:
        moving: the parts that move, of "shared", "adapters", "bias".
    """
    if not moving:
        return lambda gradients: None
    if optimizer == "sgd":
        return _sgd(replicas, moving, lr)
    if optimizer == "proximal":
        return _proximal(replicas, moving, lr)
    if not callable(optimizer):
        return _adam(replicas, moving, lr)
    return _by_torch(replicas, moving, lr, optimizer)


def _sgd(replicas: Replicas, moving: Sequence[str], lr: float) -> Step:
    def step(gradients: Gradients) -> None:
        for name in moving:
            getattr(replicas, name).add_(gradients[name], alpha=-lr)

    return step


def _proximal(replicas: Replicas, moving: Sequence[str], lr: float) -> Step:
    lams = {"shared": replicas.lam_shared, "adapters": replicas.lam}

    def step(gradients: Gradients) -> None:
        for name in moving:
            part = getattr(replicas, name)
            if name not in lams:  # biases are never penalised
                part.add_(gradients[name], alpha=-lr)
                continue
            lam = lams[name][:, None, None]
            d_ce = gradients[name].addcmul_(lam, part, value=-1)  # dJ less lam A
            part.add_(d_ce, alpha=-lr).div_(1 + lr * lam)

    return step


def _adam(replicas: Replicas, moving: Sequence[str], lr: float) -> Step:
    """The arithmetic of `torch.optim.Adam`, without the class: that one imports torch's compiler,
    some 60 MB, to have it leave the step alone.
    """
    parts = [getattr(replicas, name) for name in moving]
    means = [torch.zeros_like(part) for part in parts]
    squares = [torch.zeros_like(part) for part in parts]
    counts = [part.new_zeros((), dtype=torch.float32) for part in parts]

    def step(gradients: Gradients) -> None:
        adam(
            parts,
            [gradients[name] for name in moving],
            means,
            squares,
            max_exp_avg_sqs=[],
            state_steps=counts,
            fused=True,  # one pass over memory
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=lr,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    return step


def _by_torch(
    replicas: Replicas,
    moving: Sequence[str],
    lr: float,
    optimizer: Callable[..., torch.optim.Optimizer],
) -> Step:
    parts = [getattr(replicas, name) for name in moving]
    opt = optimizer(parts, lr=lr)
    if not isinstance(opt, torch.optim.Optimizer) or type(opt).__name__ in MIXING:
        raise _no_optimizer(optimizer)

    def step(gradients: Gradients) -> None:
        for name, part in zip(moving, parts, strict=True):
            part.grad = gradients[name]
        opt.step()

    return step


def _no_optimizer(optimizer: object) -> Exception:
    return refuse(
        expected="an optimiser that updates element by element, made by optimizer(params, lr=lr)",
        got=f"optimizer = {shown(optimizer)}",
        fix="choose one of 'adam', 'sgd', 'proximal', or torch.optim.AdamW, RMSprop, Adagrad ...",
    )
