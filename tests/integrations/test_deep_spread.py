"""Two processes find the weights of one; a training that was stopped goes on as if it had not been."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ragteach as rt
from ragteach.integrations.spread import share_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, signal, sys, torch
from torch import nn
import ragteach as rt
from ragteach.integrations.spread import fit_spread

torch.manual_seed(0)
base = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))
model = rt.DeepRAG(base, tasks=3, rank=2, seed=1)
x, task = torch.randn(24, 8), torch.arange(24) % 3
y = ((x[:, 0] > 0) + task) % 3
batches = [(x[:12], y[:12], task[:12]), (x[12:], y[12:], task[12:])]
criterion = rt.MultiTaskLoss(lam=0.01, lam_shared=0.01)
options = dict(epochs=5, lr=0.05)

class CtrlC(list):
    '''The batches; the second process gets Ctrl-C at the third.'''
    seen = 0
    def __iter__(self):
        for batch in list.__iter__(self):
            self.seen += 1
            if self.seen == 3 and os.environ.get("RANK") == "1":
                signal.raise_signal(signal.SIGINT)
            yield batch

history = fit_spread(model, CtrlC(batches), criterion, **options)
stopped, kept = history.stopped, len(history.records)
history = fit_spread(model, batches, criterion, resume=history, **options)
if os.environ.get("RANK", "0") == "0":
    weights = {n: p.detach() for n, p in model.named_parameters()}
    torch.save([weights, stopped, kept, history.records], sys.argv[1])
for seed in range(6):  # the processes meet again and again; none waits for a place that is gone
    fit_spread(model, batches, criterion, epochs=1, progress=False)
"""


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="run in the background: no Ctrl-C"
)
def test_two_processes_that_were_stopped_and_go_on_find_the_weights_of_one(tmp_path):
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
    (one, finished, _, records), (two, stopped, kept, again) = found
    assert finished == "finished" and stopped == "interrupted in epoch 2, after batch 1"
    assert kept == 1  # and of the second epoch the first step: nothing was lost
    assert set(one) == set(two)
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-6, rtol=1e-6)
    assert [r["epoch"] for r in again] == [1, 2, 3, 4, 5]
    assert [r["loss"] for r in again] == pytest.approx([r["loss"] for r in records], rel=1e-5)
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


# ---------------------------------------------------------------- in one process


def small():
    torch.manual_seed(0)
    base = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    model = rt.DeepRAG(base, tasks=3, rank=2, seed=1)
    x, task = torch.randn(24, 8), torch.arange(24) % 3
    y = ((x[:, 0] > 0) + task) % 3
    return model, [(x[:12], y[:12], task[:12]), (x[12:], y[12:], task[12:])]


def spread(model, batches, **options):
    criterion = rt.MultiTaskLoss(lam=0.01, lam_shared=0.01)
    return rt.fit_spread(model, batches, criterion, **{"lr": 0.05, "progress": False} | options)


def same(one, two):
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), two.parameters(), strict=True))


def test_one_process_finds_the_weights_of_fit():
    (plain, batches), (model, _) = small(), small()
    options = {"lam": 0.01, "lam_shared": 0.01, "lr": 0.05, "progress": False, "device": "cpu"}
    expected = rt.fit(plain, batches, epochs=4, **options)
    history = spread(model, batches, epochs=4)
    same(plain, model)
    losses = [r["loss"] for r in history.records]
    assert losses == pytest.approx([r["loss"] for r in expected.records], rel=1e-6)
    assert history.stopped == "finished"


def test_it_goes_on_from_a_file_as_if_it_had_never_stopped(tmp_path):
    (straight, batches), (model, _), (again, _) = small(), small(), small()
    spread(straight, batches, epochs=5)
    torch.save(spread(model, batches, epochs=2).checkpoint, tmp_path / "kept.pt")
    history = spread(again, batches, epochs=5, resume=torch.load(tmp_path / "kept.pt"))
    same(straight, again)
    assert [r["epoch"] for r in history.records] == [1, 2, 3, 4, 5]
    with pytest.raises(rt.RagteachError, match="a checkpoint of this very model"):
        spread(rt.RAG(8, 3, 3), batches, epochs=5, resume=history)


def test_a_loss_that_is_no_number_ends_it_with_the_last_weights_that_were():
    model, batches = small()
    with pytest.warns(rt.DivergenceWarning, match="a smaller lr"):
        history = spread(model, batches, epochs=20, lr=1e30, optimizer=torch.optim.SGD)
    assert history.stopped.startswith("diverged in epoch")
    assert all(p.isfinite().all() for p in model.parameters())


def test_an_adapter_that_is_switched_off_stays_as_it_is():
    model, batches = small()
    model.deactivate("A2")
    before = model.adapters["A2"].weight.clone()
    spread(model, batches, epochs=2)
    assert torch.equal(model.adapters["A2"].weight, before)


def test_the_first_process_alone_shows_a_bar(capsys, monkeypatch):
    model, batches = small()
    spread(model, batches, epochs=2, progress=True)
    assert "2/2" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    spread(model, batches, epochs=2, progress=True)
    assert capsys.readouterr().err == ""
