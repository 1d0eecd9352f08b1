"""The vision lab: six scenes of handwritten digits, 40 training images each."""

from __future__ import annotations

from ragteach.data.sources.scenes import SCENES, make_scenes
from ragteach.labs.baselines import linear_baselines
from ragteach.labs.held import Lab

N_TRAIN = 40
N_HELD = 100


def scenes_split(n_train: int = N_TRAIN, n_val: int = N_TRAIN, seed: int = 0) -> tuple[dict, dict]:
    """(training, validation): a draw of images for every scene, none used twice.

    Example:
        >>> train, val = scenes_split(5, 3)
        >>> [len(train["plain"][1]), len(val["plain"][1])]
        [5, 3]
    """
    drawn = make_scenes(n_train + n_val, seed)
    train = {scene: (x[:n_train], y[:n_train]) for scene, (x, y) in drawn.items()}
    val = {scene: (x[n_train:], y[n_train:]) for scene, (x, y) in drawn.items()}
    return train, val


def vision() -> Lab:
    """The lab with the course's own scenes."""
    train, val = scenes_split()
    names = [str(digit) for digit in range(10)]
    return Lab(
        "vision",
        train,
        val,
        make_scenes(N_HELD, held_out=True),
        dict.fromkeys(SCENES, names),
        lambda lab: linear_baselines(lab.train, lab.val, 10),
    )
