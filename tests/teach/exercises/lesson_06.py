"""Answers to try on the exercises of lesson 06."""

import numpy as np
import pandas as pd
import torch
from drafts import slips, spellings
from scipy import stats

from ragteach.dataset import MultiTaskDataset
from ragteach.study.experiment import interval as of_the_package
from ragteach.study.experiment import summary
from ragteach.teach.exercises.answers_06 import fair_comparison, scores


def interval(d, ratio=0.0):
    """The package's interval, written out: to call the package's own is refused."""
    d = np.asarray(d, dtype=float)
    half = stats.t.ppf(0.975, len(d) - 1) * np.sqrt(d.var(ddof=1) * (1 / len(d) + ratio))
    return d.mean(), d.mean() - half, d.mean() + half


def _half(d, level=0.975, ddof=1, root=True, z=None):
    n = len(d)
    return (z or stats.t.ppf(level, n - 1)) * d.std(ddof=ddof) / (np.sqrt(n) if root else 1)


def _around(a, b, half):
    m = (a - b).mean()
    return m, m - half, m + half


def comparison(
    choose=np.argmin,
    by="loss",
    read="val",
    report="test",
    vocabulary="train",
    on="train",
    told="accuracy",
):
    """A fair comparison, with one thing changed."""

    def mine(draw, strategies, tries, seeds, score):
        found = {name: [] for name in strategies}
        for seed in seeds:
            parts = dict(zip(("train", "val", "test"), draw(seed), strict=True))
            parts["both"] = pd.concat([parts["train"], parts["val"]])
            parts["all"] = pd.concat([parts["both"], parts["test"]])
            seen = MultiTaskDataset.from_frame(parts[vocabulary])
            data = {
                k: MultiTaskDataset.from_frame(v, seen.vectorizer, seen.task_names)
                for k, v in parts.items()
            }
            for name, fit in strategies.items():
                models = [fit(data[on], penalty) for penalty in tries[name]]
                best = models[int(choose([score(m, data[read])[by] for m in models]))]
                found[name].append(score(best, data[report])[told])
        return found

    return mine


def columns_of_its_own(draw, strategies, tries, seeds, score):
    train, val, _ = draw(seeds[0])
    model = strategies["one"](MultiTaskDataset.from_frame(train), tries["one"][0])
    return score(model, MultiTaskDataset.from_frame(val))


def one_penalty(draw, strategies, tries, seeds, score):
    return fair_comparison(draw, strategies, {k: v[:1] for k, v in tries.items()}, seeds, score)


def first_seed_only(draw, strategies, tries, seeds, score):
    return fair_comparison(draw, strategies, tries, seeds[:1], score)


def other_seeds(draw, strategies, tries, seeds, score):
    return fair_comparison(draw, strategies, tries, range(len(seeds)), score)


def averaged(*given):
    return {name: values.mean() for name, values in fair_comparison(*given).items()}


def frames(draw, strategies, tries, seeds, score):
    return {name: [fit(draw(seeds[0])[0], 0.1)] for name, fit in strategies.items()}


def as_table(*given):
    return pd.DataFrame(fair_comparison(*given))


def as_tensors(*given):
    return {name: torch.tensor(values) for name, values in fair_comparison(*given).items()}


def plain_python(draw, strategies, tries, seeds, score):
    found = {}
    for name, fit in strategies.items():  # draws again for each strategy: the same draw
        found[name] = []
        for seed in seeds:
            train, val, test = draw(seed)
            data = MultiTaskDataset.from_frame(train)
            val = MultiTaskDataset.from_frame(val, data.vectorizer, data.task_names)
            test = MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)
            best = min(
                (fit(data, p) for p in tries[name]), key=lambda m, v=val: score(m, v)["loss"]
            )
            found[name].append(score(best, test)["accuracy"])
    return found


def corrected(d, r, level=0.975):
    mean = d.mean()
    half = stats.t.ppf(level, len(d) - 1) * np.sqrt(d.var(ddof=1) * (1 / len(d) + r))
    return mean, mean - half, mean + half


def by(scale):
    """An interval with a scale of one's own: scale(variance, n, ratio)."""

    def mine(d, r):
        half = stats.t.ppf(0.975, len(d) - 1) * scale(d.var(ddof=1), len(d), r)
        return d.mean(), d.mean() - half, d.mean() + half

    return mine


def corrected_in_torch(d, r):
    d = torch.as_tensor(d)
    half = stats.t.ppf(0.975, len(d) - 1) * torch.sqrt(d.var() * (1 / len(d) + r))
    return torch.stack([d.mean(), d.mean() - half, d.mean() + half])


def corrected_in_plain_python(d, r):
    n, mean = len(d), sum(d) / len(d)
    v = sum((x - mean) ** 2 for x in d) / (n - 1)
    half = stats.t.ppf(0.975, n - 1) * (v * (1 / n + r)) ** 0.5
    return [mean, mean - half, mean + half]


def _scale(d, r):
    return np.sqrt(d.var(ddof=1) * (1 / len(d) + r))


WRONG = {
    "06-7": {
        "Student": lambda d, r: interval(d),
        "the package": lambda d, r: of_the_package(d, test_per_train=r),
        "outside the root": by(lambda v, n, r: np.sqrt(v / n) + r),
        "not times v": by(lambda v, n, r: np.sqrt(v / n + r)),
        "shrinks": by(lambda v, n, r: np.sqrt(v / n * (1 + r))),
        "no root": by(lambda v, n, r: v * (1 / n + r)),
        "root of v": by(lambda v, n, r: np.sqrt(v) * (1 / n + r)),
        "upside down": by(lambda v, n, r: np.sqrt(v * (1 / n + (1 / r if r else 0)))),
        "ends swapped": lambda d, r: [corrected(d, r)[i] for i in (0, 2, 1)],
        "one side": lambda d, r: corrected(d, r, level=0.95),
        "n degrees": lambda d, r: (
            d.mean() + stats.t.ppf(0.975, len(d)) * _scale(d, r) * np.array([0, -1, 1])
        ),
        "rho of rho": by(lambda v, n, r: np.sqrt(v * (1 / n + r / (1 - r)))),
        "half the width": lambda d, r: (d.mean(), stats.t.ppf(0.975, len(d) - 1) * _scale(d, r)),
        "subtracted": by(lambda v, n, r: np.sqrt(v * abs(1 / n - r))),
    },
    "06-8": {
        "chosen on test": comparison(read="test"),
        "largest loss": comparison(choose=np.argmax),
        "by accuracy": comparison(choose=np.argmax, by="accuracy"),
        "by training loss": comparison(read="train"),
        "validation reported": comparison(report="val"),
        "training reported": comparison(report="train"),
        "losses reported": comparison(told="loss"),
        "always the last": comparison(choose=lambda losses: -1),
        "vocabulary of all": comparison(vocabulary="all"),
        "vocabulary of train and val": comparison(vocabulary="both"),
        "trained on more": comparison(on="both"),
        "columns of its own": columns_of_its_own,
        "one penalty": one_penalty,
        "one seed": first_seed_only,
        "other seeds": other_seeds,
        "averaged": averaged,
        "frames": frames,
        "a list": lambda *given: list(fair_comparison(*given).values()),
        "one strategy": lambda *given: {"one": fair_comparison(*given)["one"]},
    },
    "06-4": {
        "chosen on test, seed by seed": lambda loss, acc: acc.max(1).mean(),
        "chosen on test, on average": lambda loss, acc: acc.mean(0).max(),
        "no choice": lambda loss, acc: acc.mean(),
        "largest loss": lambda loss, acc: acc[np.arange(len(acc)), loss.argmax(1)].mean(),
        "one setting for all": lambda loss, acc: acc[:, loss.mean(0).argmin()].mean(),
        "all rows, all choices": lambda loss, acc: acc[:, loss.argmin(1)].mean(),
        "validation loss reported": lambda loss, acc: loss.min(1).mean(),
        "not averaged": lambda loss, acc: acc[np.arange(len(acc)), loss.argmin(1)],
        "summed": lambda loss, acc: acc[np.arange(len(acc)), loss.argmin(1)].sum(),
        "rows": lambda loss, acc: acc[loss.argmin(1)].mean(),
        "by accuracy": lambda loss, acc: acc[np.arange(len(acc)), acc.argmin(1)].mean(),
        "median": lambda loss, acc: np.median(acc[np.arange(len(acc)), loss.argmin(1)]),
        "one entry": lambda loss, acc: acc.flat[loss.argmin()],
        "best seed": lambda loss, acc: acc[np.arange(len(acc)), loss.argmin(1)].max(),
        "wrong axis": lambda loss, acc: acc[loss.argmin(0), np.arange(acc.shape[1])].mean(),
    },
    "06-1": {
        "the package": lambda a, b: of_the_package(a - b),
        "unpaired": lambda a, b: _around(
            a, b, stats.t.ppf(0.975, len(a) - 1) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
        ),
        "two samples": lambda a, b: _around(
            a,
            b,
            stats.t.ppf(0.975, 2 * len(a) - 2) * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)),
        ),
        "spread of seeds": lambda a, b: _around(a, b, _half(a - b, root=False)),
        "normal": lambda a, b: _around(a, b, _half(a - b, z=1.96)),
        "ddof 0": lambda a, b: _around(a, b, _half(a - b, ddof=0)),
        "one side": lambda a, b: _around(a, b, _half(a - b, level=0.95)),
        "one standard error": lambda a, b: _around(a, b, _half(a - b, z=1.0)),
        "sign": lambda a, b: interval(b - a),
        "ends swapped": lambda a, b: [interval(a - b)[i] for i in (0, 2, 1)],
        "another order": lambda a, b: [interval(a - b)[i] for i in (1, 0, 2)],
        "half the width": lambda a, b: ((a - b).mean(), _half(a - b)),
        "a test": lambda a, b: stats.ttest_rel(a, b),
        "no mean": lambda a, b: interval(a - b)[1:],
        "by n": lambda a, b: _around(a, b, _half(a - b) / np.sqrt(len(a))),
        "n - 1 twice": lambda a, b: _around(
            a, b, _half(a - b) * np.sqrt(len(a)) / np.sqrt(len(a) - 1)
        ),
        "variance": lambda a, b: _around(a, b, _half(a - b) * (a - b).std(ddof=1)),
        "median": lambda a, b: np.median(a - b) + _half(a - b) * np.array([0, -1, 1]),
        "quantiles": lambda a, b: ((a - b).mean(), *np.quantile(a - b, [0.025, 0.975])),
        "a alone": lambda a, b: _around(a, b, _half(a)),
        "n degrees": lambda a, b: _around(a, b, _half(a - b, z=stats.t.ppf(0.975, len(a)))),
    },
    "06-2": {
        "same": 10,
        "plus": 19,
        "fewer": 1,
        "by rho": 10 / 0.9,
        "squared": 10 / 0.19,
        "twice": 1000,
        "the 2": 50,
        "both together": 200,
        "how many more": 90,
        "standard errors": 10 / 0.1**0.5,
    },
    "06-3": {
        "adapters only": lambda d, c, t: (t * d, d),
        "weights": lambda d, c, t: ((t + 1) * d * c, (t + 1) * d * c / t),
        "the same": lambda d, c, t: ((t + 1) * d, (t + 1) * d),
        "turned round": lambda d, c, t: ((t + 1) * d / t, (t + 1) * d),
        "upside down": lambda d, c, t: (d / (t + 1), d * t / (t + 1)),
        "no change": lambda d, c, t: (d, d),
        "rounded": lambda d, c, t: ((t + 1) * d, (t + 1) * d // t),
    },
    "06-5": {
        "a summary": summary(scores({"RAG": 0.65, "full sharing": 0.69})),
        "one strategy": scores({"RAG": 0.65}),
        "two seeds": scores({"RAG": 0.65, "full sharing": 0.69}, n_seeds=2),
        "RAG wins": scores({"RAG": 0.72, "full sharing": 0.65}),
        "nobody wins": scores({"RAG": 0.65, "full sharing": 0.65}, spread=0.05),
        "another metric": scores({"RAG": 0.65, "full sharing": 0.69}).assign(metric="macro_f1"),
    },
    "06-6": slips("rrrwww"),
}

RIGHT = {
    "06-7": {
        "numpy": corrected,
        "torch": corrected_in_torch,
        "plain Python": corrected_in_plain_python,
    },
    "06-8": {"plain Python": plain_python, "a table": as_table, "tensors": as_tensors},
    "06-4": {
        "a loop": lambda loss, acc: (
            sum(a[np.argmin(v)] for v, a in zip(loss, acc, strict=True)) / len(acc)
        ),
        "take along": lambda loss, acc: np.take_along_axis(acc, loss.argmin(1)[:, None], 1).mean(),
        "torch": lambda loss, acc: (
            torch.as_tensor(acc).gather(1, torch.as_tensor(loss).argmin(dim=1, keepdim=True)).mean()
        ),
    },
    "06-1": {
        "scipy": lambda a, b: (
            (a - b).mean(),
            *stats.ttest_rel(a, b).confidence_interval(0.95),
        ),
        "a list": lambda a, b: list(interval(a - b)),
        "torch": lambda a, b: _around(torch.as_tensor(a), torch.as_tensor(b), _half(a - b)),
        "plain Python": lambda a, b: interval([x - y for x, y in zip(a, b, strict=True)]),
    },
    "06-2": {"a float": 10 / (1 - 0.9), "a tensor": torch.tensor(100)},
    "06-3": {
        "a list": lambda d, c, t: [d + d * t, d + d / t],
        "numpy": lambda d, c, t: (t + 1) * d / np.array([1, t]),
        "torch": lambda d, c, t: (t + 1) * d / torch.tensor([1, t]),
    },
    "06-5": {
        "another seed": scores(
            {"independent": 0.5, "RAG": 0.60, "full sharing": 0.66}, n_seeds=12, seed=3
        ),
    },
    "06-6": spellings("rrrwww")
    | {"a column": pd.Series(dict(zip("abcdef", ["right."] * 3 + ["Wrong!"] * 3, strict=True)))},
}

WRONG["06-1"] |= {
    "n - 2 degrees": lambda a, b: _around(a, b, _half(a - b, z=stats.t.ppf(0.975, len(a) - 2))),
    "sizes": lambda a, b: interval(abs(a - b)),
    "the whole width": lambda a, b: ((a - b).mean(), 2 * _half(a - b)),
    "two spreads": lambda a, b: _around(a, b, _half(a) + _half(b)),
    "b alone": lambda a, b: _around(a, b, _half(b)),
    "worst and best": lambda a, b: ((a - b).mean(), (a - b).min(), (a - b).max()),
    "99 %": lambda a, b: _around(a, b, _half(a - b, level=0.995)),
}
WRONG["06-2"] |= {
    "what is left": 0.1,
    "times rho": 9,
    "one more": 11,
    "two columns": 20,
    "added": 110,
    "a root of rho": 10 / 0.9**0.5,
}
WRONG["06-3"] |= {
    "one less": lambda d, c, t: ((t - 1) * d, (t - 1) * d / t),
    "with biases": lambda d, c, t: ((t + 1) * d + t, ((t + 1) * d + t) / t),
    "by the classes": lambda d, c, t: ((t + 1) * d / c, (t + 1) * d / t / c),
    "one matrix for all": lambda d, c, t: ((t + 1) * d, d / t),
}
WRONG["06-4"] |= {
    "one setting, best seed": lambda loss, acc: acc[:, loss.mean(0).argmin()].max(),
    "the second best": lambda loss, acc: acc[np.arange(len(acc)), loss.argsort(1)[:, 1]].mean(),
    "test takes part": lambda loss, acc: acc[np.arange(len(acc)), (loss - acc).argmin(1)].mean(),
    "the first seed": lambda loss, acc: acc[0, loss[0].argmin()],
    "a seed chosen": lambda loss, acc: acc[loss.mean(1).argmin()].mean(),
}
