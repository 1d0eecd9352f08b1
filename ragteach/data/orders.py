"""Orders: whether classes run from low to high, and which way.

Enters: the names of classes.  Leaves: the same names from low to high, or None.

Stars 1 to 5, grades, sizes, never to always and disagree to agree have an order; angry, calm and
happy have none, and neither have teams. What runs "from the first class to the last" is true of the
former only. An order is claimed where every name has a place of its own on one known scale; else
there is none, which is never wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ragteach.data.naming import AMOUNTS, natural, ordered_values

# Each from low to high; a comma between names of one place.
SCALES = """
    negative,neg,negativ,negatif,negativo,负面,消极,負面,ネガティブ,부정,سلبي,отрицательный,
    негативный
    < neutral,neu,neutro,neutre,neutrale,mixed,中性,中立,ニュートラル,중립,محايد,нейтральный
    < positive,pos,positiv,positif,positivo,正面,积极,ポジティブ,긍정,إيجابي,положительный,
    позитивный

    terrible,awful,horrible < bad,poor,schlecht,mauvais,malo < okay,ok,average,fair,mediocre,so so,
    mittel,mittelmäßig,moyen,regular,satisfactory < good,gut,bon,bueno
    < excellent,great,outstanding,hervorragend,ausgezeichnet,excelente

    disagree,ablehnung < neutral,undecided,unsure,neither,neither agree nor disagree
    < agree,zustimmung
    dissatisfied,unsatisfied,unzufrieden < neutral,neither < satisfied,zufrieden
    unlikely < neutral,possible,possibly < likely
    no,nein,non < maybe,perhaps,partly,unsure,vielleicht,teilweise < yes,ja,oui
    never,nie,jamais,nunca < rarely,seldom,selten,rarement < sometimes,occasionally,manchmal,parfois
    < often,frequently,oft,häufig,souvent < usually,meistens < always,immer,toujours,siempre

    none < minimal,trivial,negligible,very low < low,minor,mild,niedrig,gering,leicht,faible,bajo
    < medium,moderate,normal,mid,mittel,moyen,medio
    < high,major,severe,serious,hoch,schwer,élevé,alto < critical,urgent,blocker,kritisch,dringend
    easy,simple,einfach,leicht,facile < medium,moderate,normal,intermediate,mittel
    < hard,difficult,schwer,schwierig,difficile
    beginner,novice,elementary,basic,anfänger < intermediate < advanced,fortgeschritten
    < expert,proficient,experte
    xxxs,3xs < xxs,2xs < xs < s < m < l < xl < xxl,2xl < xxxl,3xl
    tiny < small,klein,petit < medium,mittel,moyen < large,big,groß,grand < huge,giant,riesig
    cold,kalt < cool,kühl < mild,lukewarm < warm < hot,heiß
    slow < medium,moderate,normal < fast
    young < middle,middle aged,adult < old,senior
    left < centre,center < right
    bronze < silver < gold < platinum
    past < present < future
    f- < f < f+ < e- < e < e+ < d- < d < d+ < c- < c < c+ < b- < b < b+ < a- < a < a+
    a1 < a2 < b1 < b2 < c1 < c2
    first,one,eins,erste < second,two,zwei,zweite < third,three,drei,dritte
    < fourth,four,vier,vierte < fifth,five,fünf,fünfte
"""
MORE = {"very": 1.5, "strongly": 1.5, "highly": 1.5, "sehr": 1.5, "tres": 1.5, "muy": 1.5}
MORE |= {"extremely": 3.0, "completely": 3.0, "totally": 3.0, "ausserst": 3.0}
MORE |= {
    "somewhat": 0.5,
    "slightly": 0.5,
    "rather": 0.5,
    "fairly": 0.75,
    "eher": 0.5,
    "plutot": 0.5,
}
UNITS = (
    "star stars stern sterne étoile étoiles estrella estrellas level grade stage stufe note tier "
)
UNITS += "priority severity rating score rank point points"
RATED = AMOUNTS | {
    "level",
    "cefr",
    "mark",
    "marks",
    "note",
    "niveau",
}  # columns in which A is a grade


def in_order(
    names: Sequence[str], column: str = "label", *, known: bool = False
) -> list[str] | None:
    """The names from low to high; None where they have no order.

    Two classes are each other's opposite, whatever they are called: they stay as they are.

    Args:
        names: the classes. column: what their column is called: letters are grades where it says
            so, and numbers amounts (`ragteach.data.naming.ordered_values`).
        known: the names stand in order, for the data say so (an ordered category).

    Example:
        >>> in_order(["agree", "disagree", "strongly disagree", "neutral"])
        ['strongly disagree', 'disagree', 'neutral', 'agree']
        >>> in_order(["M", "L", "XS"]), in_order(["angry", "calm", "happy"])
        (['XS', 'M', 'L'], None)
        >>> in_order(["A", "B", "C"], "grade"), in_order(["A", "B", "C"], "team")
        (['C', 'B', 'A'], None)
    """
    if known or len(names) < 3:
        return list(names)
    if ordered_values(names, column) is not None:
        return sorted(names, key=natural)
    places = _counted(names) or _on_a_scale(names, column)
    if places is None:
        return None
    return [name for _, name in sorted(zip(places, names, strict=True))]


def _plain(name: str) -> str:
    """A name without case, accents and what joins its words; a grade keeps its sign."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(sign for sign in letters if not unicodedata.combining(sign))
    if re.fullmatch(r"[a-f][+-]", letters.strip()):
        return letters.strip()
    return re.sub(r"[\W_]+", " ", letters).strip()


def _read(scales: str) -> list[dict[str, int]]:
    """Of each scale the place of each name."""
    joined = re.sub(r"\s*([<,])\s*", r"\1", scales)
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    return [
        {
            _plain(name): place
            for place, names in enumerate(line.split("<"))
            for name in names.split(",")
        }
        for line in lines
    ]


PLACES = _read(SCALES)
UNIT_NAMES = frozenset(map(_plain, UNITS.split()))


def _counted(names: Sequence[str]) -> list[float] | None:
    """The numbers of names such as ``2 stars``, ``Level 3`` and ``★★``."""
    if all(re.fullmatch("[★⭐]+☆*", name) for name in names):
        found = [float(len(name.rstrip("☆"))) for name in names]
    else:
        found = []
        for name in names:
            number = re.findall(r"\d+(?:[.,]\d+)?", name)
            word = re.sub(r"[\d.,]+", " ", _plain(name)).strip()
            if len(number) == 1 and word in UNIT_NAMES:
                found.append(float(number[0].replace(",", ".")))
    return found if len(found) == len(names) == len(set(found)) else None


def _on_a_scale(names: Sequence[str], column: str) -> list[float] | None:
    """The places of names that one scale has, no two at the same place."""
    rated = bool(RATED & set(re.split(r"[\W_]+", column.casefold())))
    signed = any(re.fullmatch(r"[a-f][+-]", _plain(name)) for name in names)
    plain = [_plain(name) for name in names]
    for scale in PLACES:
        letters = "a1" in scale or "a+" in scale
        if letters and not (rated or signed):
            continue  # A, B and C may be teams
        found = [_place(name, scale) for name in plain]
        if None not in found and len(set(found)) == len(found):
            return [place for place in found if place is not None]
    return None


def _place(name: str, scale: dict[str, int]) -> float | None:
    """Where a name stands; ``very good`` farther from the middle than ``good``."""
    if name in scale:
        return float(scale[name])
    first, _, rest = name.partition(" ")
    if first not in MORE or rest not in scale:
        return None
    middle = max(scale.values()) / 2
    return middle + MORE[first] * (scale[rest] - middle)
