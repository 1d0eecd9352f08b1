"""Predictions: one of the offered answers is taken, whatever its spelling, and then compared."""

import ast
import itertools
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from ragteach.teach import hints, record
from ragteach.teach.exercises.lesson_13 import _is_loss, _is_share
from ragteach.teach.meant import plain
from ragteach.teach.questions import QUESTIONS, Choice

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "notebooks" / "_source").glob("[0-9l]*_*.py"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    monkeypatch.setattr(record, "_session", {})


def named(name: str, text: str) -> set[str]:
    return set(re.findall(rf'\b{name}\(\s*"([^"]+)"', text))


@pytest.mark.parametrize(
    ("question", "guess", "kept"),
    [
        ("00-a", "Rag", "RAG"),
        ("00-a", " full-sharing. ", "full sharing"),
        ("00-a", "indepxndent", "independent"),
        ("01-a", np.int64(3), "3"),
        ("01-a", 3.0, "3"),
        ("01-a", "three", "3"),
        ("04-a", "two_phase and joint", "joint and two_phase"),
        ("05-a", "Ws", "W_s"),
        ("05-b", "b, a", "ab"),
        ("05-b", ["d", "a"], "ad"),
        ("06-d", "85%", "about 85 %"),
        ("07-a", "between .03 and 3", "between 0.03 and 3"),
        ("08-a", "same with the penalty, different without", "same with, different without"),
        ("10-a", "1 in 10", "about 1 in 10"),
        ("08-a", "different without, same with", "same with, different without"),
        ("08-a", "without different with same", "same with, different without"),
        ("08-a", "same, different", "same with, different without"),
        ("09-e", "no then yes", "no, then yes"),
        ("05-c", "<0", "below 0"),
        ("05-c", "> 0", "above 0"),
        ("05-c", "below zero", "below 0"),
        ("05-c", "negative", "below 0"),
        ("05-a", "shared", "W_s"),
        ("06-b", "> half", "more than half"),
        ("06-c", "both", "beats both"),
        ("06-c", "neither", "beats neither"),
        ("06-d", "less than 75 percent", "below 75 %"),
        ("07-a", "under 0.03", "below 0.03"),
        ("02-c", "1/3", "1 in 3"),
        ("09-c", "oversampling", "over"),
        ("lab_finance-a", "no difference", "no clear difference"),
        ("lab_service-c", "can't tell", "not tell"),
        ("lab_service-c", "< 1", "clearly below 1"),
        ("lab_service-b", "20 %", "0.2"),
        ("lab_service-b", "1/5", "0.2"),
        ("01-a", "3 of 4", "3"),
        ("01-b", "never", "no"),
        ("01-b", False, "no"),
        ("03-a", "it always says positive", "always positive"),
        ("03-b", "small ones", "the small tasks"),
        ("03-b", ["food", "cars", "phones"], "the small tasks"),
        ("03-c", "about 33 %", "about 0.33"),
        ("06-b", "33%", "about a third"),
        ("06-c", "only full sharing", "beats full sharing only"),
        ("06-d", 85, "about 85 %"),
        ("06-d", "about 15 %", "below 75 %"),
        ("07-a", 0.2, "between 0.03 and 3"),
        ("07-a", "0.03 to 3", "between 0.03 and 3"),
        ("07-a", "1-2", "between 0.03 and 3"),
        ("10-c", "4-8", "4 to 8"),
        ("10-c", "10 – 12", "9 to 12"),
        ("10-c", "0", "0 to 3"),
        ("10-c", 2, "0 to 3"),
        ("lab_service-b", "-0", "0"),
        ("07-a", "about 7", "above 3"),
        ("09-e", "no yes", "no, then yes"),
        ("09-e", ("no", "yes"), "no, then yes"),
        ("10-c", "5", "4 to 8"),
        ("11-a", "independent models", "independent"),
        ("11-a", "only independent", "independent"),
        ("11-d", "no difference", "equal"),
        ("12-b", "the same", "about equal"),
        ("lab_vision-a", "equal", "no clear difference"),
        ("lab_vision-b", "the plain one", "plain"),
        ("lab_robot-d", "only the gale", "the gale"),
        ("lab_finance-b", "over 50 %", "over half"),
        ("lab_languages-b", "better than independent", "better"),
        ("lab_languages-c", "all", "all five"),
        ("08-a", "different with and same without", "different with, same without"),
        ("08-a", "same without but different with", "different with, same without"),
        ("08-a", "same with, then different without", "same with, different without"),
        ("08-a", "with it the same, without it different", "same with, different without"),
        ("00-a", "I think RAG, but only a little", "RAG"),
        ("00-a", "RAG - by a little", "RAG"),
        ("00-a", "RAG wins", "RAG"),
        ("00-a", "full sharing; it has more data", "full sharing"),
        ("00-a", "independent, because nothing is shared", "independent"),
        ("06-a", "sharing, since RAG learns too much", "full sharing"),
        ("08-b", "off, because the adapters are noise", "off"),
        ("08-b", "on because off has no adapters", "on"),
        ("08-b", "the off one", "off"),
        ("05-a", "W_s moves further", "W_s"),
        ("05-a", "the shared weights move further", "W_s"),
        ("05-a", "an adapter moves more", "an adapter"),
        ("05-a", "equally far", "equal"),
        ("05-a", "they move equally far", "equal"),
        ("01-a", "at most 3", "3"),
        ("01-a", "3, I guess", "3"),
        ("01-a", "three because the fourth is impossible", "3"),
        ("02-b", "none", "0"),
        ("05-b", "none", "none"),
        ("05-b", "none of them", "none"),
        ("lab_robot-a", "far better", "better"),
    ],
)
def test_a_guess_is_read_as_what_is_meant_and_that_is_said(question, guess, kept):
    note = hints.predict(question, guess)
    assert f"you predict {kept}" in note
    assert record.kept("predictions")[question] == kept
    asked = QUESTIONS[question]
    assert not isinstance(asked, Choice) or str(guess).strip() == kept or "read from" in note


@pytest.mark.parametrize(
    ("question", "guess"),
    [
        ("00-a", "banana"),
        ("00-a", "not RAG"),  # the opposite
        ("01-a", 7),
        ("00-a", True),
        ("05-c", 0.01),  # "about 0" and "above 0" would both do
        ("06-c", "beats full sharing"),  # "beats both" does that, too
        ("06-d", "below 95 %"),
        ("11-d", "slightly worse"),
        ("lab_finance-b", "50 %"),
        ("lab_finance-c", "3 times"),
        ("05-b", "abx"),
        ("08-a", "same"),
        ("08-a", "different with and without"),
        ("00-a", "anything but RAG"),
        ("00-a", "all of them but RAG"),
        ("00-a", "RAG, but not always"),
        ("00-a", "RAG or sharing"),
        ("03-b", "all but film"),
        ("05-a", "W_s moves less"),
        ("05-a", "W_s, an adapter second"),
        ("02-b", "2, perhaps 7"),
        ("05-b", "none, or a"),
        ("02-c", "3 in 1"),
        ("05-b", "!c"),
        ("05-c", "not below 0"),
        ("04-b", "unequal"),
        ("09-a", "it doesn't depend on the relatedness"),
        ("lab_finance-a", "clear difference"),  # of "no clear difference"
        ("03-c", "changes"),  # of "hardly changes"
        ("06-d", "> 75 %"),
        ("lab_service-b", "> 0.2"),
        ("13-b", {"insurance": "banana"}),
        ("13-b", "for"),
        ("lab_finance-b", "about 15 %"),
        ("lab_service-b", 3),
    ],
)
def test_what_is_no_answer_is_refused_in_three_parts_and_not_kept(question, guess):
    note = str(hints.predict(question, guess))
    assert re.match(r"(?s)Expected: .*\nGot: .*\nWhat to do: ", note)
    asked = QUESTIONS[question]
    if isinstance(asked, Choice):
        assert all(f'"{answer}"' in note for answer in asked.answers)
    assert record.kept("predictions") == {}


def test_a_denial_is_named_and_every_bet_that_cannot_be_read():
    said = str(hints.predict("11-d", "not worse"))
    assert 'yours denies something ("not")' in said
    assert 'if you mean "beats full sharing only"' in hints.predict("06-c", "beats full sharing")
    for question, guess in (
        ("08-a", "without"),
        ("08-a", "different with and without"),
        ("08-a", "mixed with, mixed without"),
        ("00-a", "RAG but sharing"),
        ("lab_finance-a", "no idea"),
    ):
        said = hints.predict(question, guess)
        assert "is not kept" in said and "denies" not in said, said
    assert 'denies something ("not")' in hints.predict("08-a", "not the same with or without")
    bets = {"differ": "guilty", "safe": "for", "citation": "not testable"}
    said = str(hints.predict("13-a", bets))
    assert "Got: differ: 'guilty'; citation: 'not testable'" in said


CHOICES = {name: q.answers for name, q in QUESTIONS.items() if type(q) is Choice}
DENIED = ("not {}", "{}: no", "it isn't {}", "everything but {}", "never {}", "!{}", "(not) {}")


@pytest.mark.parametrize("question", CHOICES)
def test_an_answer_that_is_denied_is_never_kept_as_itself_nor_as_another(question):
    for answer in CHOICES[question]:
        for denied in DENIED:
            assert "is not kept" in hints.predict(question, denied.format(answer)), answer
    assert record.kept("predictions") == {}


@pytest.mark.parametrize("question", CHOICES)
def test_two_answers_in_one_text_are_asked_about(question):
    for one, two in itertools.permutations(CHOICES[question], 2):
        if plain(one) in plain(two) or plain(two) in plain(one):
            continue  # "joint" is a part of "joint and asleep"
        note = str(hints.predict(question, f"{one}, {two}"))
        assert f'"{one}"' in note and f'"{two}"' in note and "that you mean" in note
    assert record.kept("predictions") == {}


@pytest.mark.parametrize(
    ("question", "guess", "result", "told"),
    [
        ("00-a", "rag", "RAG, then full sharing", "As you predicted."),
        ("00-a", "independent", "RAG, then full sharing", "Not as you predicted"),
        ("02-a", 1, 1, "As you predicted."),
        ("04-b", "about equal", "clearly worse", "Not as you predicted"),
        ("03-a", "by chance", "0.61 right", "none of the offered answers"),
        (
            "08-a",
            "same with, different without",
            "same with the penalty (spread 0.00001), different without (spread 1.2)",
            "As you predicted.",
        ),
        ("lab_service-b", 0.2, 0.2, "As you predicted."),
        ("lab_service-b", 0.2, 0.25, "0.05 too low"),
        (
            "13-b",
            {"insurance": "for", "needed": "Depends"},
            {"insurance": "open", "needed": "depends"},
            "1 of 2 as you predicted. The others: insurance: you said for, it is open.",
        ),
        ("mine", "It rises.", "it rises", "As you predicted."),
        ("mine", "it rises", "it falls", "Compare the two"),
    ],
)
def test_a_reveal_compares(question, guess, result, told):
    hints.predict(question, guess)
    note = hints.reveal(question, result)
    assert told in note and f"It came out: {result}." in note
    assert "If they differ" not in note


def test_who_predicted_what_the_data_cannot_tell_apart_was_not_wrong():
    for guess, told in (
        ("RAG", "predicted. But these data cannot tell RAG from full sharing. So yours is not"),
        ("full sharing", "As you predicted. These data cannot tell RAG from full sharing."),
        ("independent", "Not as you predicted: what had you assumed? These data cannot tell RAG"),
    ):
        record.forget()
        hints.predict("lab_robot-c", guess)
        assert told in hints.reveal("lab_robot-c", "full sharing", tied=["RAG"])


@pytest.mark.parametrize("question", ["00-a", "lab_service-b", "my own"])
def test_a_guess_after_the_reveal_neither_replaces_the_first_nor_counts(question):
    asked = QUESTIONS.get(question)
    first = asked.answers[0] if isinstance(asked, Choice) else "0.3"
    second = asked.answers[1] if isinstance(asked, Choice) else "0.6"
    hints.predict(question, second)
    hints.predict(question, first)  # before the reveal a second thought is free
    hints.reveal(question, second)
    late = hints.predict(question, second)
    assert "The answer is known by now, so this guess is not kept." in late
    assert late.endswith(f"You predicted {first} before it was revealed.")
    assert f"You predicted: {first}." in hints.reveal(question, second)
    assert f"Kept: you predict {first}" in hints.predict(question, first)  # the notebook, run again


def test_who_made_no_prediction_before_the_reveal_makes_none_after_it():
    hints.reveal("00-a", "RAG")
    assert "You made no prediction before it was revealed." in hints.predict("00-a", "RAG")
    assert "You made no prediction" in hints.reveal("00-a", "RAG")


def test_every_question_of_a_lesson_offers_answers():
    asked = set().union(*(named("predict", path.read_text(encoding="utf-8")) for path in SOURCES))
    assert asked == set(QUESTIONS)


def test_each_offered_answer_is_itself():
    for asked in QUESTIONS.values():
        for answer in getattr(asked, "answers", ()):
            assert asked.read(answer) == asked.came(answer) == answer


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_reveal_is_seen_and_came_out_as_offered(path):
    """The last line of its cell, or handed to `display`: else a notebook shows nothing of it."""
    for cell in nbformat.read(path, as_version=4).cells:
        found = named("reveal", cell.source) if cell.cell_type == "code" else set()
        if not found:
            continue
        last = ast.unparse(ast.parse(cell.source).body[-1])
        assert last.startswith("reveal(") or "display(reveal(" in cell.source, cell.source
        shown = "".join(str(out.get("data", {}).get("text/plain", "")) for out in cell.outputs)
        assert re.search(
            r"As you predicted|Not as you predicted|as you predicted\.|too (high|low)", shown
        )
        assert "none of the offered" not in shown


@pytest.mark.parametrize(
    ("metric", "loss", "share"),
    [
        ("accuracy", False, True),
        ("macro_F1", False, True),
        ("log_loss", True, False),
        ("cross-entropy", True, False),
        ("error rate", True, False),
        ("inaccuracy", True, False),
        ("glossary hits", False, False),
    ],
)
def test_a_metric_is_known_by_its_words_not_by_letters_within_them(metric, loss, share):
    """Exercise 13-5 reads the name of the learner's metric."""
    assert (_is_loss(metric), _is_share(metric)) == (loss, share)
