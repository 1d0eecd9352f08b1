"""What every explorer is made of: numbers, sent once, and a small ES module that draws them.

Enters: named arrays, a few texts, and a static figure.  Leaves: the figure (with alt text) on the
page, and a widget.

    arrays  --pack-->  one bytes object (float32, one array after another) + {name: [offset, shape]}
    JavaScript         draws any slider position from that block: no kernel takes part in a drag

An explorer that trains or solves does so in the page as well (`ENGINE`): no kernel is asked, so the
same explorer lives in JupyterLab, in Colab, in a saved notebook and on a page on disk. The kernel
only hears where the learner is: at once, or when the cell that runs has ended.

What is displayed is two outputs: what is saved, with a script that draws it where a notebook is
opened again without a kernel (`revived`); and the live view.
"""

import base64
import functools
import hashlib
import json
import sys
import threading
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from IPython.display import display
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from ragteach.errors import refuse
from ragteach.study import plots
from ragteach.widgets.goals import judge, parse

Arrays = dict[str, Any]  # numbers by name: tensors, arrays, lists
Spec = dict[str, Any]  # texts and names, as JSON holds them
State = Mapping[str, Any]  # where the learner is

HERE = Path(__file__).resolve().parent
FRAME = ("style", "drawing", "store", "goals", "frame")  # what all explorers share
ENGINE = {  # what an explorer computes with, and draws with beside its own file
    "sharing": ("words", "fields", "lines", "strips", "scores", "numbers"),
    "chat": ("words", "fields"),
    "graphs": ("learning", "optimum", "boxes"),
    "movements": ("lines",),
    "player": ("lines",),
    "robots": ("lines",),
    "starts": ("learning", "lines", "scores"),
    "winners": ("lines",),
    "playgrounds": (
        "words",
        "toy",
        "learning",
        "optimum",
        "tables",
        "orders",
        "sessions",
        "stories",
        "fields",
        "lines",
        "strips",
        "boxes",
        "scores",
        "panels",
        "ways",
        "recipes",
    ),
}
WORKER = {  # what an explorer computes beside its page, where it would block a frame
    "sharing": ("words", "toy", "learning", "optimum", "toys"),
}
MIME = "application/vnd.ragteach.explorer+json"
NOTE = (
    "An explorer: run this cell to move it. The figure before it shows the same thing, standing "
    "still."
)
SHORT = 4096  # numbers; arrays up to this length are kept exactly
BOX = "ragteach-saved"  # the class of what a saved explorer is drawn in


def source(name: str) -> str:
    """One JavaScript file of this folder."""
    return (HERE / f"{name}.js").read_text(encoding="utf-8")


@functools.cache
def script(kind: str) -> str:
    """The ES module of one explorer: what all share, what it computes with, its own drawing."""
    page = "\n".join(map(source, (*FRAME, *ENGINE.get(kind, ()), kind)))
    if kind not in WORKER:
        return page
    beside = "\n".join([*map(source, WORKER[kind]), "onmessage = ({ data }) => workOn(data);"])
    return f"{page}\nconst WORKER_SOURCE = {json.dumps(beside)};"


def pack(arrays: dict) -> tuple[bytes, dict]:
    """Arrays as one block of little-endian float32, and where each lies in it.

    Example:
        >>> block, layout = pack({"a": [[1, 2]], "b": [3]})
        >>> len(block), layout
        (12, {'a': [0, [1, 2]], 'b': [2, [1]]})
    """
    parts = []
    layout = {}
    offset = 0
    for name, values in arrays.items():
        values = np.ascontiguousarray(as_numpy(values), dtype="<f4")
        layout[name] = [offset, list(values.shape)]
        parts.append(values.tobytes())
        offset += values.size
    return b"".join(parts), layout


def as_numpy(values: Any) -> np.ndarray:
    """A tensor, an array or a list as a numpy array."""
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


class Explorer(anywidget.AnyWidget):
    """A picture that follows the hand.  `show` makes one; each explorer has a function of its own.

    Attributes:
        state: where the learner is, for example ``{"lam": 0.01, "sentence": 3}``; it follows the
            page.
    """

    kind = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    block = traitlets.Bytes().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    _ipython_display_ = None  # of ipywidgets 7 (Colab's): it would pass over the bundle below

    def __init__(
        self,
        kind: str,
        arrays: Arrays,
        spec: Spec,
        measure: Callable[[State], dict[str, float]] | None = None,
    ) -> None:
        block, layout = pack(arrays)
        self._esm = script(kind)
        self._measure = measure
        super().__init__(kind=kind, block=block, spec={**spec, "layout": layout})

    def open(self) -> None:
        """Begin to talk to the page; a cell that draws meanwhile keeps its figures (`beside`)."""
        super().open()
        if self.comm is not None:
            self.comm.handle_msg = functools.partial(beside, self.comm.handle_msg, self._handle_msg)

    def measures(self, **to: Any) -> dict[str, float]:
        """The explorer's own numbers where the learner is, or would be: ``w.measures(lam=0.1)``.

        Shares are from 0 to 1. A goal's condition compares these (see `ragteach.widgets.goals`).

        Raises:
            RagteachError: an explorer that is computed in the page only.
        """
        if self._measure is None:
            raise refuse(
                expected="an explorer whose numbers Python has",
                got=f"{self.kind}, which the page computes alone",
                fix="look at the page, or use its button Copy as code",
            )
        return self._measure({**self.spec["start"], **self.state, **to})

    def reached(self, **to: Any) -> list[bool]:
        """Whether each goal is reached where the learner is, or would be:
        ``w.reached(lam=0.1)``.
        """
        return judge(self.spec["goals"], self.measures(**to))

    def move(self, **to: Any) -> None:
        """Move the explorer from Python: ``w.move(lam=0.1)``.  Returns nothing; the page
        follows.
        """
        self.state = {**self.state, **to}
        self.send({"move": to})

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and a line of text for those who cannot show it; before it, an output of
        its own with what is saved.
        """
        if in_ipython():
            display({"text/html": revived(self.saved()), "text/plain": ""}, raw=True)
        made: Any = super()._repr_mimebundle_(**kwargs)
        data, metadata = made if isinstance(made, tuple) else (made, {})
        data = {**data, "text/plain": NOTE}
        return (data, metadata) if isinstance(made, tuple) else data

    def saved(self) -> dict:
        """All that is needed to draw the explorer without a kernel, small enough to keep in a
        notebook.
        """
        return {
            "kind": self.kind,
            "spec": self.spec,
            "block": squeeze(self.block, self.spec["layout"]),
        }


def squeeze(block: bytes, layout: dict) -> str:
    """A block as text, small enough to keep in a notebook: zlib and base64 of every array.

    A long array is kept as 16-bit steps of its own range, as differences along its first axis (a
    short one as it is): a path changes little from one step to the next, and what repeats packs
    well.
    """
    values = np.frombuffer(block, "<f4")
    parts = []
    scales = []
    for offset, shape in sorted(layout.values()):
        part = values[offset : offset + int(np.prod(shape))]
        if part.size <= SHORT:
            parts.append(part.tobytes())
            continue
        low = float(part.min())
        high = float(part.max())
        steps = (
            np.round((part - low) / ((high - low) or 1.0) * 65535)
            .astype(np.uint16)
            .reshape(shape[0], -1)
        )
        # wraps round
        parts.append(np.diff(steps, axis=0, prepend=np.uint16(0)).astype("<u2").tobytes())
        scales += [low, high]
    raw = b"".join([np.asarray(scales, "<f8").tobytes(), *parts])
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def unsqueeze(text: str, layout: dict) -> bytes:
    """The block that `squeeze` kept; long arrays are right to one part in 65,535 of their range.

    Example:
        >>> block, layout = pack({"a": [0.0, 0.5, 1.0]})
        >>> np.frombuffer(unsqueeze(squeeze(block, layout), layout), "<f4").tolist()
        [0.0, 0.5, 1.0]
    """
    raw = zlib.decompress(base64.b64decode(text))
    parts = []
    # a notebook on disk has its keys sorted by name
    shapes = [shape for _, shape in sorted(layout.values())]
    sizes = [int(np.prod(shape)) for shape in shapes]
    start = 16 * sum(size > SHORT for size in sizes)
    scales = iter(np.frombuffer(raw[:start], "<f8").reshape(-1, 2))
    for shape, size in zip(shapes, sizes, strict=True):
        n_bytes = size * (2 if size > SHORT else 4)
        part = raw[start : start + n_bytes]
        start = start + n_bytes
        if size > SHORT:
            low, high = next(scales)
            steps = np.cumsum(
                np.frombuffer(part, "<u2").reshape(shape[0], -1), axis=0, dtype=np.uint16
            )
            part = (low + steps / 65535 * (high - low)).astype("<f4").tobytes()
        parts.append(part)
    return b"".join(parts)


def revived(saved: dict, note: str = "") -> str:
    """HTML that draws a saved explorer, unless the output after it shows a live one (see saved.js).

    With a note it stands alone and draws at once. A page that runs no scripts shows the note: an
    untrusted notebook, GitHub.
    """
    code = base64.b64encode(zlib.compress(script(saved["kind"]).encode(), 9)).decode()
    numbers = json.dumps(saved).replace("<", "\\u003c")  # in their order: toy words are drawn in it
    name = hashlib.sha256(f"{code}{numbers}".encode()).hexdigest()[:12]
    return (
        f'<div class="{BOX}" data-name="{name}">{note}</div>\n<script>\n(() => '
        f'{{\n{source("saved")}\nragteachRevive("{name}", '
        f'"{code}",\n{numbers}\n);\n}})();\n</script>'
    )


def kept(output: dict) -> dict | None:
    """What an output of a notebook keeps of an explorer, as `Explorer.saved` gives it; None if
    nothing.

    Example:
        >>> kept({"data": {"text/plain": "no explorer"}}) is None
        True
    """
    data = output.get("data", {})
    page = "".join(data.get("text/html", ""))
    if MIME in data:  # of older notebooks
        return data[MIME]
    return json.loads(page.splitlines()[-4]) if page.startswith(f'<div class="{BOX}"') else None


def show(
    kind: str,
    arrays: Arrays,
    spec: Spec,
    figure: Figure,
    goal: Mapping[str, str] | None = None,
    measure: Callable[[State], dict[str, float]] | None = None,
    known: Iterable[str] = (),
) -> Explorer:
    """Display the static twin and return the explorer.

    Args:
        kind: the name of its JavaScript file.
        arrays: numbers by name.
        spec: texts and names; ``title``, ``alt`` and ``about`` (one sentence: what to do here)
            among them.
        figure: a matplotlib figure, the static twin.
        goal: {what to do: condition}, see `goals`.
        measure: gives the explorer's numbers {name: value} for a state; a goal compares them.
        known: their names, if only the page has the numbers.
    """
    if goal is not None and measure is not None:
        known = measure(spec["start"])
    classes = [name for name in spec.get("classes") or () if isinstance(name, str)]
    spec = {**spec, "goals": parse(goal, known, classes)}
    plain(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about fonts: `plots.show` sees to them
        figure.draw_without_rendering()  # the layout may make other ticks
    plain(figure)
    if in_ipython():
        plots.show(figure, alt=spec["alt"])
    return Explorer(kind, arrays, spec, measure)


def plain(figure: Figure) -> None:
    """A $ in a name is a $, before anybody reads the name as a formula; formulas of ours and of the
    axes stay formulas.
    """
    for axis in figure.findobj(Axis):
        axis.get_ticklabels(which="both")  # now the ticks know their texts
    for text in figure.findobj(Text):
        said = text.get_text()
        ours = text.get_gid() == plots.FORMULA or "mathdefault" in said  # 10^-3 at an axis
        if "$" in said and not ours:
            text.set_parse_math(False)


def in_ipython() -> bool:
    """Whether somebody can be shown a figure."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def beside(handle: Callable[[Any], None], hear: Callable[[Any], None], message: Any) -> None:
    """Take a message of the page, maybe beside a cell that runs.

    A comm's ``handle`` hears it too, but tells IPython that a cell begins and ends. Where messages
    come in a thread of their own (JupyterLab with ipykernel 7.0 to 7.3) another cell may run just
    then, and IPython would show and close every figure that it is about to draw.
    """
    own_thread = threading.current_thread() is not threading.main_thread()
    (hear if own_thread else handle)(message)


class one_thread:
    """``with one_thread():`` torch computes with one thread, and with as many as before
    afterwards.
    """

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.before)
