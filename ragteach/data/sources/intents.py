"""Commands for a home in many languages: templates are fetched, checked and expanded to sentences.

Enters: languages, and how many sentences of each intent.  Leaves: a frame with text, label, task
and template (a number: sentences of one template are near-twins, and belong in one part).

The templates are those of the package home-assistant-intents (Apache-2.0), a wheel that is read and
never installed. Their grammar, as far as it is used here:

    [a]        a or nothing              (a|b)      a or b
    (a;b)      both, in any order        <rule>     the rule of that name
    {list}     an entry of that list     {a:b}      list a, put into slot b

Names of rooms and things, which a home would supply, are a few words of our own for each language.

Source: https://github.com/OHF-Voice/intents.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.sources.fetching import fetch
from ragteach.data.toy import folder
from ragteach.errors import one_of, refuse, whole

PACKAGE = "home-assistant-intents==2026.11.25"
WHEEL = "home_assistant_intents-2026.11.25-py3-none-any.whl"
SHA256 = "1eaf08165e1adfb1ca8a836081a46fd97433ed620ba32cba71972e35575140a5"
LANGUAGES = {
    "English": "en",
    "German": "de",
    "Spanish": "es",
    "Russian": "ru",
    "Chinese": "zh-CN",
    "Dutch": "nl",
}
INTENTS = {
    "turn on": "HassTurnOn",
    "turn off": "HassTurnOff",
    "light": "HassLightSet",
    "start timer": "HassStartTimer",
    "cancel timer": "HassCancelTimer",
    "volume": "HassSetVolume",
    "next": "HassMediaNext",
    "temperature": "HassClimateSetTemperature",
}
FILL = {  # what a home would supply, in the order area, name, floor, words
    "en": "kitchen bedroom hall, lamp fan heater, attic cellar, tea pasta laundry",
    "de": "Küche Schlafzimmer Flur, Lampe Ventilator Heizung, Dachboden Keller, Tee Nudeln Wäsche",
    "es": "cocina dormitorio salón, lámpara ventilador estufa, ático sótano, té pasta ropa",
    "ru": "кухня спальня гостиная, лампа вентилятор обогреватель, чердак подвал, чай паста стирка",
    "zh-CN": "厨房 卧室 客厅, 台灯 风扇 暖气, 一楼 阁楼, 泡茶 煮面 洗衣",
    "nl": "keuken slaapkamer gang, lamp ventilator kachel, zolder kelder, thee pasta was",
}
SLOTS = ("area", "name", "floor", "words")


def load_handwritten_commands() -> pd.DataFrame:
    """336 commands written by hand, 56 in each of six languages; columns text, label (the intent)
    and task (the language).

    Example:
        >>> len(load_handwritten_commands())
        336
    """
    return pd.read_csv(folder("languages") / "handwritten.csv")


def load_commands(
    n_per_intent: int = 12,
    languages: Iterable[str] = tuple(LANGUAGES),
    seed: int = 0,
    cache: str | os.PathLike | None = None,
) -> pd.DataFrame:
    """Template-made commands: text, label (the intent), task (the language), template.

    Args:
        n_per_intent: sentences of each intent in each language, all different.
        languages: which of ``LANGUAGES``.
        seed: of the draw.
        cache: folder to keep the wheel in (0.8 MB). Default: RAGTEACH_CACHE, else your system's.

    Raises:
        RagteachError: an unknown language, no connection, or a damaged download.

    Example (needs a connection the first time)::

        load_commands(5).groupby("task").size()
    """
    whole("n_per_intent", n_per_intent, 1)
    names = list(languages)
    for name in names:
        one_of("language", name, LANGUAGES)
    rng = np.random.default_rng(seed)
    rows = []
    with zipfile.ZipFile(fetch(PACKAGE, WHEEL, SHA256, cache, "load_commands")) as wheel:
        for name in names:
            code = LANGUAGES[name]
            raw = wheel.read(f"home_assistant_intents/data/{code}.json")
            grammar = Grammar(json.loads(raw), FILL[code], rng)
            for label, intent in INTENTS.items():
                rows += [(*found, label, name) for found in grammar.draw(intent, n_per_intent)]
    frame = pd.DataFrame(rows, columns=["text", "template", "label", "task"])
    frame["template"] = pd.factorize(
        frame["task"] + "/" + frame["label"] + "/" + frame["template"]
    )[0]
    return frame[["text", "label", "task", "template"]]


class Grammar:
    """Draws sentences from the templates of one language."""

    def __init__(self, data: dict[str, Any], fill: str, rng: np.random.Generator) -> None:
        self.data, self.rng = data, rng
        self.fill = dict(zip(SLOTS, (part.split() for part in fill.split(",")), strict=True))

    def draw(self, intent: str, n: int) -> list[tuple[str, str]]:
        """``n`` different (sentence, template) pairs, templates in turn so that many take part."""
        blocks = self.data["intents"][intent]["data"]
        templates = [t for block in blocks for t in block["sentences"]]
        templates = [t for t in templates if "command" not in t]  # any words at all stand there
        found: dict[str, str] = {}
        for _ in range(40):
            for i in self.rng.permutation(len(templates)):
                text = " ".join(self.expand(templates[i]).split())
                found.setdefault(text, templates[i])
                if len(found) == n:
                    return list(found.items())
        raise refuse(
            expected=f"as many different sentences of {intent} as its templates make",
            got=f"n_per_intent = {n}; going through the templates 40 times made {len(found)}",
            fix=f"use n_per_intent <= {len(found)}",
        )

    def expand(self, template: str) -> str:
        """One sentence of a template, each choice by chance."""
        text, rest = self._sequence(template)
        assert not rest, f"{template!r} ends in {rest!r}"
        return text

    def _sequence(self, rest: str) -> tuple[str, str]:
        """Up to a closing bracket: one of the alternatives, or all in any order (";")."""
        parts = [""]
        mark = "|"
        while rest and rest[0] not in ")]":
            head = rest[0]
            rest = rest[1:]
            if head in "|;":
                mark = head
                parts.append("")
            elif head in "([":
                inside, rest = self._sequence(rest)
                rest = rest[1:]
                parts[-1] += inside if head == "(" or self.rng.random() < 0.5 else ""
            elif head == "<":
                name, _, rest = rest.partition(">")
                parts[-1] += self.expand(self.data["expansion_rules"][name])
            elif head == "{":
                name, _, rest = rest.partition("}")
                parts[-1] += self._entry(name.split(":")[0])
            else:
                parts[-1] += head
        order = self.rng.permutation(len(parts))
        return (" ".join(parts[i] for i in order) if mark == ";" else parts[order[0]]), rest

    def _entry(self, name: str) -> str:
        if name in self.fill:
            return str(self.rng.choice(self.fill[name]))
        known = self.data["lists"].get(name, {})
        if "range" in known:
            low = known["range"]["from"]
            high = known["range"]["to"]
            return str(self.rng.integers(low, high + 1))
        if "values" in known:
            value = known["values"][self.rng.integers(len(known["values"]))]
            return self.expand(value if isinstance(value, str) else value["in"])
        return str(self.rng.choice(self.fill["words"]))


def split_by_template(
    frame: pd.DataFrame, val: float = 0.25, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(training, validation): all sentences of a template in one part; every intent in both.

    Example:
        >>> table = {"text": list("abcd"), "label": "x", "task": "t", "template": [0, 0, 1, 1]}
        >>> [len(part) for part in split_by_template(pd.DataFrame(table))]
        [2, 2]
    """
    rng = np.random.default_rng(seed)
    chosen: set[int] = set()
    for _, rows in frame.groupby(["task", "label"], sort=False):
        templates = rng.permutation(rows["template"].unique())
        chosen |= set(templates[: max(1, round(val * len(templates)))].tolist())
    inside = frame["template"].isin(chosen)
    parts = frame[~inside], frame[inside]
    return parts[0].reset_index(drop=True), parts[1].reset_index(drop=True)
