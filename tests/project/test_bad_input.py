"""Every public call, with one argument at a time made wrong: it is refused in three parts, or it works.

Hypothesis chooses the argument and the value; the choice repeats. To try everything there is:

    RAGTEACH_ATTACK=all python -m pytest tests/project/test_bad_input.py
"""

import math
import os

import attack
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ragteach as rt

SLOW = (
    "export_onnx",
    "export_program",
    "compare",
    "who_wins_map",
    "search",
    "WandB",
    "RAGClassifier",
)
EVERYTHING = os.environ.get("RAGTEACH_ATTACK") == "all"
ARGUMENTS: dict[str, list[str]] = {}
VALUES = st.one_of(
    st.sampled_from(sorted(attack.WRONG)).map(lambda name: (name, attack.WRONG[name])),
    st.floats(-10, 10).map(lambda x: (f"{x!r}", lambda: x)),
    st.integers(-3, 5).map(lambda i: (f"{i!r}", lambda: i)),
    st.text(max_size=3).map(lambda t: (repr(t), lambda: t)),
    st.lists(st.floats(allow_nan=True, width=32), max_size=3).map(lambda v: (repr(v), lambda: v)),
)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """A wrong value may be a fine name of a file."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.chdir(tmp_path)


def test_every_public_name_is_attacked():
    """A new name needs a call in tests/attack.py, or a reason why it has none."""
    called = {name.split(".")[0] for name in attack.CALLS}
    assert called | attack.NO_CALLS.keys() | attack.FORMULAS >= set(rt.__all__)
    assert not called & attack.NO_CALLS.keys()


@pytest.mark.parametrize("name", [name for name in attack.CALLS if name != "export_onnx"])
def test_the_calls_work(name):
    made = attack.CALLS[name]()
    assert attack.sane(made.function(**made.valid)), name


@pytest.mark.parametrize("name", attack.CALLS)
@settings(
    max_examples=15, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(choice=st.data())
def test_one_wrong_argument(name, choice):
    if name not in ARGUMENTS:
        ARGUMENTS[name] = attack.CALLS[name]().arguments()
    arguments = ARGUMENTS[name]
    if not arguments or name == "export_onnx":  # takes seconds each
        return
    if name.startswith(SLOW) and choice.draw(st.integers(0, 3)):
        return
    argument = choice.draw(st.sampled_from(arguments))
    label, make = choice.draw(VALUES)
    said = attack.verdict(name, argument, label, make())
    assert not said, f"{name}({argument}={label}): {said}"


@pytest.mark.skipif(not EVERYTHING, reason="takes minutes: RAGTEACH_ATTACK=all")
@pytest.mark.parametrize("name", attack.CALLS)
def test_every_argument_with_every_wrong_value(name):
    found = []
    for argument in attack.CALLS[name]().arguments():
        for label, make in (attack.WRONG | attack.MORE).items():
            said = attack.verdict(name, argument, label, make())
            if said:
                found.append(f"{name}({argument}={label}): {said}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("result", "fine"),
    [
        (math.nan, False),
        ({"a": [1.0, math.inf]}, False),
        (torch.tensor([math.nan]), False),
        (np.array([1.0, math.nan]), False),
        ({"a": [1.0, 2]}, True),
        (torch.ones(2), True),
    ],
)
def test_the_judge_sees_what_is_not_finite(result, fine):
    assert attack.sane(result) is fine


def test_the_judge_wants_three_parts_and_the_name(monkeypatch):
    def judged(error):
        def raises(lam):
            raise error

        monkeypatch.setitem(attack.CALLS, "it", lambda: attack.Call(raises, {"lam": 1}))
        return attack.verdict("it", "lam", "NaN", math.nan)

    fine = rt.RagteachError("Expected: lam\nGot: b\nWhat to do: c")
    assert judged(fine) == ""
    assert judged(rt.RagteachError("lam is bad")).startswith("not three parts")
    unnamed = rt.RagteachError("Expected: a\nGot: b\nWhat to do: c")
    assert judged(unnamed).startswith("does not name")
    assert judged(TypeError("lam")) == "TypeError: lam"
    monkeypatch.setitem(attack.CALLS, "it", lambda: attack.Call(lambda lam: 1.0, {"lam": 1}))
    assert attack.verdict("it", "lam", "NaN", math.nan) == "accepted"
