"""What one student's answers are worth: each is run again, and judged where it cannot be reached.

Enters: a `Submission`.  Leaves: a dict that JSON can hold: for every exercise of the lessons met a
verdict, with points, message and how it was judged; and what the progress file adds.

    how       what it says
    apart     the student's process gave data, or was called; the verdict fell in the judge's
    beside    the exercise is about objects (a model, a class): its check ran beside the answer
    none      no answer, or none that ended

A progress file is a claim. Points come from the run alone; where the two differ, ``claim`` says so.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import re
import time
from collections.abc import Sequence
from dataclasses import replace

from ragteach.errors import refuse, shown
from ragteach.teach import checks
from ragteach.teach.checks import FAIL, PASS, TODO, Result
from ragteach.teach.classroom import sandbox, slices, wire, worlds
from ragteach.teach.classroom.sandbox import Limits, NotData, Student
from ragteach.teach.classroom.submissions import Submission

LOOKS_UP = re.compile(
    r"\bREGISTRY\b|\bteach[./]exercises\b|\bimport exercises\b"
    r"|\bchecks\.get\(|\bgetsource|\bsolutions/"
)
SECONDS_OF_ALL = 20  # times Limits.seconds: what all answers of one student may take
SECONDS_OF_WHOLE = 2  # times Limits.seconds: what a run of the whole notebook may take
NO_END = "Run again"  # begins what is said of an answer that did not come
NO_TIME = "no time was left for it"


def judge(submission: Submission, limits: Limits, lessons: Sequence[str] = ()) -> dict:
    """Every verdict of one student.

    Args:
        lessons: whose exercises count, e.g. ``["01"]``; else those that the submission has answers
            of.
    """
    notebook = slices.read(submission.cells)
    claims = submission.progress.get("checks", {})
    claims = claims if isinstance(claims, dict) else {}
    world = world_of_student(submission, notebook, limits)
    found = {}
    until = time.monotonic() + SECONDS_OF_ALL * sandbox.crowding() * limits.seconds
    met = {*notebook.answers, *notebook.broken, *notebook.mentions, *claims}
    for number in numbers(met, lessons):
        answers = notebook.answers.get(number, [])[::-1]
        if not answers and number in claims:
            answers = _answer_of_claim(number, claims[number])
        verdict = _best(number, answers, world, limits, until)
        if not answers and number in notebook.broken:
            verdict["message"] = notebook.broken[number]
        found[number] = verdict
    if time.monotonic() < until:
        found |= _of_the_whole(notebook, found, world, limits)
    for number, verdict in found.items():
        said = claims.get(number)
        said = said.get("status") if isinstance(said, dict) else None
        if said in (PASS, FAIL) and said != verdict["status"]:
            verdict["claim"] = f"the progress file says {said}, the run says {verdict['status']}"
    return {
        "student": submission.student,
        "world": world,
        "exercises": found,
        "notes": submission.notes,
        "predictions": _texts(submission.progress.get("predictions")),
        "outcomes": _texts(submission.progress.get("outcomes")),
        "met": {n: _met(said) for n, said in list(claims.items())[:200] if _met(said)},
        "ticks": _ticks(submission.progress.get("written")),
    }


def numbers(met: set[str], lessons: Sequence[str]) -> list[str]:
    """All exercises of the lessons, or of the lessons met, in order; unknown numbers are left
    out.
    """
    wanted = set(lessons) or {str(number).rpartition("-")[0] for number in met}
    for lesson in sorted(wanted):
        try:
            checks.get(f"{lesson}-1")
        except ValueError:
            continue
    return sorted((n for n in checks.REGISTRY if n.rpartition("-")[0] in wanted), key=lesson_order)


def check_lessons(lessons: Sequence[str]) -> None:
    """Refuse lessons without exercises: nobody would have a point, and nothing would say why."""
    for lesson in lessons:
        with contextlib.suppress(ValueError):
            checks.get(f"{lesson}-1")  # the exercises of a lesson are known once one was asked for
        known = {number.rpartition("-")[0] for number in checks.REGISTRY}
        if lesson not in known:
            raise refuse(
                expected="lessons with exercises, such as 01",
                got=f"lessons = {shown(lesson)}, which has none",
                fix="write two figures, as the notebooks' names begin: --lessons 01 02",
            )


def lesson_order(number: str) -> tuple[str, int, str]:
    """01-2 comes before 01-10, and 01-w last."""
    lesson, _, place = number.rpartition("-")
    return lesson, int(place) if place.isdigit() else 999, place


def world_of_student(submission: Submission, notebook: slices.Notebook, limits: Limits) -> str:
    """The world that the notebook enters, else the progress file's, else the default."""
    kept = submission.progress.get("class", {})
    entered: object = notebook.world
    if isinstance(entered, slices.Answer):  # rt.world(my_number)
        try:
            with Student(limits, worlds.DEFAULT) as student:
                entered = student.answer(entered.statements, entered.expression)
        except (wire.Hung, wire.TooMuch, NotData, Exception):
            entered = None
    for said in (entered, kept.get("world") if isinstance(kept, dict) else None):
        if said is not None:
            try:
                return worlds.clean_id(said)
            except ValueError:
                continue
    return worlds.DEFAULT


def _best(
    number: str, answers: list[slices.Answer], world: str, limits: Limits, until: float
) -> dict:
    """The first of the answers that passes, or the verdict on the last one."""
    verdicts = []
    for answer in answers:
        if time.monotonic() > until:
            verdicts.append(_verdict(Result(number, FAIL, NO_TIME), "none"))
            break
        verdicts.append(_of_one(number, answer, world, limits))
        if verdicts[-1]["status"] == PASS:
            break
    if not verdicts:
        return _verdict(Result(number, TODO, "no answer"), "none")
    passed = [verdict for verdict in verdicts if verdict["status"] == PASS]
    best = (passed or verdicts)[0]
    bound = checks.get(number).bound
    if best["status"] == PASS:
        best["borrowed"] = borrows(answers[len(verdicts) - 1])
    if best["status"] == PASS and bound is not None:
        again = _of_one(number, answers[len(verdicts) - 1], world, limits, fresh=1)
        best["recomputed"] = again["status"] == PASS
    return best


def _of_the_whole(
    notebook: slices.Notebook, found: dict[str, dict], world: str, limits: Limits
) -> dict[str, dict]:
    """Verdicts of what the whole notebook hands in where a slice of it did not pass.

    Nobody loses points by what a slice cannot see: ``check`` in a function or a loop, a list that a
    function fills, a weight that an optimiser moves. One run for all exercises that need it.
    """
    wanted = [number for number, verdict in found.items() if _may_differ(number, verdict, notebook)]
    if not wanted:
        return {}
    seen = _run_whole(notebook, wanted, world, limits)
    passed = [number for number, verdict in seen.items() if verdict["status"] == PASS]
    for number in passed:
        code = "\n".join(map(ast.unparse, notebook.statements))
        seen[number]["borrowed"] = borrows(slices.Answer(number, "", (code,)))
    bound = [number for number in passed if checks.get(number).bound is not None]
    again = _run_whole(notebook, bound, world, limits, fresh=1) if bound else {}
    for number in bound:
        seen[number]["recomputed"] = again.get(number, {}).get("status") == PASS
    return seen


def _may_differ(number: str, verdict: dict, notebook: slices.Notebook) -> bool:
    """Not what passed, did not end, or was left open as it was handed out."""
    if verdict["status"] == PASS or verdict["message"].startswith(NO_END):
        return False
    answers = notebook.answers.get(number, [])
    code = "\n".join(line for a in answers for line in (*a.statements, a.expression))
    is_open = verdict["status"] == TODO and "..." in code
    return number in notebook.mentions and not is_open


def _run_whole(
    notebook: slices.Notebook, wanted: list[str], world: str, limits: Limits, fresh: int = 0
) -> dict[str, dict]:
    """Run the notebook from top to bottom, and judge what it hands to ``check`` on the way."""
    worlds.stay(world, fresh)
    more = replace(limits, seconds=SECONDS_OF_WHOLE * limits.seconds)
    found: dict[str, dict] = {}
    with (
        contextlib.suppress(wire.Hung, wire.TooMuch),
        Student(more, world, fresh) as student,
    ):
        for statements, here in slices.whole(notebook, wanted):
            for number in here:
                if found.get(number, {}).get("status") == PASS:
                    continue
                result, how, yours = _handed(student, statements, number)
                statements = ()
                if yours is not ...:
                    found[number] = _verdict(result, how)
                    if checks.get(number).bound is not None and how == "apart":
                        found[number]["value"] = _rounded(yours)
    return found


def _handed(
    student: Student, statements: tuple[str, ...], number: str
) -> tuple[Result, str, object]:
    """(verdict, how, value) of what was handed in last; the value is ``...`` if nothing was."""
    try:
        yours = student.handed(statements, number)
        return checks._judge(number, yours), "apart", yours
    except NotData:
        return _beside(student, number), "beside", None
    except Exception as error:
        return checks._explain_error(number, error, is_code=True), "none", None


def unended(verdict: dict) -> bool:
    """Whether time or memory ran out before there was an answer: nobody knows what it is worth."""
    return verdict["how"] == "none" and verdict["message"].startswith((NO_END, NO_TIME))


def borrows(answer: slices.Answer) -> bool:
    """Whether an answer asks the course for that very answer, ``check("02-1", reference("02-1"))``,
    or looks for it in the package's exercises or a solved notebook.
    """
    code = "\n".join([*answer.statements, answer.expression])
    asked = f"reference({answer.number!r})" in code  # as ast.unparse writes it
    return asked or LOOKS_UP.search(code) is not None


def _of_one(number: str, answer: slices.Answer, world: str, limits: Limits, fresh: int = 0) -> dict:
    """Run one answer, and judge what came out."""
    worlds.stay(world, fresh)
    try:
        with Student(limits, world, fresh) as student:
            try:
                yours = student.answer(answer.statements, answer.expression)
                result = checks._judge(number, yours)
                how = "apart"
            except NotData:
                result = _beside(student, number)
                how = "beside"
    except (wire.Hung, wire.TooMuch) as error:
        return _verdict(Result(number, FAIL, f"{NO_END}, {error}."), "none")
    except Exception as error:
        result = checks._explain_error(number, error, is_code=True)
        how = "none"
        return _verdict(result, how)
    verdict = _verdict(result, how)
    if checks.get(number).bound is not None and how == "apart":
        verdict["value"] = _rounded(yours)
    return verdict


def _beside(student: Student, number: str) -> Result:
    said = student.inside(number)
    status = said.get("status")
    if status not in (PASS, FAIL, TODO):
        raise wire.Hung("it answered with something else than data")
    return Result(
        number, status, str(said.get("message", ""))[:2000], diagnosed=bool(said.get("diagnosed"))
    )


def _verdict(result: Result, how: str) -> dict:
    return {
        "status": result.status,
        "points": int(result.status == PASS),
        "message": str(result.message)[:1000],
        "diagnosed": bool(result.diagnosed),
        "how": how,
    }


def _rounded(value: object) -> list[float]:
    """A bound answer's numbers, to four digits: alike ones are likely copies."""
    import numpy as np

    try:
        flat = np.asarray(value, dtype=float).ravel()[:24]
    except (TypeError, ValueError):
        return []
    return [float(f"{number:.4g}") for number in flat if np.isfinite(number)]


def _answer_of_claim(number: str, claim: object) -> list[slices.Answer]:
    """The answer that the progress file kept, to be run again: numbers, or a function's source."""
    said = claim.get("answer") if isinstance(claim, dict) else None
    if said is None:
        return []
    if isinstance(said, dict) and set(said) == {"source"}:
        return _answer_of_source(number, str(said["source"]))
    return [slices.Answer(number, repr(said)[:200_000], ())]


def _answer_of_source(number: str, source: str) -> list[slices.Answer]:
    import textwrap

    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if not names:
        return []
    usual = "import numpy as np; import pandas as pd; import torch; import ragteach as rt"
    return [slices.Answer(number, names[-1], (usual, ast.unparse(tree)))]


def _texts(section: object) -> dict[str, str]:
    entries = section if isinstance(section, dict) else {}
    return {str(k)[:40]: str(v)[:200] for k, v in list(entries.items())[:200]}


def _met(said: object) -> list[str]:
    met = said.get("met", []) if isinstance(said, dict) else []
    return [str(message)[:300] for message in met[:20]] if isinstance(met, list) else []


def _ticks(section: object) -> dict[str, int]:
    entries = section if isinstance(section, dict) else {}
    return {
        str(number): len(entry["ticks"])
        for number, entry in list(entries.items())[:200]
        if isinstance(entry, dict) and isinstance(entry.get("ticks"), list)
    }


def warm_up() -> None:
    """Import what lessons import, once: every student's process is forked from this one."""
    for name in (
        "numpy",
        "pandas",
        "torch",
        "scipy.stats",
        "sklearn.linear_model",
        "sklearn.metrics",
        "sklearn.model_selection",
        "sklearn.feature_extraction.text",
        "matplotlib.pyplot",
        "seaborn",
        "ragteach.engine.replicas",
        "ragteach.study.experiment",
        "ragteach.study.plots",
        "ragteach.study.tables",
        "ragteach.integrations.estimators",
        "ragteach.integrations.deep",
        "ragteach.teach.written",
        "ragteach.teach.hints",
        "ragteach.widgets",
        "ragteach.data.sources.human",
    ):
        importlib.import_module(name)
    for module in checks_modules():
        importlib.import_module(module)
    worlds.world_of(worlds.DEFAULT).solve()
    assert sandbox is not None


def checks_modules() -> list[str]:
    """The modules that register exercises."""
    from pathlib import Path

    folder = Path(checks.__file__).parent / "exercises"
    return [f"ragteach.teach.exercises.{path.stem}" for path in sorted(folder.glob("l*_*.py"))]
