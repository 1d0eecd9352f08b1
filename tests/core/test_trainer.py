"""The loop: schedules, batches, stopping, interrupting, resuming."""

import copy
import functools
import io
import os
import signal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import descend, model_for, problem, refused, same, states_equal

from ragteach import (
    RAG,
    DivergenceWarning,
    History,
    MultiTaskDataset,
    MultiTaskLoss,
    evaluate,
    fit,
    solve,
    train_epoch,
)
from ragteach.ground.machine import pick_device
from ragteach.trainer import epoch_batches, plan

QUIET = dict(progress=False, device="cpu")


start = functools.partial(model_for, scale=0.3)


def plain_loop(model, data, epochs, lr, lam):
    """What a learner would write first: a loop over tasks."""

    def loss():
        J = lam / 2 * model.adapter_weights().square().sum()
        for t in range(data.n_tasks):
            here = data.task == t
            logits = model(data.x[data.doc[here]], t)
            J = J + torch.nn.functional.cross_entropy(logits, data.y[here])
        return J

    descend(loss, torch.optim.SGD(model.parameters(), lr=lr), epochs)


def test_fit_is_the_plain_loop():
    data = problem(sizes=(10, 25, 7))
    ours, plain = start(data), start(data)
    options = dict(epochs=30, lr=0.2, lam=0.1, lam_shared=0.0, optimizer=torch.optim.SGD)
    fit(ours, data, **options, **QUIET)
    plain_loop(plain, data, 30, 0.2, 0.1)
    assert same(ours.shared, plain.shared, 1e-5) and same(
        ours.task_weights(), plain.task_weights(), 1e-5
    )


def test_train_epoch_and_evaluate_with_a_loader():
    data = problem(sizes=(30, 12))
    loader = torch.utils.data.DataLoader(
        data, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(0)
    )
    model = start(data)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    before = evaluate(model, loader)
    losses = [train_epoch(model, loader, MultiTaskLoss(lam=0.01), optimizer) for _ in range(15)]
    after = evaluate(model, loader)
    assert (
        losses[-1] < losses[0] and after["loss"] < before["loss"] and after == evaluate(model, data)
    )
    right = {n: (model.predict(data.x[data.task == t], t) == data.y[data.task == t]).float().mean().item()
             for t, n in enumerate(data.task_names)}  # fmt: skip
    for name in data.task_names:
        assert after[f"accuracy/{name}"] == pytest.approx(right[name])
    assert after["accuracy"] == pytest.approx(sum(right.values()) / 2)


def test_one_full_loader_batch_is_one_fit_epoch():
    data = problem(sizes=(9, 4, 6))
    a, b = start(data), start(data)
    loader = torch.utils.data.DataLoader(data, batch_size=len(data), shuffle=True)
    train_epoch(a, loader, MultiTaskLoss(lam=0.2), torch.optim.SGD(a.parameters(), lr=0.3))
    options = dict(epochs=1, lr=0.3, lam=0.2, lam_shared=0.0, optimizer=torch.optim.SGD)
    fit(b, data, **options, **QUIET)
    assert same(a.task_weights(), b.task_weights(), 1e-6) and same(a.shared, b.shared, 1e-6)


@pytest.mark.parametrize(
    "sizes, batch_size", [((17, 17), 4), ((20, 3, 11), 6), ((5, 1), 2), ((8, 8), 8)]
)
def test_an_epoch_sees_every_example_once(sizes, batch_size):
    tensors = problem(sizes=sizes).stacked()
    batches = epoch_batches(tensors, batch_size, torch.Generator().manual_seed(0))
    if batch_size == max(sizes):
        assert batches == [None]
        return
    assert len(batches) == -(-max(sizes) // batch_size)
    rows = torch.cat(batches, 1)
    assert rows.sort(1).values.equal(torch.arange(max(sizes)).expand(len(sizes), -1))
    for t, n in enumerate(sizes):  # each task's examples are dealt out evenly
        share = [int((b[t] < n).sum()) for b in batches if b.shape[1] == batch_size]
        assert max(share) - min(share) <= 1
    again = epoch_batches(tensors, batch_size, torch.Generator().manual_seed(1))
    assert not torch.equal(torch.cat(again, 1), rows) or max(sizes) < 6


def test_plans():
    assert plan("joint", 3) == ["joint"] * 3 and plan("joint", 0) == []
    assert plan("two_phase", 5) == ["shared"] * 3 + ["adapters"] * 2
    assert (
        plan("alternating", 8, rounds=2)
        == ["shared"] * 2 + ["adapters"] * 2 + ["shared"] * 2 + ["adapters"] * 2
    )
    for epochs in (2, 3, 10, 15, 20, 21):
        phases = plan("alternating", epochs)
        assert (
            abs(phases.count("shared") - phases.count("adapters")) <= 2 and "adapters" in phases
        ), epochs


@pytest.mark.parametrize("schedule", ["two_phase", "alternating"])
@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_each_phase_moves_only_its_own_part(schedule, optimizer):
    data = problem()
    model = start(data)
    seen = []

    class Watch:
        def __init__(self):
            self.before = copy.deepcopy(model.state_dict())

        def on_step(self, model, step, loss):
            now = copy.deepcopy(model.state_dict())
            seen.append({n.split(".")[0] for n in now if not torch.equal(now[n], self.before[n])})
            self.before = now

    history = fit(
        model,
        data,
        schedule,
        epochs=12,
        rounds=2,
        lam=0.1,
        optimizer=optimizer,
        callbacks=[Watch()],
        **QUIET,
    )
    phases = [r["phase"] for r in history.records]
    assert phases == plan(schedule, 12, rounds=2)
    assert seen == [{phase, "bias"} for phase in phases]
    assert all(p.requires_grad for p in model.parameters())  # states are given back


def test_first_phase_with_and_without_the_random_adapters():
    data = problem()
    first = dict(
        schedule="two_phase", epochs=20, lam_shared=0.1, optimizer=torch.optim.SGD, lr=0.3, **QUIET
    )
    silent, plain = (
        start(data),
        RAG.full_sharing(6, 3, tasks=data.task_names, bias="task", scale=0.3),
    )
    keep = silent.adapter_weights().detach().clone()
    recorded = []

    class Grab:
        def on_epoch(self, model, epoch, record):
            if epoch == 10:
                recorded.append(
                    (model.shared.detach().clone(), model.adapter_weights().detach().clone())
                )

    fit(silent, data, callbacks=[Grab()], adapters_first=False, **first)
    fit(plain, data, epochs=10, lam_shared=0.1, optimizer=torch.optim.SGD, lr=0.3, **QUIET)
    assert same(recorded[0][0], plain.shared, 1e-6) and same(recorded[0][1], keep)
    fit(loud := start(data), data, callbacks=[Grab()], **first)
    assert not same(recorded[1][0], plain.shared, 1e-3) and all(loud.active.values())


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop,
                                       torch.optim.Adagrad, torch.optim.NAdam, torch.optim.LBFGS,
                                       lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, nesterov=True)])  # fmt: skip
def test_any_torch_optimizer_learns_and_keeps_frozen_bits(optimizer):
    data = problem()
    model = start(data)
    model.freeze("A1")
    model.deactivate("A2")
    before = copy.deepcopy(model)
    fit(model, data, epochs=10, lr=0.05, lam=0.01, batch_size=16, optimizer=optimizer, **QUIET)
    assert evaluate(model, data)["loss"] < evaluate(before, data)["loss"]
    for name in ("A1", "A2"):
        assert same(model.adapters[name].full, before.adapters[name].full)
    assert not same(model.adapters["A3"].full, before.adapters["A3"].full)


@pytest.mark.parametrize("kind, rank", [("full", None), ("low_rank", 2), ("projected", 2)])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_every_kind_of_adapter_learns(kind, rank, batch_size):
    data = problem(sizes=(30, 18, 25))
    model = start(data, adapter=kind, rank=rank)
    downs = [a.down.clone() for a in model.adapters.values()] if kind == "projected" else []
    history = fit(model, data, epochs=30, batch_size=batch_size, **QUIET)
    assert (
        history.records[-1]["loss"] < history.records[0]["loss"] and history.stopped == "finished"
    )
    assert all(torch.equal(a.down, d) for a, d in zip(model.adapters.values(), downs, strict=False))


def test_minibatches_end_near_the_optimum():
    data = problem(sizes=(60, 40))
    model, best = start(data), start(data)
    solve(best, data, lam=0.1, lam_shared=0.1)
    fit(model, data, epochs=150, batch_size=10, lr=0.01, lam=0.1, lam_shared=0.1, **QUIET)
    criterion = MultiTaskLoss(lam=0.1, lam_shared=0.1)
    gap = criterion.stacked(model, data.stacked()) - criterion.stacked(best, data.stacked())
    assert 0 <= gap < 0.02


def overfitting():
    train, val = (
        problem(sizes=(8, 8), n_features=12, seed=1),
        problem(sizes=(40, 40), n_features=12, seed=1),
    )
    return train, val


def test_early_stopping_keeps_the_best_epoch():
    train, val = overfitting()
    states = {}

    class Keep:
        def on_epoch(self, model, epoch, record):
            states[epoch] = copy.deepcopy(model.state_dict())

    model = start(train)
    history = fit(
        model, train, epochs=400, lr=0.1, val=val, patience=5, callbacks=[Keep()], **QUIET
    )
    losses = [r["val_loss"] for r in history.records]
    assert history.best_epoch == losses.index(min(losses)) + 1 == len(losses) - 5 < 395
    assert history.stopped == f"no better validation loss since epoch {history.best_epoch}"
    assert all(torch.equal(v, states[history.best_epoch][k]) for k, v in model.state_dict().items())
    assert evaluate(model, val)["loss"] == pytest.approx(min(losses))
    assert list(history.frame().columns) == ["epoch", "phase", "loss", "val_loss", "val_accuracy"]


class StopAt:
    """Interrupts at one step (or epoch), by a real signal or by raising."""

    def __init__(self, step=None, epoch=None, raising=False):
        self.step, self.epoch, self.raising = step, epoch, raising

    def on_step(self, model, step, loss):
        self._maybe(step == self.step)

    def on_epoch(self, model, epoch, record):
        self._maybe(epoch == self.epoch)

    def _maybe(self, now):
        if now and self.raising:
            raise KeyboardInterrupt
        if now:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("raising", [False, True])
@pytest.mark.parametrize("where, said, steps", [
    (dict(step=11), "interrupted in epoch 3 of 10, after batch 1", 11),
    (dict(step=10), "interrupted after epoch 2 of 10", 10),
    (dict(epoch=4), "interrupted after epoch 4 of 10", 20),
    (dict(step=50), "finished", 50),
    (dict(epoch=10), "finished", 50),
])  # fmt: skip
def test_interruption_keeps_what_was_learnt_and_says_where(where, said, steps, raising):
    data = problem(sizes=(20, 20))
    model, handler = start(data), signal.getsignal(signal.SIGINT)
    history = fit(
        model, data, epochs=10, batch_size=4, callbacks=[StopAt(**where, raising=raising)], **QUIET
    )
    assert history.stopped == said and history.checkpoint["step"] == steps
    assert states_equal_dict(model.state_dict(), history.checkpoint["model"])
    assert not same(model.shared, start(data).shared)
    assert signal.getsignal(signal.SIGINT) is handler and all(
        p.requires_grad for p in model.parameters()
    )


def states_equal_dict(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("schedule", ["joint", "two_phase", "alternating"])
@pytest.mark.parametrize("where", [dict(step=13), dict(step=27), dict(epoch=5)])
@pytest.mark.parametrize("patience", [None, 100])
def test_resume_is_bit_equal_to_not_having_stopped(schedule, where, patience):
    data = problem(sizes=(20, 13))
    options = dict(
        schedule=schedule,
        epochs=9,
        batch_size=5,
        lam=0.1,
        rounds=2,
        alpha="uncertainty",
        seed=3,
        **QUIET,
    )
    if patience:
        options |= dict(val=problem(sizes=(10, 10), seed=0), patience=patience)
    whole = start(data)
    uninterrupted = fit(whole, data, **options)
    first = fit(start(data), data, callbacks=[StopAt(**where)], **options)
    assert first.stopped.startswith("interrupted")
    file = io.BytesIO()
    torch.save(first.checkpoint, file)
    file.seek(0)
    for saved in (first, torch.load(file), History(checkpoint=first.checkpoint)):
        model = start(data).reset(99)  # its weights do not matter: the checkpoint's do
        last = fit(model, data, resume=saved, **options)
        assert states_equal(model, whole)
        assert last.records == uninterrupted.records and last.best_epoch == uninterrupted.best_epoch
        assert last.stopped == uninterrupted.stopped == "finished"
    assert len(first.records) < 9  # what was resumed from is left as it was


def test_resume_after_two_stops_and_with_a_patience_that_ends_it():
    train, val = overfitting()
    options = dict(epochs=400, lr=0.1, val=val, patience=5, **QUIET)
    whole = start(train)
    uninterrupted = fit(whole, train, **options)
    model, history = start(train), None
    for epoch in (2, 3, uninterrupted.best_epoch + 2, None):
        history = fit(model, train, resume=history, callbacks=[StopAt(epoch=epoch)], **options)
    assert history.records == uninterrupted.records and states_equal(model, whole)
    assert history.stopped == uninterrupted.stopped


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.sampled_from([None, 5]),
)
def test_a_run_that_may_stop_early_can_be_resumed_anywhere(seed, patience, stops, batch_size):
    """Also where it has stopped by itself: then there is nothing left to do."""
    train, val = (
        problem(sizes=(8, 6), n_features=9, seed=seed),
        problem(sizes=(9, 9), n_features=9, seed=seed + 1),
    )
    options = dict(epochs=14, lr=0.2, val=val, patience=patience, batch_size=batch_size, **QUIET)
    whole = start(train)
    uninterrupted = fit(whole, train, **options)
    model, history = start(train), None
    for step in [*stops, None, None]:
        history = fit(model, train, resume=history, callbacks=[StopAt(step=step)], **options)
    assert history.records == uninterrupted.records and states_equal(model, whole)
    assert history.stopped == uninterrupted.stopped
    assert history.best_epoch == uninterrupted.best_epoch


def test_longer_training_is_the_same_as_training_on():
    data = problem()
    whole, halves = start(data), start(data)
    fit(whole, data, epochs=10, batch_size=8, **QUIET)
    half = fit(halves, data, epochs=5, batch_size=8, **QUIET)
    fit(halves, data, epochs=10, batch_size=8, resume=half, **QUIET)
    assert states_equal(whole, halves)


OTHER = {
    "lr": (dict(lr=0.1), "lr = 0.05", "lr = 0.1"),
    "penalties": (dict(lam=0.5, lam_shared=0.1), "lam = 0.01, lam_shared = 0.01", "lam = 0.5"),
    "alpha": (dict(alpha="size"), "alpha = 'equal'", "alpha = 'size'"),
    "batches": (dict(batch_size=None), "batch_size = 8", "batch_size = None"),
    "seed": (dict(seed=4), "seed = 0", "seed = 4"),
    "near": (dict(optimizer=torch.optim.AdamW), "optimizer = 'Adam'", "optimizer = 'AdamW'"),
    "far": (dict(optimizer=torch.optim.SGD), "optimizer = 'Adam'", "optimizer = 'SGD'"),
    "partial": (
        dict(optimizer=functools.partial(torch.optim.Adam, betas=(0.5, 0.9))),
        "optimizer = 'Adam'",
        "Adam(betas=(0.5, 0.9))",
    ),
    "fewer": (dict(epochs=1), "no fewer than are done: 2 epochs", "epochs = 1"),
    "schedule": (dict(schedule="two_phase"), "schedule = 'joint'", "schedule = 'two_phase'"),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_training_goes_on_only_as_it_was_made(name):
    options, expected, got = OTHER[name]
    data, model = problem(), start(problem())
    history = fit(start(data), data, epochs=2, batch_size=8, **QUIET)
    with refused(expected, got, "resume="):
        fit(model, data, resume=history, **(dict(epochs=4, batch_size=8) | QUIET | options))
    assert states_equal(model, start(data))


def test_more_epochs_that_would_change_the_phases_done_are_refused():
    data = problem()
    history = fit(start(data), data, "two_phase", epochs=4, **QUIET)
    with refused("the phases of the epochs that are done", "epochs = 8", "as before"):
        fit(start(data), data, "two_phase", epochs=8, resume=history, **QUIET)


def test_an_optimiser_under_the_same_name_but_of_another_kind_is_refused():
    def make(kind):
        return lambda parameters, **options: kind(parameters, lr=options["lr"])

    data = problem()
    history = fit(start(data), data, epochs=2, optimizer=make(torch.optim.Adam), **QUIET)
    with refused("the optimizer of the training", "a SGD, whose dampening", "as before"):
        fit(start(data), data, epochs=4, optimizer=make(torch.optim.SGD), resume=history, **QUIET)


def test_a_checkpoint_of_an_older_version_goes_on():
    data = problem()
    whole, model = start(data), start(data)
    fit(whole, data, epochs=4, **QUIET)
    old = fit(start(data), data, epochs=2, **QUIET).checkpoint
    del old["options"], old["first"]
    fit(model, data, epochs=4, resume=old, **QUIET)
    assert states_equal(model, whole)


def test_a_loss_that_ends_far_above_its_start_is_said():
    data = problem()
    with pytest.warns(DivergenceWarning, match="loss rose from") as said:
        history = fit(start(data), data, epochs=20, lr=1e6, **QUIET)
    assert history.stopped.startswith("diverged by epoch 20 of 20")
    assert said[0].filename == __file__


def test_a_history_is_shown_in_a_few_lines():
    shown = repr(fit(start(problem()), problem(), epochs=50, **QUIET))
    assert shown.startswith("History of 50 epochs: finished") and len(shown.splitlines()) < 10
    assert repr(History()) == "History of 0 epochs:"


def test_alpha_may_be_given_by_the_names_of_the_tasks():
    data = problem()
    named, listed = start(data), start(data)
    fit(named, data, epochs=2, alpha={"task3": 3, "task1": 1, "task2": 2}, **QUIET)
    fit(listed, data, epochs=2, alpha=[1, 2, 3], **QUIET)
    assert states_equal(named, listed)
    with refused("a weight for each of the tasks", "{'task1': 1}", "all of them"):
        fit(named, data, alpha={"task1": 1}, **QUIET)


def test_a_penalty_may_be_a_tensor_of_one_number():
    assert MultiTaskLoss(lam=torch.tensor(0.5)).lam == 0.5


class Poison:
    """Makes the weights infinite after one step, as too large a step would."""

    def __init__(self, step):
        self.step, self.epochs = step, {}

    def on_step(self, model, step, loss):
        if step == self.step:
            with torch.no_grad():
                model.shared.fill_(float("inf"))

    def on_epoch(self, model, epoch, record):
        self.epochs[epoch] = copy.deepcopy(model.state_dict())


@pytest.mark.parametrize("step, said, kept", [
    (7, "in epoch 2 of 6: the loss of batch 4 is nan", 1),  # 4 batches an epoch
    (8, "in epoch 3 of 6: the loss of batch 1 is nan", 1),
])  # fmt: skip
def test_divergence_is_said_and_the_last_finite_weights_are_kept(step, said, kept):
    data = problem(sizes=(20, 20))
    model, poison = start(data), Poison(step)
    with pytest.warns(DivergenceWarning, match="smaller lr.*proximal"):
        history = fit(model, data, epochs=6, batch_size=5, callbacks=[poison], **QUIET)
    assert history.stopped == f"diverged {said}; the last finite weights are kept"
    assert states_equal_dict(model.state_dict(), poison.epochs[kept])
    assert all(np.isfinite(r["loss"]) for r in history.records)
    with refused("History of a fit", "History without one", "start anew"):
        fit(model, data, resume=history, **QUIET)


def test_too_large_a_step_is_named_and_full_batches_go_back_one_step():
    data = problem()
    model = start(data)
    with pytest.warns(DivergenceWarning, match="lr"):
        history = fit(model, data, epochs=60, lr=50.0, lam=1.0, optimizer=torch.optim.SGD, **QUIET)
    assert history.stopped.startswith("diverged") and "of 60" in history.stopped
    assert all(p.isfinite().all() for p in model.parameters())


def test_weights_that_break_in_the_last_step_are_not_returned():
    data = problem(sizes=(20, 20))
    model = start(data)
    with pytest.warns(DivergenceWarning, match="after epoch 2 of 2: weights became infinite"):
        fit(model, data, epochs=2, batch_size=5, callbacks=[Poison(8)], **QUIET)
    assert all(p.isfinite().all() for p in model.parameters())


def test_the_second_ctrl_c_stops_at_once():
    """In the middle of a callback: the first waits for its end, the second does not."""
    data = problem(sizes=(20, 20))
    came = []

    class Pressed:
        def on_step(self, model, step, loss):
            for press in ("first", "second"):
                os.kill(os.getpid(), signal.SIGINT)
                came.append(f"past the {press}")

    history = fit(start(data), data, epochs=3, batch_size=4, callbacks=[Pressed()], **QUIET)
    assert came == ["past the first"]
    assert history.stopped == "interrupted in epoch 1 of 3, after batch 1"


def test_seeds_repeat_and_differ():
    data = problem()
    models = [start(data) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        fit(model, data, epochs=2, batch_size=8, seed=seed, **QUIET)
    assert states_equal(models[0], models[1]) and not same(models[0].shared, models[2].shared)


def test_callbacks_hear_everything_and_the_bar_shows(capsys):
    data = problem(sizes=(10, 10))
    steps, epochs = [], []

    class Steps:
        def on_step(self, model, step, loss):
            steps.append((step, loss))

    class Epochs:
        def on_epoch(self, model, epoch, record):
            epochs.append((epoch, record["loss"]))

    history = fit(
        start(data), data, epochs=3, batch_size=4, callbacks=[Steps(), Epochs()], device="cpu"
    )
    assert [s for s, _ in steps] == list(range(1, 10)) and [e for e, _ in epochs] == [1, 2, 3]
    for e in range(3):
        assert epochs[e][1] == pytest.approx(
            sum(v for _, v in steps[3 * e : 3 * e + 3]) / 3, rel=1e-5
        )
    assert [r["loss"] for r in history.records] == [v for _, v in epochs]
    assert "joint" in capsys.readouterr().err


def test_errors_in_a_callback_are_not_swallowed():
    class Broken:
        def on_epoch(self, model, epoch, record):
            raise RuntimeError("mine")

    model, handler = start(problem()), signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="mine"):
        fit(model, problem(), schedule="two_phase", callbacks=[Broken()], **QUIET)
    assert signal.getsignal(signal.SIGINT) is handler and all(
        p.requires_grad for p in model.parameters()
    )


def test_class_weights_missing_labels_and_given_criterion():
    x = problem(sizes=(12,)).x
    data = MultiTaskDataset(x, [[0, -100], [1, 2], [2, 1], [-100, 0]] * 3, 3)
    ours, plain = start(data), start(data)
    weight = torch.tensor([1.0, 4.0, 0.5])
    fit(
        ours,
        data,
        epochs=1,
        lr=0.5,
        criterion=MultiTaskLoss(class_weight=weight),
        optimizer=torch.optim.SGD,
        **QUIET,
    )
    loss = sum(torch.nn.functional.cross_entropy(plain(x[data.doc[data.task == t]], t), data.y[data.task == t], weight)
               for t in (0, 1))  # fmt: skip
    loss.backward()
    assert same(ours.shared, plain.shared - 0.5 * plain.shared.grad, 1e-6)
    fit(start(data), data, epochs=1, criterion=MultiTaskLoss(class_weight="balanced"), **QUIET)


def test_no_epochs_no_change():
    data = problem()
    model = start(data)
    history = fit(model, data, epochs=0, progress=False, device="auto")
    assert (
        states_equal(model, start(data)) and history.records == [] and history.stopped == "finished"
    )


def test_a_device_that_is_named_is_taken_whatever_else_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("cpu") == pick_device(torch.device("cpu")) == torch.device("cpu")
    assert pick_device() == torch.device("cuda")


def test_device_auto_is_the_best_there_is():
    best = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    assert pick_device("auto").type == best and pick_device("cpu").type == "cpu"
    with refused('device="auto"', "device = 'tpu9000'", '"cpu"'):
        pick_device("tpu9000")
    if not torch.cuda.is_available():
        with refused("one that this computer has", "device = 'cuda'"):
            pick_device("cuda")


BAD = {
    "schedule": (dict(schedule="jointly"), "one of 'joint', 'two_phase', 'alternating'", "schedule = 'jointly'", ""),
    "epochs": (dict(epochs=2.5), "epochs to be a whole number >= 0", "epochs = 2.5", ""),
    "lr": (dict(lr=float("nan")), "lr to be a finite number >= 0", "lr = nan", ""),
    "batch": (dict(batch_size=0), "batch_size to be a whole number >= 1", "batch_size = 0", ""),
    "rounds": (dict(schedule="alternating", rounds=0), "rounds to be a whole number >= 1", "rounds = 0", ""),
    "lam": (dict(lam=-0.1), "lam to be a finite number >= 0", "lam = -0.1", "use lam >= 0"),
    "patience": (dict(patience=3), "val data for early stopping", "patience without val", "pass val="),
    "function": (dict(callbacks=[print]), "callbacks with a method on_step or on_epoch", "no such method", "a class"),
    "alpha": (dict(alpha=[1.0]), "3 task weights alpha >= 0", "alpha = [1.0]", "one number per task"),
    "name": (dict(optimizer="adam"), "optimizer: a function", "'adam'", "torch.optim.Adam"),
    "lr text": (dict(lr="0.1"), "lr to be a finite number", "lr = '0.1'", ""),
    "list": (dict(lam=[0.1, 0.2]), "lam to be a finite number", "lam = [0.1, 0.2]", ""),
    "seed": (dict(seed=None), "seed to be a whole number", "seed = None", ""),
    "half": (dict(batch_size=2.5), "batch_size to be a whole number", "batch_size = 2.5", ""),
    "resume": (dict(resume={}), "resume: the History of a fit", "dict without one", "resume=history"),
    "other": (dict(resume={"epoch": 3}), "resume: the History of a fit", "dict", "resume=history"),
    "torch's": (dict(criterion=torch.nn.CrossEntropyLoss()), "criterion: a MultiTaskLoss", "CrossEntropyLoss", "MultiTaskLoss(loss_fn"),
    "both": (dict(criterion=MultiTaskLoss(), lam=0.5), "lam, lam_shared and alpha of its own", "lam = 0.5", "lam=..."),
    "weighed": (dict(criterion=MultiTaskLoss(), alpha=[1, 2, 3]), "of its own", "alpha = [1, 2, 3]", "alpha=..."),
    "callback": (dict(callbacks=print), "callbacks in a list", "print", "callbacks=[yours]"),
    "none": (dict(callbacks=None), "callbacks in a list", "None", "callbacks=[yours]"),
    "device": (dict(device=[]), "this computer has", "device = []", "cpu"),
    "words": (dict(alpha=["a", "b", "c"]), "3 task weights alpha >= 0", "alpha = ['a', 'b', 'c']", "one number"),
    "val": (dict(val=problem(sizes=(3, 3))), "model's tasks", "['task1', 'task2']", "same task_names"),
    "width": (dict(val=problem(n_features=5)), "model's number of features: 6", "5", "vectorizer"),
    "classes": (dict(val=problem(n_classes=4)), "model's number of classes: 3", "4", "n_classes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_calls_are_refused_before_training(name):
    options, *words = BAD[name]
    model = start(problem())
    with refused(*words):
        fit(model, problem(), **(QUIET | options))
    assert states_equal(model, start(problem()))


def test_a_fraction_is_a_learning_rate_too():
    one, other = start(problem()), start(problem())
    fit(one, problem(), lr=Fraction(1, 4), epochs=2, **QUIET)
    fit(other, problem(), lr=0.25, epochs=2, **QUIET)
    assert states_equal(one, other)


def test_a_model_that_is_broken_before_it_has_learnt_is_no_divergence():
    model = start(problem())
    with torch.no_grad():
        model.adapters[model.adapter_names[1]].weight[0, 0] = float("nan")
    with refused("finite weights", "NaN or infinity in adapters", "reset"):
        fit(model, problem(), **QUIET)


def test_an_epoch_refuses_what_is_no_model_before_the_first_batch():
    linear = torch.nn.Linear(6, 3)
    with refused("model: a RAG", "Linear", "RAG("):
        train_epoch(linear, [], MultiTaskLoss(), torch.optim.SGD(linear.parameters()))


def test_a_checkpoint_of_another_model_is_refused():
    data = problem()
    history = fit(start(data), data, epochs=1, **QUIET)
    other = RAG(6, 3, 1, tasks=data.task_names, graph="all")
    with refused("this very model", "other parts", "build the model"):
        fit(other, data, epochs=2, resume=history, **QUIET)
    with refused("model: a RAG", "Linear", "RAG("):
        fit(torch.nn.Linear(6, 3), data, **QUIET)


def test_bad_data_are_refused():
    data = problem()
    with refused("a MultiTaskDataset", "DataFrame", "from_frame"):
        import pandas as pd

        fit(start(data), pd.DataFrame(), **QUIET)
    with refused(
        "since class weights are given", "TaskTensors", "dataset.stacked(class_weight=...)"
    ):
        fit(start(data), data.stacked(), criterion=MultiTaskLoss(class_weight=[1, 1, 2]), **QUIET)
    frozen = start(data)
    frozen.freeze("shared", "adapters", "bias")
    with refused("something to train in phase 'joint'", "all frozen", "model.unfreeze"):
        fit(frozen, data, **QUIET)
