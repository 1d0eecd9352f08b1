"""From a file of your own to a model in a file: the command ``train``.

    python -m ragteach train mine.csv --save model.safetensors
    python -m ragteach predict model.safetensors --task films < sentences.txt

Enters: a table of texts with labels and tasks.  Leaves: one file with the model, its words, and the
names of your tasks and classes. Lambda is chosen on validation sentences; what is printed is scored
on test sentences, which chose nothing. The saved model is the one that was tested.

A program that is stopped loses little. The model is saved as soon as it is there, before its rivals
are trained; and what each penalty came to is kept beside it (``model.safetensors.tries/``) until
all is done, so that ``--resume`` ends at the same model, bit by bit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ragteach.data.frames import check_classes
from ragteach.data.kin import about_kin
from ragteach.data.splits import kin_of
from ragteach.data.survey.look_views import counted
from ragteach.data.wild.asked import asked_frame
from ragteach.errors import RagteachError, refuse
from ragteach.ground.aligned import aligned
from ragteach.ground.stopping import sign_of
from ragteach.ground.writing import check_place
from ragteach.integrations.saving import save
from ragteach.study.one_split import Split, checked_parts, fit_split
from ragteach.study.strategies import STRATEGIES

LARGE = 10_000_000  # bytes: a larger file takes seconds to be read


def run_train(options: argparse.Namespace) -> int:
    """Run ``train``: print the scores, save the model."""
    folder = Path(options.save).resolve().parent
    if not folder.is_dir():
        raise refuse(
            expected="--save to name a file in a folder that exists",
            got=f"no folder {folder}",
            fix=f"make it first: mkdir -p {folder}",
        )
    check_place(options.save, "--save")
    frame = _read(options)
    chosen = options.strategy
    order = [chosen, *(name for name in STRATEGIES if name != chosen)]
    notes = {"data": Path(options.file).name}
    fitted: list[Split] = []

    def keep(split: Split) -> None:
        """The model that was asked for is saved as soon as it is there, before its rivals."""
        fitted[:] = [split]
        if len(split.fitted) == 1:
            save_split(options.save, split, chosen, **notes)
            print(scores(split, chosen), flush=True)

    device = Path(options.save).exists() and not Path(options.save).is_file()
    tries = None if device else Path(f"{options.save}.tries")
    try:
        split = fit_split(
            frame,
            options.seed,
            order,
            options.max_words,
            keep,
            tries,
            options.resume,
            progress=True,
        )
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt(_stopped(options, fitted, sign_of(stopped))) from None
    except RagteachError:
        if tries is not None:
            with contextlib.suppress(OSError):  # a folder that holds something stays
                (tries / "parts").rmdir()
                tries.rmdir()
        raise
    try:
        if tries is not None:
            shutil.rmtree(tries, ignore_errors=True)
        print(in_one_line(split), flush=True)
    except KeyboardInterrupt as stopped:
        if tries is not None:
            shutil.rmtree(tries, ignore_errors=True)
        raise KeyboardInterrupt(
            f"Expected: to print how {chosen} and its rivals compare\n"
            f"Got: {sign_of(stopped)} when all of them were fitted; {chosen} is saved in "
            f"{options.save}\n"
            "What to do: use it with predict"
        ) from None
    print(_how_to_use(options.save, split))
    return 0


def _read(options: argparse.Namespace) -> pd.DataFrame:
    """The file as a standard frame; of a large one it is said that it is being read."""
    path = Path(options.file)
    if path.is_file() and path.stat().st_size > LARGE:
        print(f"Reading {path} ({path.stat().st_size / 1e6:,.0f} MB)", file=sys.stderr)
    frame = asked_frame(options.file, options)
    check_classes(frame)
    with warnings.catch_warnings():  # what is said of small tasks stands below
        warnings.simplefilter("ignore")
        checked_parts(frame, options.seed)
    tasks = counted(frame["task"].unique(), "task")
    classes = counted(frame.attrs["label_names"], "class")
    print(f"{len(frame):,} rows, {tasks}, {classes}", file=sys.stderr)
    kin = about_kin(kin_of(frame)["apart"])
    if kin:
        print(f"Note: {kin}", file=sys.stderr)
    return frame


def _stopped(options: argparse.Namespace, fitted: list[Split], sign: str) -> str:
    """What Ctrl-C (or another sign to stop) left."""
    done = list(fitted[-1].fitted) if fitted else []
    kept = f"{done[0]} is saved in {options.save}" if done else "no model is saved yet"
    fix = "do the same again with --resume: penalties that were tried are not tried again"
    fix = f"use it with predict, or {fix}" if done else fix
    return (
        f"Expected: to fit {options.strategy} and {len(STRATEGIES) - 1} rivals\n"
        f"Got: {sign} after {len(done)} of {len(STRATEGIES)}; {kept}\n"
        f"What to do: {fix}"
    )


def _how_to_use(path: str, split: Split) -> str:
    return (
        f"\nSaved {Path(path).resolve()}. To use it, one sentence a line:\n"
        f"  python -m ragteach predict {shlex.quote(str(path))} --task "
        f"{shlex.quote(split.task_names[0])} < sentences.txt\n"
        "Or a table, each row by its own task: --input new.csv. Add --all for the probability of "
        "every class."
    )


def scores(split: Split, strategy: str) -> str:
    """Test accuracy per task with intervals, as text."""
    table = split.accuracy(strategy)
    shown = pd.DataFrame(
        {
            "task": table["task"],
            "test sentences": table["n"],
            "accuracy": [f"{r.accuracy:.1%}" if r.n else "not tested" for r in table.itertuples()],
            "95 % interval": [
                f"{r.low:.1%} to {r.high:.1%}" if r.n else "" for r in table.itertuples()
            ],
        }
    )
    chosen = split.fitted[strategy]
    parts = (
        f"{len(split.train):,} rows trained, {len(split.val):,} chose lambda, "
        f"{len(split.test):,} tested (seed {split.seed})"
    )
    penalties = f"lambda = {chosen.lam:.3g}, lambda_shared = {chosen.lam_shared:.3g}"
    counted_as = split.about_counted()
    counted_as = f"\n{counted_as}\n" if counted_as else ""
    return f"{strategy}: {parts}; {penalties}\n\n{aligned(shown)}\n{counted_as}"


def in_one_line(split: Split) -> str:
    """All strategies on the same test sentences, and whether the first two differ clearly.

    Which two these are was seen on the same sentences. So their interval is widened for all pairs
    that it might have been (Bonferroni).
    """
    share = {name: split.right(name).mean() for name in split.fitted}
    names = sorted(share, key=lambda name: -share[name])
    listed = ", ".join(f"{name} {share[name]:.1%}" for name in names)
    line = f"On the same {len(split.test):,} test sentences: {listed}."
    if len(names) > 1:
        pairs = len(names) * (len(names) - 1) // 2
        middle, low, high = split.difference(names[0], names[1], 1 - 0.05 / pairs)
        clear = "a clear lead" if low > 0 else "no clear difference"
        picked = f"; widened, since these two of {pairs} pairs were picked afterwards"
        line += (
            f" {names[0]} minus {names[1]}: {100 * middle:+.1f} points "
            f"({100 * low:+.1f} to {100 * high:+.1f}{picked if pairs > 1 else ''}), {clear}. "
            "One split is a hint; compare takes many."
        )
    return line


def save_split(path: str | os.PathLike, split: Split, strategy: str, **notes: Any) -> Path:
    """Save the fitted model of one strategy with its words, names and how it came about."""
    fitted = split.fitted[strategy]
    return save(
        path,
        fitted.model,
        split.vectorizer,
        split.own_classes or split.class_names,
        lam=fitted.lam,
        lam_shared=fitted.lam_shared,
        strategy=strategy,
        seed=split.seed,
        version=version("ragteach"),
        **notes,
    )
