"""What one frame of an explorer does to the page: no layer is sorted again, the picture comes first."""

import json

import pytest

from .conftest import at_rest
from .kinds import IMPORT, SMALL, made

pytestmark = pytest.mark.browser

KINDS = list(SMALL)
# Some 25 values of the first slider, over all of its length, one a frame; what is seen after each.
SWEEP = """async (e) => {
  const page = e.shadowRoot, root = page.querySelector('.root');
  const input = page.querySelector('input[type=range]');
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const seen = [], home = root.getBoundingClientRect(), stride = Math.max(1, Math.floor(input.max / 24));
  for (let v = 0; v <= Number(input.max); v += stride) {
    input.value = v; input.dispatchEvent(new Event('input')); await frame(); await frame();
    const places = [...page.querySelectorAll('.panels, .panel, small, svg')].map((node) => {
      const box = node.getBoundingClientRect();
      return [Math.round(box.left - home.left), Math.round(box.top - home.top)].join(); });
    seen.push([root.offsetHeight, ...places].join(' '));
  }
  return seen;
}"""
# A dozen values of a slider, over all of its length, each painted and its words written; how many.
PAINT = """async (e, place) => {
  const input = e.shadowRoot.querySelectorAll('input[type=range]')[place];
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const stride = Math.max(1, Math.floor(input.max / 12));
  let n = 0;
  for (let v = 0; v <= Number(input.max); v += stride) {
    input.value = v; input.dispatchEvent(new Event('input')); await frame(); await frame();
    n += 1;
  }
  return n;
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_repaints_and_does_not_sort_the_layers_of_the_page_again(
    on_disk, browser, tmp_path, kind
):
    """By Chromium's own record: such an update costs as much as all of our drawing."""
    page = on_disk(made(SMALL[kind]))
    explorer = page.locator(".ragteach-explorer")
    # its first slider takes another row, with an axis of its own
    place = int(kind == "winners")
    explorer.locator("input[type=range]").nth(place).focus()
    explorer.evaluate(PAINT, place)
    at_rest(page)
    trace = tmp_path / "trace.json"
    browser.start_tracing(page=page, path=trace, categories=["blink", "devtools.timeline"])
    n = explorer.evaluate(PAINT, place)
    browser.stop_tracing()
    events = json.loads(trace.read_text())["traceEvents"]
    names = [event["name"] for event in events]
    assert names.count("Paint") >= n  # the record has what we look for
    assert names.count("PaintArtifactCompositor::Update") <= 0.5 * n
    assert page.said == []


def test_a_rested_hands_first_frame_draws_the_picture_and_the_words_follow_in_the_next(notebook):
    """While it moves on, the words are never two frames behind; in the end nothing is left to be
    written.
    """
    nb = notebook(IMPORT, SMALL["sharing"])
    nb.wait_for()
    seen = nb.explorer().evaluate("""async (e) => {
      const root = e.shadowRoot.querySelector('.root'), input = root.querySelector('input[type=range]');
      const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const at = () => [Number(root.dataset.drawn), Number(root.dataset.written)], seen = [];
      await new Promise((done) => setTimeout(done, 500));
      const later = window.setTimeout; // the hand does not rest meanwhile, however long a frame takes
      window.setTimeout = (act, wait, ...more) => (wait === 250 ? 0 : later(act, wait, ...more));
      const [drawn, written] = at();
      for (const move of [true, true, true, true, false, false]) {
        if (move) { input.stepUp(); input.dispatchEvent(new Event('input')); }
        await frame();
        seen.push([at()[0] - drawn, at()[1] - written]);
      }
      window.setTimeout = later;
      return seen; }""")
    assert seen[0] == [1, 0]
    assert [drawn for drawn, _ in seen] == [1, 2, 3, 4, 4, 4]
    written = [words for _, words in seen]
    # Frames that are late (a busy machine) are a new beginning each: then the words come in every
    # second one.
    assert all(later > words for words, later in zip(written, written[2:4], strict=False)), written
    assert written[-1] == written[-2] > written[2], written
    assert nb.faults() == []
