"""The robot lab: one policy for five grid worlds, cloned from an expert, scored by what arrives.

Enters: nothing, or maps of your own. Leaves: a `RobotLab`. Its items are observations, its classes
the four buttons; its score is no accuracy but the share of 200 starts a world from which the policy
arrives.
Ten starts share a map, and are no ten independent trials: intervals count maps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragteach.data.sources.driving import arrivals, demonstrate, starts
from ragteach.data.sources.grids import BUTTONS, WORLDS, Grid, make_grid, read_grid
from ragteach.data.survey.looking import wilson
from ragteach.errors import refuse, whole
from ragteach.ground.telling import tell
from ragteach.labs.baselines import linear_baselines
from ragteach.labs.held import NOT_YET, Lab, NotYet
from ragteach.labs.scoring import Score, Z, answers, mean_of_tasks, share_of_tasks

N_DEMOS = 10  # for training, a map each; as many for choosing
# of a world, held out
N_MAPS = 20
N_STARTS = 10
ROOM = (
    100_000  # seeds of one draw: training maps from 0, validation from 1,000, held out from 90,000
)
MAP_FILES = (".csv", ".txt", ".map")
Drives = Mapping[str, tuple[Sequence[Grid], Sequence[np.ndarray]]]


def demonstrations(
    world: str, n: int, seed: int = 0, first: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """What the expert saw and pressed on n ways, each on a map of its own: (n_moves, N_SEEN),
    (n_moves,).

    Args:
        world: one of ``WORLDS`` or ``NEWCOMERS``.
        n: how many ways. seed: of the draw; another seed has other maps.
        first: the number of the first map of the draw.

    Example:
        >>> x, buttons = demonstrations("open", 2)
        >>> len(x) == len(buttons)
        True
    """
    return _shown(training_maps(world, n, seed, first), seed)


def training_maps(world: str, n: int, seed: int = 0, first: int = 0) -> list[Grid]:
    """The maps on which `demonstrations` are given."""
    whole("n", n, 1)
    whole("seed", seed, 0, math.inf)
    return [make_grid(world, ROOM * seed + first + i) for i in range(n)]


def _shown(grids: Sequence[Grid], seed: int) -> tuple[np.ndarray, np.ndarray]:
    ways = [demonstrate(g, starts(g, 1, seed + i)[0]) for i, g in enumerate(grids)]
    return np.concatenate([x for x, _ in ways]), np.concatenate([y for _, y in ways])


def new_drives(
    worlds: Iterable[str] = tuple(WORLDS), n_maps: int = N_MAPS, seed: int = 0
) -> dict[str, tuple[list[Grid], list[np.ndarray]]]:
    """World -> (maps, ten starts on each), which no demonstration was given on.

    They are no part of the lab's held-out starts; with them you may measure as often as you like.

    Example:
        >>> grids, begun = new_drives(["ice"], 2)["ice"]
        >>> len(grids), len(begun[0])
        (2, 10)
    """
    first = 50_000  # of the draw's room
    return {world: _begun(training_maps(world, n_maps, seed, first)) for world in worlds}


def _begun(grids: list[Grid]) -> tuple[list[Grid], list[np.ndarray]]:
    return grids, [starts(grid, N_STARTS, i) for i, grid in enumerate(grids)]


def arrived(predictor: Any, drives: Drives, n_moves: int = 100) -> dict[str, np.ndarray]:
    """World -> (n_starts,): from which starts the robot reaches the goal, map after map.

    Args:
        predictor: anything that `Lab.score` takes. drives: of `new_drives`.

    Example:
        >>> from ragteach.data.sources.grids import read_grid
        >>> drives = {"street": ([read_grid("....G")], [np.array([0, 1])])}
        >>> arrived(lambda seen: np.full(len(seen), 1), drives)["street"].tolist()  # always east
        [True, True]
    """
    found = {}
    for world, (grids, begun) in drives.items():

        def policy(seen: np.ndarray, world: str = world) -> np.ndarray:
            return answers(predictor, world, seen, list(BUTTONS))

        found[world] = arrivals(grids, begun, policy, n_moves)
    return found


def map_of_start(drives: Drives) -> dict[str, np.ndarray]:
    """World -> (n_starts,) a name for the map of each start: starts of one map count together."""
    return {
        world: np.concatenate([[f"{world} {i}"] * len(b) for i, b in enumerate(begun)])
        for world, (_, begun) in drives.items()
    }


class RobotLab(Lab):
    """A `Lab` whose held-out part is driven, not answered.

    Attributes:
        maps: world -> the maps of the training demonstrations.
    """

    def __init__(
        self,
        name: str,
        train: Any,
        val: Any,
        drives: Drives,
        maps: Mapping[str, list[Grid]],
        groups: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        groups = map_of_start(drives) if groups is None else groups
        counted = {world: (None, groups[world]) for world in drives}
        classes = dict.fromkeys(train, list(BUTTONS))
        super().__init__(name, train, val, counted, classes, _baselines, groups)
        self.maps = dict(maps)
        self._drives = drives
        self._maps_of = groups

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n(training and validation: moves; held out: starts)"

    def score(self, predictor: Any, trained_on: Any = None) -> Any:
        """From how many held-out starts the robot arrives, with 95 % intervals.

        Args:
            predictor: as in `Lab.score`; it gets observations (n, N_SEEN) and a world's name, and
                answers with buttons: numbers 0 .. 3, or names.
            trained_on: the maps that it was trained on, a list or a dict from world to a list.
                ``lab.maps`` if you used the lab's demonstrations only.

        Returns:
            `Score`: a row for each world (its ``accuracy`` is the share that arrives; starts of one
            map count together), and how many starts lie on a map that was trained on.
        """
        if predictor is ... or predictor is None:
            return tell(NotYet(NOT_YET), at_the_end=False)
        known = _texts(trained_on)
        correct = arrived(predictor, self._drives)
        rows = []
        for world, (grids, begun) in self._drives.items():
            right = correct[world]
            low, high = _by_maps(right, self._maps_of[world])
            seen = np.nan
            if known is not None:
                pairs = zip(grids, begun, strict=True)
                seen = sum(len(b) for g, b in pairs if repr(g) in known)
            rows.append((len(right), right.mean(), low, high, seen))
        table = pd.DataFrame(rows, list(correct), ["n", "accuracy", "low", "high", "overlap"])
        mean, low, high = share_of_tasks(correct, self._maps_of)
        note = "accuracy: the share of the starts from which the robot arrives. "
        if known is None:
            table = table.drop(columns="overlap")
            note += "Overlap of maps: not known; pass trained_on=lab.maps, or your own maps."
        else:
            table = table.astype({"overlap": int})
            note += (
                f"{table['overlap'].sum()} of {table['n'].sum()} starts lie on maps that were "
                "trained on."
            )
        return tell(Score(table, mean, low, high, correct, note), at_the_end=False)


def _by_maps(right: np.ndarray, maps: np.ndarray) -> tuple[float, float]:
    """Wilson's interval of a share, with as many trials as these starts are worth.

    The variance of the share is that of the maps' sums; n_worth is how many independent starts have
    the same. Where all starts end alike nothing tells, and each map counts once.
    """
    n = len(right)
    p = right.mean()
    worth = float(len(set(maps)))
    if 0 < p < 1:
        half = mean_of_tasks({"": right}, {"": maps})[1]
        worth = min(n, p * (1 - p) / max((half / Z) ** 2, 1e-12))
    low, high = wilson(p * worth, worth)
    return float(low), float(high)


def _texts(trained_on: Any) -> set[str] | None:
    if trained_on is None:
        return None
    lists = trained_on.values() if isinstance(trained_on, Mapping) else [trained_on]
    grids = [grid for some in lists for grid in some]
    wrong = [grid for grid in grids if not isinstance(grid, Grid)]
    if wrong:
        raise refuse(
            expected="trained_on: the maps (Grid) that were trained on, a list or a dict of lists",
            got=f"{type(wrong[0]).__name__}",
            fix="pass trained_on=lab.maps; observations repeat on every map, maps do not",
        )
    return {repr(grid) for grid in grids}


def _baselines(lab: Lab) -> dict[str, Any]:
    found = linear_baselines(lab.train, lab.val, len(BUTTONS))
    return {name.replace("majority class", "one button"): model for name, model in found.items()}


def robot() -> RobotLab:
    """The lab with the course's own worlds, all simulated."""
    train = {world: demonstrations(world, N_DEMOS) for world in WORLDS}
    val = {world: demonstrations(world, N_DEMOS, first=1000) for world in WORLDS}
    drives = {world: _begun(training_maps(world, N_MAPS, first=90_000)) for world in WORLDS}
    maps = {world: training_maps(world, N_DEMOS) for world in WORLDS}
    return RobotLab("robot", train, val, drives, maps)


def own_grids(data: Any, seed: int) -> RobotLab:
    """A lab of maps of your own; of the starts on each, a half is demonstrated, a quarter held out.

    With one map a world a new map cannot be held out: the score says what happens from other
        starts.
    """
    grids = _own_maps(data)
    parts: list[dict] = [{}, {}, {}]
    for name, grid in grids.items():
        order = np.unique(starts(grid, len(grid.cells), seed))
        if len(order) < 8:
            raise refuse(
                expected="a map with eight starts or more, three moves or more from the goal",
                got=f"{len(order)} on the map {name!r}",
                fix="draw a larger map, or open more ways to G",
            )
        order = np.random.default_rng(seed).permutation(order)
        half = len(order) // 2
        rest = len(order) * 3 // 4
        for part, chosen in zip(parts, (order[:half], order[half:rest], order[rest:]), strict=True):
            part[name] = chosen
    train, val = (
        {name: _ways(grids[name], begun) for name, begun in part.items()} for part in parts[:2]
    )
    drives = {name: ([grids[name]], [begun]) for name, begun in parts[2].items()}
    each = {name: np.array([f"{name} {s}" for s in begun]) for name, begun in parts[2].items()}
    maps = {name: [grid] for name, grid in grids.items()}
    return RobotLab("your maps", train, val, drives, maps, each)


def _ways(grid: Grid, begun: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ways = [demonstrate(grid, start) for start in begun]
    return np.concatenate([x for x, _ in ways]), np.concatenate([y for _, y in ways])


def _own_maps(data: Any) -> dict[str, Grid]:
    """Maps by name: from a dict, a text, or a file (a CSV has one sign a cell)."""
    if isinstance(data, Grid | str | os.PathLike):
        data = {"your map": data}
    if not isinstance(data, Mapping) or not data:
        raise refuse(
            expected="data: a map as a text, the path of one, or a dict {name: map}",
            got=f"data = {data!r:.60}",
            fix='write data={"yard": "..~.G\\n..#..\\n....."}',
        )
    return {str(name): _one_map(given) for name, given in data.items()}


def _one_map(given: Any) -> Grid:
    """A map; its text may begin with a line such as ``controls: mirrored``."""
    if isinstance(given, Grid):
        return given
    file = isinstance(given, os.PathLike) or str(given).strip().lower().endswith(MAP_FILES)
    if not file:
        return _with_controls(given)
    if not Path(given).is_file():
        raise refuse(
            expected="data: the path of a map that is there",
            got=f"{str(given)!r:.60}, and no such file",
            fix="check the name, and the folder this notebook runs in",
        )
    text = Path(given).read_text(encoding="utf-8-sig")
    if str(given).lower().endswith(".csv"):
        text = text.translate(str.maketrans("", "", ',;\t"'))
    return _with_controls(text)


def _with_controls(text: Any) -> Grid:
    first, _, rest = text.strip().partition("\n") if isinstance(text, str) else ("", "", "")
    if first.lower().startswith("controls:"):
        return read_grid(rest, first.split(":", 1)[1].strip())
    return read_grid(text)
