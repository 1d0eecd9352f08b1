"""One JupyterLab and one browser for all tests of this folder; a fresh browser context for each
test.
"""

import pytest
from playwright.sync_api import sync_playwright

from .chromium import chromium
from .lab import FLAGS, Lab, Notebook


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    path = chromium()  # an error if there is none
    with sync_playwright() as p:
        running = p.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


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
