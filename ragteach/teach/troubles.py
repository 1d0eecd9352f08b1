"""What can go wrong, and what you will see: a page made of the errors' own texts.

Enters: the package's source.  Leaves: ``notebooks/troubles.md``, one line for each refusal: from
which public function, what is expected, what to do. A part such as ‹name› stands for what your
call holds; a private helper's refusal is listed under the public names that lead to it.

    python -m ragteach.teach.troubles
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# around what is not known before the call
OPEN = "‹"
CLOSE = "›"
# Braces are those of a dict that you are to write.
ENTITIES = {"|": "\\|", "<": "&lt;", "{": "&#123;", "}": "&#125;"}
PACKAGE = Path(__file__).resolve().parent.parent
PAGE = PACKAGE.parent / "notebooks" / "troubles.md"
INTRODUCTION = """# What can go wrong, and what you will see

Every refusal of this package has three lines, and the last one is the cure:

    Expected: lam to be a finite number >= 0
    Got: lam = -1
    What to do: use lam >= 0

It is a `RagteachError` (a kind of `ValueError`), and comes before any work is lost. Below stands
each refusal that there is, by the file that raises it, and the public names that may raise it. A
part such as ‹name› stands for what your call holds. scikit-learn's estimators may also raise
scikit-learn's own errors about `X`, `y` and `sample_weight`.

This page is made of the errors' own texts: `python -m ragteach.teach.troubles` writes it anew.
"""


def page() -> str:
    """The whole page as Markdown.

    Example:
        >>> "What can go wrong" in page()
        True
    """
    parts = [INTRODUCTION]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _files()}
    constants = _constants(trees.values())
    for path, tree in trees.items():
        callers = _callers(tree)
        lines = {
            (_public(where, callers), expected, fix)
            for where, expected, fix in _refusals(tree, constants)
        }
        if not lines:
            continue
        name = path.relative_to(PACKAGE.parent).as_posix().replace("/__main__.py", "")
        about = (ast.get_docstring(tree) or "").split("\n")[0]
        rows = [f"| {where} | {expected} | {fix} |" for where, expected, fix in sorted(lines)]
        head = ["| in | expected | what to do |", "|---|---|---|"]
        parts.append("\n".join([f"## `{name}`", "", about, "", *head, *rows, ""]))
    return "\n".join(parts)


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _constants(trees: Iterable[ast.Module]) -> dict[str, ast.expr]:
    """Names that modules give to texts and numbers; not those that differ from file to file."""
    found: dict[str, ast.expr] = {}
    several = set()
    for tree in trees:
        for node in tree.body:
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    before = found.setdefault(target.id, node.value)
                    if ast.dump(before) != ast.dump(node.value):
                        several.add(target.id)
    return {name: value for name, value in found.items() if name not in several}


def _callers(tree: ast.Module) -> dict[str, set[str]]:
    """A function's last name -> the places in the module that call it (or hold it)."""
    found: dict[str, set[str]] = {}

    def walk(node: ast.AST, where: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                walk(child, _inside(where, child.name))
                continue
            name = getattr(child, "id", None) or getattr(child, "attr", None)
            if where and name:
                found.setdefault(name, set()).add(where)
            walk(child, where)

    walk(tree, "")
    return found


def _public(where: str, callers: dict[str, set[str]], most: int = 3) -> str:
    """The public names through which a place is reached, as Markdown; a dash if none is near."""
    found: set[str] = set()
    seen = {where}
    todo = [where]
    while todo:
        place = todo.pop()
        shown = place.removesuffix(".__init__").removesuffix(".__post_init__")
        if not any(part.startswith("_") for part in shown.split(".")):
            found.add(shown)
            continue
        last = place.split(".")[-2 if place.endswith("__") and "." in place else -1]
        new = callers.get(last, set()) - seen
        seen |= new
        todo += sorted(new)
    names = sorted(name for name in found if name != "on import")
    if not names:
        return "on import" if "on import" in found else "\u2013"
    more = ", ..." if len(names) > most else ""
    return ", ".join(f"`{name}`" for name in names[:most]) + more


def _refusals(
    tree: ast.Module, known: dict[str, ast.expr] | None = None
) -> Iterator[tuple[str, str, str]]:
    """(function, expected, fix) of each call of `refuse` in a module.

    Args:
        known: constants of other modules.
    """
    constants = (known or {}) | _constants([tree])

    def walk(node: ast.AST, where: str) -> Iterator[tuple[str, str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                yield from walk(child, _inside(where, child.name))
                continue
            if isinstance(child, ast.Call) and getattr(child.func, "id", "") == "refuse":
                said = {word.arg: _words(word.value, constants) for word in child.keywords}
                yield where or "on import", _cell(said["expected"]), _cell(said["fix"])
            yield from walk(child, where)

    yield from walk(tree, "")


def _inside(where: str, name: str) -> str:
    """A dotted place; what a private helper refuses is refused for whoever called it."""
    return f"{where}.{name}" if where else name


def _words(node: ast.AST, constants: dict[str, ast.expr]) -> str:
    """The text that an expression makes, with ‹names› for what is not known here."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _words(node.value, constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left, constants) + _words(node.right, constants)
    if isinstance(node, ast.IfExp):
        return _words(node.body, constants)
    if isinstance(node, ast.BoolOp):
        return _words(node.values[0], constants)
    if isinstance(node, ast.Name) and node.id in constants:
        value = constants[node.id]
        known = {name: of for name, of in constants.items() if name != node.id}
        if isinstance(value, ast.Constant | ast.JoinedStr):
            return _words(value, known)
    return f"{OPEN}{_called(node)}{CLOSE}"


def _called(node: ast.AST) -> str:
    """What an expression stands for, in words: the most telling name in it."""
    if isinstance(node, ast.Call):
        if getattr(node.func, "id", "") == "len" and node.args:
            return f"number of {_called(node.args[0])}"
        inside = [*node.args, *(word.value for word in node.keywords)]
        telling = [_called(part) for part in inside if not isinstance(part, ast.Constant)]
        own = str(getattr(node.func, "id", None) or getattr(node.func, "attr", "value"))
        return next((said for said in telling if said != "value"), own.strip("_").replace("_", " "))
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_").replace("_", " ")
    if isinstance(node, ast.Name):
        return node.id.strip("_").replace("_", " ").lower() or "value"
    if isinstance(node, ast.Subscript):
        return _called(node.value)
    if isinstance(node, ast.BinOp):
        return (
            _called(node.left) if not isinstance(node.left, ast.Constant) else _called(node.right)
        )
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return _called(node.generators[0].iter)
    return "value"


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table; one that is all unknown says where to read it."""
    plain = " ".join(text.split())
    if re.fullmatch(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", plain):
        return "as the message says"
    for sign, entity in ENTITIES.items():
        plain = plain.replace(sign, entity)
    return plain


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
