"""Functions and settings as the learner sees them: taken from a lesson's source, not copied.

Enters: a lesson's name and the names it defines.  Leaves: a namespace in which its imports, and
those definitions only, have been run.
"""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "_source"


def load(lesson: str, *names: str) -> dict:
    """Run the imports of a lesson and the top-level definitions of ``names``, in their order."""
    tree = ast.parse((SOURCE / f"{lesson}.py").read_text(encoding="utf-8"))
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
