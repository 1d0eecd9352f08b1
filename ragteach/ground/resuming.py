"""Going on with a training: only as it was made.

Enters: what ``fit(..., resume=)`` was given, and the options of this call.  Leaves: the checkpoint,
or an error in three parts that names the option that differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ragteach.errors import refuse, shown
from ragteach.ground.objects import attribute

KEPT = {
    *("model", "criterion", "records", "best_epoch", "saved"),
    *("rng", "epoch", "batch", "step", "total", "best"),
}
LATER = {"first", "options"}  # not yet in checkpoints of older versions


def options_of(criterion: Any, optimizer: Callable | None, **options: Any) -> dict[str, Any]:
    """What a training is made with, in plain values that any file can hold.

    Example:
        >>> from torch.optim import Adam
        >>> options_of(None, Adam, lr=0.1)
        {'optimizer': 'Adam', 'lr': 0.1}
    """
    made = {"optimizer": called(optimizer)} | options
    for name in ("lam", "lam_shared"):
        if hasattr(criterion, name):
            made[name] = getattr(criterion, name)
    if hasattr(criterion, "alpha"):
        alphas = getattr(criterion, "alphas", None)
        listed = str(criterion.alpha) if alphas is None else [round(a, 6) for a in alphas.tolist()]
        made["alpha"] = criterion.alpha if isinstance(criterion.alpha, str) else listed
        made["class_weight"] = str(criterion.class_weight)
    if hasattr(criterion, "loss_fn"):
        made["loss_fn"] = called(criterion.loss_fn)
    return made


def called(make: Any) -> str:
    """How a class or function is called; a partial one with its options."""
    if make is None:
        return "None"
    if hasattr(make, "func"):
        given = [*map(str, make.args), *(f"{k}={v}" for k, v in sorted(make.keywords.items()))]
        return f"{called(make.func)}({', '.join(given)})"
    return getattr(make, "__name__", type(make).__name__)


def checkpoint_of(resume: Any, options: dict[str, Any], phases: Sequence[str]) -> dict:
    """The checkpoint of a History, or the one given; refuses one that cannot go on like this.

    Args:
        resume: a History, or its checkpoint.
        options: of the call that resumes, from `options_of`.
        phases: of every epoch of that call.
    """
    state = attribute(resume, "checkpoint", resume)
    if not isinstance(state, dict) or set(state) - LATER != KEPT:
        raise refuse(
            expected="resume: the History of a fit (or its checkpoint) that can go on",
            got=f"{type(resume).__name__} without one: {shown(resume, 60)}",
            fix="history = fit(...), then fit(..., resume=history); after a divergence start anew",
        )
    done = state["epoch"]
    made = state.get("options", {})
    begun = f"{done} epochs" + (f" and {state['batch']} batches" if state["batch"] else "")
    if done + (state["batch"] > 0) > len(phases):
        raise refuse(
            expected=f"epochs to be those in all, no fewer than are done: {begun}",
            got=f"epochs = {len(phases)}",
            fix=f"fit(..., epochs={done + 100}, resume=history) trains 100 more; "
            "for a shorter training start anew without resume=",
        )
    other = [name for name in made if name in options and made[name] != options[name]]
    if other:
        raise refuse(
            expected="the options of the training that is resumed: "
            + ", ".join(f"{name} = {made[name]!r}" for name in other),
            got=", ".join(f"{name} = {options[name]!r}" for name in other),
            fix=f"pass {', '.join(other)} as before; to go on with another, train without resume=: "
            "the weights are in the model",
        )
    before = [record.get("phase", "joint") for record in state["records"]]
    if before != list(phases[: len(before)]):
        raise refuse(
            expected="the phases of the epochs that are done: the same schedule, rounds and epochs",
            got=f"epochs = {len(phases)}, by which other phases come first",
            fix="pass schedule, rounds and epochs as before, or start anew without resume=",
        )
    return state


def load_parts(state: dict, **parts: Any) -> None:
    """Take the weights of these parts out of a checkpoint, into them."""
    try:
        for name, part in parts.items():
            part.load_state_dict(state.pop(name))
    except RuntimeError as error:
        raise refuse(
            expected="a checkpoint of this very model and criterion",
            got=f"one of other parts: {error}",
            fix="build the model and call fit as before, then resume",
        ) from error
