"""One subject or several: the verb of a message agrees with what the exercise asks for.

Enters: what is spoken of, as in "The mean cosines", and what is said of it, with the verb of one
thing first: "differs in 2 entries".  Leaves: the sentence.

Example:
    >>> agreeing("The mean cosines", "has lost axis 0.")
    'The mean cosines have lost axis 0.'
    >>> agreeing("The list of scores", "has lost axis 0.")
    'The list of scores has lost axis 0.'
"""

from __future__ import annotations

import re

PLURAL = {"is": "are", "has": "have", "differs": "differ", "contains": "contain"}
ENDS = r"\s(?:of|for|at|with|in|after|before|from|to|where|that|a)\s|[,:(]"  # after the noun
SINGULAR = ("ss", "us", "is", "alias", "bias", "loss")  # endings that are no plural


def agreeing(what: str, said: str) -> str:
    """``what`` and what is said of it, the verb in the number of ``what``."""
    verb, space, rest = said.partition(" ")
    if several(what):
        verb = PLURAL.get(verb, verb)
        rest = re.sub(r"\bit should be\b", "they should be", rest)
        rest = rest.replace("the expected one", "the expected ones")
        rest = re.sub(r"; it differs\b", "; they differ", rest)
    return f"{what} {verb}{space}{rest}"


def several(what: str) -> bool:
    """Is this more than one thing? "The weights of your word" are; "The list of weights" is one."""
    if not what.startswith(("The ", "Your ")):
        return False  # a name: "W_s", "task_weights()", "(mean, low, high)"
    noun = re.split(ENDS, what)[0].split()[-1]
    return noun.endswith("s") and not noun.endswith(SINGULAR) and noun.isalpha()
