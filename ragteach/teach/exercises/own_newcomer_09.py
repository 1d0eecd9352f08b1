"""Exercise 09-8: a newcomer that chooses between shared, adapter and scratch; in small worlds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ragteach.teach.checks import as_array, call, exercise, expect, expect_close, finished
from ragteach.teach.exercises.answers_09 import ridge_towards


def newcomer(x, y, w_s, lams, fold):
    """The reference of 09-8."""
    zero = np.zeros_like(w_s)
    ways = {("shared", None): None}
    ways |= {("adapter", lam): w_s for lam in lams} | {("scratch", lam): zero for lam in lams}
    errors = {}
    for (way, lam), start in ways.items():
        residuals = []
        for held in np.unique(fold):
            fit = fold != held
            out = fold == held
            w = w_s if way == "shared" else ridge_towards(x[fit], y[fit], start, lam)
            residuals.append(x[out] @ w - y[out])
        errors[way, lam] = np.square(np.concatenate(residuals)).mean()
    way, lam = min(errors, key=errors.get)
    w = w_s if way == "shared" else ridge_towards(x, y, ways[way, lam], lam)
    return {"way": way, "lam": lam, "error": errors[way, lam], "w": w}


WAYS = ("shared", "adapter", "scratch")
LAMS = [0.03, 0.3, 3.0]


def world(way):
    """(x, y, w_s, lams, fold) in which that way is the best; the folds are not equally large."""
    rng = np.random.default_rng({"shared": 4, "adapter": 1, "scratch": 2}[way])
    n = {"shared": 9, "adapter": 22, "scratch": 26}[way]
    d = 6
    w_s = rng.normal(size=d) * 2
    own = {"shared": w_s, "adapter": w_s + 0.9 * rng.normal(size=d), "scratch": -w_s}[way]
    x = rng.normal(size=(n, d))
    y = x @ own + (1.5 if way == "shared" else 0.5) * rng.normal(size=n)
    fold = np.array([1, 2, 3, 6])[np.minimum(np.arange(n) % 5, 3)]  # any numbers: no range(4)
    return x, y, w_s, list(LAMS), fold


@exercise(
    "09-8",
    title="Your own newcomer",
    difficulty="hard",
    minutes=25,
    trains="letting a new task decide how much of the old ones it wants",
    hints=[
        'List the ways: one "shared", and an "adapter" and a "scratch" for each lam. A way has a '
        "start: w_s "
        "for the adapter, zeros for scratch.",
        "For every way and every fold: solve on fold != held, keep the residuals of fold == held. "
        "The error is the mean square of ALL residuals: each sentence counts once.",
        "min(errors, key=errors.get) names the way. Then solve once more, on all sentences: that w "
        "is what you return.",
    ],
    reference=newcomer,
    reason="With few sentences and a good W_s it takes what is there; with a bad one it starts "
    "anew. Nobody told it which.",
    rule="held-out sentences judge every way alike; the winner is fitted on all of them.",
)
def newcomer_of_ones_own(yours):
    """x (n, d), y (n,), w_s (d,), lams, fold (n,) -> {"way", "lam", "error", "w"}, in three worlds."""
    for way in WAYS:
        given = world(way)
        found = call(yours, *given)
        expect(isinstance(found, Mapping), 'Return a dict with "way", "lam", "error" and "w".')
        finished(dict(found), "Some entries are not there yet.")
        missing = (
            {"way", "lam", "error", "w"} - set(found) - ({"lam"} if way == "shared" else set())
        )
        expect(not missing, f"The dict lacks {', '.join(sorted(missing))}.")
        _judged(found, newcomer(*given), _slips(*given))


def _judged(found, right, slips):
    said = str(found["way"]).strip().lower()
    expect(said in WAYS, f"The way is one of {', '.join(WAYS)}; yours is {found['way']!r}.")
    mine = _key(found)
    for message, slip in slips.items():
        if mine == _key(slip) and mine != _key(right):
            expect(False, message)
    expect(
        said == right["way"],
        f"You chose {said!r}; in this world another way has a smaller held-out error.",
    )
    none = found.get("lam")
    expect(
        right["lam"] is not None or none is None or none != none,
        f'"shared" has no penalty, so its lam is None; yours is {none!r}.',
    )
    same_lam = right["lam"] is None or np.isclose(float(found["lam"]), right["lam"])
    expect(
        same_lam,
        f"The way is right, but with lam = {found.get('lam')} its held-out error is not "
        "the smallest.",
    )
    wrong = [(slip["error"], message) for message, slip in slips.items()]
    expect_close(found["error"], right["error"], wrong=wrong, what="The held-out error", rtol=1e-4)
    wrong = [(slip["w"], message) for message, slip in slips.items()]
    expect_close(found["w"], right["w"], wrong=wrong, what="w", rtol=1e-4)


def _key(found):
    """All that an answer says, rounded, for comparing it with a known slip."""
    lam = found.get("lam")
    numbers = np.round(np.append(as_array(found["w"]).ravel(), float(as_array(found["error"]))), 6)
    lam = None if lam is None else round(float(lam), 9)
    return str(found["way"]).strip().lower(), lam, tuple(numbers.tolist())


def variant(
    x,
    y,
    w_s,
    lams,
    fold,
    *,
    judge="held",
    worst=False,
    last=False,
    by_fold=False,
    to=None,
    folds=None,
):
    """The reference with one slip; for the messages and the tests."""
    starts = {"shared": None, "adapter": w_s, "scratch": np.zeros_like(w_s)}
    if to is not None:
        starts["adapter"] = to * w_s
    errors = {}
    kept = {}
    for way, lam in [("shared", None)] + [(w, a) for w in ("adapter", "scratch") for a in lams]:
        squares = []
        for held in np.unique(fold) if folds is None else folds:
            fit = fold != held
            out = fold == held
            if not out.any():
                continue
            fit = np.ones_like(fit) if judge == "leak" else fit
            out = fit if judge == "training" else out
            w = w_s if way == "shared" else ridge_towards(x[fit], y[fit], starts[way], lam)
            squares.append(np.square(x[out] @ w - y[out]))
        kept[way, lam] = w
        each = [s.mean() for s in squares]
        errors[way, lam] = np.mean(each) if by_fold else np.concatenate(squares).mean()
    way, lam = (max if worst else min)(errors, key=errors.get)
    w = w_s if way == "shared" else ridge_towards(x, y, starts[way], lam)
    return {"way": way, "lam": lam, "error": errors[way, lam], "w": kept[way, lam] if last else w}


SLIPS = {
    "You judged on the sentences that the model was fitted to. They praise the loosest way.": {
        "judge": "training"
    },
    "The held-out sentences were fitted too: fit on fold != held.": {"judge": "leak"},
    "You took the way with the LARGEST error.": {"worst": True},
    "w comes from the last fold. After the choice, solve once more on all sentences.": {
        "last": True
    },
    "You averaged the folds. They are not equally large: average over all held-out sentences.": {
        "by_fold": True
    },
    "The adapter's penalty pulls towards zero: that is scratch twice. Pull towards w_s.": {"to": 0},
    "Yours numbers the folds from 0 on. Take those that stand in fold: np.unique(fold).": {
        "folds": range(4)
    },
    "The adapter starts from -w_s. Pull towards w_s.": {"to": -1},
}


def _slips(*given):
    return {message: variant(*given, **slip) for message, slip in SLIPS.items()}
