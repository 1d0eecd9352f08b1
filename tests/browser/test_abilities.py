"""What every explorer can do, one row each: what the hand learns in one of them holds in the others.

On a page from disk, on a small screen, with a finger: all of it fits, no table is cut, what is under the
hand lights up, a state can be kept and compared with, charts over a slider's places can be dragged.
"""

import inspect
import json
import re

import pytest

import ragteach as rt

from .conftest import ROOT, at_rest, rested
from .kinds import PLAYGROUND, SMALL, made

pytestmark = pytest.mark.browser
SMALL_SCREEN = {"width": 800, "height": 800}
KINDS = {**SMALL, "chat": "rt.widgets.chat_box()", "playground": PLAYGROUND}
NO_GUESS = {
    "player",
    "starts",
    "robots",
    "winners",
}  # nothing is guessed; the small map's classes are unknown
NO_CHART = {
    "graphs",
    "steps",
    "chat",
    "playground",
}  # no chart is drawn over the places of a slider
# Where the numbers beside a curve's names are read, and what they are: the state's, not those of the curve's end.
READ = {
    "sharing": ("lam", lambda m, _: [*of("accuracy_", m), m["accuracy"]]),
    "movements": ("layer", lambda m, _: [*of("moved_", m), m["apart"]]),
    "robots": ("lam", lambda m, _: of("share_", m)),
    "player": ("step", lambda m, n: [m["shared"], *with_mean(n[1:], m["adapters"])]),
    "starts": ("step", lambda m, n: [n[0], m["free"], m["shared"], m["sum"]]),
    "playground": ("step", lambda m, n: [*n[:-1], m["accuracy"]]),
}


def of(begin, found):
    return [value for name, value in found.items() if name.startswith(begin)]


def with_mean(numbers, mean):
    """These numbers, moved so that this is their mean."""
    return [v + mean - sum(numbers) / len(numbers) for v in numbers]


def number(text):
    """A number as the page writes it; percent as a share."""
    plain = text.replace("−", "-")
    return float(plain.removesuffix(" %")) / 100 if plain.endswith("%") else float(plain)


LIT = f"""() => {{
  const root = {ROOT}, found = {{}};
  for (const kind of ['task', 'word']) {{
    const one = [...root.querySelectorAll(`[data-${{kind}}]`)].find((node) => node.checkVisibility());
    one?.dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}));
    if (one) found[kind] = new Set([...root.querySelectorAll('.on')].map((node) => node.dataset[kind])).size;
    root.dispatchEvent(new PointerEvent('pointerleave'));
  }}
  return [found, root.querySelectorAll('.on').length];
}}"""
SEEN = f"""(name) => [...{ROOT}.querySelectorAll(name)].filter((node) => {{
  const {{ width, height }} = node.getBoundingClientRect();
  return width + height > 0 && node.checkVisibility({{ visibilityProperty: true }}); }}).length"""
CUT = f"""() => [...{ROOT}.querySelectorAll('[role=region]')]
  .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1).map((box) => box.ariaLabel)"""
CHART = f"""() => [...{ROOT}.querySelectorAll('svg')].filter((svg) => svg.style.touchAction === 'pan-y')
  .map((svg) => {{ svg.scrollIntoView({{ block: 'center' }});
    const {{ x, y, width, height }} = svg.getBoundingClientRect(); return [x, y, width, height]; }}).at(-1)"""
WIDE_SCREEN = {"width": 1280, "height": 800}
END = f"() => {ROOT}.querySelector('.panels').getBoundingClientRect().bottom"
# The names at the ends of curves: the line above them, and their numbers.
ENDS = f"""() => [...{ROOT}.querySelectorAll('svg')].map((svg) => [svg,
    [...svg.querySelectorAll('text')].filter((text) => text.querySelector('tspan'))])
  .filter(([, names]) => names.length && names[0].querySelector('tspan').textContent)
  .map(([svg, names]) => [
    [...svg.querySelectorAll('text.soft')].map((text) => text.textContent).filter((text) => /^at /.test(text)),
    names.map((text) => text.querySelector('tspan').textContent)])"""
PLACES = f"() => [...{ROOT}.querySelectorAll('input[type=range]')].map((input) => input.value)"


@pytest.mark.parametrize("kind", KINDS)
def test_every_explorer_can_do_what_the_others_can(on_disk, kind):
    page = on_disk(
        made(KINDS[kind]), viewport=SMALL_SCREEN, reduced_motion="reduce", has_touch=True
    )
    at_rest(page)
    assert page.evaluate(END) <= SMALL_SCREEN["height"]
    assert page.evaluate(CUT) == []
    found, left = page.evaluate(LIT)
    assert found and set(found.values()) == {1} and left == 0
    assert (kind in NO_GUESS) != ("chance" in page.locator(".root").text_content().lower())
    kept_and_compared(page)
    if kind not in NO_CHART:
        before = page.evaluate(PLACES)
        rested(page, lambda: drag(page, *page.evaluate(CHART)))
        assert page.evaluate(PLACES) != before
    if kind in READ:
        place, true = READ[kind]
        found = json.loads(page.locator(".root").get_attribute("data-measures"))
        (heads, texts), *_ = page.evaluate(ENDS)
        assert [number(head.split()[-1]) for head in heads] == pytest.approx(
            [found[place]], rel=0.03
        )
        numbers = list(map(number, texts))
        assert numbers == pytest.approx(true(found, numbers), rel=0.02, abs=0.0051)
    page.set_viewport_size(WIDE_SCREEN)
    at_rest(page)
    assert page.evaluate(END) <= WIDE_SCREEN["height"]
    page.get_by_role("button", name="Copy as code").click()
    compile(page.locator(".tools ~ pre").inner_text(), kind, "exec")
    function = getattr(rt.widgets, re.match(r"rt\.widgets\.(\w+)", KINDS[kind])[1])
    assert "goal" in inspect.signature(function).parameters
    assert page.said == []


def kept_and_compared(page):
    """A pinned state and the last one are drawn, and the sentence says how far it is from there."""
    page.get_by_role("button", name="Pin this state").click()
    slider = page.locator("input[type=range]").first
    at, most = int(slider.input_value()), int(slider.get_attribute("max"))
    rested(page, lambda: slider.press("Home" if 2 * at > most else "End"))
    rested(page, lambda: slider.press("ArrowLeft" if 2 * at <= most else "ArrowRight"))
    assert page.evaluate(SEEN, ".pin") and page.evaluate(SEEN, ".ghost")
    assert "against the pinned state" in page.locator(".say").text_content()


def drag(page, x, y, width, height):
    """One finger, across a picture from near its right side into the middle."""
    touch = page.context.new_cdp_session(page)
    for part in (0.9, 0.8, 0.7, 0.55, 0.4):
        kind = "touchStart" if part == 0.9 else "touchMove"
        points = [{"x": x + part * width, "y": y + height / 2}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
