"""Lesson 04: the reference answers, and the typical mistakes that the checks recognise.

A mistake is a pair (what it gives, what to tell the learner); what costs time to compute is a
function.
"""

import torch


def one_epoch(model, loader, criterion, optimizer):
    losses = []
    for x, y, task in loader:
        optimizer.zero_grad()
        loss = criterion(model(x, task), y, task, model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def no_zero_grad(model, loader, criterion, optimizer):
    for x, y, task in loader:
        criterion(model(x, task), y, task, model).backward()
        optimizer.step()


def no_penalty(model, loader, criterion, optimizer):
    for x, y, task in loader:
        optimizer.zero_grad()
        criterion(model(x, task), y, task).backward()
        optimizer.step()


def no_task_in_loss(model, loader, criterion, optimizer):
    for x, y, task in loader:
        optimizer.zero_grad()
        criterion(model(x, task), y, model=model).backward()
        optimizer.step()


def first_batch_only(model, loader, criterion, optimizer):
    one_epoch(model, [next(iter(loader))], criterion, optimizer)


def one_step_only(model, loader, criterion, optimizer):
    optimizer.zero_grad()
    for x, y, task in loader:
        criterion(model(x, task), y, task, model).backward()
    optimizer.step()


def last_step_only(model, loader, criterion, optimizer):
    for x, y, task in loader:
        optimizer.zero_grad()
        criterion(model(x, task), y, task, model).backward()
    optimizer.step()


def uphill(model, loader, criterion, optimizer):
    for x, y, task in loader:
        optimizer.zero_grad()
        (-criterion(model(x, task), y, task, model)).backward()
        optimizer.step()


def plain_cross_entropy(model, loader, criterion, optimizer):
    for x, y, task in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x, task), y).backward()
        optimizer.step()


def no_step(model, loader, criterion, optimizer):
    pass


LOOPS = [
    (
        no_zero_grad,
        "Gradients pile up: backward() adds to what is there. Call optimizer.zero_grad() for "
        "every batch.",
    ),
    (
        no_penalty,
        "The penalties are missing: the loss knows the weights only if you pass it the model.",
    ),
    (
        no_task_in_loss,
        "The loss took all documents for one task: pass task to the criterion, or J is not a "
        "sum over tasks.",
    ),
    (
        one_step_only,
        "There is one step for the whole epoch. zero_grad, backward and step stand "
        "inside the loop.",
    ),
    (
        last_step_only,
        "There is one step, after the last batch. step stands inside the loop, as zero_grad and "
        "backward do.",
    ),
    (uphill, "The steps go uphill: backward() is of the loss, not of minus the loss."),
    (
        plain_cross_entropy,
        "This is torch's cross-entropy over all sentences. J is what the criterion says: "
        "criterion(logits, y, task, model).",
    ),
    (first_batch_only, "Only the first batch was used. Is return inside the loop?"),
    (
        no_step,
        "No weight has moved: optimizer.step() is missing, or comes before backward() and has "
        "no gradient.",
    ),
]


def two_phase(model, train):
    model.freeze("adapters")
    train(model)
    model.unfreeze("adapters")
    model.freeze("shared")
    train(model)
    model.unfreeze("shared")
    return model


# What may move at each call of train(model).
PHASES = [
    (
        ["adapters+bias", "shared+bias"],
        "The order is turned round: the article trains the shared weights first.",
    ),
    (
        ["shared+adapters+bias"] * 2,
        "Nothing is frozen: both phases train everything. That is joint training.",
    ),
    (
        ["shared+bias", "bias"],
        "In phase 2 nothing but the biases may move: the adapters are still frozen. Unfreeze them.",
    ),
    (
        ["shared+bias", "shared+adapters+bias"],
        "In phase 2 the shared weights still move. Freeze them before the second call.",
    ),
    (
        ["shared+adapters+bias", "adapters+bias"],
        "In phase 1 the adapters move as well. Freeze them before the first call.",
    ),
    (
        ["shared+bias"],
        "There is only one phase. Call train(model) a second time, for the adapters.",
    ),
    (
        ["adapters+bias"] * 2,
        "W_s never learns: it is frozen in both phases. In phase 1 it is the adapters that "
        "stand still.",
    ),
    (
        ["shared+bias"] * 2,
        "The adapters never learn: in phase 2 unfreeze them, and freeze the shared weights.",
    ),
    ([], "train(model) is never called: freezing alone trains nothing."),
    (["shared", "adapters"], "The biases are frozen. They are small and learn in every phase."),
    (["shared+bias", "adapters"], "The biases are frozen in phase 2. They learn in every phase."),
    (["shared", "adapters+bias"], "The biases are frozen in phase 1. They learn in every phase."),
    (
        ["shared+bias", "adapters+bias", "shared+bias"],
        "There are more than two phases: what goes on is alternating training.",
    ),
]


def pull_on_shared(shared, adapters, lam, lam_shared):
    return lam_shared * shared - lam * adapters.sum(0)


def wrong_pulls(shared, adapters, lam, lam_shared):
    total = adapters.sum(0)
    return [
        (
            lam_shared * shared + lam * total,
            "A sign: at the end of phase 2, dCE_t/dW_t = MINUS lam A_t.",
        ),
        (
            lam * total - lam_shared * shared,
            "The whole gradient has the wrong sign; this is the step downhill.",
        ),
        (
            lam * shared - lam_shared * total,
            "The two penalties are swapped: lam belongs to the adapters.",
        ),
        (-lam * total, "The penalty on W_s has a gradient too: lam_shared W_s."),
        (lam_shared * shared, "The data pull on W_s as well: sum the dCE_t/dW_t of all tasks."),
        (
            lam_shared * shared - lam * total / len(adapters),
            "You took the mean over tasks. J sums over tasks, so the pulls add up.",
        ),
        (
            lam_shared * shared - lam * adapters,
            "One matrix for each adapter: W_s feels all of them, so add them up over axis 0.",
        ),
        (
            len(adapters) * lam_shared * shared - lam * total,
            "The penalty on W_s stands in J once, not once for each task.",
        ),
        (
            shared - lam * total,
            "The gradient of lam_shared/2 ||W_s||^2 is lam_shared W_s: its factor is missing.",
        ),
        (
            shared - total,
            "Each part has its own penalty: lam_shared before W_s, lam before the sum.",
        ),
    ]


def spread(ends):
    return float((ends.amax(0) - ends.amin(0)).max())


def wrong_spreads(ends):
    widths = ends.amax(0) - ends.amin(0)  # (n_tasks, n_classes, n_features)
    return [
        (widths.amax(0), "You kept the largest over the tasks only. Over all axes: one number."),
        (widths, "One number for each entry is right so far. Keep the largest of them."),
        (
            widths.mean(),
            "This is the mean over entries. One entry that differs is enough: take the largest.",
        ),
        (widths.sum(), "You added the entries up. Keep the largest of them."),
        (
            ends.max() - ends.min(),
            "The largest and the smallest of ALL entries belong to different weights. Compare "
            "seeds, entry by entry, first.",
        ),
        (ends.var(0).max(), "A variance over seeds. Asked is the largest minus the smallest."),
        (
            (ends.abs().amax(0) - ends.abs().amin(0)).max(),
            "You took absolute values first: -4 and 4 are 8 apart, not 0.",
        ),
        (widths.norm(), "This is a length, of all entries together. Keep the largest entry."),
        (
            ends.std(0).max(),
            "This is a standard deviation over seeds. Asked is the difference of largest "
            "and smallest.",
        ),
        (
            ends.std(0, correction=0).max(),
            "This is a standard deviation over seeds (that of numpy). Asked is the difference of "
            "largest and smallest.",
        ),
        (
            (ends - ends[0]).abs().max(),
            "You compared every seed with the first. Two others may be further apart.",
        ),
        (
            (ends[0] - ends[1]).abs().max(),
            "You compared the first two seeds only. Another pair may be further apart.",
        ),
        (
            (ends[1:] - ends[:-1]).abs().max(),
            "You compared each seed with the next one only. Others may be further apart.",
        ),
        (
            (ends[-1] - ends[0]).abs().max(),
            "You compared the first seed with the last only. Another pair may be further apart.",
        ),
        (
            ends.max() - ends.min(),
            "This compares entries with other entries. Compare the same entry over the "
            "seeds: axis 0.",
        ),
        (
            (ends[1:] - ends[0]).max(),
            "You compared with the first seed, and a difference below 0 counts as well.",
        ),
        (
            (ends - ends.mean(0)).abs().max(),
            "This is the distance from the mean of the seeds, not between two of them.",
        ),
        (
            (ends.amax(1) - ends.amin(1)).max(),
            "The largest and smallest run over the tasks here. The seeds are axis 0.",
        ),
        (widths.min(), "This is the entry that differs least. Keep the largest."),
    ]


def train_by_slips(
    schedule,
    model,
    loader,
    criterion,
    epochs,
    rounds,
    lr,
    kind=torch.optim.Adam,
    fresh=True,
    note=None,
):
    """train_by with another optimiser, one optimiser for all turns, or another number noted."""
    moves = [("shared", "adapters")] if schedule == "joint" else [("shared",), ("adapters",)]
    turns = moves * (rounds if schedule == "alternating" else 1)
    losses = []
    optimizer = None
    for moving in turns:
        model.freeze("shared", "adapters")
        model.unfreeze(*moving)
        if fresh or optimizer is None:
            optimizer = kind([p for p in model.parameters() if p.requires_grad or not fresh], lr=lr)
        for _ in range(epochs // len(turns)):
            found = [one_epoch(model, [batch], criterion, optimizer) for batch in loader]
            losses.append(found[note] if note is not None else sum(found) / len(found))
    model.unfreeze("shared", "adapters")
    return losses


def train_by(schedule, model, loader, criterion, epochs=60, rounds=3, lr=0.05):
    turns = {
        "joint": [("shared", "adapters")],
        "two_phase": [("shared",), ("adapters",)],
        "alternating": [("shared",), ("adapters",)] * rounds,
    }[schedule]
    losses = []
    for moving in turns:
        model.freeze("shared", "adapters")
        model.unfreeze(*moving)
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trainable, lr=lr)  # no memory of another turn
        for _ in range(epochs // len(turns)):
            losses.append(one_epoch(model, loader, criterion, optimizer))
    model.unfreeze("shared", "adapters")
    return losses


COINCIDE = {"a": "higher", "b": "same", "c": "higher", "d": "same", "e": "same"}
NEVER_LOWER = (
    "Lower cannot be: joint training may choose any W_s and A, also those that two phases end with."
)
WHY_COINCIDE = {
    "a": "In a, phase 2 ends out of balance: W_s is still pulled. Joint training "
    "follows that pull.",
    "b": "In b, lambda makes every adapter vanish. What is left to disagree about?",
    "c": "In c, equal tasks do not make the adapters useless: two parts of size 1 cost less than "
    "one of size 2, since J counts squares. Phase 1 cannot know this.",
    "d": "In d, nothing costs anything: whatever W_s is, A_t = W_t - W_s repairs it for free.",
    "e": "In e, the phases alternate for ever. J is convex and smooth, so they stop only where "
    "both gradients vanish.",
}

STATES = {
    "active, trainable": "both",
    "active, frozen": "counts",
    "inactive, trainable": "neither",
    "inactive, frozen": "neither",
}
