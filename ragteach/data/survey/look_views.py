"""A `Look` for the eye: columns of text for a terminal, tables for a page.

Enters: what `ragteach.data.survey.looking` counted.  Leaves: text, or HTML whose tables have
headers and whose findings say in words how much they matter: no colour says anything alone.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from typing import Any

import pandas as pd

from ragteach.ground.aligned import padded, width

WIDTH = 88
MOST = 12  # rows of a table that are shown
WEIGHTS = {"act": "do something", "know": "good to know", "fine": "fine"}


def as_text(look: Any) -> str:
    """The report as text, at most 88 columns wide (a name of yours may be wider)."""
    named = ", ".join(f"{k} = {v}" for k, v in _read_as(look.columns, repr))
    title = (
        f"A look at {look.name}: {look.n_rows:,} rows, {counted(look.tasks, 'task')}, "
        f"{counted(look.classes, 'class')}"
    )
    lines = [title, f"Columns: {named}", ""]
    lines += _columns(_task_table(look.tasks)) + [""] + _columns(_class_table(look.classes)) + [""]
    for weight, words in WEIGHTS.items():
        found = [finding for finding in look.findings if finding.weight == weight]
        if found:
            lines += [words[0].upper() + words[1:], "-" * len(words)]
        for finding in found:
            lines += _filled(f"{finding.topic}: ", f"{finding.what}.")
            if finding.do != "nothing":
                lines += _filled("  What to do: ", f"{finding.do}.")
        lines += [""] * bool(found)
    lines += _columns(_power_table(look.power))
    return "\n".join(lines)


def as_html(look: Any) -> str:
    """The report as a piece of a page (no html or body around it)."""
    coded = "<code>{}</code>".format
    named = ", ".join(
        f"{k}: {v}" for k, v in _read_as(look.columns, lambda name: coded(html.escape(str(name))))
    )
    parts = [
        '<div class="ragteach-look">',
        f"<p><strong>A look at {html.escape(look.name)}</strong>: {look.n_rows:,} rows, "
        f"{counted(look.tasks, 'task')}, {counted(look.classes, 'class')}. Columns: {named}.</p>",
        _findings_list(look.findings),
        html_table(_task_table(look.tasks), "Tasks"),
        html_table(_class_table(look.classes), "Classes, with 95 % intervals"),
        html_table(_power_table(look.power), "How often a true difference would be called clear"),
        "</div>",
    ]
    return "\n".join(parts)


def _read_as(columns: dict, shown: Callable[[str], str]) -> list[tuple[str, str]]:
    """(role, the columns that were read as it), each name as ``shown`` writes it."""
    label = columns["label"]
    task = columns["task"]
    several = not isinstance(label, str)
    alone = "one per label column" if several else "none (one task)"
    return [
        ("text", shown(columns["text"])),
        ("label", ", ".join(map(shown, label)) if several else shown(label)),
        ("task", alone if task is None else shown(task)),
    ]


def counted(things: Any, what: str) -> str:
    """A number and its noun.

    Example:
        >>> counted([1], "task"), counted([1, 2], "class")
        ('1 task', '2 classes')
    """
    many = "es" if what.endswith("s") else "s"
    ending = "" if len(things) == 1 else many
    return f"{len(things)} {what}{ending}"


def html_table(table: pd.DataFrame, caption: str) -> str:
    """A frame of texts and numbers as an accessible table: a caption, headers with a scope.

    Example:
        >>> html_table(pd.DataFrame({"task": ["films"], "rows": [3]}), "Tasks").count("scope")
        3
    """
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in table.columns)
    body = []
    for row in table.itertuples(index=False):
        first, *others = (html.escape(str(value)) for value in row)
        cells = "".join(f"<td>{value}</td>" for value in others)
        body.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    rows = "\n".join(body)
    said = html.escape(caption)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{said}" '
        f'style="overflow-x:auto">\n<table>\n<caption>{said}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _findings_list(findings: Any) -> str:
    """The findings as lists, one for each weight: they read well on a narrow screen too."""
    parts = []
    for weight, words in WEIGHTS.items():
        items = []
        for found in (f for f in findings if f.weight == weight):
            do = (
                ""
                if found.do == "nothing"
                else f"<br><em>What to do:</em> {html.escape(found.do)}."
            )
            what = f"<strong>{html.escape(found.topic)}</strong>: {html.escape(found.what)}."
            items.append(f"<li>{what}{do}</li>")
        if items:
            title = words[0].upper() + words[1:]
            parts.append(f"<p><strong>{title}</strong></p>\n<ul>\n" + "\n".join(items) + "\n</ul>")
    return "\n".join(parts)


def _task_table(tasks: pd.DataFrame) -> pd.DataFrame:
    shown = _ends(tasks.sort_values("rows", ascending=False, kind="stable"))
    return pd.DataFrame(
        {
            "task": shown["task"],
            "rows": [f"{n:,}" for n in shown["rows"]],
            "classes": shown["classes"],
            "most frequent": shown["most_frequent"],
            "share": _shares(shown),
        }
    ).pipe(_more, len(tasks), "task")


def _class_table(classes: pd.DataFrame) -> pd.DataFrame:
    shown = classes if len(classes) <= MOST else classes.nlargest(MOST, "rows")
    return pd.DataFrame(
        {
            "class": shown["label"],
            "rows": [f"{n:,}" for n in shown["rows"]],
            "share": _shares(shown),
        }
    ).pipe(_more, len(classes), "class")


def _power_table(power: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "true difference": [f"{p} point{'s' * (p > 1)}" for p in power["points"]],
            "clear in 5 draws": [f"{share:.0%}" for share in power["power_5"]],
            "in 20 draws": [f"{share:.0%}" for share in power["power_20"]],
            "texts for 80 % of 20 draws": [
                f"{n:,}" + (" (you have them)" if reach else "")
                for n, reach in zip(power["texts"], power["within_reach"], strict=True)
            ],
        }
    )


def _shares(rows: pd.DataFrame) -> list[str]:
    return [f"{r.share:.1%} ({r.low:.1%} to {r.high:.1%})" for r in rows.itertuples()]


def _ends(table: pd.DataFrame) -> pd.DataFrame:
    """All rows, or the first and the last few: the largest and the smallest."""
    if len(table) <= MOST:
        return table
    return pd.concat([table.head(MOST - 4), table.tail(4)])


def _more(table: pd.DataFrame, total: int, what: str) -> pd.DataFrame:
    if total <= len(table):
        return table
    left = {name: "" for name in table.columns} | {what: f"({total - len(table)} more not shown)"}
    return pd.concat([table, pd.DataFrame([left])], ignore_index=True)


def _filled(first: str, text: str) -> list[str]:
    return textwrap.wrap(first + text, WIDTH, subsequent_indent="    ", break_long_words=False)


def _columns(table: pd.DataFrame) -> list[str]:
    """A table as lines, each column to the left."""
    rows = [list(map(str, table.columns)), *(list(map(str, row)) for row in table.to_numpy())]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [padded(value, wide) for value, wide in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "-" * min(WIDTH, sum(widths) + 2 * len(widths) - 2), *lines[1:]]
