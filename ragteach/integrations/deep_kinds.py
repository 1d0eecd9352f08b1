"""Kinds of change to one layer: from a whole matrix to a few numbers on random bases.

Enters: the shape of a linear layer.  Leaves: a module whose ``weight`` is the change D of its
matrix, (n_out, n_in), and is zero at the start; or, for the bottleneck, a small network behind the
layer.

    full        D                            n_out n_in trained numbers
    low_rank    up @ down                    r (n_out + n_in)    LoRA, Hu et al. 2022
    projected   up @ down, down frozen       r n_out             LoRA-FA, Zhang et al. 2023
    vera        b up d down, both frozen     n_out + r           VeRA, Kopiczko et al. 2024
    randlora    sum_j up_j l_j down_j g_j    N (r + min)         RandLoRA, Albert et al. 2025
    bottleneck  y + up relu(down y)          2 r n_out + n_out + r         Houlsby et al. 2019

In randlora min is the smaller of n_out and n_in, and N = ceil(min / r) pairs of frozen random
matrices make a change of full rank out of N (r + min) trained numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ragteach.adapters import KINDS, Adapter, random_weights

LINEAR = (*KINDS, "vera", "randlora")
DEEP_KINDS = (*LINEAR, "bottleneck")


class Vera(nn.Module):
    """D = diag(b) up diag(d) down: frozen random ``up`` and ``down``, trained vectors b and d."""

    up: Tensor  # (n_out, r)
    down: Tensor  # (r, n_in)

    def __init__(self, n_out: int, n_in: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("up", random_weights((n_out, rank), "normal", rank**-0.5, generator))
        self.register_buffer("down", random_weights((rank, n_in), "normal", n_in**-0.5, generator))
        self.b = nn.Parameter(torch.zeros(n_out))  # so that D starts at zero
        self.d = nn.Parameter(torch.full((rank,), 0.1))

    @property
    def weight(self) -> Tensor:
        """D, (n_out, n_in)."""
        return (self.b[:, None] * self.up) @ (self.d[:, None] * self.down)


class RandLora(nn.Module):
    """D = sum_j up_j diag(l_j) down_j diag(g_j): N frozen random pairs, trained l and g."""

    up: Tensor  # (longer, N, r)
    down: Tensor  # (r, N, shorter)

    def __init__(self, n_out: int, n_in: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        shorter, longer = sorted((n_out, n_in))
        n_pairs = math.ceil(shorter / rank)
        size = (shorter * rank) ** -0.25
        self.flip = n_out < n_in  # the sum is (longer, shorter)
        up = random_weights((longer, n_pairs, rank), "normal", size, generator)
        down = random_weights((rank, n_pairs, shorter), "normal", size, generator)
        self.register_buffer("up", up)
        self.register_buffer("down", down)
        self.l = nn.Parameter(torch.zeros(rank, n_pairs))  # so that D starts at zero
        self.g = nn.Parameter(torch.ones(n_pairs, shorter) / longer)

    @property
    def weight(self) -> Tensor:
        """D, (n_out, n_in)."""
        down = self.l[:, :, None] * self.down * self.g[None]  # (r, N, shorter)
        total = self.up.flatten(1) @ down.transpose(0, 1).flatten(0, 1)  # (longer, shorter)
        return total.mT if self.flip else total


class Bottleneck(nn.Module):
    """up relu(down y): a small network behind the layer, added to what the layer says."""

    def __init__(self, n_out: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.down = nn.Linear(n_out, rank)
        self.up = nn.Linear(rank, n_out)
        with torch.no_grad():
            start = random_weights((rank, n_out), "normal", n_out**-0.5, generator)
            self.down.weight.copy_(start)
        for start_at_zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(start_at_zero)

    def forward(self, y: Tensor) -> Tensor:
        """(..., n_out) -> (..., n_out)."""
        return self.up(self.down(y).relu())

    @property
    def weight(self) -> Tensor:
        """All its weights, flat: what a penalty sums. It is not a change of a matrix."""
        return torch.cat([p.flatten() for p in self.parameters()])


def new_delta(
    kind: str, n_out: int, n_in: int, rank: int, generator: torch.Generator
) -> Adapter | Vera | RandLora | Bottleneck:
    """A change of this kind for a layer of this shape; it changes nothing yet."""
    if kind == "vera":
        return Vera(n_out, n_in, rank, generator)
    if kind == "randlora":
        return RandLora(n_out, n_in, rank, generator)
    if kind == "bottleneck":
        return Bottleneck(n_out, rank, generator)
    return Adapter(n_out, n_in, kind, rank, "zero", 0.0, generator)


def n_trained(kind: str, n_out: int, n_in: int, rank: int) -> int:
    """How many numbers one change trains, by the formulas of this module's head.

    Example:
        >>> [n_trained(kind, 100, 300, 8) for kind in DEEP_KINDS]
        [30000, 3200, 800, 108, 1404, 1708]
    """
    shorter = min(n_out, n_in)
    return {
        "full": n_out * n_in,
        "low_rank": rank * (n_out + n_in),
        "projected": rank * n_out,
        "vera": n_out + rank,
        "randlora": math.ceil(shorter / rank) * (rank + shorter),
        "bottleneck": 2 * rank * n_out + n_out + rank,
    }[kind]
