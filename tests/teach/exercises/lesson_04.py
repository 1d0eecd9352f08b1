"""Answers to try on the exercises of lesson 04."""

import torch
from drafts import slips, spellings

import ragteach as rt
from ragteach.teach.exercises.answers_04 import (
    COINCIDE,
    STATES,
    first_batch_only,
    no_penalty,
    no_step,
    no_task_in_loss,
    no_zero_grad,
)


def then(loop, value=1.0):
    """The same loop, returning something, as a learner's would."""

    def one_epoch(model, loader, criterion, optimizer):
        loop(model, loader, criterion, optimizer)
        return value

    return one_epoch


def summed(model, loader, criterion, optimizer):
    return len(loader) * rt.train_epoch(model, loader, criterion, optimizer)


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

        losses.append(optimizer.step(loss_of))
    return torch.stack(losses).mean()


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


WRONG = {
    "04-1": {
        "no zero_grad": then(no_zero_grad),
        "no penalty": then(no_penalty),
        "one task for the loss": then(no_task_in_loss),
        "return inside the loop": then(first_batch_only),
        "no step": then(no_step),
        "the sum": summed,
        "not the function": 0.7,
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
    },
    "04-4": {
        "sign": lambda s, a, lam, lam_s: lam_s * s + lam * a.sum(0),
        "downhill": lambda s, a, lam, lam_s: lam * a.sum(0) - lam_s * s,
        "swapped": lambda s, a, lam, lam_s: lam * s - lam_s * a.sum(0),
        "adapters only": lambda s, a, lam, lam_s: -lam * a.sum(0),
        "shared only": lambda s, a, lam, lam_s: lam_s * s,
        "mean": lambda s, a, lam, lam_s: lam_s * s - lam * a.mean(0),
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
        "one seed": {"joint": 0.0, "asleep": 0.0, "awake": 0.0},
        "entries of one W_t": {"joint": 5.2, "asleep": 4.0, "awake": 6.0},
        "swapped": {"joint": 0.0, "asleep": 2.0, "awake": 0.0},
        "summed over entries": {"joint": 0.001, "asleep": 0.001, "awake": 1800.0},
        "two kinds": {"joint": 0.0, "awake": 2.0},
    },
    "04-7": slips("rwrwwr"),
}

RIGHT = {
    "04-1": {"train_epoch": rt.train_epoch, "by hand": by_hand, "a closure, a tensor": closure},
    "04-2": {"asleep in phase one": asleep_in_phase_one, "requires_grad": by_requires_grad},
    "04-4": {
        "torch": lambda s, a, lam, lam_s: lam_s * torch.tensor(s) - lam * torch.tensor(a).sum(0),
        "a loop": lambda s, a, lam, lam_s: lam_s * s - sum(lam * k for k in a),
    },
    "04-5": {"capitals": {k: v.upper() for k, v in COINCIDE.items()}},
    "04-3": {"another order": dict(reversed(STATES.items()))},
    "04-6": {
        "tensors": {
            "joint": torch.tensor(2e-4),
            "asleep": torch.tensor(1e-4),
            "awake": torch.tensor(1.5),
        },
        "exact": {"joint": 0, "asleep": 0, "awake": 2},
    },
    "04-7": spellings("rwrwwr"),
}
