"""For everyone: what axe-core finds, what a screen reader hears, and colours that can be told apart."""

import itertools
import re

import numpy as np
import pytest

import ragteach as rt
from ragteach.widgets.base import source

from .axe import serious
from .conftest import ROOT, go
from .kinds import SMALL, made

pytestmark = pytest.mark.browser
KINDS = {**SMALL, "playground": "rt.widgets.playground()"}
# Machado, Oliveira & Fernandes (2009), severity 1: linear RGB as people with each deficiency see it.
SEEN = {
    "all": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(on_disk, kind):
    page = on_disk(made(KINDS[kind]), color_scheme="light", reduced_motion="reduce")
    page.get_by_role("button", name="Table of the numbers").click()
    page.wait_for_selector(".more td")
    assert serious(page, ".ragteach-explorer") == []
    empty = "e => [...e.querySelectorAll('th')].filter((th) => !th.textContent.trim()).length"
    assert page.locator(".root").evaluate(empty) == 0
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{ROOT}.dataset.theme === 'dark'")
    assert serious(page, ".ragteach-explorer", only="color-contrast") == []
    page.emulate_media(color_scheme="dark", forced_colors="active")
    assert page.evaluate(FORCED) == []


# In the system's own colours: texts and lines stand out, the grid does not, and pressed buttons differ.
FORCED = f"""() => {{
  const root = {ROOT}, wrong = [], light = (colour) => {{
    const pen = document.createElement('canvas').getContext('2d', {{ willReadFrequently: true }});
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) =>
      v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; }};
  const style = (node) => getComputedStyle(node), ground = light(style(root).backgroundColor);
  const contrast = (colour) => {{ const other = light(colour);
    return (Math.max(ground, other) + 0.05) / (Math.min(ground, other) + 0.05); }};
  const all = (what) => [...root.querySelectorAll(what)].filter((node) => node.checkVisibility());
  const least = (what, of, low, high = 99) => {{ for (const node of all(what)) {{ const colour = style(node)[of];
    if (colour !== 'none' && !(contrast(colour) >= low && contrast(colour) <= high))
      wrong.push([what, node.outerHTML.slice(0, 120), colour]); }} }};
  least('svg text', 'fill', 4.5);
  least('p, label, th, td, h3, h4', 'color', 4.5);
  least('svg .axis', 'stroke', 3);
  least('[stroke^="var(--series"]', 'stroke', 3);
  least('svg .grid', 'stroke', 1.1, 3.5);
  const pressed = new Set(all('[aria-pressed=true]').map((node) => style(node).backgroundColor));
  for (const node of all('[aria-pressed=false]'))
    if (pressed.has(style(node).backgroundColor)) wrong.push(['pressed', node.outerHTML]);
  return wrong;
}}"""


def test_playing_is_read_aloud_once_at_its_end(on_disk):
    runs, data = rt.widgets.toy_runs(epochs=40)
    page = on_disk(rt.widgets.trajectory_player(runs, data=data))
    go(page, at=0)
    page.evaluate(
        "() => { window.heard = []; const root = document.querySelector('.ragteach-explorer').shadowRoot;"
        " const live = [...root.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')];"
        " window.regions = live.length; for (const node of live) new MutationObserver(() =>"
        " window.heard.push(node.textContent)).observe(node, { childList: true, characterData: true, subtree: true }); }"
    )
    before = page.evaluate(f"Number({ROOT}.dataset.rested)")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"before => Number({ROOT}.dataset.rested) > before", arg=before)
    assert page.evaluate("window.regions") == 1
    heard = page.evaluate("window.heard")
    assert len(heard) == 1 and "step 40" in heard[0]


def colours():
    """The variables of the style sheet, light and dark."""
    blocks = re.findall(
        r"\.root(?:\[data-theme=\"dark\"\])? \{ (--fg:.*?)\}", source("style"), re.DOTALL
    )
    found = [dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    light, dark = found[:2]
    return {"light": light, "dark": {**light, **dark}}


def linear(colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    """CIE L*a*b* of linear RGB."""
    m = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x = np.array(m) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out_and_are_told_apart(theme):
    """Series 3 to 1 on the ground, texts 4.5 to 1; for every kind of colour vision 15 apart in L*a*b*."""
    named = colours()[theme]
    series = [named[f"--series-{i}"] for i in range(12)]
    for colour in [*series, named["--shared"], named["--accent"]]:
        assert contrast(colour, named["--bg"]) >= 3, colour
    for text, ground in itertools.product(("--fg", "--soft", "--warn"), ("--bg", "--panel")):
        assert contrast(named[text], named[ground]) >= 4.5, (text, ground)
    assert contrast(named["--bg"], named["--accent"]) >= 4.5  # a pressed button
    for vision, seen in SEEN.items():
        places = [lab(np.array(seen) @ linear(colour)) for colour in series]
        nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(places, 2))
        assert nearest >= 15, (vision, series)
