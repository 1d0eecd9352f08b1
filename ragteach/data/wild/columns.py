"""Which column is the text, which the label, which the task: found by their names, and shown.

Enters: the names of a table's columns, and what you say about them.  Leaves: `Columns`.

A column called exactly ``text``, ``label`` or ``task`` is taken. Else one whose name is much used
for it (``review``, ``sentiment``, ``domain``; see `headers`), or ends in such a word
(``customer_review``, ``Kundenkommentar``), is, if it is the only such one; what was found is
printed, so that you can object. Two that fit are an error that lists both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ragteach.data.wild.headers import LIKELY, bare, ends_in
from ragteach.errors import is_list, refuse, shown
from ragteach.ground.arguments import check_columns, members

ROLES = ("text", "label", "task")
MOST_ROWS = 1000  # that are looked at for a proposal
MOST_NAMES = 50  # of what may be labels or tasks
LOOKS = "look so by their values"


@dataclass(frozen=True)
class Columns:
    """Where text, label and task stand.

    Attributes:
        text: name of the column. label: its name, or the names of one column per task.
        task: its name, or None: one task (or one task per label column).
        found: the roles whose column was found by likeness, not by name.
    """

    text: str
    label: str | tuple[str, ...]
    task: str | None = None
    found: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What was taken for what, as a line to print."""
        label = self.label if isinstance(self.label, str) else ", ".join(self.label)
        task = self.task or ("one per label column" if label != self.label else "none: one task")
        return f"columns: text = {self.text}, label = {label}, task = {task}"


def find_columns(
    names: Sequence[str],
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    values: pd.DataFrame | None = None,
) -> Columns:
    """Find the columns; what you name is taken as you say.

    Args:
        values: the table itself. Where no name tells, it shows which columns to propose in the
            error: the longest texts as text, few values that repeat as label and task.

    Raises:
        RagteachError: a column that is not there, none or several that fit, a task column beside
            several label columns.

    Example:
        >>> print(find_columns(["id", "review", "sentiment", "category"]))
        columns: text = review, label = sentiment, task = category
        >>> print(find_columns(["Ticket Text", "Kategorie", "Sprache"]))
        columns: text = Ticket Text, label = Kategorie, task = Sprache
        >>> print(find_columns(["Produktkategorie", "Kundenbewertung", "Sternebewertung"]))
        columns: text = Kundenbewertung, label = Sternebewertung, task = Produktkategorie
    """
    names = list(names)
    check_columns("text", [text])
    check_columns("task", [task])
    several = None if label is None or isinstance(label, str) else several_labels(label)
    if several == ():
        raise refuse(expected="label columns", got="label = []", fix="name at least one")
    if several is not None and len(several) == 1:
        label = several[0]
        several = None
    given = [("text", text), *(("label", name) for name in several or [label]), ("task", task)]
    for role, name in given:
        if name is not None and name not in names:
            raise refuse(
                expected=f"a column among {', '.join(map(str, names))}",
                got=f"no column {shown(name)} for {role}",
                fix="check its spelling, or load the table with that column",
            )
    named = [name for _, name in given if name is not None]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        roles = [role for role, name in given if name == twice]
        raise refuse(
            expected="a column of its own for text, for task, and for each label",
            got=f"{shown(twice)} named more than once: as {' and as '.join(roles)}",
            fix="name each column once, or leave out what its name says",
        )
    if several is not None and task is not None:
        raise refuse(
            expected="a task column, or one label column per task",
            got=f"task = {shown(task)} beside the label columns {', '.join(several)}",
            fix=f"leave task out: {', '.join(several)} are the tasks; or name one label column",
        )
    taken = {name for name in [text, *(several or [label]), task] if name is not None}
    found = []
    if text is None:
        text = likeliest("text", names, taken, needed=False)
        taken.add(text)
        found += ["text"] if text != "text" else []
    if several is None and label is None:
        label = likeliest("label", names, taken, needed=False)
        taken.add(label)
        found += ["label"] if label != "label" else []
    if several is None and task is None:
        task = _varied(names, taken, values)
        found += ["task"] if task not in ("task", None) else []
    by_role: dict[str, Any] = {"text": text, "label": several or label, "task": task or several}
    if text is None or by_role["label"] is None:
        raise _lacking(names, by_role, values)
    return Columns(text, several or label, task, tuple(found))  # type: ignore[arg-type]


def _varied(names: list[str], taken: set, values: pd.DataFrame | None) -> str | None:
    """The column that is called like one of tasks; one that says the same in every row only if
    there is no other.
    """
    if values is not None and len(values) > 1:
        constant = {name for name in names if _says_one_thing(values[name])}
        found = likeliest("task", names, taken | constant, needed=False)
        if found is not None:
            return found
    return likeliest("task", names, taken, needed=False)


def _says_one_thing(column: pd.Series) -> bool:
    """Whether all values are the same, as text."""
    first = str(column.iloc[0])
    return all(str(value) == first for value in column)


def several_labels(label: object) -> tuple:
    """The label columns, one per task; refuses what is no list of names."""
    if isinstance(label, bytes) or not is_list(label):
        check_columns("label", [label])
        return (label,)
    several = tuple(members("label", label, "label=['...', '...']"))
    check_columns("label", several)
    return several


def likeliest(role: str, names: list[str], taken: set, needed: bool = True) -> str | None:
    """The one column that fits a role best."""
    free = [name for name in names if name not in taken]
    if role in free:
        return role
    for group in LIKELY[role]:
        whole = [name for name in free if bare(name) in group]
        fitting = whole or [name for name in free if ends_in(name, group, role)]
        if len(fitting) > 1:
            raise refuse(
                expected=f"one column that can be the {role}",
                got=f"{len(fitting)}: {', '.join(fitting)}",
                fix="say which: " + " or ".join(f"{role}={name!r}" for name in fitting[:4]),
            )
        if fitting:
            return fitting[0]
    if not needed:
        return None
    roles = {name: None if name == role else name for name in ROLES}
    raise _lacking(names, roles, None)


def _lacking(names: list, roles: dict[str, Any], values: pd.DataFrame | None) -> Exception:
    """The refusal of a table in which text or label was not found: all that is to be said, at once,
    with the columns that look so.
    """
    absent = [role for role in ROLES if roles[role] is None]
    taken = {name for role in roles.values() for name in (role if is_list(role) else [role])}
    likely = {} if values is None else proposed(values, absent, taken)
    needed = [role for role in absent if role != "task" or role in likely]
    named = " ".join(f"{role}={likely[role]!r}" for role in needed if role in likely)
    asked = " ".join(f"{role}='...'" for role in needed if role not in likely)
    which = "them" if len(needed) > 1 else "it"
    proposal = f", perhaps {named}, which {LOOKS}" if named else ""
    return refuse(
        expected="a table with the columns text, label and task (without task: one task)",
        got=f"a table without {', '.join(absent)}, or a column of a like name; it has "
        f"{', '.join(map(str, names)) or 'none'}",
        fix=f"say which {'they are' if len(needed) > 1 else 'it is'}"
        + (f": {asked}" if asked else "")
        + proposal
        + ("; or one column per task: label=['...', '...']" if "label" in needed else "")
        + f"; or rename {which} to {', '.join(map(repr, needed))} in the header; a file whose "
        "first line is data needs a line text,label,task above it",
    )


def proposed(table: pd.DataFrame, roles: Sequence[str], taken: set) -> dict[str, str]:
    """A column for each role, as its values look: the longest texts; few values that repeat, as
    label numbers or the fewest.

    Example:
        >>> table = pd.DataFrame({"Meinung": [f"gut und schnell, {i}" for i in range(12)]})
        >>> table["Note"] = [1, 2, 3] * 4
        >>> proposed(table, ["text", "label", "task"], set())
        {'text': 'Meinung', 'label': 'Note'}
    """
    some = table.head(MOST_ROWS).astype(str)
    free = [name for name in some.columns if name not in taken]
    length = {name: some[name].str.len().mean() for name in free}
    number = {name: some[name].nunique() for name in free}
    found = dict[str, str]()
    longest = max(free, key=lambda name: length[name], default=None)
    if "text" in roles and longest is not None and 2 * number[longest] > len(some):
        found["text"] = longest
        free.remove(longest)
    few = [name for name in free if 2 <= number[name] <= min(MOST_NAMES, len(some) // 3)]
    few.sort(
        key=lambda name: (not some[name].str.fullmatch(r"-?\d+([.,]\d+)?").all(), number[name])
    )
    found |= dict(zip((role for role in roles if role != "text"), few, strict=False))
    return found


def is_likely(name: object) -> bool:
    """Whether a column of this name may be the text, the label or the task.

    Example:
        >>> [is_likely(name) for name in ("Text", "Customer Review", "Export of May", "meta.stars")]
        [True, True, False, True]
    """
    return any(
        bare(name) in group or ends_in(name, group, role)
        for role, groups in LIKELY.items()
        for group in groups
    )


def tidy(name: str) -> str:
    """A column's name on one line, without the mark that some files begin with.

    Example:
        >>> tidy("\\ufeff Product\\r\\nCategory ")
        'Product Category'
    """
    return re.sub(r"\s*[\r\n\t]+\s*", " ", name.strip().lstrip("\ufeff").strip())


def repeated_headers(n: int) -> str:
    """What was done with rows that repeat the header, as in files put one below another."""
    if n == 1:
        return "1 row that repeats the header is left out"
    return f"{n:,} rows that repeat the header are left out"


def columns_like(source: Sequence, frame: Any, text: Any, label: Any, task: Any) -> tuple:
    """The columns that were named; else those of the training data, if ``frame`` has them."""
    there = {str(name) for name in getattr(frame, "columns", ())}
    known = [name if isinstance(name, str) and name in there else None for name in source]
    return text or known[0], known[1] if label is None else label, task or known[2]
