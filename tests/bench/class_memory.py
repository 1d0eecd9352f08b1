"""A class on one server: what a kernel takes of memory and processor, and thirty of them by arithmetic.

    python tests/bench/class_memory.py            a table, and what follows from it
    python tests/bench/class_memory.py --write    the same, put into TEACHING.md (Linux; a minute)

Enters: lessons 00 and 02, solved.  Leaves: memory of a real kernel on one thread, its own and
that of files (libraries), which all kernels of a server share: when it has started, with the slider
open, and at the end.

A package that `make lab` does not install is out of the kernels' sight: a server has not got it.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[2]
TEACHING = ROOT / "ragteach" / "teach" / "classroom" / "TEACHING.md"
MARKS = ("<!-- memory -->\n", "<!-- /memory -->\n")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ABSENT = "import sys\nsys.modules['pyarrow'] = None"  # of the extra `files`; pandas takes it along
LIBRARIES = {
    "scikit-learn": "sklearn.feature_extraction.text",
    "the compiler": "torch._dynamo",
}
LEARNERS = 30


@contextmanager
def kernel() -> Iterator[tuple]:
    """(manager, client) of a kernel on one thread."""
    quiet = dict.fromkeys(THREADS, "1") | {"TQDM_DISABLE": "1", "PYTHONPATH": str(ROOT)}
    manager, client = start_new_kernel(kernel_name="python3", env=os.environ | quiet)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, source: str) -> None:
    """One cell, to its end."""
    reply = client.execute_interactive(source, output_hook=lambda _: None, timeout=300)
    content = reply["content"]
    assert content["status"] == "ok", (source, content)


def taken(manager) -> dict[str, int]:
    """A kernel's own memory, and the pages of files that it has mapped, in MB."""
    text = Path(f"/proc/{manager.provisioner.pid}/smaps_rollup").read_text()
    kilobytes = {name: int(n) for name, n in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    own = kilobytes["Anonymous"]
    return {"own": round(own / 1024), "files": round((kilobytes["Rss"] - own) / 1024)}


def processor(manager) -> float:
    """Seconds of CPU that a kernel has taken."""
    text = Path(f"/proc/{manager.provisioner.pid}/stat").read_text()
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def code_of(lesson: str) -> list[str]:
    path = next((ROOT / "notebooks" / "solutions").glob(f"{lesson}_*.ipynb"))
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def measured() -> dict[str, float]:
    """Megabytes and seconds, by what they are."""
    found: dict[str, float] = {}
    with kernel() as (manager, client):
        run(client, "1")
        found |= {f"started {k}": v for k, v in taken(manager).items()}
        run(client, ABSENT)
        for source in code_of("00"):
            run(client, source)
            if "sharing_slider(" in source:
                break
        found |= {f"slider {k}": v for k, v in taken(manager).items()}
    with kernel() as (manager, client):
        run(client, ABSENT)
        before = processor(manager)
        for source in code_of("02"):
            run(client, source)
        found["seconds"] = round(processor(manager) - before, 1)
        found |= {f"lesson {k}": v for k, v in taken(manager).items()}
    with kernel() as (manager, client):
        run(client, f"{ABSENT}\nimport torch, pandas, matplotlib.pyplot")
        for name, module in LIBRARIES.items():
            before = taken(manager)["own"]
            run(client, f"import {module}")
            found[name] = taken(manager)["own"] - before
    return found


def told(f: dict[str, float], python: str) -> str:
    """What TEACHING.md says of it."""
    memory = (LEARNERS * f["lesson own"] + f["lesson files"]) / 1000
    seconds = LEARNERS * f["seconds"]
    compilers = LEARNERS * f["the compiler"] / 1000
    room = 5 * -(-(memory + compilers + LEARNERS * 0.1 + 2) // 5)
    return f"""Measured by `tests/bench/class_memory.py` with real kernels on Linux (Python {python}, torch for CPU, one thread a
kernel, what `make lab` installs). The pages of libraries' files are in memory once, however many kernels use them; RSS, which
many tools show, is the sum of both columns.

| one kernel | its own | of files, shared by all |
|---|---|---|
| started | {f["started own"]:.0f} MB | {f["started files"]:.0f} MB |
| lesson 00's slider open (torch, pandas, scikit-learn) | {f["slider own"]:.0f} MB | {f["slider files"]:.0f} MB |
| all of lesson 02 run | {f["lesson own"]:.0f} MB | {f["lesson files"]:.0f} MB |

What could wait, waits: torch's compiler, {f["the compiler"]:.0f} MB, until a lesson makes one of torch's own optimisers, which import it (`rt.fit`
does; this one, like the explorers, trains by `rt.solve` and `rt.train_many`). Of the last row {f["scikit-learn"]:.0f} MB are scikit-learn with what it
imports of scipy, which the words' counts need.

The explorers compute in the browser, so a slider that is moved costs the server nothing, and the graph editor starts no
second process. Running every cell of lesson 02 takes {f["seconds"]:.1f} seconds of CPU.

By arithmetic, for {LEARNERS} learners who run lesson 02 at the same moment:

- memory: {LEARNERS} x {f["lesson own"]:.0f} MB + {f["lesson files"]:.0f} MB = {memory:.1f} GB, and {compilers:.1f} GB more in a lesson
  that calls `rt.fit`. With the hub, {LEARNERS} single-user servers (about 100 MB each) and room to spare: **{room:.0f} GB**;
- CPU: {LEARNERS} x {f["seconds"]:.1f} s = {seconds:.0f} s. On 4 cores everybody waits {seconds / 4 / 60:.1f} minutes, on **8 cores** {seconds / 8 / 60:.1f};
"""


def on_the_page() -> str:
    """What TEACHING.md says now."""
    page = TEACHING.read_text(encoding="utf-8")
    return page.partition(MARKS[0])[2].partition(MARKS[1])[0]


def main() -> None:
    text = told(measured(), ".".join(platform.python_version_tuple()[:2]))
    print(text)
    if "--write" in sys.argv:
        page = TEACHING.read_text(encoding="utf-8")
        before, _, rest = page.partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        assert after, f"{TEACHING} has no place for it"
        TEACHING.write_text(f"{before}{MARKS[0]}{text}{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
