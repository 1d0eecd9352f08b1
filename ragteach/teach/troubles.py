"""What can go wrong, and what you will see: a page made of the errors' own texts.

Enters: the package's source.  Leaves: ``notebooks/troubles.md``, one line for each refusal: in
which function, what is expected, what to do. A part in braces stands for what your call holds.

    python -m ragteach.teach.troubles
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
PAGE = PACKAGE.parent / "notebooks" / "troubles.md"
INTRODUCTION = """# What can go wrong, and what you will see

Every refusal of this package has three lines, and the last one is the cure:

    Expected: lam to be a finite number >= 0
    Got: lam = -1
    What to do: use lam >= 0

It is a `RagteachError` (a kind of `ValueError`), and comes before any work is lost. Below stands each
refusal that there is, by the file that raises it; a part in braces stands for what your call holds.
scikit-learn's estimators may also raise scikit-learn's own errors about `X`, `y` and `sample_weight`.

This page is made of the errors' own texts: `python -m ragteach.teach.troubles` writes it anew.
"""


def page() -> str:
    """The whole page as Markdown.

    Example:
        >>> "What can go wrong" in page()
        True
    """
    parts = [INTRODUCTION]
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lines = sorted(set(_refusals(tree)))
        if not lines:
            continue
        name = path.relative_to(PACKAGE.parent).as_posix()
        about = (ast.get_docstring(tree) or "").split("\n")[0]
        rows = [f"| `{where}` | {expected} | {fix} |" for where, expected, fix in lines]
        head = ["| in | expected | what to do |", "|---|---|---|"]
        parts.append("\n".join([f"## `{name}`", "", about, "", *head, *rows, ""]))
    return "\n".join(parts)


def _refusals(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """(function, expected, fix) of each call of `refuse` in a module."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

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
    """The text that an expression makes, with braces for what is not known here."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        inner = node.value
        if isinstance(inner, ast.Constant):
            return str(inner.value)
        return "{" + ast.unparse(inner) + "}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left, constants) + _words(node.right, constants)
    if isinstance(node, ast.IfExp):
        return _words(node.body, constants)
    if isinstance(node, ast.Name) and node.id in constants:
        return _words(constants[node.id], {})
    return "{" + ast.unparse(node) + "}"


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
