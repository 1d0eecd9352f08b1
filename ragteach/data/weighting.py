"""What a class and a task count: one function each for losses, stacking and estimators.

Enters: numbers, or the name of a rule, and labels or sizes.  Leaves: (n_classes,) or (n_tasks,)
    weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ragteach.errors import one_of, refuse, shown
from ragteach.ground.objects import as_numbers

FIXED_ALPHAS = ("equal", "size")  # known before training; so is a list


def weights_of_classes(
    class_weight: Any, y: Any, n_classes: int, weight: Any = None
) -> torch.Tensor:
    """What an example of each class counts, (n_classes,): the numbers given, or made of these
    labels.

    Args:
        class_weight: n_classes positive numbers; None: 1 each; ``"balanced"``: n / (C n_c), so that
            all classes count the same, and 1 for a class without examples.
        y: (n_examples,) class numbers.
        weight: (n_examples,) what each example counts by itself; n and n_c are sums of it.
    """
    if class_weight is None:
        return torch.ones(n_classes)
    if isinstance(class_weight, str) and class_weight == "balanced" and y is not None:
        weight = None if weight is None else torch.as_tensor(weight, dtype=torch.float64)
        n_c = torch.as_tensor(y).bincount(weight, minlength=n_classes)
        return torch.where(n_c > 0, n_c.sum() / (n_classes * n_c), 1.0)
    given = as_numbers(class_weight, torch.float32)
    if given.shape != (n_classes,) or not bool((given > 0).all() and torch.isfinite(given).all()):
        raise refuse(
            expected=f'{n_classes} positive class weights (or "balanced", for a whole dataset)',
            got=f"class_weight = {shown(class_weight)}",
            fix="give one positive number per class",
        )
    return given


def by_task(alpha: Any, names: Sequence[str]) -> Any:
    """alpha as a list in the order of the tasks, if it is a dict by their names; others as given.

    Example:
        >>> by_task({"cars": 2, "films": 1}, ["films", "cars"]), by_task("equal", ["films", "cars"])
        ([1, 2], 'equal')
    """
    if not isinstance(alpha, Mapping):
        return alpha
    if set(alpha) != set(names):
        raise refuse(
            expected=f"alpha with a weight for each of the tasks {list(names)}",
            got=f"alpha = {shown(alpha)}",
            fix="alpha={'a task': 1.0, 'another': 2.0, ...}, all of them; or a list in their order",
        )
    return [alpha[name] for name in names]


def task_alphas(alpha: Any, sizes: Any) -> torch.Tensor:
    """alpha_t, (n_tasks,). ``"equal"``: 1. ``"size"``: n_t / mean(n). A list: as given."""
    sizes = torch.as_tensor(sizes, dtype=torch.float32)
    if isinstance(alpha, str):
        one_of("alpha", alpha, FIXED_ALPHAS)
        return sizes / sizes.mean() if alpha == "size" else torch.ones_like(sizes)
    alphas = as_numbers(alpha, torch.float32)
    if alphas.shape != sizes.shape or not bool(
        torch.isfinite(alphas).all() and (alphas >= 0).all() and alphas.sum() > 0
    ):
        raise refuse(
            expected=f"{len(sizes)} task weights alpha >= 0, not all zero",
            got=f"alpha = {shown(alpha)}",
            fix='one number per task (fit, solve: or a dict by name), or "equal", "size", '
            '"difficulty", "uncertainty"',
        )
    return alphas
