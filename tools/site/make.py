"""Build the site: lessons, laws, data sheets, API, playground, as pages that open from disk.

    python tools/site/make.py [site]

Writes the pages to the folder named; what Sphinx reads lies in a folder of this run's own, and goes
with it.  Any warning is an error.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import pages  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
ROOMS = {
    "": "The core: model, losses, trainer",
    "data": "Data: sentences in",
    "engine": "The engine: many trainings at once, and the exact optimum",
    "study": "The study: fair comparisons and their pictures",
    "integrations": "Integrations: scikit-learn, export, serving, tracking",
    "labs": "Labs: data with a held-out part, and a leaderboard",
    "teach": "Teaching: checks, hints, progress",
    "widgets": "Explorers",
}


def main() -> int:
    parser = argparse.ArgumentParser(description="build the site")
    parser.add_argument("target", nargs="?", default="site", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ragteach-site-") as folder:
        prepare(Path(folder))
        return build(Path(folder), options.target)


def build(source: Path, target: Path) -> int:
    from sphinx.cmd.build import main as sphinx

    shutil.rmtree(target, ignore_errors=True)
    doctrees = source / "_build"
    words = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(HERE), "-d", str(doctrees)]
    code = sphinx([*words, str(source), str(target)])
    if code == 0:
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        n_pages = len(list(target.glob("*.html")))
        print(f"{target / 'index.html'}: {n_pages} pages, {size / 1e6:.0f} MB")
    return code


def prepare(source: Path) -> None:
    """Write all that Sphinx reads into one folder."""
    from ragteach.widgets import playground_page

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project["urls"]["Repository"]
    rows = tomllib.loads((NOTEBOOKS / "_source" / "lessons.toml").read_text("utf-8"))["lesson"]
    (source / "_static").mkdir(parents=True)
    (source / "_extra" / "notebooks").mkdir(parents=True)
    for name in ("style.css", "site.js"):
        shutil.copy(HERE / name, source / "_static" / name)
    for row in rows:
        student = nbformat.read(NOTEBOOKS / f"{row['name']}.ipynb", 4)
        copy = NOTEBOOKS / "solutions" / f"{row['name']}.ipynb"
        solved = nbformat.read(copy, 4) if copy.exists() else nbformat.from_dict(student)
        made = pages.page(student, solved, row, repository)
        nbformat.write(made, source / f"{row['name']}.ipynb")
        shutil.copy(NOTEBOOKS / f"{row['name']}.ipynb", source / "_extra" / "notebooks")
    for name in ("laws.md", "troubles.md"):
        shutil.copy(NOTEBOOKS / name, source / name)
    sheets = sorted((ROOT / "datasets").glob("*/DATASHEET.md"))
    for sheet in sheets:
        shutil.copy(sheet, source / f"data_{sheet.parent.name}.md")
    api = write_api(source)
    front = (HERE / "index.md").read_text(encoding="utf-8")
    filled = front.format(
        repository=repository,
        lessons="\n".join(row["name"] for row in rows),
        cards="\n".join(card(row) for row in rows),
        sheets="\n".join(
            f"Data: {sheet.parent.name} <data_{sheet.parent.name}>" for sheet in sheets
        ),
        api="\n".join(f"{page.removeprefix('api_')} <{page}>" for page in api),
    )
    (source / "index.md").write_text(filled, encoding="utf-8")
    playground_page(source / "_extra" / "playground.html")


def card(row: dict) -> str:
    """A lesson's line on the front page."""
    number, _, _ = row["name"].partition("_")
    before = f"{number} · " if number.isdigit() else "Lab · " if number == "lab" else ""
    title = before + row["title"]
    return f"| [{title}]({row['name']}.ipynb) | {row['minutes']} | {row['able']} |"


def write_api(source: Path) -> list[str]:
    """A page for each room with the public names that live there; returns the pages' names."""
    import ragteach
    from ragteach import widgets

    rooms: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name in public_names():
        thing = getattr(ragteach, name)
        module = getattr(thing, "__module__", "")
        room = module.split(".")[1] if module.count(".") > 1 else ""
        if module.startswith("ragteach") and callable(thing):
            rooms[room].append(entry(name, isinstance(thing, type)))
    for name in widgets.__all__:
        thing = getattr(widgets, name)
        if callable(thing):
            rooms["widgets"].append(entry(f"widgets.{name}", isinstance(thing, type)))
    made = []
    for room, entries in rooms.items():
        if entries:
            page = f"api_{room or 'core'}"
            made.append(page)
            text = f"# {ROOMS[room]}\n\n" + "\n".join(entries)
            (source / f"{page}.md").write_text(text, encoding="utf-8")
    return made


def entry(name: str, is_class: bool) -> str:
    """What tells Sphinx to write about one public name."""
    lines = [f".. {'autoclass' if is_class else 'autofunction'}:: ragteach.{name}"]
    if is_class:
        lines += ["   :members:", "   :inherited-members: Module"]  # not those of torch's
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def public_names() -> list[str]:
    """The names of ``ragteach/__init__.pyi``, in its order."""
    stub = ast.parse((ROOT / "ragteach" / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return [name.asname or name.name for node in imports for name in node.names]


if __name__ == "__main__":
    sys.exit(main())
