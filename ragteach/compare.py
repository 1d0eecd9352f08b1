"""The fair experiment: RAG against full sharing and independent models.

Enters: data and a number of seeds.  Leaves: a tidy table, one row per strategy, task, seed and metric.

One seed is one draw of training, validation and test sentences. The vocabulary is fitted on the training
sentences. Every strategy tries the same number of penalties, each solved to its optimum; the one with the
least validation cross-entropy is scored, once, on the test sentences. Nothing is ever chosen on the test
set.
"""

from __future__ import annotations

import sys
import time
import types

import joblib
import numpy as np
import pandas as pd
import torch
from scipy import stats
from sklearn.metrics import f1_score
from tqdm.auto import tqdm

from .data import load_article, load_human, make_toy
from .errors import at_least, one_of, refuse
from .features import make_vectorizer
from .model import RAG
from .solver import solve_path
from .tasks import MultiTaskDataset

STRATEGIES = ("RAG", "full sharing", "independent")
BASELINES = (
    "full sharing + task bias",
    "full sharing, equal parameters",
    "independent, equal parameters",
    "majority class",
)
COLUMNS = ["data", "strategy", "task", "seed", "n_per_task", "metric", "value", "n_params", "seconds"]
SIZES = {"toy": 60, "human": (50, 200, 800), "article": 1}
STRENGTHS = np.logspace(-4, 0, 5)  # lam and lam_shared of RAG: 5 x 5 = 25 tries
FINE = np.logspace(-4, 0, 25)  # the one penalty of the others: 25 tries
MAX_TEST = 1000  # test sentences per task


def compare(
    data="toy",
    seeds=20,
    n_per_task=None,
    strategies=STRATEGIES + BASELINES,
    n_jobs=None,
    progress=True,
    **knobs,
):
    """Train, choose and score every strategy on many draws of the data.

    Args:
        data: ``"toy"``, ``"human"``, ``"article"``, or a frame with the columns text, label, task.
        seeds: how many draws, or a list of seeds.
        n_per_task: training sentences per task, or a list of sizes for a learning curve. Default: toy 60;
            human 50, 200
            and 800; article 1; a frame of your own 60 % of it.
        strategies: which of ``STRATEGIES + BASELINES``.
        n_jobs: processes, as in joblib (-1: all cores; None: what ``joblib.parallel_config`` says).
        progress: show a tqdm bar.
        knobs: for the toy generator: relatedness, noise, imbalance.

    Returns:
        DataFrame with the columns data, strategy, task, seed, n_per_task, metric, value, n_params, seconds.
        Metrics: accuracy, macro_f1, log_loss (test), and the chosen lam and lam_shared. ``task`` is a name,
        or "mean" over tasks.

    Example:
        >>> table = compare("toy", 1, n_per_task=10, strategies=["RAG", "majority class"], progress=False)
        >>> sorted(table["metric"].unique())
        ['accuracy', 'lam', 'lam_shared', 'log_loss', 'macro_f1']
    """
    name = data if isinstance(data, str) else "own"
    if isinstance(data, str):
        one_of("data", data, SIZES)
    for strategy in strategies:
        one_of("strategy", strategy, STRATEGIES + BASELINES)
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    at_least("seeds", len(seeds), 1)
    n_per_task = SIZES.get(name) if n_per_task is None else n_per_task
    sizes = n_per_task if isinstance(n_per_task, list | tuple) else [n_per_task]
    frame = {"toy": lambda: None, "human": load_human, "article": load_article}.get(name, lambda: data)()
    if frame is not None:
        for n in sizes:
            _check_sizes(frame, n)
    jobs = [
        joblib.delayed(_one_draw)(name, frame, n, seed, tuple(strategies), knobs)
        for n in sizes
        for seed in seeds
    ]
    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    rows = [
        row
        for part in tqdm(results, total=len(jobs), disable=not progress, desc=name, unit="draw")
        for row in part
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def summary(table, metric="accuracy"):
    """Mean and 95 % interval over seeds (Student's t) of each strategy: a table to read or to plot.

    Columns: data, n_per_task, strategy, mean, low, high, n_seeds, n_params, seconds. Best first.
    """
    rows = _per_seed(table, metric)
    out = []
    for (name, n, strategy), group in rows.groupby(["data", "n_per_task", "strategy"], sort=False):
        mean, low, high = interval(group["value"])
        out.append(
            (
                name,
                n,
                strategy,
                mean,
                low,
                high,
                len(group),
                group["n_params"].mean(),
                group["seconds"].mean(),
            )
        )
    columns = ["data", "n_per_task", "strategy", "mean", "low", "high", "n_seeds", "n_params", "seconds"]
    result = pd.DataFrame(out, columns=columns).astype({"n_params": int})
    return result.sort_values(
        ["data", "n_per_task", "mean"], ascending=[True, True, metric == "log_loss"], ignore_index=True
    )


def paired(table, reference="RAG", metric="accuracy"):
    """``reference`` minus each other strategy, seed by seed: mean difference and its 95 % interval.

    The draws are the same for all strategies, so the difference is far less noisy than the two means.
    Columns: data, n_per_task, strategy, difference, low, high, verdict ("better", "worse" or "no clear
        difference").
    """
    one_of("reference", reference, list(table["strategy"].unique()))
    wide = _per_seed(table, metric).pivot_table(
        "value", ["data", "n_per_task", "seed"], "strategy", sort=False
    )
    sign, out = -1 if metric == "log_loss" else 1, []
    for (name, n), group in wide.groupby(level=["data", "n_per_task"], sort=False):
        for other in group.columns.drop(reference):
            mean, low, high = interval(group[reference] - group[other])
            verdict = (
                "better"
                if min(sign * low, sign * high) > 0
                else "worse"
                if max(sign * low, sign * high) < 0
                else None
            )
            out.append((name, n, other, mean, low, high, verdict or "no clear difference"))
    return pd.DataFrame(
        out, columns=["data", "n_per_task", "strategy", "difference", "low", "high", "verdict"]
    )


def who_wins_map(relatedness=(0.0, 0.25, 0.5, 0.75, 1.0), n_per_task=(5, 10, 20, 40, 80, 160), seeds=10,
                 n_jobs=None, progress=True, **knobs):  # fmt: skip
    """The three strategies over relatedness x sentences per task, on toy data: a tidy table with a
    relatedness column.
    """
    parts = []
    for r in tqdm(relatedness, disable=not progress, desc="relatedness"):
        table = compare(
            "toy", seeds, list(n_per_task), STRATEGIES, n_jobs, progress=False, relatedness=r, **knobs
        )
        parts.append(table.assign(relatedness=r))
    return pd.concat(parts, ignore_index=True)


def winners(map_table, metric="accuracy"):
    """Who wins in each cell of `who_wins_map`: columns relatedness, n_per_task, winner, margin, low, high,
    clear.

    ``margin`` is the winner's mean lead over the second, paired by seed, with its 95 % interval; ``clear``
    if low > 0.
    """
    out, sign = [], -1 if metric == "log_loss" else 1
    rows = map_table[(map_table["metric"] == metric) & (map_table["task"] == "mean")]
    for (r, n), cell in rows.groupby(["relatedness", "n_per_task"]):
        wide = sign * cell.pivot_table("value", "seed", "strategy")
        first, second = wide.mean().sort_values(ascending=False).index[:2]
        margin, low, high = interval(wide[first] - wide[second])
        out.append((r, n, first, margin, low, high, low > 0))
    return pd.DataFrame(
        out, columns=["relatedness", "n_per_task", "winner", "margin", "low", "high", "clear"]
    )


def interval(values, level=0.95):
    """Mean and Student's t interval of independent values: (mean, low, high). One value has no interval
    (NaN).
    """
    values = np.asarray(values, dtype=float)
    mean, n = values.mean(), len(values)
    if n < 2:
        return mean, np.nan, np.nan
    half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def draw(name, frame, n, seed, **knobs):
    """Training, validation and test frames of one seed: ``n`` train and ``n`` validation sentences per task,
    the rest test.

    Toy data are generated afresh; other data are shuffled and dealt out. ``n=None`` is 60 %, 20 %, 20 %.
    """
    if name == "toy":
        frame = make_toy(n_per_task=2 * n + 250, seed=seed, **knobs)
    rng, parts = np.random.default_rng(seed), ([], [], [])
    for _, rows in frame.groupby("task", sort=False):
        order = rng.permutation(len(rows))
        train = int(0.6 * len(rows)) if n is None else n
        val = int(0.2 * len(rows)) if n is None else n
        cuts = (order[:train], order[train : train + val], order[train + val :][:MAX_TEST])
        for part, cut in zip(parts, cuts, strict=True):
            part.append(rows.iloc[cut])
    return tuple(pd.concat(part, ignore_index=True) for part in parts)


def _one_draw(name, frame, n, seed, strategies, knobs):
    """All strategies on one draw: the rows of the table."""
    torch.set_num_threads(1)
    train, val, test = draw(name, frame, n, seed, **knobs)
    rows = []
    for strategy in strategies:
        started = time.perf_counter()
        scores, n_params = (_majority if strategy == "majority class" else _strategy)(
            strategy, train, val, test
        )
        seconds = time.perf_counter() - started
        size = len(train) // train["task"].nunique()
        rows += [
            (name, strategy, t, seed, size, metric, value, n_params, seconds) for t, metric, value in scores
        ]
    return rows


def _strategy(strategy, train, val, test):
    """Fit the penalty path of one strategy, choose on validation, score on test."""
    n_tasks = train["task"].nunique()
    data = MultiTaskDataset.from_frame(train)
    if strategy.endswith("equal parameters"):  # as many numbers as RAG's (T + 1) C d, from more word features
        width = data.n_features * (n_tasks + 1) // (n_tasks if strategy.startswith("independent") else 1)
        vectorizer = make_vectorizer(ngrams=3, max_features=width).fit(list(train["text"]))
        data = MultiTaskDataset.from_frame(train, vectorizer)
    options = {"tasks": data.task_names, "init": "zero"}
    shape = (data.n_features, data.num_classes)
    if strategy == "RAG":
        model, grid = (
            RAG(*shape, n_tasks, **options),
            np.array(np.meshgrid(STRENGTHS, STRENGTHS)).reshape(2, -1),
        )
    elif strategy.startswith("independent"):
        model, grid = RAG.independent(*shape, **options), (FINE, 0.0)
    else:
        bias = "task" if strategy.endswith("task bias") else "shared"
        model, grid = RAG.full_sharing(*shape, bias=bias, **options), (0.0, FINE)
    path = solve_path(model, data, *grid, tol=1e-4)
    others = [MultiTaskDataset.from_frame(f, data.vectorizer, data.task_names) for f in (val, test)]
    valid, final = (d.stacked() for d in others)
    best = int(path.losses(valid).mean(0).argmin())
    model = path.model(best)
    scores = _scores(model, others[1], path.losses(final)[:, best].tolist())
    chosen = [("mean", "lam", path.lam[best].item()), ("mean", "lam_shared", path.lam_shared[best].item())]
    return scores + chosen, model.num_parameters(trainable=True)


def _majority(_, train, val, test):
    """Say the task's most frequent training class, with its frequencies (plus one each) as probabilities."""
    scores = []
    for task, rows in test.groupby("task", sort=False):
        counts = np.bincount(train.loc[train["task"] == task, "label"], minlength=3)
        log_p = np.log((counts + 1) / (counts + 1).sum())
        said = np.full(len(rows), counts.argmax())
        scores += _metrics(task, rows["label"].to_numpy(), said, -log_p[rows["label"]].mean())
    return scores + _means(scores), 0


def _scores(model, data, losses):
    said, scores = np.empty(len(data), dtype=int), []
    for t, task in enumerate(data.task_names):
        mine = (data.task == t).nonzero().flatten()
        said = model.predict(data.rows(data.doc[mine]), t).numpy()
        scores += _metrics(task, data.y[mine].numpy(), said, losses[t])
    return scores + _means(scores)


def _metrics(task, truth, said, log_loss):
    f1 = f1_score(truth, said, average="macro", labels=np.unique(truth), zero_division=0)
    return [
        (task, "accuracy", float((truth == said).mean())),
        (task, "macro_f1", float(f1)),
        (task, "log_loss", float(log_loss)),
    ]


def _means(scores):
    metrics = dict.fromkeys(metric for _, metric, _ in scores)
    return [("mean", m, float(np.mean([v for _, metric, v in scores if metric == m]))) for m in metrics]


def _per_seed(table, metric):
    one_of("metric", metric, list(table["metric"].unique()))
    return table[(table["metric"] == metric) & (table["task"] == "mean")]


def _check_sizes(frame, n):
    smallest = frame["task"].value_counts()
    if n is not None and smallest.min() < 2 * n + 1:
        raise refuse(
            expected=f"more than 2 x {n} sentences in every task (training, validation, and some to test on)",
            got=f"{smallest.min()} in task {smallest.idxmin()!r}",
            fix=f"set n_per_task to at most {(smallest.min() - 1) // 2}, or add sentences",
        )


class _Callable(types.ModuleType):
    """``rt.compare`` names this module as soon as it is imported: calling it calls `compare`."""

    __call__ = staticmethod(compare)


sys.modules[__name__].__class__ = _Callable
