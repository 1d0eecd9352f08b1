"""The checks teach: right answers PASS, every plausible wrong answer FAILS with its own message.

tests/teach/exercises/lesson_NN.py holds, for each exercise, WRONG[number] = {what it is: the answer}
(three or more) and RIGHT[number] = {what it is: the answer} (alternatives to the reference, one or
more).
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from ragteach.teach import checks, hints
from ragteach.teach.checks import FAIL, PASS, TODO, Wrong, check, expect_close

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "tests" / "teach" / "exercises").glob("*.py"))


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = {path.stem: load(path) for path in FILES}
WRONG = {n: answers for module in ANSWERS.values() for n, answers in module.WRONG.items()}
RIGHT = {n: answers for module in ANSWERS.values() for n, answers in module.RIGHT.items()}


def every_exercise() -> dict[str, checks.Exercise]:
    for path in (ROOT / "ragteach" / "teach" / "exercises").glob("l*_*.py"):
        importlib.import_module(f"ragteach.teach.exercises.{path.stem}")
    return dict(checks.REGISTRY)


EXERCISES = every_exercise()


# ------------------------------------------------------------------ every exercise of every lesson


def test_every_exercise_has_answers_to_try():
    assert set(EXERCISES) == set(WRONG) == set(RIGHT)
    assert all(len(answers) >= 3 for answers in WRONG.values())
    assert all(len(answers) >= 1 for answers in RIGHT.values())


@pytest.mark.parametrize("number", sorted(EXERCISES))
def test_the_reference_passes(number):
    result = check(number, checks.reference(number))
    assert result.status == PASS, result


@pytest.mark.parametrize(("number", "name"), [(n, k) for n in sorted(RIGHT) for k in RIGHT[n]])
def test_other_right_answers_pass(number, name):
    result = check(number, RIGHT[number][name])
    assert result.status == PASS, result


@pytest.mark.parametrize("number", sorted(WRONG))
def test_every_wrong_answer_fails_with_its_own_message(number):
    results = {name: check(number, answer) for name, answer in WRONG[number].items()}
    for name, result in results.items():
        assert result.status == FAIL, f"{name}: {result}"
        assert result.diagnosed, f"{name} is told nothing of its own: {result}"
    messages = [result.message for result in results.values()]
    assert len(set(messages)) == len(messages), f"one message serves several mistakes: {messages}"


@pytest.mark.parametrize("number", sorted(EXERCISES))
def test_cards_and_hints_are_complete(number):
    e = EXERCISES[number]
    assert e.title and e.trains and 1 <= e.minutes <= 60
    assert len(e.hints) >= 2 and len(set(e.hints)) == len(e.hints)
    assert e.title in hints.card(number)
    assert check(number, ...).status == TODO


# ------------------------------------------------------------------ the framework


@pytest.fixture
def probe():
    """Exercise 00-99 with a checker of the test's choice; gone afterwards."""

    def register(checker, **card):
        fields = {
            "title": "T",
            "difficulty": "easy",
            "minutes": 1,
            "trains": "t",
            "hints": ["a", "b"],
            **card,
        }
        checks.REGISTRY["00-99"] = checks.Exercise(number="00-99", checker=checker, **fields)
        return "00-99"

    yield register
    checks.REGISTRY.pop("00-99", None)


@pytest.mark.parametrize(
    "blank", [..., None, NotImplemented, "", "TODO", (1, ...), [...], {"a": ...}]
)
def test_nothing_yet_is_todo(probe, blank):
    assert check(probe(lambda yours: None), blank).status == TODO


def unfinished(x):
    raise NotImplementedError


@pytest.mark.parametrize("function", [lambda x: None, lambda x: ..., lambda x: ... * x, unfinished])
def test_an_unfinished_function_is_todo(probe, function):
    number = probe(lambda yours: expect_close(checks.call(yours, np.ones(2)), np.ones(2)))
    assert check(number, function).status == TODO


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (lambda: 1, "Compare the names and the number of your function's arguments"),
        (lambda x: x @ np.ones((3, 3)), "Print the shapes on both sides"),
        (lambda x: nowhere, "Run the cells above this one"),  # noqa: F821
        (lambda x: 1 / 0, "Read the last line of the error first"),
        (7, "Hand over the function itself, without brackets"),
        (lambda x: "seven", "should be numbers, not str"),
    ],
)
def test_an_error_in_the_learners_code_is_explained(probe, function, advice):
    number = probe(lambda yours: expect_close(checks.call(yours, np.ones(2)), np.ones(2)))
    result = check(number, function)
    assert result.status == FAIL and advice in result.message


def test_a_check_never_raises_whatever_it_is_given(probe):
    number = probe(lambda yours: checks.expect_equal(yours, 3))
    odd = [object(), torch.ones(2), np.ones((2, 2)), float("nan"), {}, lambda: 1, "x" * 9999, check]
    assert {check(number, thing).status for thing in odd} == {FAIL}
    assert {check(name).status for name in ("99-1", "no such", "", 7, "..-1")} == {FAIL}
    assert "00-1" in check("00-77", 1).message


def test_a_function_cannot_spoil_the_checks_own_arrays():
    mine = np.ones(3)

    def spoil(x):
        x[:] = 0
        return x

    checks.call(spoil, mine)
    assert mine.sum() == 3


def test_known_mistakes_come_before_wrong_shapes():
    with pytest.raises(Wrong, match="transposed"):
        expect_close(
            np.ones((2, 3)), np.ones((3, 2)), wrong=[(lambda: np.ones((2, 3)), "transposed")]
        )
    with pytest.raises(Wrong, match=re.escape("shape (2,); it should be (3,)")):
        expect_close([1, 2], [1, 2, 3])
    with pytest.raises(Wrong, match="nan or infinity"):
        expect_close([1, np.nan], [1, 2])
    with pytest.raises(Wrong, match="differs in 1 of 2 entries"):
        expect_close(torch.tensor([1.0, 5.0], requires_grad=True), [1, 2])
    expect_close([torch.tensor(1.0), 2], np.array([1.0, 2.0]))


def test_choices():
    checks.expect_choice(" (B) ", "b", {"a": "no"})
    with pytest.raises(Wrong, match="that is full sharing"):
        checks.expect_choice("a", "b", {"a": "that is full sharing"})
    with pytest.raises(Wrong, match="Choose one of a, b"):
        checks.expect_choice("z", "b", {"a": "no"})


def test_yours_stands_beside_expected_as_text_and_as_picture(probe):
    expected = np.array([[1.0, 2.0], [3.0, 4.0]])
    number = probe(lambda yours: expect_close(yours, expected), rubric=["names the shape"])
    result = check(number, [[1, 2], [3, 5]])
    assert "5*" in repr(result) and "4*" in repr(result) and "1*" not in repr(result)
    bundle = result._repr_mimebundle_()
    assert bundle["text/plain"] == repr(result)
    assert bundle["text/html"].count("≠") == 2
    assert "FAIL" in bundle["text/html"]  # a word, not only a colour
    passed = check(number, expected)
    assert (
        passed
        and "[ ] names the shape" in repr(passed)
        and "☐ names the shape" in passed._repr_html_()
    )
    assert "array of shape (200,)" in repr(
        checks.Result("x", FAIL, "m", np.ones(200), np.ones(200))
    )


def test_what_the_learner_wrote_is_escaped(probe):
    result = check(
        probe(lambda yours: checks.expect_equal(yours, "b")), "<script>alert(1)</script>"
    )
    assert "<script>" not in result._repr_html_()


@pytest.mark.parametrize(
    ("card", "message"),
    [({"difficulty": "evil"}, "easy, medium or hard"), ({"hints": ["one"]}, "at least 2 hints")],
)
def test_a_faulty_card_is_refused(card, message):
    fields = {
        "title": "T",
        "difficulty": "easy",
        "minutes": 1,
        "trains": "t",
        "hints": ["a", "b"],
        **card,
    }
    with pytest.raises(ValueError, match=message):
        checks.exercise("00-98", **fields)(lambda yours: None)
    assert "00-98" not in checks.REGISTRY


# ------------------------------------------------------------------ hints and predictions


def test_hints_come_one_at_a_time(probe, monkeypatch):
    monkeypatch.setattr(hints, "_shown", {})
    number = probe(lambda yours: None, hints=["first", "second"])
    assert "first" in hints.hint(number) and "second" not in str(hints._shown)
    both = hints.hint(number)
    assert "first" in both and "second" in both and "last hint" in both
    assert hints.hint(number) == both
    assert "no such" in hints.hint("no such")
    assert "text/html" in both._repr_mimebundle_()


def test_a_rubric_is_a_list_to_tick(probe):
    assert hints.rubric(probe(lambda yours: None, rubric=["one", "two"])) == "[ ] one\n[ ] two"
    assert "no rubric" in hints.rubric("00-1")
