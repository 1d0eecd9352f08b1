"""The command line: look at data, compare strategies, train a model and use it; take the course.

    python -m ragteach look mine.csv
    python -m ragteach compare --data mine.csv --out results/
    python -m ragteach train mine.csv --save model.safetensors
    python -m ragteach predict model.safetensors --task films < sentences.txt
    python -m ragteach course
    python -m ragteach grade submissions/ --out grades/
    python -m ragteach kit class/

Here are the names of commands and options. What a command does stands in a module of its room,
which is imported when the command is run, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ragteach.errors import RagteachError
from ragteach.ground.options import Options
from ragteach.ground.stopping import Once, once, sign_of

OK = 0
BAD_INPUT = 2
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what a full disk says
INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended
BY_SIGNAL = 128  # and, with its number added, of one that another signal ended
CODES = (
    "exit codes: 0 done, 2 bad input (the message says what to do), 130 stopped by Ctrl-C,\n"
    "143 by SIGTERM, 129 by a terminal that was closed"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse ``argv`` and run the command.

    Returns:
        0; 2 after bad input, which is said in three parts; 130 after Ctrl-C, and 128 + its number
        after another signal that asks to stop.
    """
    open_streams()
    usual = warnings.formatwarning
    warnings.formatwarning = _as_note
    try:
        with once("SIGINT", "SIGTERM", "SIGHUP") as stop:
            return _answer(argv, stop)
    finally:
        warnings.formatwarning = usual


def _as_note(message: Any, *where: Any, **line: Any) -> str:
    """A warning as a terminal shows it: what is said, without the line of code that says it."""
    from ragteach.data.wild.asked import in_words

    return f"Note: {in_words(str(message))}\n"


def _answer(argv: Sequence[str] | None, stop: Once) -> int:
    """Run the command, and say in three parts what stopped it."""
    try:
        options = _parsed(argv)
        code = options.run(options) or OK
        sys.stdout.flush()
        return code
    except RagteachError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # the reader, such as head, has had enough
        _drop_output()
        return OK
    except OSError as error:
        if error.errno not in NO_ROOM or error.filename is not None:
            raise
        _drop_output()
        print(
            "Expected: room for what is printed\n"
            f"Got: {error.strerror}\n"
            "What to do: make room where standard output goes, then do the same again",
            file=sys.stderr,
        )
        return BAD_INPUT
    except KeyboardInterrupt as stopped:
        again = "What to do: the same again, when there is time"
        short = f"Expected: to finish\nGot: {sign_of(stopped)}\n{again}"
        print(stopped if str(stopped) else short, file=sys.stderr)
        return INTERRUPTED if stop.number is None else BY_SIGNAL + stop.number


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line as options; what was not said is None."""
    parser = Options(
        prog="python -m ragteach",
        description=__doc__.split("\n\nHere are")[0],
        epilog=CODES,
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
    _add_class(commands)
    options = parser.parse_words(sys.argv[1:] if argv is None else argv)
    for name in (
        "text",
        "label",
        "task",
        "encoding",
        "separator",
        "max_words",
        "n_per_task",
        "relatedness",
        "strategies",
        "cut",
        "as_classes",
        "label_order",
        "real_labels",
    ):
        if not hasattr(options, name):  # not given: --help says in words what happens then
            setattr(options, name, None)
    if options.label and len(options.label) == 1:
        options.label = options.label[0]
    return options


def _drop_output() -> None:
    """What is still to be printed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], words: str
) -> argparse.ArgumentParser:
    """A command whose --help shows every default."""
    parser = commands.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_columns(parser: argparse.ArgumentParser) -> None:
    """Which columns of your file are what."""
    for name, words in (("text", "texts"), ("label", "labels"), ("task", "tasks")):
        help = f"the column of {words} (default: found by its name, and shown)"
        more: dict[str, Any] = {}
        if name == "label":
            help += "; say it once for each task that has a column of its own"
            more["action"] = "append"
        parser.add_argument(f"--{name}", help=help, default=argparse.SUPPRESS, **more)
    help = "of the file (default: as its first bytes say, else UTF-8)"
    parser.add_argument("--encoding", help=help, default=argparse.SUPPRESS)
    help = "what stands between columns (default: as the header shows)"
    parser.add_argument("--separator", help=help, default=argparse.SUPPRESS)
    help = "of a workbook (default: the only one with a table)"
    parser.add_argument("--sheet", help=help, default=argparse.SUPPRESS)
    help = 'read " as a letter like any other (default: it stands around values)'
    parser.add_argument("--no-quotes", action="store_true", help=help, default=argparse.SUPPRESS)
    help = "count words, or runs of letters (default: auto, as the texts are: letters of emoji and "
    help += "of scripts without spaces)"
    kinds = ("word", "char", "auto")
    parser.add_argument("--analyzer", choices=kinds, help=help, default=argparse.SUPPRESS)
    _add_changes(parser)
    _add_labels(parser)


def _add_changes(parser: argparse.ArgumentParser) -> None:
    """Which names are mended before anything else."""
    several: dict[str, Any] = {"action": "append", "default": argparse.SUPPRESS}
    for what in ("label", "task"):
        help = f"read the {what} OLD as NEW (a slip; may be said several times)"
        parser.add_argument(f"--rename-{what}", metavar="OLD=NEW", help=help, **several)
        help = f"leave the {what} NAME out, with its rows (may be said several times)"
        parser.add_argument(f"--drop-{what}", metavar="NAME", help=help, **several)
    help = "leave tasks with fewer rows out (default: none)"
    parser.add_argument("--least-rows", type=int, help=help, default=argparse.SUPPRESS)


def _add_labels(parser: argparse.ArgumentParser) -> None:
    """What labels are, where they are no plain names."""
    later: dict[str, Any] = {"default": argparse.SUPPRESS}
    help = "cut labels that are numbers into N classes from low to high, of about as many rows"
    parser.add_argument("--cut", type=int, metavar="N", help=help, **later)
    help = "take each number for a class of its own, however many there are (default: more than "
    help += "21 are asked about)"
    parser.add_argument("--as-classes", action="store_true", help=help, **later)
    help = "the labels from low to high: then the error of an answer is measured, too"
    parser.add_argument("--label-order", nargs="+", metavar="NAME", help=help, **later)
    help = "a label that looks as if there were none, such as n.a. (may be said several times)"
    parser.add_argument("--real-label", dest="real_labels", action="append", metavar="NAME",
                        help=help, **later)  # fmt: skip


def _add_missing(parser: argparse.ArgumentParser) -> None:
    """What to do with rows that have no label or task."""
    help = (
        "rows without a label or task: ask stops there, drop leaves them out, keep makes a class "
    )
    help += "(of several label columns, an empty cell is no label in any case)"
    parser.add_argument("--missing", default="ask", choices=("ask", "drop", "keep"), help=help)


def _add_max_words(parser: argparse.ArgumentParser) -> None:
    """How large the model may be."""
    help = "keep the most frequent words only, if the weights would not fit (default: all words)"
    parser.add_argument("--max-words", type=int, help=help, default=argparse.SUPPRESS)


def _add_kept(parser: argparse.ArgumentParser) -> None:
    """How many processes work, and where what they find is kept."""
    parser.add_argument("--jobs", type=int, default=-1, help="processes (-1: all cores)")
    help = "folder for finished draws, and for one folder a run with its table and figures"
    parser.add_argument("--out", type=Path, default=Path("results"), help=help)
    help = "go on from the finished draws that are kept in --out"
    parser.add_argument("--resume", action="store_true", help=help)


def _add_look(commands: Any) -> None:
    parser = _command(commands, "look", run_look, "what a file of yours holds, and what to mend")
    parser.add_argument("file", help="a table of texts, with a header line")
    _add_columns(parser)
    parser.add_argument("--json", action="store_true", help="write it as JSON, for a program")


def _add_compare(commands: Any) -> None:
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
        default=argparse.SUPPRESS,
        help="training sentences per task, several for a learning curve "
        "(default: toy 60; human 50 200 800; article 1; a file of yours 60 %% of it)",
    )
    parser.add_argument(
        "--relatedness",
        type=float,
        default=argparse.SUPPRESS,
        help="of the toy tasks, 0 to 1 (default: 0.5)",
    )
    parser.add_argument(
        "--strategies",
        nargs="+",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="which to compare, such as RAG full_sharing independent (default: all; of many tasks "
        "those with equal parameters take longest)",
    )
    _add_max_words(parser)
    _add_kept(parser)


def _add_map(commands: Any) -> None:
    words = "who wins where, over relatedness x sentences per task (toy data)"
    parser = _command(commands, "map", run_map, words)
    parser.add_argument("--seeds", type=int, default=10, help="draws of the data for each cell")
    _add_kept(parser)


def _add_train(commands: Any) -> None:
    words = "train on a file of yours, choose lambda on validation, test, and save the model"
    parser = _command(commands, "train", run_train, words)
    parser.add_argument("file", help="a table of texts, with a header line")
    _add_columns(parser)
    _add_missing(parser)
    parser.add_argument("--save", default="model.safetensors", help="the file to write")
    parser.add_argument(
        "--strategy",
        default="RAG",
        type=_strategy,
        choices=("RAG", "full sharing", "independent", "full sharing + task bias"),
        help="which model to save",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    help = "go on from what a run that was stopped kept beside --save"
    parser.add_argument("--resume", action="store_true", help=help)
    _add_max_words(parser)


def _strategy(said: str) -> str:
    """A strategy as the tables spell it: ``rag`` is RAG, ``full_sharing`` full sharing."""
    name = said.strip().lower().replace("_", " ")
    return "RAG" if name == "rag" else name


def _add_class(commands: Any) -> None:
    """For the teacher of a class."""
    words = "run submissions again in a sandbox; write a gradebook, feedback and a class page"
    parser = _command(commands, "grade", run_grade, words)
    parser.add_argument("folder", type=Path, help="NAME.ipynb, NAME.json, or a folder a student")
    parser.add_argument("--out", type=Path, default=Path("grades"), help="where the results go")
    parser.add_argument("--jobs", type=int, default=2, help="students at a time")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit of one answer")
    parser.add_argument("--memory", type=int, default=1500, help="limit of one answer, in MB")
    help = "whose exercises count, for example 01 (default: those with an answer)"
    parser.add_argument("--lessons", nargs="+", default=argparse.SUPPRESS, help=help)

    parser = _command(commands, "kit", run_kit, "the zip for students and the zip for teachers")
    parser.add_argument("out", nargs="?", type=Path, default=Path("class"), help="the folder")


def run_kit(options: argparse.Namespace) -> None:
    """Write the teacher's kit."""
    from ragteach.teach.classroom.kit import run_kit as run

    run(options)


def run_grade(options: argparse.Namespace) -> None:
    """Grade a folder of submissions."""
    from ragteach.teach.classroom.grading import run_grade as run

    run(options)


def run_look(options: argparse.Namespace) -> None:
    """Look at a file, and print what was found."""
    print(f"Looking at {options.file}", file=sys.stderr, flush=True)  # before seconds of imports
    from ragteach.data.survey.looking import run_look as run

    run(options)


def run_train(options: argparse.Namespace) -> None:
    """Train on a file, and save the model."""
    from ragteach.integrations.training import run_train as run

    run(options)


def run_compare(options: argparse.Namespace) -> None:
    """Run the experiment, write its table, pictures and report, and print its tables."""
    from ragteach.study.commands import run_compare as run

    table, folder, frame = run(options)
    from ragteach.widgets.report import run_report

    run_report(options, table, folder, frame)


def run_map(options: argparse.Namespace) -> None:
    """Compute the map of winners, write it and print it."""
    from ragteach.study.commands import run_map as run

    run(options)


def open_streams() -> None:
    """Where standard input, output or error is closed, the null device takes its place.

    Otherwise the next file that is opened would get its number, and a printed line would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))


if __name__ == "__main__":
    code = main()
    if code > BY_SIGNAL:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ending already
    sys.exit(code)
