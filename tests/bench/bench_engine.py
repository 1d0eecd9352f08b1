"""How fast the engine is: side by side with other ways to do the same, and with what the machine
can do.

``make bench`` writes build/bench/engine.csv and growth.csv, with a figure each. Every case is
measured in one process; in each repetition the contenders run in a random order. "Floor" is the
time of the matrix products alone, at the speed the same library reaches on the same shapes.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import random
import statistics
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from contenders import (
    BatchLoader,
    article_loop,
    merged_by_peft,
    plain_loop,
    problem,
    sklearn_solve,
    torchjd_loop,
)
from growth import growth, memory
from threadpoolctl import threadpool_limits

import ragteach as rt
from ragteach.engine.optimum import solve, solve_path
from ragteach.trainer import epoch_batches

N_CLASSES, N_TASKS, N_FEATURES = 3, 4, 300
LAM = 0.01
FREE = {"lam": 0.0, "lam_shared": 0.0}  # no penalties, as the other loops
PATH = np.logspace(-4, 0, 25)
CASES = ("grid180", "single", "epoch", "solve", "path25", "merged")
COLUMNS = [
    "case",
    "contender",
    "threads",
    "reps",
    "median_s",
    "min_s",
    "max_s",
    "ratio_to_ours",
    "ratio_to_floor",
]


def rag(tensors, bias="task", init="normal"):
    """One adapter per task."""
    shape = (tensors.n_features, tensors.n_classes, tensors.n_tasks)
    return rt.RAG(*shape, tasks=tensors.task_names, bias=bias, init=init)


def race(contenders, reps, seed=0):
    """Seconds of every repetition of every contender; each repetition in another order, after one
    warm-up.
    """
    shuffle, seconds = random.Random(seed), {name: [] for name in contenders}
    for rep in range(reps + 1):
        order = list(contenders)
        shuffle.shuffle(order)
        for name in order:
            start = time.perf_counter()
            contenders[name]()
            if rep:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def products(n_rows, x, steps):
    """The matrix products of ``steps`` gradient steps and nothing else: W x' and E x."""
    n_tasks, n_docs, n_features = x.shape
    weights = torch.randn(n_tasks, n_rows, n_features).to(x)
    errors = torch.randn(n_tasks, n_rows, n_docs).to(x)

    def run():
        for _ in range(steps):
            torch.bmm(weights, x.mT)
            torch.bmm(errors, x)

    return run


def cases(quick):
    """{case: (contenders, seconds are divided by this, floor)}"""
    steps, n_seeds = (20, 2) if quick else (200, 20)
    small = problem(N_TASKS, 60, N_FEATURES)
    lams = torch.logspace(-4, 0, 9).repeat(n_seeds)
    seeds = [seed for seed in range(n_seeds) for _ in range(9)]
    runs = len(seeds)
    options = {"lr": 0.05, "lam": LAM}
    yield (
        "grid180",
        {
            "ragteach": lambda: rt.train_many(
                rag(small), small, lams, 0.0, seeds, steps=steps, lr=0.05
            ),
            "floor": products(runs * N_CLASSES, small.x, steps),
        },
        {"article_loop": lambda: article_loop(rag(small), small, steps, **options)},
        runs,
    )
    fit_options = {"epochs": steps, "progress": False, "lam_shared": 0.0, **options}
    yield (
        "single",
        {
            "ragteach": lambda: rt.train_many(rag(small), small, LAM, 0.0, steps=steps, lr=0.05),
            "ragteach_fit": lambda: rt.fit(rag(small), small, **fit_options),
            "article_loop": lambda: article_loop(rag(small), small, steps, **options),
            "plain_loop": lambda: plain_loop(
                rag(small), small, [None] * steps, torch.optim.Adam, **options
            ),
            "floor": products(N_CLASSES, small.x, steps),
        },
        {},
        1,
    )
    wide = problem(N_TASKS, 256 if quick else 2000, 500)
    batches = epoch_batches(wide, 64, torch.Generator().manual_seed(0))
    sgd = {"optimizer": torch.optim.SGD, "lr": 0.5}
    loader = BatchLoader(wide, batches)
    contenders = {
        "ragteach": lambda: rt.fit(
            rag(wide), wide, epochs=1, batch_size=64, progress=False, **FREE, **sgd
        ),
        "plain_loop": lambda: plain_loop(rag(wide), wide, batches, **sgd),
        "dataloader_loop": lambda: plain_loop(rag(wide), wide, loader, **sgd),
        "floor": products(N_CLASSES, wide.x[:, :64].contiguous(), len(batches)),
    }
    if importlib.util.find_spec("torchjd"):
        contenders["torchjd"] = lambda: torchjd_loop(rag(wide), wide, batches, **sgd)
    yield "epoch", contenders, {}, 1
    plain = {"bias": "shared", "init": "zero"}
    yield (
        "solve",
        {
            "ragteach": lambda: [
                solve(rag(small, **plain), small, lam, lam) for lam in (1e-4, 1e-3, 1e-2, 1e-1)
            ],
            "sklearn": lambda: [sklearn_solve(small, lam) for lam in (1e-4, 1e-3, 1e-2, 1e-1)],
        },
        {},
        4,
    )
    lone = PATH[2::5]  # every fifth of the path
    yield (
        "path25",
        {
            "ragteach": lambda: solve_path(rag(small, **plain), small, PATH, LAM),
            **{
                f"one@{lam:.1e}": (lambda lam=lam: solve(rag(small, **plain), small, lam, LAM))
                for lam in lone
            },
        },
        {},
        1,
    )
    x, model = torch.randn(4096, N_FEATURES), rag(small)
    merged, linear = model.merge("task1"), torch.nn.Linear(N_FEATURES, N_CLASSES)
    repeat = 20
    contenders = {
        "ragteach": lambda: [merged(x) for _ in range(repeat)],
        "linear": lambda: [linear(x) for _ in range(repeat)],
        "floor": lambda: [x @ linear.weight.mT for _ in range(repeat)],
    }
    if importlib.util.find_spec("peft"):
        by_peft = merged_by_peft(N_FEATURES, N_CLASSES)
        contenders["peft"] = lambda: [by_peft(x) for _ in range(repeat)]
    yield "merged", {name: torch.no_grad()(f) for name, f in contenders.items()}, {}, repeat


STARTED = time.monotonic()


def tell(what):
    """What begins now, and the minutes and seconds since the benchmark began."""
    minutes, seconds = divmod(int(time.monotonic() - STARTED), 60)
    print(f"[{minutes:2d}:{seconds:02d}] {what}", flush=True)


def measure(reps, threads, quick, only=()):
    """Rows of the table for this number of threads; of the cases ``only``, if there are some."""
    torch.set_num_threads(threads)
    rows = []
    for case, contenders, lone, per in cases(quick):
        if only and case not in only:
            continue
        ran = len(contenders) + len(lone)
        tell(f"{case}, {threads} thread(s): {ran} ways, {reps + 1} times each")
        seconds = race({**contenders, **lone}, reps)
        seconds = {
            name: [s / (1 if name in lone else per) for s in times]
            for name, times in seconds.items()
        }
        floor = statistics.median(seconds.pop("floor")) if "floor" in seconds else float("nan")
        if case == "path25":  # one solve: in each repetition, the median of the lone, cold solves
            alone = [seconds.pop(name) for name in list(seconds) if name.startswith("one@")]
            seconds["one_solve"] = [statistics.median(times) for times in zip(*alone, strict=True)]
        ours = statistics.median(seconds["ragteach"])
        for name, times in seconds.items():
            median = statistics.median(times)
            row = (
                case,
                name,
                threads,
                reps,
                median,
                min(times),
                max(times),
                median / ours,
                median / floor,
            )
            rows.append(row)
            print(
                f"{case:8} {name:16} {median:.3e} s  x{median / ours:6.2f} ours  x{median / floor:6.2f} floor"
            )
    return rows


def ceilings(threads, n=1024):
    """The most this machine does with these libraries: (multiply-adds x 2 per second, bytes copied
    per s).
    """
    torch.set_num_threads(threads)
    a, b, big = torch.randn(n, n), torch.randn(n, n), torch.randn(1 << 24)
    into = torch.empty_like(big)
    gemm = min(race({"gemm": lambda: a @ b}, 7)["gemm"])
    copy = min(race({"copy": lambda: into.copy_(big)}, 7)["copy"])
    return 2 * n**3 / gemm, 2 * big.numel() * 4 / copy


def figure(table, limits, path):
    """Bars of time relative to ours, one panel per case; below, what the grid reaches of the
    ceilings.
    """
    one = table[table["threads"] == 1]
    names = list(dict.fromkeys(one["case"]))
    fig, axes = plt.subplots(2, 4, figsize=(14, 6.5), layout="constrained")
    for ax, case in zip(axes.flat, names, strict=False):
        part = one[one["case"] == case].iloc[::-1]
        ax.barh(
            part["contender"], part["ratio_to_ours"], color="#0072B2", hatch="//", edgecolor="white"
        )
        for y, ratio in enumerate(part["ratio_to_ours"]):
            ax.text(ratio, y, f" {ratio:.2f}x", va="center")
        floor = (part["ratio_to_ours"] / part["ratio_to_floor"]).iloc[0]
        if np.isfinite(floor):
            ax.axvline(floor, color="black", ls="--", label="products alone")
            ax.legend(fontsize=7)
        ax.set(
            title=case,
            xlabel="time / time of ragteach",
            xscale="log",
            xlim=(0.02, 8 * part["ratio_to_ours"].max()),
        )
    for ax in axes.flat[: len(names)]:
        ax.xaxis.set_minor_formatter("")
    gemm, copy = limits
    grid = one[(one["case"] == "grid180") & (one["contender"] == "ragteach")].iloc[0]
    work = 4 * N_TASKS * 60 * N_FEATURES * N_CLASSES * 200  # operations of one run
    ax = axes.flat[6]
    intensity = np.logspace(-1, 3, 50)  # operations per byte
    ax.loglog(
        intensity,
        np.minimum(gemm, copy * intensity),
        "k-",
        label="ceiling: copy, then matrix product",
    )
    ax.axhline(gemm, color="#D55E00", ls="--", label=f"matrix product {gemm / 1e9:.0f} Gflop/s")
    ax.plot(
        intensity, copy * intensity, color="#009E73", ls=":", label=f"copy {copy / 1e9:.0f} GB/s"
    )
    ax.axhline(work / grid["median_s"], color="#0072B2", ls="-.", label="grid180, as measured")
    ax.set(
        xlabel="operations per byte",
        ylabel="operations / s",
        title="ceilings of this machine",
        ylim=(1e8, 2 * gemm),
    )
    ax.legend(fontsize=7)
    axes.flat[7].axis("off")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def markdown(table):
    """The table of the README."""
    lines = [
        "| case | contender | threads | median | min - max | / ours | / floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        floor = "" if np.isnan(row.ratio_to_floor) else f"{row.ratio_to_floor:.2f}"
        lines.append(
            f"| {row.case} | {row.contender} | {row.threads} | {1e3 * row.median_s:.3g} ms | "
            f"{1e3 * row.min_s:.3g} - {1e3 * row.max_s:.3g} ms | {row.ratio_to_ours:.2f} | {floor} |"
        )
    return "\n".join(lines) + "\n"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: checks the program, not the machine"
    )
    parser.add_argument(
        "--only", nargs="+", default=(), choices=CASES, help="these cases, and no growth or memory"
    )
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.quick:
        print(f"This takes about {5 * len(args.threads)} minutes on two quiet cores.", flush=True)
    for name in ("torchjd", "peft", "LibMTL"):
        if importlib.util.find_spec(name) is None:
            print(f"{name} cannot be imported: skipped")
    before, rows = torch.get_num_threads(), []
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_num_threads, before)
        for threads in args.threads:
            # numpy, scipy and scikit-learn; torch is told in measure
            with threadpool_limits(threads):
                rows += measure(args.reps, threads, args.quick, args.only)
        table = pd.DataFrame(rows, columns=COLUMNS)
        if args.only:
            return table
        tell("what this machine can do")
        limits = ceilings(1)
        torch.set_num_threads(1)
        table.to_csv(args.out / "engine.csv", index=False)
        (args.out / "engine.md").write_text(markdown(table))
        figure(table, limits, args.out / "engine.png")
        tell("growth with tasks, adapters, features, replicas")
        growth(args.out, args.reps, args.quick)
        tell("memory")
        memory(args.out, args.quick)
        tell(f"done; tables and figures are in {args.out}")
    return table


if __name__ == "__main__":
    main()
