"""Two functions have one identity only if they do the same for the same reasons."""

import functools
import json
import threading

import forks
import numpy as np
import pytest
import torch
from problems import refused

from ragteach.study.identity import identity

FACTOR = 2


class Times:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * x


def helped(x):
    return doubled(x)


def doubled(x):
    return FACTOR * x


def closed(k):
    return lambda x: k * x


def nested(k):
    def outer(x):
        def inner(y):
            return k(y)

        return inner(x)

    return outer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (closed(1), closed(2)),
        (closed(1), closed(1.0)),
        (nested(closed(1)), nested(closed(2))),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (Times(1), Times(2)),
        (Times(1).__call__, Times(2).__call__),
        (lambda x, k=1: x, lambda x, k=2: x),
        (lambda x, *, k=1: x, lambda x, *, k=2: x),
        (closed(np.zeros(3)), closed(np.ones(3))),
        (
            closed(torch.zeros(2000)),
            closed(torch.zeros(2000).index_fill(0, torch.tensor([999]), 1)),
        ),
        (closed({"a": [1, {2}]}), closed({"a": [1, {3}]})),
        (lambda x: [y + 1 for y in x], lambda x: [y + 2 for y in x]),
    ],
)
def test_what_differs_has_another_identity(one, other):
    assert json.dumps(identity(one)) != json.dumps(identity(other))
    assert identity(one) == identity(one)


def test_a_helper_and_a_value_of_the_same_file_count(monkeypatch):
    before = identity(helped)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    assert identity(helped) != before
    monkeypatch.undo()
    monkeypatch.setitem(globals(), "doubled", lambda x: x + x)
    assert identity(helped) != before
    monkeypatch.undo()
    assert identity(helped) == before


def test_functions_that_call_each_other_have_one_too(monkeypatch):
    monkeypatch.setitem(globals(), "doubled", lambda x: helped(x))
    assert "itself" in json.dumps(identity(helped))


def test_an_attribute_is_no_variable_of_its_name(monkeypatch):
    before = json.dumps(identity(lambda x: x.FACTOR))
    monkeypatch.setitem(globals(), "FACTOR", 3)
    assert json.dumps(identity(lambda x: x.FACTOR)) == before


def test_another_process_finds_the_same():
    """Sets of words have another order there."""
    code = (
        "k = {'b', 'a', 'c'}\nclass It:\n  def __init__(self): self.x = {'x', 'y', 'z'}\n"
        "it = It()\nf = lambda x: x in {'p', 'q', 'r'} or (k, it)\n"
    )
    space = {"__name__": "theirs"}
    exec(code, space)
    there = (
        "import json; from ragteach.study.identity import identity\n"
        f"space = {{'__name__': 'theirs'}}; exec({code!r}, space)\n"
        "print(json.dumps(identity(space['f'])))"
    )
    done = forks.python(there)
    assert json.loads(done.stdout) == json.loads(json.dumps(identity(space["f"])))


def test_what_cannot_be_told_from_others_is_refused():
    with refused("told from others", "lock", "leave out"):
        identity(closed(threading.Lock()))
