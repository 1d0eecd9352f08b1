"""What the rows, labels and tasks of a table say before any model, and what to do about it.

Enters: counts of rows, tasks and classes.  Leaves: each `Finding`, one after the other.
"""

from __future__ import annotations

import functools
import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from ragteach.data.naming import MOST_ON_A_SCALE, NUMBER, number_of
from ragteach.data.survey.alike import cure_of_few, dropped, look_alikes

NEEDED = 5  # rows of a task that `compare` asks for
# rows of a task: too few to test; few enough to say so
TINY = 15
SMALL = 100
MOST_ALIKE = 5  # names that are told one by one
RARE = 5  # rows that a (task, label) pair needs to be in training, validation and test
DISAGREE = 0.2  # share of sentences on which two strategies differ, unless measured
SEVERAL_IN_ONE = ";|,/+"  # between answers that stand in one label
MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z]{2,8}|#\d{1,6});")  # HTML in a name
POINTS = (1, 2, 5, 10)  # percentage points
TEST_SHARE = 0.2  # of the rows, in each draw
MOST_TESTED = 1000  # texts of a task, in each draw
# draws: a first look; what a verdict takes, here and everywhere
FEW = 5
ENOUGH = 20
POWER = 0.8
LUCK = 0.05  # a power below it is hardly more than what luck calls clear, 0.025


@dataclass(frozen=True)
class Finding:
    """One thing that was found: its topic, how much it matters, what it is, and what to do.

    ``weight`` is "fine", "know" (good to know) or "act" (do something before you trust a result).
    """

    topic: str
    weight: str
    what: str
    do: str


def power_table(n_texts: int, n_tasks: int, disagree: float = DISAGREE) -> pd.DataFrame:
    """How often `compare` would call a true difference in accuracy clear, with so many texts.

    Two strategies that differ on the share ``disagree`` of all sentences, d of it in favour of one,
    differ a sentence by d on average, with the variance s2 = disagree - d^2. The k draws deal the
    same N texts anew, and test n each. Their mean varies by the N texts and by the dealing,

        tau2 = s2 / N + v / k        v = s2 / n * (1 - n / N)

    while the corrected resampled t takes v (1 / k + r), r = n_test / n_train, for its variance. So
    its statistic is tau / sqrt(v (1 / k + r)) times a noncentral t of k - 1 degrees of freedom with
    the centre d / tau: from it the power. A text that stands in its task twice is one. What the
    formula does not know is how the training sets differ: that makes power smaller.

    Returns:
        Columns points, power_5 and power_20 (the power of 5 and 20 draws), texts (how many texts
        20 draws take for a power of 80 %), within_reach (whether the file has as many).

    Reference: Nadeau & Bengio (2003), Inference for the generalization error, Machine Learning 52.

    Example:
        >>> power_table(280, 1)["power_20"].round(2).tolist()
        [0.03, 0.06, 0.28, 0.86]
    """
    rows = []
    for points in POINTS:
        needs = _texts_needed(points / 100, n_tasks, disagree)
        few, many = (_power(points / 100, n_texts, n_tasks, k, disagree) for k in (FEW, ENOUGH))
        rows.append((points, few, many, needs, needs <= n_texts))
    columns = ["points", f"power_{FEW}", f"power_{ENOUGH}", "texts", "within_reach"]
    return pd.DataFrame(rows, columns=columns)


@functools.cache  # hundreds of noncentral t: of any table with as many tasks the same
def _texts_needed(gap: float, n_tasks: int, disagree: float) -> int:
    """How many texts the draws of a verdict take for a power of 80 %, within 2 %."""
    needs = 10 * n_tasks
    while _power(gap, needs, n_tasks, ENOUGH, disagree) < POWER:
        needs = math.ceil(1.02 * needs)
    return needs


def _power(gap: float, n_texts: int, n_tasks: int, draws: int, disagree: float) -> float:
    """The chance that the interval of these draws lies above 0: see `power_table`."""
    n_texts = max(n_texts, 5)
    tested = max(1.0, min(TEST_SHARE * n_texts, MOST_TESTED * n_tasks))
    ratio = tested / (n_texts - TEST_SHARE * n_texts - tested)  # test_per_train of `compare`
    spread = disagree - gap**2
    dealt = spread / tested * (1 - tested / n_texts)
    real = math.sqrt(spread / n_texts + dealt / draws)
    taken = math.sqrt(dealt * (1 / draws + ratio))
    least = stats.t.ppf(0.975, draws - 1) * taken / real
    return float(stats.nct.sf(least, draws - 1, gap / real))


def about_changes(mended: Iterable[str]) -> Iterator[Finding]:
    """What `ragteach.mend` did before."""
    for said in mended:
        yield Finding("changes", "know", said, "nothing, if that is what you asked for")


def about_gaps(
    left_out: Mapping[str, int], before: bool, gaps: Mapping[str, str]
) -> Iterator[Finding]:
    """Rows without a text, a label or a task. ``before``: they were left out on the way here.
    ``gaps``: what stands there instead, where that is known.
    """
    for role in ("text", "label", "task"):
        n = left_out.get(role, 0)
        if n:
            unknown = "" if role == "text" else ", or with one such as 'unknown'"
            if role in gaps:
                unknown = f", or with a word that says so ({gaps[role]})"
            kept = f"a {role} of their own" if role != "text" else "texts without a word"
            yield Finding(
                "gaps",
                "know" if before else "act",
                f"{row_count(n)} without {role}{unknown}" + (", left out" if before else ""),
                "nothing, if they can be spared; else fill them in, and do all of it again"
                if before
                else (
                    f"a real {role}? Call it otherwise in the file. Else " if role in gaps else ""
                )
                + "they are left out below; train and compare ask you: --missing drop leaves "
                f"them out, --missing keep makes them {kept} (in Python "
                'rt.mend(data, missing="drop"))',
            )


def about_names(rows: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """Labels and tasks that look like another one. ``rows``: role -> name -> its rows."""
    for role in ("label", "task"):
        found = look_alikes(role, rows[role])
        for alike in found[:MOST_ALIKE]:
            yield Finding("names", "act", str(alike), alike.cure())
        marked = [name for name in rows[role] if MARKUP.search(name)]
        if marked:
            few = max(rows[role][name] for name in marked) < TINY
            yield Finding(
                "names",
                "act" if few else "know",
                f"{_some(map(repr, marked), role)} with markup",
                "look at their rows: a page read as a table leaves such. To leave them out, "
                f"{dropped(role, marked[:MOST_ALIKE])}"
                if few
                else "nothing, if you call them so: names are shown as they are written",
            )
        if len(found) > MOST_ALIKE:
            names = ", ".join(repr(alike.odd) for alike in found[MOST_ALIKE:][:20])
            yield Finding(
                "names",
                "act",
                f"{len(found) - MOST_ALIKE} more {role}s look like another: {names}",
                f"merge them in the same way, with rename_{role}s or --rename-{role}",
            )


def about_tasks(tasks: pd.DataFrame, classes: pd.DataFrame, others: list[str]) -> Iterator[Finding]:
    """Few, one, too many: tasks and classes. ``others``: columns that may name tasks."""
    small = tasks.iloc[tasks["rows"].argmin()]
    if len(tasks) == 1:
        yield Finding(
            "tasks",
            "act",
            f"one task only, {small['task']!r}: there is nothing to share",
            "name the column that tells your tasks apart"
            + (
                f", perhaps --task {' or --task '.join(map(shlex.quote, others[:3]))}"
                if others
                else " (--task)"
            )
            + "; if there is none, use a plain classifier",
        )
    else:
        yield _about_sizes(tasks, small)
    if len(tasks) > 0.2 * tasks["rows"].sum():
        yield Finding(
            "tasks",
            "act",
            f"{len(tasks)} tasks in {tasks['rows'].sum()} rows: this column may be a row's number "
            "or name",
            "choose a column with few values that repeat (--task)",
        )
    if len(classes) == 1:
        yield Finding(
            "classes",
            "act",
            f"one class only, {classes['label'][0]!r}: there is nothing to learn",
            "check which column holds the labels (--label)",
        )


def about_numbers(names: list[str], ordered: bool) -> Iterator[Finding]:
    """Classes that are numbers: amounts (``ordered``), measurements, or codes."""
    if not 1 < len(names) == sum(number_of(name) is not None for name in names):
        return
    ends = f"{names[0]} to {names[-1]}"
    if ordered:
        yield Finding(
            "order",
            "know",
            f"the classes are numbers in an order, {ends}",
            "read the mean absolute error beside accuracy, which counts a miss by one like a miss "
            f"by {len(names) - 1}; compare tells both",
        )
    if len(names) > MOST_ON_A_SCALE:
        yield Finding(
            "classes",
            "act",
            f"{len(names)} different numbers as labels, {ends}: these may be measurements",
            "cut them into classes from low to high: --cut 3 (in Python cut=3); or, if each number "
            "is a class of its own, --as-classes (as_classes=True), else train and compare stop "
            "and ask; or predict the number itself, in Python: rt.RAGRegressor",
        )
    elif not ordered:
        amounts = "; if they are amounts, call their column stars or score" if names[2:] else ""
        yield Finding(
            "codes",
            "know",
            f"the classes are numbers, {ends}, read as names without an order",
            f"give codes their words: rt.mend(data, rename_labels={{{names[0]!r}: '...'}}), in a "
            f"terminal --rename-label={shlex.quote(names[0] + '=...')}{amounts}",
        )


def about_several(names: list[str]) -> Iterator[Finding]:
    """Names that hold several answers, such as ``x;urgent``: each part stands in others, too."""
    for sign in SEVERAL_IN_ONE:
        parts = {name: [part.strip() for part in name.split(sign)] for name in names}
        joined = [name for name in names if len(parts[name]) > 1 and not NUMBER.fullmatch(name)]
        where = Counter(part for found in parts.values() for part in set(found))
        again = [name for name in joined if all(where[part] > 1 for part in parts[name])]
        answers = sorted({part for name in again for part in parts[name]})
        if len(again) < 2 or "" in answers or all(map(str.isdigit, answers)):
            continue
        yield Finding(
            "several answers",
            "act",
            f"{_some(map(repr, again), 'label')}, seem to hold several answers with {sign!r} "
            f"between them: {', '.join(answers[:6])}{' ...' if answers[6:] else ''}",
            "nothing, if each combination is a class of its own; else give each question a column "
            "(in a terminal --label once for each), or each answer a row: "
            f"frame.assign(label=frame['label'].str.split({sign!r})).explode('label')",
        )


def _about_sizes(tasks: pd.DataFrame, small: pd.Series) -> Finding:
    """How large the tasks are, and whether one is too small to say anything about."""
    n = int(small["rows"])
    most = int(tasks["rows"].max())
    tested = max(1, round(TEST_SHARE * n))
    said = f"the smallest of {len(tasks)} tasks is {small['task']!r} with {row_count(n)}"
    said += (
        f", of which a draw tests {tested}" if n >= NEEDED else ", too few for a draw of its own"
    )
    said += f"; the largest has {most:,}" if most > 2 * n else ""
    if n < TINY:
        least = NEEDED if n < NEEDED else TINY
        few = tasks.loc[tasks["rows"] < least, "task"].tolist()
        if len(few) > 1:
            said += f"; {len(few)} tasks have fewer than {least} rows"
        cure = cure_of_few(dict(zip(tasks["task"], tasks["rows"].tolist(), strict=True)), few)
        fix = f"add rows, merge small tasks with tasks like them, or {cure}"
        return Finding("tasks", "act", said, fix)
    if n < SMALL:
        fix = "read the intervals: the score of a small task alone is uncertain"
        return Finding("tasks", "know", said, fix)
    weight = "know" if most > 10 * n else "fine"
    fix = "nothing; the mean over tasks counts every task alike"
    return Finding("tasks", weight, said, fix)


def about_balance(tasks: pd.DataFrame, classes: pd.DataFrame) -> Iterator[Finding]:
    """Is one class much more frequent, or alone in a task?"""
    if len(classes) == 1:
        return
    top = classes.iloc[classes["rows"].argmax()]
    share = f"{top['share']:.0%} (95 % interval {top['low']:.0%} to {top['high']:.0%})"
    skewed = top["share"] > max(0.5, 2 / len(classes))
    yield Finding(
        "balance",
        "know" if skewed else "fine",
        f"the most frequent of {len(classes)} classes is {top['label']!r}: {share}",
        "judge by macro F1 or balanced accuracy, not by accuracy: saying this class always is "
        f"right in {top['share']:.0%}"
        if skewed
        else "nothing; no class is so frequent that saying it always would score well",
    )
    one = tasks[tasks["classes"] == 1]
    if len(one):
        yield Finding(
            "balance",
            "act",
            f"{_some(one['task'], 'task')} with one class only",
            "a task of one class teaches that it always holds; add rows of others, or leave it out",
        )


def about_apart(apart: list[str]) -> Iterator[Finding]:
    """Tasks that have no class in common."""
    if apart:
        yield Finding(
            "classes",
            "know",
            f"tasks with no class in common: {'; '.join(apart)}",
            "nothing, if they ask different things: compare and train give each task a head of its "
            "own (rt.heads_from_frame does it by hand). If not, make their classes' names the same",
        )


def about_pairs(rows: pd.DataFrame, counts: dict) -> Iterator[Finding]:
    """(task, label) pairs that are rare or absent; their numbers go into ``counts``."""
    pairs = rows.groupby(["task", "label"], sort=False).size().sort_values()
    rare = pairs[pairs < RARE]
    counts["rare (task, label) pairs"] = len(rare)
    counts["absent (task, label) pairs"] = int(
        rows["task"].nunique() * rows["label"].nunique() - len(pairs)
    )
    if len(rare):
        named = [
            f"{task} / {label} ({n})" for (task, label), n in zip(rare.index, rare, strict=True)
        ]
        yield Finding(
            "rare pairs",
            "act",
            f"{_some(named, '(task, label) pair')} with fewer than {RARE} rows",
            "merge rare labels or add rows; their scores say nothing, and some draws will not "
            "test them",
        )
    if counts["absent (task, label) pairs"]:
        yield Finding(
            "rare pairs",
            "know",
            f"{counts['absent (task, label) pairs']} of the (task, label) pairs never occur",
            "fine if a task has no such class; tasks that have no class in common get a head each",
        )


def about_power(power: pd.DataFrame) -> Iterator[Finding]:
    """Which differences these rows can show: from `power_table`."""
    last = power.iloc[-1]
    best = power[power["within_reach"]].iloc[0] if power["within_reach"].any() else last
    few = best[f"power_{FEW}"]
    many = best[f"power_{ENOUGH}"]
    seen = (
        f"a true difference of {best['points']:.0f} points would be called clear in {few:.0%} of "
        f"comparisons of {FEW} draws, in {many:.0%} of {ENOUGH} (by the noncentral t, if two "
        f"strategies differ on {DISAGREE:.0%} of sentences; training sets that differ make it less)"
    )
    if max(few, many) < LUCK:
        seen += "; luck calls one in forty clear where there is no difference"
    if power["within_reach"].any():
        fix = (
            f"compare with --seeds {ENOUGH}, the default (in Python seeds={ENOUGH}); more seeds "
            "deal the same rows again and cannot replace more rows"
        )
        yield Finding("power", "know", seen, fix)
        return
    fix = "take a verdict from these rows as a hint; collect more: about "
    fix += f"{last['texts']:,.0f} different texts for {POWER:.0%} of {ENOUGH} draws"
    yield Finding("power", "act", seen, fix)


def row_count(n: int) -> str:
    """The number of rows in words."""
    return "1 row" if n == 1 else f"{n:,} rows"


def _some(names: Iterable[str], what: str, most: int = 5) -> str:
    names = list(names)
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} {what}{'s' * (len(names) > 1)}: {', '.join(names[:most])}{rest}"
