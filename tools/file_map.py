"""The map of the package, from the first line of each file: rooms in README.md, files beside them.

python tools/file_map.py            write both maps between their two comments
python tools/file_map.py --check    say what differs, change nothing

README.md has a line a room; ragteach/README.md, which GitHub shows below the folder, a line a file.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("", "ground", "data", "engine", "study", "integrations", "labs", "teach", "widgets")
# In the order in which one reads them; in the rooms the alphabet will do.
CORE = "errors graph adapters linear model tensors dataset losses runs trainer".split()
FRONT_DOOR = ("__init__", "__main__")
# Some sixty files of one kind, a lesson each: the folder's line says it.
FOLDED = {"teach/exercises"}


def first_line(path: Path) -> str:
    """The first line of a module's docstring, or of a script's opening comment, without its dot."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        line = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
    else:
        line = text.split("\n")[0].removeprefix("//").strip()
    return line.removesuffix(".").replace("``", "").replace("`", "")


def files(package: Path, room: str) -> list[Path]:
    """The files and folders of a room in reading order."""
    inside = [p for p in (package / room).iterdir() if p.suffix in (".py", ".js")]
    inside = [p for p in inside if p.suffix == ".py" or not p.with_suffix(".py").exists()]
    folders = [p.parent for p in (package / room).glob("*/__init__.py")] if room else []
    wanted = [p for p in inside if room == "" or p.stem != "__init__"]

    def place(path: Path) -> tuple:
        order = [*CORE, *FRONT_DOOR]
        return (order.index(path.stem) if not room and path.stem in order else -1, path.name)

    return sorted([*wanted, *folders], key=place)


def rows_of(package: Path, room: str, indent: str) -> list[tuple[str, str]]:
    """A row a file of the room; a folder in it has a row and then its own files, further in."""
    rows = []
    for path in files(package, room):
        inside = path.relative_to(package).as_posix()
        if path.is_dir():
            rows.append((f"{indent}{path.name}/", first_line(path / "__init__.py")))
            rows += [] if inside in FOLDED else rows_of(package, inside, indent + "  ")
            continue
        beside = ", .js" if path.suffix == ".py" and path.with_suffix(".js").exists() else ""
        rows.append((f"{indent}{path.name}{beside}", first_line(path)))
    return rows


def file_map(package: Path = ROOT / "ragteach") -> str:
    """The map as text: rooms with what they are for, files with what they hold."""
    rows = [("ragteach/", "")]
    for room in ROOMS:
        if room:
            rows.append((f"  {room}/", first_line(package / room / "__init__.py")))
        rows += rows_of(package, room, "    " if room else "  ")
    return _columns(rows)


def room_map(package: Path = ROOT / "ragteach") -> str:
    """The rooms alone, and what each is for."""
    core = ", ".join(CORE)
    rows = [("ragteach/", f"The core: {core}")]
    rows += [(f"  {room}/", first_line(package / room / "__init__.py")) for room in ROOMS if room]
    return _columns(rows)


def _columns(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:{width}}{text}".rstrip() for name, text in rows)


# File: the name of the two comments in it, and what stands between them.
MAPS = {"README.md": ("rooms", room_map), "ragteach/README.md": ("files", file_map)}


def main(words: list[str]) -> int:
    """Write the maps, or with ``--check`` only compare; returns the exit code."""
    return max(renewed(ROOT / name, "--check" in words) for name in MAPS)


def renewed(path: Path, only_check: bool) -> int:
    """Write the map of one file, or only compare it; returns the exit code."""
    name = path.relative_to(ROOT).as_posix()
    what, drawn = MAPS[name]
    marks = re.compile(rf"(<!-- {what} -->\n).*?(<!-- /{what} -->)", re.DOTALL)
    text = path.read_text(encoding="utf-8")
    if not marks.search(text):
        print(f"{name}: has no <!-- {what} --> ... <!-- /{what} --> for the map of the package")
        return 1
    new = marks.sub(lambda m: f"{m[1]}```\n{drawn()}\n```\n{m[2]}", text)
    if new == text:
        return 0
    if only_check:
        print(f"{name}: the map of the package differs from its files; run tools/file_map.py")
        return 1
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
