"""How fast a picture answers: real keys and a real mouse, from the event to the painted frame.

Both contenders are timed alike: an explorer counts a frame when its `data-drawn` changes; a matplotlib picture when its new image is decoded.  Then
both wait for the paint. An explorer's words may follow its picture (`data-written`): they are no
frame, but nothing has settled before them.
"""

import statistics
import time
from dataclasses import dataclass

WATCH = """(host) => {
  const watch = window.watch = { keys: [], paints: [], bytes: 0, lastInput: 0, last: 0 };
  const explorer = Boolean(host.shadowRoot), root = explorer ? host.shadowRoot.querySelector('.root') : host;
  let from = null, shown = root.querySelector('img'), source = shown?.src;
  const after = (t0, picture = true) => {  /* we are inside the frame that draws: the paint comes next */
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      watch.last = performance.now();
      if (picture) watch.paints.push(watch.last);
      if (t0 !== null) watch.keys.push(watch.last - t0);
      watch.heard?.();
    };
    channel.port2.postMessage(0);
  };
  const painted = (t0) => requestAnimationFrame(() => after(t0));
  const target = explorer ? host.shadowRoot : host;
  target.addEventListener('keydown', (e) => { from = e.timeStamp; watch.lastInput = e.timeStamp; }, true);
  const moved = ({ timeStamp }) => { watch.lastInput = timeStamp; watch.begin ??= timeStamp; };
  target.addEventListener('input', moved, true);
  if (!explorer) addEventListener('mousemove', (e) => { if (e.buttons & 1) moved(e); }, true);
  new MutationObserver(async (changes) => {
    if (explorer) {
      if (changes.every((change) => change.attributeName === 'data-written')) return after(null, false);
      const t0 = from; from = null;
      return after(t0);
    }
    const image = root.querySelector('img');
    if (!image || (image === shown && image.src === source)) return;  // a new image may look like the old one
    [shown, source] = [image, image.src];
    const t0 = from; from = null;
    await image.decode().catch(() => {});
    painted(t0);
  }).observe(root, explorer ? { attributes: true, attributeFilter: ['data-drawn', 'data-written'] }
    : { childList: true, subtree: true, attributes: true, attributeFilter: ['src'] });
  watch.until = (n, patience) => new Promise((done) => {
    const end = (found) => { clearTimeout(timer); watch.heard = null; done(found); };
    const timer = setTimeout(end, patience, false);
    watch.heard = () => { if (watch.keys.length >= n) end(true); };
    watch.heard();
  });
  const kernel = window.jupyterapp?.shell.currentWidget.sessionContext.session?.kernel;
  const size = ({ header, parent_header, metadata, content, buffers }) =>
    JSON.stringify([header, parent_header, metadata, content]).length
    + (buffers ?? []).reduce((sum, b) => sum + b.byteLength, 0);
  kernel?.anyMessage.connect((_, { msg }) => {
    if (msg.header.msg_type !== 'status') watch.bytes += size(msg);
  });
}"""
HAND = """([at, path]) => {
  watch.paints.length = 0; watch.begin = null;
  const move = ([x, y]) => ({ name: 'pointerMove', x, y });
  const actions = [move(at), { name: 'pointerDown', x: at[0], y: at[1], button: 0 }, ...path.map(move),
    { name: 'pointerUp' }];
  return new Promise((done) => {
    const end = () => done(watch.paints.length);
    chrome.gpuBenchmarking.pointerActionSequence([{ source: 'mouse', actions }], end);
  });
}"""
SLIDER = "input[type=range], [role=slider]"


@dataclass
class Speed:
    """Of one picture: over its keys, in a drag, and after it."""

    key_ms_median: float
    key_ms_p95: float
    fps: float
    settle_ms: float
    bytes_per_update: float

    @classmethod
    def of(cls, times, size, fps=float("nan"), settle=float("nan")):
        p95 = statistics.quantiles(times, n=20, method="inclusive")[18]
        return cls(statistics.median(times), p95, fps, settle, size)

    @property
    def follows_the_hand(self):
        return (
            self.key_ms_median <= 16
            and self.key_ms_p95 <= 33
            and self.fps >= 40
            and self.settle_ms <= 33
        )


def watch(picture):
    picture.evaluate(WATCH)


def span(picture, slider=0) -> int:
    """How many steps the slider has."""
    return (
        picture.locator(SLIDER)
        .nth(slider)
        .evaluate(
            "e => Number(e.max || e.getAttribute('aria-valuemax'))"
            " - Number(e.min || e.getAttribute('aria-valuemin') || 0)"
        )
    )


def keys(page, picture, slider=0, n=60) -> tuple[list[float], float]:
    """Milliseconds from each key to its painted frame; and bytes between page and kernel for each
    of them.
    """
    handle, steps = picture.locator(SLIDER).nth(slider), span(picture, slider)
    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(400)
    return _answers(page, n, lambda i: _press(page, ("ArrowRight", "ArrowLeft")[i // steps % 2]))


def _press(page, key, held=0.05):
    """As a finger does: down, and up after a while.  To say "up" at once would be work beside the
    frame.
    """
    page.keyboard.down(key)
    time.sleep(held)
    page.keyboard.up(key)


def edges(page, picture, n=60, button="[data-edge]") -> tuple[list[float], float]:
    """The same for the lines of the graph editor: every key makes a graph that was not there
    before.
    """
    buttons = picture.locator(button).all()[:10]

    def press(i):
        buttons[
            (~i & (i + 1)).bit_length() - 1
        ].focus()  # Gray's code: one line at a time, all 2^10
        _press(page, "Enter")  # it acts when the key goes down

    return _answers(page, n, press)


def starts(page, picture, n=24, sliders=(1, 2)) -> tuple[list[float], float]:
    """The same for two sliders of the initialisation lab: every key makes a start that was not
    there before, boustrophedon through all pairs of values."""
    across, down = (picture.locator(SLIDER).nth(i) for i in sliders)
    width = span(picture, sliders[0])
    for slider in (down, across):
        slider.focus()
        page.keyboard.press("Home")
    page.wait_for_timeout(1500)

    def press(i):
        row, place = divmod(i, width + 1)
        if place == width:
            down.focus()
            return _press(page, "ArrowRight")
        across.focus()
        return _press(page, ("ArrowRight", "ArrowLeft")[row % 2])

    return _answers(page, n, press)


def film(page, begin, seconds) -> float:
    """New pictures a second in a training that begins now."""
    page.evaluate("watch.paints.length = 0")
    begin()
    page.wait_for_function("watch.paints.length > 0", timeout=60_000)
    page.wait_for_timeout(1000 * seconds)
    first, last, n = page.evaluate("[watch.paints[0], watch.paints.at(-1), watch.paints.length]")
    return (n - 1) / (last - first) * 1000 if n > 1 else 0.0


def _answers(page, n, press, patience=10):
    page.evaluate("watch.keys.length = watch.bytes = 0")
    for i in range(n):
        press(i)
        if not page.evaluate(f"watch.until({i + 1}, {1000 * patience})"):
            # no new picture: counted as this slow
            page.evaluate(f"watch.keys.push({1000 * patience})")
        # A quick hand: about ten keys a second (more is a drag), never in step with the screen's
        # refresh.
        time.sleep(0.03 + 0.0037 * (i % 9))
    page.wait_for_timeout(400)  # what is sent when the hand rests is counted too
    return page.evaluate("watch.keys"), page.evaluate("watch.bytes") / n


def drag(page, picture, slider=0, seconds=2.0) -> tuple[float, float]:
    """Frames a second during a drag, and milliseconds from its last event to the last painted frame
    or word.

    The browser's own hand holds the mouse: one move for each refresh of the screen, as a real mouse
    sends them.  A move from this process would wait for the answer to the one before, and both take
    processor time from the page that is measured.
    """
    track = picture.locator("input[type=range], .noUi-base").nth(slider)
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    left, right, y = box["x"] + 8, box["x"] + box["width"] - 8, box["y"] + box["height"] / 2
    at = left
    if not picture.locator("input[type=range]").count():
        handle = picture.locator(".noUi-handle").nth(slider).bounding_box()
        at, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    # a short slider is shaken faster: as many values a second
    sweeps = max(0.8, 70 / span(picture, slider))
    waves = [abs((i / 60 * sweeps) % 2 - 1) for i in range(int(60 * seconds))]
    path = [[left + part * (right - left), y] for part in [*waves, 0.25]]
    slow = page.evaluate(HAND, [[at, y], path]) < 10 * seconds
    seen = -1
    while seen != (seen := page.evaluate("watch.last")):  # until nothing new has come for a while
        page.wait_for_timeout(1500 if slow else 300)
    count, took, settle = page.evaluate(
        "[watch.paints.filter((t) => t <= watch.lastInput).length, watch.lastInput - watch.begin,"
        " watch.last - watch.lastInput]"
    )
    return count / took * 1000, max(0.0, settle)


def speed(page, picture, slider=0, n=60, seconds=2.0) -> Speed:
    watch(picture)
    times, size = keys(page, picture, slider, n)
    return Speed.of(times, size, *drag(page, picture, slider, seconds))
