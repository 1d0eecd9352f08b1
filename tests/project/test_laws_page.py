"""The page of the laws: all nine, each with its proof and its tests, linked from every use."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "notebooks" / "laws.md").read_text(encoding="utf-8")
TESTS = (ROOT / "tests" / "core" / "test_laws.py").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^## (Law (\d): (.+))$", PAGE, flags=re.MULTILINE)
LESSONS = sorted((ROOT / "notebooks" / "_source").glob("[0-9]*.py"))


def anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


ANCHORS = {number: anchor(heading) for heading, number, _ in HEADINGS}


def test_there_are_nine():
    assert [number for _, number, _ in HEADINGS] == list("123456789")


@pytest.mark.parametrize("number", "123456789")
def test_a_law_names_its_conditions_its_proof_and_every_test(number):
    part = PAGE.split(f"## Law {number}:")[1].split("## Law")[0]
    assert "Holds for:" in part and re.search(r"\[lesson \d\d\]\((.+?)\)", part)
    for link in re.findall(r"\]\(([^)]+\.ipynb)\)", part):
        assert (ROOT / "notebooks" / link).exists()
    named = set(re.findall(r"`(test_\w+)`", part))
    there = set(re.findall(rf"def (test_law_{number}_\w+)", TESTS))
    assert named == there


def markdown(path: Path):
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# %%"):
            inside = "[markdown]" in line
        elif inside:
            yield line


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_every_use_leads_there(path):
    text = "\n".join(markdown(path))
    assert not re.findall(r"\b[Ll]aw\n# \**[1-9]\b", text)  # a break would hide it
    for line in markdown(path):
        for number in re.findall(r"\b[Ll]aw ([1-9])\b", line):
            assert f"law {number}](laws.md#{ANCHORS[number]})" in line.replace("Law", "law"), line
