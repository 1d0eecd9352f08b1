"""Every refusal has three parts, and they are the whole message."""

import itertools
import math
import sys
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch

from ragteach import RAG, WandB, compare, export_onnx, search, to_peft, who_wins_map
from ragteach.errors import RagteachError, at_least, finite, need, one_of, refuse, whole
from ragteach.ground.arguments import distinct, members, texts_in
from ragteach.integrations.tracking import TensorBoard


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
    assert message(one_of, "task", value, ["films"]).startswith(
        "Expected: task to be one of 'films'\nGot: "
    )


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf"), "many", None, [1, 2], True])
def test_at_least(value):
    at_least("lam", 0)
    at_least("lam", 0.5)
    at_least("lam", np.float32(2))
    assert message(at_least, "lam", value) == (
        f"Expected: lam to be a finite number >= 0\nGot: lam = {value!r}\nWhat to do: use lam >= 0"
    )


@pytest.mark.parametrize("value", [0, -3, 1.0, 2.5, "2", None, True])
def test_whole(value):
    whole("epochs", 1, 1)
    whole("epochs", np.int64(4), 1)
    assert message(whole, "epochs", value, 1) == (
        f"Expected: epochs to be a whole number >= 1\nGot: epochs = {value!r}\n"
        "What to do: use a whole number, epochs >= 1"
    )


@pytest.mark.parametrize("value", [2**31, 10**400])
def test_no_count_is_larger_than_a_computer_counts(value):
    whole("epochs", 2**31 - 1)
    assert message(whole, "epochs", value).startswith(
        "Expected: epochs to be a whole number >= 0 and <= 2147483647\nGot: epochs = "
    )
    whole("seed", value, 0, math.inf)


def test_a_number_may_have_a_largest_value_too():
    at_least("share", 1, 0, 1)
    assert message(at_least, "share", 1.5, 0, 1) == (
        "Expected: share to be a finite number >= 0 and <= 1\nGot: share = 1.5\n"
        "What to do: use share >= 0 and <= 1"
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


def without(monkeypatch, package):
    """As if the package were not installed."""
    monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("optuna", lambda: search(None, None)),
        ("tensorboard", lambda: TensorBoard("runs")),
        ("wandb", lambda: WandB()),
        ("peft", lambda: to_peft(RAG(4, 2, 2))),
        ("onnx", lambda: export_onnx(RAG(4, 2, 2), "model.onnx")),
        ("onnxscript", lambda: export_onnx(RAG(4, 2, 2), "model.onnx")),
    ],
)
def test_a_missing_extra_is_named_with_its_cure(monkeypatch, tmp_path, package, use):
    monkeypatch.chdir(tmp_path)
    without(monkeypatch, package)
    said = message(use).splitlines()
    assert said[0] == f"Expected: the optional package {package}"
    assert said[1].startswith("Got: none that can be imported (")
    cure = f"pip install {package} (in a notebook: %pip install {package})"
    assert said[2] == f"What to do: {cure}, then run this again"
    assert list(tmp_path.iterdir()) == []


def test_need_is_silent_about_what_is_there():
    assert need("numpy", "torch") is None


class NoRepr:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (NoRepr(), "a value of type NoRepr that cannot be printed"),
        (10**5000, "a value of type int that cannot be printed"),  # more digits than Python prints
        (10**400, "1" + 199 * "0" + " ..."),
        (Decimal("sNaN"), "Decimal('sNaN')"),  # any comparison with it raises
        (pd.array([1, None], dtype="Int64"), "<IntegerArray>"),  # == gives one answer a member
    ],
    ids=["no words", "5000 digits", "400 digits", "signalling NaN", "array with NA"],
)
def test_a_value_that_is_hard_to_compare_or_to_print_is_refused_all_the_same(value, got):
    assert got in message(one_of, "graph", value, ("all", "random"))
    assert got in message(at_least, "lam", value)
    assert got in message(finite, "weight", value)


def endless():
    while True:
        yield "name"


def broken():
    yield "name"
    raise KeyError("in the middle")


def test_lists_that_break_or_never_end_are_refused():
    assert "or never ends" in message(distinct, endless(), "A", "adapter names")
    assert "breaks as it is read (KeyError" in message(distinct, broken(), "A", "adapter names")
    assert "whole number" in message(distinct, 10**30, "A", "adapter names")
    assert "bytearray" in message(who_wins_map, [0.5], bytearray(b"ab"))
    assert "seeds" in message(compare, "toy", 10**30)


class Unread:
    """A million numbers more than may be read: reading even one of them fails the test."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        raise AssertionError(f"number {i} was read")


Sequence.register(Unread)


@pytest.mark.parametrize("value", [range(10**12), range(10**30), Unread(10**6 + 1)])
def test_what_is_too_long_is_refused_without_being_read(value):
    assert "at most 1,000,000 values of names" in message(members, "names", value, "name them")


@pytest.mark.parametrize(
    "make", [itertools.count, lambda: itertools.cycle([0]), lambda: itertools.repeat(0)]
)
def test_what_never_ends_is_refused_without_being_read(make):
    value = make()
    assert "or never ends" in message(members, "names", value, "name them")
    assert "or never ends" in message(texts_in, "texts", value, "name them", 10**6)
    assert next(value) == 0


def test_repeat_with_a_number_of_times_ends():
    assert members("names", itertools.repeat("a", 2), "") == ["a", "a"]


def test_of_texts_that_are_numbers_only_the_first_is_read():
    numbers = itertools.islice(itertools.count(), 10**9)
    assert texts_in("texts", numbers, "", 10**8) == [0] and next(numbers) == 1
    assert texts_in("texts", range(10**7), "", 10**8) == [0]
    assert texts_in("texts", iter(["a", 1]), "", 10**8) == ["a", 1]


def test_of_very_many_options_one_of_says_how_many_and_the_nearest():
    said = message(one_of, "task", "tsak 29", [f"task {i}" for i in range(300_000)])
    assert "'task 39', ... (300,000 in all; the nearest: 'task 29'" in said
    assert "'task 40'" not in said and len(said) < 3000


def test_no_part_of_a_refusal_is_longer_than_a_screen():
    parts = dict.fromkeys(("expected", "got", "fix"), "x" * 10**6)
    short = "x" * 2000 + " ..."
    assert str(refuse(**parts)) == f"Expected: {short}\nGot: {short}\nWhat to do: {short}"
