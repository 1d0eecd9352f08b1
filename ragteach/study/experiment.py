"""The fair experiment: RAG against full sharing and independent models.

Enters: data and a number of seeds.  Leaves: a tidy table, one row per strategy, task, seed and
    metric.

One seed is one draw of training, validation and test sentences (see `draws`). The vocabulary is
fitted on the training sentences. Every strategy (see `strategies`) tries the same number of
penalties, each solved to its optimum; the one with the least validation cross-entropy is scored,
once, on the test sentences, which never choose anything (see `scores`). The table is read by
`summary`, `paired` and `winners` (see `tables`, where the intervals are).
"""

from __future__ import annotations

import functools
import inspect
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import joblib
import pandas as pd
import torch

from ragteach.data.encoder import Encoder, as_encoder
from ragteach.data.files import load_article
from ragteach.data.frames import any_frame, check_classes
from ragteach.data.kin import twins
from ragteach.data.scales import LABELS
from ragteach.data.shares import effective
from ragteach.data.sources.human import load_human
from ragteach.data.splits import SplitWarning, groups, kin_of
from ragteach.data.survey.alike import cure_of_few
from ragteach.data.toy import TOY_TASKS, check_room, make_toy
from ragteach.data.wild.columns import ROLES
from ragteach.data.wild.reading import READING
from ragteach.errors import at_least, is_list, one_of, refuse, shown, whole
from ragteach.ground.arguments import MOST, among, as_list, members, yes_no
from ragteach.ground.objects import attribute, outside
from ragteach.study.costs import about_the_cost, how_long
from ragteach.study.draws import (
    LEAST_TO_TEST,
    cuts,
    draw,
    most_frequent,
    most_to_train,
    overlap_ratio,
    toy_size,
)
from ragteach.study.kept import Job, Kept, Stopped, described
from ragteach.study.own_classes import HeadParts, own_names, own_strategies, score_heads
from ragteach.study.running import check_jobs, check_resume, run
from ragteach.study.scores import Parts, class_values, score
from ragteach.study.strategies import BASELINES, STRATEGIES, Strategy, chosen_strategies, once
from ragteach.study.tables import COLUMNS, FRESH, RESPLIT, interval, paired, summary, winners

__all__ = [
    "BASELINES", "COLUMNS", "EdgeWarning", "KNOBS", "SIZES", "STRATEGIES", "Strategy", "compare",
    "draw", "interval", "paired", "summary", "who_wins_map", "winners",
]  # fmt: skip

SIZES: dict[str, int | tuple[int, ...]] = {"toy": 60, "human": (50, 200, 800), "article": 1}
OF_TABLES = (*ROLES, "missing", "analyzer", *READING, *LABELS)  # what `as_frame` may be told
SOON = 10.0  # seconds of a strategy: of less, a bar need not tell how long it will take
KNOBS = ("relatedness", "noise", "imbalance")  # of the toy generator


class EdgeWarning(UserWarning):
    """Chosen penalties lie on an edge of those that were tried: a better one may lie beyond."""


def compare(
    data: str | pd.DataFrame = "toy",
    seeds: int | Iterable[int] = 20,
    n_per_task: int | Iterable[int] | None = None,
    strategies: str | Strategy | Iterable[str | Strategy] = STRATEGIES + BASELINES,
    n_jobs: int | None = None,
    progress: bool = True,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    max_words: int | None = None,
    features: str | Encoder = "words",
    **knobs: Any,
) -> pd.DataFrame:
    """Train, choose and score every strategy on many draws of the data.

    What is estimated is how well a strategy does on the average over fresh training sets from
    where the data came from. Toy data are drawn afresh for every seed. Other data are finite: their
    draws re-split the same rows, so that they are not independent, and `summary`, `paired` and
    `winners` give them a wider interval (the corrected resampled t; see
    `ragteach.study.tables`). The columns draws and test_per_train say which it is.

    Args:
        data: ``"toy"``, ``"human"``, ``"article"``, or your own: a frame, a path, a dataset (see
            `as_frame`). Tasks with classes of their own get a head each; then the strategies are
            the first three and "majority class", and differ in who makes the representation under
            the heads (see `ragteach.study.own_classes`).
        seeds: how many draws, or a list of seeds, all different.
        n_per_task: training sentences per task, or a list of sizes for a learning curve. Default:
            toy 60; human 50, 200 and 800; article 1; a frame of your own 60 % of it.
        strategies: which of ``STRATEGIES + BASELINES``, or a `Strategy` of your own.
        n_jobs: processes, as in joblib (-1: all cores; None: what ``joblib.parallel_config`` says).
        progress: show a bar with the time left. With one process it also says which strategy is
            being fitted.
        out: a folder in which every draw is kept as soon as it is finished. Several runs may share
            it, also at the same time.
        resume: go on from the draws that are kept in ``out``; the table is the same, bit by bit
            (but for the seconds).
        max_words: keep only this many of the most frequent words of each training part, where the
            weights of all (tasks x classes x words) would not fit. Default: all words.
        features: what a sentence is to every strategy: ``"words"`` (tf-idf of the training part),
            ``"encoder"`` (a frozen network that reads it, see `ragteach.Encoder`; the extra
            ``deep``), or an `Encoder` of another model.
        knobs: for the toy generator: relatedness, noise, imbalance. For data of your own: text,
            label, task, missing, analyzer, and how a file is read, as in `as_frame`.

    Returns:
        DataFrame with the columns data, strategy, task, seed, n_per_task, metric, value, n_params,
        seconds, draws, test_per_train.
        Metrics: accuracy, balanced_accuracy, macro_f1, log_loss (test), and, where classes are
        amounts such as stars 1 to 5, mean_absolute_error (in stars); the chosen lam and lam_shared,
        and on_edge, 1 if the choice lies on an edge of those tried. ``task`` is a name, or "mean"
        over tasks.

    Raises:
        RagteachError: unknown data, strategy or knob; no seed, or one twice; labels that are no
            class numbers; a task with too few sentences; a folder that cannot be written to; all
            before anything is trained. Also a disk that is full, or processes that die again and
            again: then the message says what is kept.
        KeyboardInterrupt: Ctrl-C. Its message says what is kept; its ``table`` holds the finished
            draws.

    Warns:
        EdgeWarning: if chosen penalties lie on an edge of those tried, once a table.
        SplitWarning: if ``n_per_task`` leaves a task fewer than 20 sentences, and less than a
            fifth of its own, to test on.

    Example:
        >>> table = compare("toy", 1, n_per_task=10, strategies=["RAG"], progress=False)
        >>> sorted(table["metric"].unique())
        ['accuracy', 'balanced_accuracy', 'lam', 'lam_shared', 'log_loss', 'macro_f1', 'on_edge']
    """
    name = data if isinstance(data, str) and data in SIZES else "own"
    check_name("data", data)
    if name == "own":
        how = {option: knobs.pop(option) for option in OF_TABLES if option in knobs}
        data = any_frame(data, **how) if how else data
    _check_knobs(compare, knobs, (*KNOBS, *OF_TABLES) if name == "own" else KNOBS)
    if knobs and name != "toy":
        raise refuse(
            expected="no generator options with data that are not generated",
            got=", ".join(knobs),
            fix='leave them out, or use data="toy"',
        )
    encoder = as_encoder(features, progress and name != "toy")
    seeds = _seeds(seeds)
    sizes = _sizes(SIZES.get(name) if n_per_task is None else n_per_task)
    own = attribute(data, "attrs", {}).get("own_classes", False)
    found: Any = None if own else chosen_strategies(strategies)
    frame = _checked(_loaded(data), sizes)
    if frame is not None and frame.attrs["own_classes"]:
        found = own_strategies(strategies)
    elif found is None:  # a frame that had classes of its own for each task, before it was cut
        found = chosen_strategies(strategies)
    jobs = [Job(name, n, seed, tuple(knobs.items())) for n in sizes for seed in seeds]
    if max_words is not None:
        whole("max_words", max_words, 1)
        if encoder is not None:
            raise refuse(
                expected="max_words with features that are words",
                got=f"max_words = {max_words}, features = {shown(features, 40)}",
                fix="leave max_words out: an encoder says the same numbers about every text",
            )
    if progress and name == "own" and encoder is None and frame is not None and not resume:
        processes = joblib.effective_n_jobs(n_jobs)
        cost = about_the_cost(frame, found, sizes[-1], seeds[0], len(jobs), processes, max_words)
        if cost:
            print(f"Note: {cost}", file=sys.stderr, flush=True)
    options: Any = {"max_words": max_words, "encoder": encoder}
    table = _table(jobs, frame, found, n_jobs, progress, out, resume, name, **options)
    if name == "own" and frame is not None:
        table.attrs["kin"] = kin_of(frame)["apart"]
        table.attrs["most_frequent"] = most_frequent(frame)
        table.attrs["independent"] = effective(twins(frame["text"])) / len(frame)
    values = None if frame is None else class_values(frame)
    if values is not None:
        table.attrs["largest_error"] = float(values.max() - values.min())
    return table


def who_wins_map(
    relatedness: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    n_per_task: Sequence[int] = (5, 10, 20, 40, 80, 160),
    seeds: int | Iterable[int] = 10,
    n_jobs: int | None = None,
    progress: bool = True,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    features: str | Encoder = "words",
    **knobs: float,
) -> pd.DataFrame:
    """The three strategies over relatedness x sentences per task, on toy data: the table of
    `compare`, with a relatedness column. All arguments are as in `compare`.
    """
    _check_knobs(who_wins_map, knobs, KNOBS[1:])
    found = chosen_strategies(STRATEGIES)
    encoder = as_encoder(features)
    seeds = _seeds(seeds)
    sizes = _sizes(n_per_task)
    values = as_list("relatedness", relatedness, "relatedness=[0.0, 0.5, 1.0]")
    for value in values:
        at_least("relatedness", value)
    once("relatedness", values)
    _checked(None, sizes)
    jobs = [
        Job("toy", n, seed, (("relatedness", float(r)), *knobs.items()))
        for r in values
        for n in sizes
        for seed in seeds
    ]
    options: Any = {"knobs": ["relatedness"], "encoder": encoder}
    return _table(jobs, None, found, n_jobs, progress, out, resume, "who wins", **options)


def _table(
    jobs: list[Job],
    frame: pd.DataFrame | None,
    strategies: list[Strategy],
    n_jobs: int | None,
    progress: bool,
    out: str | os.PathLike | None,
    resume: bool,
    label: str,
    knobs: Sequence[str] = (),
    max_words: int | None = None,
    encoder: Encoder | None = None,
) -> pd.DataFrame:
    """The rows of all jobs, in their order; with a column for each of these knobs."""
    check_resume(resume, out)
    check_jobs(n_jobs)
    yes_no("progress", progress)
    if frame is None:
        for values in {job.knobs for job in jobs}:
            asked: dict[str, Any] = dict(values)
            make_toy(n_per_task=1, **asked)  # the generator refuses what it cannot use
        check_room(len(TOY_TASKS) * toy_size(max(job.n or 0 for job in jobs)))
    work = functools.partial(
        _one_draw, frame=frame, strategies=strategies, columns=knobs, max_words=max_words
    )
    if encoder is not None:
        work = functools.partial(work, encoder=encoder)
    settings = None if out is None else [*described(frame, strategies, encoder), max_words]
    kept = Kept(out, settings)
    columns = [*COLUMNS, *knobs]
    if encoder is not None and frame is not None:
        try:
            encoder.fit(frame["text"])  # once, for all draws
        except KeyboardInterrupt as stopped:
            raise Stopped(str(stopped), pd.DataFrame(columns=columns)) from None
    elif encoder is not None:
        encoder.tokens(["what it cannot load, it says before the first draw"])
    parts = run(
        work,
        jobs,
        kept,
        resume=resume,
        n_jobs=n_jobs,
        progress=progress,
        label=label,
        columns=columns,
        tells=True,
    )
    table = pd.DataFrame([row for part in parts for row in part], columns=columns)
    _warn_of_edges(table)
    return table


def _one_draw(
    job: Job,
    frame: pd.DataFrame | None,
    strategies: list[Strategy],
    columns: Sequence[str],
    max_words: int | None = None,
    encoder: Encoder | None = None,
    told: Callable[[str], Any] | None = None,
) -> list[tuple]:
    """All strategies on one draw: the rows of the table, in Python's own numbers.

    Args:
        told: called with the strategy that is being fitted, and how many of its penalties are
            tried, whenever that changes.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small matrices, and several draws at a time
    try:
        knobs = dict(job.knobs)
        rows = []
        train, val, test = draw(job.name, frame, job.n, job.seed, **knobs)
        n_classes = len(train.attrs["label_names"])
        size = len(train) // train["task"].nunique()
        source = (FRESH, 0.0)
        if frame is not None:
            source = (RESPLIT, overlap_ratio(frame, job.n, (train, val, test)))
        more = [knobs[name] for name in columns]
        if encoder is not None and frame is None:
            encoder.fit(pd.concat([train, val, test])["text"])
        parts: Any  # the same for all strategies
        scored: Any = score
        if frame is not None and frame.attrs.get("own_classes"):
            scored = score_heads
            parts = HeadParts((train, val, test), own_names(frame), max_words, encoder)
        else:
            parts = Parts(train, val, test, n_classes, max_words, encoder)
        for place, strategy in enumerate(strategies, 1):
            started = time.perf_counter()
            name = f"{strategy.name} ({place}/{len(strategies)})"
            tried = None if told is None else _counter(name, len(strategy.tries), told)
            foretold = None
            if told is not None and scored is score:
                foretold = functools.partial(_foretell, name, told)
            more_told = {} if foretold is None else {"foretold": foretold}
            scores, n_params = scored(strategy, parts, tried, **more_told)
            cost = n_params, time.perf_counter() - started, *source, *more
            rows += [
                (job.name, strategy.name, task, job.seed, size, metric, value, *cost)
                for task, metric, value in scores
            ]
        return rows
    finally:
        torch.set_num_threads(threads)


def _foretell(name: str, told: Callable[[str], Any], seconds: float) -> None:
    """Say how long a strategy will take, where it is not soon done."""
    if seconds > SOON:
        told(f"{name}: {how_long(seconds)}")


def _counter(name: str, n_tries: int, told: Callable[[str], Any]) -> Callable[[int], None]:
    """What hears of penalties that are tried, and tells how many they are in all."""
    tried = 0

    def more(n: int) -> None:
        nonlocal tried
        tried += n
        told(f"{name}: {tried}/{n_tries} penalties tried" if n_tries else name)

    more(0)
    return more


def _warn_of_edges(table: pd.DataFrame) -> None:
    """One warning a table, with the share of choices on an edge."""
    edges = table[table["metric"] == "on_edge"].groupby("strategy", sort=False)["value"]
    found = [f"{name} {int(v.sum())} of {len(v)} draws" for name, v in edges if v.sum()]
    if found:
        message = (
            f"choices on the edge of the penalties tried: {', '.join(found)}. A better penalty may "
            "lie beyond. Compare the metrics lam and lam_shared in the table, and widen "
            "Strategy.tries"
        )
        warnings.warn(message, EdgeWarning, stacklevel=outside())


def _loaded(data: Any) -> pd.DataFrame | None:
    """The frame of finite data, None for those that are drawn afresh."""
    if data is None:
        one_of("data", data, SIZES)
    if not isinstance(data, str) or data not in SIZES:
        return data
    if data == "toy":
        return None
    return load_human() if data == "human" else load_article()


def check_name(argument: str, data: Any) -> None:
    """Refuse a word that names no data of ours and cannot be the path of a file."""
    if not isinstance(data, str) or {".", "/", os.sep} & set(data) or os.path.exists(data):
        return
    among(f"{argument} (or the path of a file)", data, SIZES)


def _check_knobs(function: Callable, knobs: dict[str, Any], known: Sequence[str]) -> None:
    """Refuse what is no argument, knobs that the generator has not, and what is no number."""
    own = [name for name in inspect.signature(function).parameters if name != "knobs"]
    what = f"argument of {function.__name__}, or option of the toy generator,"
    for knob, value in knobs.items():
        among(what, knob, [*own, *known])
        at_least(knob, value)


def _seeds(seeds: int | Iterable[int]) -> list[int]:
    if not is_list(seeds):
        whole("seeds", seeds, 1, MOST)
        seeds = range(int(seeds))  # type: ignore[arg-type]
    seeds = members("seeds", seeds, "seeds=20, or a list [0, 1, 2]")
    whole("number of seeds", len(seeds), 1)
    for seed in seeds:
        whole("seed", seed, 0, math.inf)
    once("seeds", seeds)
    return [int(seed) for seed in seeds]


def _sizes(n_per_task: int | Iterable[int] | None) -> list[int | None]:
    if not is_list(n_per_task):
        n_per_task = [n_per_task]  # type: ignore[list-item]
    sizes = as_list("n_per_task", n_per_task, "n_per_task=60, or a list [20, 60, 200]")
    for n in sizes:
        if n is not None:
            whole("n_per_task", n, 1)
    once("n_per_task", sizes)
    return sizes


def _checked(frame: Any, sizes: list[Any]) -> pd.DataFrame | None:
    """The frame, its tasks named by strings; refuses sizes and frames that no draw could be made
    of.
    """
    for n in sizes:
        if n is not None or frame is None:
            whole("n_per_task", n, 1)
    if frame is None:
        return None
    frame = any_frame(frame)
    check_classes(frame)
    count = frame["task"].value_counts()
    if "mean" in count:
        raise refuse(
            expected="task names other than 'mean'",
            got="a task called 'mean', which is the name of the average over tasks",
            fix="rename that task",
        )
    for n in sizes:
        need = 5 if n is None else 2 * n + 1
        few = count[count < need]
        if len(few):
            cure = "or add sentences"
            if len(few) < len(count):
                cure = "add sentences, or " + cure_of_few(count.to_dict(), list(few.index))
            if n is not None and count.min() > 4:
                cure = f"set n_per_task to at most {most_to_train(count.min())}, {cure}"
            raise refuse(
                expected=f"at least {need} sentences in every task: {n or '60 %'} to train, "
                f"{n or '20 %'} to choose by, and the rest to test",
                got=_few(few),
                fix=cure.removeprefix("or "),
            )
    different = (
        frame.assign(same=groups(frame["text"])).groupby("task", sort=False)["same"].nunique()
    )
    if different.min() < 3:
        few = different[different < 3]
        raise refuse(
            expected="at least 3 different texts in every task: to train, to choose by and to "
            "test; the rows of one text stay together",
            got=f"{_few(few)}, where rows that repeat a text do not count",
            fix="add sentences, or " + cure_of_few(count.to_dict(), list(few.index)),
        )
    for n in sizes:
        _warn_of_little_to_test(count, n)
    in_tasks = [sum(cuts(n_rows, n)[0] for n_rows in count) // len(count) for n in sizes]
    once("training sentences per task (n_per_task)", in_tasks)
    return frame


def _warn_of_little_to_test(count: pd.Series, n: int | None) -> None:
    """One warning a size, of a task that keeps less to test on than by default, and very little."""
    task = count.idxmin()
    rows = int(count.min())
    left = rows - sum(cuts(rows, n))
    if n is not None and n > most_to_train(rows) and left < LEAST_TO_TEST:
        message = (
            f"n_per_task = {n} leaves {left} of the {rows} sentences of task {task!r} to test on: "
            f"its accuracy says little. Set n_per_task to at most {most_to_train(rows)}, which "
            "leaves a fifth to test, or add sentences"
        )
        warnings.warn(message, SplitWarning, stacklevel=4)


def _few(count: pd.Series) -> str:
    """Tasks that have too few sentences, and how many."""
    listed = [f"{n} in task {name!r}" for name, n in count.sort_values().items()]
    more = f" and {len(listed) - 5} tasks more" if len(listed) > 5 else ""
    return ", ".join(listed[:5]) + more
