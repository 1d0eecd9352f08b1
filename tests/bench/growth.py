"""How time and memory grow with tasks, adapters, features and replicas."""

from __future__ import annotations

import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from contenders import article_loop, problem

import ragteach as rt

STYLES = {"batched": ("#0072B2", "o", "-"), "loop": ("#D55E00", "s", "--")}


def seconds(f, reps):
    """Median time of f, after one warm-up."""
    f()
    times = []
    for _ in range(reps):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def wide(n_features, n_tasks=4, n_docs=60, words=20, seed=0):
    """Sparse documents of a large vocabulary, as a dataset that stays sparse above 5,000
    features.
    """
    rng = np.random.default_rng(seed)
    n = n_tasks * n_docs
    columns = rng.integers(0, n_features, n * words)
    x = sp.csr_matrix(
        (np.ones(n * words, np.float32), (np.repeat(np.arange(n), words), columns)), (n, n_features)
    )
    return rt.MultiTaskDataset(
        x, rng.integers(0, 3, n), 3, tasks=np.repeat(np.arange(n_tasks), n_docs)
    )


def studies(quick):
    """(axis, size, contender, seconds of `steps` steps as a function)"""
    steps = 2 if quick else 10
    top = 8 if quick else 64

    def train(model, data, replicas=16):
        return lambda: rt.train_many(model, data, [0.01] * replicas, steps=steps)

    def adapters(k, data):
        return rt.RAG(data.n_features, 3, k, tasks=data.task_names, graph="random", per_task=1)

    for n in [2**i for i in range(1, 7) if 2**i <= top]:
        data = problem(n, 60, 300)
        model = rt.RAG(300, 3, n, tasks=data.task_names)
        yield "tasks", n, "batched", train(model, data, 1), steps
        yield (
            "tasks",
            n,
            "loop",
            lambda m=model, d=data: article_loop(m, d, steps, 0.05, 0.01),
            steps,
        )
        data = problem(16, 60, 300)
        yield "adapters", n, "batched", train(adapters(n, data), data), steps
    for n in (300, 1200, 6000) if quick else (300, 1200, 4800, 6000, 24000, 96000):
        data = wide(n)
        model = rt.RAG(n, 3, 4, tasks=data.task_names)
        yield "features", n, "batched", train(model, data.stacked(), 1), steps
    data = problem(4, 60, 300)
    model = rt.RAG(300, 3, 4, tasks=data.task_names)
    for n in (1, 4, 16) if quick else (1, 4, 16, 64, 256):
        yield "replicas", n, "batched", train(model, data, n), steps


def growth(out, reps, quick):
    """growth.csv and growth.png: seconds per step, and the slope of its logarithm."""
    rows = []
    for axis, size, contender, f, steps in studies(quick):
        per_step = seconds(f, 3 if quick else reps) / steps
        rows.append((axis, size, contender, per_step, per_step / size))
        print(
            f"{axis:9} {size:6d} {contender:8} {per_step:.2e} s per step, {per_step / size:.2e} s per one",
            flush=True,
        )
    table = pd.DataFrame(
        rows, columns=["axis", "size", "contender", "s_per_step", "s_per_step_and_unit"]
    )
    table["slope"] = 0.0
    fig, axes = plt.subplots(1, 4, figsize=(15, 4), layout="constrained")
    for ax, (axis, part) in zip(axes, table.groupby("axis", sort=False), strict=True):
        for name, line in part.groupby("contender", sort=False):
            slope = float(np.polyfit(np.log(line["size"]), np.log(line["s_per_step"]), 1)[0])
            table.loc[line.index, "slope"] = slope
            color, marker, style = STYLES[name]
            ax.loglog(
                line["size"],
                line["s_per_step"],
                style,
                color=color,
                marker=marker,
                label=f"{name}: slope {slope:.2f}",
            )
        if axis == "features":
            ax.axvline(5000, color="black", ls=":", label="sparse from here")
        ax.xaxis.set_minor_formatter("")
        ax.yaxis.set_minor_formatter("")
        ax.set(xlabel=axis, ylabel="seconds per step", title=f"time against {axis}")
        ax.legend(fontsize=8)
    table.to_csv(Path(out) / "growth.csv", index=False)
    fig.savefig(Path(out) / "growth.png", dpi=110)
    plt.close(fig)
    return table


def peak_mb(f):
    """Largest resident memory while f runs, above what there was, in MB (Linux; else None)."""
    status = Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    except OSError:
        return None

    def read(key):
        return int(status.read_text().split(key + ":")[1].split()[0]) / 1024

    before = read("VmRSS")
    kept = f()
    peak = read("VmHWM") - before
    del kept
    return peak


def memory(out, quick):
    """memory.json: peak memory of many replicas within different budgets, and that the results
    agree.
    """
    data = problem(4, 60, 300)
    model = rt.RAG(300, 3, 4, tasks=data.task_names)
    n, steps = (400, 2) if quick else (4000, 3)
    lam = torch.logspace(-4, 0, n)
    rows, results = [], []
    for budget in (4.0, 1000.0):
        results.append(rt.train_many(model, data, lam[:50], steps=steps, budget_mb=budget))
        peak = peak_mb(lambda b=budget: rt.train_many(model, data, lam, steps=steps, budget_mb=b))
        rows.append({"budget_mb": budget, "replicas": n, "peak_mb": peak})
        print(f"{n} replicas within {budget:.0f} MB: peak {peak} MB")
    same = max(
        float((getattr(results[0], k) - getattr(results[1], k)).abs().max())
        for k in ("shared", "adapters")
    )
    weights = (
        n * sum(t.numel() for t in (model.shared, model.adapter_weights(), model.bias)) * 4 / 2**20
    )
    report = {"peaks": rows, "largest_difference": same, "weights_mb": weights}
    Path(out, "memory.json").write_text(json.dumps(report, indent=1))
    return report
