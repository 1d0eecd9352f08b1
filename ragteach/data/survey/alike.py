"""Names that a person may have meant to be one: ``Good`` and ``good``, ``5`` and ``5 stars``.

Enters: the names of labels or tasks, and how many rows each has.  Leaves: `Alike`, one for each
name that looks like another, with the lines that merge the two or drop the odd one.

Nothing is merged silently: `look` and `from_frame` say what they see, you decide. They look for

    case, spaces, signs, accents       Corner Café, corner cafe
    one number, written in two ways    5 and 5 stars, 5.0, 5/5, five
    a typo                             Bokshop beside Bookshop, where few rows have it

A typo is one letter left out, added or exchanged, or two neighbours swapped. Two names with a typo
between them share a key, the name without one letter, so all names are compared in one pass.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ragteach.data.resemblance import text_key

SHORTEST = 5  # letters of a word in which one wrong letter is a typo, not another word
SEVERAL = 5  # tasks that are named one by one
LONGEST = 60  # letters that are compared
# a typo is rare: so many rows, or this share of the other's
FEW_ROWS = 3
FEW_SHARE = 0.1
WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
         "nine": 9, "ten": 10}  # fmt: skip
MEANT = {"+": "plus", "#": "sharp", "<": "less", ">": "more", "=": "is", "%": "percent", "&": "and",
         "\u2264": "most", "\u2265": "least", "$": "dollar", "\u20ac": "euro"}  # fmt: skip
SIGNS = "case, spaces, signs or accents"
NUMBER = "the way a number is written"
TYPO = "a letter"


@dataclass(frozen=True)
class Alike:
    """A name that looks like another.

    Attributes:
        role: ``"label"`` or ``"task"``.
        odd: the name with fewer rows. like: the other. rows, like_rows: how many they have.
        why: what they differ in.
    """

    role: str
    odd: str
    like: str
    rows: int
    like_rows: int
    why: str

    def __str__(self) -> str:
        """What was seen, in words."""
        return (
            f"the {self.role}s {self.odd!r} ({_rows(self.rows)}) and {self.like!r} "
            f"({_rows(self.like_rows)}) differ only in {self.why}"
        )

    def cure(self) -> str:
        """The lines that merge the two, or drop the odd one."""
        renamed = f"rename_{self.role}s={{{self.odd!r}: {self.like!r}}}"
        option = _option(f"--rename-{self.role}", f"{self.odd}={self.like}")
        return (
            f"if they are one, rt.mend(data, {renamed}), in a terminal {option}; "
            f"to leave {self.odd!r} out, {dropped(self.role, [self.odd])}"
        )


def dropped(role: str, names: Sequence[str]) -> str:
    """The line that leaves labels or tasks out, in Python and in a terminal.

    Example:
        >>> dropped("task", ["Bokshop"])
        "rt.mend(data, drop_tasks=['Bokshop']), in a terminal --drop-task Bokshop"
    """
    options = " ".join(_option(f"--drop-{role}", name) for name in names)
    return f"rt.mend(data, drop_{role}s={list(names)!r}), in a terminal {options}"


def _option(name: str, value: str) -> str:
    """An option as a shell reads it; a value that begins with - would be taken for another."""
    return f"{name}{'=' if value.startswith('-') else ' '}{shlex.quote(value)}"


def cure_of_few(rows: Mapping[str, int], few: Sequence[str]) -> str:
    """What can be done about tasks with few rows: merge a slip, or leave them out.

    Args:
        rows: task -> its rows. few: the tasks that have too few.

    Example:
        >>> cure_of_few({"films": 40, "cars": 2}, ["cars"])
        "leave it out: rt.mend(data, drop_tasks=['cars']), in a terminal --drop-task cars"
    """
    slips = [alike for alike in look_alikes("task", rows) if alike.odd in few]
    if slips:
        return f"look: {slips[0]}; {slips[0].cure()}"
    if len(few) > SEVERAL:
        least = max(rows[name] for name in few) + 1
        return (
            f"leave those tasks out: rt.mend(data, least_rows={least}), in a terminal "
            f"--least-rows {least}"
        )
    return f"leave {'it' if len(few) == 1 else 'them'} out: {dropped('task', few)}"


def look_alikes(role: str, rows: Mapping[str, int]) -> list[Alike]:
    """Names that look like another one, each once.

    Args:
        role: ``"label"`` or ``"task"``. rows: name -> how many rows have it, in the names' order.

    Example:
        >>> [(a.odd, a.like) for a in look_alikes("label", {"4": 9, "5": 8, "5 stars": 1})]
        [('5 stars', '5')]
        >>> [(a.odd, a.like) for a in look_alikes("task", {"shop 1": 40, "shop 2": 40})]
        []
    """
    found: dict[str, Alike] = {}
    for one, other, why in [*_same_number(rows), *_same_key(rows), *_typos(rows)]:
        odd, like = sorted((one, other), key=lambda name: rows[name])
        few = rows[odd] <= max(FEW_ROWS, FEW_SHARE * rows[like]) and 3 * rows[odd] <= rows[like]
        if why == TYPO and not few:
            continue
        if odd not in found:
            found[odd] = Alike(role, odd, like, rows[odd], rows[like], why)
    return list(found.values())


def _same_key(rows: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """Names that are the same but for case, spaces, signs and accents."""
    yield from _meeting({name: [_bare(name)] for name in rows}, rows, SIGNS)


def _bare(name: str) -> str:
    """Letters and digits only; a number keeps its sign and its point."""
    if _value(name) is not None:
        return f"number {_value(name)}"  # compared by `_same_number`
    for sign, word in MEANT.items():
        name = name.replace(sign, f"_{word}_")
    name = re.sub(r"^-|-$", "_minus_", name.strip())
    letters = unicodedata.normalize("NFKD", text_key(name))
    latin = "".join(x for x in letters if not "\u0300" <= x <= "\u036f")
    return latin.replace(" ", "") or name  # text_key turns _ into a space


def _same_number(rows: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """A number, and a name with this number in it."""
    numbers = {name: _value(name) for name in rows}
    if sum(value is not None for value in numbers.values()) < 2:
        return  # one name that is a number makes no scale
    by_value: dict[Decimal, list[str]] = {}
    for name, value in numbers.items():
        if value is not None:
            by_value.setdefault(value, []).append(name)
    for names in by_value.values():
        yield from ((names[0], name, NUMBER) for name in names[1:])
    for name, value in numbers.items():
        inside = _number_in(name) if value is None else None
        if inside in by_value:
            yield name, by_value[inside][0], NUMBER


def _value(name: str) -> Decimal | None:
    """The number that a name is: ``5``, ``5.0``, ``05`` and ``5,0`` are one."""
    plain = unicodedata.normalize("NFKC", name).strip()
    match = re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", plain)
    return Decimal(plain.replace(",", ".")) if match and plain.isascii() else None


def _number_in(name: str) -> Decimal | None:
    """The one number in a name: ``5 stars``, ``4/5``, ``4 of 5``, ``five``, five stars drawn."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    if re.fullmatch(r"[\u2605\u2606\u2b50\ufe0f\s]+", plain):
        return Decimal(len(re.findall("[\u2605\u2b50]", plain)))
    found = re.findall(r"(?<![\w.])[+-]?\d+(?:[.,]\d+)?", plain)
    scale = re.search(r"\d\s*(?:/|out of|of|von|sur|de)\s*\d", plain)
    if len(found) == 1 or (len(found) == 2 and scale):
        return Decimal(found[0].replace(",", "."))
    said = [WORDS[word] for word in re.findall(r"[a-z]+", plain) if word in WORDS]
    return Decimal(said[0]) if not found and len(said) == 1 else None


def _typos(rows: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """Names with one letter wrong, in a word that is long enough."""
    keys = {}
    for name in rows:
        bare = " ".join(text_key(name).split())[:LONGEST]
        if len(bare) >= SHORTEST - 1:
            keys[name] = [bare, *(bare[:i] + bare[i + 1 :] for i in range(len(bare)))]
    for one, other, why in _meeting(keys, rows, TYPO):
        if _one_wrong(keys[one][0], keys[other][0]):
            yield one, other, why


def _meeting(
    keys: Mapping[str, Sequence[str]], rows: Mapping[str, int], why: str
) -> Iterator[tuple[str, str, str]]:
    """Pairs of names that share a key: each with the one that has most rows."""
    groups: dict[str, list[str]] = {}
    for name, its in keys.items():
        for key in dict.fromkeys(its):
            groups.setdefault(key, []).append(name)
    for names in groups.values():
        most = max(names, key=lambda name: rows[name])
        yield from ((most, name, why) for name in names if name != most)


def _one_wrong(one: str, other: str) -> bool:
    """Whether the difference is a typo: in one word of letters, not in a number or a short name."""
    a = one.split()
    b = other.split()
    if len(a) != len(b):
        return False
    wrong = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
    if len(wrong) != 1:
        return False
    x, y = wrong[0]
    digits = [re.sub(r"\D", "", word) for word in (x, y)]
    return digits[0] == digits[1] and max(len(x), len(y)) >= SHORTEST and _near(x, y)


def _near(x: str, y: str) -> bool:
    """One letter left out, added or exchanged, or two neighbours swapped."""
    start = next((i for i, (a, b) in enumerate(zip(x, y, strict=False)) if a != b), None)
    if start is None:
        return abs(len(x) - len(y)) == 1
    rest = x[start:]
    other = y[start:]
    swapped = rest[1::-1] + rest[2:] == other and len(rest) > 1
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"
