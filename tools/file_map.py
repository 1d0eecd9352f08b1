"""The map of the package in README.md: one line a file, from the first line of each file.

python tools/file_map.py            write it between the two comments
python tools/file_map.py --check    say what differs, change nothing
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("", "data", "engine", "study", "integrations", "labs", "teach", "widgets")
# In the order in which one reads them; in the rooms the alphabet will do.
CORE = "errors graph adapters linear model tensors dataset losses runs trainer".split()
FRONT_DOOR = ("__init__", "__main__")
MARKS = re.compile(r"(<!-- files -->\n).*?(<!-- /files -->)", re.DOTALL)


def first_line(path: Path) -> str:
    """The first line of a module's docstring, or of a script's opening comment, without its dot."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        line = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
    else:
        line = text.split("\n")[0].removeprefix("//").strip()
    return line.removesuffix(".").replace("``", "").replace("`", "")


def files(package: Path, room: str) -> list[Path]:
    """The files of a room in reading order; a folder in it stands for its files."""
    inside = [p for p in (package / room).iterdir() if p.suffix in (".py", ".js")]
    inside = [p for p in inside if p.suffix == ".py" or not p.with_suffix(".py").exists()]
    folders = [p.parent for p in (package / room).glob("*/__init__.py")] if room else []
    wanted = [p for p in inside if room == "" or p.stem != "__init__"]

    def place(path: Path) -> tuple:
        order = [*CORE, *FRONT_DOOR]
        return (order.index(path.stem) if not room and path.stem in order else -1, path.name)

    return sorted([*wanted, *folders], key=place)


def file_map(package: Path = ROOT / "ragteach") -> str:
    """The map as text: rooms with what they are for, files with what they hold."""
    rows = [("ragteach/", "")]
    for room in ROOMS:
        indent = "  "
        if room:
            rows.append((f"  {room}/", first_line(package / room / "__init__.py")))
            indent = "    "
        for path in files(package, room):
            name = f"{path.name}/" if path.is_dir() else path.name
            text = first_line(path / "__init__.py" if path.is_dir() else path)
            rows.append((indent + name, text))
            if path.suffix == ".py" and path.with_suffix(".js").exists():
                rows[-1] = (f"{indent}{path.name}, .js", text)
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:{width}}{text}".rstrip() for name, text in rows)


def main(words: list[str]) -> int:
    """Write the map, or with ``--check`` only compare; returns the exit code."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    if not MARKS.search(text):
        print("README.md: has no <!-- files --> ... <!-- /files --> for the map of the package")
        return 1
    new = MARKS.sub(lambda m: f"{m[1]}```\n{file_map()}\n```\n{m[2]}", text)
    if new == text:
        return 0
    if "--check" in words:
        print("README.md: the map of the package differs from its files; run tools/file_map.py")
        return 1
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
