"""One JupyterLab and one browser for all tests of this folder; a fresh browser context for each
test.
"""

import json

import once
import pytest
from playwright.sync_api import sync_playwright

from ragteach.widgets.html import fragment

from .chromium import chromium
from .classic import Classic
from .kinds import IMPORT, SMALL
from .lab import FLAGS, Lab, Notebook


@pytest.fixture(scope="module", autouse=True)  # other rooms' tests must not find it
def computed_once():
    """What one test has trained, the others take from it; the kernels of `lab` too."""
    with once.kept_in(once.shared_folder()):
        yield


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def classic(tmp_path_factory):
    with Classic(tmp_path_factory.mktemp("classic")) as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    path = chromium()  # an error if there is none
    with sync_playwright() as p:
        running = patient(p.chromium.launch(executable_path=path, args=FLAGS))
        yield running
        running.close()


def patient(browser):
    """Nothing is late on a busy machine: what has not come after two minutes will not come."""
    make = browser.new_context

    def new_context(**options):
        context = make(**options)
        context.set_default_timeout(120_000)
        return context

    browser.new_context = new_context
    return browser


@pytest.fixture
def notebook(lab, browser, request):
    """``notebook(*cells)`` writes a notebook, opens it in a fresh context, and shuts it down
    afterwards.
    """
    opened = []

    def make(*cells, run=True, **options):
        name = lab.notebook(f"n{abs(hash(request.node.nodeid)) % 10**8}_{len(opened)}", *cells)
        opened.append(Notebook(lab, browser, name, **options))
        if run:
            opened[-1].run()
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def page_of_all(lab, browser):
    """A notebook in which each explorer was made, in a cell of its own, and saved: made once."""
    cells = [IMPORT, *[f"{kind} = {code}; {kind}" for kind, code in SMALL.items()]]
    nb = Notebook(lab, browser, lab.notebook("all", *cells))
    nb.run()
    nb.wait_for(len(SMALL))
    nb.save()
    yield nb
    nb.close()


@pytest.fixture
def all_explorers(page_of_all):
    """The page of all explorers, each as it was at first: tests visit it one after the other."""
    page_of_all.as_new()
    return page_of_all


@pytest.fixture
def on_disk(browser, tmp_path):
    """``on_disk(explorer)`` opens it as a page, with the network off; ``page.said`` are its errors."""
    contexts = []

    def open_explorer(w, **options):
        (tmp_path / "page.html").write_text(
            f"<!DOCTYPE html><meta charset=utf-8>{fragment(w.saved(), 0, set())}", encoding="utf-8"
        )
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.said = []
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector(".say")
        return page

    yield open_explorer
    for context in contexts:
        context.close()


ROOT = "document.querySelector('.ragteach-explorer').shadowRoot.querySelector('.root')"


def at_rest(page):
    """Wait until the hand rests, and all that it set off is drawn, written and judged."""
    page.wait_for_function(f"!('moving' in {ROOT}.dataset)")


def rested(page, act):
    """Act on an explorer, and wait until the hand rests again."""
    at_rest(page)
    before = page.evaluate(f"Number({ROOT}.dataset.rested ?? 0)")
    act()
    page.wait_for_function(f"before => Number({ROOT}.dataset.rested ?? 0) > before", arg=before)
    at_rest(page)


def go(page, **to):
    """Move the explorer as Python would, and wait until the hand rests; gives its measures."""
    rested(page, lambda: page.evaluate("to => RAGTEACH_MODELS[0].hear({ move: to })", to))
    return json.loads(page.locator(".root").get_attribute("data-measures"))
