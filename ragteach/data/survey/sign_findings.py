"""What signs say that words do not: emoji, smileys, question marks.

Enters: a table of texts with their labels.  Leaves: a `Finding`, if signs may carry what is asked.

A word is letters and digits, so a model of words never sees a sign. Whether one matters is measured
on a sample: how often a sign stands in the texts of each label. Cramer's V is 0 where it is as
frequent in all of them, and 1 where it decides between two.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ragteach.data.features import MANY_SPEAKING, pick_analyzer, speaks
from ragteach.data.survey.findings import Finding

SIGN_SAMPLE = 20_000  # texts
COMMON = 0.05  # of the texts: a rarer sign can decide little
STRONG = 0.3  # Cramer's V
LEVEL = 0.001  # of all signs together


def about_signs(rows: pd.DataFrame, counts: dict, rng: np.random.Generator) -> Iterator[Finding]:
    """Emoji and smileys, and signs that stand in the texts of one label more than of another."""
    chosen = np.arange(len(rows))
    if len(rows) > SIGN_SAMPLE:
        chosen = np.sort(rng.choice(len(rows), SIGN_SAMPLE, replace=False))
    texts = rows["text"].astype(str).to_numpy()[chosen]
    share = float(np.mean([speaks(text) for text in texts]))
    counts["emoji or smileys, share of texts"] = share
    asked = rows.attrs.get("analyzer", "auto")
    if (pick_analyzer(texts) if asked == "auto" else asked) == "char":
        if share > MANY_SPEAKING:
            yield Finding(
                "signs",
                "know",
                f"emoji or smileys stand in {share:.0%} of the texts; no word has them",
                "nothing: compare, train and the explorers read runs of letters there by "
                "themselves, signs with them (with a vectorizer of your own, analyzer='char')",
            )
        return
    said = [
        f"{sign!r} in {low:.0%} to {high:.0%} of a label's texts"
        for sign, low, high in _telling(texts, rows["label"].to_numpy()[chosen])
    ]
    if said:
        yield Finding(
            "signs",
            "act",
            f"signs go with labels: {'; '.join(said[:3])}; a model of words never sees them",
            "read runs of letters, signs with them: analyzer='char', in a terminal --analyzer char",
        )


def _telling(texts: np.ndarray, labels: np.ndarray) -> list[tuple[str, float, float]]:
    """(sign, its least and its largest share among labels), the most telling first."""
    signs = [{x for x in text if not (x.isalnum() or x.isspace() or x == "_")} for text in texts]
    common = pd.Series([x for each in signs for x in each], dtype=object).value_counts()
    common = common[common >= COMMON * len(texts)]
    code = pd.factorize(labels)[0]
    size = np.bincount(code)
    found = []
    for sign in common.index:
        there = np.array([sign in each for each in signs])
        expected = size * there.mean()
        seen = np.bincount(code, there)
        if len(size) < 2 or there.all():
            continue
        square = float(((seen - expected) ** 2 / (expected * (1 - there.mean()))).sum())
        chance = chi2.sf(square, len(size) - 1) * len(common)
        strength = np.sqrt(square / len(texts))
        if chance < LEVEL and strength >= STRONG:
            shares = seen / size
            found.append((strength, str(sign), float(shares.min()), float(shares.max())))
    found.sort(key=lambda each: -each[0])
    return [(sign, low, high) for _, sign, low, high in found]
