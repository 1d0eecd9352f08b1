"""Which tests run in one process, when several processes share the suite (``--dist loadgroup``).

Enters: the name of a test as pytest gives it.  Leaves: its group; no group is split.

    browser lab     tests that open JupyterLab: one server and one browser for all of them
    browser pages   the browser's other tests: one browser
    lesson NN       a lesson's tests with its notebooks and its explorers: they share what is computed
    (a file)        everything else

We group by the name, in a scheduler of our own. pytest-xdist 3.8 hands its groups over in the names
of the tests, which pytest 9.2 no longer lets it change: its groups are then silently empty.
"""

import re
from pathlib import PurePosixPath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

LAB = (
    "test_classic",
    "test_explorers",
    "test_frames",
    "test_pages",
    "test_reopened",
    "test_sharing",
)
# Of a lesson's notebooks, or of its explorers; then the lesson's name: 03_losses, lab_vision.
RUNS = re.compile(r"test_a_lesson(?:_runs|s_goals\w*)\[(\d+|[a-z_]+)")
# The longest come first, so that the processes end together.
ORDER = (
    "browser",
    "lesson",
    "tests/teach/test_grading.py",
    "tests/teach/test_checks.py",
    "tests/study/test_kept.py",
    "tests/project/test_colab.py",
)


def group(nodeid: str) -> str:
    """The group of a test.

    Example:
        >>> group("tests/browser/test_frames.py::test_nothing_jumps[400]")
        'browser lab'
        >>> group("tests/project/test_notebooks.py::test_a_lesson_runs[03_losses-student]")
        'lesson 03'
    """
    path, _, name = nodeid.partition("::")
    folder, stem = str(PurePosixPath(path).parent), PurePosixPath(path).stem
    if folder == "tests/browser":
        return "browser lab" if stem in LAB else "browser pages"
    run = RUNS.match(name)
    if run:
        return f"lesson {run[1]}"
    if folder == "tests/lessons" and stem.startswith(("test_lesson_", "test_lab_")):
        return f"lesson {stem.removeprefix('test_').removeprefix('lesson_')}"
    return path


def place(name: str) -> int:
    """Where a group stands in the order of the suite."""
    first = name.split()[0]
    return ORDER.index(first) if first in ORDER else len(ORDER)


class Scheduler(LoadScopeScheduling):
    """Hands whole groups to the processes, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)

    def _reschedule(self, node: Any) -> None:
        """A process that stands in for one that crashed gets work once it has collected the tests.

        pytest-xdist 3.8 hands it some before, if two crash at a time, and ends the session.
        """
        if node in self.registered_collections:
            super()._reschedule(node)
