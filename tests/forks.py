"""Python processes that are forked from one in which torch and its kin are imported already.

A fresh Python spends some ten seconds on imports, and the tests start some sixty: a kernel for
each notebook, and programs that must not share the tests' own process.  Both are forked from one
server instead (`multiprocessing`'s forkserver), which has imported much and run nothing.  Where the
start itself is tested, a test starts Python plainly; ``make notebooks`` starts plain kernels.
"""

import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

from jupyter_client.provisioning import local_provisioner

HERE = os.path.dirname(os.path.abspath(__file__))
# Read once, when Python or a library starts: a fork cannot change them any more.
EARLY = {
    "PYTHONPATH": os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH")])),
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
HEAVY = [
    "no_grammar",
    "anywidget",
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "nbformat",
    "pandas",
    "pooch",
    "ragteach.study.plots",
    "ragteach.teach.checks",
    "ragteach.widgets",
    "scipy.stats",
    "seaborn",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "torch",
    "torch._dynamo",  # the first optimiser of a process imports it
]
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(HEAVY)


def prepare(modules, early=None):
    """Other imports, and other early settings if given, before the first fork of this process."""
    _server.set_forkserver_preload(modules)
    if early is not None:
        EARLY.clear()
        EARLY.update(early)


def _start(target, *arguments):
    """(process, the end of a pipe on which it tells something), once it leads a group of its own."""
    told, tell = _server.Pipe(duplex=False)
    with mock.patch.dict(os.environ, EARLY):
        process = _server.Process(target=_run, args=(target, tell, *arguments), daemon=True)
        process.start()
    tell.close()
    told.recv()
    return process, told


def _run(target, tell, environment, folder, streams, *arguments):
    """In the new process: put on the environment, then go."""
    os.setsid()  # signals go to this group, which must not be that of the tests
    # The server of forks lives while somebody holds this pipe: only the process that made it shall.
    os.close(forkserver._forkserver._forkserver_alive_fd)
    forkserver._forkserver._forkserver_alive_fd = None
    tell.send("ready")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None  # it may have been found in the old environment
    sys.path[:] = [path for path in sys.path if not path.startswith(HERE)]
    for number, path in enumerate(streams):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY
        stream = os.open(path, flags)
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
    target(tell, *arguments)


# ------------------------------------------------------------------ kernels


class Kernel:
    """What jupyter_client asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, process, told):
        self.process, self.told, self.pid = process, told, process.pid

    def poll(self):
        return self.process.exitcode

    def wait(self, timeout=None):
        self.process.join(timeout)
        return self.process.exitcode

    @property
    def returncode(self):
        return self.process.exitcode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.process.terminate()

    def kill(self):
        self.process.kill()

    def cpu_seconds(self) -> float:
        """What the kernel and its children used, once it has ended."""
        with self.told:
            return self.told.recv()


def _kernel(tell, arguments, begin):
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=os.getppid())  # it ends with the process that forks
    app.initialize(arguments)
    saved = begin() if begin else lambda: 0.0
    try:
        app.start()
    finally:
        usage = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        tell.send(sum(u.ru_utime + u.ru_stime for u in usage) + saved())


@contextmanager
def forked_kernels(begin=None):
    """In here jupyter_client forks its kernels; yields the list of those started.

    ``begin`` is called in a kernel before its first cell. What it returns is called at the end, and
    gives CPU seconds to add: those that other processes spent for this one.
    """
    started = []

    def launch_kernel(command, env=None, cwd=None, **_):
        arguments = command[command.index("-f") :]
        kernel = Kernel(
            *_start(_kernel, env, cwd or os.getcwd(), [os.devnull] * 3, arguments, begin)
        )
        started.append(kernel)
        return kernel

    with mock.patch.object(local_provisioner, "launch_kernel", launch_kernel):
        yield started


# ------------------------------------------------------------------ programs


def _program(tell, code, arguments):
    import __main__

    sys.argv = ["-c", *arguments]
    space = {"__name__": "__main__", "__builtins__": __builtins__}
    __main__.__dict__.update(space)
    number = 0
    try:
        exec(compile(code, "<string>", "exec"), space)
    except SystemExit as leaving:
        number = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
        number = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(number or 0)


@dataclass
class Begun:
    """A program that may still run: its code, its process, and the folder of what it says."""

    code: str
    process: multiprocessing.Process
    folder: tempfile.TemporaryDirectory


def begun(code, *arguments, env=None, cwd=None, text="") -> Begun:
    """Begin ``python -c code arguments`` in a fork."""
    folder = tempfile.TemporaryDirectory()
    streams = [Path(folder.name, name) for name in ("in", "out", "err")]
    for path, content in zip(streams, (text, "", ""), strict=True):
        path.write_text(content, encoding="utf-8")
    environment = dict(os.environ if env is None else env)
    arguments = [str(argument) for argument in arguments]
    place = str(cwd or os.getcwd())
    try:
        process, told = _start(_program, environment, place, streams, code, arguments)
    except BaseException:
        folder.cleanup()
        raise
    told.close()
    return Begun(code, process, folder)


def ended(program: Begun, timeout=300) -> subprocess.CompletedProcess:
    """Wait for its end; returns what `subprocess.run` would, as text."""
    with program.folder as folder:
        program.process.join(timeout)
        if program.process.exitcode is None:
            program.process.kill()
            raise subprocess.TimeoutExpired(program.code, timeout)
        said = [Path(folder, name).read_text(encoding="utf-8") for name in ("out", "err")]
    command = [sys.executable, "-c", program.code]
    return subprocess.CompletedProcess(command, program.process.exitcode, *said)


def python(code, *arguments, env=None, cwd=None, text="", timeout=300):
    """Run ``python -c code arguments`` in a fork; returns what `subprocess.run` would, as text."""
    return ended(begun(code, *arguments, env=env, cwd=cwd, text=text), timeout)
