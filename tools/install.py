"""Set-up: what make installs into .venv, from where, and how far it is.

    .venv/bin/python tools/install.py lab              what JupyterLab and lessons 00 to 10 need
    .venv/bin/python tools/install.py lab,search       and one more group of pyproject.toml
    .venv/bin/python tools/install.py all -- ARGS      everything; ARGS go to pip install

It runs before anything is installed, so it needs Python alone.  A file in the environment remembers
what is there: a second call with nothing new to do returns at once, an interrupted one starts
    again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(sys.prefix) / ".ragteach-installed"
PATIENCE = 5.0  # seconds that PyTorch's own index has for an answer
BIG = 5.0  # MB; a download of this size is named, smaller ones are counted
UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}

# Nearly nobody imports more than a few of their files: an eighth of all there is to compile.
LATER = (
    r"[/\\](tests?|testing|transformers[/\\]models|torch[/\\]_inductor|sympy[/\\]physics"
    r"|fontTools|mypyc?)[/\\]"
)

# Measured in an empty environment: MB to download beyond torch, GB on disk with the CPU build.
SIZES = {"lab": (160, 1.6), "all": (625, 2.7)}
TORCH = {"cpu": "190 MB", "gpu": "2.7 GB with its GPU libraries", "any": "80 to 200 MB"}


def main(words: list[str]) -> int:
    """Install the groups of ``words[0]``, if they are not there; returns the exit code."""
    groups = words[0]
    _ = words[1:2] == ["--"]
    pip_args = words[2:]
    known = list(tomllib.loads(read("pyproject.toml").decode())["project"]["optional-dependencies"])
    asked = {word.strip() for word in groups.split(",")} - {""}
    if not asked <= set(known):
        print(
            f"Expected: groups of packages among {', '.join(known)}\nGot: "
            f"{', '.join(sorted(asked - set(known)))}\nWhat to do: choose from these, with commas "
            "and without blanks: make lab EXTRAS=search,export",
            file=sys.stderr,
        )
        return 2
    state = read_state()
    have = set(state.get("groups", []))
    stamp = hashlib.sha256(read("pyproject.toml") + read("constraints.txt")).hexdigest()
    if state.get("stamp") == stamp and (asked <= have or "all" in have):
        return 0
    asked = ["all"] if "all" in asked | have else sorted(asked | have)
    start = time.monotonic()
    STATE.unlink(missing_ok=True)
    size = "all" if "all" in asked else "lab"
    print(
        f"Setting up {Path(sys.prefix).name} for {', '.join(asked)}, in three steps: torch, then "
        f"about {SIZES[size][0]} MB of other packages.\nIt will take 2 to 10 minutes, once; with "
        f"torch for the CPU it will be {SIZES[size][1]} GB on disk.",
        flush=True,
    )
    code = install_torch(pip_args) or install_rest(asked, pip_args)
    if code:
        return code
    say("[3/3] Compiling what was unpacked, and settling JupyterLab")
    compile_all()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # On its first start JupyterLab asks whether to fetch news; a course needs none.
    news = "@jupyterlab/apputils-extension:announcements"
    disable = ["-m", "jupyterlab.labextensions", "disable", "--level=sys_prefix", news]
    subprocess.run([sys.executable, *disable], **quiet, check=False)
    STATE.write_text(json.dumps({"stamp": stamp, "groups": asked}), encoding="utf-8")
    say(f"Ready after {time.monotonic() - start:.0f} s")
    return 0


def read(name: str) -> bytes:
    return (ROOT / name).read_bytes()


def read_state() -> dict:
    """What an earlier call finished; nothing if there was none."""
    try:
        return json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def say(text: str) -> None:
    print(text, flush=True)


# ---------------------------------------------------------------- torch: which build, from where


def has_nvidia_driver() -> bool:
    """True if an NVIDIA driver is loaded (Linux, or Linux inside Windows)."""
    files = ("/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1")
    return any(map(os.path.exists, files)) or shutil.which("nvidia-smi") is not None


def no_answer(index: str, patience: float = PATIENCE) -> str:
    """Why ``index`` cannot be used; empty if it answers within ``patience`` seconds, names
    included.
    """
    reason = [f"no answer within {patience:g} s"]

    def ask() -> None:
        try:
            with urllib.request.urlopen(f"{index.rstrip('/')}/torch/", timeout=patience):
                reason[0] = ""
        except urllib.error.HTTPError as error:
            error.close()
            reason[0] = f"it answers {error.code}, {error.reason}"
        except (OSError, ValueError) as error:
            reason[0] = str(getattr(error, "reason", error))

    # A thread: looking up a name has no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return reason[0]


def torch_source(index: str, pip_args: list[str], patience: float = PATIENCE) -> tuple[str, str]:
    """The index to take torch from (empty: pip's own), and the sentence that says why.

    Args:
        index: PyTorch's own index of CPU builds; empty if the caller wants none.
        pip_args: what the caller says to pip; an index named there is the caller's choice.
        patience: seconds the index has for an answer.
    """
    if any(re.match(r"(-i|--index-url|--no-index)\b", word) for word in pip_args):
        return "", "torch from where PIP_ARGS says"
    if sys.platform != "linux":
        return "", f"torch ({TORCH['any']})"
    if has_nvidia_driver():
        return "", f"torch for the NVIDIA driver found here ({TORCH['gpu']})"
    if not index:
        return "", "torch from pip's own index (TORCH_INDEX is empty)"
    reason = no_answer(index, patience)
    if reason:
        return "", (
            f"torch from pip's own index, which may bring {TORCH['gpu']}: "
            f"PyTorch's index of CPU builds, {index}, cannot be reached ({reason})"
        )
    return index, f"torch for the CPU ({TORCH['cpu']}), no NVIDIA driver found here"


def install_torch(pip_args: list[str]) -> int:
    """Put the pinned torch into the environment, from the source that suits this machine."""
    pin = re.search(r"^torch==(\S+)", read("constraints.txt").decode(), re.MULTILINE)[1]
    if installed("torch").split("+")[0] == pin:
        say(f"[1/3] torch {installed('torch')} is there")
        return 0
    index, why = torch_source(os.environ.get("TORCH_INDEX", ""), pip_args)
    say(f"[1/3] {why}")
    words = ["--no-deps", f"torch=={pin}", *pip_args]
    if index and not pip_install([*words, "--index-url", index], last_try=False):
        return 0
    if index:
        say(f"      {index} has no torch {pin} for this Python: taking pip's own index")
    return pip_install(words)


def installed(package: str) -> str:
    """The version of a package, or nothing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


# ---------------------------------------------------------------- the rest, with a sign of life


def install_rest(groups: list[str], pip_args: list[str]) -> int:
    say(f"[2/3] ragteach with {', '.join(groups)}")
    return pip_install(["-e", f"{ROOT}[{','.join(groups)}]", *pip_args])


def compile_all() -> None:
    """Compile the packages on all cores (pip takes one).

    What is left out, or does not compile, Python compiles itself when somebody imports it.
    """
    words = ["-m", "compileall", "-qq", "-j0", "-x", LATER, sysconfig.get_path("purelib")]
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=False)


def pip_install(words: list[str], last_try: bool = True) -> int:
    """Run pip install and tell what matters of what it says; all of it if it fails."""
    constraints = ["-c", str(ROOT / "constraints.txt")]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += constraints
    bar = sys.stdout.isatty() and "--no-deps" in words
    if bar:  # one large file at a terminal: pip's own bar says it best
        return subprocess.run([*command, *words], check=False).returncode
    lines = []
    count = 0
    total = 0.0
    talking = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    command += ["--progress-bar", "off", *words]
    with subprocess.Popen(command, errors="replace", **talking) as pip:
        for line in pip.stdout:
            lines.append(line)
            found = re.match(r"\s+(?:Downloading|Using cached) (\S+) \(([\d.]+) (\w+)\)", line)
            if found and not found[1].endswith(".metadata"):
                size = float(found[2]) * UNITS.get(found[3], 0.0)
                count += 1
                total += size
                if size >= BIG:
                    say(f"      {found[1].split('-')[0]} ({size:.0f} MB)")
            elif line.startswith("Installing collected packages"):
                files = f"{count} packages, {total:.0f} MB, are here; " if count else ""
                say(f"      {files}unpacking (a minute or two)")
    code = pip.returncode
    if code and last_try:
        told = [line for line in lines if "Requirement already satisfied" not in line]
        print("".join(told[-30:]), end="", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
