"""Exercises 03-4 to 03-7 of lesson 03: J, and its gradients by hand."""

import numpy as np
import torch

from ragteach.teach.checks import Wrong, call, exercise, expect, expect_close, finished
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_03 as answers

# ------------------------------------------------------------------ 03-4


@exercise(
    "03-4",
    title="The whole objective",
    difficulty="medium",
    minutes=12,
    trains="writing J so that every factor of the formula is a factor of the code",
    hints=[
        "Start with J = the two penalties. shared.square().sum() is the squared length of W_s.",
        "For each task t: its W_t = shared + sum_k graph[t, k] * adapters[k]; its rows are "
        "x[task == t].",
        "z = x[task == t] @ W_t.T + bias[t]; then J = J + alphas[t] * cross_entropy(z, "
        "y[task == t]).",
    ],
    reference=answers.objective,
    rule="J = sum_t alpha_t CE_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2.",
    reason="One pass of the loop is one term of the sum over tasks; the penalties stand "
    "outside of it.",
)
def objective(yours):
    """parts, data, graph, alphas, lam, lam_shared -> J."""
    J = answers.objective
    one = torch.ones
    for n_tasks, n_adapters, seed in ((3, 4, 0), (2, 4, 20)):  # 2, 3 and 4 times can be told apart
        p, d, g, a, lam, lam_s = answers.problem(n_tasks, n_adapters, seed=seed)
        labelled = torch.bincount(d[2][d[1] >= 0], minlength=n_tasks)
        right = J(p, d, g, a, lam, lam_s)
        data_only = J(p, d, g, a, 0, 0)
        answer = call(yours, p, d, g, a, lam, lam_s)
        try:
            expect_close(
                answer,
                right,
                rtol=1e-6,
                wrong=[
                    (
                        J(p, d, g, one(n_tasks), lam, lam_s),
                        "alpha is missing: each CE_t has its own factor.",
                    ),
                    (
                        J(p, d, torch.eye(n_tasks, n_adapters, dtype=g.dtype), a, lam, lam_s),
                        "The graph is left out: task t gets adapter t, and no other. It gets "
                        "sum_k graph[t, k] A_k.",
                    ),
                    (data_only, "Both penalties are missing: lam and lam_shared do nothing yet."),
                    (J(p, d, g, a, lam, 0), "The penalty on W_s is missing."),
                    (J(p, d, g, a, 0, lam_s), "The penalty on the adapters is missing."),
                    (
                        J(p, d, g, a, lam_s, lam),
                        "lam and lam_shared are swapped: lam belongs to the adapters.",
                    ),
                    (
                        2 * right - data_only,
                        "The penalties lack their factor 1/2: lam / 2 * ||A||^2.",
                    ),
                    (
                        J(p, d, g, a, 2 * lam, lam_s),
                        "The adapters' penalty lacks its factor 1/2: lam / 2 * ||A||^2.",
                    ),
                    (
                        J(p, d, g, a, lam, 2 * lam_s),
                        "The penalty of W_s lacks its factor 1/2: lam_shared / 2 * ||W_s||^2.",
                    ),
                    (
                        J(p, d, g, a, n_tasks * lam, lam_s),
                        "The adapters' penalty is added once for each task. It stands outside the "
                        "sum over tasks.",
                    ),
                    (
                        J(p, d, g, a, lam, n_tasks * lam_s),
                        "The penalty of W_s is added once for each task. It stands outside the "
                        "sum over tasks.",
                    ),
                    (
                        data_only + n_tasks * (right - data_only),
                        "The penalties are added once for each task. They stand outside the "
                        "sum over tasks.",
                    ),
                    (
                        J(p, d, one(n_tasks, n_adapters).double(), a, lam, lam_s),
                        "The graph is missing: you add every adapter for every task, as the "
                        "article's code does.",
                    ),
                    (
                        answers.one_mean_over_all(p, d, g, a, lam, lam_s),
                        "You take one mean over all sentences. J adds the means CE_t of the tasks.",
                    ),
                    (
                        answers.lengths_not_squared(p, d, g, a, lam, lam_s),
                        "The penalties take the length itself. They are on its square: "
                        "shared.square().sum().",
                    ),
                    (
                        answers.biases_penalised(p, d, g, a, lam, lam_s),
                        "The biases are penalised too. J penalises W_s and the adapters only.",
                    ),
                    (
                        J((p[0], p[1], 0 * p[2]), d, g, a, lam, lam_s),
                        "The biases are missing: logits_t(x) = W_t x + b_t.",
                    ),
                    (
                        right / n_tasks,
                        "You divided by the number of tasks: J is a sum over tasks, "
                        "not their mean.",
                    ),
                    (
                        J(p, d, g, a / a.sum(), lam, lam_s),
                        "Use alpha as it is given: it need not sum to 1.",
                    ),
                    (
                        J(p, d, g, a * n_tasks / a.sum(), lam, lam_s),
                        "Use alpha as it is given: its mean need not be 1.",
                    ),
                    (
                        J(p, d, g, a * labelled / labelled.sum(), lam, lam_s),
                        "You weight each task by its share of the sentences as well. alpha alone "
                        "says what it counts.",
                    ),
                    (
                        J(p, d, g, a * labelled * n_tasks / labelled.sum(), lam, lam_s),
                        "You weight each task by its size as well. alpha alone says "
                        "what it counts.",
                    ),
                    (J(p, d, g, a * labelled, lam, lam_s), SENTENCES),
                    (
                        J(p, d, g, a**2, lam, lam_s),
                        "alpha is there twice: each CE_t has it once.",
                    ),
                    (
                        J(p, d, g, 1 / a, lam, lam_s),
                        "You divide by alpha. alpha_t multiplies CE_t.",
                    ),
                    (
                        J(p, d, 0 * g, a, lam, lam_s),
                        "The adapters are missing in W_t: W_t = W_s + sum_k G[t, k] A_k.",
                    ),
                    (
                        J(p, d, g, a * torch.bincount(d[2], minlength=n_tasks), lam, lam_s),
                        SENTENCES,
                    ),
                    (
                        J(p, d, g, a, lam, lam),
                        "W_s has its own price: lam_shared, not lam.",
                    ),
                    (
                        J(p, d, g, a, lam * n_adapters, lam_s),
                        "The adapters' penalty is added once for each adapter, and holds all of "
                        "them each time.",
                    ),
                    (
                        J(p, d, g, a, lam / n_adapters, lam_s),
                        "The penalties of the adapters add up: a sum over k, not a mean.",
                    ),
                    (
                        2 * data_only - right,
                        "The penalties are subtracted. Large weights cost something: add them.",
                    ),
                ],
                what="J",
            )
        except Wrong as wrong:
            if not wrong.diagnosed:
                _which_part(yours, answer, (p, d, g, a), lam, lam_s)
            raise


SENTENCES = "Each CE_t is the mean over the task's sentences; you multiply by their number again."


def _which_part(yours, answer, given, lam, lam_s):
    """J is off in an unknown way: are it the penalties, or the weighted cross-entropies?"""
    said, said_alone = (as_array(v) for v in (answer, call(yours, *given, 0.0, 0.0)))
    if said.shape or said_alone.shape:
        return
    right = answers.objective(*given, lam, lam_s)
    alone = answers.objective(*given, 0.0, 0.0)
    sum_right = np.isclose(said_alone, alone, rtol=1e-5)
    penalties_right = np.isclose(said - said_alone, right - alone, rtol=1e-4)
    if penalties_right and not sum_right:
        raise Wrong("J is off in the sum of alpha_t CE_t; the penalties are right.")
    if sum_right and not penalties_right:
        raise Wrong("J is off in the penalties; the sum of alpha_t CE_t is right.")


# ------------------------------------------------------------------ 03-5


@exercise(
    "03-5",
    title="The gradient in the scores",
    difficulty="medium",
    minutes=12,
    trains="deriving dCE/dz = (p - onehot) / n (autograd may check your pencil)",
    hints=[
        "For one sentence, CE = log(sum_c exp(z_c)) - z_y. Differentiate the two terms one "
        "after the other.",
        "The derivative of log(sum_c' exp(z_c')) in z_c is exp(z_c) / sum = p_c. That of z_y is 1 "
        "if c = y, and 0 otherwise.",
        "The mean over n sentences divides by n: (z.softmax(-1) - one_hot(y, n_classes)) / len(y).",
    ],
    reference=answers.residual,
    reason="Each row sums to 0: what the right class gains, the others lose. That is the "
    "competition which the raw loss lacks.",
)
def residual(yours):
    """z (n_docs, n_classes), y (n_docs,) -> dCE/dz (n_docs, n_classes)."""
    for n_docs, n_classes, seed in ((4, 3, 5), (7, 5, 6)):
        z = answers.random(n_docs, n_classes, seed=seed)
        y = torch.arange(n_docs) * 2 % n_classes
        right = answers.residual(z, y)
        p = z.softmax(-1)
        onehot = torch.nn.functional.one_hot(y, n_classes)
        expect_close(
            call(yours, z, y),
            right,
            wrong=[
                (
                    -right,
                    "The sign: this is the step downhill. The gradient points uphill: p - onehot.",
                ),
                (
                    right * n_docs,
                    "CE is a mean: every sentence's share of the gradient is divided by n.",
                ),
                (
                    (z.softmax(0) - onehot) / n_docs,
                    "This softmax runs over the sentences. A sentence's classes compete: "
                    "softmax(-1).",
                ),
                (
                    (z - onehot) / n_docs,
                    "These are the raw scores minus the label. Take p = softmax(z).",
                ),
                (
                    (z.log_softmax(-1) - onehot) / n_docs,
                    "This is log p minus the label. The gradient has p itself.",
                ),
                (
                    (p - onehot) ** 2 / n_docs,
                    "That is the squared error, not the slope of -log p: do not square.",
                ),
                (
                    p * (1 - p) / n_docs,
                    "p (1 - p) is the slope of p_c in its own score z_c. Asked is the slope of "
                    "-log p of the right class, in every score.",
                ),
                (
                    p / n_docs,
                    "That is the gradient of log-sum-exp alone; -z_y has one too: minus onehot.",
                ),
                (
                    -onehot / p / n_docs,
                    "That is the gradient in p. Go on to z with the chain rule: p depends "
                    "on all scores.",
                ),
            ],
            what="dCE/dz",
        )


# ------------------------------------------------------------------ 03-6


@exercise(
    "03-6",
    title="All gradients of J",
    difficulty="hard",
    minutes=15,
    trains="carrying the error back to W_s, to every adapter and to the biases",
    hints=[
        "For each task: its scores z, and error = alphas[t] * residual(z, y[task == t]).",
        "D_t = error.T @ x[task == t] is dJ/dW_t, (n_classes, n_features), and "
        "error.sum(0) is dJ/db_t.",
        "W_s is in every W_t: sum of all D_t, plus lam_shared * shared. A_k is in W_t with the "
        "factor graph[t, k]: sum_t graph[t, k] * D_t, plus lam * adapters[k].",
    ],
    reference=answers.gradients,
    reason="The forward pass copies W_s to every task and A_k with weight G[t, k]; the backward "
    "pass adds up what comes back, with the same weights.",
)
def gradients(yours):
    """The gradients of J in (shared, adapters, bias), in their shapes."""
    G = answers.gradients
    for n_tasks, n_adapters, seed in ((3, 2, 0), (2, 4, 20)):
        p, d, g, a, lam, lam_s = answers.problem(n_tasks, n_adapters, seed=seed, missing=False)
        answer = call(yours, p, d, g, a, lam, lam_s)
        finished(answer, "Return the three gradients: return d_shared, d_adapters, d_bias.")
        expect(
            isinstance(answer, tuple | list) and len(answer) == 3,
            "Return three things, in this order: d_shared, d_adapters, d_bias.",
        )
        shared, adapters, bias = G(p, d, g, a, lam, lam_s)
        plain, per_adapter, _ = G(p, d, g, a, 0, 0)
        count = torch.bincount(d[2], minlength=n_tasks).double()
        sums = G(p, d, g, a * count, lam, lam_s)
        expect_close(
            answer[0],
            shared,
            wrong=[
                (plain, "dJ/dW_s lacks the gradient of the penalty: + lam_shared * W_s."),
                (
                    plain / n_tasks + lam_s * p[0],
                    "Sum over the tasks, not their mean: J is a sum too.",
                ),
                (
                    G(p, d, g, torch.ones(n_tasks), lam, lam_s)[0],
                    "alpha is missing: J has alpha_t CE_t.",
                ),
                (
                    sums[0],
                    "Each task's CE is a mean: divide its error by its own number of sentences.",
                ),
                (
                    plain + 2 * lam_s * p[0],
                    "The derivative of lam_s/2 ||W||^2 is lam_s W: the 2 cancels.",
                ),
                (plain + lam * p[0], "lam and lam_shared are swapped."),
                (
                    plain - lam_s * p[0],
                    "dJ/dW_s: the sign of the penalty's part. Large weights "
                    "cost: + lam_shared * W_s.",
                ),
                (-shared, "Everything has the wrong sign: error = p - onehot."),
            ],
            what="dJ/dW_s",
        )
        everything = torch.ones_like(g)
        transposed = torch.tensordot(everything.T, answers.by_task(p, d, g, a), dims=1)
        expect_close(
            answer[1],
            adapters,
            wrong=[
                (per_adapter, "dJ/dA_k lacks the gradient of the penalty: + lam * A_k."),
                (
                    transposed + lam * p[1],
                    "The graph is missing on the way back: task t pulls on A_k with the "
                    "factor G[t, k].",
                ),
                (per_adapter + lam_s * p[1], "The adapters' penalty is lam, not lam_shared."),
                (
                    per_adapter - lam * p[1],
                    "dJ/dA: the sign of the penalty's part. Large weights cost: + lam * A_k.",
                ),
                (
                    per_adapter + 2 * lam * p[1],
                    "The derivative of lam/2 ||A_k||^2 is lam A_k: the 2 cancels.",
                ),
            ],
            what="dJ/dA",
        )
        expect_close(
            answer[2],
            bias,
            wrong=[
                (
                    bias.sum(0),
                    "One row for each task, please: b_t only meets the sentences of task t.",
                ),
                (bias + lam_s * p[2], "Biases are not penalised: no penalty term in dJ/db."),
                (bias + lam * p[2], "Biases are not penalised, not with lam either."),
                (
                    bias / count.unsqueeze(1),
                    "The error is divided by n already: sum it over the sentences.",
                ),
            ],
            what="dJ/db",
        )


# ------------------------------------------------------------------ 03-7


@exercise(
    "03-7",
    title="One step by hand",
    difficulty="medium",
    minutes=8,
    trains="following a single gradient step through all the weights it touches",
    hints=[
        "p is about (0.50, 0.25, 0.25), the label is positive: p - y = (0.50, 0.25, -0.75).",
        "Each weight of class c moves by -lr (p_c - y_c), since every x_j = 1. How many weights "
        "add up to the score z_c? Count those of W_s, of A_cars and the bias.",
        "4 words in W_s, the same 4 in A_cars, 1 bias: z_c moves by -0.5 * 9 * (p_c - y_c). For "
        "the steps, use the widget with a rate of 0.1, or repeat the step in a loop.",
    ],
    reference={"scores": answers.tiny_steps(1, 0.5).tolist(), "steps": answers.steps_needed()},
    reason="One step moves every score by lr (2 ||x||^2 + 1)(y - p): W_s and the adapter both "
    "move, so the score moves almost twice as far as with one matrix.",
)
def one_step(yours):
    """{"scores": three numbers after one step, "steps": a whole number}."""
    expect(
        isinstance(yours, dict) and set(yours) == {"scores", "steps"},
        'Answer with a dict: {"scores": [z_negative, z_neutral, z_positive], "steps": n}.',
    )
    finished(yours, "Some answers are not there yet.")
    scores = answers.tiny_scores
    expect_close(
        yours["scores"],
        scores(9),
        atol=0.02,
        wrong=[
            (scores(0), "These are the scores before the step."),
            (scores(1), "One weight moves by -lr (p - y). But nine weights add up to the score."),
            (scores(4), "You moved W_s only. A_cars and the bias take the same step."),
            (
                scores(5),
                "W_s and the bias are right. A_cars gets the same gradient as W_s: it moves too.",
            ),
            (scores(8), "W_s and A_cars are right. The bias moves as well: its x is 1."),
            (scores(-9), "Uphill: the step is MINUS lr times the gradient."),
            (scores(9, lr=1.0), "The learning rate is 0.5: half of the gradient."),
        ],
        what="The list of scores after one step",
    )
    why = {
        answers.steps_needed(0.2): "That is the number for a rate of 0.2. Use 0.1.",
        answers.steps_needed(0.5): "That is the number for a rate of 0.5. Use 0.1.",
        answers.steps_needed() - 1: "One step too few: p(positive) is still below 0.9 there.",
    }
    n = int(yours["steps"])
    advice = "The scores are right. Now the steps: rate 0.1; count until p(positive) is above 0.9."
    expect(n == answers.steps_needed(), why.get(n, advice))
