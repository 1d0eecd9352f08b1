"""The fair experiment: RAG against full sharing and independent models.

Enters: data and a number of seeds.  Leaves: a tidy table, one row per strategy, task, seed and
    metric.

One seed is one draw of training, validation and test sentences. The vocabulary is fitted on the
training sentences. Every strategy tries the same number of penalties, each solved to its optimum;
the one with the least validation cross-entropy is scored, once, on the test sentences, which never
choose anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import joblib
import numpy as np
import pandas as pd
import torch
from scipy import stats
from tqdm.auto import tqdm

from ragteach.data.features import make_vectorizer
from ragteach.data.files import load_article
from ragteach.data.frames import as_frame
from ragteach.data.human import load_human
from ragteach.data.toy import make_toy
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve_path
from ragteach.errors import one_of, refuse, whole
from ragteach.losses import cross_entropy
from ragteach.model import RAG, task_logits

STRATEGIES = ("RAG", "full sharing", "independent")
BASELINES = (
    "full sharing + task bias",
    "full sharing, equal parameters",
    "independent, equal parameters",
    "majority class",
)
COLUMNS = [
    "data",
    "strategy",
    "task",
    "seed",
    "n_per_task",
    "metric",
    "value",
    "n_params",
    "seconds",
]
SIZES = {"toy": 60, "human": (50, 200, 800), "article": 1}
KNOBS = ("relatedness", "noise", "imbalance")  # of the toy generator
STRENGTHS = np.logspace(-4, 0, 5)  # lam and lam_shared of RAG: 5 x 5 = 25 tries
FINE = np.logspace(-4, 0, 25)  # the one penalty of the others: 25 tries
MAX_TEST = 1000  # test sentences per task


def compare(data="toy", seeds=20, n_per_task=None, strategies=STRATEGIES + BASELINES, n_jobs=None,
            progress=True, **knobs):  # fmt: skip
    """Train, choose and score every strategy on many draws of the data.

    Args:
        data: ``"toy"``, ``"human"``, ``"article"``, or your own: a frame, a path, a dataset (see
            `as_frame`).
        seeds: how many draws, or a list of seeds.
        n_per_task: training sentences per task, or a list of sizes for a learning curve. Default:
            toy 60; human 50, 200 and 800; article 1; a frame of your own 60 % of it.
        strategies: which of ``STRATEGIES + BASELINES``.
        n_jobs: processes, as in joblib (-1: all cores; None: what ``joblib.parallel_config`` says).
        progress: show a tqdm bar.
        knobs: for the toy generator: relatedness, noise, imbalance.

    Returns:
        DataFrame with the columns data, strategy, task, seed, n_per_task, metric, value, n_params,
        seconds.
        Metrics: accuracy, macro_f1, log_loss (test), and the chosen lam and lam_shared. ``task`` is
        a name, or "mean" over tasks.

    Raises:
        RagteachError: unknown data, strategy or knob, no seed, labels that are no class numbers, a
            task with too few sentences; before anything is trained.

    Example:
        >>> table = compare("toy", 1, n_per_task=10, strategies=["RAG", "majority class"], progress=False)
        >>> sorted(table["metric"].unique())
        ['accuracy', 'lam', 'lam_shared', 'log_loss', 'macro_f1']
    """
    name = data if isinstance(data, str) and data in SIZES else "own"
    if isinstance(data, str) and name == "own" and not {".", "/", os.sep} & set(data):
        one_of("data", data, SIZES)
    strategies = [strategies] if isinstance(strategies, str) else list(strategies)
    whole("number of strategies", len(strategies), 1)
    for strategy in strategies:
        one_of("strategy", strategy, STRATEGIES + BASELINES)
    for knob in knobs:
        one_of("option of the toy generator", knob, KNOBS)
    if knobs and name != "toy":
        raise refuse(
            expected="no generator options with data that are not generated", got=", ".join(knobs),
            fix='leave them out, or use data="toy"',
        )  # fmt: skip
    if not isinstance(seeds, Iterable):
        whole("seeds", seeds, 1)
        seeds = range(seeds)
    seeds = list(seeds)
    whole("number of seeds", len(seeds), 1)
    n_per_task = SIZES.get(name) if n_per_task is None else n_per_task
    sizes = list(n_per_task) if isinstance(n_per_task, Iterable) else [n_per_task]
    frame = {"toy": lambda: None, "human": load_human, "article": load_article}.get(
        name, lambda: data
    )()
    frame = _checked(frame, sizes)
    jobs = [
        joblib.delayed(_one_draw)(name, frame, n, seed, strategies, knobs)
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
        extra = len(group), group["n_params"].mean(), group["seconds"].mean()
        out.append((name, n, strategy, *interval(group["value"]), *extra))
    columns = [
        "data",
        "n_per_task",
        "strategy",
        "mean",
        "low",
        "high",
        "n_seeds",
        "n_params",
        "seconds",
    ]
    result = pd.DataFrame(out, columns=columns).astype({"n_params": int})
    return result.sort_values(
        ["data", "n_per_task", "mean"],
        ascending=[True, True, metric == "log_loss"],
        ignore_index=True,
    )


def paired(table, reference="RAG", metric="accuracy"):
    """``reference`` minus each other strategy, seed by seed: mean difference and its 95 % interval.

    The draws are the same for all strategies, so the difference is far less noisy than the two
    means.
    Columns: data, n_per_task, strategy, difference, low, high, verdict: whether the reference is
    "better", "worse", or there is "no clear difference". (A log_loss is better if it is lower: then
    a negative difference is.)
    """
    one_of("reference", reference, list(table["strategy"].unique()))
    wide = _per_seed(table, metric).pivot_table(
        "value", ["data", "n_per_task", "seed"], "strategy", sort=False
    )
    sign, out = -1 if metric == "log_loss" else 1, []
    for (name, n), group in wide.groupby(level=["data", "n_per_task"], sort=False):
        for other in group.columns.drop(reference):
            mean, low, high = interval(group[reference] - group[other])
            low_gain, high_gain = sorted((sign * low, sign * high))
            verdict = (
                "better" if low_gain > 0 else "worse" if high_gain < 0 else "no clear difference"
            )
            out.append((name, n, other, mean, low, high, verdict))
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
            "toy",
            seeds,
            list(n_per_task),
            STRATEGIES,
            n_jobs,
            progress=False,
            relatedness=r,
            **knobs,
        )
        parts.append(table.assign(relatedness=r))
    return pd.concat(parts, ignore_index=True)


def winners(map_table, metric="accuracy"):
    """Who wins in each cell of `who_wins_map`.

    Columns: relatedness, n_per_task, winner, margin, low, high, clear. ``margin`` is the winner's
    mean lead over the second, paired by seed, with its 95 % interval; ``clear`` if low > 0.
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
    """Mean and Student's t interval of independent values: (mean, low, high). One value has none
    (NaN).
    """
    values = np.asarray(values, dtype=float)
    mean, n = values.mean(), len(values)
    if n < 2:
        return mean, np.nan, np.nan
    half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def draw(name, frame, n, seed, **knobs):
    """Training, validation and test frames of one seed.

    ``n`` training and ``n`` validation sentences per task, the rest (at most 1000) to test on;
    ``n=None`` is 60 %, 20 %, 20 %. Toy data are generated afresh; other data are shuffled and dealt
    out.
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
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small matrices, and several draws at a time
    try:
        train, val, test = draw(name, frame, n, seed, **knobs)
        n_classes = len(train.attrs["label_names"])
        size, rows = len(train) // train["task"].nunique(), []
        parts = _stacked(train, val, test, n_classes)  # the same for all strategies
        for strategy in strategies:
            started = time.perf_counter()
            equal = strategy.endswith("equal parameters")
            used = (
                _stacked(train, val, test, n_classes, _phrases(parts[0], strategy))
                if equal
                else parts
            )
            majority = strategy == "majority class"
            scores, n_params = (
                _majority(train, test, n_classes) if majority else _strategy(strategy, *used)
            )
            cost = n_params, time.perf_counter() - started
            rows += [
                (name, strategy, task, seed, size, metric, value, *cost)
                for task, metric, value in scores
            ]
        return rows
    finally:
        torch.set_num_threads(threads)


def _stacked(train, val, test, n_classes, vectorizer=None):
    """The training part as a dataset, the others as tensors; without a ``vectorizer`` the first
    makes it.
    """
    data = MultiTaskDataset.from_frame(train, vectorizer, n_classes=n_classes)
    same = data.vectorizer, data.task_names, n_classes
    return data, *(MultiTaskDataset.from_frame(part, *same).stacked() for part in (val, test))


def _strategy(strategy, data, val, test):
    """Fit the penalty path of one strategy, choose on validation, score on test."""
    options = {"tasks": data.task_names, "init": "zero"}
    shape = (data.n_features, data.n_classes)
    if strategy == "RAG":
        model = RAG(*shape, data.n_tasks, **options)
        grid = np.array(np.meshgrid(STRENGTHS, STRENGTHS)).reshape(2, -1)  # lam, lam_shared
    elif strategy.startswith("independent"):
        model, grid = RAG.independent(*shape, **options), (FINE, 0.0)
    else:
        bias = "task" if strategy.endswith("task bias") else "shared"
        model, grid = RAG.full_sharing(*shape, bias=bias, **options), (0.0, FINE)
    path = solve_path(model, data, *grid, tol=1e-4)
    best = int(path.losses(val).mean(0).argmin())
    model = path.model(best)
    chosen = [
        ("mean", "lam", path.lam[best].item()),
        ("mean", "lam_shared", path.lam_shared[best].item()),
    ]
    return _scores(model, test) + chosen, model.num_parameters(trainable=True)


def _phrases(data, strategy):
    """A vectoriser that gives a strategy as many numbers as RAG's (T + 1) C d: the words of
    ``data`` and the most frequent pairs and triples, as many as that takes, or fewer if there are
    no more.
    """
    matrices = data.n_tasks if strategy.startswith("independent") else 1
    width = data.n_features * (data.n_tasks + 1) // matrices
    counter = make_vectorizer("bow", ngrams=3)
    counts = np.asarray(counter.fit_transform(data.texts).sum(0)).ravel()  # (n_phrases,)
    names = counter.get_feature_names_out()
    is_word = np.array([name in data.vectorizer.vocabulary_ for name in names])
    chosen = np.lexsort((-counts, ~is_word))[:width]  # words first, then by count; ties by name
    return make_vectorizer(ngrams=3).set_params(vocabulary=sorted(names[chosen])).fit(data.texts)


def _majority(train, test, n_classes):
    """Say the task's most frequent training class, with its frequencies (plus one each) as
    probabilities.
    """
    scores = []
    for task, rows in test.groupby("task", sort=False):
        counts = np.bincount(train.loc[train["task"] == task, "label"], minlength=n_classes)
        log_p = np.log((counts + 1) / (counts + 1).sum())
        said = np.full(len(rows), counts.argmax())
        scores += _metrics(task, rows["label"].to_numpy(), said, -log_p[rows["label"]].mean())
    return scores + _means(scores), 0


@torch.no_grad()
def _scores(model, test):
    logits = task_logits(
        test.x, model.task_weights(), model.task_bias()
    )  # (n_tasks, n_classes, n_docs)
    losses, scores = cross_entropy(logits, test.onehot, test.weight).tolist(), []
    for t, (task, n) in enumerate(zip(test.task_names, test.sizes, strict=True)):
        said = logits[t, :, :n].argmax(0)
        scores += _metrics(task, test.y[t, :n].numpy(), said.numpy(), losses[t])
    return scores + _means(scores)


def _metrics(task, truth, said, log_loss):
    right, classes = truth == said, np.unique(truth)
    f1 = [2 * right[truth == c].sum() / ((truth == c).sum() + (said == c).sum()) for c in classes]
    return [
        (task, "accuracy", float(right.mean())),
        (
            task,
            "macro_f1",
            float(np.mean(f1)),
        ),  # as scikit-learn's, whose checks cost a quarter of a draw
        (task, "log_loss", float(log_loss)),
    ]


def _means(scores):
    metrics = dict.fromkeys(metric for _, metric, _ in scores)
    return [
        ("mean", m, float(np.mean([v for _, metric, v in scores if metric == m]))) for m in metrics
    ]


def _per_seed(table, metric):
    one_of("metric", metric, list(table["metric"].unique()))
    return table[(table["metric"] == metric) & (table["task"] == "mean")]


def _checked(frame, sizes):
    """The frame, its tasks named by strings; refuses sizes and frames that no draw could be made
    of.
    """
    whole("number of sizes", len(sizes), 1)
    for n in sizes:
        if n is not None or frame is None:
            whole("n_per_task", n, 1)
    if frame is None:
        return None
    frame = as_frame(frame)
    names = frame.attrs["label_names"]
    if len(names) < 2:
        raise refuse(
            expected="labels of at least two classes",
            got=f"{len(names)}: {names}",
            fix="check the label column, and what you filtered",
        )
    count = frame["task"].value_counts()
    if "mean" in count:
        raise refuse(
            expected="task names other than 'mean'",
            got="a task called 'mean', which is the name of the average over tasks",
            fix="rename that task",
        )
    for n in sizes:
        need = 5 if n is None else 2 * n + 1
        if count.min() < need:
            raise refuse(
                expected=f"at least {need} sentences in every task: {n or '60 %'} to train, {n or '20 %'} to "
                "choose by, and the rest to test",
                got=f"{count.min()} in task {count.idxmin()!r}",
                fix=f"set n_per_task to at most {(count.min() - 1) // 2}, or add sentences"
                if count.min() > 2
                else "add sentences, or leave that task out",
            )
    return frame
