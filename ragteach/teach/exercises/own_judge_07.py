"""Exercise 07-9: RAG inside scikit-learn, and its own judge of lambda; checked part by part."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
from sklearn.linear_model import LogisticRegression

from ragteach.teach.checks import Wrong, as_array, exercise, expect, expect_close, finished
from ragteach.teach.exercises.answers_07 import augment


class TwiceWritten:
    """The reference of 07-9."""

    def __init__(self, n_tasks, lam, lam_shared):
        self.n_tasks, self.lam, self.lam_shared = n_tasks, lam, lam_shared
        self.s = (lam_shared / lam) ** 0.5

    def fit(self, x, task, y):
        n = len(y) / self.n_tasks  # sentences per task
        self.model = LogisticRegression(C=1 / (n * self.lam_shared), tol=1e-8, max_iter=5000)
        self.model.fit(augment(x, task, self.n_tasks, self.s), y)
        return self

    def parts(self):
        blocks = self.model.coef_.reshape(len(self.model.coef_), 1 + self.n_tasks, -1)
        blocks = blocks.transpose(1, 0, 2)  # (1 + n_tasks, n_classes, d)
        return blocks[0], self.s * blocks[1:]

    def loss(self, x, task, y):
        p = self.model.predict_proba(augment(x, task, self.n_tasks, self.s))
        return -np.log(p[np.arange(len(y)), y]).mean()

    @classmethod
    def choose(cls, x, task, y, fold, n_tasks, ratios, lam_shared):
        totals = []
        for ratio in ratios:
            total = 0.0
            for held in np.unique(fold):
                fit = fold != held
                out = fold == held
                one = cls(n_tasks, ratio * lam_shared, lam_shared).fit(x[fit], task[fit], y[fit])
                total += one.loss(x[out], task[out], y[out])
            totals.append(total)
        return ratios[int(np.argmin(totals))]


def sentences(seed, n=24, n_tasks=3, d=5):
    """Small numbers in place of sentences: half of what decides is common to the tasks."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), n)
    x = rng.normal(size=(n_tasks * n, d))
    W = rng.normal(size=(1, 3, d)) + rng.normal(size=(n_tasks, 3, d))
    y = (np.einsum("nd,ncd->nc", x, W[task]) + rng.gumbel(size=(len(x), 3))).argmax(1)
    return x, task, y


LAM = 0.1
LAM_SHARED = 0.02
RATIOS = [0.03, 0.3, 3.0, 30.0, 300.0]


@exercise(
    "07-9",
    title="RAG in scikit-learn, with a judge of its own",
    difficulty="hard",
    minutes=30,
    trains="owning a multi-task learner that needs nothing from this course",
    hints=[
        "fit: s = (lam_shared / lam) ** 0.5, then LogisticRegression with C = 1 / (n lam_shared) "
        "on the wide table. n is the number of sentences per task: len(y) / n_tasks.",
        "parts: coef_ is (n_classes, (1 + n_tasks) d). Reshape it to (n_classes, 1 + n_tasks, d). "
        "Block 0 is W_s; block 1 + t, times s, is A_t.",
        "choose: for every ratio, for every fold: fit on fold != held, add the loss on "
        "fold == held. The ratio with the least sum wins.",
    ],
    reference=TwiceWritten,
    reason="Forty lines, and any table with a column for the task has a RAG, and a lambda.",
    rule="fit one model on the wide table, take its blocks apart, and judge on what was held out.",
)
def twice_written(yours):
    """The class, part by part: fit, parts, loss, choose."""
    expect(isinstance(yours, type), "Hand over the class itself, without brackets.")
    x, task, y = sentences(0)
    right = TwiceWritten(3, LAM, LAM_SHARED).fit(x, task, y)
    mine = yours(3, LAM, LAM_SHARED)
    fitted = mine.fit(x.copy(), task.copy(), y.copy())
    finished(fitted, "fit returns nothing yet. It ends with return self.")
    expect(fitted is mine, "fit returns self, so that fit and loss can stand in one line.")
    _parts(mine, right)
    _loss(mine, right)
    _choose(yours)


def _parts(mine, right):
    found = mine.parts()
    finished(found, "parts returns nothing yet.")
    expect(isinstance(found, tuple | list) and len(found) == 2, "parts returns two: (W_s, A).")
    W_s, A = right.parts()
    s = right.s
    for name, value, truth in (("W_s", found[0], W_s), ("A", found[1], A)):
        others = (
            []
            if name == "W_s"
            else [
                (A / s, "The weights on block t are A_t / s: multiply them by s to get A_t."),
                (A / s**2, "You divided by s. The weights on block t are A_t / s: multiply."),
            ]
        )
        for message, other in _other_fits():
            others.append((other[name == "A"], message))
        expect_close(value, truth, wrong=others, what=name, rtol=1e-2, atol=2e-3)


SLIPS = {  # what is said, and (s, C) from n, lam, lam_shared
    "s is upside down: s = sqrt(lam_shared / lam).": lambda n, lam, lam_s: (
        (lam / lam_s) ** 0.5,
        1 / (n * lam_s),
    ),
    "s lacks its root: s = sqrt(lam_shared / lam). The penalty is of squares.": lambda n, lam, lam_s: (
        lam_s / lam,
        1 / (n * lam_s),
    ),
    "C counts all sentences. n is those of one task: len(y) / n_tasks.": lambda n, lam, lam_s: (
        (lam_s / lam) ** 0.5,
        1 / (3 * n * lam_s),
    ),
    "C belongs to the shared block: C = 1 / (n lam_shared), not 1 / (n lam).": lambda n, lam, lam_s: (
        (lam_s / lam) ** 0.5,
        1 / (n * lam),
    ),
    "C is upside down: C = 1 / (n lam_shared). A large C is a weak penalty.": lambda n, lam, lam_s: (
        (lam_s / lam) ** 0.5,
        n * lam_s,
    ),
    "C lacks n: scikit-learn sums the losses, J takes their mean. C = 1 / (n lam_shared), with n "
    "the sentences of one task.": lambda n, lam, lam_s: ((lam_s / lam) ** 0.5, 1 / lam_s),
    "C is the price itself: C = 1 / (n lam_shared). A large C is a weak penalty.": lambda n, lam, lam_s: (
        (lam_s / lam) ** 0.5,
        lam_s,
    ),
}


@functools.cache
def _other_fits() -> list[tuple[str, tuple]]:
    """The parts of models that are fitted to the same numbers with a slip in the settings."""
    x, task, y = sentences(0)
    found = []
    for message, settings in SLIPS.items():
        one = TwiceWritten(3, LAM, LAM_SHARED)
        one.s, strength = settings(len(y) / 3, LAM, LAM_SHARED)
        one.model = LogisticRegression(C=strength, tol=1e-8, max_iter=5000)
        one.model.fit(augment(x, task, 3, one.s), y)
        found.append((message, one.parts()))
    return found


def _loss(mine, right):
    x, task, y = sentences(1)
    p = right.model.predict_proba(augment(x, task, 3, right.s))
    picked = p[np.arange(len(y)), y]
    expect_close(
        mine.loss(x, task, y),
        right.loss(x, task, y),
        wrong=[
            (
                -np.log(picked).sum(),
                "That is the sum. The mean makes folds of any size comparable.",
            ),
            (np.log(picked).mean(), "The sign: a loss is minus the log probability."),
            (
                (p.argmax(1) == y).mean(),
                "That is the accuracy. The loss is -log p of the right class.",
            ),
            (
                (p.argmax(1) != y).mean(),
                "That is the share of errors. The loss is -log p of the right class.",
            ),
            (1 - picked.mean(), "That is 1 - p. The loss is -log p of the right class."),
            (-np.log(p).mean(), "Take log p of the right class only, not of all classes."),
        ],
        what="The loss",
        rtol=1e-2,
    )


# ------------------------------------------------------------------ choose


def _choose(yours):
    x, task, y = _to_choose_on()
    fold = np.arange(len(y)) % 4
    with _watched(yours, x, fold) as models:
        said = yours.choose(x, task, y, fold, 3, list(RATIOS), LAM_SHARED)
    finished(said, "choose returns nothing yet.")
    said = as_array(said)
    expect(said.ndim == 0, "choose returns one ratio, a number: not a list, not one for each fold.")
    if problem := _slip_of(models):
        raise Wrong(problem)
    right, slips = _choices()
    if np.allclose(said, right):
        return
    if np.allclose(said, RATIOS.index(right)):
        raise Wrong("choose returns the place in the list. Return the ratio that stands there.")
    if np.allclose(said, right * LAM_SHARED):
        raise Wrong("choose returns lam. Return the ratio that it came from.")
    for message, ratio in slips.items():
        expect(not np.allclose(said, ratio), message)
    raise Wrong(
        f"choose says {said.item():g}; over the four folds another ratio has the smaller mean loss.",
        diagnosed=False,
    )


def _to_choose_on():
    """Numbers on which every slip below chooses another ratio than the folds do. So it fails where
    nobody can watch the models as well, as in a class's sandbox.
    """
    return sentences(15, n=20)


@contextmanager
def _watched(yours: type, x: np.ndarray, fold: np.ndarray) -> Iterator[list[dict]]:
    """While it lasts, every model that the class makes leaves a note of what it is given:
    its settings, the folds it is fitted on, and the folds it is judged on.
    """
    models: dict[int, dict] = {}
    kept = []  # so that no two models share an id
    init = yours.__init__
    fit = yours.fit
    loss = yours.loss

    def folds(rows: object) -> frozenset:
        first = np.atleast_2d(as_array(rows))[:, 0]
        return frozenset(fold[np.isclose(x[:, :1], first).any(axis=1)].tolist())

    def first_of(given: tuple, named: dict) -> object:
        return given[0] if given else next(iter(named.values()))

    def watched_init(self, *given, **named):
        settings = [*given, *named.values()]
        models[id(self)] = {"settings": settings, "fit": frozenset(), "judged": []}
        kept.append(self)
        init(self, *given, **named)

    def watched_fit(self, *given, **named):
        if id(self) in models:
            models[id(self)]["fit"] = folds(first_of(given, named))
        return fit(self, *given, **named)

    def watched_loss(self, *given, **named):
        if id(self) in models:
            note = models[id(self)]
            note["judged"].append((note["fit"], folds(first_of(given, named))))
        return loss(self, *given, **named)

    with ExitStack() as stack:
        for name, method in (
            ("__init__", watched_init),
            ("fit", watched_fit),
            ("loss", watched_loss),
        ):
            stack.enter_context(mock.patch.object(yours, name, method))
        found: list[dict] = []
        yield found
    found.extend(models.values())


def _slip_of(models: list[dict]) -> str:
    """What the notes of the models show to be wrong; empty if nothing."""
    settings = [[float(v) for v in note["settings"]] for note in models]
    settings = [row for row in settings if len(row) == 3]
    lams = [row[1] for row in settings]
    prices = [row[2] for row in settings]
    if lams and not np.allclose(prices, LAM_SHARED):
        return (
            "lam_shared stays as it is given, for every ratio: only lam = ratio * lam_shared moves."
        )
    for wanted, problem in (
        (LAM_SHARED / np.array(RATIOS), "lam = lam_shared / ratio is upside down"),
        (np.array(RATIOS), "lam is set to the ratio itself"),
        (np.array([LAM_SHARED]), "lam stays at lam_shared, whatever the ratio"),
    ):
        if lams and all(np.isclose(lam, wanted).any() for lam in lams):
            return f"{problem}. The ratio is lam / lam_shared, so lam = ratio * lam_shared."
    pairs = [pair for note in models for pair in note["judged"]]
    if not pairs:
        return ""
    everyone = frozenset(range(4))
    if all(fit == everyone for fit, _ in pairs):
        return "Every model is fitted on all sentences: nothing is held out. Fit on fold != held."
    if all(len(fit) == 1 and out == everyone - fit for fit, out in pairs):
        return (
            "The fold is turned round: you fit on fold == held and judge on the rest. Fit on "
            "fold != held, judge on fold == held."
        )
    if all(fit == out for fit, out in pairs):
        return (
            "choose looks at the TRAINING loss, which is always least for the loosest ratio. Judge "
            "on fold == held."
        )
    if all(out == everyone for _, out in pairs):
        return (
            "The models are judged on all sentences, most of them fitted on. Judge on fold == held."
        )
    held = {out for fit, out in pairs if not fit & out}
    if len(held) < 4 and all(len(out) == 1 for out in held):
        return (
            f"Only {len(held)} of the 4 folds is ever held out. For every ratio, hold out each "
            "fold once, and add the losses."
        )
    return ""


@functools.cache
def _choices():
    """The right ratio, and {what to say: the ratio that this slip chooses}."""
    x, task, y = _to_choose_on()
    fold = np.arange(len(y)) % 4
    held = []
    seen = []
    turned = []
    for ratio in RATIOS:
        out_losses = []
        in_losses = []
        turned_losses = []
        for k in range(4):
            fit = fold != k
            out = fold == k
            one = TwiceWritten(3, ratio * LAM_SHARED, LAM_SHARED).fit(x[fit], task[fit], y[fit])
            out_losses.append(one.loss(x[out], task[out], y[out]))
            in_losses.append(one.loss(x[fit], task[fit], y[fit]))
            few = TwiceWritten(3, ratio * LAM_SHARED, LAM_SHARED).fit(x[out], task[out], y[out])
            turned_losses.append(few.loss(x[fit], task[fit], y[fit]))
        held.append(np.mean(out_losses))
        seen.append(np.mean(in_losses))
        turned.append(np.mean(turned_losses))
    slips = {
        "choose took the ratio with the largest held-out loss. A loss is good when it is small.": (
            np.argmax(held)
        ),
        "choose took the ratio with the least TRAINING loss: that is always the loosest. Judge on "
        "fold == held.": np.argmin(seen),
        "choose took a ratio that too few sentences were fitted with, or that was judged on one "
        "fold, or on fitted ones as well. Fit on fold != held, judge on fold == held, for each fold.": np.argmin(
            turned
        ),
    }
    return RATIOS[int(np.argmin(held))], {told: RATIOS[int(i)] for told, i in slips.items()}
