"""Screens of every explorer, to be looked at: light and dark, three widths, the course's data and a
learner's own: build/screens/*.png. Pages on disk, so no kernel is started.

    python tests/browser/screens.py [--own] [kind ...]

It prints what can be measured: errors, pages that scroll sideways, and where the last picture ends below
FOLD pixels, the height of a small screen.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.chromium import chromium  # noqa: E402
from browser.kinds import MAKE, MOVES, OWN, PLAYGROUND, made  # noqa: E402
from browser.lab import FLAGS  # noqa: E402
from ragteach.widgets.html import fragment  # noqa: E402

OUT = ROOT / "build" / "screens"
PAGE = "<!DOCTYPE html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
PAGE += "<style>html { scrollbar-width: none }</style>"  # it would come and go with a shot's height
DEFAULT = {**MAKE, "chat": "rt.widgets.chat_box()", "playground": PLAYGROUND}
WIDTHS = (1280, 800, 390)
FOLD = 800
ROOT_NODE = "document.querySelector('.ragteach-explorer').shadowRoot.querySelector('.root')"
AT_REST = f"""() => {{ const say = {ROOT_NODE}.querySelector('.say').textContent;
  return {ROOT_NODE}.dataset.drawn && !/^(Training|Solving)/.test(say); }}"""


def main(arguments):
    own = "--own" in arguments
    kinds = [kind for kind in arguments if kind != "--own"] or list(OWN if own else DEFAULT)
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=chromium(), args=FLAGS, ignore_default_args=["--hide-scrollbars"]
        )
        for kind in kinds:
            w = OWN[kind]() if own else made(DEFAULT[kind])
            page = Path(folder) / f"{kind}.html"
            page.write_text(PAGE + fragment(w.saved(), 0, set()), encoding="utf-8")
            for theme in ("light", "dark"):
                move = MOVES[kind]() if own and kind in MOVES else None
                shoot(browser, page, theme, f"{kind}{'_own' * own}", move)
        browser.close()


def shoot(browser, file, theme, name, move):
    """One page in one theme, at every width; says what went wrong or sticks out."""
    page = browser.new_page(color_scheme=theme, reduced_motion="reduce")
    page.on("pageerror", lambda error: print(f"{name}: {error}", flush=True))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(file.as_uri())
        page.wait_for_selector(".say")
        if move:
            page.evaluate("to => RAGTEACH_MODELS[0].hear({ move: to })", move)
            page.wait_for_function(f"{ROOT_NODE}.dataset.rested")
        page.wait_for_function(AT_REST)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
        page.locator(".ragteach-explorer").screenshot(path=OUT / f"{name}_{width}_{theme}.png")
        bottom = page.evaluate(
            f"{ROOT_NODE}.querySelector('.panels').getBoundingClientRect().bottom"
        )
        if bottom > FOLD and width >= 800:
            print(f"{name}: its pictures end at {bottom:.0f} of {FOLD} pixels ({width} wide)")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            print(f"{name}: wider than {width} pixels")
    page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
