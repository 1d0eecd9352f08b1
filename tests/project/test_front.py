"""What greets a visitor: forms that parse, a way to contribute whose commands exist, one version, one address."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import ragteach as rt

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_and_address_are_the_same_everywhere():
    citation = yaml.safe_load(read("CITATION.cff"))
    address = PROJECT["urls"]["Repository"]
    assert citation["version"] == PROJECT["version"] == rt.__version__
    assert citation["repository-code"] == address
    assert f"## {PROJECT['version']}\n" in read("CHANGELOG.md")
    named = set(re.findall(r"https://github\.com/[\w-]+/ragteach", read("README.md")))
    assert named <= {address}
    owner, name = address.removeprefix("https://github.com/").split("/")
    colab = re.findall(r"https://colab\.research\.google\.com/github/[\w/-]+", read("README.md"))
    assert colab == [
        f"https://colab.research.google.com/github/{owner}/{name}/blob/main/notebooks/00_start_here"
    ]
    pages = set(re.findall(r"https://[\w-]+\.github\.io/\w+", read("README.md")))
    assert pages == {f"https://{owner}.github.io/{name}"}


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("*_*.yml")))
def test_a_form_asks_for_what_is_needed(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations", {}).get("required") for field in form["body"])


@pytest.mark.parametrize("path", sorted((GITHUB / "workflows").glob("*.yml")))
def test_a_workflow_runs_what_anybody_can_run(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands
    for command in commands:
        program, *words = command.split()
        if program == "make":
            assert all(f"\n{word}:" in read("Makefile") for word in words)
        else:
            assert (ROOT / program).exists()


@pytest.mark.parametrize("name", ["README.md", ".github/CONTRIBUTING.md"])
def test_commands_and_paths_that_are_named_exist(name):
    text = re.sub(r"https?://\S+", "", read(name))
    for target in re.findall(r"make ([a-z-]+)(?=[\s`])", text):
        assert f"\n{target}:" in read("Makefile"), target
    for path in re.findall(r"\b((?:notebooks|tests|tools|ragteach)/[\w/.]+)", text):
        path = path.rstrip(".")
        if "NN" not in path:
            assert (ROOT / path).exists(), path


NOTEBOOKS = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks").glob("*/*.ipynb")])


def first_cell(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])


def test_every_notebook_begins_with_the_same_cell():
    assert len({first_cell(path) for path in NOTEBOOKS}) == 1


@pytest.mark.parametrize("there", [True, False])
def test_the_first_cell_installs_the_course_only_where_it_is_missing(there, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda words, check: ran.append((words, check)))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if there else None)
    exec(first_cell(NOTEBOOKS[0]), {})
    said = capsys.readouterr().out
    if there:
        assert (ran, said) == ([], "")
        return
    ((words, check),) = ran
    assert words[1:] == ["-m", "pip", "install", "-q", f"git+{PROJECT['urls']['Repository']}"]
    assert words[0] == sys.executable and check  # never --upgrade: what is there stays
    assert said.count("\n") == 1
