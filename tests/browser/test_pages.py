"""A lesson as one HTML file, opened from disk with the network off."""

import nbformat
import pytest

from ragteach.widgets.html import to_html

from .kinds import SMALL
from .test_sharing import say

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(page_of_all, tmp_path_factory):
    saved = page_of_all.lab.notebooks / f"{page_of_all.name}.ipynb"
    assert saved.stat().st_size < 1_500_000
    page = tmp_path_factory.mktemp("page") / "lesson.html"
    page.write_text(to_html(nbformat.read(saved, as_version=4)), encoding="utf-8")
    return page


def opened(browser, path, **options):
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    said = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    return context, page, said


def frames(page):
    page.evaluate(
        "async () => { for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); }"
    )


def test_explorers_move_without_kernel_and_network(browser, page_file):
    context, page, said = opened(browser, page_file)
    explorers = page.locator(".ragteach-explorer")
    page.wait_for_function(
        "n => document.querySelectorAll('.ragteach-explorer').length === n", arg=len(SMALL)
    )
    for i in range(len(SMALL)):
        slider = explorers.nth(i).locator("input[type=range]").first
        slider.focus()
        page.keyboard.press("Home")
        frames(page)
        before = say(explorers.nth(i))
        page.keyboard.press("ArrowRight")
        frames(page)
        assert say(explorers.nth(i)) != before
    graphs = explorers.nth(list(SMALL).index("graphs"))
    before = say(graphs)
    graphs.locator("select").select_option("1")
    frames(page)
    assert say(graphs) != before and "Solving" not in say(graphs)
    graphs.get_by_role("button", name="films uses adapter A1", exact=True).click()
    frames(page)
    assert "W_films = W_s + A2 + A3 + A4" in graphs.locator("pre").first.text_content()
    assert page.locator(".jp-OutputArea img:visible").count() == 0  # the figure has stepped aside
    assert said == []
    context.close()


def test_without_javascript_the_figure_and_its_words_are_there_once(browser, page_file):
    context, page, _ = opened(browser, page_file, java_script_enabled=False)
    images = page.locator(".jp-OutputArea img:visible")
    n = len(SMALL)
    assert images.count() == n
    assert all(len(images.nth(i).get_attribute("alt")) > 60 for i in range(n))
    assert page.get_by_text("The figure in words").count() == n
    assert page.get_by_text("run this cell to move it").count() == 0
    assert page.locator(".ragteach-explorer").count() == 0
    context.close()
