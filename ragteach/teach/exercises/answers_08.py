"""Lesson 08: the reference answers, and the typical mistakes that the checks recognise.

A list of mistakes holds pairs (what it gives, what to tell the learner).
"""

import itertools

import numpy as np


def spread(weights):
    centred = weights - weights.mean(1, keepdims=True)
    mean = centred.mean(0)  # (n_classes, n_features)
    away = np.sqrt(((centred - mean) ** 2).sum((1, 2)))  # (n_replicas,)
    return away.mean() / np.sqrt((mean**2).sum())


def without_shift(weights, axis=1):
    return weights - weights.mean(axis, keepdims=True)


def distances(weights):
    return np.sqrt(((weights - weights.mean(0)) ** 2).sum((1, 2)))


def size(weights):
    return np.sqrt((weights.mean(0) ** 2).sum())


def wrong_spreads(weights):
    centred = without_shift(weights)
    across = without_shift(weights, 2)
    norms = distances(centred)
    return [
        (
            distances(weights).mean() / size(weights),
            "The common shift of all classes is still in: subtract the mean over classes first.",
        ),
        (
            distances(across).mean() / size(across),
            "You took the mean over features (axis 2). The shift is the mean over classes: axis 1.",
        ),
        (
            norms.mean(),
            "This is the distance itself. Divide by the norm of the mean model: spread "
            "has no unit.",
        ),
        (norms / size(centred), "One number per replica: take their mean."),
        (
            np.sqrt((norms**2).mean()) / size(centred),
            "You took the root of the mean square. The spread is the mean of the "
            "distances: root first.",
        ),
        (
            norms.sum() / size(centred),
            "This is the sum over the replicas. Take their mean.",
        ),
        (
            norms.mean() / np.sqrt((centred**2).sum((1, 2))).mean(),
            "You divided by the mean of the norms. Divide by the norm of the mean model.",
        ),
        (
            norms.max() / size(centred),
            "This is the farthest model. The spread is the mean of the distances.",
        ),
        (
            np.median(norms) / size(centred),
            "This is the median distance. The spread is the mean of the distances.",
        ),
        (
            np.sqrt((norms**2).sum()) / size(centred),
            "One root over all models together. Take the root for each model, then the mean.",
        ),
        (
            centred.std(0).mean(),
            "This is the spread of single weights. A distance takes all weights of a "
            "model together.",
        ),
        (
            np.abs(centred - centred.mean(0)).sum((1, 2)).mean() / np.abs(centred.mean(0)).sum(),
            "You added absolute values. The distance is the root of the sum of squares.",
        ),
        (
            np.mean([np.sqrt(((a - b) ** 2).sum()) for a, b in itertools.combinations(centred, 2)])
            / size(centred),
            "These are distances between pairs. Take each model's distance to the mean model.",
        ),
    ]


def steps_to_meet(lr, lam, gap, tol):
    return np.log(tol / gap) / np.log(1 - lr * lam)


def wrong_steps(lr, lam, gap, tol):
    return [
        (
            np.log(tol / gap) / np.log(1 - lam),
            "The learning rate is missing: a step is lr times the gradient.",
        ),
        (
            np.log(gap / tol) / np.log(1 - lr * lam),
            "A negative number of steps: the distance falls from gap to tol, so the ratio "
            "is tol / gap.",
        ),
        (
            np.log(tol) / np.log(1 - lr * lam),
            "The gap is missing: the runs start gap apart, not 1.",
        ),
        (
            (gap - tol) / (lr * lam * gap),
            "The distance does not shrink by the same amount in each step, but by the same factor.",
        ),
        (
            np.log(gap / tol) / (lr * lam),
            "Nearly: that is the limit of tiny steps, exp(-lr lam n). One step multiplies "
            "by 1 - lr lam.",
        ),
        (
            np.floor(np.log(tol / gap) / np.log(1 - lr * lam)),
            "After so few whole steps they need not be close enough yet: round up, or not at all.",
        ),
        (
            np.ceil(np.log(tol / gap) / np.log(1 - lr * lam)) + 1,
            "One step too many: the rounded-up number is enough.",
        ),
        (
            np.log(gap - tol) / -np.log(1 - lr * lam),
            "What counts is how many TIMES smaller the distance must be: tol / gap, no difference.",
        ),
        (
            np.log2(gap / tol) / (lr * lam),
            "A logarithm of base 2 and none below. Solve gap (1 - lr lam)^n = tol for n.",
        ),
        (
            np.log(tol / gap) / np.log(1 - lr * lr * lam),
            "The learning rate comes in once: a step shrinks the distance by 1 - lr lam.",
        ),
        (
            gap / tol * np.exp(-lr * lam),
            "n is the number of steps, in the exponent. Take logarithms to get it out.",
        ),
        (
            np.log10(tol / gap) / np.log(1 - lr * lam),
            "Two kinds of logarithm: take the same one above and below.",
        ),
    ]


def same_variance(scale):
    # Var U(-u, u) = u^2 / 3
    return np.sqrt(3) * scale


def wrong_scales(scale):
    return [
        (3 * scale, "The variance goes with the square of the scale: a root is missing."),
        (
            scale / np.sqrt(3),
            "The other way round: this is the standard deviation of U(-scale, scale).",
        ),
        (
            np.sqrt(12) * scale,
            "12 belongs to the width of the interval. U(-u, u) is 2u wide: halve your answer.",
        ),
        (scale, "The same scale is not the same variance: Var U(-u, u) = u^2 / 3, not u^2."),
        (
            np.sqrt(2) * scale,
            "2 is the width of the interval in units of u. Its variance is u^2 / 3.",
        ),
        (
            np.sqrt(6) * scale,
            "The interval is 2u wide: (2u)^2 / 12 is u^2 / 3. Yours halves that once more.",
        ),
        (
            scale / np.sqrt(12),
            "This is the standard deviation of an interval of width `scale`. Turn it round, and "
            "the width is 2u.",
        ),
        (
            1.5 * scale,
            "This is no root of 3. Set u^2 / 3 equal to scale^2 and solve for u.",
        ),
        (
            scale**2 / 3,
            "That is the variance of U(-scale, scale). Asked is the scale that gives "
            "variance scale^2.",
        ),
        (
            3 * scale**2,
            "That is u^2. Asked is u: take the root.",
        ),
        (
            np.sqrt(3 * scale),
            "scale is a standard deviation: its square stands under the root, 3 scale^2.",
        ),
    ]


def factor_gradients(up, down, g):
    return g @ down.T, up.T @ g


def wrong_gradients(name, up, down, g):
    is_up = name == "up"
    right = factor_gradients(up, down, g)[0 if is_up else 1]
    solved = g @ np.linalg.pinv(down) if is_up else np.linalg.pinv(up) @ g
    from_a = factor_gradients(up, down, up @ down)[0 if is_up else 1]
    return [
        (
            -right,
            f"The sign of the gradient in {name} is turned round: J grows along its gradient.",
        ),
        (right.T, f"The gradient in {name} must have the shape of {name}: yours is transposed."),
        (solved, "You solved for the factor. A gradient needs the transpose, not the inverse."),
        (g, "That is the gradient in A itself. The factor sees it through the other factor."),
        (
            up @ down,
            "That is A itself. A gradient says how J changes: begin with g.",
        ),
        (
            right + (up if is_up else down),
            "The factor itself is added. The gradient holds the other factor only.",
        ),
        (
            (up if is_up else down) * g.sum(),
            "You multiplied every number by one sum. Each entry has its own: a product of matrices.",
        ),
        (from_a, "You used A where g belongs: the gradient starts from dJ/dA."),
    ]


def two_factors(a):
    # Subtract the last row from all rows: softmax does not see it, and the last row becomes zero.
    down = a[:2] - a[2]
    up = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    return up, down


def to_the_last(weights):
    """The difference of each class to the last: all that softmax sees."""
    return weights - weights[2]


def wrong_products(a):
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    centred_u, _, centred_vt = np.linalg.svd(a - a.mean(0), full_matrices=False)
    right = to_the_last(a)
    row_dropped = np.vstack([a[:2], np.zeros_like(a[0])])
    last_is_sum = np.vstack([right[:2], right[:2].sum(0)])
    return [
        (
            to_the_last(u[:, :2] * s[:2] @ vt[:2]),
            "You cut the SVD of a itself at rank 2: that loses something. Subtract the common "
            "shift first.",
        ),
        (
            to_the_last(centred_u[:, :2] @ centred_vt[:2]),
            "The singular values are left out: multiply one of the two factors by s.",
        ),
        (
            to_the_last(u[:, :2] @ vt[:2]),
            "The singular values are left out, and the common shift is still in.",
        ),
        (
            to_the_last(row_dropped),
            "You dropped the last row without subtracting it from the others: the softmax changes.",
        ),
        (
            -right,
            "The sign is turned round: subtract the last row from the others, not the reverse.",
        ),
        (
            to_the_last(last_is_sum),
            "The last row of up is (1, 1): it should make the last row of the product zero.",
        ),
    ]


def expected_overlap(n_adapters, per_task):
    # A task holds adapter k with probability k / K; two tasks draw independently of each other.
    return per_task, per_task**2 / n_adapters


def wrong_overlaps(n_adapters, per_task):
    right = expected_overlap(n_adapters, per_task)
    share = per_task / n_adapters
    return [
        ((per_task, share**2), "That is for one adapter. Sum over all K of them."),
        (
            (per_task, share),
            "Two tasks must both hold the adapter: the probability is (k/K) times (k/K).",
        ),
        (
            (share * per_task, share * per_task),
            "A task shares all k of its adapters with itself: the first number is k.",
        ),
        (
            (per_task, per_task * (per_task - 1) / (n_adapters - 1)),
            "The two tasks draw independently of each other: what one holds is not gone "
            "for the other.",
        ),
        (
            (per_task, per_task),
            "Two tasks hold the same k adapters only by chance: count those that both drew.",
        ),
        (right[::-1], "The two numbers are swapped: first a task with itself, then two tasks."),
        (
            (per_task, per_task**2),
            "Each of the K adapters is held by both with probability (k/K)^2: K times "
            "that is k^2/K.",
        ),
        (
            (n_adapters, per_task**2 / n_adapters),
            "A task holds k of the K adapters. So it has k, not K, in common with itself.",
        ),
        (
            (share, share**2),
            "These are probabilities for one adapter. Sum over all K of them.",
        ),
    ]
