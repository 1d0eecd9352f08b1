"""Lesson 11: the reference answers, and the typical mistakes that the checks recognise.

A list of mistakes holds pairs (what it gives, what to tell the learner).
"""

import math

import numpy as np


def softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(q, k, v, here):
    scores = q @ k.T / np.sqrt(q.shape[1])  # (n_tokens, n_tokens): row looks at column
    scores = np.where(here[None, :], scores, -np.inf)
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True) @ v


def wrong_attentions(q, k, v, here):
    scores = q @ k.T / np.sqrt(q.shape[1])
    masked = np.where(here[None, :], scores, -np.inf)
    return [
        (
            softmax(scores) @ v,
            "The padding is looked at too: its scores must be minus infinity before the softmax.",
        ),
        (
            softmax(masked * np.sqrt(q.shape[1])) @ v,
            "The scores are not divided by the root of the number of features.",
        ),
        (
            softmax(masked * np.sqrt(q.shape[1]) / q.shape[1]) @ v,
            "You divided by the number of features; it is its root.",
        ),
        (
            softmax(scores) * here[None, :] @ v,
            "You set weights to zero after the softmax, so a row no longer sums to 1. Mask the scores before it.",
        ),
        (
            softmax(np.where(here[:, None], scores.T, 0.0)).T @ v,
            "The softmax runs down the columns. Each token (row) shares out its own attention.",
        ),
        (softmax(masked), "These are the weights. Let them average the values: weights @ v."),
    ]


def lora_weights(shared, ups, downs, graph):
    adapters = ups @ downs  # (n_adapters, n_classes, n_features)
    return shared + np.einsum("tk,kcd->tcd", graph, adapters)


def wrong_lora_weights(shared, ups, downs, graph):
    adapters = ups @ downs
    return [
        (np.einsum("tk,kcd->tcd", graph, adapters), "W_s is missing: every task has it."),
        (
            shared + np.broadcast_to(adapters.sum(0), (len(graph), *shared.shape)),
            "Every task gets every adapter: the article's collapse. The graph says who gets which.",
        ),
        (
            shared + np.einsum("tk,kcr->tcr", graph, ups) @ np.einsum("tk,krd->trd", graph, downs),
            "You mixed the factors before you multiplied: that makes products of one adapter's up with "
            "another's down. First up @ down of each, then the sum.",
        ),
        (
            shared + np.einsum("kt,kcd->tcd", graph, adapters)
            if graph.shape[0] == graph.shape[1]
            else shared,
            "The graph is read the wrong way round: rows are tasks, columns adapters.",
        ),
    ]


def houlsby(y, down, up):
    return y + np.maximum(y @ down.T, 0) @ up.T


def wrong_houlsbys(y, down, up):
    inside = y @ down.T
    return [
        (np.maximum(inside, 0) @ up.T, "What the layer said is lost: an adapter is added to y."),
        (y + inside @ up.T, "Without relu this is one matrix, and two thin ones would be LoRA."),
        (
            y + np.maximum(inside @ up.T, 0),
            "The relu stands between the two matrices, not behind both.",
        ),
        (
            y + np.maximum(y, 0) @ down.T @ up.T,
            "The relu bends what comes out of the first matrix, not y.",
        ),
    ]


def vera(up, down, b, d):
    return (b[:, None] * up) @ (d[:, None] * down)


def wrong_veras(up, down, b, d):
    return [
        (up @ (d[:, None] * down), "b is missing: it scales the rows of the change."),
        (
            (b[:, None] * up) @ down,
            "d is missing: it scales the r directions between the two matrices.",
        ),
        (up @ down, "Nothing that is trained is in it: b and d are."),
        (
            (b[:, None] * up) @ (d[:, None] * down) + up @ down,
            "The frozen product alone is no part of the change: at b = 0 it must vanish.",
        ),
        (
            ((b[:, None] * up) @ (d[:, None] * down)).T,
            "This is the change transposed: it must be (n_out, n_in).",
        ),
    ]


def randlora(up, down, lam, gam):
    return sum(
        up[j] @ np.diag(lam[j]) @ down[j] @ np.diag(gam[j]) for j in range(len(up))
    )  # (n_out, n_in)


def wrong_randloras(up, down, lam, gam):
    whole = np.einsum("jor,jr,jri,ji->joi", up, lam, down, gam)
    return [
        (whole.mean(0), "A sum over the pairs, not their mean."),
        (
            np.einsum("jor,jri,ji->oi", up, down, gam),
            "lam is missing: it scales the r directions of a pair.",
        ),
        (
            np.einsum("jor,jr,jri->oi", up, lam, down),
            "gam is missing: it scales the inputs of a pair.",
        ),
        (
            np.einsum("jor,jr->or", up, lam) @ np.einsum("jri,ji->ri", down, gam),
            "You summed over the pairs before multiplying: then up_1 meets down_2. Multiply pair by pair.",
        ),
        (whole[0], "This is the first pair alone."),
    ]


KINDS = ("full", "low_rank", "vera", "randlora", "bottleneck")


def trained(n_out, n_in, r):
    shorter = min(n_out, n_in)
    return {
        "full": n_out * n_in,
        "low_rank": r * (n_out + n_in),
        "vera": n_out + r,
        "randlora": -(-shorter // r) * (r + shorter),
        "bottleneck": 2 * r * n_out + n_out + r,
    }


TRAINED_MISTAKES = {
    "full": [("n_out + n_in", lambda o, i, r: o + i, "A matrix has n_out times n_in numbers.")],
    "low_rank": [
        ("r * n_out * n_in", lambda o, i, r: r * o * i, "up is (n_out, r), down is (r, n_in): add their sizes."),
        ("r * n_out", lambda o, i, r: r * o, "Only one of the factors is counted: LoRA trains both."),
    ],
    "vera": [
        ("r * (n_out + n_in)", lambda o, i, r: r * (o + i), "VeRA's two matrices are frozen: count b and d only."),
        ("n_out + n_in", lambda o, i, r: o + i, "b has n_out numbers, d has r."),
    ],
    "randlora": [
        ("r + n_in", lambda o, i, r: r + min(o, i), "That is one pair; there are ceil(shorter side / r) of them."),
        ("frozen too", lambda o, i, r: math.ceil(min(o, i) / r) * r * (o + i), "The random pairs are frozen: count lam and gam."),
    ],
    "bottleneck": [
        ("without biases", lambda o, i, r: 2 * r * o, "Its two layers have biases: n_out + r more."),
        ("r * (n_out + n_in)", lambda o, i, r: r * (o + i), "It sits behind the layer: both its sides have n_out."),
    ],
}  # fmt: skip


def new_lora(n_out, n_in, r, rng):
    up = np.zeros((n_out, r))
    down = rng.normal(size=(r, n_in)) / np.sqrt(n_in)
    return up, down


def largest_rank(n_out, n_in, r, n_adapters):
    return min((1 + n_adapters) * r, n_out, n_in)


def wrong_ranks(n_out, n_in, r, n_adapters):
    return [
        ((1 + n_adapters) * r, "A matrix has no more rank than its smaller side."),
        (min(n_adapters * r, n_out, n_in), "The shared change is one more, of rank r as well."),
        (
            min(r, n_out, n_in),
            "Each has rank r, but they add up: columns of different adapters are independent.",
        ),
        (min((1 + n_adapters) * r, max(n_out, n_in)), "The smaller side decides, not the larger."),
    ]


def tokens_until_merging_pays(n_out, n_in, r):
    merge = n_out * r * n_in  # once
    saved = r * (n_in + n_out)  # at every token
    return merge / saved


def wrong_tokens(n_out, n_in, r):
    merge, saved = n_out * r * n_in, r * (n_in + n_out)
    return [
        (saved / merge, "Upside down: what merging costs, divided by what it saves at a token."),
        (
            n_out * n_in / saved,
            "To make up @ down takes n_out r n_in multiplications: r is missing.",
        ),
        (
            merge / (n_out * n_in + saved),
            "The old layer is paid for either way: only the adapter's own cost is saved.",
        ),
        (
            merge / (r * n_in),
            "A token goes through both factors: down costs r n_in, up costs r n_out.",
        ),
    ]


LAWS = {
    "collapse": "survives",
    "conservation": "survives",
    "balance": "survives",
    "forgetting": "open",
    "equivalence": "fails",
    "order": "open",
    "merging": "survives",
}
LAW_MESSAGES = {
    "collapse": "A graph of ones gives every task the same sum, whatever stands around the layer.",
    "conservation": "dJ/dW_s is the sum of the dJ/dA_t in every layer: look at what your experiment printed.",
    "balance": "At a point where J is flat both gradients are zero: lambda_s dW_s = lambda sum_t dA_t, layer by layer.",
    "forgetting": "Its proof needed one lowest point of J, which a convex J has. That is gone; but a run of rank 1 that stops early refutes nothing.",
    "equivalence": "scikit-learn's logistic regression is convex; no scaling of inputs turns this network into one.",
    "order": "Joint training was ahead in these runs, but the proof needed that it finds the lowest J: neither proved nor refuted.",
    "merging": "Each layer's change is a matrix: W_0 + dW_s + dA_t is one nn.Linear again.",
}

BUDGET, BAR = 700, 0.6
