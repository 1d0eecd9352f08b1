"""Screens of every explorer, light and dark, 1280 and 400 pixels wide, to be looked at:
build/screens/*.png.

python tests/browser/screens.py [kind ...]
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from browser.chromium import chromium  # noqa: E402
from browser.kinds import IMPORT, MAKE  # noqa: E402
from browser.lab import FLAGS, Lab, Notebook  # noqa: E402

OUT = ROOT / "build" / "screens"


def main(kinds):
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p, Lab(Path(folder)) as lab:
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        name = lab.notebook("screens", IMPORT, *[MAKE[kind] for kind in kinds])
        notebook = Notebook(lab, browser, name)
        notebook.run()
        notebook.wait_for(len(kinds))
        for width in (1280, 400):
            notebook.page.set_viewport_size(
                {"width": width, "height": 1700 if width > 400 else 2600}
            )
            if width == 400:
                notebook.page.evaluate("jupyterapp.shell.collapseLeft()")
            for theme in ("Light", "Dark"):
                notebook.theme(theme)
                for i, kind in enumerate(kinds):
                    notebook.explorer(i).screenshot(
                        path=OUT / f"{kind}_{width}_{theme.lower()}.png"
                    )
        print("\n".join(notebook.faults()) or f"{4 * len(kinds)} screens in {OUT}, no error")
        notebook.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:] or list(MAKE))
