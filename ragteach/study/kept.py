"""Kept: finished draws (or trials) on disk, so that a stopped run loses nothing and goes on.

Enters: a folder.  Leaves: one small file a draw, ``draws/toy-n60-seed3-1f0c2a9be4d7.json``.

The last part of the name is a digest of all that decides the draw's numbers: the data, the knobs,
the strategies with their code and tries, the size, the seed, the packages' versions. So any number
of runs, at the same time if need be, may share a folder: they read each other's draws where they
are the same, and never where they are not. Numbers are written so that they come back bit by bit.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.encoder import Encoder
from ragteach.errors import refuse, shown
from ragteach.ground.objects import as_path
from ragteach.ground.writing import make_folder, write
from ragteach.study.identity import identity
from ragteach.study.strategies import Strategy

# Counted up when the same settings give other draws or other numbers: texts tied to their kin and
# dealt label by label since 2. A test holds the draws of each.
FORMAT = 3
SAID = (
    "label_names",
    "task_names",
    "analyzer",
    "fresh",
    "ordered",
)  # of a frame, what decides its numbers


@dataclass(frozen=True)
class Job:
    """One draw to be computed: the data's name, training sentences per task, seed, and knobs."""

    name: str
    n: int | None
    seed: int
    knobs: tuple[tuple[str, float], ...] = ()

    def key(self) -> list:
        """What tells this draw from the others of a run, as JSON can hold it."""
        return [self.name, self.n, self.seed, self.knobs]

    def file_name(self) -> str:
        """The first part of its file's name."""
        size = "60%" if self.n is None else str(self.n)
        return f"{self.name}-n{size}-seed{self.seed}"

    def __str__(self) -> str:
        return f"n = {self.n}, seed {self.seed}"


@dataclass(frozen=True)
class Trial:
    """One setting to be tried: its number in the search, and its parameters."""

    number: int
    params: dict

    def key(self) -> list:
        """What tells this trial from the others of a search: its parameters follow from it."""
        return [self.number]

    def file_name(self) -> str:
        """The first part of its file's name."""
        return f"trial{self.number}"

    def __str__(self) -> str:
        return f"trial {self.number}, {self.params}"


@dataclass(frozen=True)
class Tries:
    """Penalties of one strategy that are tried side by side: the first one's number."""

    strategy: str
    start: int

    def key(self) -> list:
        """What tells these tries from the others of a training."""
        return [self.strategy, self.start]

    def file_name(self) -> str:
        """The first part of its file's name."""
        return f"{self.strategy.replace(' ', '-')}-{self.start}"


class Stopped(KeyboardInterrupt):
    """Ctrl-C, said in three parts. ``table`` holds the finished draws."""

    def __init__(self, message: str, table: pd.DataFrame | None = None):
        super().__init__(message)
        self.table = table


class Kept:
    """The finished draws of a folder; without a folder nothing is kept.

    Args:
        out: the folder, made if it is not there; or None.
        settings: what all draws of the run have in common, as JSON can hold it (see `described`).
        what: they are called; the folder of their files is named so.
        n_all: how many the whole run has, if `running.run` is called for some of them at a time.

    Raises:
        RagteachError: a folder that cannot be written to, before any work is done.
    """

    def __init__(
        self,
        out: str | os.PathLike | None,
        settings: Any,
        what: str = "draw",
        n_all: int | None = None,
    ):
        self.folder = None if out is None else usable(out) / f"{what}s"
        self.settings, self.what, self.n_all = settings, what, n_all
        self.n_before = 0  # finished in calls before this one
        if self.folder is not None:
            usable(self.folder)

    def path(self, job: Job | Trial | Tries) -> Path:
        """Where the draw of this job is kept."""
        assert self.folder is not None, "nothing is kept without a folder"
        text = json.dumps([FORMAT, self.settings, *job.key()])
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return self.folder / f"{job.file_name()}-{digest}.json"

    def load(self, job: Job | Trial | Tries) -> list[tuple] | None:
        """The rows of a finished draw, or None if it is not there."""
        if self.folder is None:
            return None
        try:
            text = self.path(job).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return [tuple(row) for row in json.loads(text)["rows"]]
        except (ValueError, KeyError, TypeError) as error:
            raise refuse(
                expected=f"a finished {self.what}, as an earlier run wrote it",
                got=f"{self.path(job)}, which is damaged ({error})",
                fix="delete that file, then go on with resume: only this one is computed again",
            ) from None

    def save(
        self, job: Job | Trial | Tries, rows: list[tuple], jobs: Sequence[Job | Trial] = ()
    ) -> None:
        """Keep a finished draw; ``jobs`` are those of the run, to say how many are kept.

        Raises:
            RagteachError: no room for it.
        """
        if self.folder is None:
            return
        try:
            write(self.path(job), json.dumps({"rows": rows}).encode())
        except OSError as error:
            there = sum(self.load(one) is not None for one in jobs)
            said = self.said(there, len(jobs)) if jobs else "what was finished before is kept there"
            raise refuse(
                expected=f"room to keep the finished {self.what}s in {self.folder}",
                got=f"{error.strerror or error}; {said}",
                fix=f"make room, then {self.advice()}",
            ) from error

    def said(self, n_done: int, n_jobs: int) -> str:
        """What is kept of a run that did not end, in words."""
        n_done = n_done + self.n_before
        done = f"{n_done} of {self.n_all or n_jobs} {self.what}s are finished"
        return done if self.folder is None else f"{done} and kept in {self.folder}"

    def advice(self) -> str:
        """How to go on."""
        if self.folder is None:
            return f"start again with out=..., a folder in which finished {self.what}s are kept"
        return "do the same again with resume=True (on the command line: --resume)"


def usable(folder: str | os.PathLike) -> Path:
    """The folder, made if need be, in which a file can be written; else refused, before any work.

    Example:
        >>> import tempfile
        >>> usable(Path(tempfile.mkdtemp()) / "results").name
        'results'
    """
    if not isinstance(folder, str | os.PathLike) or folder == "":
        raise refuse(
            expected="out to be the path of a folder",
            got=f"out = {shown(folder)}",
            fix='use out="results"',
        )
    return make_folder(Path(str(as_path("out", folder))))


def digest(data: Any) -> str:
    """A digest of a dataset's numbers and names: another one has another."""
    x = data.x
    sparse = getattr(x, "matrix", x)
    arrays = [sparse.data, sparse.indices, sparse.indptr] if hasattr(sparse, "indptr") else [x]
    arrays += [getattr(data, name, None) for name in ("y", "task", "doc", "weight")]
    found = hashlib.sha256(repr([data.task_names, data.n_classes, x.shape]).encode())
    for array in arrays:
        rows = getattr(array, "rows", array)
        found.update(b"none" if rows is None else np.ascontiguousarray(rows).tobytes())
    return found.hexdigest()


def described(
    frame: pd.DataFrame | None, strategies: Iterable[Strategy], features: Encoder | None = None
) -> list:
    """The data, the strategies and the features of a run, as JSON can hold them."""
    data = None
    if frame is not None:
        columns = frame[["text", "label", "task"]].to_csv(index=False)
        data = [
            hashlib.sha256(columns.encode("utf-8", "surrogatepass")).hexdigest(),
            *map(frame.attrs.get, SAID),
            (frame.attrs.get("columns") or {}).get("label"),  # `stars` are amounts
        ]
    parts = [
        [
            s.name,
            identity(s.builder),
            identity(s.features),
            [list(map(float, t)) for t in s.tries],
        ]
        for s in strategies
    ]
    found = [versions(), data, parts]
    return found if features is None else [*found, features.identity]


def versions() -> dict[str, str]:
    """The packages that decide a draw's numbers: draws of other ones are other draws.

    Example:
        >>> list(versions())
        ['ragteach', 'torch', 'scikit-learn', 'numpy']
    """
    return {name: _version(name) for name in ("ragteach", "torch", "scikit-learn", "numpy")}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a checkout that nobody installed
        return "checkout"
