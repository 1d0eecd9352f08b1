"""A student's code in a process of its own, with limits, that answers the judge's questions.

Enters: statements and an expression.  Leaves: the expression's value as data; if it is a function,
a stand-in that the judge can call: arguments go in, what it returns comes out.

The judge never runs a line of the student's, and the student's process never judges. A limit is set
on seconds, memory, file size and number of processes; the process has a folder and a HOME of its
own; where Linux has namespaces it has no network, sees no other process, and reads nothing but the
course (`namespaces`). `contained` says in words what is contained and what is not.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ragteach.errors import refuse
from ragteach.teach.checks import Unfinished, Wrong
from ragteach.teach.classroom import footprint, namespaces, things, wire, worlds
from ragteach.teach.classroom.desk import Desk
from ragteach.teach.watching import refused_now


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    Attributes:
        seconds: of CPU for one answer; by the clock `PATIENCE` times as long, and on a busy machine
            as many times more as it has processes to a core.
        memory: bytes that it may take beyond what it starts with; on Linux, all its processes
            together.
        files: bytes of one file, and of all its files where namespaces are there.
        processes: how many processes and threads.
        namespaces: use Linux namespaces.
    """

    seconds: float = 20.0
    memory: int = 1_500_000_000
    files: int = 16_000_000
    processes: int = 32
    namespaces: bool = True


PATIENCE = 3  # times Limits.seconds: what an answer may take by an idle machine's clock, all calls


def crowding() -> float:
    """How many times longer by the clock things take than on an idle machine: n processes that
    want to run, on fewer cores, each wait for their turn. At least 1.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def contained(limits: Limits) -> tuple[bool, list[str]]:
    """(is everything contained?, what is and what is not, in lines for the teacher)."""
    if os.name != "posix":
        raise refuse(
            expected="a system with fork and resource limits (Linux, macOS, WSL)",
            got=f"os.name = {os.name!r}",
            fix="grade on Linux or macOS, or in WSL or Docker on Windows",
        )
    why = namespaces.missing() if limits.namespaces else "namespaces are switched off"
    lines = [
        f"contained: time ({limits.seconds:g} s of CPU an answer), memory "
        f"(+{limits.memory // 1_000_000} MB), file size ({limits.files // 1_000_000} MB), output",
    ]
    if not why:
        lines.append(
            "contained: network (none), processes (own), files (the course read-only, one folder "
            "of its own in memory, nothing else to read)"
        )
        return True, lines
    lines.append(
        f"NOT contained, {why}: the network, reading your files, writing where you may write, "
        "other processes of yours. Grade in a container or a virtual machine, as a user without "
        "files"
    )
    return False, lines


class Student:
    """One process of a student's code. Use it as a context; it is ended with all its children."""

    def __init__(self, limits: Limits, world: str, fresh: int = 0):
        self.limits = limits
        self.folder = tempfile.mkdtemp(prefix="ragteach-answer-")
        self.link, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        self.middle = os.fork()
        if self.middle == 0:
            self.link.close()
            _middle(theirs, limits, self.folder, world, fresh)
        theirs.close()
        self.first: int | None = None
        self.callbacks: list[Callable] = []  # functions of the judge's that the student may call
        self.handles: list[Any] = []  # what they handed out that is no data
        self.modules: list[torch.nn.Module] = []  # among the arguments of the call under way
        self.stand_ins: dict[int, Any] = {}
        self.raised: Exception | None = None
        try:
            soon = time.monotonic() + 60
            said = [wire.receive_data(self.link, soon) for _ in range(2)]  # in any order
            self.first = next(int(word["pid"]) for word in said if "pid" in word)
            if problem := next(word["problem"] for word in said if "problem" in word):
                raise wire.Hung(f"its process could not be contained: {problem}")
            self.until = time.monotonic() + PATIENCE * crowding() * limits.seconds
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Student:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started."""
        for pid in (self.first, self.middle):
            if pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.middle, 0)
        self.link.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def answer(self, statements: tuple[str, ...], expression: str) -> Any:
        """The value of ``expression`` after ``statements``, as data or as a stand-in.

        Raises:
            Unfinished, Wrong: the student's own; Hung, TooMuch: no answer.
        """
        wire.send_data(self.link, {"run": list(statements), "answer": expression})
        return self._value(self._reply())

    def handed(self, statements: tuple[str, ...], number: str) -> Any:
        """What the notebook, run on by ``statements``, handed to ``check`` last; ``...`` if
        nothing.
        """
        wire.send_data(self.link, {"run": list(statements), "handed": number})
        return self._value(self._reply())

    def inside(self, number: str) -> dict:
        """What the check says of the last answer, run beside the student's code: weaker."""
        wire.send_data(self.link, {"inside": number})
        return self._reply()

    def asked(
        self, what: str, place: int, name: str = "", args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """Ask for something to be done there: ``"call"``, ``"get"``, ``"set"`` or ``"inside"``.

        Modules among the arguments come back changed.
        """
        kwargs = kwargs or {}
        try:
            content = things.packed((args, kwargs), self.callbacks)
        except Exception:
            raise NotData from None
        before = self.modules
        self.modules = things.modules_in(args, kwargs)
        try:
            refused = [(*code, said) for code, said in refused_now().items()]
            wire.send_data(
                self.link, {"do": what, "place": place, "name": name, "refused": refused}
            )
            wire.send(self.link, content)
            said = self._reply()
            for module, state in zip(self.modules, said.get("modules", ()), strict=False):
                things.bring_home(module, state)
            return self._value(said)
        finally:
            self.modules = before

    def _reply(self) -> dict:
        """What is said in the end; until then the judge's own functions are at the student's
        call.
        """
        while True:
            said = wire.receive_data(self.link, self.until)
            if "callback" not in said:
                break
            self._called_back(said)
        if self.raised is not None:  # by one of the judge's own functions, whoever caught it there
            error = self.raised
            self.raised = None
            raise error
        if "error" in said:
            raise _error(str(said["error"]), str(said.get("message", "")))
        return said

    def _called_back(self, said: dict) -> None:
        try:
            function = self.callbacks[int(said["callback"])]
            args = self._decoded(said["args"])
            kwargs = self._decoded(said["kwargs"])
            answer = function(*args, **kwargs)
            content = things.packed(self._handed(answer), self.callbacks)
        except Exception as error:
            self.raised = self.raised or error
            wire.send_data(self.link, {"raised": type(error).__name__, "message": str(error)[:500]})
            return
        wire.send_data(self.link, {"returned": True})
        wire.send(self.link, content)

    def _handed(self, answer: Any) -> Any:
        """What a function of the judge's hands out: data, a model of the student's, else a
        handle.
        """
        for place, module in enumerate(self.modules):
            if answer is module:
                return things.Argument(place)
        if "other" not in str(wire.encode(answer))[:200]:
            return answer
        self.handles.append(answer)
        return things.Handle(len(self.handles) - 1)

    def _value(self, said: dict) -> Any:
        try:
            value = self._decoded(said.get("value"))
        except Exception:
            raise wire.Hung("it answered with something else than data") from None
        if isinstance(value, wire.Other):
            raise NotData
        return value

    def _decoded(self, told: Any) -> Any:
        return wire.decode(told, self._find)

    def _find(self, told: dict) -> Any:
        """A thing of the student's, or one of the judge's own that comes back."""
        place = int(told["place"])
        if told["kind"] == "thing":
            return things.thing_of(told, self.asked, self.stand_ins)
        if told["kind"] == "handle":
            return self.handles[place]
        module = self.modules[place]
        things.bring_home(module, told["state"])
        return module


class NotData(BaseException):
    """The exercise hands over, or wants back, what is no data: judged beside the student's code.

    No `Exception`, so that no checker takes it for an error of the student's.
    """


def _error(name: str, message: str) -> BaseException:
    """The student's error, as one of the judge's own."""
    known = {"Unfinished": Unfinished, "Wrong": Wrong}
    kind = known.get(name) or getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return RuntimeError(f"{name}: {message}"[:500])
    try:
        return kind(message[:500])
    except Exception:
        return RuntimeError(f"{name}: {message}"[:500])


# ------------------------------------------------------------------ in the student's process


def _middle(link: socket.socket, limits: Limits, folder: str, world: str, fresh: int) -> None:
    """Enter the namespaces, start the student's process as the first in them, and wait for its
    end.
    """
    problem = ""
    processes = own = None
    try:
        with contextlib.suppress(OSError):  # before it is out of sight
            processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
            footprint.let_go()
            own = footprint.of(processes, os.getpid())
        os.setsid()
        namespaces.die_with_parent()
        _close_all_but(link.fileno(), processes)
        if limits.namespaces:
            namespaces.enter(folder, limits.files)
        else:
            os.chdir(folder)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    pid = os.fork()
    if pid == 0:
        try:
            if processes is not None:
                os.close(processes)
            os.setsid()
            namespaces.die_with_parent()
            home = namespaces.OWN if limits.namespaces and not problem else folder
            problem = problem or _limit(limits, home)
            wire.send_data(link, {"problem": problem})
            if not problem:
                _serve(link, world, fresh)
        finally:
            os._exit(0)
    wire.send_data(link, {"pid": pid})
    link.close()
    with contextlib.suppress(BaseException):
        if own is not None and processes is not None:
            footprint.watch(processes, pid, own, limits.memory)
        os.waitpid(pid, 0)
    os._exit(0)


def _close_all_but(*kept: int | None) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    last = 2
    for number in sorted(number for number in kept if number is not None):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, 4096)


def _limit(limits: Limits, home: str) -> str:
    """Set every limit; what went wrong, or nothing."""
    import resource

    try:
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # no /proc
        used = 3_000_000_000
    seconds = int(limits.seconds) + 1
    wanted = [
        (resource.RLIMIT_AS, used + limits.memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits.files),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ]
    try:
        for what, most in wanted:
            hard = resource.getrlimit(what)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, most))
        if limits.namespaces:
            namespaces.become_student()
            namespaces.drop_capabilities()
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    own = {
        "RAGTEACH_CACHE": namespaces.cache_of_data(),
        "HOME": home,
        "TMPDIR": home,
        "RAGTEACH_HOME": home,
        "TQDM_DISABLE": "1",
    }
    kept = {"PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS", "MPLBACKEND"}
    for name in set(os.environ) - kept:
        del os.environ[name]
    os.environ.update(own)
    tempfile.tempdir = home
    return ""


def _serve(link: socket.socket, world: str, fresh: int) -> None:
    """Answer the judge until it hangs up. Nothing that is printed goes anywhere."""
    from ragteach.teach import checks, record

    judge = checks._judge
    sys.stdout = sys.stderr = _Nowhere()
    sys.stdin = io.StringIO()
    warnings.simplefilter("ignore")
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    record._session.clear()
    worlds.stay(world, fresh)
    scope: dict = {"__name__": "__main__", "display": lambda *a, **k: None}
    desk = Desk(link)
    mine: object = ...
    handed: dict[object, object] = {}
    check = checks.check

    def hand_in(number: str, yours: object = ...) -> checks.Result:
        handed[number] = yours
        return check(number, yours)

    checks.check = hand_in

    def do(asked: dict) -> dict:
        nonlocal mine
        if "handed" in asked:
            _run(asked["run"], "None", scope)
            mine = handed.get(asked["handed"], ...)
            return {"value": desk.told(mine)}
        if "run" in asked:
            mine = _run(asked["run"], asked["answer"], scope)
            return {"value": desk.told(mine)}
        if "inside" in asked:
            result = judge(str(asked["inside"]), mine)
            return {
                "status": result.status,
                "message": str(result.message)[:2000],
                "diagnosed": bool(result.diagnosed),
            }
        return desk.do(asked)

    desk.serve(do)


class _Nowhere(io.TextIOBase):
    """A stream that keeps nothing, however much is printed."""

    def write(self, text: str) -> int:
        return len(text)


def _run(statements: list[str], expression: str, scope: dict) -> object:
    """Each statement by itself: one that fails costs what leans on it."""
    failed: BaseException | None = None
    for source in statements:
        try:
            exec(compile(source, "<your notebook>", "exec"), scope)
        except BaseException as error:
            failed = failed or error
            if isinstance(error, MemoryError):
                break
    try:
        return eval(compile(expression, "<your notebook>", "eval"), scope)
    except BaseException as error:
        raise failed or error from None
