"""How fast an explorer answers: real keys and a real mouse, from the event to the painted frame."""

import statistics
import time
from dataclasses import dataclass

# A frame counts when its drawing is done and the browser has painted: the message is handled after that.
WATCH = """(host) => {
  const root = host.shadowRoot.querySelector('.root');
  const watch = window.watch = { keys: [], paints: [], last: 0, frames: 0 };
  let from = null;
  const input = () => { watch.last = performance.timeOrigin + performance.now(); };
  host.shadowRoot.addEventListener('keydown', (e) => { from = e.timeStamp; }, true);
  host.shadowRoot.addEventListener('input', input, true);
  new MutationObserver(() => {
    const t0 = from; from = null;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      watch.paints.push(performance.now());
      if (t0 !== null) watch.keys.push(performance.now() - t0);
    };
    channel.port2.postMessage(0);
  }).observe(root, { attributes: true, attributeFilter: ['data-drawn'] });
  host.shadowRoot.addEventListener('input', (e) => { watch.lastInput = e.timeStamp; }, true);
}"""


@dataclass
class Speed:
    key_ms_median: float
    key_ms_p95: float
    fps: float
    settle_ms: float

    @property
    def follows_the_hand(self):
        return self.key_ms_median <= 16 and self.key_ms_p95 <= 33 and self.fps >= 40 and self.settle_ms <= 33


def watch(explorer):
    explorer.evaluate(WATCH)


def keys(page, explorer, slider=0, n=60, pause=0.03) -> list[float]:
    """Milliseconds from each key to its painted frame."""
    explorer.locator("input[type=range]").nth(slider).focus()
    page.evaluate("watch.keys.length = 0")
    for i in range(n):
        page.keyboard.press("ArrowRight" if i % 40 < 20 else "ArrowLeft")
        time.sleep(pause + 0.0017 * (i % 7))  # not in step with the screen's refresh
    page.wait_for_timeout(100)
    return page.evaluate("watch.keys")


def drag(page, explorer, slider=0, seconds=2.0) -> tuple[float, float]:
    """Frames a second during a drag, and milliseconds from its last event to the last painted frame."""
    box = explorer.locator("input[type=range]").nth(slider).bounding_box()
    left, right, y = box["x"] + 8, box["x"] + box["width"] - 8, box["y"] + box["height"] / 2
    page.mouse.move(left, y)
    page.mouse.down()
    page.evaluate("watch.paints.length = 0; watch.begin = performance.now()")
    begin = time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        wave = abs((passed * 0.8) % 2 - 1)
        page.mouse.move(left + wave * (right - left), y)
    end = page.evaluate("performance.now() - watch.begin")
    page.mouse.move(left + 0.25 * (right - left), y)
    page.mouse.up()
    page.wait_for_timeout(150)
    paints = page.evaluate("watch.paints")
    fps = sum(1 for t in paints) / end * 1000
    settle = page.evaluate("watch.paints.at(-1) - watch.lastInput")
    return fps, settle


def speed(page, explorer, slider=0, n=60) -> Speed:
    watch(explorer)
    times = keys(page, explorer, slider, n)
    fps, settle = drag(page, explorer, slider)
    return Speed(statistics.median(times), statistics.quantiles(times, n=20)[18], fps, settle)
