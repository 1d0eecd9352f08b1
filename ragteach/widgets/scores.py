"""Scores: one number of a word's weights for the classes, and what its ends are called.

Enters: the names of classes.  Leaves: an axis (or several), with which the weights are multiplied:

    classes with an order    the weight for the highest class minus that for the lowest
    classes without one      that for one of them minus the mean of the others

What an explorer draws of a word "from the first class to the last" would pretend an order that
angry, calm and happy do not have. See `ragteach.data.orders`; the page's side is scores.js.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ragteach.data.orders import MORE, PLACES, UNIT_NAMES, in_order


def class_ends(
    classes: list[str], column: str = "label", *, known: bool = False
) -> list[int] | None:
    """The places of the lowest class and the highest; None where they have no order.

    Example:
        >>> class_ends(["high", "low", "medium"]), class_ends(["angry", "calm", "happy"])
        ([1, 0], None)
    """
    order = in_order(classes, column, known=known)
    return None if order is None else [classes.index(order[0]), classes.index(order[-1])]


def word_axes(n_classes: int, ends: list[int] | None) -> Tensor:
    """What a word's weights for the classes are boiled down to, (n_axes, n_classes).

    Of classes from low to high (``ends``, their places): the last minus the first, one axis. Of
    classes without an order an axis for each: its own minus the mean of the others. Of two classes
    that is the same.

    Example:
        >>> word_axes(3, [0, 2]).tolist(), word_axes(3, None)[1].tolist()
        ([[-1.0, 0.0, 1.0]], [-0.5, 1.0, -0.5])
    """
    if n_classes == 1:
        return torch.ones(1, 1)
    if ends is None:
        return (n_classes * torch.eye(n_classes) - 1) / (n_classes - 1)
    axis = torch.zeros(1, n_classes)
    axis[0, ends[0]] = -1
    axis[0, ends[1]] = 1
    return axis


def score_name(classes: list[str], ends: list[int] | None, chosen: int) -> str:
    """What follows the word "score": nothing where the classes have an order, else for which class.

    Example:
        >>> score_name(["angry", "calm", "happy"], None, 2)
        ' for happy'
    """
    return "" if ends else f" for {classes[chosen]}"


def score_axis(classes: list[str], ends: list[int] | None, chosen: int) -> str:
    """What an axis of scores is: which class against which.

    Example:
        >>> score_axis(["bad", "so-so", "good"], [0, 2], 0)
        'score (good minus bad)'
        >>> score_axis(["angry", "calm", "happy"], None, 0)
        'score (angry minus the other classes)'
    """
    if ends:
        return f"score ({classes[ends[1]]} minus {classes[ends[0]]})"
    return f"score ({classes[chosen]} minus the other classes)"


def orders_for_the_page() -> dict:
    """What `in_order` knows, for the page's own (orders.js): a table that is pasted stays there."""
    return {"scales": PLACES, "more": MORE, "units": sorted(UNIT_NAMES)}
