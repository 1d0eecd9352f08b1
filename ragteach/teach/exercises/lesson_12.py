"""Exercises of lesson 12: saving, merging, serving, tracking."""

import copy
import json

import numpy as np
import torch

from ragteach.model import RAG
from ragteach.teach.checks import (
    Wrong,
    as_array,
    call,
    exercise,
    expect,
    expect_close,
    expect_equal,
    finished,
)
from ragteach.teach.exercises import answers_12 as known
from ragteach.teach.exercises import own_file_12  # noqa: F401  registers 12-7
from ragteach.teach.handing import as_dict
from ragteach.teach.watching import by_hand
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 12-1


@exercise(
    "12-1",
    title="Read the header",
    difficulty="easy",
    minutes=8,
    trains="knowing what is in a file before you trust it",
    hints=[
        'The length: int.from_bytes(data[:8], "little").',
        "The header is the text from byte 8 to byte 8 + n. json.loads takes bytes or text.",
        'n = int.from_bytes(data[:8], "little"); return json.loads(data[8 : 8 + n])',
    ],
    reference=known.header,
    reason="Eight bytes of length, then JSON. Reading it needs no library and runs nothing from "
    "the file.",
)
def header(yours):
    """All bytes of a safetensors file -> its header, a dict."""
    for names in (["weight"], ["shared", "adapters.A1.full", "bias"]):
        want = {"__metadata__": {"made by": "a check"}}
        place = 0
        for i, name in enumerate(names):
            end = place + 280 * (i + 1)
            want[name] = {"dtype": "F32", "shape": [i + 1, 70], "data_offsets": [place, end]}
            place = end
        text = json.dumps(want).encode()
        numbers = b"}\x00]\x00"  # a brace may stand among the numbers, too
        data = len(text).to_bytes(8, "little") + text + (numbers * place)[:place]
        try:
            with by_hand(eval, exec, why="that runs what stands in the file"):
                mine = call(yours, data)
        except (json.JSONDecodeError, UnicodeDecodeError, OverflowError, MemoryError) as error:
            for wrong, message in known.HEADER_ERRORS:
                expect(not wrong(yours, data), message)
            raise Wrong(
                f"json.loads did not get exactly the header: {error}", diagnosed=False
            ) from None
        expect(not isinstance(mine, bytes) or mine != text, known.HEADER_TEXT)
        for kind, message in known.HEADER_KINDS.items():
            expect(not isinstance(mine, kind), message)
        expect(
            isinstance(mine, dict),
            f"Return the dict itself; this is a {type(mine).__name__} made of it.",
        )
        expect(set(mine) == set(want), known.HEADER_PART)
        expect_equal(mine, want, what="The header")
    long = (len(text) + 2**40).to_bytes(8, "little") + data[8:]
    expect(
        not _reads(yours, long, want),
        "You read some of the eight bytes of the length only: here is a file whose higher bytes "
        "are not 0, and yours did not notice.",
    )


def _reads(yours, data, want):
    """Does it find this header in these bytes?"""
    try:
        return call(yours, data) == want
    except Exception:  # refusing a length that cannot be is right
        return False


# ------------------------------------------------------------------ 12-2


def _merge_model(seed):
    """A model in which every part counts: uneven graph, an adapter asleep, biases that differ by
    task.
    """
    graph = [[0.5, 0.0, 1.0], [0.25, 2.0, 1.0]]
    model = RAG(5, 3, 3, tasks=["films", "cars"], graph=graph, seed=seed, scale=1.0)
    model.bias.data.copy_(torch.tensor([[0.3, -0.2, 0.7], [1.1, 0.4, -0.6]]))
    model.deactivate("A3")
    return model


@exercise(
    "12-2",
    title="Merge a task",
    difficulty="medium",
    minutes=10,
    trains="making one layer of many parts, without touching the parts",
    hints=[
        "Begin with a copy: weight = model.shared.clone(). Without it, += would change the model "
        "itself.",
        "Add model.graph[t, k] * model.adapters[name].weight for every active adapter. k counts "
        "all of them.",
        "with torch.no_grad(): linear.weight.copy_(weight); linear.bias.copy_(model.bias[t]). "
        "Return linear.",
    ],
    reference=known.merge,
    reason="W_t = W_s + sum_k G[t,k] A_k over the active adapters, copied into a layer of its own "
    "(law 8).",
)
def merge(yours):
    """(model, task) -> nn.Linear; weights, bias, and the model afterwards are compared."""
    for seed, task in ((0, "films"), (1, "cars")):
        model = _merge_model(seed)
        before = copy.deepcopy(model.state_dict())
        expect(callable(yours), "Hand over the function itself, without brackets.")
        with by_hand(RAG.merge):
            linear = yours(model, task)
        finished(linear, "Your function returns nothing yet. Does it end with return linear?")
        kept = all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        expect(
            kept,
            "Your function changes the model: += on model.shared works in place. Clone it first.",
        )
        expect(
            isinstance(linear, torch.nn.Linear),
            f"Return the nn.Linear, not a {type(linear).__name__}.",
        )
        again = yours(model, task)
        expect(
            torch.equal(linear.weight, again.weight),
            "The weight is still nn.Linear's own random one. Copy W_t into linear.weight.",
        )
        t = model.task_index(task)
        expect_close(
            linear.weight.detach(),
            known.merge(model, task).weight.detach(),
            wrong=[(value(model, t), message) for value, message in known.MERGE_WEIGHTS],
            what="The merged weight",
        )
        expect(linear.bias is not None, "The layer has no bias; the model's b_t must come along.")
        bias = model.bias.detach()
        expect(
            torch.equal(linear.bias, again.bias),
            "The bias is still nn.Linear's own random one. Copy model.bias[t] into it.",
        )
        expect_close(
            linear.bias.detach(),
            bias[t],
            wrong=[
                (torch.zeros(3), "The bias is zero; copy model.bias[t] into it."),
                (bias[1 - t], "This is the bias of the other task. Ask model.task_index(task)."),
                (
                    bias.sum(0),
                    "You sum the biases of all tasks; a task has its own: model.bias[t].",
                ),
                (
                    bias.mean(0),
                    "This is the mean bias of all tasks; a task has its own: model.bias[t].",
                ),
            ],
            what="The merged bias",
        )
        with torch.no_grad():
            linear.weight.zero_()
            linear.bias.zero_()
        kept = all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        expect(
            kept,
            "Your layer uses the model's own memory: who changes it changes the model. Use copy_.",
        )


# ------------------------------------------------------------------ 12-3


@exercise(
    "12-3",
    title="Merged = base + delta, and what is lost (a proof)",
    difficulty="hard",
    minutes=15,
    trains="saying what a merged layer knows and what it has forgotten",
    hints=[
        "For 2: move a matrix C from the adapters to W_s. What happens to W_t?",
        "For 3: sum W_t = W_s + A_t over all T tasks, and put in what balance says about sum_t "
        "A_t.",
        "sum_t W_t = T W_s + (lam_shared / lam) W_s. Solve for W_s.",
    ],
    reference=known.unmerge,
    reason="Sum W_t = W_s + A_t over the tasks and use balance, lam_shared W_s = lam sum_t A_t. It "
    "holds at the joint optimum only: training that stopped elsewhere has lost its W_s for good.",
)
def unmerge(yours):
    """weights (T, C, d) at the optimum -> W_s (C, d)."""
    rng = torch.Generator().manual_seed(12)
    for n_tasks, lam, lam_shared in ((4, 0.1, 0.7), (2, 0.5, 0.03)):
        adapters = torch.randn(n_tasks, 3, 5, generator=rng)
        shared = lam / lam_shared * adapters.sum(0)  # balance
        weights = shared + adapters
        expect_close(
            call(yours, weights, lam, lam_shared),
            shared,
            wrong=[
                (value(weights, lam, lam_shared), message)
                for value, message in known.UNMERGE_MISTAKES
            ],
            what="W_s",
        )


# ------------------------------------------------------------------ 12-4


@exercise(
    "12-4",
    title="How many bits does a weight need?",
    difficulty="medium",
    minutes=12,
    trains="an experiment on what a served model may lose without harm",
    hints=[
        'The rows of a task: rows = (test["task"] == task).tolist(). Its sentences: x[rows].',
        "Merge the task and predict with argmax(1). Put rounded(linear.weight, bits) into it; "
        "predict again.",
        "Count the rows whose prediction differs, over all tasks, and divide by len(test). Start "
        "from a fresh merge for each number of bits.",
    ],
    reference={16: 0.0, 8: 0.0, 4: 0.025, 2: 0.22},
    reason="A prediction changes only where two logits cross, and small steps seldom make them. "
    "The bound on a logit halves with every bit.",
)
def flips(yours):
    """A dict from bits to the share of changed predictions."""
    yours = as_dict(yours)
    expect(isinstance(yours, dict), "Answer with a dict such as {16: 0.1, 8: 0.2, 4: 0.3, 2: 0.4}.")
    finished(yours, "Some numbers are not there yet.")
    expect(set(yours) == {16, 8, 4, 2}, "Give a share for each of 16, 8, 4 and 2 bits.")
    share = {bits: float(np.squeeze(as_array(value))) for bits, value in yours.items()}
    expect(np.isfinite(list(share.values())).all(), "A share is missing: nan.")
    whole = all(value == int(value) for value in share.values())
    expect(
        max(share.values()) <= 1 or not whole,
        "These are counts. Divide by the number of test sentences to get shares.",
    )
    expect(max(share.values()) <= 1, "These are percentages. A share lies between 0 and 1.")
    expect(min(share.values()) >= 0, "A share is never below 0: count the predictions that change.")
    expect(
        max(share.values()) > 0, "Nothing changes, not even at 2 bits. Is the rounded weight used?"
    )
    expect(
        share[16] < 0.98,
        "At 16 bits nearly all change? These are the shares that stay the same. Count those that "
        "differ.",
    )
    expect(
        share[16] < 0.5,
        "Half or more at 16 bits: that is the accuracy. Compare two predictions with each other, "
        "not with the labels.",
    )
    expect(
        share[16] <= share[2], "Fewer bits should change more predictions. Are the numbers swapped?"
    )
    expect(
        share[16] < 0.01,
        "16 bits should change next to nothing: each weight moves by less than a ten-thousandth. "
        "Compare with the predictions before rounding, not with the labels; and merge afresh for "
        "each number of bits, so that no earlier rounding stays in the layer.",
    )
    found = known.flip_shares()
    off = _distance(share, found["right"])
    if off > 1e-4:  # not the numbers of this machine: a known mistake, or another machine's?
        expect(
            _distance(share, found["parts"]) > 1e-4,
            "You rounded W_s and the adapters, and added them then. Rounded is what is served: the "
            "merged W_t.",
        )
        for t in range(4):
            layer = {bits: values[t] for bits, values in found["one layer"].items()}
            expect(
                _distance(share, layer) > 1e-4,
                "One task's layer reads all sentences here. Take each one's own.",
            )
            task = {bits: values[t] for bits, values in found["one task"].items()}
            expect(
                _distance(share, task) > 1e-4,
                "These are the sentences of one task only. Use all four tasks.",
            )
    if off > known.FLIP_TOLERANCE:
        worst = max(share, key=lambda bits: abs(share[bits] - found["right"][bits]))
        raise Wrong(
            f"At {worst} bits the share is off. Round the merged W_t, and take each sentence by "
            "its own task."
        )


def _distance(share, other):
    return max(abs(share[bits] - other[bits]) for bits in share)


# ------------------------------------------------------------------ 12-5


@exercise(
    "12-5",
    title="A tracker of your own",
    difficulty="easy",
    minutes=8,
    trains="the one protocol by which training tells others what it does",
    hints=[
        'on_epoch is called once per epoch. Compare record["val_loss"] with the best so far.',
        "If it is lower (not equal), keep both: the epoch and its validation loss, in self.",
        'if record["val_loss"] < self.val_loss: self.epoch, self.val_loss = epoch, '
        'record["val_loss"]',
    ],
    reference=known.BestEpoch,
    reason="Early stopping with patience does the same inside fit. Now you could write any other "
    "tracker.",
)
def best_epoch(yours):
    """A class; it is given three runs and must name the best epoch of each."""
    expect(
        isinstance(yours, type),
        "Hand over the class itself: check(..., BestEpoch), without brackets.",
    )
    finished(
        known.followed(yours, known.RUNS[0])[0],
        "self.epoch is still None after an epoch: remember it in on_epoch. (A first loss is lower "
        "than infinity: compare with <.)",
    )
    mine = [known.followed(yours, run) for run in known.RUNS]
    finished(
        [epoch for epoch, _ in mine], "self.epoch is still None after an epoch in one of the runs."
    )
    said = as_array(mine)
    right = as_array([known.followed(known.BestEpoch, run) for run in known.RUNS])
    if np.allclose(said, right):
        return
    for update, message in known.TRACKER_MISTAKES:
        wrong = [known.followed(known.tracker(update), run) for run in known.RUNS]
        expect(not np.allclose(said, as_array(wrong)), message)
    (first, losses, _), got = next(
        (run, pair)
        for run, pair, best in zip(known.RUNS, said, right, strict=True)
        if not np.allclose(pair, best)
    )
    raise Wrong(
        f"Validation losses {losses}, epochs from {first} on: yours keeps epoch {got[0]:g} and "
        f"{got[1]:g}. Which epoch has the lowest, and does a new tracker start afresh?",
    )


# ------------------------------------------------------------------ 12-6


in_words(
    "12-6",
    title="The promise, the file, the matrices",
    difficulty="easy",
    minutes=12,
    trains="deploying honestly and safely, and saying so",
    hints=[
        "82 % is the best of 200 tries. Which sentences have chosen it, and which have not?",
        "What does opening a pickle do? What would you send?",
        "Five matrices in training: how many in use? (Law 8)",
    ],
    draft={
        "a": Sentence(
            "A safetensors file holds numbers and text, and loading it runs no code of its own.",
            True,
            "It is a header of text and a block of numbers, nothing else.",
        ),
        "b": Sentence(
            "A pickle is safe if only numbers were saved into it.",
            False,
            "Whoever opens it cannot see that beforehand: opening is what runs the code.",
        ),
        "c": Sentence(
            "Promise the number of the test sentences, and try settings until it is high enough.",
            False,
            "Test sentences that choose are no test any more. Look at them once.",
        ),
        "d": Sentence(
            "Unpickling executes code that stands in the file.",
            True,
            "A pickle is a program for a small machine, and opening it runs the program.",
        ),
        "e": Sentence(
            "82 % is the best of 200 tries on these sentences, so part of it is luck.",
            True,
            "The winner of many noisy scores is chosen for its luck as well.",
        ),
        "f": Sentence(
            "For one task five matrices take five times as long as one.",
            False,
            "Merged they are one matrix (law 8): no slower than a plain model.",
        ),
    },
    model="Please do not promise 82 %: it is the best of 200 tries on the validation sentences, "
    "so part of it is luck. Look at the test sentences once, with the chosen model, and promise "
    "that number. A pickle is a program that runs when the shop opens it; send a safetensors "
    "file, which holds only numbers and text, with vocabulary and labels. And merge the task "
    "first: W_s plus its adapters is one linear layer, so it costs no more than a plain model.",
    tempting="Validation sentences were not trained on, so 82 % is honest. A pickle is fine "
    "between people who know each other, and the model will need a faster machine.",
    flaw="The validation sentences chose, 200 times. A pickle runs code whoever sent it. And the "
    "matrices add up to one before they are used.",
    rubric=[
        "says why the best of many validation scores is too good",
        "promises a number from test sentences, looked at once",
        "says that a pickle runs code when opened, and names another format",
        "says that the merged task is one matrix, as fast as a plain model",
    ],
)
