"""How fast the explorers follow the hand, beside `interact` and matplotlib: make bench-widgets.

Each picture is moved by real keys, and dragged by Chromium's own hand: a move for each refresh of
the screen.

    key_ms     from the slider's key to changed pixels (median, 95th percentile)
    fps        new pictures a second while the mouse drags for two seconds
    settle_ms  from the last event of the drag to the last changed pixels, words and all
    bytes      between page and kernel, for each new picture

"explorer, cell running": the same while a cell keeps the kernel busy.  "new graph": a line of the
graph editor is clicked, and the page solves anew.  Writes build/bench/widgets.csv.
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
from browser.kinds import IMPORT, LONG  # noqa: E402
from browser.lab import FLAGS, Lab, Notebook  # noqa: E402
from browser.measure import Speed, edges, speed, watch  # noqa: E402

CONTENDERS = ("explorer", "explorer, cell running", "interact + matplotlib")
ANEW = ("new graph", "new graph, cell running")  # of the graph editor
# Which slider of the explorer is moved, if not the first: the one that `interact` moves, too.
SLIDER = {"winners": 1, "starts": 3}
BUSY = "import time\nend = time.time() + 600\nwhile time.time() < end:\n    sum(range(10_000))"
USUAL = "import sys\nsys.path.insert(0, {folder!r})\nfrom interact_pictures import interact\ninteract(w)"


def measure(
    lab, browser, kinds, keys=60, slow_keys=15, seconds=2.0, say=lambda row: None
) -> pd.DataFrame:
    """A row for every explorer and contender."""
    rows = []
    for kind in kinds:
        cells = (
            f"{IMPORT}\nw = {LONG[kind]}; w",
            USUAL.format(folder=str(Path(__file__).parent)),
            BUSY,
        )
        for contender in CONTENDERS + ANEW * (kind == "graphs"):
            usual, running = contender.startswith("interact"), contender.endswith("running")
            wanted = (
                (cells[0].removesuffix("; w"), cells[1]) if usual else cells[: 1 + 2 * running : 2]
            )
            name = lab.notebook(f"{kind}_{len(rows)}", *wanted)
            notebook = Notebook(lab, browser, name)
            try:
                if running:
                    notebook.start()
                    notebook.wait_for()
                    notebook.running(1)
                else:
                    notebook.run()
                if usual:
                    picture = notebook.page.locator(".widget-interact")
                    picture.locator("img").wait_for()
                else:
                    notebook.wait_for()
                    picture = notebook.explorer()
                if contender in ANEW:
                    watch(picture)
                    found = Speed.of(*edges(notebook.page, picture, slow_keys))
                else:
                    which, n = (0, slow_keys) if usual else (SLIDER.get(kind, 0), keys)
                    found = speed(notebook.page, picture, which, n, seconds)
                faults = [fault for fault in notebook.faults() if not usual or "explorer" in fault]
                if faults:
                    raise RuntimeError(f"{kind}, {contender}: {faults}")
            finally:
                notebook.close()
            rows.append({"explorer": kind, "contender": contender, **vars(found)})
            say(rows[-1])
    return pd.DataFrame(rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=list(LONG), default=list(LONG), metavar="KIND"
    )
    parser.add_argument("--keys", type=int, default=60, help="keys to press (default: 60)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of every drag (default: 2)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    names = ("key_ms_median", "key_ms_p95", "fps", "settle_ms", "bytes_per_update")
    print(f"{'explorer':9} {'contender':22}" + "".join(f"{name:>17}" for name in names), flush=True)

    def say(row):
        numbers = "".join(f"{row[name]:17,.1f}" for name in names)
        print(f"{row['explorer']:9} {row['contender']:22}{numbers}", flush=True)

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
            say,
        )
        browser.close()
    path = options.out / "widgets.csv"
    table.round(2).to_csv(path, index=False)
    print("\nWanted of an explorer: key 16 ms (95 %: 33), 40 fps, settled within 33 ms.")
    print(f"Of a new graph, solved in the page: key 33 ms (95 %: 80). Written to {path}")
    return table


if __name__ == "__main__":
    main()
