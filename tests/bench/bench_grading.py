"""A class hands in one lesson: how long does grading take, and does it get through to the end?

    python tests/bench/bench_grading.py 02 --students 80 --folder a_class

Enters: a solved lesson.  Leaves: a folder of submissions made from it, right, half done, wrong, copied
and hostile ones, each in a world of its own; the minutes that ``ragteach grade`` takes; and what it
takes a second time, when all is graded.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

from ragteach.teach.classroom import grading
from ragteach.teach.course import notebooks

HOSTILE = {
    "loops": "while True:\n    numpy_is_mine = 1\ncheck('{first}', numpy_is_mine)",
    "exits": "import os\nmine = os._exit(0)\ncheck('{first}', mine)",
    "quits": "mine = exit()\ncheck('{first}', mine)",
    "bombs": "import os\nmine = [os.fork() for _ in range(99)]\ncheck('{first}', mine)",
    "floods": "for _ in range(10**5): print('x' * 1000)",
    "hoards": "mine = bytearray(10**11)\ncheck('{first}', mine)",
    "patches": (
        "import ragteach.teach.checks as c\nc.expect = c.expect_close = lambda *a, **k: None\n"
        "c._judge = lambda n, y: c.Result(n, 'PASS', 'won')\ncheck('{first}', 1)"
    ),
    "breaks": "def f(:\ncheck('{first}', f)",
    "returns": "return 1\ncheck('{first}', 1)",
    "deep": "mine = " + "-" * 3000 + "1\ncheck('{first}', mine)",
    "reads": "mine = open('/etc/passwd').read()\ncheck('{first}', mine)",
    "calls": "import socket\nmine = socket.create_connection(('1.1.1.1', 80))\ncheck('{first}', mine)",
}
SLIPS = (("+", "-"), ("sum(", "mean("), ("0.5", "0.25"), ("True", "False"), ("axis=1", "axis=0"))


def submissions(lesson: str, n_students: int, folder: Path) -> Counter:
    """Write the notebooks of a class; how many of each kind."""
    path = next((notebooks() / "solutions").glob(f"{lesson}_*.ipynb"))
    solved = json.loads(path.read_text(encoding="utf-8"))
    empty = json.loads((notebooks() / path.name).read_text(encoding="utf-8"))
    stubs = {_checked(cell): cell for cell in empty["cells"] if _checked(cell)}
    kinds = ["solved", "half", "slips", "copied", *HOSTILE]
    made: Counter = Counter()
    for i in range(n_students):
        luck = random.Random(i)
        kind = kinds[i % len(kinds)]
        made[kind] += 1
        world = "student-0" if kind == "copied" else f"student-{i}"
        cells = [_code(f"import ragteach as rt\nrt.world('{world}')")]
        for cell in solved["cells"]:
            number = _checked(cell)
            if number and kind == "half" and luck.random() < 0.5:
                cell = stubs.get(number, cell)
            if number and kind == "slips":
                old, new = luck.choice(SLIPS)
                cell = _code("".join(cell["source"]).replace(old, new, 1))
            cells.append(cell)
        if kind in HOSTILE:
            cells.insert(3, _code(HOSTILE[kind].format(first=f"{lesson}-1")))
        whole = {**solved, "cells": cells}
        (folder / f"student{i:02d}.ipynb").write_text(json.dumps(whole), encoding="utf-8")
    return made


def _checked(cell: dict) -> str | None:
    found = re.search(r"\bcheck\([\"']([\w-]+)[\"']", "".join(cell["source"]))
    return found[1] if found and cell["cell_type"] == "code" else None


def _code(source: str) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lesson")
    parser.add_argument("--students", type=int, default=80)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    (options.folder / "in").mkdir(parents=True, exist_ok=True)
    print(dict(submissions(options.lesson, options.students, options.folder / "in")))
    for what in ("first", "second"):
        begun = time.monotonic()
        results = grading.grade(
            options.folder / "in",
            options.folder / "out",
            limits=grading.Limits(seconds=options.seconds),
            lessons=(options.lesson,),
            say=what == "first",
        )
        print(f"{what} run: {(time.monotonic() - begun) / 60:.1f} minutes")
    points = [sum(m["points"] for m in r["exercises"].values()) for r in results]
    print(f"{len(results)} graded; points {sorted(points)}")
    print("not graded:", [r["student"] for r in results if r.get("problem")])
    return 0


if __name__ == "__main__":
    sys.exit(main())
