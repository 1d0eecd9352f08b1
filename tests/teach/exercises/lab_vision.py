"""Answers to try on the milestones of the vision lab."""

import numpy as np
import torch
from drafts import slips, spellings

from ragteach.teach.exercises import answers_lab_vision as answers


def half_width(mine, theirs, factor):
    gap = mine.astype(float) - theirs
    return gap.mean(), gap.mean() - factor(gap), gap.mean() + factor(gap)


def apart(mine, theirs):
    half = 1.96 * np.sqrt(mine.var() / len(mine) + theirs.var() / len(mine))
    return (
        mine.mean() - theirs.mean(),
        mine.mean() - theirs.mean() - half,
        mine.mean() - theirs.mean() + half,
    )


def turned(k=-1, negative=True, flip=None):
    def undo(images, scene):
        if scene == "rotated":
            return flip(images) if flip else np.rot90(images, k, axes=(1, 2))
        return 1 - images if scene == "inverted" and negative else images

    return undo


def undo_by_hand(images, scene):
    """The turn and the negative, pixel by pixel."""
    if scene == "rotated":
        return [[list(column) for column in zip(*image[::-1], strict=True)] for image in images]
    if scene == "inverted":
        return [[[1 - pixel for pixel in row] for row in image] for image in images]
    return images


def paired_in_torch(mine, theirs):
    gap = mine.double() - theirs.double()
    half = 1.96 * gap.std() / len(gap) ** 0.5
    return torch.stack([gap.mean(), gap.mean() - half, gap.mean() + half])


def paired_by_hand(mine, theirs):
    gap = [a - b for a, b in zip(mine, theirs, strict=True)]
    middle = sum(gap) / len(gap)
    variance = sum((g - middle) ** 2 for g in gap) / (len(gap) - 1)
    half = 1.96 * (variance / len(gap)) ** 0.5
    return [middle, middle - half, middle + half]


WRONG = {
    "lab_vision-1": {
        "W itself": lambda W, b: (W, b + W.sum(1)),
        "W from 1": lambda W, b: (1 - W, b),
        "b stays": lambda W, b: (-W, b),
        "b negated": lambda W, b: (-W, -b),
        "minus the sum": lambda W, b: (-W, b - W.sum(1)),
        "sum of all": lambda W, b: (-W, b + W.sum()),
        "mean": lambda W, b: (-W, b + W.mean(1)),
        "one thing": lambda W, b: -W,
    },
    "lab_vision-2": {
        "nothing": lambda images, scene: images,
        "further": turned(1),
        "transposed": turned(flip=lambda x: x.transpose(0, 2, 1)),
        "flipped": turned(flip=lambda x: x[:, ::-1]),
        "mirrored": turned(flip=lambda x: x[:, :, ::-1]),
        "no negative": turned(negative=False),
        "minus": lambda images, scene: -images if scene == "inverted" else turned()(images, scene),
        "denoised": lambda images, scene: (
            images.clip(0.5, 1) if scene == "noisy" else turned()(images, scene)
        ),
        "a thinner pen": lambda images, scene: (
            images * (images > 0.5) if scene == "another pen" else turned()(images, scene)
        ),
        "flat": lambda images, scene: turned()(images, scene).reshape(len(images), -1),
        "all inverted": lambda images, scene: (
            1 - images if scene != "rotated" else turned()(images, scene)
        ),
    },
    "lab_vision-3": {
        "unpaired": apart,
        "spread": lambda m, t: half_width(m, t, lambda g: 1.96 * g.std(ddof=1)),
        "over n": lambda m, t: half_width(m, t, lambda g: 1.96 * g.std(ddof=1) / len(g)),
        "one error": lambda m, t: half_width(m, t, lambda g: g.std(ddof=1) / len(g) ** 0.5),
        "swapped": lambda m, t: answers.paired(t, m),
        "per cent": lambda m, t: tuple(100 * v for v in answers.paired(m, t)),
        "high first": lambda m, t: tuple(np.array(answers.paired(m, t))[[0, 2, 1]]),
        "two numbers": lambda m, t: answers.paired(m, t)[1:],
    },
    "lab_vision-4": {
        "full": lambda layers, rank: sum(i * o for i, o in layers),
        "r times full": lambda layers, rank: sum(rank * i * o for i, o in layers),
        "inputs": lambda layers, rank: sum(rank * i for i, o in layers),
        "outputs": lambda layers, rank: sum(rank * o for i, o in layers),
        "first": lambda layers, rank: rank * sum(layers[0]),
        "rank one": lambda layers, rank: sum(i + o for i, o in layers),
        "biases": lambda layers, rank: sum(rank * (i + o) + o for i, o in layers),
        "a core": lambda layers, rank: sum(rank * (i + o) + rank**2 for i, o in layers),
    },
    "lab_vision-5": slips("rwwrwr"),
}

RIGHT = {
    "lab_vision-1": {
        "numpy": lambda W, b: (np.negative(W), b + W @ np.ones(W.shape[1])),
        "torch": lambda W, b: (-torch.as_tensor(W), torch.as_tensor(b) + torch.as_tensor(W).sum(dim=1)),
        "plain": lambda W, b: ([[-w for w in row] for row in W], [c + sum(row) for row, c in zip(W, b, strict=True)]),
    },
    "lab_vision-2": {
        "three quarters more": turned(3),
        "torch": lambda images, scene: (
            torch.rot90(torch.as_tensor(np.ascontiguousarray(images)), -1, (1, 2)) if scene == "rotated"
            else 1 - images if scene == "inverted" else images
        ),
        "plain": undo_by_hand,
        "by hand": turned(flip=lambda x: x.transpose(0, 2, 1)[:, :, ::-1]),
    },
    "lab_vision-3": {
        "torch": paired_in_torch,
        "plain": paired_by_hand,
        "over n": lambda m, t: half_width(m, t, lambda g: 1.96 * g.std() / len(g) ** 0.5),
        "two": lambda m, t: half_width(m, t, lambda g: 1.959964 * g.std(ddof=1) / len(g) ** 0.5),
    },
    "lab_vision-4": {
        "loop": lambda layers, rank: sum([rank * i + rank * o for i, o in layers]),
        "torch": lambda layers, rank: rank * torch.tensor(layers).sum(),
        "numpy": lambda layers, rank: rank * np.array(layers).sum(),
    },
    "lab_vision-5": spellings("rwwrwr"),
}  # fmt: skip
