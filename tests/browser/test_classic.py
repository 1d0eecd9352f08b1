"""The classic notebook with ipywidgets 7.7.1 (Colab's): the explorers draw, move, and tell Python."""

import pytest

from .classic import ClassicNotebook
from .kinds import SMALL
from .test_reopened import other_sentences
from .test_sharing import say

pytestmark = pytest.mark.browser
MAKE = f"""import ipywidgets, ragteach as rt
print(ipywidgets.__version__)
w = {SMALL["sharing"]}; w"""


def drawn(nb):
    nb.page.wait_for_function(
        "document.querySelector('.ragteach-explorer')?.shadowRoot.querySelector('.root').dataset.drawn"
    )


def test_an_explorer_draws_and_a_key_moves_it(classic, browser):
    nb = ClassicNotebook(classic, browser, classic.notebook("moves", MAKE))
    nb.run()
    drawn(nb)
    assert "7.7.1" in nb.outputs()[0]["text"]
    before = say(nb.explorer())
    nb.explorer().locator("input[type=range]").first.focus()
    nb.page.keyboard.press("ArrowRight")
    nb.page.wait_for_function(
        "before => document.querySelector('.ragteach-explorer').shadowRoot"
        ".querySelector('.say').textContent !== before",
        arg=before,
    )
    other_sentences(nb.page)
    nb.page.locator(".output_png img").wait_for(state="hidden")  # the figure steps aside
    assert nb.page.locator(".output_png img").count() == 1
    assert nb.faults() == []
    nb.close()


def test_a_script_that_is_broken_fails_here(classic, browser):
    """What the test above would say of it."""
    broken = MAKE.replace(
        "\nw =",
        "\nfrom ragteach.widgets import base\nkept = base.script\n"
        "base.script = lambda kind: kept(kind).replace('class View {', 'class View {{')\nw =",
    )
    nb = ClassicNotebook(classic, browser, classic.notebook("broken", broken))
    nb.run()
    nb.page.wait_for_function("document.querySelectorAll('.output_area').length >= 3")
    while not nb.faults():  # it comes, sooner or later, or the run's own limit ends this
        nb.page.wait_for_timeout(100)
    assert "Unexpected token" in str(nb.faults())
    assert nb.explorer().count() == 0
    nb.close()
