"""Exercises of lesson 04: schedules of training."""

import numpy as np
import torch

from ragteach.losses import MultiTaskLoss
from ragteach.model import RAG
from ragteach.teach.checks import (
    call,
    exercise,
    expect,
    expect_choice,
    expect_close,
    expect_equal,
    finished,
)
from ragteach.teach.exercises import answers_04 as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 04-1


def _tried(one_epoch, seed):
    """(all weights, what was returned) after one epoch of three small batches."""
    generator = torch.Generator().manual_seed(seed)
    loader = []
    for n_docs in (5, 7, 4):
        x = torch.randn(n_docs, 6, generator=generator)
        y = torch.randint(3, (n_docs,), generator=generator)
        loader.append((x, y, torch.arange(n_docs) % 2))
    model = RAG(6, 3, 2, tasks=["films", "cars"], seed=seed, scale=1.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    answer = one_epoch(model, loader, MultiTaskLoss(lam=0.5, lam_shared=0.2), optimizer)
    return (
        np.concatenate([p.detach().numpy().ravel() for p in model.parameters()]),
        answer,
        loader,
        model,
    )


@exercise(
    "04-1",
    title="The training loop",
    difficulty="medium",
    minutes=10,
    trains="writing a training loop yourself, in five lines",
    hints=[
        "Five steps for each batch: forget the old gradient, compute J, find its gradient, step, note J.",
        "Each document must be read by its own task: model(x, task). The loss needs y, task and, for the "
        "penalty, model.",
        "optimizer.zero_grad(); loss = criterion(model(x, task), y, task, model); loss.backward(); "
        "optimizer.step()",
    ],
    reference=answers.one_epoch,
    reason="Zero, loss, backward, step: it is rt.train_epoch, word for word.",
)
def one_epoch(yours):
    """One pass over the batches; returns the mean J."""
    expect(
        callable(yours),
        f"Hand over the function itself, without brackets; this is a {type(yours).__name__}.",
    )
    for seed in (1, 2):
        right, mean, *_ = _tried(answers.one_epoch, seed)
        mine, said, *_ = _tried(lambda *args: call(lambda: yours(*args)), seed)
        expect_close(
            mine,
            right,
            wrong=[(lambda f=loop, s=seed: _tried(f, s)[0], said) for loop, said in answers.LOOPS],
            what="The weights after one epoch",
        )
        expect_close(
            said if not isinstance(said, torch.Tensor) else said.detach(),
            mean,
            wrong=[
                (
                    3 * mean,
                    "You return the sum over batches; divide by their number to get the mean J.",
                )
            ],
            what="The returned mean J",
        )


# ------------------------------------------------------------------ 04-2


def _trainable(model):
    shared = model.shared.requires_grad
    adapters = {p.requires_grad for p in model.adapters.parameters()}
    return (
        "shared" * shared
        + "+" * (shared and adapters == {True})
        + "adapters" * (adapters == {True})
    )


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
    reason="First W_s moves and the adapters stand still, then the other way round; in the end nothing "
    "stays frozen.",
)
def two_phase(yours):
    """train(model) is called once per phase; the states at each call are compared."""
    expect(
        callable(yours),
        f"Hand over the function itself, without brackets; this is a {type(yours).__name__}.",
    )
    for tasks in (["films", "cars"], ["a", "b", "c"]):
        model = RAG(5, 3, len(tasks), tasks=tasks)
        seen, awake = [], []

        def train(m, seen=seen, awake=awake):
            seen.append(_trainable(m))
            awake.append(all(m.active.values()))
            return m

        call(lambda m=model, t=train: yours(m, t) or ...)
        expect_equal(
            seen,
            ["shared", "adapters"],
            wrong=answers.PHASES,
            what="What may move in each phase",
        )
        expect(
            awake[1],
            "In phase 2 the adapters are asleep (inactive): they take no part in W_t and learn nothing.",
        )
        expect(
            _trainable(model) == "shared+adapters",
            "Your function leaves a part frozen. The next one who trains this model will wonder why: "
            "unfreeze it.",
        )


# ------------------------------------------------------------------ 04-3


@exercise(
    "04-3",
    title="Active and trainable",
    difficulty="easy",
    minutes=5,
    trains="keeping apart what takes part and what may change",
    hints=[
        "Active decides whether the adapter is added to W_t. Trainable decides whether the optimiser may "
        "change it.",
        "Can a gradient reach an adapter that takes no part in J?",
    ],
    reference=answers.STATES,
    reason="Active: takes part. Trainable: may change. A part that is asleep gets no gradient, so it "
    "cannot learn either.",
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
            "learns": "No gradient reaches it: J does not depend on an adapter that takes no part. So it "
            "cannot learn.",
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
        "Write dJ/dA_t for one adapter per task. At the end of phase 2 it is zero: what is dCE_t/dW_t then?",
        "dCE_t/dW_t = -lam A_t. Now write dJ/dW_s: it is the sum of all dCE_t/dW_t, plus one term.",
        "dJ/dW_s = lam_shared W_s - lam sum_t A_t.",
    ],
    reference=answers.pull_on_shared,
    reason="Phase 2 ends where dCE_t/dW_t = -lam A_t. Sum over the tasks and add the penalty's own gradient. "
    "It is zero exactly where law 3, balance, holds.",
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
        given = (shared, adapters, lam, lam_shared)
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
        "Only if the adapters vanish, cost nothing beside a free W_s, or W_s gets its turn again, nothing "
        "is left to gain.",
    ],
    reference=answers.COINCIDE,
    reason="J of two phases is never lower. It is the same where the adapters vanish (b), where no weight "
    "costs "
    "anything (d), or where the phases go on for ever (e).",
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
    title="Which destinations remember the start?",
    difficulty="medium",
    minutes=10,
    trains="an experiment over seeds, and reading it",
    hints=[
        "For each kind, collect destination(kind, seed) for seeds 0 to 2 in a list, and stack it.",
        "ends = torch.stack([...]) has the seeds on axis 0: (ends.amax(0) - ends.amin(0)).max() is the "
        "spread.",
        "Do it for the three kinds and put the numbers, as floats, into a dict.",
    ],
    reference={"joint": 0.0, "asleep": 0.0, "awake": 3.0},
    reason="With penalties, joint training forgets its start, and so does phase 1 with sleeping adapters. "
    "Adapters that are awake leave their random numbers in W_s, and phase 2 cannot take them out again.",
)
def remember(yours):
    """A dict: the largest spread of W_t over the seeds, per kind."""
    expect(
        isinstance(yours, dict),
        'Answer with a dict such as {"joint": 0.1, "asleep": 0.1, "awake": 0.1}.',
    )
    finished(yours, "Some numbers are not there yet.")
    expect(
        set(yours) == {"joint", "asleep", "awake"},
        "Give a number for each of joint, asleep and awake.",
    )
    spread = {kind: float(value) for kind, value in yours.items()}
    expect(
        max(spread.values()) > 0.05,
        "Nothing differs anywhere. Did every run get the same seed, or did you compare a run with itself?",
    )
    expect(
        spread["joint"] < 0.1,
        "The joint runs differ: did you train to the end, with both penalties? "
        "Compare the ends over the seeds, not the entries of one W_t.",
    )
    expect(
        spread["asleep"] < 0.1,
        "With sleeping adapters phase 1 never sees their random numbers. Is asleep swapped with awake?",
    )
    expect(
        0.3 < spread["awake"] < 30,
        "The spread of awake should be of the size of a weight: a largest difference.",
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
            "Law 7 says the other way round: the J of two phases is never lower than the joint one.",
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
