"""The wheel of the checkout, built elsewhere: nothing is written beside the sources.

Enters: an empty folder.  Leaves: the wheel of the tracked files; in a test session it is built once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("ragteach", "datasets", "notebooks", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def tracked() -> list[str]:
    """The files of the checkout, as git knows them."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).exists()]


def build_wheel(folder: Path) -> Path:
    """Its path: in the folder of the test session, or in this one if there is no session."""
    shared = os.environ.get("RAGTEACH_TEST_SHARED")
    if shared is None:
        return _built(folder)
    wheels = Path(shared, "wheel")
    with FileLock(f"{wheels}.lock"):
        if not wheels.exists():
            beside = folder / "new"
            beside.mkdir()
            _built(beside)
            shutil.move(beside, wheels)
    (path,) = wheels.glob("*.whl")
    return path


def _built(folder: Path) -> Path:
    copy = folder / "checkout"
    for name in tracked():
        if name.split("/")[0] in PARTS:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-c", BUILD, str(folder)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    (path,) = folder.glob("*.whl")
    shutil.rmtree(copy)
    return path
