"""Notebooks as pages of the site: the lesson as a reader without a kernel should meet it.

Enters: a student notebook and its solved copy.  Leaves: one notebook for Sphinx, in which

- an exercise shows the code with its gap, and the solution with what it prints is folded below;
- code that only draws is folded, the picture with its alt text is not;
- explorers are the very scripts of the explorers, and move without a kernel;
- links lead to pages of the site, or to the repository.
"""

from __future__ import annotations

import ast
import html
import re
from pathlib import PurePosixPath

import nbformat
from bs4 import BeautifulSoup
from nbformat.notebooknode import NotebookNode

from ragteach.widgets.base import kept
from ragteach.widgets.html import VIEW, fragment

LONG_DRAWING = 6  # lines of a cell that draws; more are folded
NUMBER = re.compile(
    r"([-+\u2212]?[\d.,]+(e[-+]?\d+)?\s*%?|nan|none|inf|true|false)?", re.IGNORECASE
)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
NOT_ON_A_PAGE = [  # what a notebook says to the hand, said to the eye
    (re.compile(r"^\*?\(?Double-click here[^\n]*\n?", re.MULTILINE), ""),
    (re.compile(r"^\*Is only this file here[^\n]*\n\n", re.MULTILINE), ""),
    (re.compile(r" · \*\*with solutions\*\* \(\[without\]\([^)]*\)\)"), ""),
]


WITHHELD = re.compile(
    r"▶ \*Run this cell to see its output\. It shows (.*), so it is not kept in this file\.\*"
)
WHAT_IS_WITHHELD = (
    r"*Here the lesson shows \1. A page does not keep them: run the lesson to see them.*"
)


def page(student: NotebookNode, solved: NotebookNode, row: dict, repository: str) -> NotebookNode:
    """The page of one lesson.

    Args:
        student: the notebook with gaps. solved: the same with solutions and outputs.
        row: the lesson's entry in lessons.toml. repository: where links to files lead.
    """
    gaps = {cell.id: cell for cell in student.cells}
    maker = _Maker(repository)
    cells = []
    for cell in solved.cells:
        cells += maker.cells(cell, gaps.get(cell.id))
    head, _, rest = cells[0].source.partition("\n")
    cells[0].source = f"{head}\n\n{ways_in(row['name'], repository)}\n{rest}"
    return nbformat.v4.new_notebook(cells=cells, metadata=solved.metadata)


def ways_in(name: str, repository: str) -> str:
    """One line of links: Colab, the file, the way to run it here."""
    place = f"{repository.removeprefix('https://github.com/')}/blob/main/notebooks/{name}.ipynb"
    return (
        f"[Open in Colab](https://colab.research.google.com/github/{place}) · "
        f'<a href="notebooks/{name}.ipynb" download>Download</a> · '
        "[Run locally](index.md#run-it)\n"
    )


class _Maker:
    """Turns cells one after the other; remembers which explorers the page already has."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self.kinds: set[str] = set()
        self.explorers = 0

    def cells(self, cell: NotebookNode, gap: NotebookNode | None) -> list[NotebookNode]:
        if "setup" in cell.metadata.get("tags", []):  # a page needs nothing installed
            return []
        if cell.cell_type == "markdown":
            return self._words(cell)
        outputs = [self._output(output) for output in cell.outputs]
        cell.outputs = [output for output in outputs if output is not None]
        if gap is not None and gap.source != cell.source:
            cell.source = without_marks(cell.source)
            task = nbformat.v4.new_markdown_cell(f"```python\n{gap.source.strip()}\n```")
            cell.metadata["mystnb"] = {
                "code_prompt_show": "Show a solution",
                "code_prompt_hide": "Hide the solution",
            }
            cell.metadata["tags"] = ["hide-cell"]
            return [task, cell]
        cell.metadata["tags"] = []
        if draws(cell):
            cell.metadata["tags"] = ["hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": "Show the code of this picture"}
        return [cell]

    def _words(self, cell: NotebookNode) -> list[NotebookNode]:
        text = LINK.sub(lambda m: f"[{m[1]}]({self._target(m[2])})", cell.source)
        for pattern, better in NOT_ON_A_PAGE:
            text = pattern.sub(better, text)
        if {"answer", "solution"} & set(cell.metadata.get("tags", [])):
            text = f"<details><summary>Show a solution</summary>\n\n{text}\n\n</details>"
        return [nbformat.v4.new_markdown_cell(text)] if text.strip() else []

    def _target(self, link: str) -> str:
        """Where a link of a notebook leads on the site."""
        if re.match(r"[a-z]+:|#", link):
            return link
        path, mark, anchor = link.partition("#")
        path = path.removeprefix("../").removeprefix("solutions/")
        if path.endswith((".ipynb", ".md")) and "/" not in path:
            return path + mark + anchor
        return f"{self.repository}/blob/main/{PurePosixPath(path)}{mark}{anchor}"

    def _output(self, output: NotebookNode) -> NotebookNode | None:
        data = output.get("data", {})
        if saved := kept(output):
            drawn = fragment(saved, self.explorers, self.kinds)
            self.explorers += 1
            return _html(f'<div class="explorer">{drawn}</div>')
        if VIEW in data:
            return None
        if "text/markdown" in data:
            data["text/markdown"] = WITHHELD.sub(WHAT_IS_WITHHELD, data["text/markdown"])
        if "image/png" in data:
            alt = output.metadata.get("image/png", {}).get("alt", "")
            return _html(
                f'<img alt="{html.escape(alt)}" '
                f'src="data:image/png;base64,{"".join(data["image/png"].split())}">'
            )
        if "text/html" in data:
            table = words_to_the_left(data["text/html"])
            return _html(f'<div class="scrolls" tabindex="0" role="group">{table}</div>')
        return output


def _html(text: str) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": text})


def words_to_the_left(text: str) -> str:
    """A table of pandas, with its columns of words marked: class "words", on heads and cells.

    Example:
        >>> row = "<tbody><tr><th>0</th><td>films</td><td>1.5</td></tr></tbody>"
        >>> words_to_the_left(f'<table class="dataframe">{row}</table>')
        '...<th>0</th><td class="words">films</td><td>1.5</td>...'
    """
    soup = BeautifulSoup(text, "html.parser")
    for table in soup.select("table.dataframe"):
        rows = [row.find_all("td") for row in table.select("tbody tr")]
        heads = [row.find_all("th") for row in table.select("thead tr")]
        for k, column in enumerate(zip(*rows, strict=False)):
            if all(NUMBER.fullmatch(cell.get_text(strip=True)) for cell in column):
                continue
            place = k - len(rows[0])  # from the right: heads have the index's place on the left
            over = [row[place] for row in heads if len(row) >= -place and not _spans(row)]
            for cell in (*column, *over):
                cell["class"] = "words"
    return str(soup)


def _spans(row: list) -> bool:
    return any(head.has_attr("colspan") for head in row)


def without_marks(source: str) -> str:
    """A solution without the lines that mark it.

    Example:
        >>> without_marks("### BEGIN SOLUTION\\nx = 3\\n### END SOLUTION")
        'x = 3'
    """
    lines = [line for line in source.splitlines() if not re.match(r"\s*### (BEGIN|END)", line)]
    return "\n".join(lines)


def draws(cell: NotebookNode) -> bool:
    """Whether a cell is there for its picture: most of its statements call matplotlib."""
    shows = any("<img" in str(output.get("data", {}).get("text/html")) for output in cell.outputs)
    lines = [line for line in cell.source.splitlines() if line.strip()]
    if not shows or len(lines) <= LONG_DRAWING:
        return False
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:  # a line of IPython's
        return False
    drawing = re.compile(r"\b(ax|axes|fig|plt|plots)\b")
    text = [ast.unparse(statement) for statement in body]
    return sum(len(part) for part in text if drawing.search(part)) > 0.5 * sum(map(len, text))
