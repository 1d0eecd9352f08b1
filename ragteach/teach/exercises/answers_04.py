"""Lesson 04: the reference answers, and the typical mistakes that the checks recognise.

A mistake is a pair (what it gives, what to tell the learner); what costs time to compute is a
function.
"""


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
    one_epoch(model, loader[:1], criterion, optimizer)


def no_step(model, loader, criterion, optimizer):
    pass


LOOPS = [
    (
        no_zero_grad,
        "Gradients pile up: backward() adds to what is there. Call optimizer.zero_grad() for every batch.",
    ),
    (
        no_penalty,
        "The penalties are missing: the loss knows the weights only if you pass it the model.",
    ),
    (
        no_task_in_loss,
        "The loss took all documents for one task: pass task to the criterion, or J is not a sum over tasks.",
    ),
    (first_batch_only, "Only the first batch was used. Is return inside the loop?"),
    (
        no_step,
        "No weight has moved: optimizer.step() is missing, or comes before backward() and has no gradient.",
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
        ["adapters", "shared"],
        "The order is turned round: the article trains the shared weights first.",
    ),
    (
        ["shared+adapters"] * 2,
        "Nothing is frozen: both phases train everything. That is joint training.",
    ),
    (["shared", ""], "In phase 2 nothing may move: the adapters are still frozen. Unfreeze them."),
    (
        ["shared", "shared+adapters"],
        "In phase 2 the shared weights still move. Freeze them before the second call.",
    ),
    (["shared"], "There is only one phase. Call train(model) a second time, for the adapters."),
    ([], "train(model) is never called: freezing alone trains nothing."),
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
    ]


COINCIDE = {"a": "higher", "b": "same", "c": "higher", "d": "same", "e": "same"}
NEVER_LOWER = (
    "Lower cannot be: joint training may choose any W_s and A, also those that two phases end with."
)
WHY_COINCIDE = {
    "a": "In a, phase 2 ends out of balance: W_s is still pulled. Joint training follows that pull.",
    "b": "In b, lambda makes every adapter vanish. What is left to disagree about?",
    "c": "In c, equal tasks do not make the adapters useless: two parts of size 1 cost less than one of "
    "size 2, since J counts squares. Phase 1 cannot know this.",
    "d": "In d, nothing costs anything: whatever W_s is, A_t = W_t - W_s repairs it for free.",
    "e": "In e, the phases alternate for ever. J is convex and smooth, so they stop only where both "
    "gradients vanish.",
}

STATES = {
    "active, trainable": "both",
    "active, frozen": "counts",
    "inactive, trainable": "neither",
    "inactive, frozen": "neither",
}
