"""Functions and settings as the learner sees them: taken from a lesson's source, not copied.

Enters: a lesson's name and the names it defines.  Leaves: a namespace in which its imports, and
those definitions only, have been run.  The exercises hold their reference answers.
"""

import ast
import functools
import importlib.util
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "_source"


def builder():
    """notebooks/_source/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build_notebooks", SOURCE / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


build = builder()


@functools.cache
def code(lesson: str) -> str:
    """The lesson as a program, with its solutions."""
    return build.filled((SOURCE / f"{lesson}.py").read_text(encoding="utf-8"))


def load(lesson: str, *names: str) -> dict:
    """Run the imports of a lesson and the top-level definitions of ``names``, in their order."""
    tree = ast.parse(code(lesson))
    space: dict = {}
    for node in tree.body:
        targets = getattr(node, "targets", [])
        targets = [t for target in targets for t in getattr(target, "elts", [target])]
        defined = {getattr(node, "name", None), *(getattr(t, "id", None) for t in targets)}
        if isinstance(node, ast.Import | ast.ImportFrom) or defined & set(names):
            exec(compile(ast.Module([node], []), f"{lesson}.py", "exec"), space)
    missing = set(names) - set(space)
    assert not missing, f"{lesson} no longer defines {sorted(missing)}"
    return space
