"""Exercises of lesson 04: schedules of training."""

import itertools

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from ragteach.losses import MultiTaskLoss
from ragteach.model import RAG
from ragteach.teach.checks import (
    Unfinished,
    Wrong,
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    expect_equal,
    finished,
)
from ragteach.teach.exercises import answers_04 as answers
from ragteach.teach.watching import by_hand
from ragteach.teach.written import Sentence, in_words
from ragteach.trainer import train_epoch

# ------------------------------------------------------------------ 04-1


def _made(generator, n_features, sizes):
    """Batches of so many sentences each: (x, y, task)."""
    batches = []
    for n_docs in sizes:
        x = torch.randn(n_docs, n_features, generator=generator)
        y = torch.randint(3, (n_docs,), generator=generator)
        batches.append((x, y, torch.arange(n_docs) % 2))
    return batches


def _as_loader(batches):
    """The same batches in a DataLoader, as the lesson has them."""
    data = TensorDataset(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    ends = np.cumsum([len(y) for _, y, _ in batches])
    places = [[*range(end - len(y), end)] for end, (_, y, _) in zip(ends, batches, strict=True)]
    return DataLoader(data, batch_sampler=places)


def _tried(one_epoch, seed, handed=list):
    """(all weights, what was returned) after one epoch of three small batches."""
    loader = handed(_made(torch.Generator().manual_seed(seed), 6, (5, 7, 4)))
    model = RAG(6, 3, 2, tasks=["films", "cars"], seed=seed, scale=1.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    answer = one_epoch(model, loader, MultiTaskLoss(lam=0.5, lam_shared=0.2), optimizer)
    return (
        np.concatenate([p.detach().numpy().ravel() for p in model.parameters()]),
        answer,
        loader,
        model,
    )


def _equal(a, b):
    return isinstance(a, torch.Tensor) and torch.equal(a, b)


def _looped(yours, args):
    """What the learner's loop returns; the two slips that end in a strange error are named."""
    model, loader, *_ = args
    tasks = []  # what model was given as task, call by call

    def note(module, given, named):
        tasks.append(given[1] if len(given) > 1 else named.get("task"))

    hook = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        return call(lambda: yours(*args))
    except (Unfinished, Wrong, NotImplementedError):
        raise
    except Exception:
        expect(
            not tasks or tasks[-1] is not None,
            "model(x) does not say whose sentences these are. Each is read by its own task: "
            "model(x, task).",
        )
        expect(
            not tasks or not any(_equal(tasks[-1], y) for _, y, _ in loader),
            "The labels stand where the tasks belong: a batch is x, y, task, in this order.",
        )
        raise
    finally:
        hook.remove()


def _returning(place):
    """The right loop, which returns J of one batch."""

    def loop(model, loader, criterion, optimizer):
        losses = []
        for x, y, task in loader:
            optimizer.zero_grad()
            loss = criterion(model(x, task), y, task, model)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses[place]

    return loop


def _by_size(model, loader, criterion, optimizer):
    """The right loop; its mean is over sentences, not over batches."""
    losses = [answers.one_epoch(model, [batch], criterion, optimizer) for batch in loader]
    return np.average(losses, weights=[len(y) for _, y, _ in loader])


def _after_the_step(model, loader, criterion, optimizer):
    """The right loop, which notes J of the weights after each step."""
    losses = []
    for x, y, task in loader:
        answers.one_epoch(model, [(x, y, task)], criterion, optimizer)
        losses.append(criterion(model(x, task), y, task, model).item())
    return np.mean(losses)


@exercise(
    "04-1",
    title="The training loop",
    difficulty="medium",
    minutes=10,
    trains="writing a training loop yourself, in five lines",
    hints=[
        "Five steps for each batch: forget the old gradient, compute J, find its gradient, step, "
        "note J.",
        "Each document must be read by its own task: model(x, task). The loss needs y, task and, "
        "for the penalty, model.",
        "optimizer.zero_grad(); loss = criterion(model(x, task), y, task, model); loss.backward(); "
        "optimizer.step()",
    ],
    reference=answers.one_epoch,
    reason="Zero, loss, backward, step: it is rt.train_epoch, word for word.",
    rule="zero_grad, then the loss with task and model, backward, step; note loss.item().",
)
def one_epoch(yours):
    """One pass over the batches; returns the mean J."""
    expect(
        callable(yours),
        f"Hand over the function itself, without brackets; this is a {type(yours).__name__}.",
    )
    for seed in (1, 2):
        right, mean, *_ = _tried(answers.one_epoch, seed)
        with by_hand(train_epoch):
            mine, said, *_ = _tried(lambda *args: _looped(yours, args), seed, _as_loader)
        expect_close(
            mine,
            right,
            wrong=[(lambda f=loop, s=seed: _tried(f, s)[0], said) for loop, said in answers.LOOPS],
            what="The weights after one epoch",
        )
        expect(
            not (isinstance(said, torch.Tensor) and said.requires_grad),
            "You return a live tensor: it holds the graph of every batch in memory. A number is "
            "asked: note loss.item().",
        )
        expect(
            not isinstance(said, list | tuple),
            "You return a list, a number for each batch. Their mean is asked.",
        )
        expect_close(
            said,
            mean,
            wrong=[
                (
                    3 * mean,
                    "You return the sum over batches; divide by their number to get the mean J.",
                ),
                (
                    lambda s=seed: _tried(_returning(0), s)[1],
                    "You return J of the first batch. The mean of all batches is asked.",
                ),
                (
                    lambda s=seed: _tried(_by_size, s)[1],
                    "You weigh the batches by their sentences. Every batch counts once: sum / "
                    "len(loader).",
                ),
                (
                    lambda s=seed: _tried(_after_the_step, s)[1],
                    "You note J after the step. Note the J that the step was made from.",
                ),
                (
                    lambda s=seed: _tried(_returning(-1), s)[1],
                    "You return J of the last batch. The mean of all batches is asked.",
                ),
            ],
            what="The returned mean J",
        )


# ------------------------------------------------------------------ 04-2


def _something(returned):
    """What came back; nothing at all is an answer that is not finished."""
    return ... if returned is None else returned


SOME = (
    "Some adapters may move while others are frozen. They change roles together: "
    'freeze("adapters") and unfreeze("adapters") reach all of them.'
)


def _trainable(model, awake=False):
    """What may move, in words such as "shared+bias" or "some adapters+bias".

    With ``awake``, an adapter that is asleep cannot: no gradient reaches it.
    """
    moves = [p.requires_grad for p in model.adapters.parameters()]
    adapters = any(moves) and (any(model.active.values()) or not awake)
    parts = {
        "shared": model.shared.requires_grad,
        "adapters" if all(moves) else "some adapters": adapters,
        "bias": model.bias.requires_grad,
    }
    return "+".join(name for name, moves in parts.items() if moves)


@exercise(
    "04-2",
    title="Two phases",
    difficulty="medium",
    minutes=10,
    trains="freezing and unfreezing: what may move, and when",
    hints=[
        'Phase 1 trains W_s: freeze the rest first, with model.freeze("adapters").',
        'Between the phases swap roles: unfreeze("adapters") and freeze("shared").',
        "Call train(model) once in each phase, unfreeze everything at the end, and return model.",
    ],
    reference=answers.two_phase,
    reason="First W_s moves and the adapters stand still, then the other way round; in the end "
    "nothing stays frozen.",
)
def two_phase(yours):
    """train(model) is called once per phase; the states at each call are compared."""
    expect(
        callable(yours),
        f"Hand over the function itself, without brackets; this is a {type(yours).__name__}.",
    )
    for tasks in (["films", "cars"], ["a", "b", "c"]):
        model = RAG(5, 3, len(tasks), tasks=tasks)
        seen = []
        awake = []

        def train(m, seen=seen, awake=awake):
            seen.append(_trainable(m, awake=True))
            awake.append(all(m.active.values()))  # and nothing is returned, as in the lesson

        returned = call(lambda m=model, t=train: _something(yours(m, t)))
        expect(
            len(awake) < 2 or awake[1],
            "In phase 2 the adapters are asleep (inactive): they take no part in W_t and learn "
            "nothing.",
        )
        expect(not any("some" in moving for moving in seen), SOME)
        expect_equal(
            seen,
            ["shared+bias", "adapters+bias"],
            wrong=answers.PHASES,
            what="What may move in each phase",
        )
        expect(
            _trainable(model) == "shared+adapters+bias",
            "Your function leaves a part frozen. The next one who trains this model will wonder "
            "why: unfreeze it.",
        )
        expect(
            returned is model,
            f"Return the model that came in; you return a {type(returned).__name__}.",
        )


# ------------------------------------------------------------------ 04-3


@exercise(
    "04-3",
    title="Active and trainable",
    difficulty="easy",
    minutes=5,
    trains="keeping apart what takes part and what may change",
    hints=[
        "Active decides whether the adapter is added to W_t. Trainable decides whether the "
        "optimiser may change it.",
        "Can a gradient reach an adapter that takes no part in J?",
    ],
    reference=answers.STATES,
    reason="Active: takes part. Trainable: may change. A part that is asleep gets no gradient, so "
    "it cannot learn either.",
)
def states(yours):
    """A dict from state to "both", "counts", "learns" or "neither"."""
    expect(
        isinstance(yours, dict), 'Answer with a dict such as {"active, trainable": "both", ...}.'
    )
    finished(yours, "Some answers are not there yet.")
    expect(
        set(yours) == set(answers.STATES),
        f"Answer for each of the states: {'; '.join(answers.STATES)}.",
    )
    frozen = "Frozen means that its numbers stay. It is still active, so it is still added to W_t."
    asleep = "Inactive means that it is not added to W_t, so it cannot count."
    learn = "A frozen part cannot learn: freezing is what keeps training from changing it."
    expect_choice(
        yours["active, frozen"], "counts", {"neither": frozen, "both": learn, "learns": learn}
    )
    expect_choice(
        yours["inactive, trainable"],
        "neither",
        {
            "learns": (
                "No gradient reaches it: J does not depend on an adapter that takes no part. So it "
                "cannot learn."
            ),
            "both": asleep,
            "counts": asleep,
        },
    )
    off = "Inactive and frozen: it neither takes part nor changes. Nothing is left."
    expect_choice(
        yours["inactive, frozen"], "neither", dict.fromkeys(("counts", "learns", "both"), off)
    )
    normal = "Active and trainable is the normal state: it is in W_t, and training changes it."
    expect_choice(
        yours["active, trainable"], "both", dict.fromkeys(("counts", "learns", "neither"), normal)
    )


# ------------------------------------------------------------------ 04-4


@exercise(
    "04-4",
    title="Is there still a pull on W_s?",
    difficulty="hard",
    minutes=15,
    trains="reading the end of phase 2 off the gradients (law 7)",
    hints=[
        "Write dJ/dA_t for one adapter per task. At the end of phase 2 it is zero: what is "
        "dCE_t/dW_t then?",
        "dCE_t/dW_t = -lam A_t. Now write dJ/dW_s: it is the sum of all dCE_t/dW_t, plus one term.",
        "dJ/dW_s = lam_shared W_s - lam sum_t A_t.",
    ],
    reference=answers.pull_on_shared,
    reason="Phase 2 ends where dCE_t/dW_t = -lam A_t. Sum over the tasks and add the penalty's own "
    "gradient. It is zero exactly where law 3, balance, holds.",
    rule="dJ/dW_s = sum_t dCE_t/dW_t + lam_shared W_s, where phase 2 left dCE_t/dW_t = -lam A_t.",
)
def pull_on_shared(yours):
    """shared (C, d), adapters (K, C, d) at the end of phase 2 -> dJ/dW_s (C, d)."""
    rng = np.random.default_rng(4)
    for n_adapters, n_classes, n_features, lam, lam_shared in [
        (4, 3, 5, 0.1, 0.7),
        (2, 3, 6, 0.5, 0.03),
    ]:
        shared = rng.normal(size=(n_classes, n_features))
        adapters = rng.normal(size=(n_adapters, n_classes, n_features))
        given = (torch.tensor(shared), torch.tensor(adapters), lam, lam_shared)
        expect_close(
            call(yours, *given),
            answers.pull_on_shared(*given),
            wrong=answers.wrong_pulls(*given),
            what="dJ/dW_s",
        )


# ------------------------------------------------------------------ 04-5


@exercise(
    "04-5",
    title="Where do the destinations coincide?",
    difficulty="hard",
    minutes=10,
    trains="using laws 3, 5 and 7 without computing",
    hints=[
        "Law 7 rules out one of the three words at once.",
        "Ask each time: after phase 2, can W_s and the adapters still share the load more cheaply?",
        "Only if the adapters vanish, cost nothing beside a free W_s, or W_s gets its turn again, "
        "nothing is left to gain.",
    ],
    reference=answers.COINCIDE,
    reason="J of two phases is never lower. It is the same where the adapters vanish (b), where no "
    "weight costs anything (d), or where the phases go on for ever (e).",
)
def coincide(yours):
    """A dict from situation to "same", "higher" or "lower"."""
    expect(isinstance(yours, dict), 'Answer with a dict such as {"a": "higher", ...}.')
    finished(yours, "Some answers are not there yet.")
    expect(
        set(yours) == set(answers.COINCIDE),
        f"Answer for each of the situations {', '.join(answers.COINCIDE)}.",
    )
    for key, right in answers.COINCIDE.items():
        wrong = dict.fromkeys({"same", "higher"} - {right}, answers.WHY_COINCIDE[key])
        wrong["lower"] = answers.NEVER_LOWER
        expect_choice(yours[key], right, wrong)


# ------------------------------------------------------------------ 04-6


@exercise(
    "04-6",
    title="How far apart do the seeds end?",
    difficulty="easy",
    minutes=8,
    trains="reading an experiment: many weights as one number, over the right axis",
    hints=[
        "The seeds are axis 0. For each entry of W_t: the largest over the seeds, minus the "
        "smallest.",
        "ends.amax(0) - ends.amin(0) has the shape of W_t. Which of its entries is asked?",
        "(ends.amax(0) - ends.amin(0)).max()",
    ],
    reference=answers.spread,
    reason="The largest over seeds minus the smallest, entry by entry: no pair is further apart.",
    rule="the largest minus the smallest over the seeds (axis 0), then the largest entry.",
)
def spread(yours):
    """ends (n_seeds, n_tasks, n_classes, n_features) -> a number."""
    for seed, shape in ((1, (5, 4, 3, 5)), (2, (6, 2, 3, 6))):
        ends = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        # apart, and neither the first seed, nor the last, nor the mean, nor one after the other
        far = torch.tensor([2.0, 9.0, -6.0, -11.0])
        ends[:4, 0, 1, 2] = far
        ends[:2, 0, 0, 1] = torch.tensor([3.5, -4.0])  # here the first two are apart
        ends[:, 1, 2, 0] += 9.0  # large, and nearly the same for every seed
        expect_close(
            call(yours, ends),
            answers.spread(ends),
            wrong=answers.wrong_spreads(ends),
            what="The spread",
        )


# ------------------------------------------------------------------ 04-7


in_words(
    "04-7",
    title="Explain the contradiction",
    difficulty="easy",
    minutes=12,
    trains="saying what two phases are, what they cost, and when that matters",
    hints=[
        "The article says both 'shared is fixed' and 'shared is trained'. When is each of them "
        "true?",
        "Name what phase 2 can no longer do, and say what this does to J compared with joint "
        "training.",
        "End with what you measured: did the test sentences care?",
    ],
    draft={
        "a": Sentence(
            "Both statements are true, one after the other.",
            True,
            "In phase 1 the shared weights are trained, in phase 2 they are fixed.",
        ),
        "b": Sentence(
            "Two phases reach a lower J, since each part is trained by itself.",
            False,
            "Law 7 says the other way round: the J of two phases is never lower than the joint "
            "one.",
        ),
        "c": Sentence(
            "Joint training may choose everything at once, so its optimum of J is never higher.",
            True,
            "What two phases can reach, joint training can reach too: law 7.",
        ),
        "d": Sentence(
            "In the second phase the shared weights follow the adapters.",
            False,
            "In the second phase the shared weights are fixed. They cannot follow anything.",
        ),
        "e": Sentence(
            "A higher J means a lower accuracy on test sentences.",
            False,
            "J speaks of the training sentences and of the penalties. On the test sentences there "
            "was no clear difference.",
        ),
        "f": Sentence(
            "Alternating phases, repeated often enough, end where joint training ends.",
            True,
            "J is convex here, and turns by blocks come down to the same optimum.",
        ),
    },
    model="Both statements hold, one after the other. In the first phase the shared weights are "
    "trained on all tasks; in the second they are fixed, and each adapter learns what its task "
    "needs on top. The price: the shared weights cannot react to the adapters any more. So J "
    "never ends lower than with joint training, which may choose everything at once. On our test "
    "sentences the accuracy was about the same.",
    tempting="The article is careless: only one of the two can be true. Two phases are better "
    "anyway, since the parts do not disturb each other, so J and the accuracy improve.",
    flaw="Both are true, at different times. And not disturbing each other means that W_s cannot "
    "answer the adapters: J ends higher, or equal.",
    rubric=[
        "says that both statements hold, one in each phase, and in which order",
        "says that W_s cannot react to the adapters any more",
        "says that J is never lower than with joint training (and why: fewer choices)",
        "keeps J and test accuracy apart",
    ],
)


# ------------------------------------------------------------------ 04-8


SEEN = {
    "joint": ["shared+adapters+bias"],
    "two_phase": ["shared+bias", "adapters+bias"],
    "alternating": ["shared+bias", "adapters+bias"] * 2,
}


class _Watched(MultiTaskLoss):
    """J, and at every batch of a training a note of what may move."""

    def __init__(self):
        super().__init__(lam=0.1, lam_shared=0.1)
        self.notes = []

    def forward(self, logits, y, task=None, model=None):
        expect(
            task is not None and model is not None,
            "The criterion needs task and model: criterion(model(x, task), y, task, model).",
        )
        self.notes.append(_trainable(model))
        return super().forward(logits, y, task, model)


def _batches():
    return _made(torch.Generator().manual_seed(8), 5, (8, 6))


@exercise(
    "04-8",
    title="Your own trainer",
    difficulty="hard",
    minutes=30,
    trains="building a trainer from parts you understand, and knowing what it must keep still",
    hints=[
        "A schedule is a list of turns, and a turn is what may move. Write the three lists first.",
        "For each turn: freeze both parts, unfreeze those that move, make a new optimiser of what "
        "is trainable, and run epochs // len(turns) epochs.",
        'turns = {"joint": [("shared", "adapters")], "two_phase": [("shared",), ("adapters",)], '
        '"alternating": [("shared",), ("adapters",)] * rounds}[schedule]',
    ],
    reference=answers.train_by,
    reason="Three schedules are three lists of turns; the loop is the same.",
    rule="for each turn freeze, unfreeze what moves, a new optimiser, its share of the epochs.",
)
def train_by(yours):
    """What may move at each batch, what stayed bit-equal, J per epoch."""
    for schedule, turns in SEEN.items():
        loader = _as_loader(_batches())
        criterion = _Watched()
        model = RAG(5, 3, 2, tasks=["films", "cars"], seed=1)
        given = {"epochs": 20, "rounds": 2, "lr": 0.05}
        losses = call(
            lambda s=schedule, m=model, x=loader, c=criterion, g=given: yours(s, m, x, c, **g)
        )
        _judge_turns(schedule, turns, criterion.notes)
        expect(
            isinstance(losses, list | tuple | np.ndarray | torch.Tensor),
            "Return a list: the mean J of every epoch.",
        )
        expect(
            not any(isinstance(v, torch.Tensor) and v.requires_grad for v in losses),
            "The list holds live tensors, and with them the graph of every batch: note "
            "loss.item().",
        )
        expect(
            np.ndim(losses) == 1 and len(losses) == 20,
            f"{schedule}: numbers of shape {np.shape(losses)} came back for 20 epochs. One for "
            "each epoch, please; all turns together have `epochs` epochs.",
        )
        wanted = RAG(5, 3, 2, tasks=["films", "cars"], seed=1)
        right = answers.train_by(schedule, wanted, _batches(), _Watched(), **given)
        expect_close(
            [float(v) for v in losses],
            right,
            wrong=[
                (
                    2 * np.array(right),
                    "You return sums over the two batches; their mean is asked.",
                ),
                *[(_slipped(schedule, given, how), said) for said, how in TRAINER_SLIPS.items()],
            ],
            what=f"{schedule}: J per epoch",
        )
        expect(
            _trainable(model) == "shared+adapters+bias",
            f"{schedule}: a part is still frozen at the end. Unfreeze it.",
        )


TRAINER_SLIPS = {
    "This is J of the last batch of each epoch. The mean over its batches is asked.": {"note": -1},
    "This is J of the first batch of each epoch. The mean over its batches is asked.": {"note": 0},
    "One optimiser serves all turns, and its memory of one turn pushes the next. Make a new one "
    "for each turn.": {"fresh": False},
    "This is what torch.optim.SGD does. The exercise asks for torch.optim.Adam.": {
        "kind": torch.optim.SGD
    },
}


def _slipped(schedule, given, how):
    """What a trainer with a slip returns; computed where it is needed only."""
    model = RAG(5, 3, 2, tasks=["films", "cars"], seed=1)
    return lambda: answers.train_by_slips(schedule, model, _batches(), _Watched(), **given, **how)


def _judge_turns(schedule, turns, notes):
    """Compare what moved with the schedule, turn by turn."""
    expect(notes, f"{schedule}: the criterion was never called, so nothing was trained.")
    turns_found = [(state, len(list(part))) for state, part in itertools.groupby(notes)]
    found = [state for state, _ in turns_found]
    if not all("bias" in state for state in found):
        expect(False, f"{schedule}: the biases are frozen in a turn. They move always.")
    expect(not any("some" in state for state in found), f"{schedule}: {SOME}")
    alone = ["shared+bias", "adapters+bias"]
    said = {
        "joint": "joint: everything moves, from the first epoch to the last.",
        "two_phase": "two_phase: W_s in the first half, the adapters in the second, each alone.",
        "alternating": (
            "alternating: rounds = 2 are four turns, W_s and the adapters by turns, W_s first."
        ),
    }[schedule]
    if schedule != "joint" and found == ["shared+adapters+bias"]:
        said = f"{schedule}: nothing is frozen, so this is joint training."
    elif schedule == "alternating" and found == alone:
        said = "alternating: there is one round only; `rounds` of them are asked."
    elif schedule != "joint" and found[: len(turns)][::-1] == turns:
        said = f"{schedule}: the adapters come first. The shared weights do."
    expect(found == turns, said, " -> ".join(found), " -> ".join(turns))
    lengths = [n for _, n in turns_found]
    expect(
        len(set(lengths)) == 1,
        f"{schedule}: the turns are not equally long: {lengths} batches.",
    )
