"""Reference answers of the vision lab, and the mistakes that its checks know."""

import numpy as np


def inverted_model(W, b):
    """W (n_classes, n_pixels), b (n_classes,) for x -> the W and b that say the same of 1 - x."""
    return -W, b + W.sum(1)


def undo(images, scene):
    """images (n_images, 8, 8) of a scene -> as they would be on the plain scene, if that is known."""
    if scene == "rotated":
        return np.rot90(images, -1, axes=(1, 2))
    if scene == "inverted":
        return 1 - images
    return images


def paired(mine, theirs):
    """mine, theirs (n_items,) right or not -> (difference of accuracies, low, high), 95 %, paired."""
    gap = np.asarray(mine, float) - np.asarray(theirs, float)
    half = 1.96 * gap.std(ddof=1) / len(gap) ** 0.5
    return gap.mean(), gap.mean() - half, gap.mean() + half


def adapter_numbers(layers, rank):
    """layers: pairs (n_in, n_out) -> how many numbers a low-rank adapter in all of them has."""
    return sum(rank * (n_in + n_out) for n_in, n_out in layers)
