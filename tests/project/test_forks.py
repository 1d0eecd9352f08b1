"""A forked program behaves as a fresh one does."""

import pytest
from forks import python


@pytest.mark.parametrize(
    ("code", "number", "said", "complained"),
    [
        ("import sys; print(sys.argv[1:], sys.stdin.read())", 0, "['1', 'b'] hello\n", ""),
        ("import sys; print('e', file=sys.stderr); sys.exit(2)", 2, "", "e\n"),
        ("import os; os._exit(9)", 9, "", ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, "", ""),
        ("import os; print(os.environ['WORD'], os.environ.get('HOME'))", 0, "red None\n", ""),
        ("raise ValueError('blue')", 1, "", "ValueError: blue\n"),
        ("import torch; x = torch.ones(1, requires_grad=True); (x * x).backward()", 0, "", ""),
    ],
)
def test_a_forked_program(code, number, said, complained):
    done = python(code, 1, "b", text="hello", env={"WORD": "red"})
    assert (done.returncode, done.stdout) == (number, said)
    assert done.stderr.endswith(complained) and bool(done.stderr) == bool(complained)
