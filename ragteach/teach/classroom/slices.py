"""Which lines of a notebook an answer needs: only these are run again.

Enters: the code of a notebook's cells.  Leaves: for each exercise the expressions that were handed
to ``check``, each with the statements before it that it leans on. Figures, tables and experiments
that no answer uses are left out, so that a lesson of minutes is graded in seconds; and a cell with
a syntax error costs that cell only.

A statement is needed if it stores, changes or calls a method of a name that is needed; then all
names it reads are needed too. What a name does not show (a function that fills a list, an optimiser
that moves a weight, a ``check`` in a loop) a slice cannot know: `whole` gives the notebook from top
to bottom, for what a slice does not bear out.
"""

from __future__ import annotations

import ast
import contextlib
import re
import symtable
import warnings
from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass, field

CHECK = re.compile(r"\bcheck\(\s*[\"']([\w-]+)[\"']")
NUMBER = re.compile(r"\w{2,20}-\w{1,3}")
TIMED = re.compile(r"^(\s*)%time\s+(?=\S)", re.MULTILINE)  # IPython runs what stands behind it
MAGIC = re.compile(r"^[%!?].*|^[^#]*\?\s*$")  # a line of IPython's own
# within a block, or on the right of "="
DEEPER = re.compile(r"^(\s*)(?:[\w., ]+=\s*)?(?:[!?]|%[a-z]).*")
OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")  # other cells that begin with %% are none
TRIES = 3  # of answers to one exercise, the last ones that differ
MOST = 5_000  # statements of a notebook; no lesson has 300
LONGEST = 300_000  # characters of a cell
MOVING = ("check", "card", "hint", "predict", "reveal", "rubric", "reflect", "display", "print")
SET_UP = ("pip", "find_spec", "subprocess")  # the first cell, which installs the course


@dataclass(frozen=True)
class Answer:
    """One call of ``check``: the exercise, the expression, and what must run before it."""

    number: str
    expression: str
    statements: tuple[str, ...]


@dataclass
class Notebook:
    """The answers of a notebook, and what could not be read of it."""

    answers: dict[str, list[Answer]]
    broken: dict[str, str]  # exercise: why its cell cannot be read
    world: str | Answer | None  # the id in rt.world("..."), or how it is found in rt.world(mine)
    statements: list[ast.stmt] = field(default_factory=list)
    mentions: dict[str, list[int]] = field(default_factory=dict)  # exercise: statements naming it


def read(cells: list[str]) -> Notebook:
    """Every answer in the cells, in order."""
    found = Notebook({}, {}, None)
    statements = found.statements
    calls: dict[str, list[tuple[ast.expr, int]]] = {}
    for source in cells:
        try:
            if len(statements) > MOST or len(source) > LONGEST:
                raise ValueError(
                    f"it has more than {LONGEST:,} characters, or stands after {MOST:,} statements"
                )
            tree = parsed(source)
            for node in tree.body:
                reads(node)  # refuses what cannot be taken apart
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            for number in CHECK.findall(source):
                found.broken[number] = f"the cell cannot be read: {error}"[:200]
            continue
        for node in tree.body:
            _look(node, len(statements), found, calls)
            statements.append(node)
    found.answers = {number: _last(number, these, statements) for number, these in calls.items()}
    return found


def whole(notebook: Notebook, wanted: Collection[str]) -> Iterator[tuple[tuple[str, ...], list]]:
    """The notebook from top to bottom, in parts: (statements, exercises to ask for after them).

    What only shows something is left out. The last part ends after the last statement, and asks for
    all: a function may have been called there that names its exercise far above.
    """
    begun = 0
    for place in range(len(notebook.statements)):
        here = [number for number in wanted if place in notebook.mentions.get(number, ())]
        if here:
            yield _shown_apart(notebook.statements[begun : place + 1]), here
            begun = place + 1
    yield _shown_apart(notebook.statements[begun:]), list(wanted)


def _shown_apart(statements: list[ast.stmt]) -> tuple[str, ...]:
    return tuple(ast.unparse(node) for node in statements if not _is_shown(node))


def _is_shown(node: ast.stmt) -> bool:
    """A card, a picture, an explorer, alone in its line; ``check`` is what we wait for."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return _only_shows(node)
    name = ast.unparse(node.value.func)
    arguments = [*node.value.args, *(word.value for word in node.value.keywords)]
    inside = (inner for argument in arguments for inner in ast.walk(argument))
    if any(isinstance(inner, ast.Call | ast.NamedExpr) for inner in inside):
        return False  # print(check(...)), print(x := 3)
    shows = ("show", *(word for word in MOVING if word != "check"))
    return name.rpartition(".")[2] in shows or ".widgets." in name


def _last(number: str, calls: list[tuple[ast.expr, int]], statements: list[ast.stmt]) -> list:
    """The last answers that differ, the last one last. Only so many are judged."""
    found: list[Answer] = []
    for value, place in reversed(calls[-10 * TRIES :]):
        # what stands in the same statement before the call (a loop, an if) is its own affair
        needed = slice_of(value, statements[:place])
        answer = Answer(number, ast.unparse(value), tuple(map(ast.unparse, needed)))
        if answer not in found:
            found.append(answer)
        if len(found) == TRIES:
            break
    return found[::-1]


def parsed(source: str) -> ast.Module:
    """A cell's code as a tree, without IPython's own lines."""
    lines = source.replace("\r\n", "\n").split("\n")
    first = source.split(maxsplit=1)[0] if source.strip() else ""
    if first.startswith("%%") and first not in OF_PYTHON:  # a file, a page, another language
        lines = []
    lines = [TIMED.sub(r"\1", line) for line in lines]
    plain = [MAGIC.sub("pass", line) for line in lines]
    deeper = [DEEPER.sub(r"\1pass", line) for line in plain]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tried in (lines, plain):  # as it is first: a comment may end with a question mark
            with contextlib.suppress(SyntaxError):
                return ast.parse("\n".join(tried))
        return ast.parse("\n".join(deeper))


def _look(node: ast.stmt, place: int, found: Notebook, calls: dict) -> None:
    """Take note of the calls of ``check`` and ``world`` in a statement, and of exercises' names."""
    for number in _named(node):
        found.mentions.setdefault(number, []).append(place)
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        name = (
            call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        )
        values = [*call.args, *(word.value for word in call.keywords)]
        first = values[0] if values else None
        said = first.value if isinstance(first, ast.Constant) else None
        if name == "world" and _is_own(call.func, found.statements):
            continue
        if name == "world" and isinstance(said, str | int) and not isinstance(said, bool):
            found.world = str(said)
        elif name == "world" and first is not None and not isinstance(first, ast.Constant):
            needed = slice_of(first, found.statements[:place])
            found.world = Answer("", ast.unparse(first), tuple(map(ast.unparse, needed)))
        if name == "check" and isinstance(said, str) and len(values) > 1:
            calls.setdefault(said, []).append((values[1], place))


def _is_own(function: ast.expr, before: list[ast.stmt]) -> bool:
    """Whether the notebook itself defines the function that it calls by this name."""
    name = getattr(function, "id", None)
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in before)


def _named(node: ast.AST) -> set[str]:
    """Texts in the form of an exercise's number, but for those that only ask to be shown one."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        if name == "reference" or (name in MOVING and name not in ("check", "print", "display")):
            return set()
    if isinstance(node, ast.Constant):
        said = node.value
        return {said} if isinstance(said, str) and NUMBER.fullmatch(said) else set()
    return set().union(*map(_named, ast.iter_child_nodes(node)))


def slice_of(expression: ast.expr, before: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that an expression leans on, in order.

    From the last to the first: what is needed there, whatever a needed function reads when it is
    called included, is looked for above.
    """
    needed = _with_bodies(reads(expression), before)
    modules = set().union(
        *(changes(n) for n in before if isinstance(n, ast.Import | ast.ImportFrom))
    )
    kept: list[ast.stmt] = []
    for place in range(len(before) - 1, -1, -1):
        node = before[place]
        touched = changes(node, modules)
        if not isinstance(node, ast.Import | ast.ImportFrom):
            touched = touched - modules  # plots.show(...) does not change plots
        if not touched & needed or _only_shows(node):
            continue
        kept.append(node)
        if isinstance(node, ast.Assign) and _plain(node):
            needed = needed - touched  # whatever was there before is written over
        # its body was looked at where it is called
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            outside = [*node.decorator_list, *getattr(node, "bases", ())]
            arguments = getattr(node, "args", None)
            outside += arguments.defaults if arguments else []
            now = set().union(*map(reads, outside))
        else:
            now = reads(node)
        needed = needed | _with_bodies(now, before[:place])
    return kept[::-1]


def _with_bodies(names: set[str], before: list[ast.stmt]) -> set[str]:
    """The names, and those that functions of these names read, and so on."""
    bodies = {n.name: n for n in before if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    found = set(names)
    new = set(names)
    while new:
        read = set().union(*(reads(bodies[name]) for name in new & bodies.keys()))
        new = read - found
        found |= new
    return found


def _plain(node: ast.Assign) -> bool:
    return all(isinstance(target, ast.Name) for target in node.targets)


def _only_shows(node: ast.stmt) -> bool:
    """A call of check, card, print and the like, alone; or the cell that installs the course."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        return name in MOVING
    return isinstance(node, ast.If) and any(word in ast.unparse(node.test) for word in SET_UP)


def reads(node: ast.AST) -> set[str]:
    """Every name of the notebook that is read anywhere inside.

    What a function, a method or a comprehension calls its own (arguments, variables) is not asked
    of outside: Python's own table of scopes tells the two apart. Nor is the variable of a loop.
    """
    kept = getattr(node, "_reads", None)
    if kept is None:
        table = symtable.symtable(ast.unparse(_lazy(node)), "<your notebook>", "exec")
        loops = [inner.target for inner in ast.walk(node) if isinstance(inner, ast.For)]
        kept = node._reads = (  # type: ignore[attr-defined]
            _read_in(table) | _added_to(node)
        ) - _stored(loops)
    return kept


class _Lazily(ast.NodeTransformer):
    """Comprehensions as generators: from Python 3.12 on, only these keep a scope of their own."""

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        self.generic_visit(node)
        pair = ast.Tuple([node.key, node.value], ast.Load())
        return ast.GeneratorExp(pair, node.generators)


def _lazy(node: ast.AST) -> ast.AST:
    """The same code, and the same names read, on every Python."""
    return _Lazily().visit(ast.parse(ast.unparse(node)))


def _read_in(table: symtable.SymbolTable) -> set[str]:
    """Names that a scope reads and does not own, and those of the scopes inside it."""
    top = table.get_type() == "module"
    found = {
        s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())
    }
    return found.union(*map(_read_in, table.get_children()))


def _added_to(node: ast.AST) -> set[str]:
    """``total += 1`` reads total, too; inside a function it is the function's own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return set()
    return {
        inner.target.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name)
    }


def _own_of_expressions(nodes: list) -> set[str]:
    """The variables of comprehensions and lambdas: nobody else's."""
    names: set[str] = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.comprehension):
                names |= _stored([inner.target])
            elif isinstance(inner, ast.Lambda):
                names |= {argument.arg for argument in inner.args.args}
    return names


def _stored(nodes: list) -> set[str]:
    found = {
        inner.id
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    free = (inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Global))
    return found - {name for inner in free for name in inner.names}


def changes(node: ast.AST, modules: Set[str] = frozenset()) -> set[str]:
    """Every name that a statement binds or may change; ``modules``: names that were imported."""
    names: set[str] = set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in inner.names}
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(inner.name)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store | ast.Del):
            names.add(inner.id)
        elif isinstance(inner, ast.Attribute | ast.Subscript) and isinstance(
            inner.ctx, ast.Store | ast.Del
        ):
            names |= _root(inner)
        elif isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            function = inner.value.func
            root = _root(function) if isinstance(function, ast.Attribute) else set()
            names |= root  # x.append(...), model.freeze(...)
            if not root or root & modules:  # rt.solve(model, ...), train(model) change the model
                names |= {a.id for a in inner.value.args if isinstance(a, ast.Name)}
    return names - (_own_of_expressions([node]) - _stored_by_statements(node))


def _stored_by_statements(node: ast.AST) -> set[str]:
    """What assignments and loops store, comprehensions aside."""
    targets: list = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            targets += inner.targets
        elif isinstance(inner, ast.For | ast.AugAssign | ast.AnnAssign):
            targets.append(inner.target)
    return _stored(targets)


def _root(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
