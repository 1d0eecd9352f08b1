"""The chat box: the page reads what Python reads, answers or is silent, and everyone can use it."""

import contextlib
import io

import pytest

import ragteach as rt
from ragteach.data.sources.messages import ANSWERS, split_messages
from ragteach.widgets.chat import SILENT

from .axe import serious
from .conftest import ROOT, go, rested
from .kinds import made

pytestmark = pytest.mark.browser
BOX = "rt.widgets.chat_box()"
STATES = [
    {"example": 2},
    {"at": 20},
    {"typed": "Where is my parcel? It's BROKEN, and the payment was wrong"},
    {"who": 1, "at": 30},
    {"typed": "xyzzy"},
    {"typed": "", "at": 0},
]


def test_the_page_reads_what_python_reads(on_disk):
    w = made(BOX)
    page = on_disk(w)
    at = {}
    for state in STATES:
        at |= state
        found = go(page, **state)
        expected = w.measures(**at)
        assert set(found) == set(expected)
        assert found == pytest.approx(expected, abs=2e-3)
        said = page.locator(".panel").first.inner_text()
        assert (SILENT in said) == (not expected["answered"])
    assert page.said == []


def test_reasons_add_up_to_the_lead_and_the_copied_code_gives_the_probabilities(on_disk):
    page = on_disk(made(BOX))
    found = go(
        page, typed="Please cancel my order, it is late and I want my money back at once, today"
    )
    for panel in page.locator(".panel").all()[1:]:
        *parts, lead = (float(cell.replace("−", "-")) for cell in panel.locator("td").all_inner_texts())  # fmt: skip
        assert len(parts) == 11  # nine words, one sum of the others, the bias
        assert sum(parts) == pytest.approx(lead, abs=0.06) and lead >= 0
    page.get_by_role("button", name="Copy as code").click()
    space = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(page.locator(".tools ~ pre").inner_text(), space)
    for task in ("sentiment", "intent", "answer"):
        assert max(space["readings"][task].values()) == pytest.approx(found[f"p_{task}"], abs=1e-6)
    assert (space["reply"] is not None) == found["answered"]


def test_it_works_from_the_keyboard_and_says_one_thing_aloud(on_disk):
    page = on_disk(made(BOX))
    live = f"{ROOT}.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log], output').length"
    assert page.evaluate(live) == 1
    field = page.get_by_label("Or write your own message")
    rested(page, lambda: (field.focus(), page.keyboard.type("cancel my order")))
    heard = page.locator(".heard").inner_text()
    assert "answer cancel" in heard and heard == page.locator(".say").inner_text()
    slider = page.get_by_role("slider", name="Answers from:")
    slider.focus()
    rested(page, lambda: page.keyboard.press("End"))
    assert SILENT in page.locator(".panel").first.inner_text()
    rested(page, lambda: page.keyboard.press("Home"))
    assert ANSWERS["cancel"][1] in page.locator(".panel").first.inner_text()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(f"{ROOT}.querySelector('input[type=text]').value === ''")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_chat_box(on_disk, scheme):
    page = on_disk(made(BOX), color_scheme=scheme, viewport={"width": 420, "height": 900})
    page.get_by_role("button", name="Table of the numbers").click()
    page.wait_for_selector(".more td")
    assert serious(page, ".ragteach-explorer") == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_markup_in_messages_and_names_stays_text(on_disk):
    from sklearn.linear_model import LogisticRegression

    texts, names = ["<b>no</b> parcel", "my <i>order</i>"], ["<img src=x>", "</script>"]
    words = rt.make_vectorizer().fit(texts)
    reader = LogisticRegression().fit(words.transform(texts), names)
    page = on_disk(rt.widgets.chat_box({"<u>a</u>": reader}, words, examples=texts, threshold=0.5))
    assert page.locator(".root img, .root i, .root u").count() == 0
    assert "<b>no</b> parcel" in page.locator(".panel").first.inner_text()
    go(page, typed="<script>alert(1)</script>")
    assert page.said == []


def test_a_goal_is_reached_by_what_is_said(on_disk):
    train, _, _ = split_messages()
    assert "parcel" in " ".join(train["text"])
    w = rt.widgets.chat_box(goal={"Make it answer": "answered == 1 and threshold >= 0.5"})
    page = on_disk(w)
    assert w.reached() == [False] or w.measures()["answered"]
    go(page, typed="cancel my order please, cancel", at=50)
    assert page.locator(".goals").inner_text() == "✓ Reached: Make it answer"
    assert w.reached(typed="cancel my order please, cancel", at=50) == [True]
