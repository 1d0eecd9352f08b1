"""When to teach what: six weeks, twelve weeks, a workshop, and the labs as projects.

Enters: the lessons with their minutes.  Leaves: one page of the teacher's kit.
"""

from __future__ import annotations

from collections.abc import Iterable

from ragteach.teach.classroom.chapters import Lesson
from ragteach.teach.classroom.pages import page, table

SIX = (  # no other split into six has a lighter heaviest week
    ("Why share, and the equation", ("00", "01", "02")),
    ("Losses and training", ("03", "04")),
    ("Paths, a fair comparison, and what lambda believes", ("05", "06", "07")),
    ("What random does, and new tasks", ("08", "09")),
    ("Real data, and inside a network", ("10", "11")),
    ("Deployed, and the article on trial", ("12", "13")),
)
TWELVE = (
    ("00", "01"), ("02",), ("03",), ("04",), ("05",), ("06",), ("07",), ("08",), ("09",), ("10",),
    ("11",), ("12", "13"),
)  # fmt: skip
WORKSHOP = (
    (15, "00 Start here", "The slider: from independent models to full sharing. Exercise 00-1."),
    (25, "01 Why share?", "One word, two domains; the four sentences (01-2) at the board."),
    (20, "02 The equation", "The graph editor; the equation as code (02-2)."),
    (20, "06 A fair comparison", "The map of winners; the paired interval (06-1)."),
    (10, "07 Lambda as a prior", "The one slider again: what does lambda believe? Then the recap."),
)


def timetable(lessons: list[Lesson]) -> str:
    """Six weeks, twelve weeks, and a workshop of 90 minutes."""
    by_number = {lesson.number: lesson for lesson in lessons}

    def row(week: int, members: Iterable[str], *about: str) -> tuple:
        held = [by_number[number] for number in members if number in by_number]
        minutes = sum(lesson.minutes for lesson in held)
        names = "; ".join(lesson.title for lesson in held)
        return (
            week,
            *about,
            names,
            f"{minutes} min: 90 in class, {max(minutes - 90, 0)} at home",
        )

    body = "<h2>Six weeks</h2>" + table(
        ("week", "about", "lessons", "time"), [row(i, m, t) for i, (t, m) in enumerate(SIX, 1)]
    )
    body += "<h2>Twelve weeks</h2>" + table(
        ("week", "lessons", "time"), [row(i, m) for i, m in enumerate(TWELVE, 1)]
    )
    body += (
        "<p>In class: predictions, the explorers, and the easy and medium exercises. At home: what "
        "is marked hard or extra, the answers in words, and the exercise in a world of one's own "
        "(01-w to 10-w), which is what to hand in.</p>"
    )
    labs = [lesson for lesson in lessons if lesson.is_lab]
    body += (
        "<h2>Projects</h2><p>A lab is one long session, alone or in pairs: a brief, data, "
        "baselines to beat, milestones that are checked, and a report. Its rubric is in the "
        "rubrics. From the lesson on real data (10) on, each student takes one.</p>"
    )
    body += table(
        ("lab", "minutes", "afterwards they can"),
        [(lab.title.removeprefix("Lab · "), lab.minutes, lab.able) for lab in labs],
    )
    body += f"<h2>A workshop of {sum(m for m, _, _ in WORKSHOP)} minutes</h2>" + table(
        ("minutes", "lesson", "what"), WORKSHOP
    )
    return page("Timetables", body)
