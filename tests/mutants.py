"""Break the code in small ways, and see whether a test notices.

    python tests/mutants.py --n 40 --seed 0 [ragteach/losses.py ...]

A mutant is one module with one change: a sign, a comparison, a constant, a condition, a statement
left out.  It is killed if a test fails that passes without it.  Without names the modules are those
of core, engine and study that differ from main, or all of them if none does.

The tests are those of the same rooms and of data, with the examples in docstrings; of these the
ones that run the changed line (`covering`), the module's own first, then the cheapest, up to the
first that fails. Left out are tests that take more than DEAR seconds or fail unbroken, and what
comes after BUDGET seconds. What survives is to be judged by a reader: a gap in the tests, or a
change that cannot matter.

Each mutant is a line of ``--log``, written at once.  Run again with the same log, those that are
killed there are not tried again: the others first, then those that survived.

The tools there are (mutmut, cosmic-ray) start a Python for each mutant, which costs more than the
tests do; here a mutant is a fork (`forks.python`).
"""

import argparse
import ast
import copy
import importlib.machinery
import importlib.util
import random
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import forks
import pytest
from covering import PRELOADED, PYTEST, ROOT, Ran, around, covering, tests_in

ROOMS = {"": "core", "engine": "engine", "study": "study"}
DEAR = 5.0  # CPU seconds of a test that no mutant is shown to
BUDGET = 20.0  # CPU seconds of all tests that a mutant is shown to
LIMIT = 60  # CPU seconds; a mutant that needs more, and ten times what the tests need, hangs
MEMORY = 12 << 30  # bytes of address space
KILLED = 77  # what a process says whose tests noticed; 1 is what Python says of any that died
SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
PROGRAM = """
import gc, sys
gc.freeze()
sys.path.insert(0, "tests")
import mutants
sys.exit(mutants.test_broken(*sys.argv[1:]))
"""


def changes(node: ast.AST):
    """Functions that change a copy of ``node`` in place, each in one way."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPS:
        yield lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield lambda n: n.ops.__setitem__(0, SWAPS[type(n.ops[0])]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda n: setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        new = not node.value if isinstance(node.value, bool) else node.value + 1
        yield lambda n: setattr(n, "value", new)
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield lambda n: setattr(n, "value", ast.Constant(...))


def silent(node: ast.AST) -> bool:
    """Words and types: no test is asked to notice a change in them."""
    called = node.func if isinstance(node, ast.Call) else None
    name = getattr(called, "id", getattr(called, "attr", ""))
    types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    return types or name in ("refuse", "overload") or isinstance(node, ast.JoinedStr)


def sites(tree: ast.Module):
    """(number of the node in `ast.walk` order, number of the change) of every possible mutant."""
    hidden = {id(n) for node in ast.walk(tree) if silent(node) for n in ast.walk(node)}
    for node in ast.walk(tree):
        for part in ("annotation", "returns"):
            if getattr(node, part, None):
                hidden |= {id(n) for n in ast.walk(getattr(node, part))}
    for i, node in enumerate(ast.walk(tree)):
        if id(node) not in hidden:
            for k, _ in enumerate(changes(node)):
                yield i, k


def mutant(tree: ast.Module, i: int, k: int) -> tuple[ast.Module, ast.AST]:
    """A changed copy, and its node that is changed."""
    other = copy.deepcopy(tree)
    node = list(ast.walk(other))[i]
    list(changes(node))[k](node)
    return ast.fix_missing_locations(other), node


def change(tree: ast.Module, i: int, k: int) -> str:
    """``path``'s line before -> after, in words."""
    old, new = ast.unparse(tree).splitlines(), ast.unparse(mutant(tree, i, k)[0]).splitlines()
    pairs = [(a, b) for a, b in zip(old, new, strict=False) if a != b]
    return " -> ".join(part.strip() for part in pairs[0]) if pairs else "a line goes"


# ------------------------------------------------------------------ the tests


def test_files() -> list[str]:
    """The tests of the three rooms and of data, and the modules with their examples."""
    rooms = [*ROOMS.values(), "data"]
    tests = [path for room in rooms for path in (ROOT / "tests" / room).glob("test_*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in tests + every_module())


def shown(tests: list[Ran], file: str, tree: ast.Module, node: ast.AST) -> list[Ran]:
    """The tests that a mutant is shown to, in their order."""
    chosen, seconds = [], 0.0
    for test in covering(tests, file, around(tree, node)):
        if test.seconds <= DEAR and seconds + test.seconds <= BUDGET:
            seconds += test.seconds
            chosen.append(test)
    return chosen


class Broken(importlib.machinery.SourceFileLoader):
    """Loads a module with other code than its file's, whose text stays what it was."""

    def __init__(self, file: str, i: int, k: int) -> None:
        path = ROOT / file
        super().__init__(".".join(Path(file).with_suffix("").parts), str(path))
        tree, _ = mutant(ast.parse(path.read_text(encoding="utf-8")), i, k)
        self.code = compile(tree, str(path), "exec")

    def get_code(self, fullname):
        return self.code

    def find_spec(self, fullname, path=None, target=None):
        """So that a loader is its own finder: what Python asks of one in `sys.meta_path`."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)


class InOrder:
    """A plugin of pytest: the tests run as they were named, not as the suite orders them."""

    def __init__(self, names: list[str]) -> None:
        self.place = {name: n for n, name in enumerate(names)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: self.place[item.nodeid])


def test_broken(file: str, i: str, k: str, limit: str, *names: str) -> int:
    """In a process of its own: the tests with a mutant in a module's place."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.path.insert(0, str(ROOT))
    broken = Broken(file, int(i), int(k))
    sys.meta_path.insert(0, broken)
    try:
        importlib.import_module(broken.name)  # pytest would read one with examples from its file
        number = int(pytest.main([*PYTEST, "-x", *names], plugins=[InOrder(names)]))
    except Exception:  # an error on import, or what a failed test left open
        return KILLED
    return KILLED if number in (1, 2, 4) else number  # failed; an error on import; other tests


def verdict(file: str, i: int, k: int, tests: list[Ran]) -> str:
    """killed, hung or SURVIVED."""
    own = [test for test in tests if Path(file).stem in test.file]
    for part in (own, [test for test in tests if test not in own]):  # to read a file costs as well
        if part and (said := _verdict(file, i, k, part)) != "SURVIVED":
            return said
    return "SURVIVED"


def _verdict(file: str, i: int, k: int, tests: list[Ran]) -> str:
    limit = int(max(LIMIT, 10 * sum(test.seconds for test in tests)))
    names = [test.name for test in tests]
    try:
        done = forks.python(PROGRAM, file, i, k, limit, *names, cwd=ROOT, timeout=10 * limit)
    except subprocess.TimeoutExpired:
        return "hung"
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "hung"
    if done.returncode in (0, 5):  # passed, no tests
        return "SURVIVED"
    if done.returncode < 0 or done.returncode == KILLED:  # a crash is noticed too
        return "killed"
    raise SystemExit(f"The tests do not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


# ------------------------------------------------------------------ the run


def every_module() -> list[Path]:
    """Of the three rooms."""
    every = [p for room in ROOMS for p in sorted((ROOT / "ragteach" / room).glob("*.py"))]
    return [path for path in every if path.name not in ("__init__.py", "__main__.py")]


def modules(named: list[str]) -> list[Path]:
    """The modules to break."""
    every = every_module()
    if named:
        return [path for path in every if str(path.relative_to(ROOT)) in named]
    said = subprocess.run(
        ["git", "diff", "--name-only", "main"], cwd=ROOT, capture_output=True, text=True
    )
    changed = [path for path in every if str(path.relative_to(ROOT)) in said.stdout.split()]
    return changed or every


def outcomes(log: Path) -> dict[str, str]:
    """What a log says last of each mutant: its place -> killed, hung or SURVIVED."""
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    return {place: said for said, place in re.findall(r"^(\w+) +(\S+)", text, re.MULTILINE)}


def main() -> int:
    parser = argparse.ArgumentParser(description="break the code and see whether a test notices")
    parser.add_argument("--n", type=int, default=40, help="how many mutants (0: all)")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--log", type=Path, help="default: results/mutants/seed_SEED.txt")
    parser.add_argument("modules", nargs="*", help="files, e.g. ragteach/losses.py")
    options = parser.parse_args()
    folder = ROOT / "results" / "mutants"
    log = options.log or folder / f"seed_{options.seed}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    forks.prepare(PRELOADED, early={})
    paths = {str(p.relative_to(ROOT)): p for p in modules(options.modules)}
    trees = {file: ast.parse(path.read_text(encoding="utf-8")) for file, path in paths.items()}
    found = [(file, *site) for file, tree in trees.items() for site in sites(tree)]
    if options.n and options.n < len(found):
        found = random.Random(options.seed).sample(found, options.n)
    print(f"{len(found)} mutants of {len(trees)} modules", flush=True)
    tests = [test for path in test_files() for test in tests_in(path, folder / "tests")]
    for test in tests:
        if test.seconds > DEAR:
            print(f"not shown to mutants: {test.name} ({test.seconds:.0f} s)", flush=True)

    places = {}
    for file, i, k in found:
        line = mutant(trees[file], i, k)[1].lineno
        places[f"{file}:{line}:{i}.{k}"] = (file, i, k)
    said = outcomes(log)
    waiting = [place for place in places if said.get(place, "SURVIVED") == "SURVIVED"]
    for place in sorted(waiting, key=lambda place: place in said):
        file, i, k = places[place]
        node = list(ast.walk(trees[file]))[i]
        chosen = shown(tests, file, trees[file], node)
        said[place] = verdict(file, i, k, chosen) if chosen else "SURVIVED"
        line = f"{said[place]:8s} {place} {change(trees[file], i, k)}"
        if said[place] == "SURVIVED":
            line += f"   ({len(chosen)} tests, {sum(test.seconds for test in chosen):.1f} s)"
        print(line, flush=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    n_killed = sum(said[place] != "SURVIVED" for place in places)
    print(f"{n_killed} of {len(places)} killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
