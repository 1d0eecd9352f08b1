"""Notebooks as web pages that move: one file each, no kernel, no network.

Enters: an executed notebook.  Leaves: HTML in which every figure has its alt text, every formula is
MathML (which browsers draw by themselves) and every precomputed explorer moves.

    python -m ragteach.widgets.html NOTEBOOK.ipynb ... --to site

An explorer's output keeps its numbers under a mime type of our own (`Explorer.saved`).  Here it
becomes an empty box and a script.  Without JavaScript the box stays empty, and the static figure
before it is the one thing to see.
"""

import argparse
import base64
import html
import json
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ragteach.errors import need, refuse
from ragteach.ground.writing import make_folder, put
from ragteach.widgets.base import MIME, NOTE, kept, revived, script, source, unsqueeze

VIEW = "application/vnd.jupyter.widget-view+json"
# Code, which stays as it is; or $$a formula of its own$$; or $one in a line$.
MATH = re.compile(r"(```.*?```|`[^`\n]*`)|\$\$(.+?)\$\$|\$(?! )((?:(?!\n\n)[^$])+?)\$", re.DOTALL)
MISSING_ALT = 'alt="No description has been provided for this image"'

BOOT = """
const RAGTEACH_SCRIPTS = {}, RAGTEACH_MODELS = [];
function ragteachStart(id, saved) {
  const model = ragteachModel(saved, ragteachBytes(saved.block));
  RAGTEACH_MODELS.push(model); // RAGTEACH_MODELS[0].hear({ move: { ... } }) moves the first one
  const explorer = RAGTEACH_SCRIPTS[saved.kind]();
  explorer.initialize({ model });
  explorer.render({ model, el: document.getElementById(id) });
}
"""


def settle(nb: Any) -> Any:
    """Make a notebook fit to be kept: no live views, which would say "model not found"; explorers
    draw themselves from what is saved, in a trusted notebook.

    Args:
        nb: a notebook node; changed in place, and returned.
    """
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(settled, cell.outputs) if output is not None]
    nb.metadata.pop("widgets", None)
    return nb


def settled(output: Any) -> Any:
    """One output as it may be kept: of an explorer what is saved, with a note; of a live view
    nothing.
    """
    data = output.get("data", {})
    if VIEW in data and MIME not in data:
        return None
    if saved := kept(output):
        output.data.clear()
        output.data.update({"text/html": revived(saved, NOTE), "text/plain": NOTE})
        output.metadata.clear()
    return output


def fragment(saved: dict, number: int, kinds: set) -> str:
    """One explorer as HTML; ``kinds``: whose script the page already has (added to)."""
    spec = saved["spec"]
    block = base64.b64encode(unsqueeze(saved["block"], spec["layout"])).decode()
    numbers = json.dumps({"kind": saved["kind"], "spec": spec, "block": block}).replace(
        "<", "\\u003c"
    )
    parts = [] if kinds else [source("saved") + BOOT]
    if saved["kind"] not in kinds:
        kinds.add(saved["kind"])
        code = (
            script(saved["kind"])
            .replace("export default () =>", "const make = () =>")
            .replace("</script", "<\\/script")
        )
        parts.append(
            f"RAGTEACH_SCRIPTS[{saved['kind']!r}] = (() => {{\n{code}\nreturn make;\n}})();"
        )
    parts.append(f'ragteachStart("ragteach-{number}", {numbers});')
    return f'<div id="ragteach-{number}"></div>\n<script>\n' + "\n".join(parts) + "\n</script>"


def mathml(text: str) -> str:
    """Markdown with its LaTeX formulas as MathML.

    Example:
        >>> mathml("`$x$` is code, and this is $x$")
        '`$x$` is code, and this is <math xmlns="http://www.w3.org/1998/Math/MathML" ...</math>'
    """
    from latex2mathml.converter import convert

    def drawn(found: re.Match[str]) -> str:
        code, block, inline = found.groups()
        return code or convert(block or inline, display="block" if block else "inline")

    return MATH.sub(drawn, text)


def to_html(nb: Any) -> str:
    """An executed notebook as one self-contained page.

    Args:
        nb: a notebook node; not changed.
    """
    need("nbconvert", "latex2mathml")  # not needed to use the explorers
    import nbformat
    from nbconvert import HTMLExporter

    nb = nbformat.reads(nbformat.writes(nbformat.from_dict(nb)), as_version=4)
    kinds: set[str] = set()
    number = 0
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = mathml(cell.source)
    for output in _outputs(nb):
        if saved := kept(output):
            output["data"] = nbformat.from_dict({"text/html": fragment(saved, number, kinds)})
            output["metadata"] = nbformat.from_dict({})
            number += 1
        elif VIEW in output.get("data", {}):
            output["data"] = nbformat.from_dict({})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbconvert does not read the alt text that is put in below
        page, _ = HTMLExporter(exclude_input_prompt=True).from_notebook_node(nb)
    for output in _outputs(nb):
        for mime in [m for m in output.get("data", {}) if m.startswith("image/")]:
            alt = output.get("metadata", {}).get(mime, {}).get("alt")
            if alt:
                page = page.replace(MISSING_ALT, f'alt="{html.escape(alt)}"', 1)
    # require.js is for ipywidgets, MathJax for LaTeX: this page has neither.
    page = re.sub(r'<script src="https://[^"]*require[^"]*"></script>', "", page)
    style = "<style>math { font-size: 1.15em }</style>"
    mathjax = r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->"
    return re.sub(mathjax, style, page, count=1, flags=re.DOTALL)


def _outputs(nb: Any) -> list[Any]:
    return [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]


def write(notebooks: Iterable[str | Path], folder: str | Path) -> list[Path]:
    """Write each notebook as a page into ``folder``; returns the pages."""
    import nbformat

    pages = []
    folder = make_folder(Path(folder), "folder (--to)")
    for path in map(Path, notebooks):
        if not path.is_file():
            raise refuse(
                expected="notebooks that exist",
                got=f"no file {path}",
                fix="run make notebooks first",
            )
        page = to_html(nbformat.read(path, as_version=4)).encode("utf-8")
        pages.append(put(folder / f"{path.stem}.html", page))
    return pages


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Write notebooks as web pages that move without a kernel."
    )
    parser.add_argument("notebooks", nargs="+")
    parser.add_argument("--to", default="site")
    for page in write(*(lambda a: (a.notebooks, a.to))(parser.parse_args(argv))):
        print(f"{page}: {page.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
