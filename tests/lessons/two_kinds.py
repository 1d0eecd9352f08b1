"""A lesson's two notebooks in one run: what they share is run once.

Enters: the solution's notebook and the student's, which differ in the exercises only.  Leaves:
both, as each would be alone.

One kernel holds two worlds of names. A cell that both notebooks have, and that reads no name which
the worlds hold differently, is run once, for both. All others are run for the solution, then for
the student. So are calls that keep or show what a learner did (a check, a prediction), each with a
record of its own. The kernel watches what this rests on, and says "unequal" where it is not so:

    a shared cell reads a name that differs           (through functions too)
    a cell that was run twice changed a shared object (its hash before and after)

Random numbers of the global generators are each world's own, until a shared cell draws some: these
are the solution's. How many a learner has drawn by then is open anyway, so no lesson may hang on
it.

If it is unequal, and whenever anything at all is wrong with what came out, each notebook is run
alone (`lesson_runs`): what a test says of a fault is what that run says. That the two ways give the
same notebooks is a long test.
"""

import ast
import hashlib
import json
import os
import pickle
import random
import resource
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType

import nbformat
import numpy as np
import once
import torch
from IPython import get_ipython
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ragteach.teach import hints, record
from ragteach.teach.classroom.slices import parsed, reads

PERSONAL = {"check", "card", "hint", "predict", "reveal", "rubric", "reflect", "progress"}
BOTH, SOLUTION, STUDENT = "both", "solution", "student"
GONE = object()  # a name that one of the worlds does not have
# What cannot change, and pictures, which are the solution's.
PLAIN = (
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    type,
    str,
    int,
    float,
    bool,
    type(None),
    Artist,
)


@dataclass
class Piece:
    """Something to run: for whom, which cell it belongs to, its code, and the names it may read.

    A check, a prediction and the like reads too, but nothing that it could change.
    """

    turn: str
    cell: int
    source: str
    reads: set[str] = field(default_factory=set)


# ------------------------------------------------------------------ what is run for whom


def pieces(solution, student) -> list[Piece]:
    """What is to be run, in order."""
    found: list[Piece] = []
    differ: set[str] = set()  # names that the worlds hold differently, so far
    names = Behind()
    for i, (ours, theirs) in enumerate(zip(code(solution), code(student), strict=True)):
        bodies = [parsed(cell.source).body for cell in (ours, theirs)]
        for node in bodies[0] + bodies[1]:
            names.learn(node)
        if ours.source != theirs.source or _apart(bodies[0], differ, names):
            for turn, cell, body in zip((SOLUTION, STUDENT), (ours, theirs), bodies, strict=True):
                found.append(Piece(turn, i, cell.source, names.needed(body)))
            differ |= set().union(*map(bound, bodies[0] + bodies[1])) - names.modules
            continue
        for twice, source, body in parts(ours.source, bodies[0]):
            for turn in (SOLUTION, STUDENT) if twice else (BOTH,):
                found.append(Piece(turn, i, source, set() if twice else names.needed_before(body)))
            now = set().union(*map(stored, body))
            differ = differ | now if twice else differ - now
    return found


class Behind:
    """What a name leads to: a function to the names it reads, and what it made to the function."""

    def __init__(self) -> None:
        self.names: dict[str, set[str]] = {}
        self.modules: set[str] = set()

    def learn(self, node: ast.stmt) -> None:
        """Take note of a statement."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.modules |= bound(node)
            return
        function = isinstance(node, ast.FunctionDef | ast.ClassDef)
        read = reads(node) if function else reads(node) & self.names.keys()
        for name in bound(node) if read else ():
            self.names.setdefault(name, set()).update(read - {name})

    def needed(self, nodes: list[ast.stmt]) -> set[str]:
        """Every name that these statements may read, through functions too."""
        found: set[str] = set()
        new = set().union(*(reads(n) for n in nodes if not isinstance(n, ast.FunctionDef)))
        while new:
            found |= new
            new = set().union(*(self.names.get(name, set()) for name in new)) - found
        return found

    def needed_before(self, nodes: list[ast.stmt]) -> set[str]:
        """Those of them that the statements do not bind themselves, before they read them."""
        found: set[str] = set()
        here: set[str] = set()
        for node in nodes:
            found |= self.needed([node]) - here
            here |= stored(node)
        return found


def _apart(body: list[ast.stmt], differ: set[str], names: Behind) -> bool:
    """Whether a cell of both notebooks means two things."""
    for node in body:
        if not personal(node) and names.needed([node]) & differ:
            return True
        differ = differ | stored(node) if personal(node) else differ - stored(node)
    return False


def code(nb) -> list:
    """The cells of code."""
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def bound(node: ast.AST) -> set[str]:
    """Every name that a statement may bind; what is inside a function is the function's own.

    Whether it changes what a name stands for, the kernel sees (`Worlds`).
    """
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, ast.Lambda | ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp):
        return set()
    return set().union(*map(bound, ast.iter_child_nodes(node)))


def stored(node: ast.stmt) -> set[str]:
    """The names that a statement certainly binds anew."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    names = [name for target in targets for name in getattr(target, "elts", [target])]
    return {name.id for name in names if isinstance(name, ast.Name)}


def personal(node: ast.stmt) -> bool:
    """Whether a statement keeps or shows what a learner did (not: scikit-learn's predict)."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return False
    calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    names = {ast.unparse(function) for function in calls}
    return bool(names & (PERSONAL | {f"rt.{name}" for name in PERSONAL}))


def parts(source: str, body: list[ast.stmt]) -> list[tuple[bool, str, list[ast.stmt]]]:
    """A cell, cut between what is run once and what is run twice: [(twice, code, statements), ...].

    The last part keeps the cell's end; the others show no value, as within the whole cell.
    """
    marks = [personal(node) for node in body]
    lines = source.split("\n")
    starts = [
        min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        for node in body
    ]
    if len(set(starts)) < len(starts) or not any(marks):  # two statements in a line stay together
        return [(any(marks), source, body)]
    cuts = [i for i in range(1, len(marks)) if marks[i] != marks[i - 1]]
    found = []
    for first, end in zip([0, *cuts], [*cuts, len(marks)], strict=True):
        begin = starts[first] - 1 if first else 0
        stop = starts[end] - 1 if end < len(marks) else len(lines)
        text = "\n".join(lines[begin:stop])
        found.append(
            (marks[first], text if end == len(marks) else f"{text}\npass", body[first:end])
        )
    return found


def together(found: list[Piece], solution):
    """The notebook that holds all pieces, each in a cell."""
    cells = [nbformat.v4.new_code_cell(piece.source) for piece in found]
    return nbformat.v4.new_notebook(cells=cells, metadata=solution.metadata)


def apart(run, found: list[Piece], solution, student):
    """Give each of the two notebooks the outputs of its pieces."""
    for kind, nb in ((SOLUTION, solution), (STUDENT, student)):
        outputs: dict[int, list] = {}
        for piece, cell in zip(found, run.cells, strict=True):
            if piece.turn in (BOTH, kind):
                outputs.setdefault(piece.cell, []).extend(cell.outputs)
        for i, cell in enumerate(code(nb)):
            cell.outputs = coalesced([nbformat.from_dict(output) for output in outputs[i]])


def coalesced(outputs: list) -> list:
    """What is printed in one go is one output."""
    found: list = []
    for output in outputs:
        name = output.get("name")
        if found and name and found[-1].get("name") == name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


# ------------------------------------------------------------------ in the kernel


class Worlds:
    """The two worlds of names: the kernel has the solution's; ``own`` holds what differs from
    it.
    """

    def __init__(self, shell, found: list[Piece], where: Path, report: Path, saved) -> None:
        self.shell, self.pieces, self.report, self.saved = shell, iter(found), report, saved
        self.piece = Piece(BOTH, 0, "")
        self.own: dict = {}
        self.unequal: list[str] = []
        self.seconds = dict.fromkeys((BOTH, SOLUTION, STUDENT), 0.0)
        self.guard = 0.0  # CPU seconds that it takes to watch what is shared: of neither notebook
        home = Path(os.environ["RAGTEACH_HOME"], "student")
        home.mkdir()
        self.place = {"home": str(home), "folder": str(where), "record": {}, "hints": {}}
        self.chance: tuple | None = None  # the student's random numbers, where they differ
        # As each piece begins:
        self.began, self.drawn, self.before = 0.0, chance(), dict(shell.user_ns)
        self.watched: dict[str, str] = {}
        shell.events.register("pre_run_cell", self.begins)
        shell.events.register("post_run_cell", self.ends)
        self.save = Figure.savefig
        Figure.savefig = lambda figure, *arguments, **options: self.draw(
            figure, *arguments, **options
        )

    def draw(self, figure: Figure, file, **options) -> None:
        """The student's figures are the solution's: they are drawn there only.

        Once each: to cut off its margin, a figure would be drawn before, to be measured.
        """
        if self.piece.turn == STUDENT:
            file.write(once.PIXEL)
        else:
            self.save(figure, file, **options | {"bbox_inches": None})

    def begins(self, info) -> None:
        """Before a piece."""
        start = self.spent()
        self.piece = next(self.pieces)
        names, read = self.shell.user_ns, self.piece.reads
        self.before, self.drawn = dict(names), chance()
        if self.piece.source != info.raw_cell:
            self.unequal.append("another cell was run")
        if self.piece.turn == BOTH:
            self.unequal += [f"{name} differs, and is read" for name in read & self.own.keys()]
        elif self.piece.turn == SOLUTION:
            shared = (read - self.own.keys()) & names.keys()
            self.watched = {name: digest(names[name]) for name in shared}
            self.chance = self.chance or self.drawn
        else:
            bring(names, self.own)
            self.change_place()
            put(self.chance)
        self.began = self.spent()
        self.guard += self.began - start

    def ends(self, result) -> None:
        """After a piece."""
        turn, names = self.piece.turn, self.shell.user_ns
        end = self.spent()
        self.seconds[turn] += end - self.began
        here = chance()
        changed = difference(self.before, names)  # name -> what it was
        if turn == BOTH:
            for name in changed:
                self.own.pop(name, None)
            if not same(here, self.drawn):  # both go on from the solution's
                self.chance = None
        elif turn == SOLUTION:
            self.own = changed | self.own
        else:
            self.own = {name: names.get(name, GONE) for name in changed}
            bring(names, changed)
            self.change_place()
            put(self.drawn)
            self.chance = None if same(here, self.drawn) else here
            shared = self.watched.keys() - self.own.keys()
            moved = [name for name in shared if digest(names[name]) != self.watched[name]]
            self.unequal += [f"{name} was changed where the notebooks differ" for name in moved]
        self.piece = Piece(BOTH, 0, "")
        self.guard += self.spent() - end

    def change_place(self) -> None:
        """From one world to the other: the folder, the learner's home, and what is remembered."""
        here = {"home": os.environ["RAGTEACH_HOME"], "folder": os.getcwd()}
        here |= {"record": record._session, "hints": hints._shown}
        os.environ["RAGTEACH_HOME"] = self.place["home"]
        os.chdir(self.place["folder"])
        record._session, hints._shown = self.place["record"], self.place["hints"]
        self.place = here

    def spent(self) -> float:
        """CPU seconds so far, with those that another process spent for this one."""
        usage = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in usage) + self.saved()

    def finish(self) -> float:
        """Say how it went; returns the seconds that another process spent."""
        self.unequal += ["a cell was not run" for _ in self.pieces]
        said = {"seconds": self.seconds, "guard": self.guard, "unequal": self.unequal}
        self.report.write_text(json.dumps(said), encoding="utf-8")
        return self.saved()


def bring(names: dict, values: dict) -> None:
    """Put values into a world of names."""
    for name, value in values.items():
        if value is GONE:
            names.pop(name, None)
        else:
            names[name] = value


def difference(old: dict, new: dict) -> dict:
    """What stood where another object stands now; names that begin with _ are the kernel's."""
    names = [name for name in {**old, **new} if not name.startswith("_")]
    both = [(name, old.get(name, GONE), new.get(name, GONE)) for name in names]
    return {name: was for name, was, now in both if was is not now}


class Pickler(pickle.Pickler):
    """Pickle's quick one, for objects that this process only compares with themselves, later."""

    def reducer_override(self, obj):
        """Tensors as numpy holds them; all else as it is."""
        held = once.plain(obj)
        return NotImplemented if held is obj else (type(obj), (held,))


class Sink:
    """A file that keeps a hash of what is written."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self.write = self.hash.update


def digest(value) -> str:
    """A name for all that an object holds; empty if it cannot change, or cannot be looked into."""
    if isinstance(value, PLAIN):
        return ""
    sink = Sink()
    try:
        Pickler(sink, protocol=5).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError, RuntimeError):
        return ""
    return sink.hash.hexdigest()


def chance() -> tuple:
    """The state of the random numbers that everybody shares."""
    return torch.get_rng_state(), np.random.get_state(), random.getstate()


def put(state: tuple) -> None:
    """Go back to a state of the random numbers."""
    torch.set_rng_state(state[0])
    np.random.set_state(state[1])
    random.setstate(state[2])


def same(a: tuple, b: tuple) -> bool:
    """Whether two states of the random numbers are one."""
    ours, theirs = (pickle.dumps((state[0].tolist(), *state[1:])) for state in (a, b))
    return ours == theirs


def begin(folder: Path, found: list[Piece], where: Path, report: Path):
    """In a kernel, before its first cell: as `once.begin`, for two notebooks."""
    saved = once.begin(folder)
    return Worlds(get_ipython(), found, where, report, saved).finish
