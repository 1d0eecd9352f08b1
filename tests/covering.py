"""Which tests run which lines of the package, and what each test costs.

Enters: test files.  Leaves: a `Ran` of each test: the lines of ``ragteach`` that it ran, seconds.

Each file runs in a process of its own (a fork), where Python tells us every line (`sys.settrace`).
What is found is kept with a fingerprint of the file and of the package, until one of them changes.
"""

import ast
import hashlib
import json
import math
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import forks
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = f"{ROOT}/ragteach/"
PYTEST = [
    *["-q", "-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:xdist"],
    *["-m", "not timing and not long", "-W", "ignore::pytest.PytestAssertRewriteWarning"],
]
# A fork has them already; and what is frozen, its garbage collections pass over (half of a start).
PRELOADED = [
    "IPython.display",
    "_pytest.debugging",
    "_pytest.doctest",
    "_pytest.junitxml",
    "hypothesis",
    "jupyter_client.provisioning.local_provisioner",
    "matplotlib.pyplot",
    "optuna",
    "pandas",
    "pytest",
    "safetensors.torch",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "sklearn.metrics",
    "torch",
    "torch._dynamo",
    "tqdm.auto",
    "xdist.scheduler",
]
IMPORTS = "::"  # the end of what stands in a test's place: what its file's imports ran
# What pytest says of a file whose tests ran: they passed, one failed, there are none.
RAN = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)
PROGRAM = """
import gc, sys
gc.freeze()
sys.path.insert(0, "tests")
import covering
sys.exit(covering.trace(*sys.argv[1:]))
"""


class Ran(NamedTuple):
    """What we know of a test."""

    name: str
    seconds: float  # infinite if it failed: it would fail with any mutant
    lines: dict[str, set[int]]  # of each module

    @property
    def file(self) -> str:
        return self.name.partition("::")[0]

    @property
    def is_import(self) -> bool:
        """Not a test, but what ran in its file before the first one."""
        return self.name.endswith(IMPORTS)


class Tracer:
    """A plugin of pytest that notes each test's lines and seconds."""

    def __init__(self, path: str, out: str) -> None:
        self.path = path
        self.out = Path(out)
        self.found = {}

    def on_call(self, frame, event, argument):
        return self.on_line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def on_line(self, frame, event, argument):
        self.lines[frame.f_code.co_filename].add(frame.f_lineno)
        return self.on_line

    def noting(self, name: str) -> Iterator[None]:
        """The hook's own work happens at the yield."""
        self.lines = defaultdict(set)
        began = time.process_time()
        threading.settrace(self.on_call)
        sys.settrace(self.on_call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            ran = {str(Path(p).relative_to(ROOT)): sorted(n) for p, n in self.lines.items()}
            self.found[name] = [time.process_time() - began, ran]

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self, session):
        return (yield from self.noting(self.path + IMPORTS))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        before = item.session.testsfailed
        result = yield from self.noting(item.nodeid)
        if item.session.testsfailed > before:
            self.found[item.nodeid][0] = math.inf
        return result

    def pytest_sessionfinish(self, exitstatus):
        if exitstatus in RAN:  # now: what a failed test left open may end pytest before it returns
            self.out.write_text(json.dumps(self.found), encoding="utf-8")


def trace(path: str, out: str) -> int:
    """In a process of its own: run a test file, write what its tests ran."""
    return int(pytest.main([*PYTEST, path], plugins=[Tracer(path, out)]))


def fingerprint(path: str) -> str:
    """Of a test file and all of the package."""
    files = [ROOT / path, ROOT / "tests/problems.py", *sorted(Path(PACKAGE).rglob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def tests_in(path: str, folder: Path) -> list[Ran]:
    """The tests of a file, and first what its imports ran; read from ``folder`` if kept there."""
    kept = folder / f"{path.replace('/', '.')}.{fingerprint(path)}.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(".new")
        done = forks.python(PROGRAM, path, new, cwd=ROOT, timeout=1200)
        if not new.exists():  # whatever it says: 1 is a test that failed, or a process that died
            raise SystemExit(f"{path} does not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        new.rename(kept)
    found = json.loads(kept.read_text(encoding="utf-8"))
    return [
        Ran(name, seconds, {module: set(lines) for module, lines in ran.items()})
        for name, (seconds, ran) in found.items()
    ]


def around(tree: ast.Module, node: ast.AST) -> Iterator[range]:
    """The lines around a node, ever more of them.

    First the statement's own. What runs on import (a default value, a constant) acts elsewhere:
    then the function's, the class's, the module's.
    """
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    homes = []
    while node in parents:
        if isinstance(node, ast.stmt):
            homes.append(node)
        node = parents[node]
    if any(isinstance(home, ast.FunctionDef) for home in homes[1:]):
        body = getattr(homes[0], "body", None)
        last = body[0].lineno - 1 if body else homes[0].end_lineno
        yield range(homes[0].lineno, max(last, homes[0].lineno) + 1)
    for home in homes:
        if isinstance(home, ast.FunctionDef | ast.ClassDef):
            yield range(home.body[0].lineno, home.end_lineno + 1)
    yield range(1, tree.body[-1].end_lineno + 1)


def covering(tests: list[Ran], module: str, places: Iterable[range]) -> list[Ran]:
    """The tests that ran a line of the first place where any did, and then the rest of their files.

    (The rest shares with them what a fixture computed once.) A file's tests stay together, those
    of the module's own file first, then the cheapest.
    """
    ran = []
    for lines in places:
        ran = [test for test in tests if test.lines.get(module, set()).intersection(lines)]
        if any(not test.is_import for test in ran):
            ran = [test for test in ran if not test.is_import]
            break
    seconds = defaultdict(float)
    for test in ran:
        seconds[test.file] += test.seconds
    chosen = [test for test in tests if test.file in seconds and not test.is_import]

    def order(test: Ran) -> tuple:
        foreign = Path(module).stem not in test.file
        return test not in ran, foreign, seconds[test.file], test.file, test.seconds

    return sorted(chosen, key=order)
