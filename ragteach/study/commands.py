"""The commands ``compare`` and ``map``: experiments from the command line.

    python -m ragteach compare --data toy --seeds 20 --out results
    python -m ragteach map --seeds 10 --jobs 4 --out results

Enters: words of the command line.  Leaves: tables on the screen, and one folder a run:

    results/draws/                every finished draw, shared by all runs that write to results
    results/toy-1f0c2a/           comparison.csv, .png, .svg, settings.json ... of one run
    results/map-9be4d7/           who_wins.csv, .png, .svg and settings.json

The letters behind the name are a digest of the settings. The same command writes to the same folder
again; a command with other data, seeds or sizes writes to another, so that none overwrites what
another one found.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.scales import LABELS
from ragteach.data.wild.asked import CHANGES
from ragteach.errors import at_least, refuse
from ragteach.ground.aligned import aligned
from ragteach.ground.stopping import sign_of
from ragteach.ground.writing import write

ALL_THE_SAME = (
    "no interval, since the value is the same in every draw: how much draws differ, and how large "
    "a true difference may be, these draws cannot say."
)
CUT_OFF = (
    "An interval that ends at 0 or 1 (of a difference: at -1 or 1) is cut off there: as computed, "
    "it reaches beyond what an accuracy can be."
)


def run_compare(options: argparse.Namespace) -> tuple[pd.DataFrame, Path, pd.DataFrame | None]:
    """Run the experiment, write comparison.csv, .png and .svg, and print its tables.

    Returns:
        The table, the folder of the run, and the frame of a file of your own (else None).
    """
    _without_screen()
    from ragteach.data.wild.asked import asked_frame, in_options
    from ragteach.study.advice import USABLE, advise
    from ragteach.study.experiment import SIZES, check_name, compare
    from ragteach.study.scores import ERROR
    from ragteach.study.tables import ESTIMAND, paired, summary

    at_least("--seeds", options.seeds, 1)
    check_name("--data", options.data)
    sizes = options.n_per_task
    related = options.relatedness
    knobs = {} if related is None else {"relatedness": related}
    settings = {"data": options.data, "seeds": options.seeds, "n_per_task": sizes, **knobs}
    if options.max_words is not None:
        settings["max_words"] = options.max_words
    strategies = asked_strategies(getattr(options, "strategies", None))
    if strategies is not None:
        settings["strategies"] = strategies
    data = options.data
    frame = None
    if data in SIZES:
        _refuse_file_options(data, options)
    else:
        data = frame = asked_frame(data, options)
        settings["rows"] = hashlib.sha256(data.to_csv().encode("utf-8", "replace")).hexdigest()
    more = {"out": options.out, "resume": options.resume, "max_words": options.max_words}
    if strategies is not None:
        more["strategies"] = strategies
    with in_options():
        table = compare(data, options.seeds, sizes, n_jobs=options.jobs, **more, **knobs)
    means = summary(table)
    reference = next(name for name in USABLE if name in set(table["strategy"]))
    differences = paired(table, reference)
    cut = _cut_off(means, 0, 1) or _cut_off(differences, -1, 1)
    name = re.sub(r"[^\w.-]+", "_", Path(options.data).stem)
    folder = _write_all(options.out, name, settings, "comparison", table, draw(means))
    print("\nTest accuracy, mean over tasks, with its 95 % interval\n")
    print(aligned(known(means)))
    if len(differences):
        print(f"\n{reference} minus the other, paired by seed\n")
        print(aligned(known(differences)))
    print("\n" + textwrap.fill(f"The intervals are about {ESTIMAND}.", 88))
    if (table["metric"] == ERROR).any():
        columns = ["data", "n_per_task", "strategy", "mean", "low", "high"]
        steps = frame is not None and frame.attrs.get("ordered") is True
        unit = ", in steps from class to class" if steps else ""
        print(f"\nMean absolute error, mean over tasks: how far answers are from the truth{unit}\n")
        errors = summary(table, ERROR)
        print(aligned(known(errors)[columns]))
        means = pd.concat([means, errors])
    if cut:
        print("\n" + textwrap.fill(CUT_OFF, 88))
    if _without_width(means).any() or _without_width(differences).any():
        print("\n" + textwrap.fill(f"NaN: {ALL_THE_SAME}", 88))
    advice = advise(table)
    print(f"\nShould the tasks share weights?\n{textwrap.fill(advice.answer, 88)}")
    print(f"\n{textwrap.fill(advice.said, 88)}")
    print(f"\nWrote {folder / 'comparison'}.csv, .png and .svg")
    return table, folder, frame


def asked_strategies(said: list[str] | None) -> list[str] | None:
    """The strategies of the command line as tables spell them; None: nothing was said.

    Example:
        >>> asked_strategies(["rag", "full_sharing"])
        ['RAG', 'full sharing']
    """
    from ragteach.study.advice import USABLE
    from ragteach.study.strategies import chosen_strategies

    if said is None:
        return None
    names = [strategy.name for strategy in chosen_strategies(said)]
    if not any(name in USABLE for name in names):  # found now, not after the last draw
        raise refuse(
            expected=f"--strategies with one of {', '.join(USABLE)}, which the advice is about",
            got=f"--strategies {' '.join(said)}",
            fix="name one of them too",
        )
    return names


def known(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows; an interval without any width, which tells nothing, becomes NaN.

    Example:
        >>> known(pd.DataFrame({"low": [0.0, 0.1], "high": [0.0, 0.2]}))["high"].tolist()
        [nan, 0.2]
    """
    rows = rows.copy()
    rows.loc[_without_width(rows), ["low", "high"]] = np.nan
    return rows


def _cut_off(rows: pd.DataFrame, least: float, most: float) -> bool:
    """Whether an interval ends where accuracies do, and began as a wider one."""
    wide = rows[~_without_width(rows)]
    return bool(((wide["low"] == least) | (wide["high"] == most)).any())


def _without_width(rows: pd.DataFrame) -> pd.Series:
    return rows["low"] == rows["high"]


def _refuse_file_options(data: str, options: argparse.Namespace) -> None:
    """Refuse what is said about a file's columns and rows where there is no file."""
    columns = ("text", "label", "task", "encoding", "separator", "sheet", "analyzer")
    names = (*columns, *CHANGES, *LABELS)
    given = [name for name in names if getattr(options, name, None) is not None]
    given += ["missing"] * (getattr(options, "missing", "ask") != "ask")
    if given:
        words = [name.replace("_", "-").replace("-labels", "-label") for name in given]
        said = ", ".join("--" + word for word in words)
        raise refuse(
            expected=f"options of a file of yours with a file of yours: --data mine.csv {said}",
            got=f"{said} beside --data {data}, whose columns and rows are known",
            fix=f"leave {said} out, or name your file",
        )


def run_map(options: argparse.Namespace) -> None:
    """Compute the map of winners, write who_wins.csv, .png and .svg, and print it."""
    _without_screen()
    from ragteach.study import plots
    from ragteach.study.experiment import who_wins_map
    from ragteach.study.tables import winners

    at_least("--seeds", options.seeds, 2)
    kept = {"out": options.out, "resume": options.resume}
    table = who_wins_map(seeds=options.seeds, n_jobs=options.jobs, **kept)
    cells = winners(table)
    figure = plots.who_wins(cells).figure
    settings = {"seeds": options.seeds}
    folder = _write_all(options.out, "map", settings, "who_wins", cells, figure)
    print(aligned(known(cells)))
    if _without_width(cells).any():
        print("\n" + textwrap.fill(f"NaN: {ALL_THE_SAME}", 88))
    print(f"\nWrote {folder / 'who_wins'}.csv, .png and .svg")


def _without_screen() -> None:
    import matplotlib

    matplotlib.use("agg")


def draw(means: Any) -> Any:
    """Figure of a `summary`: rows with intervals, or learning curves if there are several sizes."""
    import matplotlib.pyplot as plt

    from ragteach.study import plots

    figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    if means["n_per_task"].nunique() > 1:
        plots.learning_curves(means, ax)
    else:
        plots.comparison(means, ax)
    name = means["data"].iloc[0]
    sizes = "/".join(map(str, sorted(means["n_per_task"].unique())))
    ax.set_title(
        f"{name} data, {sizes} training sentences per task, {means['n_seeds'].max()} seeds",
        loc="left",
    )
    return figure


def _write_all(out: Path, data: str, settings: dict, stem: str, table: Any, figure: Any) -> Path:
    """Table, pictures and settings in the run's own folder, each whole; returns the folder."""
    text = json.dumps(settings, indent=1)
    digest = hashlib.sha256(text.encode())
    folder = out / f"{data}-{digest.hexdigest()[:6]}"
    with after_the_draws(out):
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "settings.json", text.encode())
        write(folder / f"{stem}.csv", table.to_csv(index=False).encode("utf-8"))
        for ending in ("png", "svg"):
            picture = io.BytesIO()
            figure.savefig(picture, format=ending, dpi=110)
            write(folder / f"{stem}.{ending}", picture.getvalue())
    return folder


@contextmanager
def after_the_draws(out: Path) -> Iterator[None]:
    """What is left to do when all draws are finished: Ctrl-C and a full disk cost none of them."""
    kept = f"all draws are finished, and kept in {out / 'draws'}"
    again = "do the same again with --resume: nothing is computed again"
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt(
            f"Expected: to write what was found into {out}\n"
            f"Got: {sign_of(stopped)}; {kept}\nWhat to do: {again}"
        ) from None
    except OSError as error:
        raise refuse(
            expected=f"room to write to in {out}",
            got=f"{error.strerror or error}; {kept}",
            fix=f"make room there, then {again}",
        ) from None
