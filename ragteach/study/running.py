"""Running: many draws on many processes, none of them lost.

Enters: jobs and a function.  Leaves: their rows, in the order of the jobs, whatever order they were
finished in.

A draw is kept as soon as it is finished. A worker that dies (killed, out of memory) costs the draws
that were under way; they are computed again by new workers. On a Dask cluster that is Dask's
to do: a draw that has killed as many workers as Dask allows is given up when all others are done.

The bar counts finished draws. Where they are computed in this process, one after the other, it also
says how far the draw under way is; elsewhere, that it waits, until the first is finished.
"""

from __future__ import annotations

import functools
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import joblib
import pandas as pd
from joblib.parallel import get_active_backend
from tqdm.auto import tqdm

from ragteach.errors import refuse, shown
from ragteach.ground.arguments import yes_no
from ragteach.ground.memory import at_most, free_memory
from ragteach.ground.stopping import once, sign_of
from ragteach.study.kept import Job, Kept, Stopped, Trial

MOST_JOBS = 1024  # processes; each takes memory of its own
HERE = ("LokyBackend", "MultiprocessingBackend", "ThreadingBackend", "SequentialBackend")
DEATHS = 3  # so many times in a row without a finished draw, and the run gives up
WHY = "often too little memory"

Rows = list[tuple]


class DeadOnDask(Exception):
    """A cluster's workers died at some draws, again and again."""


def run(
    work: Callable[..., Rows],
    jobs: Sequence[Job | Trial],
    kept: Kept,
    *,
    resume: bool = False,
    n_jobs: int | None = None,
    progress: bool = True,
    label: str = "",
    columns: list[str] | None = None,
    tells: bool = False,
) -> list[Rows]:
    """Do the work for every job.

    Args:
        work: from a job to its rows; goes to other processes.
        jobs: in the order of the result.
        kept: where finished draws go, and come from if ``resume``.
        n_jobs: processes, as in joblib; its backends (loky, threading, dask ...) all will do.
        progress: show a bar with the time left.
        label: of the bar.
        columns: names of the rows' columns, for the table of a run that is stopped.
        tells: whether the work takes ``told``, which it calls with a few words on how far it is;
            it gets one where the bar can show them.

    Raises:
        Stopped: Ctrl-C; says what is kept, and has the table of the finished draws.
        RagteachError: a full disk, or workers that die again and again; says what is kept.
    """
    done: dict[int, Rows] = {}
    if resume:
        found = {i: kept.load(job) for i, job in enumerate(jobs)}
        done = {i: rows for i, rows in found.items() if rows is not None}
    bar = tqdm(total=len(jobs), initial=len(done), disable=not progress, desc=label, unit=kept.what)
    here = _one_by_one(n_jobs)
    if here and tells and progress:
        work = functools.partial(work, told=bar.set_postfix_str)
    if not here and len(done) < len(jobs):
        bar.set_postfix_str(f"waiting for the first finished {kept.what}")
    deaths = 0
    try:
        with once():
            while len(done) < len(jobs):
                before = len(done)
                try:
                    for i, rows in _spread(work, jobs, done, n_jobs):
                        kept.save(jobs[i], rows, jobs)
                        done[i] = rows
                        bar.set_postfix_str("", refresh=False)
                        bar.update()
                except BrokenProcessPool as error:
                    deaths = deaths + 1 if len(done) == before else 1
                    if deaths >= DEATHS:
                        said = f"{DEATHS} deaths in a row ({type(error).__name__}: {WHY})"
                        raise _gave_up(said, kept, done, jobs) from None
                except DeadOnDask as error:
                    raise _gave_up(str(error), kept, done, jobs) from None
    except KeyboardInterrupt as stopped:
        raise Stopped(
            f"Expected: to finish {kept.n_all or len(jobs)} {kept.what}s\n"
            f"Got: {sign_of(stopped)}; {kept.said(len(done), len(jobs))}\n"
            f"What to do: {kept.advice()}",
            _table(done, columns),
        ) from None
    finally:
        bar.close()
    return [done[i] for i in range(len(jobs))]


def _one_by_one(n_jobs: int | None) -> bool:
    """Whether the jobs are done in this process, one after the other."""
    return type(get_active_backend()[0]).__name__ in HERE and joblib.effective_n_jobs(n_jobs) == 1


def _spread(
    work: Callable[[Any], Rows], jobs: Sequence[Job | Trial], done: dict, n_jobs: int | None
) -> Any:
    """(place, rows) of the jobs that are not done, as they are finished."""
    left = [(i, job) for i, job in enumerate(jobs) if i not in done]
    backend = get_active_backend()[0]
    if type(backend).__name__ == "DaskDistributedBackend":
        yield from _spread_on_dask(backend, work, left)
        return
    room = _room(min(joblib.effective_n_jobs(n_jobs), len(left)))
    todo = [joblib.delayed(_placed)(work, i, job, room) for i, job in left]
    parallel = joblib.Parallel(
        n_jobs=n_jobs,
        return_as="generator_unordered",
        batch_size=1,
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    with warnings.catch_warnings():
        # loky's, when it replaces an idle worker: nothing is lost by it
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        with _deaf_children():
            finished = parallel(todo)
        yield from finished


def _spread_on_dask(
    backend: Any, work: Callable[[Any], Rows], left: list[tuple[int, Any]]
) -> Iterator[tuple[int, Rows]]:
    """The same, by the cluster's own client: joblib never hears of a draw that Dask gave up, and
    would wait for it for ever.
    """
    from distributed import KilledWorker, as_completed

    client = backend.client
    options = backend.submit_kwargs
    waiting = [client.submit(_placed, work, i, job, None, pure=False, **options) for i, job in left]
    deaths: list[str] = []
    try:
        for future, result in as_completed(waiting, with_results=True, raise_errors=False):
            if future.status == "finished":
                yield result
                continue
            error = result[1] if isinstance(result, tuple) else result
            if not isinstance(error, KilledWorker):
                raise error
            deaths.append(type(error).__name__)
    finally:
        client.cancel(waiting)
    if deaths:
        raise DeadOnDask(f"{len(deaths)} that killed every worker of Dask's ({deaths[0]}: {WHY})")


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes that are started here never hear Ctrl-C: a terminal sends it to all of them, and
    each would print where it was. It is for this process to stop them.
    """
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _room(n_processes: int) -> int | None:
    """The bytes each process may take, where they share this machine's memory."""
    backend = type(get_active_backend()[0]).__name__
    free = free_memory()
    if n_processes < 2 or free is None or backend not in HERE:
        return None
    return free // n_processes


def _placed(work: Callable[[Any], Rows], i: int, job: Any, room: int | None) -> tuple[int, Rows]:
    with at_most(room):
        return i, work(job)


def _gave_up(said: str, kept: Kept, done: dict, jobs: Sequence[Job | Trial]) -> Exception:
    left = [job for i, job in enumerate(jobs) if i not in done]
    names = ", ".join(map(str, left[:3]))
    return refuse(
        expected=f"processes that live until their {kept.what} is finished",
        got=f"{said}, at {names}; {kept.said(len(done), len(jobs))}",
        fix=f"use fewer processes (n_jobs=1, or --jobs 1) or smaller data; then {kept.advice()}",
    )


def _table(done: dict[int, Rows], columns: list[str] | None) -> pd.DataFrame:
    return pd.DataFrame([row for i in sorted(done) for row in done[i]], columns=columns)


def check_resume(resume: Any, out: Any) -> None:
    """Refuse to go on from no folder."""
    yes_no("resume", resume)
    if resume and out is None:
        raise refuse(
            expected="a folder to go on from",
            got="resume = True without out",
            fix='name the folder of the run that was stopped: out="results"',
        )


def check_jobs(n_jobs: Any) -> None:
    """Refuse what is no number of processes."""
    if n_jobs is None:
        return
    whole_number = isinstance(n_jobs, int) and not isinstance(n_jobs, bool)
    if not whole_number or not 1 <= abs(n_jobs) <= MOST_JOBS:
        raise refuse(
            expected=f"n_jobs (--jobs) to be a whole number other than 0, or None; {MOST_JOBS} at "
            "most",
            got=f"n_jobs = {shown(n_jobs)}",
            fix="use 1 for one process, -1 for all cores",
        )
