"""Exercises of lesson 07: lambda as a prior."""

import numpy as np
import torch

from ragteach.teach.checks import Wrong, call, exercise, expect, expect_close
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_07 as answers
from ragteach.teach.exercises import (
    own_judge_07,  # noqa: F401  registers 07-9
    world_07,
)
from ragteach.teach.written import Sentence, in_words


def _correlation(cov):
    scale = np.sqrt(np.diag(cov))
    return cov / np.outer(scale, scale)


@exercise(
    "07-1",
    title="The graph is a covariance",
    difficulty="medium",
    minutes=10,
    trains="turning a prior on the parts into a prior on the whole",
    hints=[
        "Cov(W_t, W_u): the shared part is in both, with variance 1 / lam_shared, whatever t and u "
        "are.",
        "Adapter k is in both if G[t,k] and G[u,k] are not 0. Its share of the covariance is "
        "G[t,k] G[u,k] / lam.",
        "The sum over k of G[t,k] G[u,k] is the matrix graph @ graph.T.",
    ],
    reference=answers.task_covariance,
    reason="Independent parts: variances add, and what two tasks have in common is their "
    "covariance.",
)
def covariance(yours):
    """graph (T, K), lam, lam_shared -> (T, T)."""
    rng = np.random.default_rng(3)
    for n_tasks, n_adapters in [(4, 3), (2, 5)]:
        graph = rng.uniform(-1, 2, size=(n_tasks, n_adapters))
        lam = 0.5
        lam_shared = 0.2
        both = graph @ graph.T
        eye = np.eye(n_tasks)
        expect_close(
            call(yours, graph, lam, lam_shared),
            1 / lam_shared + both / lam,
            wrong=[
                (
                    lam_shared + lam * both,
                    "A penalty is one over a variance: a large lam means a small variance.",
                ),
                (
                    1 / lam + both / lam_shared,
                    "lam and lam_shared have changed places: lam belongs to the adapters.",
                ),
                (both / lam, "The shared matrix is missing. All tasks have it in common."),
                (
                    eye / lam_shared + both / lam,
                    "The shared matrix is ONE matrix in all tasks: it fills the whole table, not "
                    "the diagonal alone.",
                ),
                (
                    1 / lam_shared + eye / lam,
                    "This is right for one adapter per task only. Where is the graph?",
                ),
                (
                    graph.T @ graph / lam + 0,
                    "G'G counts adapters with adapters. Tasks with tasks is GG'.",
                ),
                (
                    _correlation(1 / lam_shared + both / lam),
                    "These are correlations. The covariance is not divided by the variances.",
                ),
                (
                    1 / lam_shared + np.abs(graph) @ np.abs(graph).T / lam,
                    "Weights of G may be negative, and then two tasks are pushed apart. Keep the "
                    "sign.",
                ),
                (
                    1 / lam_shared + (graph != 0) @ (graph != 0).T.astype(float) / lam,
                    "You count adapters. An adapter is in W_t with its weight G[t, k]: keep it.",
                ),
                (
                    1 / lam_shared**2 + both / lam**2,
                    "1 / lam is the variance itself. Nothing is squared but the weights of G.",
                ),
                (
                    np.diag(np.diag(1 / lam_shared + both / lam)),
                    "These are the variances alone. Two different tasks have parts in common, too.",
                ),
                (
                    1 / lam_shared**0.5 + both / lam**0.5,
                    "1 / lam is the variance already: no roots.",
                ),
                (
                    1 / lam_shared + both / lam / n_adapters,
                    "You divided by the number of adapters. Independent parts add up: the sum over k.",
                ),
                (
                    both / (lam * lam_shared),
                    "The two parts are added, not multiplied: one for W_s, one for the adapters.",
                ),
                (
                    (1 + both) / (lam + lam_shared),
                    "Each part has a penalty of its own: 1 / lam_shared and GG' / lam.",
                ),
                (
                    1 / lam_shared + np.outer(graph.sum(1), graph.sum(1)) / lam,
                    "You summed each task's row first, so that different adapters meet. Only an "
                    "adapter that both hold counts: graph @ graph.T.",
                ),
                (
                    1 / lam_shared - both / lam,
                    "Independent parts add up: a sum, not a difference.",
                ),
            ],
            what="The covariance",
        )


@exercise(
    "07-2",
    title="The lambda of a belief",
    difficulty="easy",
    minutes=10,
    trains="saying a penalty as a correlation, and back",
    hints=[
        "Correlation is covariance divided by variance: (1/lam_shared) / (1/lam_shared + 1/lam).",
        "Multiply numerator and denominator by lam lam_shared: rho = lam / (lam + lam_shared).",
        "Solve for lam: rho lam + rho lam_shared = lam.",
    ],
    reference=answers.penalty_for,
    reason="rho = lam / (lam + lam_shared), so lam = lam_shared rho / (1 - rho).",
)
def penalty_for(yours):
    """rho, lam_shared -> lam, with one adapter per task."""
    for rho, ls in [(0.8, 0.01), (0.25, 0.3)]:
        expect_close(
            call(yours, rho, ls),
            ls * rho / (1 - rho),
            wrong=[
                (
                    ls * (1 - rho) / rho,
                    "Turned round: a LARGE lam makes adapters small and tasks alike.",
                ),
                (ls * rho, "rho is lam / (lam + lam_shared), not lam / lam_shared."),
                (ls / (1 - rho), "This is lam + lam_shared. Take lam_shared away again."),
                (rho / (1 - rho), "This is the ratio lam / lam_shared. Multiply it by lam_shared."),
                (rho / (1 - rho) / ls, "Variances would do this. Penalties are their inverses."),
                (
                    rho / (rho + ls),
                    "rho took the place of lam. Solve rho = lam / (lam + ls) for lam.",
                ),
                (ls * (1 - rho), "This is the part of the variance that is NOT shared, times ls."),
                (
                    ls * rho**2 / (1 - rho**2),
                    "rho is the correlation itself here: nothing is squared.",
                ),
                (
                    ls * np.sqrt(rho / (1 - rho)),
                    "No root: lam and lam_shared belong to variances, and rho is a ratio of those.",
                ),
            ],
            what="lam",
            rtol=1e-6,
            atol=1e-12,
        )


@exercise(
    "07-3",
    title="Balance",
    difficulty="medium",
    minutes=13,
    trains="a proof in three lines, and what it lets you compute",
    hints=[
        "At the optimum dJ/dW_s = 0 and dJ/dA_t = 0. Write D_t for minus the gradient of CE_t in "
        "W_t.",
        "dJ/dA_t = -D_t + lam A_t, and dJ/dW_s = -(D_1 + ... + D_T) + lam_shared W_s.",
        "So lam A_t = D_t, and lam_shared W_s = D_1 + ... + D_T. Eliminate D.",
    ],
    reference=answers.shared_from_adapters,
    reason="Both sides are the pull of the data: lam_shared W_s = sum_t D_t = lam sum_t A_t.",
    rubric=[
        "sets both gradients to zero",
        "uses that W_s is in every W_t, so its gradient is the sum over tasks",
        "says where one adapter per task is used",
        "says what happens with lam_shared = 0: the adapters sum to zero",
    ],
)
def balance(yours):
    """adapters (T, C, d), lam, lam_shared -> W_s (C, d) of the optimum."""
    rng = np.random.default_rng(5)
    for shape in [(4, 3, 6), (2, 5, 3)]:
        a = rng.normal(size=shape)
        lam = 0.3
        ls = 0.02
        expect_close(
            call(yours, torch.tensor(a).float(), lam, ls),
            lam / ls * a.sum(0),
            wrong=[
                (
                    ls / lam * a.sum(0),
                    "The penalties have changed places: lam_shared stands at W_s.",
                ),
                (
                    lam / ls * a.mean(0),
                    "The sum, not the mean: every task pulls at W_s with its full force.",
                ),
                (
                    -lam / ls * a.sum(0),
                    "The sign: both W_s and the adapters are pulled the same way by the data.",
                ),
                (a.sum(0), "This is right only if lam = lam_shared."),
                (lam * a.sum(0), "This is lam_shared W_s. Divide by lam_shared."),
                (lam / ls * a, "Sum over the tasks: W_s is one matrix."),
                (lam / ls * a.sum(1), "You summed over the classes. The tasks stand on axis 0."),
                (
                    lam / ls * a.sum(2),
                    "You summed over the features. The tasks stand on axis 0.",
                ),
                (lam / ls * a[0], "This is the first task's adapter alone. Sum over all of them."),
                (
                    lam * a.sum(0) / (len(a) * lam + ls),
                    "This is for the merged W_t, which hold W_s already. The adapters do not.",
                ),
            ],
            what="W_s",
        )


@exercise(
    "07-4",
    title="Frustratingly easy",
    difficulty="medium",
    minutes=15,
    trains="seeing RAG in a library that has never heard of it",
    hints=[
        "Make zeros of shape (n_docs, 1 + n_tasks, n_features): block 0 for everybody, block 1 + t "
        "for task t.",
        "Block 0 gets x. Block 1 + task[i] of row i gets s * x[i]: wide[np.arange(n_docs), 1 + "
        "task] = s * x.",
        "wide.reshape(n_docs, -1) puts the blocks side by side.",
    ],
    reference=answers.augment,
    reason="A common weight for the copy in block 0, and one of its own for each task: that is W_s "
    "and A_t / s.",
)
def augment(yours):
    """x (n_docs, d), task (n_docs,), n_tasks, s -> (n_docs, (1 + n_tasks) d)."""
    rng = np.random.default_rng(11)
    for n_docs, d, n_tasks in [(5, 3, 2), (7, 2, 4)]:
        x = rng.normal(size=(n_docs, d))
        task = rng.integers(n_tasks, size=n_docs)
        s = 0.4
        right = answers.augment(x, task, n_tasks, s)
        everywhere = np.hstack([x] + [s * x] * n_tasks)
        blocks = right.reshape(n_docs, 1 + n_tasks, d)
        expect_close(
            call(yours, x, task, n_tasks, s),
            right,
            wrong=[
                (
                    everywhere,
                    "Every row has x in every block: then no task has weights of its own.",
                ),
                (
                    answers.augment(x, task, n_tasks, 1.0),
                    "The factor s is missing: it is the only place where lam enters.",
                ),
                (
                    answers.augment(x, task, n_tasks, 1 / s),
                    "This is x / s. A large lam must make the block small: s * x.",
                ),
                (
                    answers.augment(x, task, n_tasks, s * s),
                    "s * s: the square comes by itself, with the penalty.",
                ),
                (
                    np.hstack([s * x, answers.augment(x, task, n_tasks, 1.0)[:, d:]]),
                    "s stands at the shared block. It belongs to the task's own block.",
                ),
                (right[:, d:], "The shared block is missing: these are independent models."),
                (
                    np.hstack([right[:, d:], x]),
                    "The right blocks in another order: the shared block comes first.",
                ),
                (
                    blocks.swapaxes(1, 2).reshape(n_docs, -1),
                    "The right numbers, woven together: whole blocks stand side by side.",
                ),
                (
                    answers.augment(x, (task + 1) % n_tasks, n_tasks, s),
                    "The copies stand in another task's block. Task t has block 1 + t.",
                ),
                (
                    answers.augment(x, task, n_tasks, -s),
                    "The sign of s: W_t = W_s + A_t, so the copy is added.",
                ),
                (
                    answers.augment(x, task, n_tasks, s**0.5),
                    "s has its root already, s = sqrt(lam_shared / lam). The copy is s * x.",
                ),
                (
                    answers.augment(x, task, n_tasks, 1 - s),
                    "This is 1 - s. The copy is s * x.",
                ),
                (
                    s * answers.augment(x, task, n_tasks, 1.0),
                    "The shared block is multiplied by s, too. It holds x itself.",
                ),
                (
                    np.hstack([x, s * x]),
                    "All tasks have one block in common here. Each task needs a block of its own.",
                ),
                (
                    np.hstack([x, task[:, None]]),
                    "A column with the task's number is no block of weights for it.",
                ),
                (
                    np.hstack([x, s * np.eye(n_tasks)[task]]),
                    "This marks the task with one number. Its block needs a copy of all words.",
                ),
            ],
            what="The wide table",
        )


@exercise(
    "07-5",
    title="Without weights",
    difficulty="hard",
    minutes=15,
    trains="the representer view: sentences vote, the covariance says how much",
    hints=[
        "How similar are sentences i and j? x_i . x_j, in a table (n_docs, n_docs): x @ x.T.",
        "How much does task u count for task t? cov[t, u]. As a table over sentences: "
        "cov[np.ix_(task, task)].",
        "Multiply the two tables entry by entry, then (n_docs, n_docs) @ (n_docs, n_classes).",
    ],
    reference=answers.kernel_logits,
    reason="W_t = sum_u Cov[t,u] D_u and D_u = sum_i e_i x_i', so z_j = sum_i Cov[t_j, t_i] (x_i . "
    "x_j) e_i.",
)
def kernel_logits(yours):
    """x (n_docs, d), task (n_docs,), e (n_docs, C), cov (T, T) -> logits (n_docs, C)."""
    rng = np.random.default_rng(2)
    for n, d, c, t in [(6, 3, 2, 4), (9, 2, 3, 2)]:
        x = rng.normal(size=(n, d))
        e = rng.normal(size=(n, c))
        root = rng.normal(size=(t, t))
        task = np.arange(n) % t
        cov = root @ root.T
        same = x @ x.T
        expect_close(
            call(yours, x, task, e, cov),
            (same * cov[np.ix_(task, task)]) @ e,
            wrong=[
                (
                    same @ e,
                    "The tasks are missing: as if every sentence counted alike for every task.",
                ),
                (
                    (same * (task[:, None] == task)) @ e,
                    "Only sentences of the same task vote here: these are independent models.",
                ),
                (
                    (same + cov[np.ix_(task, task)]) @ e,
                    "Multiply the two tables entry by entry; do not add them.",
                ),
                (cov[np.ix_(task, task)] @ e, "The sentences are missing: where is x?"),
                (
                    (same * np.diag(cov)[task][:, None]) @ e,
                    "This takes the variance cov[t, t] for every pair. Take cov[t, u] of the two "
                    "tasks.",
                ),
                (
                    (same * cov[task, task]) @ e,
                    "cov[task, task] takes pairs in step: variances only. Use cov[np.ix_(task, "
                    "task)].",
                ),
                (
                    -(same * cov[np.ix_(task, task)]) @ e,
                    "The sign: e is right label minus probability, so it pulls towards the right "
                    "label.",
                ),
                (
                    (same * np.linalg.inv(cov + 1e-12 * np.eye(t))[np.ix_(task, task)]) @ e,
                    "This is the inverse of the covariance, the penalty. Votes take the covariance "
                    "itself.",
                ),
                (
                    (same * _correlation(cov)[np.ix_(task, task)]) @ e,
                    "These are correlations. The votes take the covariance as it is.",
                ),
                (
                    (same * cov[np.ix_(task, task)] * (1 - np.eye(n))) @ e,
                    "A sentence votes for itself, too: keep the diagonal.",
                ),
                (
                    (same * cov[np.ix_(task, task)] * (task[:, None] != task)) @ e,
                    "Only sentences of OTHER tasks vote here. A task's own count, with its variance.",
                ),
                (
                    (same @ cov[np.ix_(task, task)]) @ e,
                    "Multiply the two tables entry by entry, * and not @.",
                ),
                (
                    (same * cov[np.ix_(task, task)]) @ e / n,
                    "The 1/n is in e already. Add the votes up.",
                ),
            ],
            what="The table of logits",
        )


SQUARED = "spread is tau^2 already, a variance as noise is"


@exercise(
    "07-8",
    title="Between own and pooled",
    difficulty="medium",
    minutes=12,
    trains="finding how much to share, from noise and spread",
    hints=[
        "Only the bracket depends on w: (1 - w)^2 v + w^2 tau^2. Its derivative in w is "
        "-2 (1 - w) v + 2 w tau^2.",
        "Set it to zero: w (v + tau^2) = v. Put this w back into the bracket.",
        "w = v / (v + tau^2); the bracket is v tau^2 / (v + tau^2). The error is v / T + (T - 1) / "
        "T times the bracket.",
    ],
    reference=answers.best_mix,
    reason="The noisier your own estimate and the more alike the tasks, the more of the pooled "
    "one. The best mix beats both ends.",
)
def best_mix(yours):
    """noise v, spread tau^2, n_tasks T -> (the best w, the squared error there)."""
    for v, tau2, n_tasks in [(0.8, 0.25, 5), (0.5, 3.0, 7)]:
        w, error = answers.best_mix(v, tau2, n_tasks)
        bracket = v * tau2 / (v + tau2)
        mine = np.ravel(as_array(call(yours, v, tau2, n_tasks)))
        expect(mine.size == 2, "Return two numbers: the best w, and the squared error there.")
        expect_close(
            mine[0],
            w,
            wrong=[
                (
                    1 - w,
                    "Turned round: this is the share of your own estimate. w belongs to the pooled "
                    "one.",
                ),
                (
                    v**0.5 / (v**0.5 + tau2**0.5),
                    "noise and spread are variances already: no roots. The derivative has v and "
                    "tau^2.",
                ),
                (
                    v / tau2,
                    "This is noise over spread, the lambda of it. w = lambda / (1 + lambda).",
                ),
                (tau2 / v, "This is spread over noise. The derivative gives w (v + tau^2) = v."),
                (0.5, "Half and half is right only if noise and spread are equal."),
                (error, "The order: first the best w, then the squared error."),
                (1.0, "This is the pooled end. Unless the spread is 0 it is not the lowest point."),
                (0.0, "This is the own end. With any noise at all it is not the lowest point."),
                (
                    v / n_tasks / (v / n_tasks + tau2),
                    "v is the noise of one task's estimate already. T comes in with "
                    "the error only.",
                ),
                (
                    (n_tasks - 3) / (n_tasks - 1) * v / (v + tau2),
                    "This is about what James and Stein's w comes to, where tau^2 is not known. "
                    "Here it is known.",
                ),
                (v, "This is the noise itself. w is a share: v / (v + tau^2)."),
                (v / (v + tau2**2), f"{SQUARED}: do not square it again."),
                (v**2 / (v**2 + tau2**2), f"{SQUARED}: square neither of the two."),
            ],
            what="The best w",
        )
        expect_close(
            mine[1],
            error,
            wrong=[
                (
                    v / n_tasks + (n_tasks - 1) / n_tasks * ((1 - w) ** 2 * v + w**2 * tau2**2),
                    f"The squared error: {SQUARED}. In the bracket stands spread, not spread^2.",
                ),
                (
                    v / n_tasks + (n_tasks - 1) / n_tasks * (w**2 * v + (1 - w) ** 2 * tau2),
                    "w and 1 - w have changed places: the noise counts (1 - w)^2, the spread w^2.",
                ),
                (
                    v / n_tasks + (n_tasks - 1) / n_tasks * ((1 - w) * v + w * tau2),
                    "The squares are missing: (1 - w)^2 v + w^2 tau^2.",
                ),
                (
                    v / n_tasks + n_tasks / (n_tasks - 1) * bracket,
                    "The bracket counts (T - 1) / T; yours is upside down.",
                ),
                (
                    v / n_tasks,
                    "This is the noise of the mean alone. The bracket is not 0 at its lowest point.",
                ),
                (bracket, "This is the bracket alone. Put it into the whole formula: v / T + ..."),
                (
                    v / n_tasks + bracket,
                    "The bracket counts (T - 1) / T: a deviation from the mean of T tasks is a "
                    "little smaller.",
                ),
                (
                    (n_tasks - 1) / n_tasks * bracket,
                    "The part v / T is missing: the noise of the mean.",
                ),
                (v, "This is the error of the own estimate. Put the best w into the formula."),
                (
                    bracket / n_tasks,
                    "The bracket counts (T - 1) / T, and v / T comes to it.",
                ),
                (
                    v + tau2,
                    "This is how far two estimates of different tasks lie apart. Put the best w "
                    "into the formula.",
                ),
                (
                    v / n_tasks + (n_tasks - 1) / n_tasks * tau2,
                    "This is the error of the pooled estimate. Put the best w into the formula.",
                ),
            ],
            what="The squared error",
        )


@exercise(
    "07-6",
    title="Choose for a world you do not know",
    difficulty="medium",
    minutes=12,
    trains="an experiment: choosing how much to share, from data alone",
    hints=[
        "Use cross_validated(frame, ratios) from above on the training frame `unknown`.",
        "ratios[cross_validated(unknown, ratios).argmin()] is the ratio with the least loss.",
    ],
    reference=1.0,
    reason="This world has relatedness 0.75. Most words mean the same, some do not: share much, "
    "not all.",
)
def choose(yours):
    """The ratio lam / lam_shared, judged on sentences nobody has seen."""
    ratio, loss = world_07.loss_of_ratios()
    expect(
        not isinstance(yours, bool | np.bool_),
        "Hand over one number, the ratio lam / lam_shared, not whether something holds.",
    )
    try:
        mine = float(np.squeeze(as_array(yours)))
    except (TypeError, ValueError):
        raise Wrong("Hand over one number, the ratio lam / lam_shared.") from None
    expect(mine > 0, "A penalty is positive, and so is the ratio of two.", yours=mine)
    score = float(np.interp(np.log10(mine), np.log10(ratio), loss))
    told = (
        f"On new sentences your ratio gives a loss of {score:.3f}, the best one {loss.min():.3f}."
    )
    if score > loss.min() + 0.015:
        if mine < 0.05:
            raise Wrong(f"{told} At this end every domain learns alone, from 60 sentences.")
        rho = mine / (1 + mine)
        if mine < 1:
            raise Wrong(
                f"{told} You tie the tasks, but too loosely: the prior correlation is {rho:.2f}."
            )
        if mine > 100:
            raise Wrong(f"{told} This is full sharing: words with two meanings get one weight.")
        raise Wrong(f"{told} You tie the tasks too tightly: the prior correlation is {rho:.2f}.")
    return told


in_words(
    "07-7",
    title="Explain lambda to a colleague",
    difficulty="easy",
    minutes=12,
    trains="saying what a penalty means without symbols",
    hints=[
        "What does a large lambda say about the adapters, before any data are seen? And about the "
        "tasks?",
        "Who should decide: you, the training loss, or sentences that were held out?",
    ],
    draft={
        "a": Sentence(
            "Sentences that were held out should choose it.",
            True,
            "They show how well a lambda does on what it has not seen.",
        ),
        "b": Sentence(
            "A large lambda lets every task go its own way.",
            False,
            "Turned round: it keeps the adapters small, so the tasks stay together.",
        ),
        "c": Sentence(
            "With more data the belief counts for more.",
            False,
            "With more data it counts for less: the cross-entropy's evidence outweighs the prior.",
        ),
        "d": Sentence(
            "The training loss can choose it: take the lambda with the lowest loss.",
            False,
            "The training loss is lowest with no penalty at all. It would always choose none.",
        ),
        "e": Sentence(
            "Lambda says how alike I believe the tasks to be, before I see data.",
            True,
            "A penalty is a prior: a belief about the size of the adapters.",
        ),
        "f": Sentence(
            "Lambda keeps the task-specific weights small.",
            True,
            "It stands at ||A_k||^2 and nowhere else; W_s has a penalty of its own.",
        ),
    },
    model="Lambda says how alike I believe the tasks to be before I see data. If it is large the "
    "adapters stay small and all tasks share one model; if it is small each goes its own way. I "
    "let cross-validation set it, since the training loss would always prefer none.",
    tempting="Lambda is the strength of the adapters. Set it high if the tasks are different, and "
    "take the value at which the training loss is best.",
    flaw="Lambda is the price of adapters, not their strength: set it low if tasks are different. "
    "And the training loss always asks for no price at all.",
    rubric=[
        "large lambda: small adapters, tasks alike; small lambda: tasks on their own",
        "it is a belief held before the data, and more data outweigh it",
        "held-out sentences choose it, never the training loss",
    ],
)
