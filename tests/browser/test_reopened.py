"""A notebook opened again: no kernel knows its explorers any more, and they draw from what it saved."""

import functools

import nbformat
import once
import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ragteach.widgets.base import NOTE, revived
from ragteach.widgets.html import VIEW, settle

from .axe import serious
from .classic import ClassicNotebook
from .kinds import PLAYGROUND, SMALL, made
from .lab import Notebook

pytestmark = pytest.mark.browser
ALL = {**SMALL, "playground": PLAYGROUND}

EXPLORER = "document.querySelectorAll('.ragteach-explorer')[i]"
NUDGE = f"""i => {{ const e = {EXPLORER}, input = e.shadowRoot.querySelector('input[type=range]');
  e.before = e.shadowRoot.querySelector('.say').textContent;
  input.value = Number(input.value) + (input.value === input.max ? -1 : 1);
  input.dispatchEvent(new Event('input')); }}"""
SEED = f"""i => {{ const input = {EXPLORER}.shadowRoot.querySelector('input[aria-label^="Seed"]');
  input.value = Number(input.value) + 1; input.dispatchEvent(new Event('input')); }}"""
REST = f"i => !('moving' in {EXPLORER}.shadowRoot.querySelector('.root').dataset)"
MEASURES = f"i => JSON.parse({EXPLORER}.shadowRoot.querySelector('.root').dataset.measures)"
KERNEL = "jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.name ?? null"
MOVED = f"i => {EXPLORER}.shadowRoot.querySelector('.say').textContent !== {EXPLORER}.before"


@functools.cache
def saved():
    """The notebook in which all explorers were run, each in a cell; the last once more, as the
    course keeps it: made once, for every front end."""
    cells = []
    for code in [*ALL.values(), PLAYGROUND]:
        w = made(code)
        alt = {"image/png": {"alt": w.spec["alt"]}}
        live = {VIEW: {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}}
        outputs = [
            new_output("display_data", {"image/png": once.PIXEL_TEXT}, metadata=alt),
            new_output("display_data", {"text/html": "<details>words</details>"}),
            new_output("display_data", {"text/html": revived(w.saved()), "text/plain": ""}),
            new_output("execute_result", live | {"text/plain": NOTE}, execution_count=1),
        ]
        cells.append(new_code_cell(code, outputs=outputs, execution_count=1))
    nb = new_notebook(cells=cells)
    nb.cells[-1:] = settle(new_notebook(cells=cells[-1:])).cells
    return nb


def written(server, name, kernel="python3"):
    """It lies there, trusted, and asks for such a kernel."""
    nb = saved()
    nb.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    notary = NotebookNotary(data_dir=str(server.folder / "data"))
    notary.sign(nb)
    notary.store.close()
    nbformat.write(nb, server.notebooks / f"{name}.ipynb")
    return name


def other_sentences(page, i=0):
    """Explorer i is a sharing slider: it makes and solves the sentences of the next seed, beside the
    page and without a kernel, as Python does."""
    page.evaluate(SEED, i)
    page.wait_for_function(REST, arg=i)
    found = page.evaluate(MEASURES, i)
    theirs = made(SMALL["sharing"]).measures(seed=1, lam=found["lam"])
    for name in ("accuracy", "best", "left", "right"):
        assert found[name] == pytest.approx(theirs[name], abs=0.004), name


def all_drawn(page):
    """Every explorer stands there, answers a key, and is the only thing to see of its cell."""
    n = len(ALL) + 1
    page.wait_for_function(
        "n => [...document.querySelectorAll('.ragteach-explorer')].filter(e => "
        "e.shadowRoot.querySelector('.root').dataset.drawn).length === n",
        arg=n,
    )
    for i in range(n):
        page.evaluate(NUDGE, i)  # no key: a dialog of the page may hold the focus
        page.wait_for_function(MOVED, arg=i)
    page.wait_for_function(REST, arg=0)
    faults = page.locator(".ragteach-explorer .error:not([hidden])")
    assert faults.all_text_contents() == []
    figures = page.locator(":is(.jp-OutputArea, .output_area) img:visible")
    assert figures.count() == 0  # they step aside
    for said in ("not found", "could not be", "Run this cell", "run this cell"):
        assert page.get_by_text(said).locator("visible=true").count() == 0


def test_every_explorer_draws_in_notebook_7_beside_a_new_kernel(lab, browser):
    nb = Notebook(lab, browser, written(lab, "again_notebook"), front="notebooks")
    all_drawn(nb.page)
    other_sentences(nb.page)
    assert serious(nb.page, ".ragteach-explorer") == []
    nb.close()


def test_every_explorer_draws_in_jupyterlab_without_any_kernel(lab, browser):
    lab.context = lab.context or browser.new_context()  # Lab's own files are in its cache
    page = lab.context.new_page()
    try:
        name = written(lab, "again_lab", kernel="gone")
        page.goto(f"{lab.url}/lab/tree/{name}.ipynb?token={lab.token}&reset")
        all_drawn(page)  # Lab asks for a kernel, and nobody answers: its dialog comes when it likes
        page.get_by_role("dialog").get_by_role("button", name="No Kernel", exact=True).click()
        page.get_by_role("dialog").wait_for(state="hidden")
        assert page.evaluate(KERNEL) is None
        all_drawn(page)
        other_sentences(page)
    finally:
        page.close()  # or the playground goes on training


def test_every_explorer_draws_in_the_classic_notebook(classic, browser):
    nb = ClassicNotebook(classic, browser, written(classic, "again_classic"))
    all_drawn(nb.page)
    other_sentences(nb.page)
    nb.close()
