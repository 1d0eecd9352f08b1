"""Scenes: scikit-learn's handwritten digits, each seen under six conditions.

Enters: how many images, and a seed.  Leaves: images (n_images, 64) in 0 .. 1, the digit of each,
and the scene it was seen in. Every image is used in one scene only.

    plain          as it was scanned
    rotated        turned by a quarter, anticlockwise
    inverted       1 - x: ink is 0, paper is 1
    noisy          x + 0.4 times a standard normal number for each pixel, cut to 0 .. 1
    half hidden    the four columns on the right are 0
    another pen    each pixel is the largest of itself and its neighbours above and to the left

The first 1,197 images of the collection are for training and choosing, the last 600 are held out.
The collection stands in an order in which neighbours are often by one writer, so that most writers
of the held-out images are new.

Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI; scikit-learn has
1,797 of its images.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ragteach.errors import one_of, refuse, whole
from ragteach.ground.arguments import yes_no

SIDE = 8
N_OPEN = 1197  # images that may train and choose; the others are held out


def _pen(images: np.ndarray) -> np.ndarray:
    """A broader pen: ink runs down and to the right by one pixel."""
    thick = images.copy()
    thick[:, 1:] = np.maximum(thick[:, 1:], images[:, :-1])
    thick[:, :, 1:] = np.maximum(thick[:, :, 1:], images[:, :, :-1])
    return thick


def _hidden(images: np.ndarray) -> np.ndarray:
    seen = images.copy()
    seen[:, :, SIDE // 2 :] = 0.0
    return seen


SCENES = {
    "plain": lambda images, rng: images,
    "rotated": lambda images, rng: np.rot90(images, axes=(1, 2)),
    "inverted": lambda images, rng: 1.0 - images,
    "noisy": lambda images, rng: np.clip(images + rng.normal(0, 0.4, images.shape), 0, 1),
    "half hidden": lambda images, rng: _hidden(images),
    "another pen": lambda images, rng: _pen(images),
}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """All 1,797 images (1797, 8, 8) in 0 .. 1, and their digits."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images / 16.0, found.target.astype("int64")


def seen(images: np.ndarray, scene: str, seed: int = 0) -> np.ndarray:
    """Images (n_images, 8, 8) as a scene shows them; ``seed`` is that of the noise.

    Example:
        >>> black = np.zeros((1, 8, 8))
        >>> float(seen(black, "inverted").min())
        1.0
    """
    one_of("scene", scene, SCENES)
    return SCENES[scene](images, np.random.default_rng(seed)).astype("float32")


def make_scenes(
    n_per_task: int = 40,
    seed: int = 0,
    scenes: Iterable[str] = tuple(SCENES),
    held_out: bool = False,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draw images for every scene: a dict scene -> (x (n_images, 64), digits (n_images,)).

    Args:
        n_per_task: images of each scene; no image is used twice.
        seed: of the draw and of the noise.
        scenes: which of ``SCENES``.
        held_out: from the 600 images that are kept for the end, else from the 1,197 others.

    Raises:
        RagteachError: an unknown scene, or more images than there are.

    Example:
        >>> drawn = make_scenes(5, scenes=["plain", "rotated"])
        >>> drawn["rotated"][0].shape
        (5, 64)
    """
    names = list(scenes)
    for name in names:
        one_of("scene", name, SCENES)
    whole("n_per_task", n_per_task, 1)
    yes_no("held_out", held_out)
    images, labels = digits()
    pool = np.arange(N_OPEN, len(images)) if held_out else np.arange(N_OPEN)
    if n_per_task * len(names) > len(pool):
        raise refuse(
            expected=f"at most {len(pool)} images in all: none is used twice",
            got=f"{n_per_task} in each of {len(names)} scenes, {n_per_task * len(names)} in all",
            fix=f"use n_per_task <= {len(pool) // len(names)}",
        )
    order = np.random.default_rng(seed).permutation(pool)
    drawn = {}
    for i, name in enumerate(names):
        rows = order[i * n_per_task : (i + 1) * n_per_task]
        x = seen(images[rows], name, seed=seed + 1)
        drawn[name] = (x.reshape(len(rows), -1), labels[rows])
    return drawn
