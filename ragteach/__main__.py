"""The command line: ``python -m ragteach compare``, ``map``, ``predict`` and ``course``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ragteach.errors import RagteachError, at_least, refuse


def main(argv=None):
    """Parse ``argv`` and run the command; bad input ends with its three-part message and exit code
    2.
    """
    parser = argparse.ArgumentParser(prog="python -m ragteach", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser("compare", help="RAG against full sharing and independent models")
    compare.add_argument(
        "--data", default="toy", help="toy, human, article, or a CSV with text,label,task"
    )
    compare.add_argument("--seeds", type=int, default=20, help="draws of the data")
    compare.add_argument(
        "--n-per-task",
        type=int,
        nargs="+",
        help="training sentences per task (several: a learning curve)",
    )
    compare.add_argument("--relatedness", type=float, help="of the toy tasks, 0 to 1")
    compare.add_argument("--jobs", type=int, default=-1, help="processes (-1: all cores)")
    compare.add_argument(
        "--out", type=Path, default=Path("results"), help="folder for comparison.csv, .png and .svg"
    )
    compare.set_defaults(run=run_compare)
    where = commands.add_parser(
        "map", help="who wins where, over relatedness x sentences per task (toy data)"
    )
    where.add_argument("--seeds", type=int, default=10, help="draws of the data for each cell")
    where.add_argument("--jobs", type=int, default=-1, help="processes (-1: all cores)")
    where.add_argument(
        "--out", type=Path, default=Path("results"), help="folder for who_wins.csv, .png and .svg"
    )
    where.set_defaults(run=run_map)
    from ragteach.integrations.serving import add_predict_parser  # noqa: PLC0415

    add_predict_parser(commands)
    from ragteach.teach.course import add_course_parser  # noqa: PLC0415

    add_course_parser(commands)
    options = parser.parse_args(argv)
    try:
        return options.run(options) or 0
    except RagteachError as error:
        print(error, file=sys.stderr)
        return 2


def run_compare(options):
    """Run the experiment, print its tables and write comparison.csv, comparison.png and
    comparison.svg.
    """
    import matplotlib  # noqa: PLC0415

    matplotlib.use("agg")
    from ragteach.data.files import load_csv  # noqa: PLC0415
    from ragteach.study.experiment import SIZES, compare, paired, summary  # noqa: PLC0415

    at_least("--seeds", options.seeds, 1)
    knobs = {} if options.relatedness is None else {"relatedness": options.relatedness}
    data = options.data if options.data in SIZES else load_csv(options.data)
    _folder(options.out)
    table = compare(data, options.seeds, options.n_per_task, n_jobs=options.jobs, **knobs)
    means, differences = summary(table), paired(table)
    print("\nTest accuracy, mean over tasks (95 % interval over seeds)\n")
    print(means.round({"mean": 3, "low": 3, "high": 3, "seconds": 2}).to_string(index=False))
    print("\nRAG minus the other, paired by seed\n")
    print(differences.round(3).to_string(index=False))
    _write_all(options.out, "comparison", table, draw(means))


def run_map(options):
    """Compute the map of winners, print it and write who_wins.csv, who_wins.png and
    who_wins.svg.
    """
    import matplotlib  # noqa: PLC0415

    matplotlib.use("agg")
    from ragteach.study import plots  # noqa: PLC0415
    from ragteach.study.experiment import who_wins_map, winners  # noqa: PLC0415

    at_least("--seeds", options.seeds, 2)
    _folder(options.out)
    table = who_wins_map(seeds=options.seeds, n_jobs=options.jobs)
    cells = winners(table)
    print(cells.round(3).to_string(index=False))
    _write_all(options.out, "who_wins", cells, plots.who_wins(cells).figure)


def draw(means):
    """Figure of a `compare.summary`: rows with intervals, or learning curves if there are several
    sizes.
    """
    import matplotlib.pyplot as plt  # noqa: PLC0415

    from ragteach.study import plots  # noqa: PLC0415

    figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    if means["n_per_task"].nunique() > 1:
        plots.learning_curves(means, ax)
    else:
        plots.comparison(means, ax)
    name, sizes = means["data"].iloc[0], "/".join(map(str, sorted(means["n_per_task"].unique())))
    ax.set_title(
        f"{name} data, {sizes} training sentences per task, {means['n_seeds'].max()} seeds",
        loc="left",
    )
    return figure


def _write_all(folder, name, table, figure):
    _write(folder / f"{name}.csv", lambda path: table.to_csv(path, index=False))
    for ending in ("png", "svg"):
        _write(
            folder / f"{name}.{ending}",
            lambda path, e=ending: figure.savefig(path, format=e, dpi=110),
        )
    print(f"\nWrote {folder / name}.csv, .png and .svg")


def _folder(path):
    """Make the folder now: better refused before the experiment than after it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse(
            expected="--out to be a folder to write to", got=f"{path}: {error.strerror}",
            fix="choose another folder: --out results",
        ) from None  # fmt: skip


def _write(path, save):
    """Write beside it first, so that ``path`` is either old or whole."""
    part = path.with_name(path.name + ".part")
    try:
        save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
