"""Answers to try on the exercises of lesson 04."""

import numpy as np
import torch
from drafts import slips, spellings

import ragteach as rt
from ragteach.teach.exercises import answers_04 as answers
from ragteach.teach.exercises.answers_04 import (
    COINCIDE,
    STATES,
    first_batch_only,
    last_step_only,
    no_penalty,
    no_step,
    no_task_in_loss,
    no_zero_grad,
    one_step_only,
    plain_cross_entropy,
    uphill,
)


def then(loop, value=1.0):
    """The same loop, returning something, as a learner's would."""

    def one_epoch(model, loader, criterion, optimizer):
        loop(model, loader, criterion, optimizer)
        return value

    return one_epoch


def summed(model, loader, criterion, optimizer):
    return len(loader) * answers.one_epoch(model, loader, criterion, optimizer)


def by_hand(model, loader, criterion, optimizer):
    total = 0.0
    for x, y, task in loader:
        loss = criterion(model(x, task), y, task, model)
        for p in model.parameters():
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.3 * p.grad
        total += float(loss.detach())
    return total / len(loader)


def closure(model, loader, criterion, optimizer):
    losses = []
    for x, y, task in loader:

        def loss_of(x=x, y=y, task=task):
            optimizer.zero_grad(set_to_none=False)
            loss = criterion(model(x, task), y, task, model)
            loss.backward()
            return loss

        losses.append(optimizer.step(loss_of).detach())
    return torch.stack(losses).mean()


def live(model, loader, criterion, optimizer):
    losses = []
    for x, y, task in loader:
        optimizer.zero_grad()
        loss = criterion(model(x, task), y, task, model)
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return sum(losses) / len(losses)


def by_size(model, loader, criterion, optimizer):
    total = 0.0
    for batch in loader:
        total += len(batch[1]) * answers.one_epoch(model, [batch], criterion, optimizer)
    return total / sum(len(batch[1]) for batch in loader)


def after_the_step(model, loader, criterion, optimizer):
    losses = []
    for x, y, task in loader:
        answers.one_epoch(model, [(x, y, task)], criterion, optimizer)
        losses.append(criterion(model(x, task), y, task, model).item())
    return np.mean(losses)


def frozen_twice(part):
    def mine(model, train):
        model.freeze(part)
        train(model)
        train(model)
        model.unfreeze(part)
        return model

    return mine


def one_of(place):
    """J of one batch in place of the mean."""

    def loop(model, loader, criterion, optimizer):
        losses = []
        for batch in loader:
            losses.append(answers.one_epoch(model, [batch], criterion, optimizer))
        return losses[place] if place is not None else losses

    return loop


def bias_frozen_in(*phases):
    def mine(model, train):
        for phase, (still, moving) in enumerate(
            (("adapters", "shared"), ("shared", "adapters")), start=1
        ):
            model.unfreeze(moving, "bias")
            model.freeze(still, *(["bias"] if phase in phases else []))
            train(model)
        model.unfreeze("shared", "adapters", "bias")
        return model

    return mine


def first_phase_all(model, train):
    train(model)
    model.freeze("shared")
    train(model)
    model.unfreeze("shared")
    return model


def another_model(model, train):
    two = asleep_in_phase_one(model, train)
    return two.shared


def turns_of(schedule, rounds):
    return {
        "joint": [("shared", "adapters")],
        "two_phase": [("shared",), ("adapters",)],
        "alternating": [("shared",), ("adapters",)] * rounds,
    }[schedule]


def trainer(
    turns=turns_of,
    bias=True,
    fresh=True,
    left=("shared", "adapters"),
    note=torch.Tensor.item,
    share=None,
    kind=torch.optim.Adam,
):
    """A trainer by schedule, with one thing changed."""

    def mine(schedule, model, loader, criterion, epochs=60, rounds=3, lr=0.05):
        plan, losses, optimizer = turns(schedule, rounds), [], None
        for moving in plan:
            model.freeze("shared", "adapters", *(() if bias else ("bias",)))
            model.unfreeze(*moving)
            if fresh or optimizer is None:
                optimizer = kind(
                    [p for p in model.parameters() if p.requires_grad or not fresh], lr=lr
                )
            for _ in range(epochs if share == "all" else epochs // len(plan)):
                total, seen = 0.0, []
                for x, y, task in loader:
                    optimizer.zero_grad()
                    loss = criterion(model(x, task), y, task, model)
                    loss.backward()
                    optimizer.step()
                    total = total + note(loss)
                    seen.append(note(loss))
                one = seen[share] if share in (0, -1) else None
                losses.append(one or total / (1 if share == "sum" else len(loader)))
        model.unfreeze(*left, "bias")
        return losses

    return mine


def adapters_first(schedule, rounds):
    return turns_of(schedule, rounds)[::-1] if schedule != "joint" else turns_of(schedule, rounds)


def always_joint(schedule, rounds):
    return turns_of("joint", rounds)


def one_round(schedule, rounds):
    return turns_of(schedule, 1)


def shared_goes_on(schedule, rounds):
    turns = turns_of(schedule, rounds)
    return turns if schedule != "two_phase" else [("shared",), ("shared", "adapters")]


def by_requires_grad_too(schedule, model, loader, criterion, epochs=60, rounds=3, lr=0.05):
    """Plain loops, requires_grad by hand, numpy for the result."""
    found, plan = [], turns_of(schedule, rounds)
    for moving in plan:
        model.shared.requires_grad_("shared" in moving)
        for p in model.adapters.parameters():
            p.requires_grad_("adapters" in moving)
        some = filter(lambda p: p.requires_grad, model.parameters())
        optimizer = torch.optim.Adam(some, lr=lr)
        for _ in range(epochs // len(plan)):
            found.append(rt.train_epoch(model, loader, criterion, optimizer))
    for p in model.parameters():
        p.requires_grad_(True)
    return np.array(found)


def order_reversed(model, train):
    model.freeze("shared")
    train(model)
    model.unfreeze("shared")
    model.freeze("adapters")
    train(model)
    model.unfreeze("adapters")
    return model


def nothing_frozen(model, train):
    train(model)
    train(model)
    return model


def never_unfrozen(model, train):
    model.freeze("adapters")
    train(model)
    model.freeze("shared")
    train(model)
    return model


def shared_still_moves(model, train):
    model.freeze("adapters")
    train(model)
    model.unfreeze("adapters")
    train(model)
    return model


def one_phase(model, train):
    model.freeze("adapters")
    train(model)
    model.unfreeze("adapters")
    return model


def left_frozen(model, train):
    model.freeze("adapters")
    train(model)
    model.unfreeze("adapters")
    model.freeze("shared")
    train(model)
    return model


def left_asleep(model, train):
    model.freeze("adapters")
    model.deactivate(*model.adapter_names)
    train(model)
    model.unfreeze("adapters")
    model.freeze("shared")
    train(model)
    model.unfreeze("shared")
    return model


def asleep_in_phase_one(model, train):
    model.freeze("adapters")
    model.deactivate(*model.adapter_names)
    train(model)
    model.activate(*model.adapter_names)
    model.unfreeze("adapters")
    model.freeze("shared")
    train(model)
    model.unfreeze("shared", "adapters")
    return model


def by_requires_grad(model, train):
    for phase in ("shared", "adapters"):
        model.shared.requires_grad_(phase == "shared")
        for p in model.adapters.parameters():
            p.requires_grad_(phase == "adapters")
        train(model)
    for p in model.parameters():
        p.requires_grad_(True)
    return model


def by_hand_with(unpack):
    """The right loop with a slip in how it takes a batch apart."""

    def loop(model, loader, criterion, optimizer):
        losses = []
        for batch in loader:
            x, y, task, asked = unpack(*batch)
            optimizer.zero_grad()
            logits = model(x) if asked is None else model(x, asked)
            loss = criterion(logits, y, task, model)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return np.mean(losses)

    return loop


def one_adapter(model, train):
    """Freezes the first adapter alone."""
    model.freeze(model.adapter_names[0])
    train(model)
    model.unfreeze("adapters")
    model.freeze("shared")
    train(model)
    model.unfreeze("shared")
    return model


WRONG = {
    "04-1": {
        "the package": rt.train_epoch,
        "no task": by_hand_with(lambda x, y, task: (x, y, task, None)),
        "labels for tasks": by_hand_with(lambda x, task, y: (x, y, task, task)),
        "no zero_grad": then(no_zero_grad),
        "no penalty": then(no_penalty),
        "one task for the loss": then(no_task_in_loss),
        "return inside the loop": then(first_batch_only),
        "no step": then(no_step),
        "the sum": summed,
        "not the function": 0.7,
        "a live tensor": live,
        "one step": then(one_step_only),
        "one step at the end": then(last_step_only),
        "uphill": then(uphill),
        "plain cross-entropy": then(plain_cross_entropy),
        "by size": by_size,
        "after the step": after_the_step,
        "the first batch": one_of(0),
        "the last batch": one_of(-1),
        "a list": one_of(None),
    },
    "04-2": {
        "order reversed": order_reversed,
        "nothing frozen": nothing_frozen,
        "never unfrozen": never_unfrozen,
        "shared still moves": shared_still_moves,
        "one phase": one_phase,
        "no training": lambda model, train: model,
        "left frozen": left_frozen,
        "left asleep": left_asleep,
        "bias frozen in phase 2": bias_frozen_in(2),
        "bias frozen in phase 1": bias_frozen_in(1),
        "bias frozen": bias_frozen_in(1, 2),
        "all in phase 1": first_phase_all,
        "shared never": frozen_twice("shared"),
        "adapters never": frozen_twice("adapters"),
        "another thing returned": another_model,
        "one adapter": one_adapter,
    },
    "04-4": {
        "sign": lambda s, a, lam, lam_s: lam_s * s + lam * a.sum(0),
        "downhill": lambda s, a, lam, lam_s: lam * a.sum(0) - lam_s * s,
        "swapped": lambda s, a, lam, lam_s: lam * s - lam_s * a.sum(0),
        "adapters only": lambda s, a, lam, lam_s: -lam * a.sum(0),
        "shared only": lambda s, a, lam, lam_s: lam_s * s,
        "mean": lambda s, a, lam, lam_s: lam_s * s - lam * a.mean(0),
        "a penalty a task": lambda s, a, lam, lam_s: len(a) * lam_s * s - lam * a.sum(0),
        "without its factor": lambda s, a, lam, lam_s: s - lam * a.sum(0),
        "each adapter": lambda s, a, lam, lam_s: lam_s * s - lam * a,
        "no lambda": lambda s, a, lam, lam_s: s - a.sum(0),
    },
    "04-5": {
        "lower": COINCIDE | {"a": "lower"},
        "a same": COINCIDE | {"a": "same"},
        "b higher": COINCIDE | {"b": "higher"},
        "c same": COINCIDE | {"c": "same"},
        "d higher": COINCIDE | {"d": "higher"},
        "e higher": COINCIDE | {"e": "higher"},
        "one missing": {k: v for k, v in COINCIDE.items() if k != "e"},
        "a list": list(COINCIDE.values()),
    },
    "04-3": {
        "frozen is off": STATES | {"active, frozen": "neither"},
        "frozen learns": STATES | {"active, frozen": "both"},
        "asleep learns": STATES | {"inactive, trainable": "learns"},
        "asleep counts": STATES | {"inactive, trainable": "counts"},
        "off counts": STATES | {"inactive, frozen": "counts"},
        "normal": STATES | {"active, trainable": "learns"},
    },
    "04-6": {
        "std": lambda e: e.std(0).max(),
        "numpy's std": lambda e: np.asarray(e).std(0).max(),
        "mean": lambda e: (e.amax(0) - e.amin(0)).mean(),
        "all from the first": lambda e: (e - e[0]).abs().max(),
        "first pair": lambda e: (e[0] - e[1]).abs().max(),
        "first and last": lambda e: (e[-1] - e[0]).abs().max(),
        "one after the other": lambda e: (e[1:] - e[:-1]).abs().max(),
        "no abs": lambda e: (e[1:] - e[0]).max(),
        "all entries": lambda e: e.max() - e.min(),
        "from the mean": lambda e: (e - e.mean(0)).abs().max(),
        "every entry": lambda e: e.amax(0) - e.amin(0),
        "a length": lambda e: (e.amax(0) - e.amin(0)).norm(),
        "over tasks": lambda e: (e.amax(1) - e.amin(1)).max(),
        "largest over tasks": lambda e: (e.amax(0) - e.amin(0)).max(0).values,
        "summed": lambda e: (e.amax(0) - e.amin(0)).sum(),
        "least": lambda e: (e.amax(0) - e.amin(0)).min(),
    },
    "04-8": {
        "adapters first": trainer(adapters_first),
        "always joint": trainer(always_joint),
        "one round": trainer(one_round),
        "shared goes on": trainer(shared_goes_on),
        "bias frozen": trainer(bias=False),
        "left frozen": trainer(left=("adapters",)),
        "live": trainer(note=lambda loss: loss),
        "sums": trainer(share="sum"),
        "all epochs in each turn": trainer(share="all"),
        "the last batch": trainer(share=-1),
        "the first batch": trainer(share=0),
        "one optimiser": trainer(fresh=False),
        "SGD": trainer(kind=torch.optim.SGD),
        "nothing": lambda schedule, model, loader, criterion, epochs, rounds, lr: [0.0] * epochs,
    },
    "04-7": slips("rwrwwr"),
}

RIGHT = {
    "04-1": {"by hand": by_hand, "a closure, a tensor": closure},
    "04-2": {"asleep in phase one": asleep_in_phase_one, "requires_grad": by_requires_grad},
    "04-4": {
        "torch": lambda s, a, lam, lam_s: lam_s * s - lam * a.sum(dim=0),
        "numpy": lambda s, a, lam, lam_s: lam_s * s - lam * a.sum(axis=0),
        "numpy's own": lambda s, a, lam, lam_s: (
            lam_s * np.asarray(s) - lam * np.sum(np.asarray(a), axis=0)
        ),
        "a loop": lambda s, a, lam, lam_s: lam_s * s - sum(lam * k for k in a),
    },
    "04-5": {"capitals": {k: v.upper() for k, v in COINCIDE.items()}},
    "04-3": {"another order": dict(reversed(STATES.items()))},
    "04-6": {
        "numpy": lambda e: np.ptp(np.asarray(e), axis=0).max(),
        "torch": lambda e: (e.max(dim=0).values - e.min(dim=0).values).max(),
        "all pairs": lambda e: max((a - b).abs().max() for a in e for b in e),
        "plain Python": lambda e: max(
            max(v) - min(v)
            for v in zip(*(torch.as_tensor(w).flatten().tolist() for w in e), strict=True)
        ),
    },
    "04-8": {"requires_grad": by_requires_grad_too, "by hand": trainer()},
    "04-7": spellings("rwrwwr"),
}
