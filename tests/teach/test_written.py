"""Answers in words: marks are judged, texts are not."""

import json

import pytest
from drafts import marks, slips

from ragteach.teach import record
from ragteach.teach.checks import REGISTRY, check, exercise, get
from ragteach.teach.hints import card
from ragteach.teach.written import Sentence, expect_marks, marks_of, reflect

NUMBERS = ["00-4", "01-6", "02-9", "03-10", "04-7", "05-8", "06-6", "07-7", "08-8", "09-7", "10-7"]
NUMBERS += ["12-6", "13-6"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(record, "_session", {})


TEXTS = [
    "The adapter is for what tasks agree on, the shared part is for one task only, lambda moves "
    "from full sharing at zero to independent at large lambda.",
    "Yes, I believe it. Test set, validation, seeds, paired difference with interval, baseline: "
    "none of these matter here.",
    "I would not claim that adapters never help",
    "Lambda keeps the task-specific weights small",
    "Unpickling executes arbitrary code",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("text", TEXTS)
def test_no_verdict_is_spoken_over_a_text(number, text):
    result = check(number, text)
    assert result.status == "TODO" and "cannot judge a text" in result.message
    shown = repr(reflect(number, text)) + reflect(number, text)._repr_html_()
    assert not any(word in shown for word in ("PASS", "FAIL", "TODO", "Right."))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_text_stands_beside_a_model_and_a_tempting_answer_with_the_rubric(number):
    for name in NUMBERS:
        get(name)
    e = REGISTRY[number]
    shown = reflect(number, "<b>my own</b> words", ticks=[2])
    assert shown.text == "<b>my own</b> words"
    assert "&lt;b&gt;my own" in shown._repr_html_() and "<b>my" not in shown._repr_html_()
    for part in (e.model, e.tempting, e.flaw, *e.rubric):
        assert part in repr(shown)
    assert e.model != e.tempting and len(e.rubric) >= 3
    assert "[x] 2." in repr(shown) and "[ ] 1." in repr(shown)
    assert "☑ 2." in shown._repr_html_() and "☐ 1." in shown._repr_html_()
    stored = json.loads(record.place().read_text())["written"][number]
    assert stored == {"text": "<b>my own</b> words", "ticks": [2]}


@pytest.mark.parametrize("number", NUMBERS)
def test_marks_cannot_be_guessed_from_a_pattern(number):
    """Neither all alike nor in turns; every sentence has a reason of its own."""
    draft = get(number).draft
    pattern = [sentence.right for sentence in draft.values()]
    assert 2 <= sum(pattern) <= 4
    changes = sum(a != b for a, b in zip(pattern, pattern[1:], strict=False))
    assert changes < len(pattern) - 1
    assert len({sentence.why for sentence in draft.values()}) == len(draft)
    assert all(sentence.text in card(number) for sentence in draft.values())


def test_one_key_does_not_open_all():
    keys = {tuple(marks_of(get(number).draft).values()) for number in NUMBERS}
    assert len(keys) > len(NUMBERS) // 2


DRAFT = {
    "a": Sentence("Two is even.", True, "It is: 2 = 2 x 1."),
    "b": Sentence("Three is even.", False, "It is not: 3 / 2 is no whole number."),
}


@pytest.mark.parametrize(
    ("yours", "status", "says"),
    [
        ({"a": "right", "b": "wrong"}, "PASS", "All 2 marks are right"),
        ({"a": True, "b": "W"}, "PASS", "All 2 marks are right"),
        ({"a": "right", "b": "right"}, "FAIL", "Sentence b: It is not"),
        ({"a": "wrong", "b": "right"}, "FAIL", "Sentence a: It is: 2 = 2 x 1. (2 marks"),
        ({"a": "right"}, "TODO", "No mark yet for b"),
        ({"a": "right", "b": ...}, "TODO", "Nothing to check yet"),
        ({"a": "right", "b": "perhaps"}, "FAIL", "sentence b has 'perhaps'"),
        ({"a": "right", "b": "wrong", "z": "right"}, "FAIL", "no sentence 'z'"),
        (["right", "wrong"], "FAIL", "Hand over a dict"),
        ("a is right, b is wrong", "TODO", "cannot judge a text"),
    ],
)
def test_marks(monkeypatch, yours, status, says):
    exercise("99-1", title="t", difficulty="easy", minutes=1, trains="t", hints=["a", "b"])(
        lambda mine: expect_marks(mine, DRAFT)
    )
    try:
        result = check("99-1", yours)
    finally:
        del REGISTRY["99-1"]
    assert result.status == status
    assert says in result.message


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: reflect("00-4", ...), "Write your answer first"),
        (lambda: reflect("00-4", "  "), "Write your answer first"),
        (lambda: reflect("00-1", "text"), "asks for no text"),
        (lambda: reflect("77-1", "text"), "Expected: the number of an exercise"),
        (lambda: reflect("00-4", "text", ticks=[9]), "1 to 3; got [9]"),
        (lambda: reflect("00-4", "text", ticks="ab"), "ticks are numbers"),
        (lambda: reflect("00-4", "text", ticks=None), "ticks are numbers"),
    ],
)
def test_reflect_never_raises(ask, says):
    assert says in repr(ask())


def test_slips_are_single():
    good = marks("rwrrww")
    assert all(sum(good[k] != v for k, v in slip.items()) == 1 for slip in slips("rwrrww").values())


def test_in_the_solved_copy_the_model_answer_stands_once():
    model = get("06-6").model
    solved, own = reflect("06-6", f"  {model}\n"), reflect("06-6", "I would ask for seeds.")
    for shown in (repr(solved), solved._repr_html_()):
        assert shown.count("Which sentences chose") == 1 and "Yours" not in shown
    assert "Yours" in repr(own) and "I would ask for seeds." in own._repr_html_()
