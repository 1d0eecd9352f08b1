"""Screens of every explorer, to be looked at: light and dark, three widths, the course's data and a
learner's own: build/screens/*.png. Pages on disk, so no kernel is started.

python tests/browser/screens.py [--own] [kind ...]
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.chromium import chromium  # noqa: E402
from browser.kinds import MAKE, OWN, PLAYGROUND, made  # noqa: E402
from browser.lab import FLAGS  # noqa: E402
from ragteach.widgets.html import fragment  # noqa: E402

OUT = ROOT / "build" / "screens"
PAGE = "<!DOCTYPE html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
DEFAULT = {**MAKE, "chat": "rt.widgets.chat_box()", "playground": PLAYGROUND}
WIDTHS = (1280, 800, 390)


def main(arguments):
    own = "--own" in arguments
    kinds = [kind for kind in arguments if kind != "--own"] or list(OWN if own else DEFAULT)
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        for kind in kinds:
            w = OWN[kind]() if own else made(DEFAULT[kind])
            page = Path(folder) / f"{kind}.html"
            page.write_text(PAGE + fragment(w.saved(), 0, set()), encoding="utf-8")
            for theme in ("light", "dark"):
                shoot(browser, page, theme, f"{kind}{'_own' * own}")
        browser.close()


def shoot(browser, file, theme, name):
    """One page in one theme, at every width; says what went wrong or sticks out."""
    page = browser.new_page(color_scheme=theme, reduced_motion="reduce")
    page.on("pageerror", lambda error: print(f"{name}: {error}"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(file.as_uri())
        page.wait_for_selector(".say")
        page.wait_for_timeout(700)
        page.locator(".ragteach-explorer").screenshot(path=OUT / f"{name}_{width}_{theme}.png")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            print(f"{name}: wider than {width} pixels")
    page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
