"""How fast the explorers follow the hand, beside `interact` and matplotlib: make bench-widgets.

Each picture is moved by real keys, and dragged by Chromium's own hand: a move for each refresh of
the screen.

    key_ms     from the slider's key to changed pixels (median, 95th percentile)
    fps        new pictures a second while the mouse drags for two seconds
    settle_ms  from the last event of the drag to the last changed pixels, words and all
    bytes      between page and kernel, for each new picture

"explorer, cell running": the same while a cell keeps the kernel busy.  What the page computes by
itself stands beside the old way, a kernel that is asked: "new graph", a line of the graph editor;
"new start", another scale or rate of the initialisation lab, whose every frame trains on;
"training", the playground's film (fps).  Writes build/bench/widgets.csv, and says how many times
faster the page is: on a busy machine only these ratios mean something.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from browser.chromium import chromium  # noqa: E402
from browser.kinds import IMPORT, LONG, PLAYGROUND  # noqa: E402
from browser.lab import FLAGS, Lab, Notebook  # noqa: E402
from browser.measure import Speed, edges, film, speed, starts, watch  # noqa: E402

ALL = {**LONG, "playground": PLAYGROUND}
USUAL = "interact + matplotlib"
CONTENDERS = ("explorer", "explorer, cell running", USUAL)
NEW = {  # what the page computes by itself, and the old way to the same
    "graphs": ("new graph", "new graph, cell running", "new graph, kernel"),
    "starts": ("new start", "new start, cell running", "new start, kernel"),
    "playground": ("training", "training, cell running", "training, kernel"),
}
# Which slider of the explorer is moved, if not the first: the one that `interact` moves, too.
SLIDER = {"winners": 1, "starts": 3}
BUSY = "import time\nend = time.time() + 600\nwhile time.time() < end:\n    sum(range(10_000))"
OLD = "import sys\nsys.path.insert(0, {folder!r})\nimport interact_pictures as old\nold.{call}"
CALLS = {USUAL: "interact(w)", "training, kernel": "watched()"}


def contenders(kind, only_new):
    """What is measured of an explorer: its slider, unless it has none to compare, and what is new."""
    slider = () if only_new or kind == "playground" else CONTENDERS
    if kind in ("movements", "robots"):  # no picture of `interact` was written for these
        slider = slider[:2]
    return slider + NEW.get(kind, ())


def cells_of(kind, contender):
    """The cells of a contender's notebook."""
    own, folder = f"{IMPORT}\nw = {ALL[kind]}; w", str(Path(__file__).parent)
    if contender == USUAL or contender.endswith("kernel"):
        made = [] if kind == "playground" else [own.removesuffix("; w")]
        call = CALLS.get(contender, "ask(w)")
        return [*made, OLD.format(folder=folder, call=call)]
    return [own, BUSY] if contender.endswith("running") else [own]


def measured(notebook, picture, kind, contender, keys, seconds):
    """The speed of a picture that is on the page."""
    page, old = notebook.page, contender.endswith("kernel")
    if contender.startswith("new graph"):
        button = "button.widget-toggle-button" if old else "[data-edge]"
        watch(picture)
        return Speed.of(*edges(page, picture, keys, button))
    if contender.startswith("new start"):
        watch(picture)
        return Speed.of(*starts(page, picture, keys, (0, 1) if old else (1, 2)))
    if contender.startswith("training"):
        watch(picture)
        name = "Play" if old else "From the start"
        fps = film(page, picture.get_by_role("button", name=name).click, seconds)
        none = float("nan")
        return Speed(none, none, fps, none, none)
    which = 0 if contender == USUAL else SLIDER.get(kind, 0)
    return speed(page, picture, which, keys, seconds)


def row(lab, browser, kind, contender, keys, seconds):
    """One contender in a notebook of its own."""
    usual = contender == USUAL or contender.endswith("kernel")
    running = contender.endswith("running")
    cells = cells_of(kind, contender)
    notebook = Notebook(lab, browser, lab.notebook(f"{kind}_{abs(hash(contender))}", *cells))
    try:
        if running:
            notebook.start()
            notebook.wait_for()
            notebook.running(1)
        else:
            notebook.run()
        if usual:
            picture = notebook.page.locator(".widget-interact")
            picture.locator("img").first.wait_for()
        else:
            notebook.wait_for()
            picture = notebook.explorer()
        found = measured(notebook, picture, kind, contender, keys, seconds)
        faults = [fault for fault in notebook.faults() if not usual or "explorer" in fault]
        if faults:
            raise RuntimeError(f"{kind}, {contender}: {faults}")
    finally:
        notebook.close()
    return {"explorer": kind, "contender": contender, **vars(found)}


def measure(
    lab, browser, kinds, keys=60, slow_keys=15, seconds=2.0, only_new=False, say=lambda row: None
) -> pd.DataFrame:
    """A row for every explorer and contender."""
    rows = []
    for kind in kinds:
        for contender in contenders(kind, only_new):
            slow = contender == USUAL or contender.startswith("new")
            rows.append(row(lab, browser, kind, contender, slow_keys if slow else keys, seconds))
            say(rows[-1])
    return pd.DataFrame(rows)


def ratios(table) -> list[str]:
    """How many times faster the page answers, or draws, than the old way to the same."""
    said = []
    for kind, rows in table.groupby("explorer", sort=False):
        found = rows.set_index("contender")
        pairs = [
            ("explorer", USUAL),
            *[(ways[0], ways[-1]) for ways in [NEW.get(kind, ())] if ways],
        ]
        for ours, old in pairs:
            if ours not in found.index or old not in found.index:
                continue
            key = found.key_ms_median[old] / found.key_ms_median[ours]
            frames = found.fps[ours] / found.fps[old]
            parts = [
                f"{v:.0f} times the {name}"
                for v, name in ((key, "speed"), (frames, "frames"))
                if v == v
            ]
            said.append(f"{kind}, {ours}: {', '.join(parts)} of {old}")
    return said


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=list(ALL), default=list(ALL), metavar="KIND")
    parser.add_argument("--keys", type=int, default=60, help="keys to press (default: 60)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of every drag (default: 2)")
    parser.add_argument("--new", action="store_true", help="only what the page computes by itself")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    names = ("key_ms_median", "key_ms_p95", "fps", "settle_ms", "bytes_per_update")
    print(
        f"{'explorer':11} {'contender':24}" + "".join(f"{name:>17}" for name in names), flush=True
    )

    def say(row):
        numbers = "".join(f"{row[name]:17,.1f}" for name in names)
        print(f"{row['explorer']:11} {row['contender']:24}{numbers}", flush=True)

    try:
        path = chromium()  # before Playwright's own loop runs: looking for a browser may start one
    except RuntimeError as error:
        print(
            f"{error}\nDebian and Ubuntu: apt-get install chromium; elsewhere: playwright install chromium"
        )
        return None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p, Lab(Path(folder)) as lab:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        table = measure(
            lab,
            browser,
            options.kinds,
            options.keys,
            max(3, options.keys // 2),
            options.seconds,
            options.new,
            say,
        )
        browser.close()
    path = options.out / "widgets.csv"
    table.round(2).to_csv(path, index=False)
    print("\nWanted of an explorer: key 16 ms (95 %: 33), 40 fps, settled within 33 ms.")
    print("Of a new graph or start: key 33 ms (95 %: 80); of a training that is watched: 30 fps.")
    print("\n".join([*ratios(table), f"Written to {path}"]))
    return table


if __name__ == "__main__":
    main()
