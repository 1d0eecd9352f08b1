"""Names that are mended before anything is trained: one for another, or left out with its rows.

Enters: a table as it is.  Leaves: the same table with other names or fewer rows; what was done
stands in its ``attrs["mended"]``, and is said by `look` and in the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ragteach.data.frames import as_table, with_analyzer
from ragteach.data.naming import WAYS, name_of, natural
from ragteach.data.scales import LABELS, said_of_labels
from ragteach.data.wild.columns import Columns, find_columns
from ragteach.data.wild.reading import READING, opened
from ragteach.errors import one_of, refuse, shown, whole
from ragteach.ground.arguments import among, as_list, is_a, or_meant
from ragteach.ground.objects import attribute

MOST_NAMES = 12  # that are listed in an error or a note


def mend(
    data: Any,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    *,
    rename_labels: Mapping[str, str] | None = None,
    rename_tasks: Mapping[str, str] | None = None,
    drop_labels: Sequence[str] = (),
    drop_tasks: Sequence[str] = (),
    least_rows: int = 1,
    missing: str = "ask",
    analyzer: str | None = None,
    **reading: Any,
) -> pd.DataFrame:
    """Merge names that are one, and leave labels or tasks out, before anything is trained.

    A mistyped name makes a class or a task of its own, and one task with two rows stops a whole
    comparison. `look` names them with the line to write here. Names are those that `look` shows:
    ``5`` for the number 5. First names are exchanged, then left out, then counted.

    Args:
        data, text, label, task: as in `as_frame`. With a list of label columns, one per task, the
            columns are the tasks: they are renamed, or left out.
        rename_labels, rename_tasks: a dict old name -> new name; the new one may be there already.
        drop_labels, drop_tasks: names whose rows are left out.
        least_rows: tasks with fewer rows that have a label are left out, too.
        missing: what whoever gets the table is to do with rows without a text, label or task:
            ``"ask"``, ``"drop"`` or ``"keep"``, see `name_column`.
        analyzer: and what it counts in the texts, as in `as_frame`.
        reading: how a file is read: encoding, separator, quotes, sheet, as in `load_table`; and
            what labels are, as in `as_frame`: cut, as_classes, label_order, real_labels.

    Returns:
        The table with its own columns. Its ``attrs`` say what was done (``mended``), which columns
        were meant (``roles``), what is ``missing`` and what ``labels`` are: none need be said
        again.

    Raises:
        RagteachError: a name that is not there (those that are there are listed); nothing left.

    Example:
        >>> table = {"text": list("abc"), "label": ["5", "5 stars", "1"], "task": list("xxy")}
        >>> done = mend(table, rename_labels={"5 stars": "5"}, drop_tasks=["y"])
        >>> done["label"].tolist(), done.attrs["mended"][1]
        (['5', '5'], "the task 'y' and its 1 row are left out")
    """
    renamed = {"label": _names_of("rename_labels", rename_labels)}
    renamed["task"] = _names_of("rename_tasks", rename_tasks)
    left = {"label": _list("drop_labels", drop_labels), "task": _list("drop_tasks", drop_tasks)}
    whole("least_rows", least_rows, 1)
    one_of("missing", missing, WAYS)
    for name in reading:
        among("option", name, [*READING, *LABELS])
    on_labels = {name: reading.pop(name) for name in LABELS if name in reading}
    data = opened(data, **reading)
    attrs = with_analyzer(attribute(data, "attrs", {}), analyzer)
    on_labels = said_of_labels(on_labels, attrs)
    table = as_table(data)
    columns = find_columns(list(table.columns), text, label, task, table)
    done = list(attrs.get("mended", ()))
    if columns.found:
        print(columns)
    roles: dict[str, Any] = {"text": columns.text, "label": columns.label, "task": columns.task}
    missing = attrs.get("missing", missing) if missing == "ask" else missing
    if isinstance(columns.label, tuple):
        table = _mended_columns(table, columns, renamed, left, least_rows, done)
        names = [renamed["task"].get(str(name), str(name)) for name in columns.label]
        roles["label"] = [name for name in dict.fromkeys(names) if name in table.columns]
    else:
        keep = missing == "keep"
        table = _mended_rows(table, columns, renamed, left, least_rows, keep, attrs, done)
    table.attrs = attrs | {"mended": done, "roles": roles, "missing": missing}
    if on_labels:
        table.attrs["labels"] = on_labels
    return table


def _mended_rows(
    table: pd.DataFrame,
    columns: Columns,
    renamed: dict[str, dict[str, str]],
    left: dict[str, list[str]],
    least_rows: int,
    unlabelled: bool,
    attrs: dict,
    done: list[str],
) -> pd.DataFrame:
    """The table whose label column and task column are mended; rows without a label make a task
    large if they are kept.
    """
    where = {"label": columns.label, "task": columns.task}
    for role, column in where.items():
        if not renamed[role] and not left[role]:
            continue
        if column is None:
            raise refuse(
                expected="a task column, to rename or leave out tasks",
                got="a table without one",
                fix="say which column it is: task='...'",
            )
        names = _called(table[column], role, attrs)
        for old, new in renamed[role].items():
            _check_there(old, role, names)
            done.append(f"the {role} {old!r} is read as {new!r} ({_rows((names == old).sum())})")
            names = names.mask(names == old, new)
        for name in left[role]:
            _check_there(name, role, names)
            done.append(f"the {role} {name!r} and its {_rows((names == name).sum())} are left out")
        keep = ~names.isin(left[role])
        changed = names if renamed[role] or role == "label" else table[column]
        if role == "label":
            attrs.pop("label_names", None)
        table = table.assign(**{str(column): changed})[keep].reset_index(drop=True)
    if columns.task is not None and least_rows > 1:
        names = _called(table[columns.task], "task", attrs)
        counts = _called(table[columns.label], "label", attrs).notna() | unlabelled
        count = names[counts].value_counts()
        count = count.reindex(names.value_counts().index, fill_value=0)
        small = [name for name in count.index[::-1] if count[name] < least_rows]
        if small:
            n = int(names.isin(small).sum())
            one = len(small) == 1
            done.append(
                f"{len(small)} {'task' if one else 'tasks'} of fewer than {least_rows} rows, with "
                f"{_rows(n)} in all, {'is' if one else 'are'} left out: {_some(small)}"
            )
        table = table[~names.isin(small)].reset_index(drop=True)
    if len(table) == 0:
        raise refuse(
            expected="at least one row that is not left out",
            got="none",
            fix="leave fewer labels and tasks out" + _lower(least_rows),
        )
    attrs.pop("task_names", None)
    return table


def _mended_columns(
    table: pd.DataFrame,
    columns: Columns,
    renamed: dict[str, dict[str, str]],
    left: dict[str, list[str]],
    least_rows: int,
    done: list[str],
) -> pd.DataFrame:
    """The table whose label columns, one per task, are mended."""
    tasks = [str(name) for name in columns.label]
    values = {name: _called(table[name], "label", {}) for name in tasks}
    everything = pd.concat(list(values.values()))
    for role, names in (("label", everything), ("task", pd.Series(tasks))):
        for name in [*renamed[role], *left[role]]:
            _check_there(name, role, names)
    for old, new in renamed["label"].items():
        done.append(f"the label {old!r} is read as {new!r} ({_rows((everything == old).sum())})")
        values = {name: v.mask(v == old, new) for name, v in values.items()}
    for old in left["label"]:
        done.append(f"the label {old!r} is left out ({_rows((everything == old).sum())})")
        values = {name: v.mask(v == old, None) for name, v in values.items()}
    small = [name for name in tasks if values[name].notna().sum() < least_rows]
    gone = [*left["task"], *(name for name in small if name not in left["task"])]
    done += [f"the task {name!r} is left out" for name in gone]
    done += [f"the task {old!r} is called {new!r}" for old, new in renamed["task"].items()]
    changed = values if renamed["label"] or left["label"] else {}
    if len(gone) == len(tasks):
        raise refuse(
            expected="at least one task that is not left out",
            got=f"none of {_some(tasks)}",
            fix="leave fewer tasks out" + _lower(least_rows),
        )
    after = [renamed["task"].get(name, name) for name in table.columns if name not in gone]
    twice = [name for name, n in Counter(after).items() if n > 1]
    if twice:
        raise refuse(
            expected="label columns that differ in their names",
            got=f"two called {twice[0]!r}",
            fix="merge the two columns in the table first",
        )
    return table.assign(**changed).drop(columns=gone).rename(columns=renamed["task"])


def _called(values: pd.Series, role: str, attrs: Mapping[str, Any]) -> pd.Series:
    """Each row's name; None where it has none. The numbers of a standard frame are places."""
    names = attrs.get("label_names") if role == "label" and values.name == "label" else None
    if names and values.isin(range(len(names))).all():
        return values.map(dict(enumerate(names))).astype(object)
    found = [name_of(value, role) for value in values.tolist()]
    return pd.Series(found, index=values.index, dtype=object)


def _check_there(name: str, role: str, names: pd.Series) -> None:
    if (names == name).any():
        return
    there = sorted(Counter(n for n in names if n is not None), key=natural)
    raise refuse(
        expected=f"a {role} among {_some(there)}",
        got=f"no {role} {name!r}",
        fix=f"write it as look shows it{or_meant(name, there)}",
    )


def _lower(least_rows: int) -> str:
    """What may also have left everything out."""
    return f", or lower least_rows={least_rows}" if least_rows > 1 else ""


def _names_of(name: str, given: Any) -> dict[str, str]:
    if given is None:
        return {}
    fix = f"{name}={{'old name': 'new name'}}"
    is_a(name, given, Mapping, "a dict old name -> new name", fix)
    pairs = {}
    for old, new in given.items():
        is_a(name, old, (str, int), "a dict of names", fix)
        is_a(name, new, (str, int), "a dict of names", fix)
        if not str(new).strip():
            raise refuse(expected=f"{name}: new names", got=shown(given, 60), fix=fix)
        pairs[str(old).strip()] = str(new).strip()
    return pairs


def _list(name: str, given: Any) -> list[str]:
    if isinstance(given, list | tuple) and not given:
        return []
    fix = f"{name}=['a name', 'another']"
    names = as_list(name, given, fix)
    for one in names:
        is_a(name, one, (str, int), "names in a list", fix)
    return list(dict.fromkeys(str(one).strip() for one in names))


def _rows(n: Any) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(repr(str(name)) for name in names[:MOST_NAMES])
    rest = len(names) - MOST_NAMES
    return f"{listed} and {rest} more" if rest > 0 else listed
