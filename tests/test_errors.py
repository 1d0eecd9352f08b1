"""Every refusal has three parts, and they are the whole message."""

import numpy as np
import pytest
import torch

from ragteach.errors import RagteachError, at_least, distinct, one_of, refuse, whole


def message(function, *args):
    with pytest.raises(RagteachError) as caught:
        function(*args)
    return str(caught.value)


def test_refuse_builds_and_does_not_raise():
    error = refuse(expected="a", got="b", fix="c")
    assert isinstance(error, ValueError)
    assert str(error) == "Expected: a\nGot: b\nWhat to do: c"


def test_one_of_lists_every_option():
    one_of("graph", "all", ("all", "random"))
    assert message(one_of, "graph", "al", ("all", "random")) == (
        "Expected: graph to be one of 'all', 'random'\nGot: graph = 'al'\n"
        "What to do: choose one of 'all', 'random'"
    )


@pytest.mark.parametrize("value", [np.zeros(3), torch.zeros(3), [], None, {}])
def test_one_of_refuses_what_cannot_be_compared(value):
    assert message(one_of, "task", value, ["films"]).startswith("Expected: task to be one of 'films'\nGot: ")


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf"), "many", None, [1, 2]])
def test_at_least(value):
    at_least("lam", 0), at_least("lam", 0.5), at_least("lam", np.float32(2))
    assert message(at_least, "lam", value) == (
        f"Expected: lam to be a finite number >= 0\nGot: lam = {value!r}\nWhat to do: use lam >= 0"
    )


@pytest.mark.parametrize("value", [0, -3, 1.0, 2.5, "2", None, True])
def test_whole(value):
    whole("epochs", 1, 1), whole("epochs", np.int64(4), 1)
    assert message(whole, "epochs", value, 1) == (
        f"Expected: epochs to be a whole number >= 1\nGot: epochs = {value!r}\n"
        "What to do: use a whole number, epochs >= 1"
    )


def test_distinct_names():
    assert distinct(3, "A", "adapter names") == ["A1", "A2", "A3"]
    assert distinct(["x", 7], "A", "adapter names") == ["x", "7"]
    assert distinct(np.int64(1), "A", "adapter names") == ["A1"]
    for names, bad in ((["a", "a"], "a"), (["", "b"], ""), (["keys"], "keys"), (["a.b"], "a.b")):
        assert message(distinct, names, "A", "adapter names", {"keys"}) == (
            f"Expected: distinct, non-empty adapter names without dots\n"
            f"Got: {names}, of which {bad!r} is repeated, empty or reserved\n"
            "What to do: choose another name for it"
        )
    assert "whole number" in message(distinct, 2.5, "A", "adapter names")
