"""Make the notebooks from the lessons in this folder, and check that nobody edited them.

    python notebooks/_source/build.py [NAME ...]             generate and execute (all, or the named lessons)
    python notebooks/_source/build.py --check                fail on any difference, missing or extra file
    python notebooks/_source/build.py --check --execute      and run them again and compare what they print

A line that ends in ``### SOLUTION`` has ``...`` where the answer goes. The answer is the reference of
the exercise that the cell checks, taken from ragteach/teach/exercises: the body of the function, or
the value. So there is one source for the notebook, the check and the tests. A solution that is an
experiment (it calls the lesson's own code) is written in the lesson, between ``### BEGIN SOLUTION`` and
``### END SOLUTION``.

A lesson is a py:percent script (jupytext).  From each come two notebooks: the student's (solutions
cleared) and the solution.  nbconvert removes tagged cells, nbclient executes.  Clearing is our own
preprocessor because nbgrader's puts ``raise NotImplementedError`` into every gap, and then no later
cell runs; ours leaves the names defined as ``...``.

A long cell that only draws begins folded: the reader meets the idea and its picture, and opens the
drawing when it is wanted.

A student's notebook keeps its outputs up to the first prediction; after it, explorers only, and those
only where no question is open (`held_back`).

The outputs of a cell tagged ``private`` are shown to whoever runs it and, pictures aside, not kept
in the
file: for data that may be read but not passed on.

What --check compares.  Sources, cell ids, tags and metadata must be exactly what the lesson
generates. Outputs cannot be compared byte by byte across machines (the last digits of floats, the
bytes of a PNG), so --check asks that every code cell was executed in order, without an error or a
warning, that every figure has alt text, and that nothing in the file depends on the moment or the
machine.  --execute, which the tests use, runs the lesson again and compares all text with its
numbers masked, so an output that no longer belongs to the code is found.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path

import jupytext
import nbformat
import psutil
from nbclient import NotebookClient
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from ragteach.teach.classroom.slices import changes, parsed, reads
from ragteach.teach.short import SIGN
from ragteach.widgets.base import NOTE, kept
from ragteach.widgets.html import settled

SOURCE = Path(__file__).resolve().parent
KINDS = ("student", "solution")
TAGS = {
    "exercise",
    "solution",
    "student",
    "answer",
    "volatile",
    "private",
    "setup",
    "folded",
}
FIRST = """\
# For Colab, and wherever ragteach is missing: installs it and leaves all else as it is.
# Where it is there already, nothing happens.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("ragteach") is None:
    print("Installing ragteach; what is here already stays as it is.")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "git+{address}"], check=True)
    importlib.invalidate_caches()"""
LONG_DRAWING = 12  # lines
FOLDED = {
    "jupyter": {"source_hidden": True},
    "cellView": "form",
}  # Jupyter's word, Colab's word
ANSWER = "*Your answer, on paper or in this cell:*"
MAX_BYTES = 1_500_000
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
    },
}
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = "▶ *Run this cell to get the live widget. The figure before it shows the same thing.*"
PRIVATE_NOTE = (
    "▶ *Run this cell to see its output. It shows sentences that other people wrote, "
    "so it is not kept in this file.*"
)
REGION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION\n(.*?)^[ \t]*### END SOLUTION[^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)
MARK = re.compile(r"^([ \t]*)(.*?)\.\.\.(.*?)[ \t]+### SOLUTION$", re.MULTILINE)
CHECK = re.compile(r"\b(check|reflect)\(\s*[\"']([\w-]+)[\"']")
ASKED = re.compile(r"\bpredict\(\s*[\"']([\w-]+)[\"']")
TOLD = re.compile(r"\breveal\(\s*[\"']([\w-]+)[\"']")
STATUS = re.compile(r"^\S (PASS|FAIL|TODO) (\S+):", re.MULTILINE)
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
SLOW = 4.0  # seconds of CPU after which a cell should say how long it takes
PATIENCE = "# About {} seconds."
TOLD_PATIENCE = re.compile(r"# About \d+ seconds\.")


class BuildError(Exception):
    """A lesson that cannot become a good notebook, with the place and the cure."""


# ------------------------------------------------------------------ the table of lessons


def lessons(source: Path = SOURCE, names=()) -> list[dict]:
    """The lessons in reading order; refuses a table that does not match the files (or
    ``names``).
    """
    table = tomllib.loads((source / "lessons.toml").read_text(encoding="utf-8"))[
        "lesson"
    ]
    listed = [row["name"] for row in table]
    found = {p.stem for p in source.glob("*.py")} - {"build"}
    if names and set(names) <= set(listed) & found:
        return [row for row in table if row["name"] in found]
    if set(listed) != found or len(set(listed)) != len(listed):
        raise BuildError(
            f"lessons.toml lists {listed}; the folder holds {sorted(found)}. Make them the same."
        )
    return table


def teaches(name: str) -> bool:
    """Lessons (``00_...``) and labs (``lab_...``) teach: they have exercises, and a copy with solutions.
    Every other notebook (``own_data``) is a tool: there is one of it.
    """
    return name[0].isdigit() or name.startswith("lab_")


def label(row: dict) -> str:
    """00 · Start here; Lab · Robot; a tool has its title only."""
    name, title = row["name"], row["title"]
    if name.startswith("lab_"):
        return f"Lab · {title}"
    return f"{name.split('_')[0]} · {title}" if teaches(name) else title


def table(rows: list[dict], folder: str = "") -> str:
    """The course at a glance, as Markdown."""
    head = "| lesson | minutes | afterwards you can |\n|---|---|---|\n"
    lines = [
        f"| [{label(r)}]({folder}{r['name']}.ipynb) | {r['minutes']} | {r['able']} |"
        for r in rows
    ]
    return head + "\n".join(lines)


# ------------------------------------------------------------------ from a lesson to a notebook


def filled(source: str) -> str:
    """A cell, or a whole lesson, with the reference answers where ``### SOLUTION`` stands.

    The exercise is the next one below the mark: what `check` compares with, or what `reflect` shows.
    """

    def answer(match: re.Match) -> str:
        checked = CHECK.search(source, match.end())
        if not checked:
            raise BuildError(
                f"A ### SOLUTION with no check(...) or reflect(...) below it:\n{match.group()}"
            )
        from ragteach.teach.checks import get

        exercise = get(checked[2])
        right = exercise.model if checked[1] == "reflect" else exercise.reference
        indent, before, after = match.groups()
        if before or after:
            text = written(before, right, after)
        else:
            text = body(right, source[: match.start()])
        lines = f"### BEGIN SOLUTION\n{text}\n### END SOLUTION"
        return textwrap.indent(lines, indent)

    return MARK.sub(answer, source)


def written(before: str, value: object, after: str) -> str:
    """``before value after`` as a person would write it, in lines of at most 88 characters."""
    line = f"{before}{literal(value)}{after}"
    if len(line) <= 88:
        return line
    if isinstance(value, dict):
        opening, closing = "{", "}"
        parts = [f"{literal(k)}: {literal(v)}," for k, v in value.items()]
    else:
        opening, closing = "(", ")"
        words = textwrap.wrap(str(value), 80)
        parts = [*(literal(row + " ") for row in words[:-1]), literal(words[-1])]
    if before.endswith("("):
        opening, closing = f"\n    {opening}", f"    {closing}\n"
        parts = [f"    {part}" for part in parts]
    lines = "\n".join(f"    {part}" for part in parts)
    return f"{before}{opening}\n{lines}\n{closing}{after}"


def literal(value: object) -> str:
    """A value as Python, its strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        items = (f"{literal(k)}: {literal(v)}" for k, v in value.items())
        return "{" + ", ".join(items) + "}"
    return repr(value)


def body(reference, above: str) -> str:
    """What stands in the reference function (of a class: its method) and not yet in the lesson's."""
    header = list(re.finditer(r"^[ \t]*def (\w+)", above, re.MULTILINE))[-1]
    given = ast.parse(textwrap.dedent(above[header.start() :])).body[0].body
    if inspect.isclass(reference):
        reference = getattr(reference, header[1])
    code = textwrap.dedent(inspect.getsource(reference))
    right = ast.parse(code).body[0]
    statements = right.body[1:] if ast.get_docstring(right) else right.body
    shown = {ast.dump(node) for node in given}
    statements = [node for node in statements if ast.dump(node) not in shown]
    lines = code.splitlines()
    first = statements[0].lineno - 1
    while lines[first - 1].strip().startswith("#"):
        first -= 1
    return textwrap.dedent("\n".join(lines[first:])).strip("\n")


class ClearSolutions(Preprocessor):
    """Empty every region between BEGIN SOLUTION and END SOLUTION, keeping the names that other code
    needs.
    """

    def preprocess(self, nb, resources):
        code = [c.source if c.cell_type == "code" else "" for c in nb.cells]
        for place, cell in enumerate(nb.cells):
            if cell.cell_type == "code":
                cell.source = clear(
                    cell.source, [emptied(c) for c in code[place + 1 :]]
                )
            elif "answer" in cell.metadata.get("tags", []):
                cell.source = ANSWER
        return nb, resources


def clear(source: str, below: list[str]) -> str:
    """One cell's code with its solutions cleared; ``below``: the code of the cells after it."""

    def stub(match: re.Match) -> str:
        indent, body = match.groups()
        tree = ast.parse(textwrap.dedent(body))
        if any(
            isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree)
        ):
            raise BuildError(
                f"An import inside a solution: move it above BEGIN SOLUTION.\n{body}"
            )
        if any(isinstance(node, ast.Return) for node in tree.body):
            names = []
        elif indent:
            around = REGION.sub("", source + "\n")
            names = [n for n in stored(tree) if re.search(rf"\b{n}\b", around)]
        else:
            above = emptied(source[: match.start()])
            after = [emptied(source[match.end() :]), *below]
            names = missed(stored(tree), above, after)
        lines = ["# YOUR CODE HERE", *(f"{name} = ..." for name in names)]
        if indent and not names:
            lines.append("...")
        return textwrap.indent("\n".join(lines), indent) + "\n"

    cleared = REGION.sub(stub, source + "\n").rstrip("\n")
    if "BEGIN SOLUTION" in cleared or "END SOLUTION" in cleared:
        raise BuildError(
            f"A BEGIN SOLUTION without its END SOLUTION (or the reverse) in:\n{source}"
        )
    return cleared


def emptied(source: str) -> str:
    """Code with ``...`` in place of every solution."""
    return REGION.sub(lambda match: f"{match[1]}...\n", source + "\n")


def missed(names: list[str], above: str, after: list[str]) -> list[str]:
    """Of a solution's names those that code after it reads, and nothing else defines before that.

    ``above``: the cell's own code before the solution, where a name may have its ``...`` already.
    """
    there = set().union(*map(changes, parsed(above).body))
    open_, found = [name for name in names if name not in there], []
    for cell in after:
        for statement in parsed(cell).body if open_ else ():
            read = reads(statement)
            found += [name for name in open_ if name in read]
            gone = read | changes(statement)
            open_ = [name for name in open_ if name not in gone]
    return [name for name in names if name in found]


def stored(tree: ast.Module) -> list[str]:
    """The names a piece of code defines in its own scope, in order."""
    names: list[str] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif not isinstance(
            node,
            ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        ):
            for child in ast.iter_child_nodes(node):
                visit(child)

    visit(tree)
    return list(dict.fromkeys(names))


def generate(row: dict, rows: list[dict], kind: str, source: Path = SOURCE):
    """The notebook of one lesson, not yet executed."""
    nb = jupytext.read(source / f"{row['name']}.py", fmt="py:percent")
    cells = [
        nbformat.v4.new_markdown_cell(head(row, rows, kind)),
        nbformat.v4.new_code_cell(
            FIRST.format(address=repository()), metadata={"tags": ["setup"]}
        ),
        *ordered([c for c in nb.cells if c.source.strip()]),
    ]
    cells.append(nbformat.v4.new_markdown_cell(foot(row, rows, kind)))
    seen: dict[str, int] = {}
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code":
            cell.source = filled(cell.source)
        if not set(tags) <= TAGS:
            raise BuildError(
                f"{row['name']}: unknown tags {sorted(set(tags) - TAGS)}; known: {sorted(TAGS)}"
            )
        if "exercise" in tags and not (
            "BEGIN SOLUTION" in cell.source and CHECK.search(cell.source)
        ):
            raise BuildError(
                f"{row['name']}: an exercise cell needs a solution and a check(...)"
                f" or reflect(...):\n{cell.source}"
            )
        # The id hangs on what the cell says, not on where it stands: a new cell leaves all others'
        # ids alone.
        seen[cell.source] = seen.get(cell.source, 0) + 1
        text = f"{row['name']}|{cell.source}|{seen[cell.source]}"
        cell["id"] = hashlib.sha256(text.encode()).hexdigest()[:12]
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        folded = "folded" in tags or draws(cell.source)
        if cell.cell_type == "code" and "exercise" not in tags and folded:
            cell.metadata |= nbformat.from_dict(FOLDED)
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("{{lessons}}", table(rows))
    nb.cells = cells
    nb.metadata = nbformat.from_dict(METADATA)
    nb.nbformat, nb.nbformat_minor = 4, 5
    other = KINDS[1 - KINDS.index(kind)]
    nb, _ = TagRemovePreprocessor(remove_cell_tags={other}, enabled=True).preprocess(
        nb, {}
    )
    if kind == "student":
        nb, _ = ClearSolutions().preprocess(nb, {})
    else:  # what has no solved copy lies one folder up
        above = [
            "laws.md",
            *(f"{r['name']}.ipynb" for r in rows if not teaches(r["name"])),
        ]
        for cell in nb.cells:
            for name in above if cell.cell_type == "markdown" else ():
                cell.source = cell.source.replace(f"]({name}", f"](../{name}")
    return nb


def draws(source: str) -> bool:
    """Whether a cell is long and there for its picture: three quarters of it call matplotlib."""
    lines = [line for line in source.splitlines() if line.strip()]
    if len(lines) <= LONG_DRAWING or "plots.show(" not in source:
        return False
    parts = [ast.unparse(statement) for statement in ast.parse(source).body]
    drawing = [
        part for part in parts if re.search(r"\b(ax|axes|fig|plt|plots)\b", part)
    ]
    return sum(map(len, drawing)) > 0.75 * sum(map(len, parts))


def repository() -> str:
    """The address of the course: pyproject.toml is the one place that knows it."""
    project = tomllib.loads(
        (SOURCE.parent.parent / "pyproject.toml").read_text("utf-8")
    )
    return project["project"]["urls"]["Repository"]


def head(row: dict, rows: list[dict], kind: str) -> str:
    """Title, minutes, and the way to the other version."""
    here = rows.index(row)
    minutes, able = row["minutes"], row["able"]
    if not teaches(row["name"]):
        return (
            f"# {label(row)}\n\nAbout {minutes} minutes.\n\nAfterwards you can {able}."
        )
    before = (
        f" · comes after [{label(rows[here - 1])}]({rows[here - 1]['name']}.ipynb)"
        if here
        else ""
    )
    if kind == "student":
        other = f"[solutions](solutions/{row['name']}.ipynb)"
    else:
        other = f"**with solutions** ([without](../{row['name']}.ipynb))"
    return (
        f"# {label(row)}\n\nAbout {minutes} minutes{before} · {other}\n\n{alone(row['name'], kind)}"
        f"\n\nAfterwards you can {able}."
    )


def ordered(cells: list) -> list:
    """The cells, and before the first exercise whose number does not run on a word on that."""
    found = [re.search(r'^card\("(\w+)-(\d+)"\)', c.source, re.M) for c in cells]
    cards = [(at, here[1], int(here[2])) for at, here in enumerate(found) if here]
    due = sorted(number for _, _, number in cards)
    for (at, lesson, number), least in zip(cards, due, strict=True):
        if number != least:
            said = (
                f"*Exercise {lesson}-{number} comes before {lesson}-{least}: an exercise keeps its "
                "number where the lesson around it has changed. None is missing.*"
            )
            return [*cells[:at], nbformat.v4.new_markdown_cell(said), *cells[at:]]
    return cells


def alone(name: str, kind: str) -> str:
    """Where its neighbours lie, for a file that was copied or opened in Colab by itself."""
    folder = f"{repository()}/blob/main/notebooks"
    other = "solutions" if kind == "student" else "without solutions"
    path = f"solutions/{name}.ipynb" if kind == "student" else f"{name}.ipynb"
    return (
        f"*Is only this file here, as in Colab? By address: [{other}]({folder}/{path}), "
        f"[all lessons]({repository()}#the-lessons), [the laws]({folder}/laws.md).*"
    )


def foot(row: dict, rows: list[dict], kind: str) -> str:
    """The way on."""
    here = rows.index(row)
    if not teaches(row["name"]):
        return (
            f"---\nThe course begins with [{label(rows[0])}]({rows[0]['name']}.ipynb)."
        )
    if here + 1 == len(rows):
        return "---\nThis is the last lesson."
    return f"---\nNext: [{label(rows[here + 1])}]({rows[here + 1]['name']}.ipynb)"


def execute(nb, where: Path):
    """Run a generated notebook in ``where`` and normalise what came out; any error or warning is
    refused.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "RAGTEACH_HOME": home,
            "IPYTHONDIR": home,
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "TQDM_DISABLE": "1",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        client = NotebookClient(
            nb,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": str(where)}},
            store_widget_state=False,
            coalesce_streams=True,
        )
        took = watched(client)
        client.execute(
            env=environment, stderr=subprocess.DEVNULL
        )  # the server's own chatter, not the lesson's
    for line in untold(nb, took):
        print(line)
    return normalise(nb)


def watched(client) -> dict[int, float]:
    """Seconds of CPU that the kernel takes for each cell, filled in while it runs."""
    took: dict[int, float] = {}

    def so_far() -> float:
        spent = psutil.Process(client.km.provisioner.pid).cpu_times()
        return spent.user + spent.system

    def begins(cell, cell_index) -> None:
        with contextlib.suppress(
            psutil.Error
        ):  # a kernel that died is told by the client
            took[cell_index] = -so_far()

    def ends(cell, cell_index, execute_reply) -> None:
        with contextlib.suppress(psutil.Error):
            took[cell_index] += so_far()

    client.on_cell_execute, client.on_cell_executed = begins, ends
    return took


def untold(nb, took: dict[int, float]) -> list[str]:
    """The slow cells that do not say so: a learner must see how long a silent cell will take.

    Told, not refused: how fast a machine is says nothing of the lesson.
    """
    slow = {i: seconds for i, seconds in took.items() if seconds > SLOW}
    return [
        f"cell {i} took {seconds:.0f} s of CPU; let its first line say so, "
        f"{PATIENCE.format(5 * round(seconds / 5) or 5)}: {nb.cells[i].source[:50]!r}"
        for i, seconds in slow.items()
        if not TOLD_PATIENCE.match(nb.cells[i].source)
    ]


def normalise(nb):
    """Take out whatever depends on the moment or the machine; refuse what cannot be taken out."""
    nb.metadata = nbformat.from_dict(METADATA)
    count = 0
    for cell in nb.cells:
        kept = ("tags", *FOLDED)
        cell.metadata = nbformat.from_dict(
            {word: cell.metadata[word] for word in kept if cell.metadata.get(word)}
        )
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = [o for o in map(still, cell.outputs) if o is not None]
        if "private" in cell.metadata.get("tags", []):
            cell.outputs = unkept(cell.outputs)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return nb


def still(output):
    """An output as it may be kept: a live widget becomes a line of text, an empty one goes."""
    data = output.get("data")
    if data is None:
        return output
    if data.get("text/plain") == NOTE or kept(output):  # an explorer, live or saved
        return settled(output)
    if WIDGET in data:
        note = {"text/markdown": WIDGET_NOTE, "text/plain": WIDGET_NOTE}
        return nbformat.v4.new_output("display_data", data=note)
    return output if data else None


def unkept(outputs) -> list:
    """Of a private cell's outputs: pictures, warnings (`faults` must see them), and a line for the
    rest.
    """

    def stays(output):
        data = output.get("data", {})
        picture = any(mime.startswith("image/") for mime in data)
        words = "The figure in words" in data.get("text/html", "")
        return picture or words or output.get("name") == "stderr"

    note = {"text/markdown": PRIVATE_NOTE, "text/plain": PRIVATE_NOTE}
    return [
        *filter(stays, outputs),
        nbformat.v4.new_output("display_data", data=note),
    ]


def held_back(nb):
    """The student's notebook without the outputs that answer a prediction before it is made.

    From the first prediction on no output is kept, but for an explorer and the figure before it,
    unless a question that it may answer is still open there.
    """
    open_questions: set[str] = set()
    begun = False
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        explores = any(kept(output) for output in cell.outputs)
        if begun and (open_questions or not explores):
            cell.outputs = []
        asked = ASKED.findall(cell.source)
        begun = begun or bool(asked)
        open_questions |= set(asked)
        open_questions -= set(TOLD.findall(cell.source))
    return nb


# ------------------------------------------------------------------ checks


def bare(nb) -> dict:
    """A notebook without its outputs, for exact comparison."""
    copy = nbformat.from_dict(nb)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy


def faults(nb, name: str) -> list[str]:
    """What is wrong with a notebook's outputs, in words."""
    said, count = [], 0
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        where = f"{name}, code cell {count}"
        if cell.execution_count != count:
            said.append(f"{where}: not executed in order; run make notebooks")
        for output in cell.outputs:
            data, text = output.get("data", {}), output_text(output)
            if output.output_type == "error":
                said.append(f"{where}: ends in {output.ename}")
            if output.get("name") == "stderr":
                said.append(
                    f"{where}: writes to stderr (a warning?): {output.text.strip()[:300]}"
                )
            if ADDRESS.search(text):
                said.append(
                    f"{where}: shows a memory address; end the line with ; or return nothing"
                )
            if WIDGET in data:
                said.append(f"{where}: keeps a live widget")
            for mime in data:
                if (
                    mime.startswith("image/")
                    and len(output.metadata.get(mime, {}).get("alt", "")) < 20
                ):
                    said.append(
                        f"{where}: a figure without alt text; show it with plots.show(fig, alt=...)"
                    )
            if re.search(
                r"<img(?![^>]*\balt=['\"][^'\"]{20})", data.get("text/html", "")
            ):
                said.append(f"{where}: an <img> without alt text")
    if "widgets" in nb.metadata:
        said.append(f"{name}: keeps widget state, which GitHub refuses to show")
    return said


def statuses(nb) -> dict[str, set[str]]:
    """Exercise -> what its checks printed: PASS, FAIL, TODO."""
    found: dict[str, set[str]] = {}
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            for status, number in STATUS.findall(output_text(output)):
                found.setdefault(number, set()).add(status)
    return found


def unmet(nb, kind: str, name: str) -> list[str]:
    """Checks that say what they must not: in a solution, all say PASS; in a student's notebook, TODO."""
    wanted = {"student": "TODO", "solution": "PASS"}[kind]
    shown = statuses(nb)
    asked = [
        number
        for c in nb.cells
        if c.cell_type == "code" and "exercise" in c.metadata.get("tags", [])
        for how, number in CHECK.findall(c.source)
        if how == "check"
    ]
    said = [f"{name}: check {n} shows no result" for n in asked if n not in shown]
    for number, words in shown.items():
        said += [
            f"{name}: check {number} says {word}, not {wanted}"
            for word in sorted(words - {wanted})
        ]
    return said


def output_text(output) -> str:
    """All the text of one output."""
    data = output.get("data", {})
    return "\n".join(
        [
            output.get("text", ""),
            *(str(data[m]) for m in sorted(data) if m.startswith("text/")),
        ]
    )


def once_only(output):
    """An output in one form: a table as a page (in letters it breaks at the width of some terminal),
    scikit-learn's drawing of an estimator in letters (its page differs from version to version), an
    explorer as its note and the names of what it is made of.
    """
    data = output.get("data", {})
    page = str(data.get("text/html"))
    if saved := kept(output):
        parts = ", ".join(sorted(saved["spec"]))
        return {"data": {"text/plain": f"{NOTE} It is made of {parts}."}}
    if re.search(r"\bsk-(global|container|estimator)", page):
        return {"data": {"text/plain": data["text/plain"]}}
    if "<table" in page:
        return {
            "data": {mime: text for mime, text in data.items() if mime != "text/plain"}
        }
    return output


def outputs(nb) -> list:
    """The outputs of every code cell."""
    return [cell.outputs for cell in nb.cells if cell.cell_type == "code"]


def in_any_order(rows: re.Match) -> str:
    """A table's rows in the order of their words. A leaderboard orders them by numbers, and one
    answer more or less, which a processor may round otherwise, lets two change places.
    """
    return "".join(sorted(re.findall(r"(?s)<tr.*?</tr>", rows[0])))


def masked(nb) -> list[tuple[str, list[str]]]:
    """The text of every output with its numbers masked, per cell id; figures as their alt text."""
    cells = []
    for cell in nb.cells:
        if cell.cell_type != "code" or "volatile" in cell.metadata.get("tags", []):
            continue
        shown = []
        for output in cell.outputs:
            data = output.get("data", {})
            images = [
                f"{m} {output.metadata.get(m, {}).get('alt')}"
                for m in sorted(data)
                if m.startswith("image/")
            ]
            text = "\n".join([output_text(once_only(output)), *images])
            text = re.sub(r"[-+−]?\d+(\.\d+)?(e[-+]?\d+)?|\bnan\b", "#", text)
            text = re.sub(r"(?s)(?<=<tbody>).*?(?=</tbody>)", in_any_order, text)
            shown.append(re.sub(r"[\s\-─=]+", " ", text).strip())
        cells.append((cell.id, shown))
    return cells


def paths(name: str, source: Path = SOURCE) -> dict[str, Path]:
    """Where the two notebooks of a lesson lie, or the one of a tool."""
    both = {
        "student": source.parent / f"{name}.ipynb",
        "solution": source.parent / "solutions" / f"{name}.ipynb",
    }
    return both if teaches(name) else {"student": both["student"]}


def check(source: Path = SOURCE, again: bool = False) -> list[str]:
    """Everything that is wrong with the committed notebooks; an empty list is a pass."""
    rows = lessons(source)
    expected = {path for row in rows for path in paths(row["name"], source).values()}
    found = {
        *source.parent.glob("*.ipynb"),
        *(source.parent / "solutions").glob("*.ipynb"),
    }
    said = [
        f"{p.name}: no lesson makes this notebook; delete it"
        for p in sorted(found - expected)
    ]
    for row in rows:
        for kind, path in paths(row["name"], source).items():
            name = f"{row['name']} ({kind})"
            if not path.exists():
                said.append(f"{name}: missing; run make notebooks")
                continue
            kept, fresh = (
                nbformat.read(path, as_version=4),
                generate(row, rows, kind, source),
            )
            if bare(kept) != bare(fresh):
                said.append(
                    f"{name}: differs from its lesson in notebooks/_source; run make notebooks"
                )
            said += faults(kept, name)
            if kind == "solution":
                said += unmet(kept, kind, name)
            elif outputs(kept) != outputs(held_back(nbformat.from_dict(kept))):
                said.append(
                    f"{name}: its outputs answer a prediction that is still to be made;"
                    " run make notebooks"
                )
            if path.stat().st_size > MAX_BYTES:
                said.append(
                    f"{name}: {path.stat().st_size:,} bytes, more than {MAX_BYTES:,}"
                )
            if again:
                run = execute(fresh, path.parent)
                said += unmet(run, kind, name)
                said += stale(kept, run, name, kind)
    said += readme(rows, source, write=False)
    return said


def stale(kept, fresh, name: str, kind: str = "solution") -> list[str]:
    """Where a fresh run says something else (numbers aside) than the notebook.

    Of a run in the short form (`ragteach.teach.short`) only what leans on no shortened cell.
    """
    less = shortened(fresh)
    if kind == "student":
        fresh = held_back(nbformat.from_dict(fresh))
    pairs = zip(masked(kept), masked(fresh), strict=False)
    different = [old[0] for old, new in pairs if old != new and new[0] not in less]
    return (
        [
            f"{name}: outputs of cells {', '.join(different)} are stale; run make notebooks"
        ]
        if different
        else []
    )


def shortened(nb) -> set[str]:
    """Ids of the cells that say they were run in the short form, and of those that lean on them."""
    less: set[str] = set()  # names of other values than the whole form's
    modules: set[str] = set()
    found = set()
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        says_so = any(SIGN in output.get("text", "") for output in cell.outputs)
        found |= {cell.id} if says_so else set()
        for statement in parsed(cell.source).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                modules |= changes(statement)
            elif says_so or reads(statement) & less:
                found.add(cell.id)
                less |= changes(statement, modules) - modules
            else:
                less -= set(stored(ast.Module([statement], [])))
    return found


def readme(rows: list[dict], source: Path, write: bool) -> list[str]:
    """Keep the table of lessons between the two comments in README.md."""
    path = source.parent.parent / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    pattern = re.compile(r"(<!-- lessons -->\n).*?(<!-- /lessons -->)", re.DOTALL)
    if not pattern.search(text):
        return [
            "README.md: has no <!-- lessons --> ... <!-- /lessons --> for the table of lessons"
        ]
    new = pattern.sub(lambda m: f"{m[1]}{table(rows, 'notebooks/')}\n{m[2]}", text)
    if new == text:
        return []
    if write:
        path.write_text(new, encoding="utf-8")
    return [
        "README.md: the table of lessons differs from lessons.toml; run make notebooks"
    ]


def build(names: list[str], source: Path = SOURCE) -> None:
    """Generate, execute and write the notebooks of the named lessons, or of all."""
    rows = lessons(source, names)
    unknown = set(names) - {row["name"] for row in rows}
    if unknown:
        raise BuildError(
            f"no lesson {sorted(unknown)}; there are {[row['name'] for row in rows]}"
        )
    for row in rows:
        if names and row["name"] not in names:
            continue
        for kind, path in paths(row["name"], source).items():
            path.parent.mkdir(exist_ok=True)
            nb = execute(generate(row, rows, kind, source), path.parent)
            name = f"{row['name']} ({kind})"
            said = faults(nb, name) + unmet(nb, kind, name)
            if said:
                raise BuildError("\n".join(said))
            if kind == "student":
                nb = held_back(nb)
            nbformat.write(nb, path)
            print(
                f"{path.relative_to(source.parent.parent)}: {path.stat().st_size:,} bytes"
            )
    if not names:
        for path in {
            *source.parent.glob("*.ipynb"),
            *(source.parent / "solutions").glob("*.ipynb"),
        }:
            if path.stem not in {row["name"] for row in rows}:
                path.unlink()
    readme(rows, source, write=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="make or check the notebooks")
    parser.add_argument(
        "names", nargs="*", help="lessons, e.g. 02_equation (default: all)"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail on any difference"
    )
    parser.add_argument(
        "--execute",
        action="store_true",
        help="with --check: run them again and compare the text",
    )
    options = parser.parse_args()
    try:
        if not options.check:
            build(options.names)
            return 0
        said = check(again=options.execute)
    except BuildError as error:
        said = [str(error)]
    print("\n".join(said) or "The notebooks are what their lessons generate.")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
