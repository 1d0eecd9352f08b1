"""The command line: look at data, compare strategies on them, train a model, use it; take the course.

    python -m ragteach look mine.csv
    python -m ragteach compare --data mine.csv --out results/
    python -m ragteach train mine.csv --save model.safetensors
    python -m ragteach predict model.safetensors --task films < sentences.txt
    python -m ragteach course

Here are the names of commands and options. What a command does stands in a module of its room, which
is imported when the command is run, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ragteach.errors import RagteachError, at_least, refuse

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended


def main(argv=None) -> int:
    """Parse ``argv`` and run the command.

    Returns:
        0; 2 after bad input, which is said in three parts; 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ragteach",
        description=__doc__.split("\n\nHere are")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_look(commands)
    _add_compare(commands)
    _add_map(commands)
    _add_train(commands)
    from ragteach.integrations.serving import add_predict_parser

    add_predict_parser(commands)
    from ragteach.teach.course import add_course_parser

    add_course_parser(commands)
    options = parser.parse_args(argv)
    try:
        return options.run(options) or 0
    except RagteachError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stopped:
        print(stopped if str(stopped) else "Stopped with Ctrl-C.", file=sys.stderr)
        return INTERRUPTED


def _command(commands, name: str, run, words: str):
    """A command whose --help shows every default."""
    parser = commands.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_columns(parser) -> None:
    """Which columns of your file are what."""
    for name, words in (("text", "texts"), ("label", "labels"), ("task", "tasks")):
        help = f"the column of {words} (default: found by its name, and shown)"
        parser.add_argument(f"--{name}", help=help, default=argparse.SUPPRESS)
    parser.set_defaults(text=None, label=None, task=None)


def _add_missing(parser) -> None:
    """What to do with rows that have no label or task."""
    help = "rows without a label or task: ask stops there, drop leaves them out, keep makes a class"
    parser.add_argument("--missing", default="ask", choices=("ask", "drop", "keep"), help=help)


def _add_look(commands) -> None:
    parser = _command(commands, "look", run_look, "what a file of yours holds, and what to mend")
    parser.add_argument("file", help="a table of texts, with a header line")
    _add_columns(parser)
    parser.add_argument("--json", action="store_true", help="write it as JSON, for a program")


def _add_compare(commands) -> None:
    words = "RAG against full sharing and independent models, with a report to read"
    parser = _command(commands, "compare", run_compare, words)
    parser.add_argument("--data", default="toy", help="toy, human, article, or a file of yours")
    _add_columns(parser)
    _add_missing(parser)
    parser.add_argument("--seeds", type=int, default=20, help="draws of the data")
    parser.add_argument(
        "--n-per-task",
        type=int,
        nargs="+",
        help="training sentences per task (several: a learning curve)",
    )
    parser.add_argument("--relatedness", type=float, help="of the toy tasks, 0 to 1")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (-1: all cores)")
    parser.add_argument(
        "--out", type=Path, default=Path("results"), help="folder for report.html and all the rest"
    )


def _add_map(commands) -> None:
    words = "who wins where, over relatedness x sentences per task (toy data)"
    parser = _command(commands, "map", run_map, words)
    parser.add_argument("--seeds", type=int, default=10, help="draws of the data for each cell")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (-1: all cores)")
    parser.add_argument(
        "--out", type=Path, default=Path("results"), help="folder for who_wins.csv, .png and .svg"
    )


def _add_train(commands) -> None:
    words = "train on a file of yours, choose lambda on validation, test, and save the model"
    parser = _command(commands, "train", run_train, words)
    parser.add_argument("file", help="a table of texts, with a header line")
    _add_columns(parser)
    _add_missing(parser)
    parser.add_argument("--save", default="model.safetensors", help="the file to write")
    parser.add_argument(
        "--strategy",
        default="RAG",
        choices=("RAG", "full sharing", "independent"),
        help="which model to save",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split")


def run_look(options) -> None:
    """Look at a file, and print what was found."""
    from ragteach.data.looking import run_look as run

    run(options)


def run_train(options) -> None:
    """Train on a file, and save the model."""
    from ragteach.integrations.training import run_train as run

    run(options)


def run_compare(options):
    """Run the experiment, print its tables and write comparison.csv, comparison.png and
    comparison.svg.
    """
    import matplotlib

    matplotlib.use("agg")
    from ragteach.data.frames import as_frame
    from ragteach.study.experiment import SIZES, compare, paired, summary

    at_least("--seeds", options.seeds, 1)
    knobs = {} if options.relatedness is None else {"relatedness": options.relatedness}
    data = options.data
    if data not in SIZES:
        columns = options.text, options.label, options.task
        data = as_frame(data, *columns, missing=options.missing)
    _folder(options.out)
    table = compare(data, options.seeds, options.n_per_task, n_jobs=options.jobs, **knobs)
    means, differences = summary(table), paired(table)
    print("\nTest accuracy, mean over tasks (95 % interval over seeds)\n")
    print(means.round({"mean": 3, "low": 3, "high": 3, "seconds": 2}).to_string(index=False))
    print("\nRAG minus the other, paired by seed\n")
    print(differences.round(3).to_string(index=False))
    _write_all(options.out, "comparison", table, draw(means))
    from ragteach.widgets.report import run_report

    run_report(options, table)


def run_map(options):
    """Compute the map of winners, print it and write who_wins.csv, who_wins.png and
    who_wins.svg.
    """
    import matplotlib

    matplotlib.use("agg")
    from ragteach.study import plots
    from ragteach.study.experiment import who_wins_map, winners

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
    import matplotlib.pyplot as plt

    from ragteach.study import plots

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
