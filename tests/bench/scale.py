"""How far it scales: seconds and memory from a thousand rows to a million, and beyond memory.

    python tests/bench/scale.py            the whole table, some minutes
    python tests/bench/scale.py --quick    a few rows of it

Enters: nothing; the documents are random words (15 of 50,000, frequent words as frequent as in texts).
Leaves: three tables on the screen and in ``build/bench/`` (scale-table.csv, scale-equal.csv, scale-stream.csv).
Each case is a process of its own, so that its peak memory is its own. Seconds are those of the CPU, on one thread:
what else the machine does at the time hardly counts.

    table   stacking, a full step, an epoch of mini-batches (256 rows of each task), the exact optimum; a corner that
            would need more than 8 GB says the estimate, and one of more than 300,000 logits has no optimum
    equal   the optimum of independent models beside scikit-learn's LogisticRegression, one a task, on the
            same sparse documents: how long until both have the same J
    stream  one epoch over batches that are made as they are read; time for 10 million rows is extrapolated
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from ragteach import RAG, MultiTaskDataset, fit, solve
from ragteach.engine.optimum import bytes_of_a_search

N_WORDS, PER_DOC = 50_000, 15
BATCH = 32_768  # rows of a stream's batch
CASES = [  # rows, tasks, classes: every corner of the cube, and ways between
    (rows, tasks, classes)
    for rows in (1_000, 10_000, 100_000, 1_000_000)
    for tasks, classes in ((2, 2), (20, 5), (2, 50), (500, 2), (500, 50))
    if rows >= 2 * tasks
] + [(100_000, 4, 3), (1_000_000, 4, 3)]
MOST_MB = 8_000  # a case that would need more is not run: its row says the estimate
SOLVED = 300_000  # rows x classes up to which the optimum is looked for
QUICK = [(1_000, 2, 2), (10_000, 20, 5), (100_000, 4, 3)]
EQUAL = [(2_000, 4, 3), (2_000, 20, 10), (20_000, 20, 3)]


def documents(n_rows, n_words=N_WORDS, seed=0):
    """Random documents, (n_rows, n_words) scipy CSR: word w occurs about as often as w ** -2/3."""
    rng = np.random.default_rng(seed)
    words = (n_words * rng.random(n_rows * PER_DOC) ** 3).astype(np.int32)
    numbers = np.full(n_rows * PER_DOC, PER_DOC**-0.5, dtype=np.float32)
    indptr = np.arange(0, n_rows * PER_DOC + 1, PER_DOC, dtype=np.int32)
    x = sp.csr_matrix((numbers, words, indptr), shape=(n_rows, n_words))
    x.sum_duplicates()
    return x


def labels(x, n_classes, seed=1):
    """Classes that the words decide, with noise."""
    rng = np.random.default_rng(seed)
    scores = x @ (3 * rng.normal(size=(x.shape[1], n_classes)))
    return (scores + rng.gumbel(size=scores.shape)).argmax(1)


def unequal(n_rows, n_tasks, seed=2):
    """Tasks of the rows: the largest has a tenth of them, the others fall like 1 / rank."""
    share = 1 / np.arange(10, 10 + n_tasks)
    task = np.random.default_rng(seed).choice(n_tasks, n_rows, p=share / share.sum())
    task[:n_tasks] = np.arange(n_tasks)
    return task


def peak():
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(call):
    """Seconds of CPU, and what the call returns."""
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def estimated_MB(n_rows, n_tasks, n_classes):
    """What training takes: some 18 arrays like the weights (measured: gradient, Adam's moments and their
    temporaries, W_t, the last finite weights), and what a full step holds for every logit, padding included.
    """
    weights = 18 * 4 * (n_tasks + 1) * n_classes * N_WORDS
    logits = 2 * 6 * 4 * n_rows * n_classes
    return 450 + (weights + logits) / 2**20


def table_case(n_rows, n_tasks, n_classes):
    """One row of the table."""
    row = {"rows": n_rows, "tasks": n_tasks, "classes": n_classes}
    row["estimated_MB"] = estimated_MB(n_rows, n_tasks, n_classes)
    if row["estimated_MB"] > MOST_MB:
        return row
    x = documents(n_rows)
    data = MultiTaskDataset(x, labels(x, n_classes), n_classes, unequal(n_rows, n_tasks))
    row["data_MB"] = peak()
    row["stack"], tensors = timed(data.stacked)
    model = RAG(N_WORDS, n_classes, n_tasks, tasks=data.task_names, init="zero")
    options = dict(lam=0.01, lam_shared=0.01, progress=False, device="cpu")
    fit(model, tensors, epochs=1, **options)
    row["step"] = timed(lambda: fit(model, tensors, epochs=2, **options))[0] / 2
    row["epoch"] = timed(lambda: fit(model, tensors, epochs=1, batch_size=256, **options))[0]
    row["peak_MB"] = peak()
    if (
        n_rows * n_classes <= SOLVED
        and bytes_of_a_search(n_weights(model), n_rows, n_classes) < MOST_MB * 2**20
    ):
        row["solve"], found = timed(lambda: solve(model, data, lam=0.01, lam_shared=0.01, tol=1e-4))
        row["converged"] = found.converged
        row["solve_peak_MB"] = peak()
    return row


def n_weights(model):
    return sum(p.numel() for p in model.parameters())


def equal_case(n_rows, n_tasks, n_classes, lam=0.01):
    """Independent models: ours and scikit-learn's, CPU seconds to the same J."""
    from sklearn.linear_model import LogisticRegression

    x, task = documents(n_rows), np.arange(n_rows) % n_tasks
    y = labels(x, n_classes)
    data = MultiTaskDataset(x, y, n_classes, task)
    model = RAG.independent(N_WORDS, n_classes, tasks=data.task_names)
    begin, theirs = time.process_time(), 0.0
    fitted = []
    for t in range(n_tasks):
        rows = task == t
        one = LogisticRegression(C=1 / (lam * rows.sum()), max_iter=1000)
        fitted.append(one.fit(x[rows], y[rows]))
    seconds = time.process_time() - begin
    for t, one in enumerate(fitted):
        rows = task == t
        p = one.predict_proba(x[rows])[np.arange(rows.sum()), y[rows]]
        theirs += -np.log(p).mean() + lam / 2 * np.square(one.coef_).sum()
    for tol in (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6):  # the first that is as good
        begin = time.process_time()
        found = solve(model, data, lam=lam, lam_shared=0.0, tol=tol)
        ours = time.process_time() - begin
        if found.objective <= theirs + 1e-9:
            break
    return {"rows": n_rows, "tasks": n_tasks, "classes": n_classes, "sklearn": seconds, "ours": ours,
            "J_sklearn": float(theirs), "J_ours": found.objective, "tol": tol}  # fmt: skip


class Endless:
    """Batches that are made as they are read: hashed words, never held."""

    def __init__(self, n_rows, n_tasks, n_words):
        self.n_rows, self.n_tasks, self.n_words = n_rows, n_tasks, n_words

    def __iter__(self):
        for first in range(0, self.n_rows, BATCH):
            n = min(BATCH, self.n_rows - first)
            rng = np.random.default_rng(first)
            x = documents(n, self.n_words, first)
            yield x, x.indices[x.indptr[:-1]] % 3, rng.integers(0, self.n_tasks, n)


def stream_case(n_rows, n_tasks=500, n_words=2**14):
    """One epoch over a stream, three classes."""
    model = RAG(n_words, 3, n_tasks, init="zero")
    stream = Endless(n_rows, n_tasks, n_words)
    options = dict(epochs=1, lr=0.01, progress=False, device="cpu")
    fit(model, Endless(2 * BATCH, n_tasks, n_words), **options)
    early = peak()
    seconds, _ = timed(lambda: fit(model, stream, **options))
    return {"rows": n_rows, "tasks": n_tasks, "words": n_words, "seconds": seconds,
            "peak_MB_after_2_batches": early, "peak_MB": peak(),
            "extrapolated_hours_10M_rows": seconds / n_rows * 1e7 / 3600}  # fmt: skip


KINDS = {"table": table_case, "equal": equal_case, "stream": stream_case}


def run(kind, case):
    """One case in a process of its own."""
    command = [sys.executable, __file__, "--case", kind, *map(str, case)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise SystemExit(f"{kind} {case} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few rows of each table")
    parser.add_argument("--case", nargs="+", help="one case, printed as JSON: kind and its numbers")
    parser.add_argument(
        "--out", type=Path, default=Path("build/bench"), help="folder for the tables"
    )
    options = parser.parse_args(given)
    if options.case:
        torch.set_num_threads(1)
        kind, *case = options.case
        print(json.dumps(KINDS[kind](*map(int, case))))
        return
    plans = {
        "table": QUICK if options.quick else CASES,
        "equal": EQUAL[:1] if options.quick else EQUAL,
        "stream": [(100_000,)] if options.quick else [(100_000,), (1_000_000,)],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for kind, cases in plans.items():
        print(f"\n{kind}", flush=True)
        rows = []
        for i, case in enumerate(cases):
            print(
                f"{kind} {i + 1}/{len(cases)}: {' x '.join(map(str, case))}",
                file=sys.stderr,
                flush=True,
            )
            row = run(kind, case)
            rows.append(row)  # written at once: a run that is stopped keeps what it measured
            pd.DataFrame(rows).to_csv(options.out / f"scale-{kind}.csv", index=False)
            print("  ".join(f"{name} {value:.3g}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
