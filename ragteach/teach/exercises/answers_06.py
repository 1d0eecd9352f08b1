"""Reference answers of lesson 06, and a table to try its checks on."""

import numpy as np
import pandas as pd
from scipy import stats

from ragteach.dataset import MultiTaskDataset
from ragteach.study.experiment import COLUMNS


def paired_interval(a, b):
    d = a - b
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean(), d.mean() - half, d.mean() + half


def equal_widths(n_features, n_classes, n_tasks):
    weights = (n_tasks + 1) * n_classes * n_features  # of RAG, without biases
    return weights / n_classes, weights / (n_classes * n_tasks)


def honest_score(val_loss, test_accuracy):
    chosen = val_loss.argmin(axis=1)  # (n_seeds,)
    return test_accuracy[np.arange(len(chosen)), chosen].mean()


def resplit_interval(differences, test_per_train):
    n = len(differences)
    scale = np.sqrt(differences.var(ddof=1) * (1 / n + test_per_train))
    half = stats.t.ppf(0.975, n - 1) * scale
    return differences.mean(), differences.mean() - half, differences.mean() + half


def fair_comparison(draw, strategies, tries, seeds, score):
    found = {name: [] for name in strategies}
    for seed in seeds:
        train, val, test = draw(seed)  # one draw, for all strategies
        data = MultiTaskDataset.from_frame(train)  # the vocabulary: training sentences only
        choose, final = (
            MultiTaskDataset.from_frame(part, data.vectorizer, data.task_names)
            for part in (val, test)
        )
        for name, fit in strategies.items():
            models = [fit(data, penalty) for penalty in tries[name]]
            losses = [score(model, choose)["loss"] for model in models]
            best = models[int(np.argmin(losses))]  # validation chooses
            found[name].append(score(best, final)["accuracy"])  # the test set is read once
    return {name: np.array(values) for name, values in found.items()}


def scores(strategy_means, n_seeds=8, spread=0.01, seed=0):
    """A small table in the form of `compare`, for the reference and the tests."""
    rng = np.random.default_rng(seed)
    rows = [
        (
            "toy",
            strategy,
            "mean",
            s,
            20,
            "accuracy",
            mean + spread * rng.normal(),
            0,
            0.0,
            "fresh",
            0.0,
        )
        for strategy, mean in strategy_means.items()
        for s in range(n_seeds)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
