"""Opening a lab by its name."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import pandas as pd

from ragteach.errors import one_of, refuse, shown, whole
from ragteach.ground.objects import as_path
from ragteach.labs.finance import finance
from ragteach.labs.headed import own_headed
from ragteach.labs.held import Lab
from ragteach.labs.languages import languages
from ragteach.labs.own import own_numbers, own_texts
from ragteach.labs.recommendation import own_ratings, recommendation
from ragteach.labs.robot import own_grids, robot
from ragteach.labs.service import own_service, service
from ragteach.labs.vision import vision

LABS: dict[str, tuple[Callable[[], Lab], Callable[[Any, int], Lab]]] = {
    # name: (the lab of the course's data, the same of a table of yours and a seed)
    "finance": (finance, own_headed),
    "languages": (languages, own_texts),
    "recommendation": (recommendation, own_ratings),
    "robot": (robot, own_grids),
    "service": (service, own_service),
    "vision": (vision, own_numbers),
}
NO_TABLE = ("robot",)  # labs whose own data are something else than a table


def lab(name: str, data: Any = None, seed: int = 0) -> Lab:
    """The data of a lab, with a part held out that only `Lab.score` and `Lab.leaderboard` reach.

    Args:
        name: ``"finance"``, ``"languages"`` (fetches 0.8 MB the first time), ``"recommendation"``
            (needs the extra ``deep``), ``"robot"``, ``"service"`` or ``"vision"``.
        data: None for the lab's own data; or yours, a frame or a path. For vision: the columns
            label and task, and numbers in all others (scaled to 0 .. 1). For languages: text,
            label, task.
            For service and finance: text and a column for each task, or text, label, task. For
            recommendation: user, item (a text) and rating. For robot: a map as a text, a path, or a
            dict {name: map}.
        seed: of the split of your own data.

    Raises:
        RagteachError: an unknown lab, or a table that does not fit.

    Example:
        >>> work = lab("vision")
        >>> x, digits = work.train["plain"]
        >>> x.shape
        (40, 64)
    """
    one_of("name of a lab", name, LABS)
    whole("seed", seed, 0, math.inf)
    if data is None:
        return LABS[name][0]()
    if name in NO_TABLE:
        return LABS[name][1](data, seed)
    if not isinstance(data, pd.DataFrame | str | os.PathLike):
        raise refuse(
            expected="data: a frame, or the path of a table",
            got=f"data = {shown(data, 60)}",
            fix='pass a pandas DataFrame, or data="mine.csv"',
        )
    if not isinstance(data, pd.DataFrame) and not os.path.exists(as_path("data", data)):
        raise refuse(
            expected="data: the path of a table that is there",
            got=f"data = {shown(data, 60)}, and no such file",
            fix="check the name, and the folder this notebook runs in",
        )
    return LABS[name][1](data, seed)
