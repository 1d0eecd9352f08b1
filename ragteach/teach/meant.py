"""Which of the offered answers somebody means by a few words, and when nobody can tell.

Enters: what was written, and the answers on offer.  Leaves: the one that is meant; or none, and
what to do about it.

Capitals, brackets, hyphens, articles, a slip of spelling, the order of parts and words that carry
no sense, left out or too many, do not matter. A number is the answer in whose range it lies. What
turns an answer round does matter: "not clearly worse" is never "clearly worse", "< 0" is below 0,
and a text that fits two of the answers is asked about.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Callable, Sequence

from ragteach.ground.objects import printed

CLOSE = 0.8  # of `difflib`: how alike a slip of spelling is to the word that was meant
FILLERS = {"the", "a", "an", "about", "penalty"}  # "same with the penalty" is "same with"
DENIALS = set("not no never neither nor none nothing nobody without hardly except".split())
COMPARED = set("above below at most least over under only between to then and or than".split())
SENSE = DENIALS | COMPARED | {"same", "different"}  # left out or misspelt, they change the answer
EMPTY = set(  # beside an answer they say nothing: "only independent models", "I think it is RAG"
    "only just it is are says say will would be i we think guess probably models model policies "
    "policy tasks ones of them they starts around wins win best moves move moved further farther "
    "far most more".split()
)
JOINTS = {"and", "but", "then"}  # between the parts of an answer that is written without them
WHOLE = {"neither", "none", "nothing"}  # of these, one alone can be an answer
SPELLED = {  # one way to write what can be written in several; the first that fits is taken first
    r"(?<![\d.])\.(?=\d)": "0.",  # .5 is 0.5
    r"(?<=\d)\.0+(?!\d)": "",  # 3.0 is 3
    r"\b(every\w*|any\w*|all|each|none|nothing)( of \w+)? but\b": r"\1\2 except",
    r"!=|≠|¬|!(?=\w)": " not ",
    r"<=|≤": " at most ",
    r">=|≥": " at least ",
    r"<": " below ",
    r">": " above ",
    r"[≈~]": " about ",
    r"(?<=\d) ?[-–] ?(?=\d)": " to ",
    r"\bcan['’]?t\b": "not",
    r"\b(do|does|is|are|was|were|will|would|should|has|have)n['’]?t\b": r"\1 not",
    r"\bwon['’]?t\b": "will not",
    r"\bcan(?:not| not)\b": "not",
    r"\b(?:less|smaller|fewer|lower) than\b": "below",
    r"\b(?:more|greater|larger|bigger|higher) than\b": "above",
    r"\bunder (?=\d)": "below ",
    r"\bover (?=\d|half\b)": "above ",
    r"\bper ?cent\b": "%",
    r"\bzero\b": "0",
    r"\bone\b": "1",
    r"\btwo\b(?![\s_-]phase)": "2",
    r"\bthree\b": "3",
    r"\bfour\b": "4",
    r"\bfive\b": "5",
    r"\bten\b": "10",
    r"\b2 times\b": "twice",
    r"(?<![\d.])(\d+) ?/ ?(\d+)(?![\d.])": r"\1 in \2",
    r"\b(?:1[ -])?third\b": "1 in 3",
}
REASON = r"\b(?:because|since|due to)\b"  # whatever follows gives a reason
ASIDE = (
    rf"[,;]?\s*{REASON}|\bbut\b|[,;:.!?–—]\s|\s-\s"  # what follows may be said beside the answer
)
AROUND = 0.05  # how far from 0.33 "about 0.33" reaches, as a share of it
ENDLESS = float("inf")


def plain(thing: object) -> str:
    """Words as they are compared: lower case, each sign and number in one way, no articles."""
    text = printed(thing).lower()
    for written, told in SPELLED.items():
        text = re.sub(written, told, text)
    words = re.findall(r"[^\W_]+|%|-(?=\d)|\.(?=\d)", text)
    return " ".join(word for word in words if word not in FILLERS)


def without_brackets(text: str) -> str:
    """A text without what its brackets say: that explains."""
    return re.sub(r"\([^)]*\)", " ", text)


def meant(
    guess: object, answers: Sequence[str], also: Sequence[tuple[str, str]] = ()
) -> tuple[str, str]:
    """(the answer that is meant, what to do): one of the two is empty.

    ``also`` pairs other words with the answer that they mean.
    """
    own = {plain(answer): answer for answer in answers}
    offered = {plain(words): answer for words, answer in also} | own
    empty = EMPTY - offered.keys()
    mine = plain(guess)
    if mine in offered:
        return offered[mine], ""
    if mine == "none" and "0" in offered:
        return offered["0"], ""
    bare = plain(without_brackets(printed(guess)))
    if bare != mine and _denials(mine) == _denials(bare) and len(_held(mine, offered)) < 2:
        mine = bare  # what stands in brackets explains
    fits: list[str] = []
    for text in (mine, _without_aside(printed(guess).lower(), offered)):
        several = len(_answers(_held(text, offered), offered)) > 1
        words = own if several else offered
        spare = functools.partial(_without_empty, empty=empty)
        for way in (_equal, _in_parts, _shortened, _misspelt, _in_range, spare):
            found = _answers([word for word in words if way(text, word)], offered)
            if len(found) == 1:
                return found[0], ""
            fits = fits or found
    return "", f"{_asked_back(mine, offered, fits)}; your guess is not kept yet"


def _asked_back(mine: str, offered: dict[str, str], fits: list[str]) -> str:
    """What to do where nobody can tell which answer is meant."""
    held = _held(mine, offered)
    if len(_answers(held, offered)) > 1:
        return f"yours holds {_both(_answers(held, offered))}: write the one that you mean"
    spoken = " ".join(held or offered)
    foreign = [word for word in _denials(mine) if word not in spoken.split()]
    if foreign or (held and _denials(mine) != _denials(spoken)):
        denied = ", ".join(f'"{word}"' for word in dict.fromkeys(foreign or _denials(mine)))
        why = f"yours denies something ({denied})" if denied else f'yours leaves out "{held[0]}"'
        return f"{why}, so it cannot be told which answer you mean: write that one"
    near = _answers([word for word in offered if set(mine.split()) <= set(word.split())], offered)
    if mine and len(near) == 1:
        return f'if you mean "{near[0]}", write it in full'
    if fits:
        return f"yours fits {_both(fits)}: write the one that you mean"
    return "write one of them"


def _answers(words: list[str], offered: dict[str, str]) -> list[str]:
    """The answers that these words mean, each once."""
    return list(dict.fromkeys(offered[word] for word in words))


def _both(answers: list[str]) -> str:
    return " and ".join(f'"{answer}"' for answer in answers)


def _without_aside(text: str, offered: dict[str, str]) -> str:
    """The answer without what is said beside it: "off, because they are noise", "RAG, but only a
    little". A reason may say anything; another aside that denies, counts or holds an answer counts.
    """
    found = re.search(ASIDE, text)
    if found is None or "except" in plain(text).split():
        return plain(text)
    answer = plain(text[: found.start()])
    aside = plain(text[found.end() :])
    says_more = _denials(aside) or _digits(aside) or _held(aside, offered) or "or" in aside.split()
    return plain(text) if says_more and not re.search(REASON, found[0]) else answer


def _equal(mine: str, word: str) -> bool:
    return bool(mine) and mine.replace(" ", "") == word.replace(" ", "")


def _in_parts(mine: str, word: str) -> bool:
    """The same parts in another order: "different without, same with"; "b and a"."""
    mine = " ".join(w for w in mine.split() if w not in JOINTS or w in word.split())
    if _digits(mine) != _digits(word) or sorted(mine.split()) != sorted(word.split()):
        return False
    joined = any(_parts(word, at) == _parts(mine, at) for at in (" and ", " then "))
    paired = len(word.split()) == 4 and _pairs(mine) == _pairs(word)
    orderly = "then" in word.split() or "without" in word.split()
    return joined or paired or not orderly


def _parts(text: str, at: str) -> list[str]:
    found = text.split(at)
    return sorted(found) if at == " and " and len(found) > 1 else [text]


def _pairs(text: str) -> list[list[str]]:
    """Its words two by two, whatever the order of the pairs and of the words in each."""
    words = text.split()
    return sorted(sorted(words[i : i + 2]) for i in range(0, len(words), 2))


def _shortened(mine: str, word: str) -> bool:
    """The answer with words left out, the last one perhaps cut short; none of them has a sense."""
    few = mine.split()
    if not few or _digits(mine) != _digits(word) or set(few) <= SENSE - WHOLE:
        return False
    left_out = []
    rest = word.split()
    for typed in few[:-1]:
        if typed not in rest:
            return False
        at = rest.index(typed)
        left_out += rest[:at]
        rest = rest[at + 1 :]
    last = few[-1]
    cut = len(last) > 2 and last not in SENSE
    ends = [i for i, w in enumerate(rest) if w == last or (cut and w.startswith(last))]
    return bool(ends) and not SENSE & {*left_out, *rest[: ends[0]], *rest[ends[0] + 1 :]}


def _misspelt(mine: str, word: str) -> bool:
    """Word for word the same, or spelt nearly so; a prefix ("unequal") makes another word."""
    few = mine.split()
    all_ = word.split()
    return len(few) == len(all_) and all(map(_slip, few, all_))


def _slip(typed: str, word: str) -> bool:
    if typed == word:
        return True
    if typed in SENSE or typed[0] != word[0] or re.search(r"\d", typed + word):
        return False
    alike = difflib.SequenceMatcher(None, typed, word).ratio()
    return min(len(typed), len(word)) > 1 and alike >= CLOSE


def _digits(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _denials(text: str) -> list[str]:
    return sorted(word for word in text.split() if word in DENIALS)


def _held(mine: str, offered: dict[str, str]) -> list[str]:
    """The offered answers that stand in a text, without those that are parts of another."""

    def within(text: str) -> Callable[[str], bool]:
        return lambda word: f" {word} " in f" {text} "

    found = list(filter(within(mine), offered))
    return [word for word in found if not any(within(o)(word) for o in found if o != word)]


def _without_empty(mine: str, word: str, empty: set[str]) -> bool:
    """The answer itself, or a short form of it, once the words that say nothing are gone."""
    told = [w for w in mine.split() if w not in empty]
    if len(told) > 1 and told[-1] == "1" and told[-2].isalpha() and told[-2] not in COMPARED:
        told.pop()  # "the plain one"
    kept = [w for w in word.split() if w not in empty]
    if "only" in word.split() and "only" not in mine.split():
        return False  # there it says something
    few = " ".join(told)
    rest = " ".join(kept)
    return bool(told) and (told == kept or _shortened(few, rest) or _in_parts(few, rest))


def _in_range(mine: str, word: str) -> bool:
    """A number, or a range of numbers, that lies in the range which an answer speaks of."""
    if "%" in word and re.fullmatch(r"[1-9]\d*", mine):
        mine += " %"
    low, high = span(mine)
    from_, to = span(word)
    bounded = from_ < to and math.isfinite(to - from_)
    if math.isnan(low) or math.isnan(from_) or (0 in (from_, to) and not bounded):
        return False  # how far "about 0" goes nobody can tell
    if from_ == to and from_ != round(from_):
        from_, to = from_ * (1 - AROUND), to * (1 + AROUND)
    if low == high:
        inside_below = from_ < low if math.isinf(to) else from_ <= low
        inside_above = high < to if math.isinf(from_) else high <= to
        return inside_below and inside_above
    return from_ <= low and high <= to


def span(text: str) -> tuple[float, float]:
    """The numbers that a plain text speaks of, from the lowest to the highest; else two NaN.

    Example:
        >>> span(plain("under 3 %"))
        (-inf, 0.03)
        >>> span(plain("0.03 to 3"))
        (0.03, 3.0)
    """
    number = r"(-?(?:\d+ \. \d+|\d+)(?: in [1-9]\d*)?(?: %)?|half)"
    told = re.sub(r"^(?:around|exactly|roughly|nearly|almost) ", "", text)
    told = re.sub(r"(-) (?=\d)", r"\1", told)
    for shape, ends in (
        (rf"(?:below|under) {number}", lambda v: (-ENDLESS, v[0])),
        (rf"(?:above|over) {number}", lambda v: (v[0], ENDLESS)),
        (rf"(?:between )?{number} (?:and|to) {number}", lambda v: (v[0], v[1])),
        (number, lambda v: (v[0], v[0])),
    ):
        if found := re.fullmatch(shape, told):
            return ends([_value(part) for part in found.groups()])
    return float("nan"), float("nan")


def _value(text: str) -> float:
    """The number that a few plain words are: "0 . 5", "33 %", "1 in 3", "half"."""
    if text == "half":
        return 0.5
    share = text.endswith("%")
    top, _, bottom = text.rstrip("% ").replace(" . ", ".").partition(" in ")
    return float(top) / float(bottom or 1) / (100 if share else 1)
