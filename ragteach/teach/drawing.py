"""How a check shows the learner's answer: as text, and as a table that is also a picture.

Enters: an answer, and where it differs from the right one. Leaves: text or HTML. An entry that
differs carries a sign (``*`` in text, a bold number and a crossed equals sign in HTML), so that
nothing is said by colour alone. The right value is never shown.
"""

import html
import re

import numpy as np

# of a larger array, the part around the first difference is shown
MAX_ROWS = 6
MAX_COLUMNS = 8


NUMBER = r"-?(?:\d+(?:[.,]\d+)?|[.,]\d+)"


def as_number(text: str) -> float | list[float]:
    """The number, or the numbers, that somebody typed as text: per cent, a decimal comma, a list.

    Example:
        >>> as_number("21 %"), as_number("0,21"), as_number("1/4"), as_number("[1, -1, -1]")
        (0.21, 0.21, 0.25, [1.0, -1.0, -1.0])
    """
    plain = re.sub(r"\s*per ?cent$", "%", text.strip().lower().lstrip("≈~ "))
    if re.fullmatch(rf"{NUMBER}\s*%", plain):
        return float(plain.rstrip("% ").replace(",", ".")) / 100
    if re.fullmatch(NUMBER, plain):
        return float(plain.replace(",", "."))
    if found := re.fullmatch(r"(-?\d+)\s*/\s*([1-9]\d*)", plain):
        return float(found[1]) / float(found[2])
    parts = [part.strip() for part in plain.strip("[]()").split(",")]
    return [float(part) for part in parts] if len(parts) > 1 else float(plain)


def as_array(thing: object) -> np.ndarray:
    """Numbers, nested lists, arrays, tensors and sparse matrices as one array of floats; numbers
    that are typed as text, too.
    """
    if isinstance(thing, str):
        thing = as_number(thing)
    if hasattr(thing, "detach"):  # a torch tensor
        thing = thing.detach().cpu().to_dense().double().numpy()
    elif hasattr(thing, "toarray"):  # a sparse matrix
        thing = thing.toarray()
    elif isinstance(thing, list | tuple):
        thing = [as_array(item) for item in thing]
    return np.asarray(thing, dtype=float)


def marked(yours: object, right: object) -> np.ndarray | None:
    """Where two arrays of one shape differ; None if they cannot be laid upon each other.

    Of zeros and ones only the first is marked: all marks together would be the answer.
    """
    if not isinstance(yours, np.ndarray) or not isinstance(right, np.ndarray):
        return None
    if yours.shape != right.shape:
        return None
    differs = ~np.isclose(yours, right, rtol=1e-3, atol=1e-6)
    if np.isin(right, (0, 1)).all():
        later = np.cumsum(differs).reshape(differs.shape) > 1
        differs &= ~later
    return differs


def _marks(value: object, differs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Rows to show, where they differ, and which part of a large array they are."""
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    differs = np.zeros(value.shape, dtype=bool) if differs is None else differs
    most = (1, 2 * MAX_COLUMNS) if value.ndim < 2 else (MAX_ROWS, MAX_COLUMNS)  # one row has room
    at = np.argwhere(differs)[0] if differs.any() else np.zeros(value.ndim, dtype=int)
    part = [slice(int(i), int(i) + 1) for i in at[:-2]]
    for axis in range(max(value.ndim - 2, 0), value.ndim):
        part.append(_window(int(at[axis]), value.shape[axis], most[axis - value.ndim]))
    shown = tuple(part)
    rows = value[shown].reshape(-1, value[shown].shape[-1] if value.ndim else 1)
    place = ", ".join(
        f"{s.start}" if s.stop == s.start + 1 else f"{s.start}:{s.stop}" for s in shown
    )
    whole = rows.size == value.size and value.ndim <= 2
    title = "" if whole else f"part [{place}] of an array of shape {value.shape}"
    return rows, differs[shown].reshape(rows.shape), title


def _window(at: int, n: int, most: int) -> slice:
    """At most ``most`` of n places, with ``at`` among them."""
    start = min(max(at - most // 3, 0), max(n - most, 0))
    return slice(start, min(start + most, n))


def as_text(value: object, differs: np.ndarray | None) -> str:
    marks = _marks(value, differs)
    if marks is None:
        return f"array of shape {value.shape}" if isinstance(value, np.ndarray) else str(value)
    numbers, off, title = marks
    lines = [title] if title else []
    for row, signs in zip(numbers, off, strict=True):
        lines.append(
            " ".join(f"{v:>10.4g}{'*' if d else ' '}" for v, d in zip(row, signs, strict=True))
        )
    return "\n".join(lines)


def as_html(value: object, differs: np.ndarray | None) -> str:
    marks = _marks(value, differs)
    if marks is None:
        return f"<pre>{html.escape(as_text(value, differs))}</pre>"
    numbers, off, title = marks
    top = np.nanmax(np.abs(np.where(np.isfinite(numbers), numbers, 0))) or 1.0

    def cell(v: float, d: bool) -> str:
        # a picture: deeper shade, larger number
        share = min(abs(v) / top, 1.0) * 0.45 if np.isfinite(v) else 0.0
        rgb = "86,180,233" if v >= 0 else "230,159,0"
        number = f"<strong>{v:.4g} ≠</strong>" if d else f"{v:.4g}"
        return f"<td style='background:rgba({rgb},{share:.2f})'>{number}</td>"

    rows = zip(numbers, off, strict=True)
    body = "".join(f"<tr>{''.join(cell(v, d) for v, d in zip(*r, strict=True))}</tr>" for r in rows)
    return f"<div>{title}</div><table>{body}</table>"
