"""Marks on a draft of six sentences, written as "rwrrww": what is right, and every single slip."""

WORD = {"r": "right", "w": "wrong"}


def marks(pattern: str) -> dict[str, str]:
    return {letter: WORD[p] for letter, p in zip("abcdef", pattern, strict=True)}


def slips(pattern: str) -> dict[str, dict[str, str]]:
    """For each sentence, the marks with that one turned round."""
    good = marks(pattern)
    return {
        f"{letter} marked {other}": good | {letter: other}
        for letter, mark in good.items()
        for other in WORD.values()
        if other != mark
    }


def spellings(pattern: str) -> dict[str, dict]:
    """The same marks as a learner may write them."""
    good = marks(pattern)
    return {
        "capitals": {letter.upper(): f" {mark.title()} " for letter, mark in good.items()},
        "booleans": {letter: mark == "right" for letter, mark in good.items()},
        "another order": dict(reversed(good.items())),
    }
