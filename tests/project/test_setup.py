"""The set-up keeps its promises: pinned, in step, in order, small, quick to import."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from wheels import build_wheel, tracked

ROOT = Path(__file__).resolve().parents[2]

TOP_LEVEL = {
    ".ci",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "biome.json",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "datasets",
    "environment.yml",
    "notebooks",
    "pyproject.toml",
    "ragteach",
    "tests",
    "tools",
}

CONDA_NAME = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(*extras: str) -> dict[str, Requirement]:
    project = pyproject()["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def extras() -> list[str]:
    return [e for e in pyproject()["project"]["optional-dependencies"] if e != "all"]


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


def make_targets() -> list[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^([a-z-]+):", text, flags=re.MULTILINE)


# ------------------------------------------------------------------ packages and versions


def test_extras_are_single_words_and_all_holds_them():
    table = pyproject()["project"]["optional-dependencies"]
    assert all(re.fullmatch("[a-z]+", name) for name in table)
    assert set(Requirement(table["all"][0]).extras) == set(extras())


def test_pins_are_exact_public_versions_of_everything_asked_for():
    pinned = pins()
    asked = requirements(*extras())
    assert len(asked) > 20
    assert set(asked) <= set(pinned)
    for name, requirement in asked.items():
        assert pinned[name] in requirement.specifier, (
            f"{name}=={pinned[name]} is not in {requirement}"
        )
        assert pinned[name].local is None
    assert pinned["torch"] == Version("2.13.0")


def test_pins_cover_what_the_packages_need_in_turn():
    """Walk from ragteach to every package make env brings; torch itself pins its GPU libraries."""
    pinned, seen, todo = pins(), set(), list(requirements(*extras()).values())
    while todo:
        requirement = todo.pop()
        key = (canonicalize_name(requirement.name), tuple(sorted(requirement.extras)))
        if key in seen or key[0].startswith(("nvidia-", "cuda-", "triton")):
            continue
        seen.add(key)
        assert key[0] in pinned, f"{requirement} is not pinned"
        assert requirement.specifier.contains(pinned[key[0]], prereleases=True), (
            f"{requirement} and the pin"
        )
        installed = importlib.metadata.distribution(requirement.name)
        oldest = SpecifierSet(installed.metadata.get("Requires-Python", ""))
        assert "3.11.0" in oldest, f"{requirement.name} {installed.version} needs Python {oldest}"
        for line in installed.requires or []:
            child = Requirement(line)
            environments = [{"extra": e} for e in (*requirement.extras, "")]
            if child.marker is None or any(child.marker.evaluate(e) for e in environments):
                todo.append(child)
    assert len(seen) > 100


def test_conda_environment_is_in_step():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = {
        r.name: r.specifier for r in (Requirement(line) for line in listed if isinstance(line, str))
    }
    pip = [line for line in listed if isinstance(line, dict)]
    assert pip == [{"pip": ["-e ."]}]
    assert str(conda.pop("python")) == pyproject()["project"]["requires-python"]
    conda.pop("pip")
    ours = {CONDA_NAME.get(name, name): r.specifier for name, r in requirements("lab").items()}
    assert conda == ours


def test_packages_are_all_listed():
    found = {
        ".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "ragteach").rglob("__init__.py")
    }
    assert found | {"ragteach.datasets", "ragteach.notebooks"} == set(
        pyproject()["tool"]["setuptools"]["packages"]
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the tracked files, unpacked into an empty folder as an installation would be."""
    folder = tmp_path_factory.mktemp("wheel")
    path = build_wheel(folder)
    with zipfile.ZipFile(path) as file:
        file.extractall(folder / "installed")
    return folder / "installed"


def test_an_installed_copy_carries_the_data_and_the_notebooks(wheel):
    inside = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    data = [
        n for n in tracked() if n.startswith("datasets/") and n.endswith((".csv", ".json", ".md"))
    ]
    assert data
    assert {f"ragteach/{n}" for n in data} <= inside
    code = [
        n for n in tracked() if n.startswith("ragteach/") and n.endswith((".py", ".js", ".css"))
    ]
    assert set(code) <= inside
    guides = {"teach/classroom/TEACHING.md", "notebooks/laws.md", "notebooks/troubles.md"}
    assert {f"ragteach/{name}" for name in guides} <= inside
    assert not any(n.startswith(("tests/", "notebooks/", "tools/")) for n in inside)
    assert not any("_source" in n for n in inside)


def test_an_installed_copy_hands_out_the_course(wheel, tmp_path):
    """With the wheel alone, far from any checkout: the notebooks, byte for byte."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ragteach", "course", "mine"],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(wheel), "JUPYTER_DATA_DIR": str(tmp_path / "jupyter")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = [
        n
        for n in tracked()
        if n.startswith("notebooks/") and n.endswith((".ipynb", ".png", ".svg"))
    ]
    assert len(ours) > 20
    for name in ours:
        copy = tmp_path / "mine" / name.removeprefix("notebooks/")
        assert copy.read_bytes() == (ROOT / name).read_bytes()


# ------------------------------------------------------------------ the package


@pytest.mark.timing
def test_import_is_quick():
    """import ragteach costs less than 0.3 s beyond importing torch: the median of three fresh
    starts.
    """
    code = "import time, torch; a = time.perf_counter(); import ragteach; print(time.perf_counter() - a)"
    took = []
    while len(took) < 3 and sum(seconds < 0.3 for seconds in took) < 2:  # two decide the median
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        took.append(float(done.stdout))
    assert sum(seconds < 0.3 for seconds in took) == 2, took


# ------------------------------------------------------------------ the checkout


def test_top_level_files():
    assert {name.split("/")[0] for name in tracked()} <= TOP_LEVEL


def test_readme_mentions_only_commands_that_exist():
    targets = set(make_targets())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    mentioned = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, flags=re.MULTILINE))
    assert {"lab", "test"} <= mentioned
    assert mentioned <= targets


def test_ci_runs_the_readme_test_command():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [
        line
        for line in script.splitlines()[1:]
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]


def test_no_machine_paths_in_tracked_files():
    # Spelled in two halves so that this file does not match itself.
    patterns = [
        "/" + "work/",
        "/" + "tmp/",
        "/" + "root/",
        "/" + "home/",
        "/" + "Users/",
        "pypi." + "org",
    ]
    found = []
    for name in tracked():
        if name.endswith((".png", ".gif", ".svg", ".csv", ".json", ".gz")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        found += [
            f"{name}: {p}"
            for p in patterns
            if re.search(rf"(?<![\w.])(?<!\w/){re.escape(p)}", text)
        ]
    assert not found


# ------------------------------------------------------------------ make


def test_make_alone_lists_every_target():
    targets = make_targets()
    said = run("make").stdout
    assert len(targets) >= 10
    assert all(f"make {target} " in said for target in targets)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("case $* in *'>='*|*%d*) echo 3.9;; *) exit 1;; esac", "Python >= 3.11 on the PATH"),
        ("case $* in *ensurepip*) exit 1;; *%d*) echo 3.12;; esac", "apt-get install python3-venv"),
    ],
)
def test_make_env_says_what_python_it_needs(tmp_path, script, message):
    """With a stand-in for a Python that is too old, or one without ensurepip."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = run("make", "env", f"PYTHON={python}", cwd=tmp_path)
    assert done.returncode != 0
    for part in ("Expected: ", "Got: ", "What to do: ", message):
        assert part in done.stderr
    assert not (tmp_path / ".venv").exists()
