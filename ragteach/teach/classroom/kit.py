"""What a teacher hands out and what a teacher keeps: two zip files made from the course itself.

    python -m ragteach kit class/

Enters: the notebooks and the exercises.  Leaves: ``students.zip`` (lessons, pictures, laws; no
solutions, though nothing is secret: numbers differ between worlds) and ``teachers.zip`` (that, and
solutions, a plan, an answer key and slides for each lesson, rubrics, and three timetables).

A plan says what to ask at which place and what goes wrong there; both come from the cards, the
minutes and the known mistakes of the checks, so a plan is never older than its lesson. Pages need
no network and no files beside them: formulas are MathML, pictures lie inside.
"""

from __future__ import annotations

import argparse
import inspect
import io
import re
import textwrap
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ragteach.errors import need
from ragteach.ground.writing import make_folder, put
from ragteach.teach import checks
from ragteach.teach.classroom.chapters import Lesson, read_lesson
from ragteach.teach.classroom.judging import lesson_order, numbers
from ragteach.teach.classroom.mistakes import known_mistakes
from ragteach.teach.classroom.pages import page, table
from ragteach.teach.classroom.slides import inline, picture, rendered, slides, trains
from ragteach.teach.classroom.timetables import timetable
from ragteach.teach.course import notebooks

if TYPE_CHECKING:
    from ragteach.teach.classroom.worlds import World


# ------------------------------------------------------------------ of one exercise


def key_of(number: str) -> str:
    """The reference answer, as a teacher reads it: code, value, or marks and a model text."""
    exercise = checks.get(number)
    if exercise.draft:
        marks = [
            (letter, s.text, "right" if s.right else "wrong")
            for letter, s in exercise.draft.items()
        ]
        return (
            table(("", "sentence", "mark"), marks)
            + f"<p><em>Model:</em> {_safe(exercise.model)}</p>"
        )
    if exercise.bound is not None:
        shown = f"in the default world: {_in_short(exercise.bound(_default()))}"
        return f"<pre>{_safe(inspect.getsource(exercise.bound))}</pre><p>{_safe(shown)}</p>"
    right = exercise.reference
    if callable(right):
        return f"<pre>{_safe(textwrap.dedent(inspect.getsource(right)))}</pre>"
    return f"<pre>{_safe(repr(_in_short(right))[:3000])}</pre>"


def _in_short(right: object) -> object:
    """An answer with its numbers as a learner reads them: four digits."""
    import numpy as np

    if isinstance(right, dict):
        return {name: _in_short(value) for name, value in right.items()}
    if isinstance(right, list | tuple):
        return type(right)(map(_in_short, right))
    if isinstance(right, float | np.floating):
        return float(f"{right:.4g}")
    if isinstance(right, np.ndarray):
        return _in_short(right.tolist())
    return right


def _default() -> World:
    from ragteach.teach.classroom.worlds import DEFAULT, world_of

    return world_of(DEFAULT)


def _safe(text: object) -> str:
    from html import escape

    return escape(str(text))


# ------------------------------------------------------------------ pages of a lesson


def shares(lesson: Lesson) -> list[int]:
    """Minutes of each section: its exercises' cards, and of the rest a share by its words.

    A bonus section is read at the same pace, on top of the lesson's minutes.
    """
    cards = [sum(checks.get(n).minutes for n in s.exercises) for s in lesson.sections]
    words = [len(" ".join(s.words).split()) for s in lesson.sections]
    counted = [(c, n) for c, n, s in zip(cards, words, lesson.sections, strict=True) if not s.bonus]
    rest = max(lesson.minutes - sum(card for card, _ in counted), 0)
    whole = max(sum(n for _, n in counted), 1)
    return [round(card + rest * n / whole) for card, n in zip(cards, words, strict=True)]


def plan(lesson: Lesson) -> str:
    """The lesson plan: what to ask where, what goes wrong, and which picture to draw."""
    body = f"<p>{lesson.minutes} minutes. Afterwards they can {inline(lesson.able)}.</p>"
    body += (
        "<p>Let everybody write down a prediction before the cell that answers it. Minutes are "
        "those of the cards; what is left goes to reading, by the length of the text.</p>"
    )
    begins = 0
    for section, minutes in zip(lesson.sections, shares(lesson), strict=True):
        if not (section.exercises or section.questions or section.pictures) and minutes < 2:
            begins += minutes
            continue
        when = f"{begins}–{begins + minutes} min"
        if section.bonus:
            when = f"on top, about {minutes} min"
        body += f"<h2>{when} · {inline(section.title)}</h2>"
        begins += 0 if section.bonus else minutes
        for question in section.questions:
            body += f"<h3>Ask</h3>{rendered(question)}"
        if section.pictures:
            png, alt = section.pictures[0]
            body += f"<h3>At the board</h3><figure>{picture(png, alt)}</figure><p>{_safe(alt)}</p>"
        for number in section.exercises:
            body += _exercise_in_plan(number)
    return page(f"Lesson plan: {lesson.title}", body)


def _exercise_in_plan(number: str) -> str:
    e = checks.get(number)
    wrong = "".join(f"<li>{inline(text)}</li>" for text in known_mistakes(number)[:8])
    hints = "".join(f"<li>{inline(text)}</li>" for text in e.hints)
    return (
        f"<h3>Exercise {number} · {_safe(e.title)} ({e.difficulty}, {e.minutes} min)</h3>"
        f"<p>{trains(number)}</p><p>What goes wrong:</p><ul>{wrong}</ul>"
        f"<p>If they are stuck, one step at a time:</p><ol>{hints}</ol>"
    )


def key(lesson: Lesson) -> str:
    """The answer key: every reference, why it is right, and the model proofs."""
    body = ""
    for number in sorted({n for s in lesson.sections for n in s.exercises}, key=lesson_order):
        e = checks.get(number)
        body += f"<h2>{number} · {_safe(e.title)}</h2>{key_of(number)}"
        body += f"<p>{inline(e.reason)}</p>" if e.reason else ""
    proofs = [fold for section in lesson.sections for fold in section.folds]
    if proofs:
        body += "<h1>Model proofs</h1>"
    for summary, text in proofs:
        body += f"<h2>{inline(re.sub('<.*?>', '', summary))}</h2>{rendered(text)}"
    return page(f"Answer key: {lesson.title}", body)


def rubrics(lessons: Iterable[Lesson]) -> str:
    """For answers in words: what a good one has, a model, and a tempting wrong one."""
    body = (
        "<p>No program judges a text. Tick what it has; the wrong one shows what to look for.</p>"
    )
    for lesson in lessons:
        for number in numbers(set(), (lesson.number,)):
            e = checks.get(number)
            if e.rubric:
                items = "".join(f"<li>☐ {_safe(item)}</li>" for item in e.rubric)
                body += f"<h2>{number} · {_safe(e.title)}</h2><ul>{items}</ul>"
                body += f"<p><em>Model.</em> {_safe(e.model)}</p>" if e.model else ""
                wrong = f"<p><em>Tempting, and wrong.</em> {_safe(e.tempting)} {_safe(e.flaw)}</p>"
                body += wrong if e.tempting else ""
    return page("Rubrics", body)


def front(lessons: Iterable[Lesson]) -> str:
    """Where a teacher begins: what lies in the zip, lesson by lesson."""
    body = (
        "<p>Unpack the zip first: the links lead to files beside this page.</p><ul>"
        '<li><a href="timetables.html">Timetables</a>: six weeks, twelve weeks, a workshop.</li>'
        '<li><a href="rubrics.html">Rubrics</a> for answers in words, which no program judges.</li>'
        '<li><a href="teaching.html">Teaching</a>: worlds of their own, collecting, grading, a '
        "server for the class.</li>"
        '<li><a href="students/START.txt">students/</a>: what your students get.</li></ul>'
    )
    rows = ""
    for lesson in lessons:
        ways = {
            "plan": f"plans/{lesson.name}.html",
            "slides": f"slides/{lesson.name}.html",
            "key": f"keys/{lesson.name}.html",
            "solved notebook": f"solutions/{lesson.name}.ipynb",
        }
        links = " · ".join(f'<a href="{path}">{word}</a>' for word, path in ways.items())
        rows += (
            f"<tr><td>{inline(lesson.title)}</td><td class=n>{lesson.minutes}</td>"
            f"<td>{links}</td></tr>"
        )
    head = "<tr><th>lesson</th><th>minutes</th><th>for you</th></tr>"
    return page("The teacher's kit", f"{body}<table>{head}{rows}</table>")


def teaching() -> str:
    """TEACHING.md as a page."""
    text = (Path(__file__).parent / "TEACHING.md").read_text(encoding="utf-8")
    title, _, rest = text.partition("\n")
    return page(title.removeprefix("# "), rendered(re.sub(r"<!--.*?-->\n", "", rest)))


# ------------------------------------------------------------------ the zips

START = """Multi-task learning with shared weights and random adapters: the lessons.

1. python -m pip install "ragteach[lab] @ git+{address}"
   (or open a notebook in Colab: its first cell installs it)
2. python -m jupyterlab 00_start_here.ipynb
3. In your first cell: import ragteach as rt; rt.world("your student number")
4. Hand in the notebook and my_progress.json, which lies beside it.
"""


def address(notebook: Path) -> str:
    """Where the course is installed from: the first cell of every notebook says it, and
    pyproject.toml says it to the notebooks.
    """
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    (first, *_) = [cell.source for cell in cells if cell.cell_type == "code"]
    return re.findall(r"git\+([^\s\"']+)", first)[0]


def make_kit(out: str | Path) -> list[Path]:
    """Write ``students.zip`` and ``teachers.zip``.

    Returns:
        their paths.

    Raises:
        RagteachError: a package that draws pages is missing, or ``out`` cannot be written.
    """
    need("nbconvert", "latex2mathml")
    source = notebooks()
    out = Path(out)
    make_folder(out, "out")
    start = START.format(address=address(source / "00_start_here.ipynb"))
    handed = {"START.txt": start.encode()}
    for pattern in ("*.ipynb", "*.md", "images/*"):
        handed |= {str(p.relative_to(source)): p.read_bytes() for p in sorted(source.glob(pattern))}
    solved = [
        p
        for what in ("[0-9]*", "lab_*")
        for p in sorted((source / "solutions").glob(f"{what}.ipynb"))
    ]
    lessons = [read_lesson(path) for path in solved]
    kept = {f"students/{name}": content for name, content in handed.items()}
    kept |= {f"solutions/{path.name}": path.read_bytes() for path in solved}
    for lesson in lessons:
        for folder, made in (("plans", plan), ("keys", key), ("slides", slides)):
            kept[f"{folder}/{lesson.name}.html"] = made(lesson).encode()
    kept["rubrics.html"] = rubrics(lessons).encode()
    kept["timetables.html"] = timetable(lessons).encode()
    kept["teaching.html"] = teaching().encode()
    kept["START.html"] = front(lessons).encode()
    return [
        put(out / "students.zip", zipped(handed), "out"),
        put(out / "teachers.zip", zipped(kept), "out"),
    ]


def zipped(files: dict[str, bytes]) -> bytes:
    """The files as a zip, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(
                zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def run_kit(options: argparse.Namespace) -> None:
    """Write the kit, and say where it lies."""
    for path in make_kit(options.out):
        print(f"{path}: {path.stat().st_size:,} bytes")
