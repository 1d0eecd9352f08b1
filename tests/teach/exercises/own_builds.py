"""Answers to try on the longer builds of lessons 07, 08, 09, 12 and 13."""

import json
import pickle

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from ragteach.teach.exercises import own_court_13, own_factors_08, own_newcomer_09
from ragteach.teach.exercises.answers_07 import augment
from ragteach.teach.exercises.answers_13 import judge as judge_13
from ragteach.teach.exercises.own_court_13 import Court
from ragteach.teach.exercises.own_factors_08 import Factors
from ragteach.teach.exercises.own_file_12 import ModelFile, pack, unpack
from ragteach.teach.exercises.own_judge_07 import TwiceWritten
from ragteach.teach.exercises.own_newcomer_09 import newcomer, variant


def changed(base, **methods):
    """The class with some methods of its own."""
    return type(base.__name__, (base,), methods)


# ------------------------------------------------------------------ 07-9


def fit_returning_the_model(self, x, task, y):
    return TwiceWritten.fit(self, x, task, y).model


def fit_for_all(self, x, task, y):
    C = 1 / (len(y) * self.lam_shared)
    wide = augment(x, task, self.n_tasks, self.s)
    self.model = LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(wide, y)
    return self


def init_upside_down(self, n_tasks, lam, lam_shared):
    TwiceWritten.__init__(self, n_tasks, lam, lam_shared)
    self.s = 1 / self.s


def chosen_by(judge):
    """A choose that judges in another way: what it minimises, from (model, fit, held out)."""

    def choose(cls, x, task, y, fold, n_tasks, ratios, lam_shared):
        totals = []
        for ratio in ratios:
            total = 0.0
            for held in np.unique(fold):
                parts = [(x[m], task[m], y[m]) for m in (fold != held, fold == held)]
                one = cls(n_tasks, ratio * lam_shared, lam_shared).fit(*parts[0])
                total += judge(one, *parts)
            totals.append(total)
        return ratios[int(np.argmin(totals))]

    return classmethod(choose)


def place_of_choice(cls, x, task, y, fold, n_tasks, ratios, lam_shared):
    return ratios.index(TwiceWritten.choose(x, task, y, fold, n_tasks, ratios, lam_shared))


def accuracy(self, x, task, y):
    wide = augment(x, task, self.n_tasks, self.s)
    return (self.model.predict(wide) == y).mean()


JUDGES = {
    "fit without self": changed(TwiceWritten, fit=fit_returning_the_model),
    "s upside down": changed(TwiceWritten, __init__=init_upside_down),
    "C of all sentences": changed(TwiceWritten, fit=fit_for_all),
    "A not scaled": changed(
        TwiceWritten, parts=lambda self: (lambda w, a: (w, a / self.s))(*TwiceWritten.parts(self))
    ),
    "A divided": changed(
        TwiceWritten,
        parts=lambda self: (lambda w, a: (w, a / self.s**2))(*TwiceWritten.parts(self)),
    ),
    "one part": changed(TwiceWritten, parts=lambda self: TwiceWritten.parts(self)[0]),
    "a sum": changed(TwiceWritten, loss=lambda s, x, t, y: len(y) * TwiceWritten.loss(s, x, t, y)),
    "the sign": changed(TwiceWritten, loss=lambda s, x, t, y: -TwiceWritten.loss(s, x, t, y)),
    "accuracy": changed(TwiceWritten, loss=accuracy),
    "the training loss": changed(
        TwiceWritten, choose=chosen_by(lambda one, fit, held: one.loss(*fit))
    ),
    "its place": changed(TwiceWritten, choose=classmethod(place_of_choice)),
    "an object": TwiceWritten(3, 1.0, 1.0),
}  # fmt: skip


def plain_loss(self, x, task, y):
    p = torch.tensor(self.model.predict_proba(augment(x, task, self.n_tasks, self.s)))
    return -p.log()[torch.arange(len(y)), torch.as_tensor(y)].mean()


# ------------------------------------------------------------------ 08-9


def start(**parts):
    """A start in which some parts are made otherwise: name = function of the right one."""

    def init(self, *size, seed=0):
        Factors.__init__(self, *size, seed=seed)
        for name, change in parts.items():
            setattr(self, name, change(getattr(self, name)))

    return changed(Factors, __init__=init)


def without_seed(self, *size, seed=0):
    Factors.__init__(self, *size, seed=0)


def moving_lens(self, x, task, y, lam, lr, steps, lens=False):
    return Factors.train(self, x, task, y, lam, lr, steps)


def fixed_lens(self, x, task, y, lam, lr, steps, lens=False):
    return Factors.train(self, x, task, y, lam, lr, steps, lens=True)


def summed_pulls(self, x, task, y):
    n = np.bincount(task)[:, None, None]
    return n * Factors.pulls(self, x, task, y)


LENSES = {
    "both zero": start(down=np.zeros_like),
    "up random": start(up=lambda up: up + 1.0),
    "one lens": start(down=lambda down: np.repeat(down[:1], 2, 0)),
    "two axes": start(shared=np.transpose),
    "no seed": changed(Factors, __init__=without_seed),
    "no W_s": changed(Factors, weights=lambda self: self.up @ self.down),
    "minus": changed(Factors, weights=lambda self: self.shared - self.up @ self.down),
    "sums": changed(Factors, pulls=summed_pulls),
    "the sign": changed(Factors, pulls=lambda s, x, t, y: -Factors.pulls(s, x, t, y)),
    "the lens moves": changed(Factors, train=moving_lens),
    "never without a lens": changed(Factors, train=fixed_lens),
    **{f"mistake {i}": cls for i, cls in enumerate(own_factors_08.MISTAKES.values())},
}


class InTorch(Factors):
    """The same with torch inside, gradients by autograd."""

    def pulls(self, x, task, y):
        W = torch.tensor(self.weights(), requires_grad=True)
        x, y = torch.tensor(x), torch.tensor(y)
        losses = [
            torch.nn.functional.cross_entropy(x[task == t] @ W[t].T, y[task == t])
            for t in range(len(W))
        ]
        return torch.autograd.grad(sum(losses), W)[0].numpy()


# ------------------------------------------------------------------ 09-8


def slip(**how):
    return lambda *given: variant(*given, **how)


NEWCOMERS = {
    **{message: slip(**how) for message, how in own_newcomer_09.SLIPS.items()},
    "a tuple": lambda *given: tuple(newcomer(*given).values()),
    "no error": lambda *given: {k: v for k, v in newcomer(*given).items() if k != "error"},
    "always shared": lambda x, y, w_s, lams, fold: {
        "way": "shared", "lam": None, "error": 0.0, "w": w_s,
    },
    "another word": lambda *given: newcomer(*given) | {"way": "fine-tuned"},
}  # fmt: skip


def in_torch(x, y, w_s, lams, fold):
    found = newcomer(*map(np.asarray, (x, y, w_s)), list(lams), np.asarray(fold))
    return found | {"way": found["way"].title(), "w": torch.as_tensor(found["w"])}


# ------------------------------------------------------------------ 12-7


def file(**methods):
    return changed(ModelFile, **{name: staticmethod(f) for name, f in methods.items()})


def rewritten(data, change):
    """The file with another header, or another body."""
    n = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + n]), data[8 + n :]
    header, body = change(header, body)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def with_header(change):
    return file(pack=lambda model: rewritten(pack(model), change))


def no_notes(header, body):
    return {k: v for k, v in header.items() if k != "__metadata__"}, body


def lists_in_notes(header, body):
    notes = {k: json.loads(v) for k, v in header["__metadata__"].items()}
    return header | {"__metadata__": notes}, body


def from_the_start(header, body):
    places = {k: v for k, v in header.items() if k != "__metadata__"}
    for entry in places.values():
        entry["data_offsets"] = [8 + place for place in entry["data_offsets"]]
    return header, body


def no_graph(header, body):
    last = header["graph"]["data_offsets"]
    zeros = bytes(last[1] - last[0])
    return header, body[: last[0]] + zeros + body[last[1] :]


def trusting(data):
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + n])
    end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
    return unpack(data[: 8 + n + end] + bytes(max(0, 8 + n + end - len(data))))


def forgetful(data):
    model = unpack(data)
    with torch.no_grad():
        model.bias.zero_()
    return model


def careless(data):
    model = unpack(data)
    with torch.no_grad():
        model.shared.neg_()
    return model


def big_end(model):
    data = pack(model)
    return data[:8][::-1] + data[8:]


FILES = {
    "pickle": file(pack=lambda model: pickle.dumps(model.state_dict(), protocol=4)),
    "text": file(pack=lambda model: json.dumps(model.task_names)),
    "large end": file(pack=big_end),
    "no notes": with_header(no_notes),
    "lists in the notes": with_header(lists_in_notes),
    "offsets from the start": with_header(from_the_start),
    "no graph": with_header(no_graph),
    "no biases": file(unpack=forgetful),
    "other weights": file(unpack=careless),
    "no look at the end": file(unpack=trusting),
    "a dict": file(unpack=lambda data: dict(unpack(data).state_dict())),
    "functions": (pack, unpack),
}


def numbers_first(model):
    """The same file with blanks after the header, as safetensors itself aligns it."""
    data = pack(model)
    n = int.from_bytes(data[:8], "little")
    room = -n % 8
    return (n + room).to_bytes(8, "little") + data[8 : 8 + n] + b" " * room + data[8 + n :]


# ------------------------------------------------------------------ 13-9


def court(**methods):
    return changed(Court, **methods)


def hear_without(*refusals):
    """A hear that takes what it should refuse."""

    def hear(self, condition, scores, baseline):
        scores, baseline = np.asarray(scores, float), np.asarray(baseline, float)
        if scores.shape != baseline.shape and "lengths" in refusals:
            scores = baseline[: len(scores)]
            baseline = scores
        elif not np.isfinite(scores - baseline).all() and "nan" in refusals:
            scores = baseline
        elif len(scores) < 3 and "few" in refusals:
            scores = baseline = np.ones(3)
        if "twice" in refusals:
            self.heard.pop(condition, None)
        return Court.hear(self, condition, scores, baseline)

    return hear


def share_of(judge):
    """A luck that counts in another way: judge(array (conditions, 3)) for every flip."""

    def luck(self, flips):
        found = [[self.interval(d * f) for d in self.heard.values()] for f in flips]
        return float(np.mean([judge(np.array(row)) for row in found]))

    return luck


def forgetful_luck(self, flips):
    share = Court.luck(self, flips)
    self.heard = {name: d * flips[-1] for name, d in self.heard.items()}
    return share


def said(self, **words):
    return words.get(Court.verdict(self).split()[0], Court.verdict(self))


COURTS = {
    "an object": Court(),
    "hear without self": court(hear=lambda *a: (Court.hear(*a), True)[1]),
    "unequal lengths": court(hear=hear_without("lengths")),
    "nan": court(hear=hear_without("nan")),
    "two seeds": court(hear=hear_without("few")),
    "heard twice": court(hear=hear_without("twice")),
    "a list of intervals": court(intervals=lambda self: [*Court.intervals(self).values()]),
    "low and high": court(
        intervals=lambda self: {k: v[1:] for k, v in Court.intervals(self).items()}
    ),
    "low first": court(
        intervals=lambda self: {k: (v[1], v[0], v[2]) for k, v in Court.intervals(self).items()}
    ),
    **{f"slip {i}": slip for i, slip in enumerate(own_court_13.SLIPS.values()) if i < 7},
    "no margin": court(hear=lambda s, c, a, b: Court.hear(s, c, a - s.margin, b)),
    "margin subtracted": court(hear=lambda s, c, a, b: Court.hear(s, c, a - 2 * s.margin, b)),
    "turned round": court(hear=lambda s, c, a, b: Court.hear(s, c, b, a)),
    "yes and no": court(verdict=lambda self: said(self, depends="yes")),
    "no evidence is against": court(verdict=lambda self: said(self, open="against")),
    "margin granted twice": court(
        verdict=lambda self: (
            "cannot be tested"
            if not self.heard
            else judge_13([tuple(x + self.margin for x in v) for v in self.intervals().values()])
        )
    ),
    "a number": court(luck=lambda self, flips: len(flips) * Court.luck(self, flips)),
    "for only": court(luck=share_of(lambda t: (t[:, 1] > 0).any())),
    "all conditions": court(luck=share_of(lambda t: ((t[:, 1] > 0) | (t[:, 2] < 0)).all())),
    "of conditions": court(luck=share_of(lambda t: ((t[:, 1] > 0) | (t[:, 2] < 0)).mean())),
    "not misled": court(luck=lambda self, flips: 1 - Court.luck(self, flips)),
    "flips for ever": court(luck=forgetful_luck),
}


class TorchCourt(Court):
    """Tensors out, words as they come."""

    def interval(self, d):
        return torch.tensor(Court.interval(self, d))

    def verdict(self):
        return Court.verdict(self).upper()


WRONG = {"07-9": JUDGES, "08-9": LENSES, "09-8": NEWCOMERS, "12-7": FILES, "13-9": COURTS}
RIGHT = {
    "07-9": {"torch": changed(TwiceWritten, loss=plain_loss)},
    "08-9": {"torch": InTorch},
    "09-8": {"torch": in_torch, "plain list": lambda *given: dict(newcomer(*given))},
    "12-7": {"aligned": file(pack=numbers_first)},
    "13-9": {"tensors": TorchCourt},
}
