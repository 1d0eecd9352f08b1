"""What the texts themselves say before any model: repeats, twins, markup, scripts, length, words.

Enters: a table of texts with their tasks and labels.  Leaves: each `Finding`, one after the other.

Counting is exact for every row. Near-twins, scripts, and words that tasks share are measured on a
sample of the texts, and say so.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from ragteach.data.features import WORD
from ragteach.data.kin import MOST, about_kin
from ragteach.data.resemblance import LETTERS, near_twins, text_key
from ragteach.data.splits import kin_of
from ragteach.data.survey.findings import Finding, row_count

TWIN_SAMPLE = 20_000  # texts compared with each other
LETTER_SAMPLE = 50_000  # texts whose scripts are counted
WORD_SAMPLE = 40_000  # texts whose words are compared, the same number of each task
LONG = 5_000  # letters
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
TAKE_OUT = {
    "HTML tags": "frame[column].str.replace('<[^>]+>', ' ', regex=True)",
    "HTML entities": "frame[column].map(html.unescape)",
    "web addresses": r"frame[column].str.replace(r'(https?://|www\.)\S+', ' ', regex=True)",
}
JOINED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
NO_SPACES = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"}


def about_repeats(rows: pd.DataFrame, counts: dict) -> Iterator[Finding]:
    """Texts that stand there twice: in a task, in several, with two labels."""
    code = pd.factorize(rows["key"])[0]
    task = pd.factorize(rows["task"])[0]
    label = pd.factorize(rows["label"])[0]
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
        verb = "repeats" if within == 1 else "repeat"
        yield Finding(
            "duplicates",
            "know",
            f"{row_count(within)} {verb} a text of the same task ({within / len(rows):.1%}), in "
            "whatever case and signs",
            "nothing, if people wrote it that often: compare, train and split_frame keep all rows "
            "of a text in one part, so that none is learned and tested at once. Copies made by "
            "accident count too often: leave them out of the table, each text once a task",
        )
    if across:
        yield Finding(
            "duplicates",
            "know",
            f"{counted_texts(across)} in several tasks",
            "nothing, if the tasks ask different questions about one text: all rows of a text go "
            "to the same part of a split",
        )
    if len(conflicts):
        row = int(
            np.flatnonzero((code == conflicts.index[0][0]) & (task == conflicts.index[0][1]))[0]
        )
        yield Finding(
            "conflicts",
            "act",
            f"{len(conflicts)} {'text has' if len(conflicts) == 1 else 'texts have'} several "
            "labels in one task, such as "
            f"{_short(rows['text'][row])!r}",
            "decide which label holds; no model can be right about both",
        )
    if not within and not across:
        yield Finding("duplicates", "fine", "no text stands there twice", "nothing")


def counted_texts(n: int) -> str:
    """How many texts stand somewhere."""
    return "1 text stands" if n == 1 else f"{n:,} texts stand"


def about_alike(rows: pd.DataFrame, counts: dict) -> Iterator[Finding]:
    """Texts that share half of their pieces with another, tied in splits or apart."""
    kin = kin_of(rows)
    counts["texts tied to kin, share"] = kin["tied"]
    counts["texts apart from kin, share"] = kin["apart"]
    if rows["key"].nunique() > MOST:
        yield Finding(
            "texts alike",
            "know",
            f"of more than {MOST:,} texts, those that are nearly the same are not looked for",
            "if texts were made from one template, or copied and mended, hold a part of the "
            "families back yourself: splits tie equal texts only",
        )
    if about_kin(kin["apart"]):
        yield Finding(
            "texts alike",
            "act",
            about_kin(kin["apart"]).removesuffix("."),
            "keep one text of each family, or hold whole families back to test on; read no score "
            "of these rows as one of new texts",
        )
    elif kin["tied"]:
        yield Finding(
            "texts alike",
            "know",
            f"{kin['tied']:.1%} of the texts have another one that shares half of its four-letter "
            "pieces or more",
            "nothing: compare, train and split_frame keep such texts in one part, as they do equal "
            "ones. Copies made by accident count too often: leave them out of the table",
        )


def about_counted(n_rows: int, worth: float) -> Iterator[Finding]:
    """That intervals count rows that are alike as fewer; ``worth``: as how many (`effective`)."""
    if round(worth) < n_rows:
        yield Finding(
            "duplicates",
            "know",
            f"rows of one text, or of texts that share four in five of their pieces, count as one "
            f"in every interval of shares: {row_count(n_rows)} are worth {round(worth):,} (Kish)",
            "nothing: as if they were independent, the intervals would promise too much",
        )


def about_twins(rows: pd.DataFrame, counts: dict, rng: np.random.Generator) -> Iterator[Finding]:
    """Texts that are nearly the same as another."""
    texts = rows.drop_duplicates("key").reset_index(drop=True)
    n_all = len(texts)
    sampled = len(texts) > TWIN_SAMPLE
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
    where = _sampled(len(texts), n_all) + _by_their_first(texts["key"])
    if not len(pairs):
        yield Finding(
            "near-twins", "fine", f"{where}no text is nearly the same as another", "nothing"
        )
        return
    a, b = pairs[0]
    share = len(pairs) / len(texts)
    in_all = min(n_all, round(len(pairs) * (n_all / len(texts)) ** 2))
    count = "1 text" if len(pairs) == 1 else f"{len(pairs)} texts"
    verb = "is" if len(pairs) == 1 else "are"
    shown = _side_by_side(texts["text"][a], texts["text"][b])
    own = n_all - len(pairs)
    yield Finding(
        "near-twins",
        "know",
        f"{where}at least {count} ({share:.1%}) {verb} nearly the same as another, {same} "
        f"of them within a task (near-twins share four in five of their "
        f"pieces, and so are among the texts alike): {shown[0]!r} and {shown[1]!r}"
        + (
            f"; a sample seldom holds both of a pair: the file may hold up to {in_all:,} such "
            f"texts ({in_all / n_all:.1%})"
            if sampled
            else f". Repeats and near-twins together: the {row_count(len(rows))} hold {n_all:,} "
            f"different texts, of which {own:,} ({own / len(rows):.1%} of the rows) are left if "
            "each family counts once"
        ),
        "look at them: one part of a split holds all of a family, but copies made by accident "
        "count too often",
    )


def about_marks(rows: pd.DataFrame, counts: dict) -> Iterator[Finding]:
    """Markup, addresses, and letters that were read wrongly."""
    fixes = {
        "e-mail addresses": "remove them before you share the data, the model or a report",
        "letters that no encoding could read": "go back to the file that they came from",
        "letters read in a wrong encoding": "read the file again and name its encoding "
        "(rt.load_table(path, encoding='cp1252'), in a terminal --encoding cp1252)",
    }
    clean = True
    texts = rows["text"].tolist()
    for name, (sign, pattern) in MARKS.items():
        n = sum(sign in text and pattern.search(text) is not None for text in texts)
        counts[f"texts with {name}"] = n
        if n:
            clean = False
            yield Finding(
                "markup",
                "act" if name in fixes else "know",
                f"{name} in {n} texts ({n / len(rows):.1%})",
                fixes[name]
                if name in fixes
                else f"take them out ({TAKE_OUT[name]}), or they become words",
            )
    if clean:
        yield Finding("markup", "fine", "no HTML, no web or e-mail addresses", "nothing")


def about_scripts(rows: pd.DataFrame, counts: dict, rng: np.random.Generator) -> Iterator[Finding]:
    """Which letters there are, and whether spaces stand between words."""
    texts = rows["text"].to_numpy(dtype=object)
    if len(texts) > LETTER_SAMPLE:
        texts = texts[rng.choice(len(texts), LETTER_SAMPLE, replace=False)]
    where = _sampled(len(texts), len(rows)) + _by_their_first(texts)
    scripts: Counter = Counter()
    for letter, n in Counter("".join(text[:LETTERS] for text in texts)).items():
        if letter.isalpha():
            scripts[unicodedata.name(letter, "UNKNOWN").split()[0].split("-")[0]] += n
    total = max(1, sum(scripts.values()))
    shares = {name: n / total for name, n in scripts.most_common() if n / total >= 0.001}
    counts["scripts"] = shares
    said = ", ".join(f"{_script(name)} {share:.1%}" for name, share in list(shares.items())[:5])
    joined = [name for name in shares if name in NO_SPACES and shares[name] > 0.05]
    if joined:
        yield Finding(
            "scripts",
            "know",
            f"{where}letters: {said}; no spaces stand between words there",
            "nothing: compare, train and the explorers read runs of letters there by themselves "
            "(analyzer='char'; with a vectorizer of your own, choose it)",
        )
    elif not shares:
        what = f"{where}no letters at all"
        yield Finding("scripts", "act", what, "check which column holds the texts")
    else:
        yield Finding(
            "scripts",
            "know" if len([s for s in shares.values() if s > 0.05]) > 1 else "fine",
            f"{where}letters: {said}",
            "nothing"
            if len(shares) == 1
            else "nothing; tasks in different scripts have no words in common through which shared "
            "weights could act: see what is said of shared words",
        )


def _sampled(n: int, n_all: int) -> str:
    """How a finding begins that was made on a part of the texts."""
    return f"in a sample of {n:,} of {n_all:,} texts, " if n < n_all else ""


def _by_their_first(texts: Iterable[str]) -> str:
    """The same, of texts of which only the beginning was read."""
    long = any(len(text) > LETTERS for text in texts)
    return f"in the first {LETTERS:,} letters of each text, " if long else ""


def _script(name: str) -> str:
    return "Chinese characters" if name == "CJK" else name.title()


def unspaced(texts: Iterable[str]) -> bool:
    """Whether most letters belong to scripts that put no spaces between words."""
    letters = [letter for letter in "".join(texts)[:20_000] if letter.isalpha()]
    joined = sum(unicodedata.name(x, "").split(" ")[0].split("-")[0] in NO_SPACES for x in letters)
    return 2 * joined > len(letters)


def about_lengths(rows: pd.DataFrame, counts: dict) -> Iterator[Finding]:
    """Very long texts, and texts of one word."""
    letters = np.array([len(text) for text in rows["text"].tolist()])
    single = sum(" " not in key and not JOINED.search(key) for key in rows["key"].tolist())
    middle = int(np.median(letters))
    long = int((letters > LONG).sum())
    counts |= {"letters, median": middle, "letters, most": int(letters.max())}
    counts |= {"very long texts": long, "texts of one word": single}
    said = f"half of the texts have up to {middle} letters, the longest has {letters.max():,}"
    if long or letters.max() > 100 * max(middle, 20):
        yield Finding(
            "length",
            "act",
            f"{said}; {long} are longer than {LONG:,}",
            "look at the longest: a stray quote can swallow many rows",
        )
    else:
        yield Finding("length", "fine", said, "nothing")
    if single > 0.05 * len(rows):
        one = "1 text is" if single == 1 else f"{single:,} texts are"
        yield Finding(
            "length",
            "know",
            f"{one} one word ({single / len(rows):.0%})",
            "a word that was not trained on says nothing: such a text gets the task's usual label",
        )


def about_words(overlap: pd.DataFrame, counts: dict) -> Iterator[Finding]:
    """Do the tasks share words, through which shared weights can act?"""
    if len(overlap) < 2:
        return
    values = overlap.to_numpy()
    upper = np.triu_indices(len(values), 1)
    between = values[upper]
    most = int(between.argmax())
    least = int(between.argmin())
    tasks = list(overlap.index)
    name = [f"{tasks[i]!r} and {tasks[j]!r}" for i, j in zip(*upper, strict=True)]
    counts["words shared, mean"] = float(between.mean())
    where = overlap.attrs.get("sample", "")
    said = f"{where}two tasks share {_percent(between.mean())} of their words on average"
    if between.max() == 0:
        said = f"{where}no two tasks have a word in common"
    elif len(between) > 1 and between[most] - between[least] >= 0.01:
        said += (
            f" (most: {name[most]} {_percent(between[most])}; least: {name[least]} "
            f"{_percent(between[least])})"
        )
    fix = "nothing; whether a shared word means the same in both, only a comparison can tell"
    if between.mean() < 0.05:
        fix = (
            "nothing, but compare before you believe: shared weights act where tasks have words in "
            "common. Beside these, tasks can share how frequent their classes are, and how strong "
            "the penalty is; what that is worth, only a comparison can tell"
        )
    yield Finding("shared words", "know" if between.mean() < 0.05 else "fine", said, fix)


def _percent(share: float) -> str:
    """A share in whole percent; what is not 0 is never called so.

    Example:
        >>> _percent(0.0), _percent(0.002), _percent(0.31)
        ('0%', 'less than 1%', '31%')
    """
    return "less than 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _short(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _side_by_side(one: str, other: str) -> tuple[str, str]:
    """Two texts from shortly before the word in which they differ.

    Example:
        >>> _side_by_side("a, b c d e f g one h", "a b c d e f g two h")
        ('… d e f g one h', '… d e f g two h')
    """
    words = [text.split() for text in (one, other)]
    keys = [list(map(text_key, part)) for part in words]
    same = len(os.path.commonprefix(keys))
    start = max(0, same - 4)
    shown = tuple(("… " if start else "") + _short(" ".join(part[start:])) for part in words)
    return shown[0], shown[1]


def shared_words(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Jaccard overlap of the words of each two tasks, from as many texts of each task.

    ``attrs["sample"]`` says how many, where they are not all.
    """
    smallest = int(rows["task"].value_counts().min())
    most = max(50, WORD_SAMPLE // rows["task"].nunique())
    each = min(most, max(50, smallest))  # as many of each, or overlap would measure size
    mixed = rows.iloc[rng.permutation(len(rows))]
    sample = mixed.groupby("task", sort=False).head(each)
    names = rows["task"].unique()
    try:
        counter = CountVectorizer(token_pattern=WORD, binary=True)
        if unspaced(sample["text"]):
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
    overlap = pd.DataFrame(jaccard.astype(float), index=names, columns=names)
    if len(sample) < len(rows):
        overlap.attrs["sample"] = f"in {each:,} texts of each task at most, "
    return overlap
