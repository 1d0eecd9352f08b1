"""Adapters: the small part a task adds to what is shared, and the random start of both.

Enters: a shape, a kind and a seed.  Leaves: `Adapter`, whose ``weight`` is the matrix A_k of the
model's equation.

    A = full                     C d trained numbers
    A = up @ down                r (C + d) trained numbers: low rank (LoRA, Hu et al. 2022)
    A = up @ down, down frozen   r C trained numbers: a random lens (LoRA-FA, Zhang et al. 2023;
                                 VeRA, Kopiczko et al. 2024)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ragteach.data.documents import columns_of
from ragteach.errors import at_least, one_of

KINDS = ("full", "low_rank", "projected")
INITS = ("uniform", "normal", "zero")


def random_weights(
    shape: Sequence[int],
    init: str = "normal",
    scale: float = 0.01,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Random start: ``"normal"`` N(0, scale^2), ``"uniform"`` U(-scale, scale), or ``"zero"``."""
    one_of("init", init, INITS)
    at_least("scale", scale, 0.0, 1e30)  # above, float32 has no such numbers
    scale = float(scale)
    if init == "zero":
        return torch.zeros(shape, dtype=dtype)
    if init == "normal":
        return torch.randn(shape, generator=generator, dtype=dtype).mul_(scale)
    return torch.rand(shape, generator=generator, dtype=dtype).mul_(2).sub_(1).mul_(scale)


class Adapter(nn.Module):
    """One adapter ``A`` of shape (n_classes, n_features): ``"full"`` is stored whole,
    ``"low_rank"`` and ``"projected"`` as the products up @ down of this module's head.
    """

    def __init__(
        self,
        n_classes: int,
        n_features: int,
        kind: str = "full",
        rank: int | None = None,
        init: str = "normal",
        scale: float = 0.01,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.kind, self.rank = kind, rank
        if kind == "full":
            full = random_weights((n_classes, n_features), init, scale, generator)
            self.full = nn.Parameter(full)
            return
        rank = int(rank or 0)
        self.up = nn.Parameter(random_weights((n_classes, rank), init, scale, generator))
        down = random_weights((rank, n_features), "normal", rank**-0.5, generator)
        if kind == "low_rank":
            self.down = nn.Parameter(down)
        else:
            self.register_buffer("down", down)

    def columns(self, words: Tensor | None = None, squares: list | None = None) -> Tensor:
        """A, or its columns ``words``, (n_classes, n_words); then ``squares`` gets ||A||^2."""
        if self.kind == "full":
            return self.full if words is None else columns_of(self.full, words, squares)
        if squares is not None:  # ||U D||^2 = <U'U, DD'>
            squares.append(((self.up.mT @ self.up) * (self.down @ self.down.mT)).sum())
        return self.up @ (self.down if words is None else columns_of(self.down, words))

    weight = property(lambda self: self.columns())  # A, shape (n_classes, n_features)
