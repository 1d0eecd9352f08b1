"""Functions of yours that are called later: asked before any work whether they can be called so.

Enters: the name of an argument, a function, and how many values it will be handed.  Leaves:
    nothing, or an error in three parts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from ragteach.errors import refuse, shown
from ragteach.ground.objects import attribute

CALLBACK = {"on_step": ("model", "step", "loss"), "on_epoch": ("model", "epoch", "record")}
FIX_CALLBACK = (
    "write a class with on_epoch(self, model, epoch, record), and pass [YourClass()], an object"
)


def check_function(
    name: str,
    value: Any,
    takes: tuple[str, ...],
    fix: str,
    made: bool = False,
    named: tuple[str, ...] = (),
) -> None:
    """Refuse what cannot be called with these arguments.

    Args:
        takes: names of what it is handed, for the message. named: of what it is handed by name.
        made: whether it may be a class, whose objects are what is wanted.

    Example:
        >>> check_function("after", print, ("split",), "pass a function")
    """
    wrong = ""
    if not callable(value) or isinstance(value, torch.nn.Module):
        wrong = "which is no function"
    elif isinstance(value, type) and not made:
        wrong = "which is a class"
    elif not fits(value, len(takes), **dict.fromkeys(named)):
        wrong = "which takes other arguments"
    if wrong:
        call = ", ".join([*takes, *(f"{word}=..." for word in named)])
        raise refuse(
            expected=f"{name}: a function that is called as {name}({call})",
            got=f"{name} = {shown(value, 60)}, {wrong}",
            fix=fix,
        )


def fits(function: Callable, n_values: int, **named: Any) -> bool:
    """Whether a function can be called with so many values, and these named ones; True where it
    does not tell.

    Example:
        >>> fits(lambda a, b=1: a, 1), fits(lambda: 0, 1)
        (True, False)
    """
    try:
        signature = inspect.signature(function)
    except Exception:  # some built-in functions do not tell, and some objects break
        return True
    try:
        signature.bind(*[None] * n_values, **named)
    except TypeError:
        return False
    return True


def check_callbacks(callbacks: Any, methods: tuple[str, ...] = ("on_step", "on_epoch")) -> None:
    """Refuse callbacks that are no objects in a list, or whose methods take something else."""
    if not isinstance(callbacks, list | tuple):
        raise refuse(
            expected="callbacks in a list",
            got=f"callbacks = {shown(callbacks, 60)}",
            fix="pass callbacks=[yours]",
        )
    for callback in callbacks:
        found = [method for method in methods if callable(attribute(callback, method))]
        if not found or isinstance(callback, type):
            raise refuse(
                expected=f"callbacks with a method {' or '.join(methods)}",
                got=f"{shown(callback, 60)}, "
                + ("a class instead of an object of it" if found else "which has no such method"),
                fix=FIX_CALLBACK,
            )
        for method in found:
            if not fits(getattr(callback, method), len(CALLBACK[method])):
                raise refuse(
                    expected=f"callbacks with {method}(self, {', '.join(CALLBACK[method])})",
                    got=f"{shown(callback, 60)}, whose {method} takes other arguments",
                    fix=FIX_CALLBACK,
                )


def check_loss_fn(loss_fn: Any) -> None:
    """Refuse what is no loss of each example: neither a module, made, nor a function."""
    if loss_fn is None:
        return
    fix = "pass loss_fn=nn.CrossEntropyLoss(label_smoothing=0.1), or leave it out"
    if not isinstance(loss_fn, torch.nn.Module):
        check_function("loss_fn", loss_fn, ("logits", "y"), fix)
    module = isinstance(loss_fn, torch.nn.Module)
    if not (fits(loss_fn.forward, 2) if module else fits(loss_fn, 2, reduction="none")):
        raise refuse(
            expected="loss_fn: a module called as loss_fn(logits, y), or a function called as "
            'loss_fn(logits, y, reduction="none")',
            got=f"loss_fn = {shown(loss_fn, 60)}, which takes other arguments",
            fix=fix,
        )
    if getattr(loss_fn, "weight", None) is not None:
        raise refuse(
            expected="class weights as MultiTaskLoss(class_weight=...)",
            got="class weights inside loss_fn",
            fix=f"MultiTaskLoss(class_weight={shown(loss_fn.weight.tolist())})",
        )
