"""The house: rooms in one order, no cycles, public names that are static, a core that loads torch only."""

import ast
import importlib
import inspect
import subprocess
import sys
import types
from pathlib import Path

import pytest

import ragteach

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ragteach"

# A file imports from its own floor and from those below.
FLOORS = [
    {"errors"},
    {"ground"},
    {"core", "data"},
    {"engine"},
    {"study", "integrations"},
    {"widgets", "teach", "labs"},
    {"front door"},
]
FRONT_DOOR = {"ragteach", "ragteach.__main__"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    if module in FRONT_DOOR:
        return "front door"
    first = module.split(".")[1]
    if first == "errors" or (PACKAGE / first).is_dir():
        return first
    return "core"


def floor(module: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if room(module) in rooms)


def imports(module: str, source: str, packages=None) -> set[str]:
    """The modules of ragteach that a source imports, at any depth of the code."""
    packages = FILES if packages is None else packages
    inside = module.split(".")
    if packages.get(module) is not None and packages[module].name == "__init__.py":
        inside = [*inside, "__init__"]
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                names.add(whole if whole in packages else base)
    return {name for name in names if name.split(".")[0] == "ragteach"} - {module}


def test_imports_are_seen_however_they_are_written():
    modules = dict.fromkeys(
        ["ragteach.data.toy", "ragteach.graph", "ragteach.losses", "ragteach.study.plots"]
    )
    source = (
        "import ragteach.data.toy\nfrom .losses import A\nfrom . import graph\nimport numpy\n"
        "def f():\n    from ragteach.study import plots\n"
    )
    assert imports("ragteach.model", source, modules) == {
        "ragteach.data.toy",
        "ragteach.losses",
        "ragteach.graph",
        "ragteach.study.plots",
    }


@pytest.mark.parametrize("module", FILES)
def test_a_file_imports_from_its_floor_and_those_below(module):
    above = {
        name
        for name in imports(module, FILES[module].read_text(encoding="utf-8"))
        if floor(name) > floor(module)
    }
    assert not above


def test_there_are_no_cycles():
    """Not between files, and not between rooms on one floor, but core and data, which make the core's examples."""
    arrows = {m: imports(m, p.read_text(encoding="utf-8")) for m, p in FILES.items()}
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for name in sorted(arrows[module] & FILES.keys()):
            visit(name)
        path.pop()
        done.add(module)

    for module in arrows:
        visit(module)
    between = {
        (room(m), room(n)) for m, names in arrows.items() for n in names if room(m) != room(n)
    }
    both = {pair for pair in between if pair[::-1] in between}
    assert both <= {("core", "data"), ("data", "core")}


def test_the_core_can_be_read_in_an_evening():
    core = [path for module, path in FILES.items() if room(module) in ("core", "errors")]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in core)
    assert len(core) == 10
    assert lines <= 2000


def test_nothing_in_the_core_is_kept_from_the_formatter():
    core = [path for module, path in FILES.items() if room(module) in ("core", "errors")]
    assert not [path for path in core if "fmt: skip" in path.read_text(encoding="utf-8")]


def test_model_and_losses_load_torch_only():
    code = (
        "import sys, ragteach.model, ragteach.losses\n"
        "print(*{'scipy', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_every_public_name_is_what_the_stub_says():
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    promised = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                promised[alias.name] = "ragteach" + (f".{node.module}" if node.module else "")
    assert set(promised) == set(ragteach.__all__)
    assert len(promised) > 50
    for name, module in promised.items():
        thing = getattr(ragteach, name)
        if isinstance(thing, types.ModuleType):
            assert thing.__name__ == f"{module}.{name}"
        else:
            assert thing is getattr(importlib.import_module(module), name), name
            if inspect.isfunction(thing) or inspect.isclass(thing):
                assert thing.__module__ == module, name


def test_no_module_is_named_like_a_public_function():
    stems = {module.split(".")[-1] for module in FILES}
    things = {n for n in ragteach.__all__ if not isinstance(getattr(ragteach, n), types.ModuleType)}
    assert not stems & things


@pytest.mark.parametrize("module", FILES)
def test_a_line_is_one_statement(module):
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    glued = [
        n.lineno
        for n in ast.walk(tree)
        if isinstance(n, ast.Expr) and isinstance(n.value, ast.Tuple)
    ]
    assert not glued
