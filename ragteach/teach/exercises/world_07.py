"""The world of exercise 07-6: its sentences, and what each ratio of the penalties is worth in it."""

import functools

import numpy as np

from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve_path
from ragteach.model import RAG
from ragteach.study.experiment import draw


def _draw():
    return draw("toy", None, 60, 40, relatedness=0.75)


def unknown_world():
    """The training sentences of exercise 07-6: a frame with the columns text, label, task."""
    return _draw()[0]


@functools.cache
def loss_of_ratios(lam_shared=0.002):
    """(ratios, test loss of each) in that world."""
    train, _, test = _draw()
    data = MultiTaskDataset.from_frame(train)
    ratio = np.logspace(-3, 3, 25)
    model = RAG(data.n_features, 3, data.n_tasks, tasks=data.task_names, init="zero")
    path = solve_path(model, data, lam_shared * ratio, lam_shared, tol=1e-4)
    held_out = MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names).stacked()
    return ratio, path.losses(held_out).mean(0).numpy()
