"""Answers of lesson 02 that its checks know: the references, and likely mistakes with what each is
told.
"""

import numpy as np
import torch

# ------------------------------------------------------------------ 02-1

SHAPES = {
    "x": (8, 100),
    "W_s": (3, 100),
    "A": (2, 3, 100),
    "G": (4, 2),
    "W": (4, 3, 100),
    "logits": (8, 3),
}
SHAPE_MISTAKES = {
    "x": [
        ((100, 8), "A row of x is one sentence, a column one word."),
        ((8, 3), "A column of x is a word. The 3 classes come out of W x, they are not in x."),
    ],
    "W_s": [
        (
            (100, 3),
            "The article's d x c: then W_s x would multiply rows of 3 numbers by 100, which "
            "is impossible.",
        )
    ],
    "A": [
        (
            (2, 3),
            "The article's k x c. But each of the 2 adapters is added to W_s, so each "
            "needs its shape.",
        ),
        ((3, 100), "This is one adapter; stack all of them, the adapter's number first."),
        ((2, 100, 3), "Each adapter is added to W_s: same order, classes first."),
        ((4, 3, 100), "There is not one adapter per task here: 2 adapters serve 4 tasks."),
    ],
    "G": [
        ((2, 4), "G[t, k]: the task comes first."),
        ((2, 2), "G says for each of the 4 TASKS how much of each adapter it gets."),
        ((4, 4), "G has a column for each adapter; there are 2 of them, not one per task."),
    ],
    "W": [
        (
            (3, 100),
            "This is the W_t of one task; stack those of all tasks, the task's number first.",
        ),
        ((2, 3, 100), "One W_t for each task, not for each adapter."),
        ((4, 100, 3), "W_t is made from W_s and the A_k: the same order, classes first."),
        ((8, 3, 100), "One W_t for each task, not for each sentence."),
    ],
    "logits": [
        ((3, 8), "Logits are kept like x: one row for each sentence."),
        ((8, 4, 3), "These are the logits of all tasks; here one task reads the sentences."),
        ((8, 100), "A score for each class, not for each word."),
        ((8, 4), "A score for each class. One task reads the sentences here."),
    ],
}

# ------------------------------------------------- 02-2: shared (C, d), adapters (K, C, d), graph
# (T, K)


def task_weights(shared, adapters, graph):
    return shared + torch.tensordot(graph, adapters, dims=1)


def all_for_all(shared, adapters, graph):
    return (shared + adapters.sum(0)).expand(len(graph), *shared.shape)


def shared_each_time(shared, adapters, graph):
    return torch.tensordot(graph, shared + adapters, dims=1)


def no_shared(shared, adapters, graph):
    return torch.tensordot(graph, adapters, dims=1)


def mean_of_adapters(shared, adapters, graph):
    return shared + torch.tensordot(graph, adapters, dims=1) / len(adapters)


def routes_on_or_off(shared, adapters, graph):
    return shared + torch.tensordot((graph != 0).to(graph.dtype), adapters, dims=1)


def only_whole_routes(shared, adapters, graph):
    return shared + torch.tensordot((graph == 1).to(graph.dtype), adapters, dims=1)


def first_task_only(shared, adapters, graph):
    return task_weights(shared, adapters, graph)[0]


def graph_turned(shared, adapters, graph):
    """Read G[k, t]; possible only if there are as many tasks as adapters."""
    return shared + torch.tensordot(graph.T, adapters, dims=1)


def graph_times_classes(shared, adapters, graph):
    """graph @ adapters; possible only if there are as many adapters as classes."""
    return shared + graph @ adapters


def in_place(shared, adapters, graph):
    """+= on shared itself, for one task after the other: one matrix in every place."""
    return (shared + torch.tensordot(graph, adapters, dims=1).sum(0)).expand(len(graph), -1, -1)


def in_place_and_copied(shared, adapters, graph):
    """The same, with a copy kept after each task."""
    return shared + torch.tensordot(graph, adapters, dims=1).cumsum(0)


IN_PLACE = (
    "+= changes shared itself, so what one task adds the next one has too. Begin each task with a "
    "copy: shared.clone()."
)
WEIGHT_MISTAKES = [
    (in_place, IN_PLACE),
    (in_place_and_copied, IN_PLACE),
    (
        all_for_all,
        "Every task gets every adapter: the graph is left out. This is the article's literal sum.",
    ),
    (
        shared_each_time,
        "W_s is inside the sum over k, so it is counted once per adapter. It belongs in "
        "front of the sum.",
    ),
    (no_shared, "W_s is missing: it is added to every task."),
    (mean_of_adapters, "A sum over k, not a mean: do not divide by K."),
    (routes_on_or_off, "G[t, k] is a number, not only yes or no: multiply by it."),
    (
        only_whole_routes,
        "Only the entries 1 count here. G[t, k] may be any number, 0.5 or 2 too: multiply by it.",
    ),
    (first_task_only, "This is W_t of one task. Stack those of all tasks."),
    (
        graph_times_classes,
        "@ multiplies along the last two axes: graph @ adapters sums over the classes of each "
        "adapter. It runs here only since K and C are both 3. Sum over k: torch.tensordot.",
    ),
    (
        lambda shared, adapters, graph: shared - torch.tensordot(graph, adapters, dims=1),
        "The sign: adapters are added to W_s.",
    ),
    (
        lambda shared, adapters, graph: shared * torch.tensordot(graph, adapters, dims=1),
        "A sum, not a product: adapters are added to W_s.",
    ),
    (
        lambda shared, adapters, graph: shared.expand(len(graph), *shared.shape),
        "These are the shared weights alone: add the adapters that the graph gives to each task.",
    ),
    (
        lambda shared, adapters, graph: (
            shared + torch.tensordot(graph / graph.sum(1, keepdim=True), adapters, dims=1)
        ),
        "You divide each row by its sum. G[t, k] is used as it is.",
    ),
    (
        lambda shared, adapters, graph: (
            shared + torch.tensordot(graph.softmax(1), adapters, dims=1)
        ),
        "No softmax over the graph: G[t, k] is used as it is, and a 0 means nothing at all.",
    ),
    (graph_turned, "The graph is turned round: G[t, k] has the task first."),
]

# ------------------------------------------------------------------ 02-3: graph (T, K) -> True or
# False

GRAPHS = [
    np.ones((4, 3)),
    np.eye(3),
    np.zeros((3, 0)),
    np.array([[1.0, 0, 2]] * 3),
    np.array([[1.0, 0], [0, 1]]),
    np.array([[1.0, 1], [0, 0]]),
    np.array([[1.0], [2], [3]]),
    np.array([[1.0, 0], [1, 0], [0, 1]]),
    np.array([[0.5, 0.5]] * 2),
    np.ones((1, 4)),
    np.array([[1.0, 0], [0, 1], [1, 0]]),  # the first row and the last are equal
]


def collapses(graph):
    return bool((graph == graph[0]).all())


def only_ones(graph):
    return bool((graph == 1).all())


def equal_row_sums(graph):
    return len(set(graph.sum(1))) == 1


def equal_columns(graph):
    return bool((graph == graph[:, :1]).all())


def graph_of_rank_one(graph):
    return bool(graph.size == 0 or np.linalg.matrix_rank(graph) <= 1)


def some_rows_equal(graph):
    return len(graph) == 1 or len(np.unique(graph, axis=0)) < len(graph)


def turned_round(graph):
    return not collapses(graph)


def first_and_last_row(graph):
    return bool((graph[0] == graph[-1]).all())


def no_adapter_is_used(graph):
    return bool((graph == 0).all())


def as_many_adapters_as_tasks(graph):
    return graph.shape[0] == graph.shape[1]


def one_adapter_at_most(graph):
    return graph.shape[1] <= 1


def one_task_alone(graph):
    return len(graph) == 1


def first_two_rows(graph):
    return bool((graph[0] == graph[min(1, len(graph) - 1)]).all())


def every_route_is_open(graph):
    return bool((graph > 0).all())


def rank_of_one(graph):
    return bool(np.linalg.matrix_rank(graph) == 1) if graph.size else False


COLLAPSE_MISTAKES = [
    (
        one_adapter_at_most,
        "One adapter is enough to tell tasks apart: with rows (1), (2), (3) each has its own share. "
        "And many adapters do not help if every task has them alike.",
    ),
    (
        one_task_alone,
        "One task alone is always equal to itself. Several tasks collapse too, if their rows agree.",
    ),
    (
        first_two_rows,
        "You compare the first two rows. A third one can differ from both.",
    ),
    (
        every_route_is_open,
        "Every task reached by every adapter is not enough: with (1), (2), (3) the amounts differ. "
        "And rows that agree may hold zeros.",
    ),
    (
        first_and_last_row,
        "You compare the first row with the last. A row between them can differ from both.",
    ),
    (
        no_adapter_is_used,
        "Without adapters all tasks are equal, and there are other graphs: every task may "
        "have the same.",
    ),
    (
        as_many_adapters_as_tasks,
        "How many adapters there are does not decide it. Which task gets which does: "
        "compare the rows.",
    ),
    (
        rank_of_one,
        "The rank of G is 1 where rows are multiples of each other: one task may have twice as "
        "much. And K = 0, which collapses as well, has rank 0.",
    ),
    (
        only_ones,
        "Ones are one case. But if every task gets A1 once and A3 twice, do any two tasks differ?",
    ),
    (
        equal_row_sums,
        "Equal row sums are not enough: with G = I every row sums to 1, and each task has its "
        "own adapter.",
    ),
    (
        equal_columns,
        "You compare columns. With rows (1, 1) and (0, 0), one task has both adapters, "
        "the other none.",
    ),
    (
        graph_of_rank_one,
        "Rank one is not enough: with one adapter and rows (1), (2), (3) the tasks hold "
        "different amounts.",
    ),
    (
        some_rows_equal,
        "If two rows are equal, these two tasks are one model. All rows must be equal.",
    ),
    (turned_round, "Turned round: True means that all W_t are equal."),
]

# ------------------------------------------------------------------ 02-4


def same_penalty(lam, lam_shared, n_adapters):
    return 1 / (1 / lam_shared + n_adapters / lam)


PENALTY_MISTAKES = [
    (
        lambda lam, lam_shared, n: lam_shared + n * lam,
        "You added the penalties. With more parts W costs less, not more: the inverses add up.",
    ),
    (
        lambda lam, lam_shared, n: lam_shared,
        "Then adapters would change nothing. But they carry a part of W, and so make it cheaper.",
    ),
    (
        lambda lam, lam_shared, n: 1 / lam_shared + n / lam,
        "This is the inverse of the penalty: what is missing is 1 divided by it.",
    ),
    (
        lambda lam, lam_shared, n: 1 / (1 / lam_shared + 1 / lam),
        "This is right for one adapter. There are K of them, and each carries a part.",
    ),
    (
        lambda lam, lam_shared, n: 1 / (1 / lam_shared + 1 / (n * lam)),
        "K adapters share the load, so their penalty falls to lam / K; it does not rise to K lam.",
    ),
    (
        lambda lam, lam_shared, n: lam_shared / (1 + n),
        "This holds only if lam = lam_shared. Let them differ.",
    ),
    (
        lambda lam, lam_shared, n: 1 / (1 / lam + n / lam_shared),
        "The two are swapped: lam is the price of an adapter, of which there are K.",
    ),
    (
        lambda lam, lam_shared, n: 1 / (1 / lam_shared + n**2 / lam),
        "K adapters add K / lam to the inverse, not K^2 / lam.",
    ),
    (
        lambda lam, lam_shared, n: 1 / (1 / lam_shared**2 + n / lam**2),
        "The inverse penalties add up as they are, not squared.",
    ),
    (
        lambda lam, lam_shared, n: min(lam_shared, lam / n),
        "W does not go as a whole where it is cheapest: squares cost less when split "
        "among the parts.",
    ),
]

# ------------------------------------------------------------------ 02-5

FOUR_FROM_TWO = {"graph": [[0, 0], [1, 0], [0, 1], [1, 1]], "a": [1, -1, -1, 1]}

# ------------------------------------------------- 02-6: x (d,), shared (C, d), adapters (m, C, d)
# -> (C,)


def surplus(x, shared, adapters):
    return (len(adapters) - 1) * shared @ x


SURPLUS_MISTAKES = [
    (
        lambda x, shared, adapters: len(adapters) * shared @ x,
        "One W_s x is right and has to stay: take away one less.",
    ),
    (
        lambda x, shared, adapters: ((len(adapters) - 1) * shared + adapters.sum(0)) @ x,
        "The adapters are counted once each, as they should be: leave them alone.",
    ),
    (
        lambda x, shared, adapters: (shared + adapters).sum(0) @ x,
        "This is the whole article's sum. What is too much in it?",
    ),
    (
        lambda x, shared, adapters: adapters.sum(0) @ x,
        "These are the adapters' own answers. Each of them is counted once, as it should be.",
    ),
    (
        lambda x, shared, adapters: (len(adapters) - 1) * shared,
        "This is a matrix. What does it say about x? Multiply it by x.",
    ),
    (
        lambda x, shared, adapters: shared @ x,
        "Right for two adapters. How often is W_s counted with m of them?",
    ),
    (
        lambda x, shared, adapters: (1 - len(adapters)) * shared @ x,
        "The sign: say how much is there too much, not what to add.",
    ),
]

# ------------------------------------------------------------------ 02-7: W (C, d) -> (C, d)


def canonical(W):
    return W - W.mean(0)


def mean_over_words(W):
    return W - W.mean(1, keepdims=True)


def mean_of_all(W):
    return W - W.mean()


def unit_length(W):
    return W / np.linalg.norm(W)


def as_probabilities(W):
    return np.exp(W) / np.exp(W).sum(0)


def positive_minus_negative(W):
    return W[-1] - W[0]


CANONICAL_MISTAKES = [
    (np.asarray, "You return W itself: its twin W + v has another W."),
    (
        mean_over_words,
        "The mean runs over the words (axis 1). Each class loses a number of its own: "
        "predictions change.",
    ),
    (mean_of_all, "One mean of all entries cannot take up a row v with a number for each word."),
    (unit_length, "Length is not what twins differ in; changing it changes predictions."),
    (
        as_probabilities,
        "Softmax of the weights is the same for all twins, but it predicts something else "
        "than W: no twin.",
    ),
    (
        positive_minus_negative,
        "The same for all twins, but a single row: what does it say about the other class? "
        "Return (C, d).",
    ),
]

# ------------------------------------------------------------------ 02-8

STAYS = ("W[films]: positive - negative", "A[films] - A[cars]: positive - negative")
CHANGES = {  # the others, and why
    "W_s": "a disguise moves a random part of it into the adapters",
    "A[films]": "it takes up the part that W_s loses, and a common row",
    "W[films]": "the moved part cancels, but all its classes got the same row",
    "A[films] - A[cars]": "the moved part cancels, but each task got a common row of its own",
    "W_s: positive - negative": "the moved part is not the same for all classes",
}
READINGS = (*CHANGES, *STAYS)


def disguises(seeds, n_features):
    """The parts that the lesson's `disguise` draws for each seed: M, then a row v for each task."""
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        M = torch.randn(3, n_features, generator=generator).double()
        yield M, [torch.randn(n_features, generator=generator).double() for _ in range(4)]


def moves(M, v):
    """What a disguise adds to each reading, in the order of `READINGS`."""
    return {
        "W_s": M,
        "A[films]": v[0] - M,
        "W[films]": v[0].expand(3, -1),
        "A[films] - A[cars]": (v[0] - v[1]).expand(3, -1),
        "W_s: positive - negative": M[2] - M[0],
    }


def changes(n_features, seeds=range(10), size=lambda move: move.abs().max(), over=max):
    """{reading: how much it changes}; the readings that stay have 0."""
    found = {name: [] for name in CHANGES}
    for M, v in disguises(seeds, n_features):
        for name, move in moves(M, v).items():
            found[name].append(float(size(move)))
    return {name: over(values) for name, values in found.items()} | dict.fromkeys(STAYS, 0.0)


def _mean(values):
    return sum(values) / len(values)


def _last(values):
    return values[-1]


DISGUISE_MISTAKES = [  # keyword arguments of `changes`, and what to say
    ({"seeds": [0]}, "This is seed 0 alone. Another disguise may change more: take all ten seeds."),
    ({"over": _last}, "This is seed 9 alone: your loop keeps the last seed, not the largest."),
    ({"over": _mean}, "This is the mean over the seeds. The largest is asked for."),
    ({"over": min}, "This is the smallest over the seeds. The largest is asked for."),
    ({"over": sum}, "You added the ten seeds up. The largest of them is asked for."),
    (
        {"size": lambda move: move.max()},
        "Signed: the largest rise only. A fall may be larger, so take .abs() before .max().",
    ),
    (
        {"size": lambda move: -move.min()},
        "Signed: the largest fall only. A rise may be larger, so take .abs() before .max().",
    ),
    (
        {"size": lambda move: (-move).max()},
        "Signed: the largest fall only. A rise may be larger, so take .abs() before .max().",
    ),
    (
        {"size": lambda move: move.abs().mean()},
        "The mean over the entries; the largest is asked for.",
    ),
    (
        {"size": lambda move: move.norm()},
        "This is a norm, all entries together; take the largest entry.",
    ),
    ({"size": lambda move: move.std()}, "This is a standard deviation; take the largest entry."),
    ({"seeds": range(1, 10)}, "Seed 0 is missing: seeds 0 to 9 are ten."),
    ({"seeds": range(9)}, "Seed 9 is missing: seeds 0 to 9 are ten."),
    ({"seeds": range(1, 11)}, "Seeds 1 to 10: the exercise has 0 to 9."),
    ({"size": lambda move: move.square().max()}, "These are squares: take the absolute value."),
]
