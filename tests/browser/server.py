"""A notebook server whose kernels are forked, with torch and its kin imported (see `forks`).

What one kernel has trained, the kernels after it take from the session's folder (see `once`): every
notebook of the browser's tests makes the same few explorers.

It ends when the process that started it is gone, however that ended; so does the server that forks,
and with that its kernels.

    python tests/browser/server.py jupyterlab.labapp [what python -m jupyterlab takes]
"""

import importlib
import os
import sys
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

TESTS = str(Path(__file__).resolve().parents[1])
sys.path.insert(0, TESTS)

import forks  # noqa: E402
import no_grammar  # noqa: E402, F401
from ipykernel.parentpoller import ParentPollerUnix  # noqa: E402

READY = [*forks.HEAVY, "ipywidgets", "anywidget", "ragteach.widgets", "once"]


def begin():
    """In a kernel, before its first cell."""
    import once

    return once.begin(once.shared_folder())


def main() -> None:
    ParentPollerUnix(os.getppid()).start()
    app = importlib.import_module(sys.argv.pop(1))
    forks.prepare(READY)
    with mock.patch.dict(os.environ, forks.EARLY):
        forkserver.ensure_running()  # it imports while the server starts
    with forks.forked_kernels(begin):
        app.main()


if __name__ == "__main__":
    main()
