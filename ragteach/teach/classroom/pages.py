"""What grading found, as pages: one for each student, one for the class.

Enters: the results of `judging.judge`.  Leaves: ``feedback/NAME.html`` and ``class.html``, without
scripts and without anything from elsewhere. Whatever a student wrote is escaped.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from ragteach.ground.writing import make_folder, put
from ragteach.teach import checks
from ragteach.teach.checks import FAIL, PASS, TODO
from ragteach.teach.classroom.judging import lesson_order
from ragteach.teach.classroom.submissions import file_name
from ragteach.teach.classroom.worlds import DEFAULT

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { border: 1px solid #8888; padding: .25rem .6rem; text-align: left; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums }
th.s { font-weight: normal }
.wide { overflow-x: auto }
img { max-width: 100%; height: auto }
section.x { border-left: 4px solid #767676; padding-left: .8rem; margin: 1rem 0 }
section.PASS { border-color: #0072B2 } section.FAIL { border-color: #D55E00 }
"""
SIGN = {PASS: "✓", FAIL: "✗", TODO: "…"}


def write_pages(results: list[dict], out: Path, lines: Iterable[str]) -> None:
    """Every page; ``lines`` say what was contained."""
    folder = out / "feedback"
    make_folder(folder, "out")
    for result in results:
        page = feedback(result).encode("utf-8", "replace")
        put(folder / f"{file_name(result['student'])}.html", page, "out")
    put(out / "class.html", class_page(results, lines).encode("utf-8", "replace"), "out")


def page(title: str, body: str) -> str:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_safe(title)}</title>"
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style></head><body><h1>{_safe(title)}</h1>\n{body}</body></html>\n"
    )


def _safe(text: object) -> str:
    return html.escape(str(text))


def _title(number: str) -> str:
    try:
        return checks.get(number).title
    except ValueError:
        return ""


# ------------------------------------------------------------------ a student


def feedback(result: Mapping) -> str:
    """What one student is told."""
    marks = result["exercises"]
    points = sum(mark["points"] for mark in marks.values())
    world = result["world"]
    body = f"<p><strong>{points} of {len(marks)} exercises</strong>"
    if world:
        body += f" · {'the default world' if world == DEFAULT else f'the world of {_safe(world)}'}"
    body += "</p>"
    for note in [*result["notes"], *filter(None, [result.get("problem")])]:
        body += f"<p>Please look at this: {_safe(note)}</p>"
    for number, mark in marks.items():
        body += (
            f'<section class="x {mark["status"]}"><h2>{SIGN[mark["status"]]} {_safe(number)} · '
            f"{_safe(_title(number))}: {mark['status']}</h2><p>{_safe(mark['message'])}</p>"
        )
        if mark["status"] != PASS:
            hints = checks.get(number).hints
            body += f"<p>A hint: {_safe(hints[0])}</p>"
        if mark.get("recomputed") is False:
            body += "<p>The number is right. Compute it in the cell, so that others can follow.</p>"
        body += "</section>"
    if result["predictions"]:
        rows = [
            (question, guess, result["outcomes"].get(question, "not revealed"))
            for question, guess in result["predictions"].items()
        ]
        body += "<h2>What you predicted</h2>" + table(("question", "before", "after"), rows)
    return page(f"Feedback for {result['student']}", body)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; numbers stand right."""
    cells = "".join(f'<th scope="col">{_safe(name)}</th>' for name in head)
    lines = [
        "".join(f"<td{' class=n' if isinstance(v, int) else ''}>{_safe(v)}</td>" for v in row)
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{cells}</tr>{body}</table></div>'


# ------------------------------------------------------------------ the class


def class_page(results: list[dict], lines: Iterable[str]) -> str:
    """The class at a glance: points, misconceptions, predictions, likely copies."""
    numbers = sorted({n for result in results for n in result["exercises"]}, key=lesson_order)
    body = f"<p>{len(results)} students, {len(numbers)} exercises.</p>"
    body += "<ul>" + "".join(f"<li>{_safe(line)}</li>" for line in lines) + "</ul>"
    body += "<h2>Misconceptions</h2>" + heat_map(results, numbers)
    body += "<h2>Predictions, before and after</h2>" + predictions(results)
    body += "<h2>Likely copies</h2>" + copies(results)
    body += "<h2>Points</h2>" + points(results, numbers)
    return page("The class", body)


def heat_map(results: list[dict], numbers: list[str]) -> str:
    """Exercise x misconception: how many students met it, darker for more of them.

    What the run found and what the progress files say was met on the way are taken together.
    """
    met: dict[str, Counter[str]] = {number: Counter() for number in numbers}
    for result in results:
        for number in numbers:
            mine = set(result["met"].get(number, []))
            mark = result["exercises"].get(number, {})
            if mark.get("status") == FAIL and mark.get("diagnosed"):
                mine.add(mark["message"])
            met[number].update(mine)
    rows = ""
    n = max(len(results), 1)
    for number in numbers:
        marks = [result["exercises"].get(number, {}).get("status") for result in results]
        passed = marks.count(PASS)
        failed = marks.count(FAIL)
        common = met[number].most_common(5)
        cells = shaded(passed, n, "0,114,178") + shaded(failed, n, "213,94,0")
        cells += "".join(shaded(count, n, "213,94,0", message) for message, count in common)
        cells += "<td></td>" * (5 - len(common))
        name = f'<th scope="row" class="s">{_safe(number)} {_safe(_title(number))}</th>'
        rows += f"<tr>{name}{cells}</tr>"
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("exercise", "passed", "failed", *(f"most met, {i}" for i in range(1, 6)))
    )
    words = (
        "<p>One row an exercise. Numbers are students; the stronger the colour, the larger their "
        "share of the class. To the right, the five misconceptions that most of them met.</p>"
    )
    return f'{words}<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def shaded(count: int, of: int, colour: str, message: str = "") -> str:
    """A cell with a count, its background as strong as the share."""
    share = 0.75 * count / of
    said = f" · {_safe(message[:110])}{'…' if len(message) > 110 else ''}" if message else ""
    title = f' title="{_safe(message)}"' if message else ""
    return f'<td style="background:rgba({colour},{share:.2f})"{title}>{count}{said}</td>'


def predictions(results: list[dict]) -> str:
    """For every question, who guessed what before, and what came out."""
    guesses: dict[str, Counter[str]] = {}
    outcome: dict[str, Counter[str]] = {}
    for result in results:
        for question, guess in result["predictions"].items():
            guesses.setdefault(question, Counter())[" ".join(guess.casefold().split())] += 1
            if question in result["outcomes"]:
                outcome.setdefault(question, Counter())[result["outcomes"][question]] += 1
    if not guesses:
        return "<p>No progress file holds a prediction.</p>"
    rows = []
    for question, counted in sorted(guesses.items()):
        before = "; ".join(f"{count} × {guess}" for guess, count in counted.most_common(6))
        seen = outcome.get(question, Counter()).most_common(1)
        rows.append(
            (question, sum(counted.values()), before, seen[0][0] if seen else "not revealed")
        )
    return table(("question", "students", "before", "after"), rows)


def copies(results: list[dict]) -> str:
    """Pairs of students with the same numbers where no two should have them."""
    rows = [
        (one, other, ", ".join(numbers), why)
        for (one, other), (numbers, why) in sorted(likely_copies(results).items())
    ]
    if not rows:
        return (
            "<p>None: no two students have the same numbers in exercises of their own worlds.</p>"
        )
    words = "<p>Numbers bound to a world differ between worlds. Talk before you judge.</p>"
    return words + table(("one", "other", "exercises", "why"), rows)


def likely_copies(results: list[dict]) -> dict[tuple[str, str], tuple[list[str], str]]:
    """{(one, other): (exercises with the same numbers, why that is odd)}.

    Nothing can be said of answers in the default world that are right: all have the same there.
    """
    holders: dict[tuple, list[dict]] = {}
    for result in results:
        for number, mark in result["exercises"].items():
            value = tuple(mark.get("value") or ())
            common = result["world"] == DEFAULT and mark["status"] == PASS
            if value and not common:
                holders.setdefault((number, value), []).append(result)
    found: dict[tuple[str, str], tuple[list[str], str]] = {}
    for (number, _), students in holders.items():
        for i, one in enumerate(students):
            for other in students[i + 1 :]:
                pair = one["student"], other["student"]
                same = one["world"] == other["world"] != DEFAULT
                why = "both in one world" if same else "in two worlds the numbers must differ"
                found.setdefault(pair, ([], why))[0].append(number)
    return found


def points(results: list[dict], numbers: list[str]) -> str:
    """Student x exercise."""
    rows = []
    for result in results:
        marks = [result["exercises"].get(number) for number in numbers]
        total = sum(mark["points"] for mark in marks if mark)
        signs = [SIGN[mark["status"]] if mark else "" for mark in marks]
        note = "; ".join([*result["notes"], *filter(None, [result.get("problem")])])
        rows.append((result["student"], total, *signs, note))
    return table(("student", "points", *numbers, "note"), rows)
