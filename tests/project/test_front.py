"""What greets a visitor: forms that parse, a way to contribute whose commands exist, one version, one address."""

import re
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
    text = read(name)
    for target in re.findall(r"make ([a-z-]+)(?=[\s`])", text):
        assert f"\n{target}:" in read("Makefile"), target
    for path in re.findall(r"\b((?:notebooks|tests|tools|ragteach)/[\w/.]+)", text):
        path = path.rstrip(".")
        if "NN" not in path:
            assert (ROOT / path).exists(), path
