"""All explorers in JupyterLab: they move, they answer, they come back, and never show stale numbers."""

import pytest

from .measure import drag, speed, watch
from .test_sharing import changed, picture, press, run_code, say

pytestmark = pytest.mark.browser

SMALL = {
    "sharing": "rt.widgets.sharing_slider(n_per_task=20)",
    "player": "rt.widgets.trajectory_player(*[(r, None, d) for r, d in [rt.widgets.toy_runs(epochs=60)]][0])",
    "graphs": "rt.widgets.graph_editor(n_per_task=30)",
    "winners": "rt.widgets.who_wins(rt.who_wins_map((0.0, 1.0), (5, 10), seeds=2, progress=False))",
    "starts": "rt.widgets.init_lab(seeds=4, steps=80)",
    "steps": "rt.widgets.gradient_step()",
}
RUNNING = "jupyterapp.shell.currentWidget.content.widgets[1].model.executionState === 'running'"
IMPORT = "import ragteach as rt"
FRESH = "e => !e.shadowRoot.querySelector('.say').textContent.startsWith('Solving')"


@pytest.mark.parametrize("kind", ["player", "winners", "starts", "steps"])
def test_keys_change_the_pixels_and_bring_them_back(notebook, kind):
    nb = notebook(f"{IMPORT}\nw = {SMALL[kind]}; w")
    nb.wait_for()
    press(nb, "Home")
    before, said = picture(nb), say(nb.explorer())
    press(nb, "ArrowRight", 1)
    assert changed(picture(nb), before) > 100 and say(nb.explorer()) != said
    press(nb, "ArrowLeft", 1)
    assert changed(picture(nb), before) == 0 and say(nb.explorer()) == said
    tools(nb)
    assert nb.faults() == []


def tools(nb):
    """Table, code and reset do what they say."""
    press(nb, "End")
    nb.explorer().get_by_role("button", name="Table of the numbers").click()
    nb.frames()
    assert nb.explorer().locator(".more td").count() >= 6
    nb.explorer().get_by_role("button", name="Copy as code").click()
    code = nb.explorer().locator(".tools ~ pre").text_content()
    compile(code, "copied", "exec")
    assert "{" not in code.replace("{...}", "").replace("{run}", "") or "[" in code
    nb.explorer().get_by_role("button", name="Reset").click()
    nb.frames()
    assert nb.explorer().locator(".more").is_hidden()


def test_the_graph_editor_solves_what_is_clicked(notebook):
    nb = notebook(f"{IMPORT}\nw = {SMALL['graphs']}; w")
    nb.wait_for()
    first = say(nb.explorer())
    cell = nb.explorer().get_by_role("button", name="films uses adapter A2")
    cell.click()
    nb.page.wait_for_function(f"() => ({FRESH})(document.querySelector('.ragteach-explorer'))")
    assert "W_films = W_s + A1 + A2" in nb.explorer().locator("pre").first.text_content()
    assert cell.get_attribute("aria-pressed") == "true"
    cell.click()
    nb.frames()
    assert say(nb.explorer()) == first
    nb.explorer().get_by_role("button", name="Add an adapter").click()
    nb.explorer().get_by_role("button", name="films uses adapter A5").click()
    nb.page.wait_for_function(f"() => ({FRESH})(document.querySelector('.ragteach-explorer'))")
    assert "A5" in nb.explorer().locator("pre").first.text_content()
    nb.page.wait_for_timeout(300)
    nb.settle()
    assert run_code(nb, "len(w.state['graph'][0])") == "5"
    tools(nb)
    assert nb.faults() == []


def test_a_burst_of_500_requests_ends_on_the_right_answer(notebook):
    nb = notebook(f"{IMPORT}\nw = {SMALL['graphs']}; w")
    nb.wait_for()
    nb.explorer().evaluate("""async e => { const input = e.shadowRoot.querySelector('input[type=range]');
        for (let i = 0; i < 500; i++) { input.value = (i * 5) % 26; input.dispatchEvent(new Event('input'));
          if (i % 25 === 0) await new Promise(requestAnimationFrame); }
        input.value = 20; input.dispatchEvent(new Event('input')); }""")
    nb.page.wait_for_function(f"() => ({FRESH})(document.querySelector('.ragteach-explorer'))")
    burst = say(nb.explorer())
    press(nb, "End")
    press(nb, "ArrowLeft", 5)
    nb.page.wait_for_function(f"() => ({FRESH})(document.querySelector('.ragteach-explorer'))")
    assert say(nb.explorer()) == burst and "λ = 0.1" in burst
    nb.settle()
    assert nb.faults() == []


def test_the_graph_editor_answers_beside_a_running_cell_that_draws(notebook):
    """Callbacks run in another thread then: the figures of the running cell must come out whole."""
    draw = """import time
import matplotlib.pyplot as plt
end = time.time() + 6
while time.time() < end:
    fig, ax = plt.subplots()
    ax.plot(range(1000))
    fig.canvas.draw()
    assert plt.get_fignums(), "a figure was closed behind our back"
    plt.close(fig)
print("drawn")"""
    nb = notebook(f"{IMPORT}\nw = {SMALL['graphs']}; w", draw, run=False)
    nb.start()
    nb.wait_for()
    nb.page.wait_for_function(RUNNING)
    for i in range(12):
        press(nb, "ArrowRight" if i % 5 else "Home")
    nb.page.wait_for_function(f"() => ({FRESH})(document.querySelector('.ragteach-explorer'))")
    nb.page.wait_for_function(RUNNING.replace("===", "!=="))
    nb.settle()
    assert "drawn" in str(nb.outputs())
    assert nb.faults() == []


def test_a_restarted_kernel_is_said_and_presets_still_work(notebook):
    nb = notebook(f"{IMPORT}\nw = {SMALL['graphs']}; w")
    nb.wait_for()
    first = say(nb.explorer())
    nb.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    nb.page.wait_for_timeout(2000)
    nb.explorer().locator("select").first.select_option("1")
    nb.frames()
    assert say(nb.explorer()) != first and "Solving" not in say(nb.explorer())
    assert nb.faults() == []


def test_ten_explorers_on_one_page(notebook):
    cells = [f"{IMPORT}\n{SMALL['steps']}"] * 7 + [SMALL[k] for k in ("sharing", "graphs", "starts")]
    nb = notebook(*cells)
    nb.wait_for(10)
    for i in range(10):
        before = say(nb.explorer(i))
        press(nb, "End", i=i)
        if i != 8:
            assert say(nb.explorer(i)) != before
    nb.settle()
    assert nb.faults() == []


@pytest.mark.timing
@pytest.mark.parametrize("kind", ["player", "winners", "starts", "steps"])
def test_precomputed_explorers_follow_the_hand(notebook, kind):
    nb = notebook(f"{IMPORT}\n{SMALL[kind]}")
    nb.wait_for()
    found = [speed(nb.page, nb.explorer(), n=40)]
    while len(found) < 3 and not found[-1].follows_the_hand:  # another process may have had the cores
        found.append(speed(nb.page, nb.explorer(), n=40))
    assert found[-1].follows_the_hand, found
    assert nb.faults() == []


@pytest.mark.timing
def test_retraining_answers_within_120_ms(notebook):
    nb = notebook(f"{IMPORT}\n{SMALL['graphs']}")
    nb.wait_for()
    times = answers(nb)
    assert sorted(times)[len(times) // 2] <= 120, times
    watch(nb.explorer())
    drag(nb.page, nb.explorer())
    nb.page.wait_for_function(f"() => ({FRESH})(document.querySelector('.ragteach-explorer'))")
    assert nb.faults() == []


def answers(nb, n=15):
    """Milliseconds from a key to the first frame that shows its own answer."""
    nb.explorer().locator("input[type=range]").first.focus()
    times = []
    for i in range(n):
        nb.explorer().evaluate("""e => { window.done = null; let t0;
          const key = (event) => { t0 = event.timeStamp; };
          e.shadowRoot.addEventListener('keydown', key, { once: true, capture: true });
          const look = () => { const text = e.shadowRoot.querySelector('.say').textContent;
            if (t0 && !text.startsWith('Solving') && text !== before) window.done = performance.now() - t0;
            else requestAnimationFrame(look); };
          const before = e.shadowRoot.querySelector('.say').textContent; requestAnimationFrame(look); }""")
        nb.page.keyboard.press("ArrowRight" if i % 10 < 5 else "ArrowLeft")
        nb.page.wait_for_function("window.done !== null")
        times.append(nb.page.evaluate("window.done"))
    return times
