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
            np.where(here[:, None], softmax(scores) @ v, np.nan),
            "The rows of the padding are masked, and came out as nan. Row i is the token that looks, "
            "column j what it looks at: mask the columns of the padding, here[None, :].",
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
            "You set weights to zero after the softmax, so a row no longer sums to 1. Mask the "
            "scores before it.",
        ),
        (
            softmax(np.where(here[:, None], scores.T, 0.0)).T @ v,
            "The softmax runs down the columns. Each token (row) shares out its own attention.",
        ),
        (
            q + softmax(masked) @ v,
            "You added q. What a token becomes is a mean of values, nothing more.",
        ),
        (
            softmax(np.where(here[None, :], scores, 0.0)) @ v,
            "A score of 0 is no minus infinity: exp(0) = 1, so the padding is looked at.",
        ),
        (
            softmax(np.where(here[None, :], scores.T, -np.inf)) @ v,
            "q and k have changed places: row i asks with q_i, column j answers with k_j.",
        ),
        (
            softmax(masked * np.sqrt(q.shape[1]) / np.sqrt(len(q))) @ v,
            "You divided by the root of the number of tokens. It is that of the features.",
        ),
        (
            softmax(masked * q.shape[1]) @ v,
            "You multiplied by the root. Divide: long vectors have large products.",
        ),
        (
            softmax(np.where(here[:, None], scores, -1e9)) @ v,
            "You masked rows. Who is looked at stands in the columns: here[None, :].",
        ),
        (softmax(masked) @ k, "You averaged the keys. They only say where to look: average v."),
        (
            np.where(here[None, :], scores, 0.0) @ v,
            "The softmax is missing: scores may be negative, and weights may not.",
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
            "You mixed the factors before you multiplied: that makes products of one adapter's up "
            "with another's down. First up @ down of each, then the sum.",
        ),
        (
            shared + np.einsum("tk,kcd->tcd", graph**2, adapters),
            "The graph is squared. An adapter comes in once, times G[t, k].",
        ),
        (
            shared + np.einsum("tk,kcd->tcd", graph, adapters) / graph.shape[1],
            "You took the mean over the adapters. It is their sum.",
        ),
        (
            shared + np.einsum("tk,kcd->tcd", graph, adapters) / ups.shape[2],
            "You divided by the rank. Here A_k is up @ down as it is.",
        ),
        (
            shared + np.einsum("t,cd->tcd", graph[:, 0], adapters[0]),
            "Only the first adapter is in. Sum over all k.",
        ),
        (
            shared + np.einsum("tk,kcd->tcd", (graph > 0) * 1.0, adapters),
            "You ask whether G[t, k] is zero, but it is a weight: multiply by it.",
        ),
        (
            shared - np.einsum("tk,kcd->tcd", graph, adapters),
            "The adapters are subtracted. W_t = W_s PLUS what the graph adds.",
        ),
        (
            np.einsum("tk,kcd->tcd", graph, shared + adapters),
            "W_s is inside the sum over k, so the graph multiplies it too. It stands alone.",
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
            y + np.abs(inside) @ up.T,
            "You took absolute values. relu keeps what is positive and puts 0 for the rest.",
        ),
        (
            y + np.minimum(inside, 0) @ up.T,
            "You kept the negative part. relu keeps the positive one: np.maximum.",
        ),
        (
            np.maximum(y + inside @ up.T, 0),
            "The relu bends the sum. It belongs inside the adapter, and y stays as it is.",
        ),
        (
            2 * y + np.maximum(inside, 0) @ up.T,
            "y is added twice. The adapter is added to y, once.",
        ),
        (
            y + np.tanh(inside) @ up.T,
            "This is tanh. The bend that is asked for is relu, max(0, x).",
        ),
        (
            y + (1 / (1 + np.exp(-inside))) @ up.T,
            "This is the sigmoid. The bend that is asked for is relu, max(0, x).",
        ),
        (
            y + np.where(inside > 0, inside, 0.01 * inside) @ up.T,
            "This bend leaks below 0. relu is 0 there.",
        ),
        (
            y - np.maximum(inside, 0) @ up.T,
            "The adapter is subtracted. It is added.",
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
            (b[:, None] * up) @ down + up @ (d[:, None] * down),
            "Two changes are added, one with b and one with d. Both scale ONE product.",
        ),
        (
            b[:, None] + up @ (d[:, None] * down),
            "b is added. diag(b) multiplies the rows.",
        ),
        (
            (b[:, None] * up) @ down * d.mean(),
            "One number for all directions. Each of the r directions has its own d.",
        ),
        (
            ((b[:, None] * up) @ (d[:, None] * down)).T,
            "This is the change transposed: it must be (n_out, n_in).",
        ),
    ]


def randlora(up, down, lam, gam):
    # (n_out, n_in)
    return sum(up[j] @ np.diag(lam[j]) @ down[j] @ np.diag(gam[j]) for j in range(len(up)))


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
            "You summed over the pairs before multiplying: then up_1 meets down_2. Multiply "
            "pair by pair.",
        ),
        (whole[0], "This is the first pair alone."),
        (whole[-1], "This is the last pair alone: does your loop begin anew each time?"),
        (
            np.einsum("jor,r,jri,ji->oi", up, lam[0], down, gam),
            "Every pair has the first pair's lam. Each has its own.",
        ),
        (
            np.einsum("jor,jr,jri,i->oi", up, lam, down, gam[0]),
            "Every pair has the first pair's gam. Each has its own.",
        ),
        (
            np.einsum("jor,jr,jri->oi", up, lam, down) * gam.sum(0),
            "You multiplied by the sum of all gam. Scale each pair by its own, then add.",
        ),
        (np.einsum("jor,jri->oi", up, down), "Nothing that is trained is in it: lam and gam are."),
        (whole, "These are the pairs one by one. Sum over them."),
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


TRAINED_MISTAKES = {  # (n_out, n_in, r) -> a wrong count, and what to say
    "full": [
        (lambda o, i, r: o + i, "A matrix has n_out times n_in numbers."),
        (lambda o, i, r: o * i + o, "The layer's bias is not adapted: the matrix only."),
        (lambda o, i, r: o * o, "The matrix is (n_out, n_in), not a square."),
    ],
    "low_rank": [
        (lambda o, i, r: r * o * i, "up is (n_out, r), down is (r, n_in): add their sizes."),
        (lambda o, i, r: r * o, "Only up is counted: LoRA trains down as well."),
        (lambda o, i, r: r * i, "Only down is counted: LoRA trains up as well."),
        (lambda o, i, r: 2 * r * o, "down has n_in columns, not n_out."),
        (lambda o, i, r: 2 * r * i, "up has n_out rows, not n_in."),
        (lambda o, i, r: r * (o + i) + o, "LoRA has no bias of its own."),
    ],
    "vera": [
        (lambda o, i, r: r * (o + i), "VeRA's two matrices are frozen: count b and d only."),
        (lambda o, i, r: o + i, "d scales the r directions between: r numbers, not n_in."),
        (lambda o, i, r: o, "Only b is counted: d is trained as well."),
        (lambda o, i, r: r, "Only d is counted: b is trained as well."),
        (lambda o, i, r: i + r, "b scales the rows of the change, and those are n_out."),
        (lambda o, i, r: o * r, "b and d are vectors. Add their lengths."),
        (lambda o, i, r: o + 2 * r, "d comes in once: r numbers."),
    ],
    "randlora": [
        (
            lambda o, i, r: r + min(o, i),
            "That is one pair; there are ceil(shorter side / r) of them.",
        ),
        (
            lambda o, i, r: min(o, i) // r * (r + min(o, i)),
            "The number of pairs is rounded down. Up: the last pair covers what is left.",
        ),
        (
            lambda o, i, r: math.ceil(min(o, i) / r) * r * (o + i),
            "The random pairs are frozen: count lam and gam.",
        ),
        (
            lambda o, i, r: math.ceil(min(o, i) / r) * r,
            "Only lam is counted: gam is trained as well.",
        ),
        (
            lambda o, i, r: math.ceil(min(o, i) / r) * min(o, i),
            "Only gam is counted: lam is trained as well.",
        ),
        (
            lambda o, i, r: math.ceil(min(o, i) / r) * (r + max(o, i)),
            "gam scales the shorter side.",
        ),
        (
            lambda o, i, r: math.ceil(max(o, i) / r) * (r + min(o, i)),
            "The shorter side says how many pairs full rank needs.",
        ),
    ],
    "bottleneck": [
        (lambda o, i, r: 2 * r * o, "Its two layers have biases: n_out + r more."),
        (lambda o, i, r: r * (o + i), "It sits behind the layer: both its sides have n_out."),
        (lambda o, i, r: 2 * r * o + o, "The bias of the first layer is missing: r numbers."),
        (lambda o, i, r: 2 * r * o + r, "The bias of the second layer is missing: n_out numbers."),
        (lambda o, i, r: r * o + r, "That is the first of its two layers."),
        (lambda o, i, r: 2 * r * i + i + r, "It sits behind the layer, where n_out numbers are."),
        (
            lambda o, i, r: r * (o + i) + o + r,
            "It takes in what the layer said: n_out numbers, not n_in.",
        ),
    ],
}


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
        (
            min(1 + n_adapters * r, n_out, n_in),
            "The shared change has rank r as well, not rank 1.",
        ),
        (min(n_out, n_in), "That is the most any change could have. Do the adapters get there?"),
        (min((1 + n_adapters) * r, max(n_out, n_in)), "The smaller side decides, not the larger."),
    ]


def tokens_until_merging_pays(n_out, n_in, r):
    merge = n_out * r * n_in  # once
    saved = r * (n_in + n_out)  # at every token
    return merge / saved


def wrong_tokens(n_out, n_in, r):
    merge = n_out * r * n_in
    saved = r * (n_in + n_out)
    whole = (
        "Keep the decimals: not a whole number of tokens is asked for, but where the two cost the "
    )
    whole += "same."
    return [
        (np.ceil(merge / saved), whole),
        (np.floor(merge / saved), whole),
        (saved / merge, "Upside down: what merging costs, divided by what it saves at a token."),
        (
            n_out * n_in / saved,
            "To make up @ down takes n_out r n_in multiplications: r is missing.",
        ),
        (
            merge / (n_out * n_in + saved),
            "The old layer is paid for either way: only the adapter's own cost is saved.",
        ),
        (merge, "That is what merging costs. Divide it by what it saves at a token."),
        (saved, "That is what merging saves at a token. How many tokens pay for the merge?"),
        (n_out * n_in, "That is one product with the merged matrix. Divide cost by saving."),
        (n_out + n_in, "r cancels, but the two sides do not: divide cost by saving."),
        (
            merge / (r * n_out),
            "A token goes through both factors, and down costs r n_in.",
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
    "conservation": "dJ/dW_s is the sum of the dJ/dA_t in every layer: look at what your "
    "experiment printed.",
    "balance": "At a point where J is flat both gradients are zero: lambda_s dW_s = lambda sum_t "
    "dA_t, layer by layer.",
    "forgetting": "Its proof needed one lowest point of J, which a convex J has. That is gone; but "
    "a run of rank 1 that stops early refutes nothing.",
    "equivalence": "scikit-learn's logistic regression is convex; no scaling of inputs turns this "
    "network into one.",
    "order": "Joint training was ahead in these runs, but the proof needed that it finds the "
    "lowest J: neither proved nor refuted.",
    "merging": "Each layer's change is a matrix: W_0 + dW_s + dA_t is one nn.Linear again.",
}

BUDGET = 700
BAR = 0.6
