"""Lesson 05: the reference answers, and what to say about each wrong word of exercise 05-4."""

import numpy as np
import torch


def length_ratio(n_tasks, cosine):
    return np.sqrt(n_tasks + n_tasks * (n_tasks - 1) * cosine)


def conserved(shared, adapters):
    return shared - adapters.sum(1)


def conserved_mix(graph):
    return np.linalg.lstsq(graph, np.ones(len(graph)), rcond=None)[0]


KEPT = {
    "mini-batches": "kept",
    "momentum": "kept",
    "alpha": "kept",
    "Adam": "broken",
    "lam > 0": "broken",
    "larger lr for adapters": "broken",
}
WHY_KEPT = {
    "mini-batches": "Mini-batches: D_t is then the gradient of a batch, but W_s still gets the sum "
    "of the same D_t.",
    "momentum": "Momentum from rest is a sum of old gradients. If each step keeps the law, so does "
    "their sum.",
    "alpha": "alpha_t scales D_t, in the step of A_t and in the step of W_s alike.",
    "Adam": "Adam divides each gradient by its own past size. The sum of rescaled steps is no "
    "longer the step of W_s.",
    "lam > 0": "A penalty shrinks W_s and the A_t by their own size. The data do not enter, so "
    "nothing cancels.",
    "larger lr for adapters": "Two learning rates: the steps differ by their ratio. "
    "(W_s / lr_s - sum A_t / lr_a is "
    "conserved instead.)",
}


def half_life(lr, lam):
    return np.log(0.5) / np.log(1 - lr * lam)


def shared_part(lam, lam_shared):
    return lam / (lam + lam_shared)


def film(model, loss, steps, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    shared = []
    adapters = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
        shared.append(model.shared.detach().clone())  # a copy: the weights go on moving
        adapters.append(model.adapter_weights().detach().clone())
    return torch.stack(shared), torch.stack(adapters)


def film_with_a_slip(model, loss, steps, lr, clear=True, kind=torch.optim.SGD, **how):
    """The film of a loop without zero_grad, or with another optimiser."""
    shared = []
    adapters = []
    optimizer = kind(model.parameters(), lr=lr, **how)
    for _ in range(steps):
        if clear:
            optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
        shared.append(model.shared.detach().clone())
        adapters.append(model.adapter_weights().detach().clone())
    return torch.stack(shared), torch.stack(adapters)


# Mean cosines for relatedness 0, 0.5 and 1, and how one comes to them.
WRONG_COSINES = [
    (
        [-0.192, -0.046, 0.284],
        "These are runs without penalties: path(..., lam=0.01, lam_shared=0.01).",
    ),
    ([-0.090, 0.066, 0.272], "This is the first step only. Take the mean over all steps."),
    ([-0.175, -0.011, 0.298], "This is the last step only. Take the mean over all steps."),
    ([0.166, 0.084, 0.295], "These are absolute values. The sign is what the exercise is about."),
    ([0.990, 0.492, 0.0], "This is the share of cosines below 0. Take the mean of the cosines."),
    (
        [-0.150, 0.015, 0.287],
        "This is the mean over five draws, from further down. Here one draw is asked: "
        "toy(relatedness).",
    ),
    (
        [0.1255, 0.2474, 0.4713],
        "A task with itself is no pair: its cosine of 1 is in your mean. Take the six pairs.",
    ),
    ([0.0, 0.5, 1.0], "These are the relatednesses themselves. Take the mean of the cosines."),
    ([0.295, -0.0035, -0.166], "The data sets of relatedness 0 and 1 are swapped."),
    ([0.166, 0.0035, -0.295], "A sign: tasks that are more related pull more alike."),
]
