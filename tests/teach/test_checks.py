"""The checks teach: right answers PASS, every plausible wrong answer FAILS with its own message.

tests/teach/exercises/lesson_NN.py holds, for each exercise, WRONG[number] = {what it is: the answer}
(four or more) and RIGHT[number] = {what it is: the answer} (alternatives to the reference, one or
more).
"""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from giveaway import given_away, right_values

from ragteach.teach import checks, hints
from ragteach.teach.checks import FAIL, PASS, TODO, Wrong, check, expect_close
from ragteach.teach.watching import by_hand

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
    assert all(len(answers) >= 4 for answers in WRONG.values())
    assert all(len(answers) >= 1 for answers in RIGHT.values())


@pytest.mark.parametrize("number", sorted(EXERCISES))
def test_the_reference_passes(number):
    result = check(number, checks.reference(number))
    assert result.status == PASS, result


@pytest.mark.parametrize(("number", "name"), [(n, k) for n in sorted(RIGHT) for k in RIGHT[n]])
def test_other_right_answers_pass(number, name):
    result = check(number, RIGHT[number][name])
    assert result.status == PASS, result


def wrapped(number, how):
    """The rows or entries of what a function says, wrapped otherwise."""
    return lambda *args: how(checks.reference(number)(*args))


UNUSUAL = {
    "00-1": ["1500", [1500], np.array([[1500.0]]), torch.tensor(1500)],
    "00-2": ["Full_sharing", " FULL-SHARING. "],
    "00-3": ["B, C, A", ("b", "c", "a"), np.array(["b", "c", "a"])],
    "00-5": [
        {"20": "full_sharing", "40": "Full sharing", "80": "INDEPENDENT"},
        {20.0: "full sharing", np.int64(40): "full-sharing", 80: "independent."},
    ],
    "01-1": [wrapped("01-1", iter), wrapped("01-1", pd.DataFrame)],
    "01-2": [(1, -1, -1, 1), torch.tensor([[2.0], [-2], [-2], [2]])],
    "01-3": [wrapped("01-3", iter), wrapped("01-3", np.float32)],
    "01-5": [
        pd.Series({0.25: 20, 0.5: 80, 0.75: 160, 1: np.inf}),
        {"0.25": 20, "0.5": "80", "0.75": [160], "1": torch.tensor(float("inf"))},
    ],
    "02-3": [wrapped("02-3", lambda said: torch.tensor([bool(said)])), wrapped("02-3", int)],
    "03-9": [pd.Series({0.0: 0.21, 0.01: 0.28, 0.1: 0.93, 1.0: 0.96})],
    "04-5": [{key.upper(): word.upper() for key, word in checks.reference("04-5").items()}],
    "05-4": [pd.Series(checks.reference("05-4"))],
}


@pytest.mark.parametrize("number", UNUSUAL)
def test_a_right_answer_passes_in_any_wrapping(number):
    """Other cases, hyphens, keys as text or numbers, a Series, a generator, arrays of one number."""
    for answer in UNUSUAL[number]:
        result = check(number, answer)
        assert result.status == PASS, f"{answer!r}: {result}"
    if number == "01-2":
        assert check(number, iter((1, -1, -1, 1)))  # a generator can be read once


@pytest.mark.parametrize("number", sorted(WRONG))
def test_every_wrong_answer_fails_with_its_own_message(number, monkeypatch):
    results = {}
    for name, answer in WRONG[number].items():
        with right_values(monkeypatch) as compared:
            results[name] = check(number, answer)
        assert not given_away(number, answer, results[name], compared), results[name]
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


@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
@pytest.mark.parametrize("letters", ["ij->i", "ijkl->i"])
def test_a_wrong_einsum_is_no_unfinished_answer(probe, library, letters):
    """Both libraries speak of an "ellipsis" in this error."""
    number = probe(lambda yours: expect_close(checks.call(yours, library.ones(2)), np.ones(2)))
    result = check(number, lambda x: library.einsum(letters, x))
    assert result.status == FAIL and "a letter stands for an axis" in result.message


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (lambda: 1, "Compare the names and the number of your function's arguments"),
        (lambda x: x @ np.ones((3, 3)), "Print the shapes on both sides"),
        (lambda x: nowhere, "Run the cells above this one"),  # noqa: F821
        (lambda x: 1 / 0, "Read the last line of the error first"),
        (7, "Hand over the function itself, without brackets"),
        (lambda x: "seven", "should be numbers, not str"),
        (lambda x, y: x, r"takes x, y; the exercise hands over 1 argument"),
        (lambda x: x.total(), "has no attribute 'total'"),
        (lambda x: x @ np.ones((3, 3)), "lambda x: x @ np.ones((3, 3))"),  # the learner's own line
        (lambda x: np.linalg.norm(x, which=2), "unexpected keyword argument 'which'"),
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


IN_ANY_STYLE = {
    "numpy": lambda a, b: a.sum(axis=0, keepdims=True)[0] + b.astype(float),
    "torch": lambda a, b: a.sum(dim=0) + b.clone(),
    "torch's usual precision": lambda a, b: torch.ones(len(a)) @ a + b.detach(),
    "plain Python": lambda a, b: [sum(column) + c for column, c in zip(zip(*a), b)],  # noqa: B905
    "lists": lambda a, b: [sum(row[i] for row in a) + b[i] for i in range(len([] + b))],
}


@pytest.mark.parametrize("style", IN_ANY_STYLE)
@pytest.mark.parametrize("hand", [np.asarray, torch.as_tensor], ids=["arrays", "tensors"])
def test_a_right_function_passes_in_any_style_whatever_the_check_hands_over(probe, style, hand):
    a, b = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0])
    number = probe(lambda yours: expect_close(checks.call(yours, hand(a), hand(b)), a.sum(0) + b))
    assert check(number, IN_ANY_STYLE[style]).status == PASS


def test_the_lessons_own_kind_comes_first_and_its_error_is_the_one_told(probe):
    number = probe(lambda yours: checks.call(yours, np.ones(3)))
    met = []

    def never(x):
        met.append(type(x))
        raise KeyError(len(met))

    assert "KeyError: 1" in check(number, never).message
    assert met[0] is np.ndarray and torch.Tensor in met and list in met


RIGHT_ONE = np.array([[1.0, -2.0, 4.0], [0.5, 8.0, 3.0]])


@pytest.mark.parametrize(
    ("mine", "told"),
    [
        (-RIGHT_ONE, "opposite sign everywhere"),
        (2 * RIGHT_ONE, "is twice what it should be"),
        (3 * RIGHT_ONE, "is 3 times what it should be"),
        (RIGHT_ONE + 0.25, "off by the same 0.25"),
        (RIGHT_ONE**2, "is the square"),
        (1 / RIGHT_ONE, "upside down"),
        (np.abs(RIGHT_ONE), "no signs"),
        (1 - RIGHT_ONE, "1 minus the right answer"),
        (RIGHT_ONE.T, "two axes swapped"),
        (RIGHT_ONE[:, ::-1], "reverse order along axis 1"),
        (RIGHT_ONE[:, [1, 0, 2]], "in another order"),
        (RIGHT_ONE.ravel(), r"right numbers in the shape \(6,\)"),
        (RIGHT_ONE.mean(0), "has lost axis 0: a mean ran over it"),
        (RIGHT_ONE.sum(1), "has lost axis 1: a sum ran over it"),
        (RIGHT_ONE[0], "the first part only, along axis 0"),
        (np.stack([RIGHT_ONE - 1, RIGHT_ONE + 1]), "one axis too many"),
        (np.full((2, 3), 7.0), "is 7 in every entry"),
    ],
)
def test_common_slips_are_named_in_every_exercise(mine, told):
    with pytest.raises(Wrong, match=told) as caught:
        expect_close(mine, RIGHT_ONE)
    assert caught.value.diagnosed


def test_a_number_that_is_typed_as_text_is_read(probe):
    number = probe(lambda yours: expect_close(yours, 0.21))
    assert all(
        check(number, text) for text in ("21 %", "21%", "21 percent", "0,21", ".21", "21/100")
    )
    assert check(probe(lambda yours: expect_close(yours, [1, -1, -1])), "1, -1, -1")
    assert "should be numbers, not str" in check(number, "a fifth").message


@pytest.mark.parametrize(
    ("mine", "right", "told"),
    [
        (0.69, 0.69202, "is rounded to 2 decimals"),
        ([0.01, -0.02, 0.03], [0.0083, -0.0219, 0.0312], "is rounded to 2 decimals"),
        (0.07, 0.0713, "is rounded to 2 decimals"),
        ([0.57, 0.54], [0.5771, 0.5403], "is cut off, not rounded, after 2 decimals"),
        (0.7, 0.69202, "differs from what is asked"),  # any guess would be a rounded answer
        ([1, np.inf, 2], [1, 3, 2], "contains infinity where a number belongs, first at [1]"),
        ([1, 3, np.inf], [1, np.inf, np.inf], "is a finite number at [1], where none is possible"),
    ],
)
def test_rounding_and_infinity_are_told_as_such(probe, mine, right, told):
    assert told in check(probe(lambda yours: expect_close(yours, right)), mine).message


def test_a_choice_that_is_none_is_told_the_offered_ones_and_no_hint_beside_it(probe):
    def judge(yours):
        checks.expect_choice(yours, "for", {"against": "No.", "depends": "No."}, ("for", "against"))

    said = check(probe(judge), "guilty").message
    assert said == "Choose one of for, against; you wrote 'guilty'."


def test_a_part_that_is_right_by_chance_is_not_called_right(probe):
    def right(n, s):
        return s**2 / n, s**2 / n + 0.3

    def judge(yours):
        expect_close(checks.call(yours, 4, 2.0), right(4, 2.0), what="(own, pooled)")

    number = probe(judge, reference=right)
    assert "in part" in check(number, lambda n, s: (s**2 / n, 7.0)).message
    assert "in part" not in check(number, lambda n, s: (s / n**0.5, 7.0)).message


def test_a_slip_is_named_only_if_it_explains_the_function_at_other_inputs_too(probe):
    """At 2 the square is twice the number."""

    def checker(yours):
        expect_close(checks.call(yours, 2.0), 2.0)

    number = probe(checker, reference=lambda x: x)
    assert "factor of two" in check(number, lambda x: 2 * x).message
    assert "factor of two" not in check(number, lambda x: x * x).message


def test_a_guess_about_means_is_said_only_if_it_explains_the_answer(probe):
    rows = np.random.default_rng(0).normal(size=(4, 3)) + 2

    def judge(yours):
        expect_close(checks.call(yours, rows), rows.mean(0))

    number = probe(judge, reference=lambda x: x.mean(0))
    guesses = ("a sum, where the rule has a mean", "do the weights sum to 1")
    for function, guess in (
        (lambda x: 0.3 * x.sum(0) * np.array([1, 2, 3]), guesses[0]),
        (lambda x: 0.3 * (x * [[0.1], [0.2], [0.3], [0.6]]).sum(0), guesses[1]),
        (lambda x: x.mean(1), ""),
        (lambda x: np.linalg.norm(x, axis=1), ""),
        (lambda x: np.linalg.norm(x, axis=0), ""),
        (lambda x: np.cumsum(x, 0)[1] + 1 / len(x), ""),
    ):
        said = check(number, function).message
        assert [g for g in guesses if g in said] == [guess] * bool(guess), said


@pytest.mark.parametrize(
    ("what", "verb"),
    [
        ("The mean cosines", "differ"),
        ("The four shares", "differ"),
        ("The weights of your word", "differ"),
        ("The places", "differ"),
        ("The adapters of your film", "differ"),
        ("The list of scores", "differs"),
        ("The loss", "differs"),
        ("The bias", "differs"),
        ("The number of weights", "differs"),
        ("W_s of your film", "differs"),
        ("task_weights()", "differs"),
    ],
)
def test_the_verb_agrees_with_what_is_asked(what, verb):
    with pytest.raises(Wrong, match=f"^{re.escape(what)} {verb} in 2 of 9 entries"):
        expect_close([1, 7.5, 3.2, *range(6)], [1, 2, 4.5, *range(6)], what=what)


def test_a_call_of_the_librarys_own_is_refused_and_nobody_elses():
    with pytest.raises(Wrong, match="Yours calls shown: it does"), by_hand(checks.shown):
        checks.shown(3)
    with by_hand(checks.shown, eval):
        checks.as_choice("a")
    assert sys.getprofile() is None


def test_two_slips_that_give_the_same_are_told_as_two():
    with pytest.raises(Wrong, match=r"Either: the first\. Or: the second\."):
        expect_close(7, 12, wrong=[(7, "the first."), (8, "no."), (7, "the second.")])


def test_where_no_slip_fits_the_first_difference_and_the_rule_are_told(probe):
    off = RIGHT_ONE + np.array([[0, 0, 1.0], [0, 2.5, 0]])
    number = probe(lambda yours: expect_close(yours, RIGHT_ONE, what="W"), hints=["Add A_k.", "b"])
    said = check(number, off).message
    assert "W differs in 2 of 6 entries, first at [0, 2], where yours is 5. Look" in said
    assert said.endswith("Look again at this: Add A_k.")
    number = probe(lambda yours: expect_close(yours, RIGHT_ONE), rule="the sum over k")
    assert check(number, off).message.endswith("Look again at this: the sum over k")


def test_of_a_large_array_the_part_that_differs_is_shown(probe):
    right = np.zeros((3, 30, 40))
    mine = right.copy()
    mine[1, 17, 23] = 5.0
    shown = repr(check(probe(lambda yours: expect_close(yours, right)), mine))
    assert "5*" in shown and "part [1, 15:21, 21:29] of an array of shape (3, 30, 40)" in shown
    assert len(shown.splitlines()) < 20
    assert "yours:\n             7*" in repr(check(probe(lambda yours: expect_close(yours, 12)), 7))


@pytest.mark.parametrize(
    ("mine", "right", "told"),
    [
        (1499.0, 1512.0, "differs from what is asked: yours is 1499."),
        (0.42, 0.37, "yours is 0.42, too large."),
        (1501, 1500, "is one off: yours is 1501."),
        ([0.25, 1.5], [0.25, 2.75], "number 2 not yet: yours is 1.5, too small."),
        ([1, 0, 1], [1, 1, 0], "in another order."),
    ],
)
def test_a_wrong_number_is_told_its_place_and_its_direction_never_the_right_one(
    probe, mine, right, told
):
    """Of whole numbers not even the direction: too few are left to try."""
    result = check(probe(lambda yours: expect_close(yours, right)), mine)
    whole = repr(result) + result._repr_html_() + result.message
    assert told in result.message
    wanted = np.setdiff1d(np.atleast_1d(right), np.atleast_1d(mine))
    assert not any(f"{value:g}" in whole for value in wanted)


@pytest.mark.parametrize("slip", [2, 0.5, 100, 0.01])
def test_of_one_number_a_factor_is_named_without_its_direction(probe, slip):
    said = check(probe(lambda yours: expect_close(yours, 1500)), 1500 * slip).message
    assert "a factor of" in said and "twice" not in said.replace("counted twice", "")


def test_of_zeros_and_ones_only_the_first_difference_is_marked(probe):
    number = probe(lambda yours: expect_close(yours, [0, 1, 1, 0], wrong=[([1, 1, 0, 0], "No.")]))
    assert repr(check(number, [1, 1, 0, 0])).count("*") == 1


@pytest.mark.parametrize("follows", [np.max, np.mean])
def test_who_takes_not_the_best_of_what_follows_is_told_so(follows):
    def moves(leads, goal):
        d = np.full(len(leads), np.inf)
        d[goal] = 0
        for _ in leads:
            d = np.minimum(d, 1 + follows(d[leads], axis=1))
        return d

    assert "not the largest, nor the mean" in check("lab_robot-1", moves).message


def test_known_mistakes_come_before_wrong_shapes():
    with pytest.raises(Wrong, match="transposed"):
        expect_close(
            np.ones((2, 3)), np.ones((3, 2)), wrong=[(lambda: np.ones((2, 3)), "transposed")]
        )
    with pytest.raises(Wrong, match="has 2 numbers, and 3 are asked for"):
        expect_close([1, 2], [1, 2, 3])
    with pytest.raises(Wrong, match="nan where a number belongs"):
        expect_close([1, np.nan], [1, 2])
    with pytest.raises(Wrong, match="number 1 is, number 2 not yet: yours is 5"):
        expect_close(torch.tensor([1.0, 5.0], requires_grad=True), [1, 2])
    expect_close([torch.tensor(1.0), 2], np.array([1.0, 2.0]))
    expect_close(np.array([[3.0]]), 3)  # an array of one number is a number
    with pytest.raises(Wrong, match="is one number; 2 numbers are asked for"):
        expect_close(1.0, [1, 2])


def test_choices():
    checks.expect_choice(" (B) ", "b", {"a": "no"})
    with pytest.raises(Wrong, match="that is full sharing"):
        checks.expect_choice("a", "b", {"a": "that is full sharing"})
    with pytest.raises(Wrong, match="Choose one of a, b"):
        checks.expect_choice("z", "b", {"a": "no"})


def test_yours_is_marked_where_it_differs_as_text_and_as_picture(probe):
    expected = np.array([[1.0, 2.0], [3.0, 4.0]])
    number = probe(lambda yours: expect_close(yours, expected), rubric=["names the shape"])
    result = check(number, [[1, 2], [3, 5]])
    assert "5*" in repr(result) and "4*" not in repr(result) and "1*" not in repr(result)
    bundle = result._repr_mimebundle_()
    assert bundle["text/plain"] == repr(result)
    assert bundle["text/html"].count("≠") == 1
    assert "FAIL" in bundle["text/html"]  # a word, not only a colour
    passed = check(number, expected)
    assert (
        passed
        and "[ ] names the shape" in repr(passed)
        and "☐ names the shape" in passed._repr_html_()
    )
    assert "array of shape (200,)" in repr(checks.Result("x", FAIL, "m", np.ones(200)))


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
