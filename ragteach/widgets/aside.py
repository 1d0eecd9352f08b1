"""A process aside: answers that do not wait for a running cell.

Enters: an ``answer(want)`` and what is wanted.  Leaves: its reply, computed where no cell runs.

A solve makes thousands of small operations, and each lets go of the interpreter.  Beside a running
cell every
one of them waits for its turn again: 20 ms become 600.  So a live explorer that somebody looks at
starts one more Python process, once for the whole kernel.  It ends with the kernel.
"""

import contextlib
import functools
import multiprocessing
import pickle
import signal
import threading

import torch

GRACE = 10.0  # seconds without an answer after which the process is given up


def serve(pipe):
    """The process: learn an answer, or answer; one message after another, until the kernel hangs
    up.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stop button is meant for the cell
    torch.set_num_threads(1)
    answers = {}
    pipe.send("ready")
    with contextlib.suppress(EOFError, OSError):
        while True:
            key, message = pipe.recv()
            if isinstance(message, bytes):
                answers[key] = pickle.loads(message)
                continue
            try:
                pipe.send((answers[key](message), None))
            except Exception as error:
                pipe.send((None, error))


class Aside:
    """The process, and what it has learnt.  All explorers of a kernel share one (`aside`)."""

    def __init__(self):
        self.lock, self.process, self.pipe, self.known = threading.Lock(), None, None, set()

    def start(self):
        """Begin to start it; it takes two seconds, and nobody waits for them."""
        with self.lock:
            if self.process is not None and self.process.is_alive():
                return
            context = multiprocessing.get_context("spawn")
            self.pipe, far = context.Pipe()
            process = context.Process(
                target=serve, args=(far,), daemon=True, name="ragteach explorers"
            )
            with contextlib.suppress(OSError):  # no room for one: then it must go without
                process.start()
                self.process, self.ready, self.known = process, False, set()
            far.close()  # so that either side hears it when the other is gone

    def stop(self):
        """End it; `start` starts another."""
        with self.lock:
            self._stop()

    def ask(self, key, answer, want):
        """``answer(want)`` by the process, or None if it is not there (yet). What fails there is
        raised here.

        Args:
            key: which answer this is; the process learns it the first time.
            answer: a function that can be pickled.
        """
        with self.lock:
            if self.process is None:
                return None
            try:
                if not self.ready:
                    if not self.pipe.poll():
                        return None
                    self.ready = self.pipe.recv() == "ready"
                if key not in self.known:
                    self.pipe.send((key, pickle.dumps(answer)))
                    self.known.add(key)
                self.pipe.send((key, want))
                if not self.pipe.poll(GRACE):
                    raise EOFError
                reply, error = self.pipe.recv()
            except (EOFError, OSError):  # it was killed, or hangs
                self._stop()
                return None
        if error is not None:
            raise error
        return reply

    def _stop(self):
        if self.process is not None:
            self.process.kill()
            self.pipe.close()
            self.process = self.pipe = None


@functools.cache
def aside() -> Aside:
    """The one of this kernel."""
    return Aside()
