"""The moving picture of the README: the sharing slider, end to end, filmed from a page on disk.

    python tools/moving_picture.py [notebooks/images/sharing.gif]

Every frame is a screenshot of the real explorer.  Needs Chromium (see tests/browser/chromium.py).
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections import Counter
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.chromium import chromium  # noqa: E402
from browser.lab import FLAGS  # noqa: E402

import ragteach as rt  # noqa: E402
from ragteach.widgets.html import fragment  # noqa: E402

TARGET = ROOT / "notebooks" / "images" / "sharing.gif"
WIDTH = 760
SENTENCES = 30  # per domain: few enough that sharing helps, and that too much of it hurts
STEP = 2  # places of the slider between two frames
REST = 12  # frames' time at either end
LARGEST = 1_500_000  # bytes
COLOURS = 128


def film() -> list[Image.Image]:
    """From independent models to full sharing, one frame every few lambdas."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        page_file = Path(folder, "page.html")
        explorer = rt.widgets.sharing_slider(n_per_task=SENTENCES)
        page_file.write_text(
            f"<!DOCTYPE html><meta charset=utf-8>{fragment(explorer.saved(), 0, set())}",
            encoding="utf-8",
        )
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 900}, color_scheme="light", reduced_motion="reduce"
        )
        page.goto(page_file.as_uri())
        page.wait_for_selector(".say")
        slider = page.locator("input[type=range]").first
        last = int(slider.get_attribute("max"))
        frames = []
        for at in [*range(0, last, STEP), last]:
            page.evaluate("at => RAGTEACH_MODELS[0].hear({ move: { at } })", at)
            frames.append(shot(page))
        browser.close()
    return frames


def shot(page) -> Image.Image:
    """Slider, pictures and sentence, once the frames of the last move are drawn."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    image = Image.open(io.BytesIO(page.locator(".root").screenshot())).convert("RGB")
    top = page.locator(".root").bounding_box()["y"]
    below = page.locator(".tools").bounding_box()["y"]
    return image.crop((0, 0, image.width, int(below - top)))


def palette_of(frames: list[Image.Image]) -> Image.Image:
    """The most frequent colours, as they are: every line and marker keeps its own."""
    found: Counter = Counter()
    for frame in frames:
        found.update({colour: n for n, colour in frame.getcolors(frame.width * frame.height)})
    flat = [value for colour, _ in found.most_common(COLOURS) for value in colour]
    palette = Image.new("P", (1, 1))
    palette.putpalette(flat)
    return palette


def save(frames: list[Image.Image], target: Path) -> None:
    """There and back again, with a rest at either end; one palette for all frames."""
    height = min(frame.height for frame in frames)
    cut = [frame.crop((0, 0, frame.width, height)) for frame in frames]
    palette = palette_of([cut[0], cut[len(cut) // 2], cut[-1]])
    small = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in cut]
    sequence = [*small, *small[-2:0:-1]]
    durations = [100] * len(sequence)
    durations[0] = durations[len(small) - 1] = 100 * REST
    sequence[0].save(
        target,
        save_all=True,
        append_images=sequence[1:],
        duration=durations,
        loop=0,
        optimize=True,
    )
    size = target.stat().st_size
    print(f"{target}: {len(sequence)} frames, {size / 1e6:.2f} MB")
    if size > LARGEST:
        raise SystemExit(f"larger than {LARGEST / 1e6} MB: fewer frames (STEP) or a smaller WIDTH")


if __name__ == "__main__":
    save(film(), Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
