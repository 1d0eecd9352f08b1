"""Two processes find the weights of one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ragteach as rt
from ragteach.integrations.spread import share_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, torch
from torch import nn
import ragteach as rt
from ragteach.integrations.spread import fit_spread

torch.manual_seed(0)
base = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))
model = rt.DeepRAG(base, tasks=3, rank=2, seed=1)
x, task = torch.randn(24, 8), torch.arange(24) % 3
y = ((x[:, 0] > 0) + task) % 3
criterion = rt.MultiTaskLoss(lam=0.01, lam_shared=0.01)
fit_spread(model, [(x[:12], y[:12], task[:12]), (x[12:], y[12:], task[12:])], criterion, epochs=5, lr=0.05)
import os
if os.environ.get("RANK", "0") == "0":
    torch.save({n: p.detach() for n, p in model.named_parameters()}, sys.argv[1])
"""


def test_two_processes_find_the_weights_of_one(tmp_path):
    program = tmp_path / "train.py"
    program.write_text(PROGRAM, encoding="utf-8")
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    env = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    found = []
    for words, name in (([sys.executable], "one.pt"), (launcher, "two.pt")):
        command = [*words, str(program), str(tmp_path / name)]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found.append(torch.load(tmp_path / name))
    one, two = found
    assert set(one) == set(two)
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-6, rtol=1e-6)
    assert any(one[name].abs().max() > 0.01 for name in one if name.endswith("up"))  # it has moved


def test_shares_are_even_and_make_the_whole():
    x, task = torch.arange(12.0)[:, None], torch.tensor([0] * 4 + [1] * 2 + [2] * 6)
    shares = [share_of((x, task, task), rank, 2) for rank in (0, 1)]
    assert sorted(torch.cat([s[0] for s in shares]).flatten().tolist()) == x.flatten().tolist()
    for _, _, share in shares:
        assert torch.bincount(share).tolist() == [2, 1, 3]


def test_a_batch_that_cannot_be_shared_is_refused():
    task = torch.tensor([0, 0, 1])
    with pytest.raises(rt.RagteachError, match="of every task a multiple of 2 examples"):
        share_of((torch.zeros(3, 1), task, task), 0, 2)
