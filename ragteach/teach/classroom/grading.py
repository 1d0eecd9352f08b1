"""Grade a folder of submissions: run again, judge, and write what the class did.

    python -m ragteach grade submissions/ --out grades/

Enters: notebooks and progress files.  Leaves in ``--out``: ``gradebook.csv`` (student, exercise,
points, ...), ``feedback/`` with a page for each student, ``class.html``, and ``.graded/`` with what
is done, so that a second run goes on where the first one ended.

Every student is judged in a process of its own, forked from this one, which has imported everything
once. What happens there, a crash included, costs that student only.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragteach.errors import refuse, whole
from ragteach.ground.arguments import yes_no
from ragteach.ground.stopping import sign_of
from ragteach.ground.writing import make_folder, put, write
from ragteach.teach.classroom import namespaces, submissions
from ragteach.teach.classroom.sandbox import Limits, contained, crowding
from ragteach.teach.classroom.submissions import file_name, printable

VERSION = 2  # of what stands in .graded: another number, and all is graded again
COLUMNS = ("student", "exercise", "points", "status", "how", "world", "note")


@dataclass
class Job:
    """One student being judged: the process, its file, and when it must have ended."""

    student: str
    pid: int
    until: float


# What a job is started with: {student: (digest, files)}. No contents: what this process holds, a
# student's code could read in its copy.
Waiting = dict[str, tuple[str, list[Path]]]


def grade(
    folder: str | os.PathLike,
    out: str | os.PathLike,
    jobs: int = 2,
    limits: Limits | None = None,
    lessons: tuple[str, ...] = (),
    say: bool = True,
) -> list[dict]:
    """Grade every submission in a folder.

    Args:
        folder: notebooks (``NAME.ipynb``), progress files (``NAME.json``), or a folder a student.
        out: where the gradebook and the pages go; what was graded there already is kept.
        jobs: students judged at a time.
        limits: what one answer may use; default `Limits`.
        lessons: whose exercises count, e.g. ``("01",)``. Default: those with an answer, a student.
        say: print what is contained, and each student.

    Returns:
        one dict a student, as `judging.judge` makes it, in the order of names.

    Raises:
        RagteachError: no such folder, nothing in it, a system without limits on processes, ``out``
            among the submissions.
    """
    from ragteach.teach.classroom import judging, pages

    whole("jobs", jobs, 1, 1024)
    yes_no("say", say)
    judging.check_lessons(lessons)
    root = Path(folder)
    out = Path(out)
    found = submissions.find(root)
    if out.resolve().is_relative_to(root.resolve()):
        raise refuse(
            expected="out: a folder that is not among the submissions",
            got=f"{out}, in {root}",
            fix="name another one, for example --out grades/; else it is read as a student's",
        )
    limits = limits or Limits()
    everything, lines = contained(limits)
    if not everything:
        limits = Limits(**{**limits.__dict__, "namespaces": False})
    told = print if say else (lambda *words, **how: None)
    for line in lines:
        told(line)
    aside = submissions.left_out(root)
    if aside:
        more = f" and {len(aside) - 10} more" if len(aside) > 10 else ""
        named = printable(", ".join(aside[:10]))
        told(f"Not read, no notebook, progress file or folder: {named}{more}")
    state = out / ".graded"
    make_folder(state, "out")
    judging.warm_up()
    digests = {student: submissions.digest_of(files, root) for student, files in found.items()}
    waiting: Waiting = {
        student: (digests[student], files)
        for student, files in found.items()
        if _kept(state, student, digests[student], lessons, limits) is None
    }
    done = len(found) - len(waiting)
    if done:
        told(f"{done} graded already, {len(waiting)} to go")
    try:
        with data_to_read():
            for student in _judged(waiting, root, state, jobs, limits, lessons):
                done += 1
                told(_line(state, student), flush=True)
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt(
            f"Expected: to grade {len(found)} students\n"
            f"Got: {sign_of(stopped)}; {done} of them are graded and kept in {state}\n"
            "What to do: the same again; it goes on from there"
        ) from None
    except OSError as error:
        raise refuse(
            expected=f"room to keep what was graded in {state}",
            got=f"{error.strerror or error}; {done} of {len(found)} students are graded and kept",
            fix="make room, then the same again; it goes on from there",
        ) from error
    ordered = [_result(state, student) for student in found]
    put(out / "gradebook.csv", gradebook(ordered).encode("utf-8", "replace"), "out")
    pages.write_pages(ordered, out, lines)
    told(f"Written: {out / 'gradebook.csv'}, {out / 'class.html'}, {out / 'feedback'}/")
    return ordered


@contextlib.contextmanager
def data_to_read() -> Iterator[None]:
    """The data that were fetched, as copies that every answer may read: it can fetch none itself.

    The files themselves may be the grader's own, closed to the user that answers run as.
    """
    before = os.environ.get("RAGTEACH_CACHE")
    with tempfile.TemporaryDirectory(prefix="ragteach-data-") as folder:
        cache = Path(namespaces.cache_of_data())
        for path in cache.iterdir() if cache.is_dir() else ():
            if path.is_file():
                shutil.copyfile(path, Path(folder) / path.name)
                os.chmod(Path(folder) / path.name, 0o644)
        os.chmod(folder, 0o755)
        os.environ["RAGTEACH_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["RAGTEACH_CACHE"]
            else:
                os.environ["RAGTEACH_CACHE"] = before


def _judged(
    waiting: Waiting, root: Path, state: Path, jobs: int, limits: Limits, lessons: tuple
) -> Iterator[str]:
    """Each student as the result is written; at most ``jobs`` processes at a time."""
    queue = list(waiting)
    running: list[Job] = []
    try:
        while queue or running:
            while queue and len(running) < jobs:
                student = queue.pop(0)
                pid = _start(student, *waiting[student], root, state, limits, lessons)
                most = 40 * crowding() * limits.seconds + 60
                running.append(Job(student, pid, time.monotonic() + most))
            for job in list(running):
                ended = os.waitpid(job.pid, os.WNOHANG)[0] != 0
                late = time.monotonic() > job.until
                if not ended and not late:
                    continue
                if not ended:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(job.pid, signal.SIGKILL)
                    os.waitpid(job.pid, 0)
                running.remove(job)
                if not _written(state, job.student):
                    why = "it took too long" if late else "the judge's process ended early"
                    _write(state, job.student, ungraded(job.student, why))
                yield job.student
            time.sleep(0.02)
    finally:
        for job in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGKILL)
            os.waitpid(job.pid, 0)


def _start(
    student: str,
    digest: str,
    files: list[Path],
    root: Path,
    state: Path,
    limits: Limits,
    lessons: tuple,
) -> int:
    """Read and judge in a forked process, which writes its result and ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    _place(state, student).unlink(missing_ok=True)  # of files that were other ones
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the parent to end this process
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        from ragteach.teach.classroom.judging import judge

        null = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        result = judge(submissions.read(student, files, root), limits, lessons)
        result |= {"version": VERSION, "digest": digest, "lessons": list(lessons)}
        result |= {"limits": _limits(limits)}
        _write(state, student, result)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            _write(state, student, ungraded(student, f"{type(error).__name__}: {error}"[:300]))
    finally:
        os._exit(0)


def ungraded(student: str, why: str) -> dict:
    """The result of a student who could not be judged; tried again by the next run."""
    empty: dict = {"exercises": {}, "predictions": {}, "outcomes": {}, "met": {}, "ticks": {}}
    return {
        **empty,
        "student": student,
        "world": "",
        "notes": [],
        "problem": f"could not be graded: {why}",
    }


def _place(state: Path, student: str) -> Path:
    return state / f"{file_name(student)}.json"


def _write(state: Path, student: str, result: dict) -> None:
    write(_place(state, student), json.dumps(result).encode())


def _written(state: Path, student: str) -> dict:
    """What was written last of a student; empty if that is nothing."""
    try:
        result = json.loads(_place(state, student).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def _limits(limits: Limits) -> list[float]:
    """What decides whether an answer comes to its end."""
    return [limits.seconds, limits.memory]


def _kept(state: Path, student: str, digest: str, lessons: tuple, limits: Limits) -> dict | None:
    """What was found of these very files, by a run that got to the end; under other limits, only
    where every answer came to its own.
    """
    from ragteach.teach.classroom.judging import unended

    result = _written(state, student)
    if any(map(unended, result.get("exercises", {}).values())):
        if result.get("limits") != _limits(limits):
            return None
    same = (
        result.get("digest") == digest
        and result.get("version") == VERSION
        and result.get("lessons") == list(lessons)
    )
    return result if same else None


def _result(state: Path, student: str) -> dict:
    return _written(state, student) or ungraded(student, f"nothing can be read in {state}")


def _line(state: Path, student: str) -> str:
    """What is said when a student is done."""
    result = _result(state, student)
    marks = result["exercises"].values()
    points = sum(mark["points"] for mark in marks)
    problem = f"  ({result['problem']})" if result.get("problem") else ""
    return printable(f"{student}: {points} of {len(marks)}{problem}")


def gradebook(results: list[dict]) -> str:
    """The CSV: one line for every student and exercise."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for result in results:
        problem = "; ".join([*result["notes"], *filter(None, [result.get("problem")])])
        if not result["exercises"]:
            table.writerow([_cell(result["student"]), "", 0, "", "none", "", _cell(problem)])
        for number, mark in result["exercises"].items():
            notes = [problem, mark.get("claim"), note_of(mark)]
            row = (number, mark["points"], mark["status"], mark["how"], _cell(result["world"]))
            note = "; ".join(filter(None, notes))
            table.writerow([_cell(result["student"]), *row, _cell(note)])
    return file.getvalue()


def note_of(mark: dict) -> str:
    """What a teacher should look at."""
    from ragteach.teach.classroom.judging import unended

    if unended(mark):
        return "no answer before its time or memory ran out: allow more, --seconds or --memory"
    if mark["how"] == "beside" and mark["points"]:
        return "its check ran beside the student's code: look at it"
    if mark.get("borrowed"):
        return "its code looks up the course's own answer, in the package or in a solution"
    if mark.get("recomputed") is False:
        return "right in this world, but not computed from it: a number was typed in"
    return ""


def _cell(text: str) -> str:
    """One line, and no spreadsheet takes it for a formula."""
    plain = printable(text)
    return f"'{plain}" if plain.lstrip()[:1] in tuple("=+-@＝＋－＠") else plain


def run_grade(options: argparse.Namespace) -> None:
    """Grade, and say where the results lie."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    from ragteach.errors import at_least

    torch.set_num_threads(1)
    at_least("seconds", options.seconds, 0.1, 86_400)
    whole("memory", options.memory, 1)
    limits = Limits(seconds=options.seconds, memory=options.memory * 1_000_000)
    grade(options.folder, options.out, options.jobs, limits, tuple(getattr(options, "lessons", ())))
