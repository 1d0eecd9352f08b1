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


def test_a_lesson_alone_in_a_folder_names_its_neighbours_by_address():
    """In Colab the links from file to file lead nowhere."""
    address = PROJECT["urls"]["Repository"]
    for path in NOTEBOOKS:
        head = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        if path.stem == "own_data":
            continue
        files = re.findall(rf"{address}/blob/main/([^)]+)\)", head)
        assert f"({address}#the-lessons)" in head and len(files) == 2, path
        assert all((ROOT / file).exists() for file in files), path


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


# Every command that the front door names: the test that runs it, or why none does.
COMMANDS = {
    "make lab": "tests/project/test_lab.py::test_a_learner_opens_a_lesson_runs_a_cell_and_writes",
    "make site": "tests/browser/test_site.py::test_every_link_and_anchor_leads_somewhere",
    "make colab": "tests/project/test_colab.py::test_a_lesson_alone_in_a_folder_says_the_same",
    "make class": "tests/teach/test_kit.py::test_students_get_the_lessons_without_solutions",
    "python -m ragteach grade": "tests/teach/test_grading.py::test_right_answers_get_their_points",
    "make bench": "tests/project/test_bench.py::test_the_tables_have_the_promised_columns_cases_and_contenders",
    "python -m ragteach course": "tests/project/test_setup.py::test_an_installed_copy_hands_out_the_course",
    "python -m ragteach map": "tests/project/test_main.py::test_the_map_of_winners",
    "python -m ragteach compare --data toy": "tests/project/test_main.py::test_compare_prints_and_writes_what_it_measured",
    "python -m ragteach compare --data mine.csv": "tests/project/test_readme.py::test_own_data_in_a_terminal",
    "python -m ragteach train": "tests/project/test_readme.py::test_own_data_in_a_terminal",
    "python -m ragteach predict": "tests/project/test_readme.py::test_own_data_in_a_terminal",
    "python tools/file_map.py": "tests/project/test_readme.py::test_a_map_that_differs_is_told",
    "python notebooks/_source/build.py": "tests/project/test_notebooks.py::test_building_is_deterministic_and_checked",
    "python -m ragteach compare --data human": "not run: twenty seeds of real sentences take "
    "minutes; lesson 10 runs fewer",
    "torchrun": "not run: it starts two processes of a script of the reader's own",
    "make test": "not run: it is what runs these tests",
    "make env": "not run: make test begins with it",
    "make quick": "not run: make test runs all that it runs",
    "make bench-widgets": "not run: it measures seconds for minutes",
    "python tests/bench/scale.py": "not run: it measures seconds for minutes",
    "python -m pytest": "not run: it is what runs these tests",
    "git pull": "not run: it needs the repository's address to answer",
    "git clone": "not run: it needs the repository's address to answer",
    "conda env create": "not run: read, not resolved; test_setup.py keeps its packages in step "
    "with pyproject.toml",
    "py -m venv": "not run: on Windows only",
    "jupyter lab": "not run: on Windows only; make lab starts the same elsewhere",
    "pip install": "not run: on Windows only; make env does the same elsewhere",
}


def commands(text: str) -> set[str]:
    """What a reader would type: lines of plain blocks, and commands within a sentence."""
    text = re.sub(r"```python\n.*?```", "", text, flags=re.DOTALL)
    blocks = re.findall(r"```(?:bash)?\n(.*?)```", text, re.DOTALL)
    lines = [line.partition("#")[0] for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    plain = (line.strip().replace(".venv/bin/", "") for line in [*lines, *inline])
    plain = (line.replace(".venv\\Scripts\\", "") for line in plain)
    begin = re.compile(r"(make|python|py|git|conda|pip|jupyter|torchrun|docker) \S")
    return {line for line in plain if begin.match(line)}


@pytest.mark.parametrize("name", ["README.md", ".github/CONTRIBUTING.md"])
def test_every_command_is_run_by_a_test_or_says_why_not(name):
    for command in commands(read(name)):
        known = [start for start in COMMANDS if f"{command} ".startswith(f"{start} ")]
        assert known, f"{name}: {command}"


@pytest.mark.parametrize("said", [said for said in COMMANDS.values() if "::" in said])
def test_the_test_that_runs_a_command_is_there(said):
    file, name = said.split("::")
    assert f"def {name}(" in read(file)


def test_no_command_is_listed_that_nobody_names():
    named = commands(read("README.md")) | commands(read(".github/CONTRIBUTING.md"))
    for start in COMMANDS:
        assert any(f"{command} ".startswith(f"{start} ") for command in named), start
