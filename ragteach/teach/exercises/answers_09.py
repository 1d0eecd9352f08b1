"""Reference answers of lesson 09, and the mistakes that its checks recognise, each with its
message.
"""

import numpy as np

# ------------------------------------------------------------------ 09-1: what one sentence weighs


def sentence_weight(sizes, alpha):
    """(n_tasks,) what one sentence of each task counts in sum_t alpha_t CE_t."""
    alphas = np.ones(len(sizes)) if alpha == "equal" else sizes / sizes.mean()
    return alphas / sizes


def task_weight(sizes, alpha):
    """The mistake: alpha_t itself."""
    sizes = np.asarray(sizes, dtype=float)
    return np.ones(len(sizes)) if alpha == "equal" else sizes / sizes.mean()


def for_both(function, sizes):
    """The answers for "equal" and "size", one row each."""
    return np.stack([function(sizes, alpha) for alpha in ("equal", "size")])


def weight_mistakes(sizes):
    equal, size = for_both(sentence_weight, sizes)
    return [
        (
            for_both(task_weight, sizes),
            "This is alpha_t, the weight of the whole task. CE_t is a mean, so one of its n_t "
            "sentences has alpha_t / n_t.",
        ),
        (
            np.stack([size, equal]),
            'The two are swapped. "equal" makes tasks equal, not single sentences.',
        ),
        (
            np.stack([equal, equal]),
            'You gave the weights of "equal" for "size" too. There alpha_t = n_t / mean(n).',
        ),
        (
            np.stack([size, size]),
            'You gave the weights of "size" for "equal" too. There alpha_t = 1.',
        ),
        (
            np.stack([equal, size]) / len(sizes),
            "You divided by the number of tasks. J is a sum over tasks: the alphas average 1.",
        ),
        (
            np.stack([equal, size / len(sizes)]),
            "You divided by the sum of the sizes. alpha_t = n_t / n-bar, and n-bar is their mean.",
        ),
        (
            np.ones((2, len(sizes))),
            "You gave 1 to every sentence. CE_t is a mean: inside it one sentence counts 1 / n_t.",
        ),
        (
            np.stack([equal, equal])[:, ::-1],
            "The tasks stand in another order than their sizes.",
        ),
        (
            np.stack([sizes, sizes]) / sizes.sum(),
            "This is each task's share of all sentences. The question is what one sentence counts.",
        ),
        (
            np.stack([equal, size]) * sizes.mean(),
            "All weights are too large by the mean size. alpha is 1, or n_t / n-bar; then "
            "divide by n_t.",
        ),
        (
            np.stack([equal, np.full(len(sizes), 1 / np.median(sizes))]),
            "n-bar is the mean of the sizes, not their median.",
        ),
        (
            np.stack([equal, np.full(len(sizes), 1 / sizes.max())]),
            "n-bar is the mean of the sizes, not the largest of them.",
        ),
        (
            np.stack([equal**2, equal]),
            "You divided by n_t once too often. CE_t holds 1 / n_t already; alpha_t comes to it.",
        ),
        (
            np.stack([1 / np.sqrt(sizes)] * 2),
            "CE_t is a mean of n_t losses: one of them counts 1 / n_t, without a root.",
        ),
    ]


# ------------------------------------------------------------------ 09-2: balanced accuracy


def recalls(truth, said):
    """(n_present,) the share of each class that is found, for the classes that occur in truth."""
    return np.array([(said[truth == c] == c).mean() for c in np.unique(truth)])


def balanced_accuracy(truth, said):
    """The mean of the recalls."""
    recalls = [(said[truth == c] == c).mean() for c in np.unique(truth)]
    return np.mean(recalls)


def precisions(truth, said):
    """(n_present,) the share of each class's predictions that is right; 0 if it is never said."""
    return np.array(
        [(truth[said == c] == c).mean() if (said == c).any() else 0.0 for c in np.unique(truth)]
    )


def macro_f1(truth, said):
    """The mean over classes of the harmonic mean of precision and recall."""
    r = recalls(truth, said)
    p = precisions(truth, said)
    return (2 * r * p / np.maximum(r + p, 1e-12)).mean()


def recall_mistakes(truth, said):
    found = recalls(truth, said)
    return [
        (
            (truth == said).mean(),
            "This is accuracy: every sentence has one vote, so common classes rule.",
        ),
        (
            precisions(truth, said).mean(),
            "This is the mean precision. For a recall you look at truth == c, not at said == c.",
        ),
        (
            macro_f1(truth, said),
            "This is macro-F1, which mixes precision in. The mean of the recalls is enough here.",
        ),
        (found, "These are the recalls, one per class. Take their mean."),
        (
            found.sum() / 3,
            "A class that does not occur in truth has no recall. Average over the classes that do.",
        ),
        (
            np.mean([((truth == c) == (said == c)).mean() for c in np.unique(truth)]),
            "This counts sentences of other classes too. A recall looks only where truth == c.",
        ),
        (
            found[np.isin(np.unique(truth), said)].mean(),
            "A class that is never said is left out. It occurs in truth, and its recall is 0.",
        ),
        (
            found.sum(),
            "You added the recalls up. Take their mean.",
        ),
        (
            (truth == said).sum(),
            "That is how many are right. A recall is a share, and each class has its own.",
        ),
        (
            (truth != said).mean(),
            "That is the share of errors, every sentence alike. The recall is what is found, class "
            "by class.",
        ),
        (
            np.mean(
                [
                    ((truth == c) & (said == c)).sum() / ((truth == c) | (said == c)).sum()
                    for c in np.unique(truth)
                ]
            ),
            "You divide by the sentences that are OR are called of the class. A recall divides by "
            "those that are.",
        ),
        (
            (found.mean() + precisions(truth, said).mean()) / 2,
            "Precision is mixed in. The mean of the recalls is enough here.",
        ),
        (
            (found.mean() - 1 / len(found)) / (1 - 1 / len(found)),
            "You moved the scale so that guessing earns 0. Plain balanced accuracy does not.",
        ),
        (
            np.mean([(said[truth != c] != c).mean() for c in np.unique(truth)]),
            "You looked where truth is NOT the class. A recall looks only where truth == c.",
        ),
        (
            found.min(),
            "This is the worst class's recall. A useful number, but the mean was asked for.",
        ),
        (
            1 - found.mean(),
            "This is the share that is missed, class by class. The recall is what is found.",
        ),
        (100 * found.mean(), "These are per cent. A recall is a share, from 0 to 1."),
        (
            found.prod() ** (1 / len(found)),
            "This is the geometric mean of the recalls. The plain mean was asked for.",
        ),
        (
            np.median(found),
            "This is the median of the recalls. The mean was asked for.",
        ),
    ]


# ------------------------------------------------------------------ 09-3: weights are resampling


def class_means(losses, labels):
    """(n_present,) the mean loss of each class."""
    return np.array([losses[labels == c].mean() for c in np.unique(labels)])


def expected_draw(losses, labels):
    """Mean loss of a draw that takes a class evenly, then one of its sentences evenly."""
    return np.mean([losses[labels == c].mean() for c in np.unique(labels)])


def common_counts_more(losses, labels):
    """The mistake: weights n_c instead of 1 / n_c."""
    weight = np.bincount(labels)[labels]
    return (weight * losses).sum() / weight.sum()


def draw_mistakes(losses, labels):
    means = class_means(losses, labels)
    return [
        (
            losses.mean(),
            "This is the plain mean: every sentence has probability 1/n. Here a class is "
            "drawn first.",
        ),
        (
            common_counts_more(losses, labels),
            "Common classes count more in yours. A sentence of a class with n_c sentences has "
            "probability 1 / (C n_c): n_c stands below.",
        ),
        (
            np.mean([losses[labels == c].sum() for c in np.unique(labels)]),
            "You summed the losses of each class. Within a class, each of its n_c sentences "
            "has 1 / n_c.",
        ),
        (
            means.sum(),
            "You summed the class means. Each class has probability 1/C, so divide by C.",
        ),
        (
            means.mean() * len(labels),
            "You summed weighted losses and did not divide by the sum of the weights, which is n.",
        ),
        (
            1 / (len(means) * np.bincount(labels)[labels]),
            "These are the probabilities of the sentences. Multiply each by its loss, and "
            "add them up.",
        ),
        (
            (losses / np.bincount(labels)[labels]).mean(),
            "You took a mean over the sentences of losses that are weighted by 1 / n_c. The chances "
            "1 / (C n_c) sum to 1 already: add the products up.",
        ),
        (
            losses[labels == np.bincount(labels).argmin()].mean(),
            "This is the rarest class's mean alone. Every class is drawn equally often.",
        ),
        (
            means[:-1].mean(),
            "You count one class too few: these labels have labels.max() + 1 classes, and not "
            "always three, as in the lesson.",
        ),
        (
            np.median(means),
            "This is the median of the class means. An expectation is a mean.",
        ),
        (
            class_means(losses, labels).mean() / len(means),
            "You divided by the number of classes twice.",
        ),
        (
            means,
            "These are the class means. The draw takes each class equally often: average them.",
        ),
    ]


# ------------------------------------------------------------------ 09-4: does the optimum move?

MOVES = {"a": "no", "b": "yes", "c": "no", "d": "yes", "e": "yes"}
MOVES_BECAUSE = {
    "a": "In a, every row comes three times. CE_t is a mean: three times the sum, over three "
    "times as many.",
    "b": "In b, one class is repeated and the others are not, so its share of the mean grows: "
    "oversampling.",
    "c": "In c, the order changes, and a bag of words does not know the order. The rows are equal.",
    "d": "In d, pairs of neighbours are features too, and a swap makes other pairs: these "
    "are new rows.",
    "e": "In e, the copy lacks a word, so its row differs from the original's.",
}


# ------------------------------------------------------------------ 09-5: ridge towards W_s


def ridge_towards(X, y, w_s, lam):
    """The w that minimises  1/(2n) |Xw - y|^2 + lam/2 |w - w_s|^2."""
    n, d = X.shape
    left = X.T @ X / n + lam * np.eye(d)
    return np.linalg.solve(left, X.T @ y / n + lam * w_s)


def ridge(X, y, w_s, lam):
    """The mistake: towards 0, as if nothing were known."""
    return ridge_towards(X, y, np.zeros_like(w_s), lam)


def ridge_without_lam(X, y, w_s, lam):
    """The mistake: w_s on the right without its lam."""
    n, d = X.shape
    return np.linalg.solve(X.T @ X / n + lam * np.eye(d), X.T @ y / n + w_s)


def ridge_mistakes(X, y, w_s, lam):
    right = ridge_towards(X, y, w_s, lam)
    return [
        (
            ridge(X, y, w_s, lam),
            "This is ridge towards 0. The penalty is zero at w_s: add lam w_s on the right.",
        ),
        (right - w_s, "This is the adapter a = w - w_s. The question is for w: add w_s."),
        (
            np.linalg.solve(
                X.T @ X / (2 * len(X)) + lam * np.eye(X.shape[1]),
                X.T @ y / (2 * len(X)) + lam * w_s,
            ),
            "A 2 is left over: the gradient of |Xw - y|^2 / (2n) is X'(Xw - y)/n.",
        ),
        (
            ridge_towards(X, y, w_s, lam / len(X)),
            "Your squares are summed, ours averaged over n: the gradient is X'(Xw - y)/n.",
        ),
        (ridge_without_lam(X, y, w_s, lam), "On the right w_s stands with its lam: lam w_s."),
        (
            w_s + ridge(X, y, w_s, lam),
            "The adapter must fit what w_s leaves over, y - X w_s, not y itself.",
        ),
        (
            ridge_towards(X, y, -w_s, lam),
            "The sign of w_s: the penalty's gradient is lam (w - w_s), so lam w_s goes to the "
            "right with +.",
        ),
        (w_s, "This is w_s: the new sentences have not been used at all."),
        (
            np.linalg.pinv(X) @ y,
            "This is least squares: neither lam nor w_s plays a part. Add the penalty's gradient, "
            "lam (w - w_s).",
        ),
        (
            ridge_towards(X, y, w_s, len(X) * lam),
            "The penalty counts n times too much: you divided both the squares and lam's "
            "other side by n.",
        ),
        (
            (ridge(X, y, w_s, lam) + w_s) / 2,
            "This is halfway between ridge and w_s. How far to go follows from lam and the data, "
            "word by word: set the gradient to zero.",
        ),
        (
            ridge_towards(X, y, w_s, 2 * lam),
            "The penalty counts twice. It is lam/2 times the square, so its gradient is lam (w - w_s).",
        ),
        (
            ridge_towards(X, y, w_s, lam / 2),
            "The penalty counts half. Its gradient is lam (w - w_s): the 1/2 goes with the square.",
        ),
        (
            ridge_towards(X, y, w_s, lam**2),
            "lam is squared. The gradient of the penalty is lam (w - w_s), with lam as it is.",
        ),
        (
            ridge_towards(X, y, w_s, 1 / lam),
            "lam is upside down: a large lam keeps w near w_s.",
        ),
        (
            np.linalg.solve(X.T @ X / len(X) + lam * np.eye(X.shape[1]), X.T @ y + lam * w_s),
            "X'X is divided by n on the left, X'y is not on the right. Both come from the same mean.",
        ),
        (
            np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ y / len(X) + lam * w_s),
            "X'y is divided by n on the right, X'X is not on the left. Both come from the same mean.",
        ),
        (
            w_s - lam * (X.T @ (X @ w_s - y)) / len(X),
            "This is one step of gradient descent from w_s, and lam is no learning rate. Solve "
            "gradient = 0.",
        ),
        (
            X @ right,
            "These are the predictions X w. Asked is w itself.",
        ),
        (
            right / 2,
            "Half of the answer: the 1/2 of the squares and the 1/2 of the penalty both go in "
            "the gradient.",
        ),
        (
            (w_s + np.linalg.pinv(X) @ y) / 2,
            "This is halfway between least squares and w_s. How far to go follows from lam: set "
            "the gradient to zero.",
        ),
        (
            ridge_towards(X, y, w_s, lam * X.shape[1] / len(X)),
            "You divided by the number of features. The squares are averaged over the n sentences.",
        ),
    ]
