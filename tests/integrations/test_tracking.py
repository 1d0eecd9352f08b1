"""Tracking: what is written can be read back, with the numbers that training had; and nothing is
sent.
"""

import math
import os
import socket

import forks
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ragteach import RAG, MultiTaskDataset, RagteachError, fit
from ragteach.integrations.tracking import TensorBoard, WandB, numbers
from ragteach.study.head_training import fit_heads
from ragteach.study.heads import Classification
from ragteach.study.multi_head import MultiHead


@pytest.fixture
def data():
    return MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])


def test_numbers_are_losses_and_norms():
    model = RAG(4, 2, 2, tasks=["a", "b"])
    found = numbers(
        model, {"epoch": 3, "phase": "joint", "loss": 0.5, "val_loss": 0.25, "val_accuracy": 1.0}
    )
    assert found["train/loss"] == 0.5 and found["val/loss"] == 0.25 and found["val/accuracy"] == 1.0
    squares = sum(v.item() ** 2 for v in model.shared.detach().flatten())
    assert found["norm/shared"] == pytest.approx(math.sqrt(squares), rel=1e-5)
    assert set(found) == {
        "train/loss",
        "val/loss",
        "val/accuracy",
        "norm/shared",
        "norm/A1",
        "norm/A2",
    }


def test_tensorboard_holds_the_curves_of_the_history(data, tmp_path):
    model = RAG(4, 2, 2, tasks=["a", "b"])
    with TensorBoard(tmp_path, config={"lam": 0.1}, histograms=2) as board:
        history = fit(model, data, epochs=5, lam=0.1, val=data, callbacks=[board], progress=False)
    events = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0, "histograms": 0})
    events.Reload()
    tags = events.Tags()
    assert set(tags["scalars"]) == set(numbers(model, history.records[-1]))
    for tag, key in (("train/loss", "loss"), ("val/loss", "val_loss")):
        scalars = events.Scalars(tag)
        assert [s.step for s in scalars] == [1, 2, 3, 4, 5]
        assert [s.value for s in scalars] == pytest.approx(
            [r[key] for r in history.records], rel=1e-6
        )
    assert events.Scalars("norm/A1")[-1].value == pytest.approx(
        model.adapters["A1"].weight.norm().item()
    )
    assert [h.step for h in events.Histograms("weights/shared")] == [2, 4]
    assert "config/text_summary" in tags["tensors"]


def test_a_callback_of_your_own_sees_every_step_and_epoch(data):
    class Mine:
        steps, epochs = [], []

        def on_step(self, model, step, loss):
            self.steps.append((step, loss))

        def on_epoch(self, model, epoch, record):
            self.epochs.append((epoch, record["loss"]))

    mine = Mine()
    history = fit(RAG(4, 2, 2, tasks=["a", "b"]), data, epochs=3, callbacks=[mine], progress=False)
    assert [s for s, _ in mine.steps] == [1, 2, 3]
    assert mine.epochs == [(r["epoch"], r["loss"]) for r in history.records]


def test_trackers_take_heads_too(tmp_path):
    model = MultiHead(4, {"topic": Classification(2)}, n_hidden=3)
    with TensorBoard(tmp_path) as board:
        fit_heads(
            model,
            {"topic": (torch.eye(4), [0, 1, 1, 0])},
            epochs=2,
            callbacks=[board],
            progress=False,
        )
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert "train/loss/topic" in events.Tags()["scalars"]


WANDB = """
import json, socket, sys, torch
from ragteach import RAG, MultiTaskDataset, fit
from ragteach.integrations.tracking import WandB
connect = socket.socket.connect
def local_only(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"network: {address}")
    return connect(self, address)
socket.socket.connect = local_only
data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
with WandB("lesson", name="first", config={"lam": 0.1}, folder=sys.argv[1]) as tracker:
    folder = tracker.folder
    history = fit(RAG(4, 2, 2, tasks=["a", "b"]), data, epochs=4, callbacks=[tracker], progress=False)
print(json.dumps({"folder": str(folder), "loss": [r["loss"] for r in history.records]}))
"""


def records(data, block=32768):
    """The records of a W&B file: LevelDB's log format after seven bytes of W&B's own."""
    place, parts = 7, []
    while place + 7 <= len(data):
        if block - place % block < 7:  # the end of a block is filled up
            place += block - place % block
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts.append(data[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield b"".join(parts)
            parts = []


def test_wandb_offline_writes_a_run_without_network(tmp_path):
    """In a process of its own: W&B starts helpers that outlive a test. The run is read back from
    its file.
    """
    import json

    from wandb.proto import wandb_internal_pb2

    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")}
    # A proxy that nobody serves: whatever would reach for the network, in any language, finds none.
    with socket.socket() as unserved:
        unserved.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{unserved.getsockname()[1]}"
        environment |= {
            name: proxy for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        }
        done = forks.python(WANDB, tmp_path / "new", env=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    (file,) = list((tmp_path / "new").rglob("run-*.wandb"))
    assert "offline-run-" in str(file) and str(file.parent) == said["folder"]
    losses, names = [], set()
    for raw in records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(raw)
        if record.HasField("history"):
            row = {
                i.key or "/".join(i.nested_key): json.loads(i.value_json)
                for i in record.history.item
            }
            losses.append(row["train/loss"])
            names |= set(row)
    assert losses == pytest.approx(said["loss"])
    assert {"norm/shared", "norm/A1", "norm/A2"} <= names


def test_an_unknown_mode_is_refused(tmp_path):
    with pytest.raises(RagteachError, match="mode to be one of 'offline', 'online', 'disabled'"):
        WandB(mode="cloud", folder=tmp_path)
