"""Dealing: whole families of rows to the parts of a split, each task and label in its share.

Enters: the family, task and label of each row, and how many rows of a task each part is to have.
Leaves: the part of each row.

Rows of one family (of one text, or of texts that are nearly the same) go to one part, whatever
their tasks: what was trained on, in any task, neither chooses nor tests. Dealt task by task, a
family would come to stand on both sides, and what does is lost to the test. So families are dealt
first, the largest before the others, each to a part that has room for it in all its tasks, by
chance: the more room for its labels, the likelier. If no part has room, it goes where it exceeds
least. Rows without kin fill up what is missing.
"""

from __future__ import annotations

import numpy as np

NOWHERE = -1
TINY = 1e-9
LITTLE = 0.05  # of a task's rows: so many may move for the sake of one label


def dealt(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n_rows,) places in [0, 1) to sort the rows of a task by: then every stretch of them holds
    the labels in the shares that they have in the whole, to within a row.

    The rows of a label are shuffled and laid at equal distances, from a random start: systematic
    sampling, label by label.

    Reference: Madow & Madow (1944), On the theory of systematic sampling, Annals of Mathematical
        Statistics 15.

    Example:
        >>> label = np.repeat([0, 1], [6, 3])
        >>> place = dealt(label, np.random.default_rng(0))
        >>> [np.bincount(third).tolist() for third in np.split(label[place.argsort()], 3)]
        [[2, 1], [2, 1], [2, 1]]
    """
    place = np.empty(len(label))
    shuffled = rng.permutation(len(label))
    said = label[shuffled]
    for value in np.unique(said):
        mine = shuffled[said == value]
        place[mine] = (np.arange(1, len(mine) + 1) - rng.uniform(0, 1)) / len(mine)
    return place


def deal_families(
    family: np.ndarray,
    task: np.ndarray,
    label: np.ndarray,
    wanted: np.ndarray,
    rng: np.random.Generator,
    first: np.ndarray | None = None,
) -> np.ndarray:
    """The part of each row; all rows of a family have the same.

    Args:
        family, task, label: (n_rows,) whole numbers from 0. wanted: (n_tasks, n_parts) rows; those
            of a task add up to all that it has. first: (n_rows,) rows of whole families that belong
            to the first part, whatever it lacks; default: none.

    Returns:
        (n_rows,) parts. Of a task, and of a label in a task, of which a part is to have half a row
        or more, it has one, if there are families enough.

    Example:
        >>> family = np.array([0, 0, 0, 1, 1, 2, 3, 4, 5, 6])
        >>> task = np.array([0, 0, 1, 0, 1, 0, 0, 1, 1, 1])
        >>> wanted = np.array([[3, 1, 1], [3, 1, 1]])
        >>> part = deal_families(family, task, np.zeros(10, int), wanted, np.random.default_rng(0))
        >>> [len(set(part[family == one])) for one in range(7)]
        [1, 1, 1, 1, 1, 1, 1]
        >>> np.bincount(part[task == 0]).tolist(), np.bincount(part[task == 1]).tolist()
        ([3, 1, 1], [3, 1, 1])
    """
    table = _Table(family, task, label, wanted)
    if first is not None:
        table.put(np.flatnonzero(first), 0)
        table.stays = first
    size = np.bincount(family)
    size[family[table.part != NOWHERE]] = 0
    many = rng.permutation(np.flatnonzero(size > 1))
    for one in many[np.argsort(-size[many], kind="stable")]:
        rows = table.rows_of(one)
        table.put(rows, table.choose(rows, rng))
    for t in range(len(wanted)):
        table.fill_up(t, rng)
    few = np.maximum(1, LITTLE * table.n_rows)
    table.leave_none_empty(table.stratum, table.wanted_of_label, few, rng)
    table.leave_none_empty(task, wanted, table.n_rows, rng)
    return table.part


class _Table:
    """The rows, where they lie, and what each part still lacks of every task, and of every label of
    a task.
    """

    def __init__(
        self, family: np.ndarray, task: np.ndarray, label: np.ndarray, wanted: np.ndarray
    ) -> None:
        self.family = family
        self.task = task
        self.part = np.full(len(family), NOWHERE)
        self.stays = np.zeros(len(family), dtype=bool)
        pairs, self.stratum = np.unique(np.stack([task, label]), axis=1, return_inverse=True)
        self.stratum = self.stratum.ravel()
        self.n_rows = wanted.sum(1)
        share = wanted / np.maximum(self.n_rows, 1)[:, None]
        self.lacks = wanted.astype(float)  # (n_tasks, n_parts)
        self.wanted_of_label = share[pairs[0]] * np.bincount(self.stratum)[:, None]
        self.lacks_of_label = self.wanted_of_label.copy()
        order = np.argsort(family, kind="stable")
        self._rows = np.split(order, np.cumsum(np.bincount(family))[:-1])

    def rows_of(self, family: int) -> np.ndarray:
        return self._rows[family]

    def put(self, rows: np.ndarray, part: int) -> None:
        for before in np.unique(self.part[rows]):
            if before != NOWHERE:
                there = rows[self.part[rows] == before]
                np.add.at(self.lacks[:, before], self.task[there], 1)
                np.add.at(self.lacks_of_label[:, before], self.stratum[there], 1)
        self.part[rows] = part
        np.subtract.at(self.lacks[:, part], self.task[rows], 1)
        np.subtract.at(self.lacks_of_label[:, part], self.stratum[rows], 1)

    def choose(self, rows: np.ndarray, rng: np.random.Generator) -> int:
        """A part with room for a family, by chance: the more room for its labels, the likelier."""
        tasks, count = np.unique(self.task[rows], return_counts=True)
        beyond = np.maximum(count[:, None] - self.lacks[tasks], 0)
        beyond = (beyond / self.n_rows[tasks][:, None]).max(0)
        if beyond.min() > 0:
            return int(beyond.argmin())
        labels, count = np.unique(self.stratum[rows], return_counts=True)
        room = self.lacks_of_label[labels]
        fits = (beyond == 0) & (room >= count[:, None] - 0.5).all(0)
        least = self.wanted_of_label[labels].min(1)
        large = (count > least + 0.5) & (least >= 0.5)
        if large.any() or not fits.any():  # what is larger than a part would never come into it
            fits = beyond == 0
        weight = np.where(fits, np.maximum(room, TINY).sum(0), 0)
        return int(rng.choice(len(weight), p=weight / weight.sum()))

    def fill_up(self, task: int, rng: np.random.Generator) -> None:
        """Deal a task's rows that have no kin, label by label, to what the parts still lack."""
        alone = np.flatnonzero((self.task == task) & (self.part == NOWHERE))
        if not len(alone):
            return
        place = np.empty(len(alone))
        for stratum in np.unique(self.stratum[alone]):
            mine = rng.permutation(np.flatnonzero(self.stratum[alone] == stratum))
            ends = _ends(self.lacks_of_label[stratum], self.lacks[task])
            at = (np.arange(len(mine)) + rng.uniform()) / len(mine)  # systematic, as in `dealt`
            place[mine] = np.searchsorted(ends[:-1], at, "right") + at
        rank = np.empty(len(alone), dtype=int)
        rank[np.argsort(place, kind="stable")] = np.arange(len(alone))
        ends = np.round(_ends(self.lacks[task], self.lacks[task]) * len(alone)).astype(int)
        part = np.searchsorted(ends[:-1], rank, "right")
        for p in np.unique(part):
            self.put(alone[part == p], p)

    def leave_none_empty(
        self, of: np.ndarray, wanted: np.ndarray, most: np.ndarray, rng: np.random.Generator
    ) -> None:
        """What has no row in a part that should have one gets the smallest family of its fullest
        part.

        Args:
            of: (n_rows,) what each row is of: its task, or a label of its task.
            wanted: (n, n_parts) rows of it. most: (n_tasks,) rows of a task that may move.
        """
        n_rows = np.zeros(wanted.shape, dtype=int)
        np.add.at(n_rows, (of, self.part), 1)
        for one, empty in np.argwhere((n_rows == 0) & (wanted >= 0.5)):
            mine = np.flatnonzero(of == one)
            there = np.bincount(self.part[mine], minlength=wanted.shape[1])
            fullest = mine[(self.part[mine] == there.argmax()) & ~self.stays[mine]]
            families = rng.permutation(np.unique(self.family[fullest]))
            if there[empty] > 0 or len(families) < 2:
                continue
            rows = self.rows_of(min(families, key=lambda family: len(self.rows_of(family))))
            moved = np.bincount(self.task[rows], minlength=len(most))
            if (moved <= most).all():
                self.put(rows, empty)


def _ends(lacks: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Where the parts end on [0, 1], if each is as long as what it lacks."""
    length = np.maximum(lacks, 0)
    if length.sum() == 0:
        length = np.maximum(otherwise, 0)
    if length.sum() == 0:
        length = np.ones(len(lacks))
    return np.cumsum(length) / length.sum()
