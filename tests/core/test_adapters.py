"""Adapters: shapes, ranks, starts, and what may be trained."""

import pytest
import torch
from problems import refused

from ragteach.adapters import INITS, KINDS, Adapter, random_weights


def test_random_starts_have_the_stated_distribution():
    draw = torch.Generator().manual_seed(0)
    normal = random_weights((300, 300), "normal", 0.5, draw)
    uniform = random_weights((300, 300), "uniform", 0.5, draw)
    assert abs(normal.std() - 0.5) < 0.01 and normal.abs().max() > 1
    assert abs(uniform.std() - 0.5 / 3**0.5) < 0.01 and uniform.abs().max() <= 0.5
    assert abs(normal.mean()) < 0.01 and abs(uniform.mean()) < 0.01
    assert random_weights((2, 2), "zero").eq(0).all()
    assert abs(random_weights((300, 300), generator=draw).std() - 0.01) < 1e-3  # small if not told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("init", INITS)
def test_shape_rank_and_numbers(kind, init):
    rank = None if kind == "full" else 2
    adapter = Adapter(4, 9, kind, rank, init, 0.1, torch.Generator().manual_seed(1))
    assert adapter.weight.shape == (4, 9)
    trained = sum(p.numel() for p in adapter.parameters() if p.requires_grad)
    assert trained == {"full": 4 * 9, "low_rank": 2 * (4 + 9), "projected": 2 * 4}[kind]
    if init == "zero":
        assert adapter.weight.eq(0).all()
    else:
        assert torch.linalg.matrix_rank(adapter.weight) == (4 if kind == "full" else 2)
    again = Adapter(4, 9, kind, rank, init, 0.1, torch.Generator().manual_seed(1))
    assert torch.equal(adapter.weight, again.weight)


@pytest.mark.parametrize("kind", KINDS)
def test_entries_start_as_large_as_scale_says_whatever_the_kind(kind):
    """Of a product: up ~ N(0, scale^2) and down ~ N(0, 1/rank), so that A ~ (0, scale^2)."""
    rank = None if kind == "full" else 16
    draw = torch.Generator().manual_seed(0)
    adapter = Adapter(200, 300, kind, rank, "normal", 0.5, draw)
    assert abs(adapter.weight.std() - 0.5) < 0.02
    assert abs(adapter.weight.mean()) < 0.01
    if rank:
        assert abs(adapter.up.std() - 0.5) < 0.02 and abs(adapter.down.std() - 0.25) < 0.01


def test_a_product_that_starts_at_zero_can_still_learn():
    adapter = Adapter(3, 5, "low_rank", 2, "zero", generator=torch.Generator().manual_seed(0))
    (adapter.weight * torch.randn(3, 5)).sum().backward()
    # "down" is never zero: a dead product would have no gradient at all
    assert adapter.up.grad.abs().sum() > 0
    projected = Adapter(3, 5, "projected", 2)
    projected.weight.sum().backward()
    assert "down" in projected.state_dict() and projected.down.grad is None


def test_bad_starts_are_refused():
    with refused("init to be one of 'uniform', 'normal', 'zero'", "init = 'ones'"):
        random_weights((2, 2), "ones")
    with refused("scale to be a finite number >= 0", "scale = -1"):
        random_weights((2, 2), "normal", -1)
