"""What a look says of shared words and what a comparison advises never contradict each other."""

import itertools
import re

import numpy as np
import pandas as pd

import ragteach as rt
from ragteach.study.advice import advise

FORETOLD = re.compile(r"expect little|little (help|between)|cannot help|no use|useless|pointless")
ONLY_TELLS = "only a comparison can tell"


def of_kind(kind):
    """Two tasks of 20 rows that share 0 to 100 % of their words, with classes in any shares."""
    rng = np.random.default_rng(kind)
    shared = [0, 0.02, 0.05, 0.3, 1][kind % 5]
    frequent = [0.5, 0.6, 0.8, 0.9][kind % 4]
    rows = []
    for task in "ab":
        own = rng.random(200) >= shared
        for i in range(20):
            said = [f"{task if own[j] else ''}word{j}x" for j in rng.integers(200, size=8)]
            rows.append((" ".join(said), i if i < 2 else int(rng.random() < frequent), task))
    return pd.DataFrame(rows, columns=["text", "label", "task"])


def compared(gain):
    """A table as `compare` makes it, in which full sharing is ahead by ``gain`` in every draw."""
    rows = []
    for seed in range(6):
        for name, right in (("full sharing", 0.6 + gain), ("independent", 0.6 + 0.01 * (seed % 2))):
            for task in ("a", "b", "mean"):
                where = "own", name, task, seed, 12
                rows.append((*where, "accuracy", right, 100, 0.1, "resplit", 1 / 3))
    columns = [*"data strategy task seed n_per_task metric value".split(), "n_params", "seconds"]
    return pd.DataFrame(rows, columns=[*columns, "draws", "test_per_train"])


def test_twenty_files_and_every_advice():
    answers = {gain: advise(compared(gain)).answer for gain in (0.2, -0.2, 0.0)}
    assert [answer.split(":")[0] for answer in answers.values()] == [
        "Yes, all of them",
        "No",
        "These draws cannot say",
    ]
    shares = []
    for kind in range(20):
        found = rt.look(of_kind(kind))
        [words] = [finding for finding in found.findings if finding.topic == "shared words"]
        shares.append(found.counts["words shared, mean"])
        said = f"{words.what} {words.do}"
        for answer, other in itertools.product(answers.values(), found.findings):
            foretold = FORETOLD.search(f"{other.what} {other.do}")
            assert not foretold, (kind, foretold, answer)  # each of the answers may follow
        assert ONLY_TELLS in said
        assert ("no two tasks" in words.what) == (shares[-1] == 0)
        assert "share 0%" not in words.what  # none, or less than 1%
    assert min(shares) == 0 and max(shares) > 0.2 and len(set(shares)) > 8
