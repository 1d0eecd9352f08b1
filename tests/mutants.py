"""Break the code in small ways, and see whether a test notices.

    python tests/mutants.py --n 40 --seed 0 [ragteach/losses.py ...]

A mutant is one module with one change: a sign, a comparison, a constant, a condition, a statement
left out.  It is killed if a test of its room fails.  Without names the modules are those of core,
engine and study that differ from main, or all of them if none does.  What survives is printed, to
be judged by a reader: a gap in the tests, or a change that cannot matter.

The tools there are (mutmut, cosmic-ray) start a Python for each mutant, which costs more than the
tests do; here a mutant is a fork (`forks.python`).
"""

import argparse
import ast
import copy
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import forks

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"": "core", "engine": "engine", "study": "study"}
SECONDS = 600  # then the mutant hangs, which counts as noticed
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
import importlib.util, os, sys
name, file, *tests = sys.argv[1:]
sys.path.insert(0, os.getcwd())
class Mutant:
    def find_spec(self, fullname, path=None, target=None):
        return importlib.util.spec_from_file_location(name, file) if fullname == name else None
sys.meta_path.insert(0, Mutant())
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *tests]))
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


def mutant(tree: ast.Module, i: int, k: int) -> tuple[ast.Module, int]:
    """A changed copy, and the line of the change."""
    other = copy.deepcopy(tree)
    node = list(ast.walk(other))[i]
    list(changes(node))[k](node)
    return ast.fix_missing_locations(other), node.lineno


def tests_of(module: Path) -> list[str]:
    """The tests of the module's room, the engine's with the laws too."""
    room = ROOMS["" if module.parent.name == "ragteach" else module.parent.name]
    files = sorted((ROOT / "tests" / room).glob("test_*.py"))
    if room == "engine":
        files.append(ROOT / "tests" / "core" / "test_laws.py")
    return [str(path.relative_to(ROOT)) for path in files]


def own_tests(module: Path) -> list[str]:
    """Those that bear the module's name: most mutants fall there, in a second."""
    return [name for name in tests_of(module) if module.stem in Path(name).stem]


def modules(named: list[str]) -> list[Path]:
    """The modules to break."""
    every = [p for room in ROOMS for p in sorted((ROOT / "ragteach" / room).glob("*.py"))]
    every = [path for path in every if path.name not in ("__init__.py", "__main__.py")]
    if named:
        return [path for path in every if str(path.relative_to(ROOT)) in named]
    said = subprocess.run(
        ["git", "diff", "--name-only", "main"], cwd=ROOT, capture_output=True, text=True
    )
    changed = [path for path in every if str(path.relative_to(ROOT)) in said.stdout.split()]
    return changed or every


def outcome(module: Path, tree: ast.Module, *arguments: str) -> tuple[bool, str]:
    """(whether the tests pass, what pytest said), with ``tree`` in the module's place."""
    name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, module.name)
        file.write_text(ast.unparse(tree), encoding="utf-8")
        done = forks.python(PROGRAM, name, file, *arguments, cwd=ROOT, timeout=SECONDS)
    if done.returncode not in (0, 1, 2):  # passed, failed, an error on import
        raise SystemExit(f"The tests do not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0, done.stdout


def blind(module: Path, tree: ast.Module) -> list[str]:
    """The tests of a module's room that fail with the code as it is: they judge nothing here.

    Such a test reads the module's own source, or its file's name.
    """
    _, said = outcome(module, tree, *tests_of(module))
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)


def verdict(module: Path, tree: ast.Module, left_out: list[str]) -> str:
    """killed, hung or SURVIVED."""
    without = [f"--deselect={name}" for name in left_out]
    try:
        for tests in (own_tests(module), tests_of(module)):
            if tests and not outcome(module, tree, "-x", *without, *tests)[0]:
                return "killed"
    except subprocess.TimeoutExpired:
        return "hung"
    return "SURVIVED"


def main() -> int:
    parser = argparse.ArgumentParser(description="break the code and see whether a test notices")
    parser.add_argument("--n", type=int, default=40, help="how many mutants (0: all)")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("modules", nargs="*", help="files, e.g. ragteach/losses.py")
    options = parser.parse_args()
    forks.prepare(["pandas", "scipy.stats", "sklearn.linear_model", "torch"], early={})
    trees = {p: ast.parse(p.read_text(encoding="utf-8")) for p in modules(options.modules)}
    found = [(path, *site) for path, tree in trees.items() for site in sites(tree)]
    if options.n and options.n < len(found):
        found = random.Random(options.seed).sample(found, options.n)
    print(f"{len(found)} mutants of {len(trees)} modules", flush=True)
    left_out = {}
    for path, tree in {p.parent: (p, t) for p, t in trees.items()}.values():
        left_out[path.parent] = blind(path, tree)
        print(f"{path.parent.name}: without {left_out[path.parent] or 'exception'}", flush=True)
    n_killed = 0
    for path, i, k in found:
        tree, line = mutant(trees[path], i, k)
        said = verdict(path, tree, left_out[path.parent])
        n_killed += said != "SURVIVED"
        old, new = ast.unparse(trees[path]).splitlines(), ast.unparse(tree).splitlines()
        pairs = [(a, b) for a, b in zip(old, new, strict=False) if a != b]
        change = " -> ".join(part.strip() for part in pairs[0]) if pairs else "a line goes"
        print(f"{said:8s} {path.relative_to(ROOT)}:{line}: {change}", flush=True)
    print(f"{n_killed} of {len(found)} killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
