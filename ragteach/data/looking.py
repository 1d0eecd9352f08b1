"""A look at your data before any model: what is there, what may go wrong, and what to do about it.

Enters: a table of texts with labels and tasks (a frame, a file, a dataset).  Leaves: a `Look`: a
table in a terminal, HTML in a notebook, a dict for a program.

Counting is exact for every row. Three things are measured on a sample of the texts, and say so:
near-twins, scripts, and words that tasks share. A million rows take less than a minute.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer

from ragteach.data.arguments import LARGEST_NUMPY_SEED
from ragteach.data.asked import asked_table, in_options
from ragteach.data.features import WORD
from ragteach.data.frames import ROLES, named_frame, tasks_apart
from ragteach.data.look_views import as_html, as_text
from ragteach.data.naming import name_column
from ragteach.data.reading import load_table
from ragteach.data.resemblance import near_twins, text_key
from ragteach.errors import whole
from ragteach.tensors import MISSING

TWIN_SAMPLE = 20_000  # texts compared with each other
LETTER_SAMPLE = 50_000  # texts whose scripts are counted
WORD_SAMPLE = 40_000  # texts whose words are compared, the same number of each task
RARE = 5  # rows that a (task, label) pair needs to be in training, validation and test
LONG = 5_000  # letters
DISAGREE = 0.2  # share of sentences on which two strategies differ, unless measured
POINTS = (1, 2, 5, 10)  # percentage points
TEST_SHARE = 0.2  # of the rows, in each draw
MARKS = {  # a sign that must be there (a quick look), and the pattern
    "HTML tags": ("<", re.compile(r"</?[a-zA-Z][^<>]*>")),
    "HTML entities": ("&", re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6});")),
    "web addresses": (".", re.compile(r"https?://|www\.\w")),
    "e-mail addresses": ("@", re.compile(r"[\w.+-]+@[\w-]+\.\w")),
    "letters that no encoding could read": (
        "\N{REPLACEMENT CHARACTER}",
        re.compile("\N{REPLACEMENT CHARACTER}"),
    ),
    "letters read in a wrong encoding": ("", re.compile("Ã[\x80-\xbf¤¶¼Ÿ©¨]|â€")),
}
NO_SPACES = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"}


@dataclass(frozen=True)
class Finding:
    """One thing that was found: its topic, how much it matters, what it is, and what to do.

    ``weight`` is "fine", "know" (good to know) or "act" (do something before you trust a result).
    """

    topic: str
    weight: str
    what: str
    do: str


@dataclass
class Look:
    """What `look` found.

    Attributes:
        n_rows: rows with a text, a label and a task. name: what was looked at.
        columns: which column was read as text, label and task.
        tasks: one row a task: rows, classes, most frequent class and its share with a 95 % interval.
        classes: one row a class: rows, and its share with a 95 % interval (Wilson).
        shared_words: (n_tasks, n_tasks) Jaccard overlap of the tasks' words.
        power: which differences this many rows can show.
        findings: list of `Finding`, the most important first.
    """

    name: str
    n_rows: int
    columns: dict[str, str]
    tasks: pd.DataFrame = field(repr=False)
    classes: pd.DataFrame = field(repr=False)
    shared_words: pd.DataFrame = field(repr=False)
    power: pd.DataFrame = field(repr=False)
    counts: dict = field(repr=False)
    findings: list[Finding] = field(repr=False)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)

    def to_dict(self) -> dict:
        """Everything as numbers, texts, lists and dicts, ready for JSON."""
        return {
            "name": self.name,
            "rows": self.n_rows,
            "columns": self.columns,
            "tasks": _records(self.tasks),
            "classes": _records(self.classes),
            "shared_words": self.shared_words.to_dict(),
            "power": _records(self.power),
            "counts": self.counts,
            "findings": [vars(finding) for finding in self.findings],
        }


def look(
    data,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    seed: int = 0,
) -> Look:
    """Look at data before you train on them.

    Args:
        data: a frame, the path of a file, or a `MultiTaskDataset` made from texts.
        text, label, task: the names of the columns. Default: found by their names, as in `as_frame`.
        seed: of the samples that are drawn where all pairs would be too many.

    Returns:
        `Look`: print it, show it in a notebook, or call ``.to_dict()``.

    Raises:
        RagteachError: a missing column, no complete row, a dataset of numbers instead of texts.

    Example:
        >>> from ragteach import make_toy
        >>> report = look(make_toy(n_per_task=20))
        >>> report.n_rows, report.tasks["rows"].tolist()
        (80, [20, 20, 20, 20])
    """
    whole("seed", seed, 0, LARGEST_NUMPY_SEED)
    name, rows, gaps = _frame(data, text, label, task)
    rows["key"] = [text_key(words) for words in rows["text"]]
    rng = np.random.default_rng(seed)
    label_names, task_names = rows.attrs["label_names"], rows.attrs["task_names"]
    tasks, classes = _tasks(rows, task_names), _balance(rows["label"], label_names)
    overlap = _shared_words(rows, rng)
    power = power_table(len(rows), rows["task"].nunique())
    counts = {f"rows without {role}": n for role, n in gaps.items()}
    findings = [
        *_about_gaps(gaps),
        *_about_tasks(tasks, classes, _candidates(rows)),
        *_about_balance(tasks, classes),
        *_about_apart(rows.attrs["apart"]),
        *_about_pairs(rows, counts),
        *_about_repeats(rows, counts),
        *_about_twins(rows, counts, rng),
        *_about_marks(rows, counts),
        *_about_scripts(rows, counts, rng),
        *_about_lengths(rows, counts),
        *_about_words(overlap, counts),
        *_about_power(power),
    ]
    order = {"act": 0, "know": 1, "fine": 2}
    findings.sort(key=lambda finding: order[finding.weight])
    columns = dict(rows.attrs["columns"])
    return Look(name, len(rows), columns, tasks, classes, overlap, power, counts, findings)


def wilson(hits, n) -> tuple:
    """Wilson's 95 % interval of a share: (low, high). It stays within 0 and 1, and holds for few
    rows too.

    Example:
        >>> low, high = wilson(0, 10)
        >>> round(float(low), 3), round(float(high), 3)
        (0.0, 0.278)
    """
    hits, n = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    z = stats.norm.ppf(0.975)
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(hits * (n - hits) / n + z**2 / 4)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def power_table(n_rows: int, n_tasks: int, disagree: float = DISAGREE) -> pd.DataFrame:
    """How many test sentences, and so how many draws, a difference in accuracy needs to be seen.

    Two strategies that differ on the share ``disagree`` of all sentences have, on n test sentences,
    a difference of accuracies with the variance ``disagree / n`` at most. To see a true difference
    d in four of five studies (power 80 %) at the 5 % level takes

        n = (1.96 + 0.84)^2 disagree / d^2

    sentences. One draw tests a fifth of the rows. Draws deal the same rows anew, so all draws
    together hold no more than ``n_rows`` sentences: beyond that, more seeds only look like more
    data.

    Returns:
        Columns points, test_sentences, draws, within_reach (whether the file has as many rows).
    """
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    points = np.array(POINTS)
    sentences = np.ceil(z**2 * disagree / (points / 100) ** 2).astype(int)
    per_draw = max(n_tasks, int(TEST_SHARE * n_rows))
    return pd.DataFrame(
        {
            "points": points,
            "test_sentences": sentences,
            "draws": np.maximum(2, np.ceil(sentences / per_draw).astype(int)),
            "within_reach": sentences <= n_rows,
        }
    )


# ---------------------------------------------------------------- the table


def _frame(data, text, label, task) -> tuple[str, pd.DataFrame, dict[str, int]]:
    """(name, standard frame with names instead of numbers, rows that lack something)."""
    name = type(data).__name__
    if isinstance(data, str | Path):
        name, data = Path(data).name, load_table(data)
    frame = named_frame(data, text, label, task, missing="drop")
    apart = tasks_apart(frame)
    attrs = dict(frame.attrs)
    named = np.asarray(attrs["label_names"], dtype=object)
    frame["label"] = named[frame["label"].to_numpy()]
    frame.attrs = attrs
    frame.attrs["apart"] = apart
    return name, frame, _gaps(data, attrs["columns"])


def _gaps(data, columns: dict) -> dict[str, int]:
    """How many rows have no text, no label (or one such as "unknown"), no task."""
    table = data if isinstance(data, pd.DataFrame) else pd.DataFrame()
    gaps = {}
    for role in ROLES:
        column = columns.get(role)
        if not isinstance(column, str) or column not in table:
            gaps[role] = 0
        elif role == "text":
            gaps[role] = int((table[column].fillna("").astype(str).str.strip() == "").sum())
        else:
            numbers = name_column(
                table[column].reset_index(drop=True), role, missing="drop"
            ).numbers
            gaps[role] = int((numbers == MISSING).sum())
    return gaps


def _balance(labels: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    count = labels.value_counts().reindex(names, fill_value=0)
    low, high = wilson(count, count.sum())
    share = (count / count.sum()).to_numpy()
    table = {"label": count.index, "rows": count.to_numpy(), "share": share}
    return pd.DataFrame(table | {"low": low, "high": high})


def _tasks(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    count = rows.groupby(["task", "label"], sort=False).size()
    by_task = count.groupby(level="task", sort=False)
    total, top = by_task.sum().reindex(names), by_task.max().reindex(names)
    low, high = wilson(top, total)
    return pd.DataFrame(
        {
            "task": total.index,
            "rows": total.to_numpy(),
            "classes": by_task.size().reindex(names).to_numpy(),
            "most_frequent": [label for _, label in by_task.idxmax().reindex(names)],
            "share": (top / total).to_numpy(),
            "low": low,
            "high": high,
        }
    )


def _shared_words(rows: pd.DataFrame, rng) -> pd.DataFrame:
    """Jaccard overlap of the words of each two tasks, from as many texts of each task."""
    smallest = int(rows["task"].value_counts().min())
    most = max(50, WORD_SAMPLE // rows["task"].nunique())
    each = min(most, max(50, smallest))  # as many of each, or overlap would measure size
    mixed = rows.iloc[rng.permutation(len(rows))]
    sample = mixed.groupby("task", sort=False).head(each)
    names = rows["task"].unique()
    try:
        counter = CountVectorizer(token_pattern=WORD, binary=True)
        if _unspaced(sample["text"]):
            counter = CountVectorizer(analyzer="char", ngram_range=(2, 2), binary=True)
        words = counter.fit_transform(sample["text"])  # (n_docs, n_words)
    except ValueError:  # not one word
        return pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    own = pd.Categorical(sample["task"], categories=names).codes
    has = np.stack([np.asarray(words[own == t].sum(0)).ravel() > 0 for t in range(len(names))])
    has = has.astype(np.float32)  # (n_tasks, n_words)
    both = has @ has.T
    size = has.sum(1)
    jaccard = both / np.maximum(size[:, None] + size - both, 1)
    return pd.DataFrame(jaccard.astype(float), index=names, columns=names)


# ---------------------------------------------------------------- what is found, and what to do


def _about_gaps(gaps):
    for role, n in gaps.items():
        if n:
            unknown = "" if role == "text" else ", or with one such as 'unknown'"
            yield Finding(
                "gaps", "act", f"{_rows(n)} without {role}{unknown}",
                "they are left out below; train and compare ask you: --missing drop leaves them out, "
                "--missing keep makes them a class of their own",
            )  # fmt: skip


def _about_tasks(tasks, classes, others):
    small = tasks.loc[tasks["rows"].idxmin()]
    if len(tasks) == 1:
        yield Finding(
            "tasks", "act", f"one task only, {small['task']!r}: there is nothing to share",
            "name the column that tells your tasks apart"
            + (f", perhaps --task {others[0]}" if others else " (--task)")
            + "; if there is none, use a plain classifier",
        )  # fmt: skip
    else:
        few = small["rows"] < 50
        ratio = tasks["rows"].max() / small["rows"]
        unequal = "know" if ratio > 10 else "fine"
        yield Finding(
            "tasks", "act" if few else unequal,
            f"the smallest of {len(tasks)} tasks is {small['task']!r} with {_rows(small['rows'])}; "
            + (f"the largest has {ratio:.3g} times as many" if ratio > 1.05 else "all have about as many"),
            "small tasks gain most from sharing, and their scores are the least certain: read "
            "their intervals" if few else "nothing; the mean over tasks counts every task alike",
        )  # fmt: skip
    if len(tasks) > 0.2 * tasks["rows"].sum():
        yield Finding(
            "tasks", "act", f"{len(tasks)} tasks in {tasks['rows'].sum()} rows: is this column "
            "a row's number or name?", "choose a column with few values that repeat",
        )  # fmt: skip
    numbers = [name for name in classes["label"] if re.fullmatch(r"-?\d+\.?\d*", name)]
    if len(classes) == 1:
        yield Finding(
            "classes", "act", f"one class only, {classes['label'][0]!r}: there is nothing to learn",
            "check which column holds the labels (--label)",
        )  # fmt: skip
    elif len(numbers) == len(classes) > 20:
        yield Finding(
            "classes", "know", f"{len(classes)} different numbers as labels, from {numbers[0]} to "
            f"{numbers[-1]}: these may be measurements", "use a regression (RAGRegressor), or cut "
            "them into a few classes",
        )  # fmt: skip
    alike = _alike(classes["label"]) + _alike(tasks["task"])
    if alike:
        yield Finding(
            "names", "act", f"{alike[0][0]!r} and {alike[0][1]!r} differ only in case or spaces",
            "make them one name, if they mean one thing",
        )  # fmt: skip


def _alike(names) -> list[tuple[str, str]]:
    """Pairs of names that a reader would take for one."""
    seen: dict[str, str] = {}
    return [(seen[key], n) for n in names if seen.setdefault(key := text_key(n), n) != n]


def _candidates(rows: pd.DataFrame) -> list[str]:
    """Other columns with few values that repeat: one of them may name the tasks."""
    others = [name for name in rows.columns if name not in (*ROLES, "key")]
    counts = {name: rows[name].astype(str).nunique() for name in others}
    return [str(name) for name, n in counts.items() if 2 <= n <= min(200, len(rows) // 10)]


def _about_balance(tasks, classes):
    top = classes.loc[classes["rows"].idxmax()]
    share = f"{top['share']:.0%} (95 % interval {top['low']:.0%} to {top['high']:.0%})"
    skewed = top["share"] > max(0.5, 2 / len(classes)) and len(classes) > 1
    yield Finding(
        "balance", "know" if skewed else "fine",
        f"the most frequent of {len(classes)} classes is {top['label']!r}: {share}",
        "judge by macro F1 or balanced accuracy, not by accuracy: saying this class always is "
        f"right in {top['share']:.0%}" if skewed else "nothing; accuracy is a fair score here",
    )  # fmt: skip
    one = tasks[tasks["classes"] == 1]
    if len(one) and len(classes) > 1:
        yield Finding(
            "balance", "act", f"{_some(one['task'], 'task')} with one class only",
            "a task of one class teaches that it always holds; add rows of others, or leave it out",
        )  # fmt: skip


def _about_apart(apart):
    if apart:
        yield Finding(
            "classes", "know", f"tasks with no class in common: {'; '.join(apart)}",
            "nothing, if they ask different things: compare and train give each task a head of its "
            "own (rt.heads_from_frame does it by hand). If not, make their classes' names the same",
        )  # fmt: skip


def _about_pairs(rows, counts):
    pairs = rows.groupby(["task", "label"], sort=False).size().sort_values()
    rare = pairs[pairs < RARE]
    counts["rare (task, label) pairs"] = len(rare)
    counts["absent (task, label) pairs"] = int(
        rows["task"].nunique() * rows["label"].nunique() - len(pairs)
    )
    if len(rare):
        named = [f"{task} / {label} ({n})" for (task, label), n in rare.items()]
        yield Finding(
            "rare pairs", "act", f"{_some(named, '(task, label) pair')} with fewer than {RARE} rows",
            "merge rare labels or add rows; their scores say nothing, and some draws will not "
            "test them",
        )  # fmt: skip
    if counts["absent (task, label) pairs"]:
        yield Finding(
            "rare pairs", "know",
            f"{counts['absent (task, label) pairs']} of the (task, label) pairs never occur",
            "fine if a task has no such class; if tasks have different classes altogether, give "
            "each its own head (fit_heads)",
        )  # fmt: skip


def _about_repeats(rows, counts):
    code = pd.factorize(rows["key"])[0]
    task, label = pd.factorize(rows["task"])[0], pd.factorize(rows["label"])[0]
    table = pd.DataFrame({"text": code, "task": task, "label": label})
    within = int(table.duplicated(["text", "task"]).sum())
    per_text = table.drop_duplicates(["text", "task"]).groupby("text").size()
    across = int((per_text > 1).sum())
    different = table.drop_duplicates().groupby(["text", "task"]).size()
    conflicts = different[different > 1]
    counts |= {
        "different texts": int(code.max()) + 1,
        "repeated within a task": within,
        "texts in several tasks": across,
        "conflicting labels": len(conflicts),
    }
    if within:
        yield Finding(
            "duplicates", "act", f"{_rows(within)} repeat a text of the same task "
            f"({within / len(rows):.1%})",
            "drop_duplicates(['text', 'task']); else a text may be learned and tested at once, "
            "and the score is too good",
        )  # fmt: skip
    if across:
        yield Finding(
            "duplicates", "know", f"{across} texts stand in several tasks",
            "fine if the tasks ask different questions about one text; keep all rows of a text in "
            "the same part when you split",
        )  # fmt: skip
    if len(conflicts):
        row = int(
            np.flatnonzero((code == conflicts.index[0][0]) & (task == conflicts.index[0][1]))[0]
        )
        yield Finding(
            "conflicts", "act", f"{len(conflicts)} texts have two labels in one task, such as "
            f"{_short(rows['text'][row])!r}",
            "decide which label holds; no model can be right about both",
        )  # fmt: skip
    if not within and not across:
        yield Finding("duplicates", "fine", "no text stands there twice", "nothing")


def _about_twins(rows, counts, rng):
    texts = rows.drop_duplicates("key").reset_index(drop=True)
    n_all, sampled = len(texts), len(texts) > TWIN_SAMPLE
    if sampled:
        chosen = np.sort(rng.choice(n_all, TWIN_SAMPLE, replace=False))
        texts = texts.iloc[chosen].reset_index(drop=True)
    pairs = near_twins(texts["key"])
    task = texts["task"].to_numpy()
    same = int((task[pairs[:, 0]] == task[pairs[:, 1]]).sum())
    counts |= {
        "texts compared": len(texts),
        "near-twins within a task": same,
        "near-twins across tasks": len(pairs) - same,
    }
    where = f"in a sample of {len(texts):,} of {n_all:,} texts, " if sampled else ""
    if not len(pairs):
        yield Finding(
            "near-twins", "fine", f"{where}no text is nearly the same as another", "nothing"
        )
        return
    a, b = pairs[0]
    share = len(pairs) / len(texts)
    yield Finding(
        "near-twins", "act" if share > 0.05 else "know",
        f"{where}at least {len(pairs)} texts ({share:.1%}) are nearly the same as another, {same} "
        f"of them within a task: {_short(texts['text'][a])!r} and {_short(texts['text'][b])!r}",
        "look at them: copies with small edits make the test too easy" +
        ("; in the whole file there are more" if sampled else ""),
    )  # fmt: skip


def _about_marks(rows, counts):
    fixes = {
        "e-mail addresses": "remove them before you share the data, the model or a report",
        "letters that no encoding could read": "go back to the file that they came from",
        "letters read in a wrong encoding": "read the file again and name its encoding "
        "(load_table(path, encoding='cp1252'), or --encoding cp1252)",
    }
    clean = True
    texts = rows["text"].tolist()
    for name, (sign, pattern) in MARKS.items():
        n = sum(sign in text and pattern.search(text) is not None for text in texts)
        counts[f"texts with {name}"] = n
        if n:
            clean = False
            yield Finding(
                "markup", "act" if name in fixes else "know",
                f"{name} in {n} texts ({n / len(rows):.1%})",
                fixes.get(name, "take them out, or they become words of the vocabulary"),
            )  # fmt: skip
    if clean:
        yield Finding("markup", "fine", "no HTML, no web or e-mail addresses", "nothing")


def _about_scripts(rows, counts, rng):
    texts = rows["text"].to_numpy(dtype=object)
    if len(texts) > LETTER_SAMPLE:
        texts = texts[rng.choice(len(texts), LETTER_SAMPLE, replace=False)]
    scripts: Counter = Counter()
    for letter, n in Counter("".join(text[:1000] for text in texts)).items():
        if letter.isalpha():
            scripts[unicodedata.name(letter, "UNKNOWN").split()[0].split("-")[0]] += n
    total = max(1, sum(scripts.values()))
    shares = {name: n / total for name, n in scripts.most_common() if n / total >= 0.001}
    counts["scripts"] = shares
    said = ", ".join(f"{_script(name)} {share:.1%}" for name, share in list(shares.items())[:5])
    joined = [name for name in shares if name in NO_SPACES and shares[name] > 0.05]
    if joined:
        yield Finding(
            "scripts", "act", f"letters: {said}; no spaces stand between words there",
            "use pieces of words instead of words: analyzer='char' (or 'auto')",
        )  # fmt: skip
    elif not shares:
        yield Finding("scripts", "act", "no letters at all", "check which column holds the texts")
    else:
        yield Finding(
            "scripts", "know" if len([s for s in shares.values() if s > 0.05]) > 1 else "fine",
            f"letters: {said}", "nothing" if len(shares) == 1 else
            "tasks in different scripts share no words: sharing can help little between them",
        )  # fmt: skip


def _script(name: str) -> str:
    return "Chinese characters" if name == "CJK" else name.title()


def _unspaced(texts) -> bool:
    """Whether most letters belong to scripts that put no spaces between words."""
    letters = [letter for letter in "".join(texts)[:20_000] if letter.isalpha()]
    joined = sum(unicodedata.name(x, "").split(" ")[0].split("-")[0] in NO_SPACES for x in letters)
    return 2 * joined > len(letters)


def _about_lengths(rows, counts):
    letters = np.array([len(text) for text in rows["text"]])
    single = sum(" " not in key for key in rows["key"])
    middle, long = int(np.median(letters)), int((letters > LONG).sum())
    counts |= {"letters, median": middle, "letters, most": int(letters.max())}
    counts |= {"very long texts": long, "texts of one word": single}
    said = f"half of the texts have up to {middle} letters, the longest has {letters.max():,}"
    if long or letters.max() > 100 * max(middle, 20):
        yield Finding(
            "length", "act", f"{said}; {long} are longer than {LONG:,}",
            "look at the longest: a stray quote can swallow many rows",
        )  # fmt: skip
    else:
        yield Finding("length", "fine", said, "nothing")
    if single > 0.05 * len(rows) and counts["scripts"].keys() - NO_SPACES:
        yield Finding(
            "length", "know", f"{single} texts are one word ({single / len(rows):.0%})",
            "a word that was not trained on says nothing: such a text gets the task's usual label",
        )  # fmt: skip


def _about_words(overlap, counts):
    if len(overlap) < 2:
        return
    values = overlap.to_numpy()
    upper = np.triu_indices(len(values), 1)
    between = values[upper]
    most, least = between.argmax(), between.argmin()
    name = [f"{overlap.index[i]!r} and {overlap.index[j]!r}" for i, j in zip(*upper, strict=True)]
    counts["words shared, mean"] = float(between.mean())
    said = f"two tasks share {between.mean():.0%} of their words on average"
    if len(between) > 1 and between[most] - between[least] >= 0.01:
        said += (
            f" (most: {name[most]} {between[most]:.0%}; least: {name[least]} {between[least]:.0%})"
        )
    yield Finding(
        "shared words", "know" if between.mean() < 0.05 else "fine", said,
        "shared weights act through shared words: with so few, expect little from sharing"
        if between.mean() < 0.05 else
        "nothing; whether a shared word means the same in both, only a comparison can tell",
    )  # fmt: skip


def _about_power(power):
    reach = power[power["within_reach"]]
    assumed = (
        f"if two strategies differ on {DISAGREE:.0%} of sentences (5 % level, 80 % power, "
        "independent sentences)"
    )
    if reach.empty:
        last = power.iloc[-1]
        yield Finding(
            "power", "act", f"even {last['points']} points need {last['test_sentences']:,} test "
            f"sentences, {assumed}: more than there are rows",
            "take a verdict from these rows as a hint; collect more",
        )  # fmt: skip
        return
    best = reach.iloc[0]
    yield Finding(
        "power", "know", f"a difference of {best['points']} points needs "
        f"{best['test_sentences']:,} test sentences, that is {best['draws']} draws, {assumed}",
        f"python -m ragteach compare --seeds {max(5, best['draws'])}; more seeds deal the same "
        "rows again and cannot replace more rows",
    )  # fmt: skip


def _records(table: pd.DataFrame) -> list[dict]:
    return [
        {k: v.item() if hasattr(v, "item") else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def _rows(n) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"


def _some(names, what: str, most: int = 5) -> str:
    names = list(names)
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} {what}{'s' * (len(names) > 1)}: {', '.join(names[:most])}{rest}"


def _short(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def run_look(options: argparse.Namespace) -> None:
    """The command ``look``: print what was found, as a table or as JSON."""
    table = asked_table(options.file, options)
    with in_options():
        found = look(table, options.text, options.label, options.task)
    found.name = Path(options.file).name
    if options.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(found)
