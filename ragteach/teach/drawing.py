"""How a check shows two answers side by side: as text, and as a table that is also a picture.

Enters: an answer and the one beside it. Leaves: text or HTML. Where two arrays differ, the entry
carries a sign (``*`` in text, a bold number and a crossed equals sign in HTML), so that nothing is
said by colour alone.
"""

import html

import numpy as np

MAX_CELLS = 144  # larger arrays are summed up instead of shown


def as_array(thing: object) -> np.ndarray:
    """Numbers, nested lists, arrays and tensors as one array of floats."""
    if hasattr(thing, "detach"):  # a torch tensor
        thing = thing.detach().cpu().numpy()
    elif isinstance(thing, list | tuple):
        thing = [as_array(item) for item in thing]
    return np.asarray(thing, dtype=float)


def _marks(value: object, other: object) -> tuple[np.ndarray, np.ndarray] | None:
    """The array as rows to show and where it differs from the other; None if it is not a small
    array.
    """
    if (
        not isinstance(value, np.ndarray)
        or value.size > MAX_CELLS
        or value.ndim > 2
        or value.size == 0
    ):
        return None
    rows = np.atleast_2d(value)
    differs = np.zeros(rows.shape, dtype=bool)
    if isinstance(other, np.ndarray) and other.shape == value.shape:
        differs = ~np.isclose(rows, np.atleast_2d(other), rtol=1e-3, atol=1e-6)
    return rows, differs


def as_text(value: object, other: object) -> str:
    marks = _marks(value, other)
    if marks is None:
        return f"array of shape {value.shape}" if isinstance(value, np.ndarray) else str(value)
    rows = zip(*marks, strict=True)
    return "\n".join(
        "".join(f"{v:>10.4g}{'*' if d else ' '}" for v, d in zip(*r, strict=True)) for r in rows
    )


def as_html(value: object, other: object) -> str:
    marks = _marks(value, other)
    if marks is None:
        return f"<pre>{html.escape(as_text(value, other))}</pre>"
    top = np.nanmax(np.abs(np.where(np.isfinite(marks[0]), marks[0], 0))) or 1.0

    def cell(v: float, d: bool) -> str:
        share = (
            min(abs(v) / top, 1.0) * 0.45 if np.isfinite(v) else 0.0
        )  # a picture: deeper shade, larger number
        rgb = "86,180,233" if v >= 0 else "230,159,0"
        number = f"<strong>{v:.4g} ≠</strong>" if d else f"{v:.4g}"
        return f"<td style='background:rgba({rgb},{share:.2f})'>{number}</td>"

    rows = zip(*marks, strict=True)
    body = "".join(f"<tr>{''.join(cell(v, d) for v, d in zip(*r, strict=True))}</tr>" for r in rows)
    return f"<table>{body}</table>"
