"""A solved notebook as a teacher sees it: its sections, with their pictures, questions, exercises.

Enters: a solved notebook.  Leaves: a `Lesson`, from which plans, keys and slides are made.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

CARD = re.compile(r"\bcard\(\s*[\"']([\w-]+)[\"']\s*\)")
HEAD = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
PROOF = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)


@dataclass
class Section:
    """A part of a lesson: its heading, first words, pictures, questions and exercises."""

    title: str
    words: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)  # (base64 PNG, alt)
    questions: list[str] = field(default_factory=list)
    exercises: list[str] = field(default_factory=list)
    folds: list[tuple[str, str]] = field(default_factory=list)  # (summary, Markdown): model proofs

    @property
    def bonus(self) -> bool:
        """For who has time left: the lesson's minutes do not count it."""
        return self.title.endswith("(bonus)")


@dataclass
class Lesson:
    """One notebook as a teacher sees it."""

    name: str
    title: str
    minutes: int
    able: str
    sections: list[Section]

    @property
    def number(self) -> str:
        """What its exercises' numbers begin with: 03, lab_vision."""
        return self.name if self.is_lab else self.name.split("_")[0]

    @property
    def is_lab(self) -> bool:
        """An open-ended project, not a lesson of the sequence."""
        return self.name.startswith("lab_")


def read_lesson(path: Path) -> Lesson:
    """A solved notebook, taken apart at its headings."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    head = "".join(cells[0]["source"])
    title = head.splitlines()[0].removeprefix("# ")
    minutes = re.search(r"About (\d+) minutes", head)
    able = re.search(r"Afterwards you can (.+?)\.(?:\s|$)", head, re.DOTALL)
    sections = [Section("Before you begin")]
    for cell in cells[1:]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            _take_words(source, sections)
        else:
            _take_code(source, cell.get("outputs", []), sections[-1])
    return Lesson(
        path.stem,
        title,
        int(minutes[1]) if minutes else 60,
        " ".join(able[1].split()) if able else "",
        sections,
    )


def _take_words(source: str, sections: list[Section]) -> None:
    folds = [(" ".join(s.split()), body.strip()) for s, body in PROOF.findall(source)]
    for part in re.split(r"(?m)^(?=#{2,3} )", PROOF.sub("", source)):
        heading = HEAD.match(part)
        if heading:
            sections.append(Section(heading[1].strip()))
            part = part[heading.end() :]
        paragraphs = [p.strip() for p in part.split("\n\n") if p.strip()]
        sections[-1].words += paragraphs
        sections[-1].questions += [p for p in paragraphs if "**Predict" in p]
    sections[-1].folds += folds


def _take_code(source: str, outputs: list, section: Section) -> None:
    section.exercises += CARD.findall(source)
    for output in outputs:
        data = output.get("data", {})
        if "image/png" in data:
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            section.pictures.append(("".join(data["image/png"]).replace("\n", ""), alt))
