"""Exercise 07-9: RAG inside scikit-learn, and its own judge of lambda; checked part by part."""

from __future__ import annotations

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
                fit, out = fold != held, fold == held
                one = cls(n_tasks, ratio * lam_shared, lam_shared).fit(x[fit], task[fit], y[fit])
                total += one.loss(x[out], task[out], y[out])
            totals.append(total)
        return ratios[int(np.argmin(totals))]


def sentences(seed, n=24, n_tasks=3, d=5):
    """Small numbers in place of sentences: half of what decides is common to the tasks."""
    rng = np.random.default_rng(seed)
    task, x = np.repeat(np.arange(n_tasks), n), rng.normal(size=(n_tasks * n, d))
    W = rng.normal(size=(1, 3, d)) + rng.normal(size=(n_tasks, 3, d))
    y = (np.einsum("nd,ncd->nc", x, W[task]) + rng.gumbel(size=(len(x), 3))).argmax(1)
    return x, task, y


LAM, LAM_SHARED = 0.06, 0.02
RATIOS = [0.02, 2.0, 200.0]


@exercise(
    "07-9",
    title="RAG in scikit-learn, with a judge of its own",
    difficulty="hard",
    minutes=30,
    trains="owning a multi-task learner that needs nothing from this course",
    hints=[
        "fit: s = (lam_shared / lam) ** 0.5, then LogisticRegression with C = 1 / (n lam_shared) on the "
        "wide table. n is the number of sentences per task: len(y) / n_tasks.",
        "parts: coef_ is (n_classes, (1 + n_tasks) d). Reshape it to (n_classes, 1 + n_tasks, d). Block 0 is "
        "W_s; block 1 + t, times s, is A_t.",
        "choose: for every ratio, for every fold: fit on fold != held, add the loss on fold == held. The "
        "ratio with the least sum wins.",
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
            others.append((other.parts()[name == "A"], message))
        expect_close(value, truth, wrong=others, what=name, rtol=1e-2, atol=2e-3)


def _other_fits():
    """Models that are fitted to the same numbers with a slip in the settings."""
    x, task, y = sentences(0)
    turned = TwiceWritten(3, LAM, LAM_SHARED)
    turned.s = 1 / turned.s
    yield "s is upside down: s = sqrt(lam_shared / lam).", turned.fit(x, task, y)
    everyone = TwiceWritten(3, 3 * LAM, 3 * LAM_SHARED)
    yield (
        "C counts all sentences. n is those of one task: len(y) / n_tasks.",
        everyone.fit(x, task, y),
    )
    strength = TwiceWritten(3, LAM, LAM_SHARED)
    strength.lam_shared = LAM
    yield (
        "C belongs to the shared block: C = 1 / (n lam_shared), not 1 / (n lam).",
        strength.fit(x, task, y),
    )


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


def _choose(yours):
    x, task, y = sentences(4, n=16)
    fold = np.arange(len(y)) % 4
    said = as_array(yours.choose(x, task, y, fold, 3, list(RATIOS), LAM_SHARED))
    finished(said, "choose returns nothing yet.")
    truth, training, turned, index = _choices(x, task, y, fold)
    if np.isclose(said, truth):
        return
    if np.isclose(said, index):
        raise Wrong("choose returns the place in the list. Return the ratio that stands there.")
    if np.isclose(said, training):
        raise Wrong(
            "choose took the ratio with the least TRAINING loss: that is always the loosest. Judge on "
            "fold == held."
        )
    if np.isclose(said, turned):
        raise Wrong(
            "choose took the ratio with the largest held-out loss. A loss is good when small."
        )
    raise Wrong(
        f"choose says {said:g}; over the four folds another ratio has the smaller mean loss.",
        diagnosed=False,
    )


def _choices(x, task, y, fold):
    """The right ratio, that of the training loss, that of the largest held-out loss, and its place."""
    held, seen = [], []
    for ratio in RATIOS:
        out_losses, in_losses = [], []
        for k in range(4):
            fit, out = fold != k, fold == k
            one = TwiceWritten(3, ratio * LAM_SHARED, LAM_SHARED).fit(x[fit], task[fit], y[fit])
            out_losses.append(one.loss(x[out], task[out], y[out]))
            in_losses.append(one.loss(x[fit], task[fit], y[fit]))
        held.append(np.mean(out_losses))
        seen.append(np.mean(in_losses))
    best = int(np.argmin(held))
    return RATIOS[best], RATIOS[int(np.argmin(seen))], RATIOS[int(np.argmax(held))], best
