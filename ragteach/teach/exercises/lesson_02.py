"""Exercises of lesson 02: the equation, its graph, and what weights can tell."""

from collections.abc import Mapping

import numpy as np
import torch

from ragteach.data.toy import make_toy
from ragteach.dataset import MultiTaskDataset
from ragteach.teach.checks import (
    Unfinished,
    Wrong,
    call,
    exercise,
    expect,
    expect_close,
    expect_equal,
    finished,
)
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_02 as known
from ragteach.teach.exercises import own_rag_02  # noqa: F401  registers 02-10
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ 02-1


@exercise(
    "02-1",
    title="Shapes",
    difficulty="easy",
    minutes=5,
    trains="saying how large each letter of the equation is",
    hints=[
        "A row of x is one sentence. W_s makes 3 scores out of 100 numbers: it has a row for each "
        "score.",
        "Every A_k is added to W_s, so it has the same shape. Stacking puts one more number in "
        "front.",
        "G[t, k] has the task first. One W_t for each task; one row of logits for each sentence.",
    ],
    reference=known.SHAPES,
    reason="c rows and d columns: then W x is possible, and a row of W holds the weights of one "
    "class.",
)
def shapes(yours):
    """A dict from letter to shape; 8 sentences, 100 words, 3 classes, 4 tasks, 2 adapters."""
    expect(isinstance(yours, dict), 'Answer with a dict such as {"x": (8, 100), ...}.')
    finished(yours, "Some shapes are not there yet.")
    expect(set(yours) == set(known.SHAPES), f"Give a shape for each of {', '.join(known.SHAPES)}.")
    for letter, right in known.SHAPES.items():
        mine = yours[letter]
        mine = mine.tolist() if hasattr(mine, "tolist") else mine  # an array of numpy or torch
        expect(
            isinstance(mine, list | tuple),
            f"Write the shape of {letter} as a tuple such as (8, 100).",
        )
        mine = tuple(mine)
        expect(
            all(isinstance(n, int | np.integer) for n in mine),
            f"A shape is made of whole numbers: for {letter} write it as in (8, 100), not the "
            "array itself.",
        )
        expect(
            set(mine) <= {8, 100, 3, 4, 2},
            f"The shape of {letter}: only 8, 100, 3, 4 and 2 can occur in a shape here; yours is "
            f"{mine}.",
        )
        slips = [slip for slip, _ in known.SHAPE_MISTAKES[letter]]
        expect(
            len(mine) == len(right) or mine in slips,
            f"{letter} has {len(right)} axes; yours has {len(mine)}: {mine}.",
        )
        expect_equal(mine, right, known.SHAPE_MISTAKES[letter], what=f"The shape of {letter}")


# ------------------------------------------------------------------ 02-2


@exercise(
    "02-2",
    title="The equation as code",
    difficulty="medium",
    minutes=10,
    trains="turning a formula with two indices into tensors",
    hints=[
        "For one task t: start from a copy, shared.clone(), and add graph[t, k] * adapters[k] for every "
        "k.",
        "Do this for every t, and stack the results: torch.stack([... for t in "
        "range(len(graph))]).",
        "In one line: the sum over k is torch.tensordot(graph, adapters, dims=1), of shape (T, C, "
        "d). Adding shared (C, d) to it adds it to every task.",
    ],
    reference=known.task_weights,
    reason="tensordot sums over the k that both have. shared has no t, so every task gets it, "
    "once.",
)
def task_weights(yours):
    """shared (C, d), adapters (K, C, d), graph (T, K) -> (T, C, d)."""
    generator = torch.Generator().manual_seed(2)
    for rows in ([[1, 0.5, 0], [0, 1, 0], [2, 0, 1]], [[1.0, 0], [1, 1], [0, -1], [0, 0]]):
        graph = torch.tensor(rows, dtype=torch.float64)
        shared = torch.randn(3, 5, generator=generator, dtype=torch.float64)
        adapters = torch.randn(graph.shape[1], 3, 5, generator=generator, dtype=torch.float64)
        square = graph.shape[0] == graph.shape[1] == len(shared)
        wrong = [
            (mistake(shared, adapters, graph), message)
            for mistake, message in known.WEIGHT_MISTAKES
            if square or mistake not in (known.graph_turned, known.graph_times_classes)
        ]
        right = known.task_weights(shared, adapters, graph)
        expect_close(call(yours, shared, adapters, graph), right, wrong, what="W")


# ------------------------------------------------------------------ 02-3


@exercise(
    "02-3",
    title="Which graphs collapse?",
    difficulty="medium",
    minutes=10,
    trains="law 1: proving when all tasks get the same weights",
    hints=[
        "Write down W_t - W_u for two tasks. W_s cancels. What is left?",
        "A sum over k of (G[t, k] - G[u, k]) A_k. It must be zero for every choice of the "
        "adapters. Choose all of them zero except one.",
        "So G[t, k] = G[u, k] for every k: all rows of G are equal. (graph == graph[0]).all()",
    ],
    reference=known.collapses,
    reason="W_t - W_u = sum_k (G[t,k] - G[u,k]) A_k is zero for all adapters exactly if the rows "
    "are equal.",
)
def collapses(yours):
    """graph (T, K), a numpy array -> True if all W_t are equal, whatever the weights are."""
    said = []
    for graph in known.GRAPHS:
        try:
            answer = call(yours, graph)
        except (Unfinished, Wrong):
            raise
        except Exception as error:
            raise Wrong(
                f"With a graph of shape {graph.shape} (tasks, adapters) your function raised "
                f"{type(error).__name__}: {error}. There may be no adapter at all, or one task "
                "alone: what is right then?"
            ) from error
        one = isinstance(answer, bool | int | float | np.bool_) or (
            hasattr(answer, "item") and as_array(answer).size == 1
        )
        expect(
            one, f"Return one True or False; yours returned {type(answer).__name__}. (See .all())"
        )
        said.append(bool(answer))

    def of(function):
        return [function(graph) for graph in known.GRAPHS]

    wrong = [(of(mistake), message) for mistake, message in known.COLLAPSE_MISTAKES]
    expect(
        len(set(said)) == 2 or said in [slip for slip, _ in wrong],
        f"You answer {said[0]} for every one of {len(said)} graphs; some collapse, some do not.",
    )
    what = f"Your list of answers for {len(said)} graphs"
    expect_equal(said, of(known.collapses), wrong, what)


# ------------------------------------------------------------------ 02-4


@exercise(
    "02-4",
    title="What the literal adapters do",
    difficulty="hard",
    minutes=10,
    trains="finding the cheapest way to split one matrix into parts",
    hints=[
        "At the cheapest split, moving a little from W_s to A_k must not pay. The slopes of the "
        "two penalties are lam_shared W_s and lam A_k.",
        "So lam_shared W_s = lam A_k for every k. Put A_k = (lam_shared / lam) W_s into W = W_s + "
        "sum_k A_k.",
        "W = W_s (1 + K lam_shared / lam). Put both parts into the two penalties, and write the "
        "result as a number times ||W||^2 / 2.",
    ],
    reference=known.same_penalty,
    reason="The inverse penalties add up. In the words of lesson 07: each part brings its own "
    "variance.",
)
def same_penalty(yours):
    """lam, lam_shared, n_adapters -> the penalty on the one matrix W that does the same."""
    for setting in [(0.01, 0.02, 4), (0.3, 0.1, 2), (1.0, 1.0, 9)]:
        wrong = [(mistake(*setting), message) for mistake, message in known.PENALTY_MISTAKES]
        expect_close(call(yours, *setting), known.same_penalty(*setting), wrong, what="The penalty")


# ------------------------------------------------------------------ 02-5


@exercise(
    "02-5",
    title="Four models from two adapters",
    difficulty="medium",
    minutes=10,
    trains="reading from the graph what a model cannot be",
    hints=[
        "Two adapters, each on or off: how many different rows of zeros and ones are there?",
        "Write the four W_t down, one under the other: W_s, then W_s + A_1, and so on. Which two "
        "have the same sum as the other two?",
        "The numbers a must cancel W_s (they sum to 0) and both adapters (a times each column of G "
        "is 0).",
    ],
    reference=known.FOUR_FROM_TWO,
    reason="All four differ, but they are not free: any three of them decide the fourth.",
)
def four_from_two(yours):
    """{"graph": 4 rows of 2 zeros and ones, all different; "a": 4 numbers with sum_t a_t W_t =
    0}.
    """
    expect(isinstance(yours, dict), 'Answer with a dict: {"graph": [[...], ...], "a": [...]}.')
    finished(yours, "The graph or the numbers are not there yet.")
    expect(set(yours) == {"graph", "a"}, 'Give exactly the two entries "graph" and "a".')
    graph = as_array(yours["graph"])
    a = as_array(yours["a"]).squeeze()
    expect(graph.shape != (4, 4), "This graph uses four adapters; two must do.")
    expect(
        graph.shape != (2, 4), "The graph is turned round: a row is a task, a column an adapter."
    )
    expect(graph.shape == (4, 2), f"The graph has shape {graph.shape}; it should be (4, 2).")
    expect(
        np.isin(graph, (0, 1)).all(),
        "Use zeros and ones only: an adapter serves a task or does not.",
    )
    expect(
        len(np.unique(graph, axis=0)) == 4,
        "Two tasks have the same row, so they have the same W. Two zeros or ones make four "
        "different rows.",
    )
    expect(
        a.shape == (4,), f"a should be four numbers, one for each task; yours has shape {a.shape}."
    )
    expect(np.abs(a).max() > 1e-9, "Four zeros say nothing: 0 = 0 holds for every model.")
    in_shared, *in_adapters = a.sum(), *(a @ graph)  # how much of W_s, A_1, A_2 is left in the sum
    expect(abs(in_shared) < 1e-6, f"{in_shared:g} W_s is left: the four numbers must add up to 0.")
    left = " and ".join(f"{part:g} A_{k}" for k, part in enumerate(in_adapters, start=1))
    expect(
        np.abs(in_adapters).max() < 1e-6, f"W_s cancels, but the adapters do not: {left} are left."
    )


# ------------------------------------------------------------------ 02-6


@exercise(
    "02-6",
    title="Counted twice",
    difficulty="easy",
    minutes=5,
    trains="finding what a formula counts too often",
    hints=[
        "Write the article's sum for two adapters without brackets. How often does W_s x stand "
        "there?",
        "With m adapters it stands there m times, and should stand there once.",
        "(len(adapters) - 1) * shared @ x",
    ],
    reference=known.surplus,
    reason="The sum over m adapters holds m W_s x. One of them is right, m - 1 are too many.",
)
def surplus(yours):
    """x (d,), shared (C, d), adapters (m, C, d) -> what the article's sum has too much (C,)."""
    rng = np.random.default_rng(6)
    for m in (3, 2, 1, 5):
        parts = rng.normal(size=4), rng.normal(size=(3, 4)), rng.normal(size=(m, 3, 4))
        wrong = [(mistake(*parts), message) for mistake, message in known.SURPLUS_MISTAKES]
        # what the lesson's next cell hands over: tensors of single precision
        mine = call(yours, *(torch.as_tensor(part).float() for part in parts))
        what = f"The surplus for {m} adapters"
        expect_close(mine, known.surplus(*parts), wrong, what, atol=1e-5)


# ------------------------------------------------------------------ 02-7


@exercise(
    "02-7",
    title="One matrix for all twins",
    difficulty="medium",
    minutes=10,
    trains="separating what the predictions fix from what they leave free",
    hints=[
        "Twins differ by a row v, added to every class. Subtract something that contains v exactly "
        "once.",
        "For each word, take a number made of its column, such as the mean over the classes.",
        "W - W.mean(0): the mean runs over the classes, which are axis 0.",
    ],
    reference=known.canonical,
    reason="What is subtracted (the mean over the classes, or the row of one of them) holds the "
    "common row v once, so all twins lose it. Every class loses the same row, so no probability "
    "changes.",
)
def canonical(yours):
    """W (C, d) -> a matrix of the same shape: the same for all twins, and itself a twin of W."""
    rng = np.random.default_rng(7)
    W = rng.normal(size=(3, 5))
    v = 3 * rng.normal(size=5)
    mine = as_array(call(yours, W))
    twin = as_array(call(yours, W + v))
    for mistake, message in known.CANONICAL_MISTAKES:
        value = mistake(W)
        expect(mine.shape != value.shape or not np.allclose(mine, value), message)
    expect(mine.shape == W.shape, f"Return the shape of W, {W.shape}; yours has {mine.shape}.")
    expect(
        np.allclose(mine, twin, atol=1e-8),
        "W and its twin W + v give two different matrices.",
        twin,
        mine,
    )
    away = mine - W
    expect(
        np.allclose(away, away[0], atol=1e-8),
        "It is the same for all twins, but predicts something else than W: subtract one row from "
        "all.",
    )


# ------------------------------------------------------------------ 02-8

N_WORDS = len(MultiTaskDataset.from_frame(make_toy(n_per_task=200, seed=0)).vectorizer.vocabulary_)


@exercise(
    "02-8",
    title="What stays in disguise?",
    difficulty="medium",
    minutes=10,
    trains="an experiment: which numbers belong to the predictions, and which to a way of writing "
    "them",
    hints=[
        "readings(model) and readings(disguise(model, seed)) are dicts with the same names.",
        "For one name and one seed: (readings(other)[name] - "
        "readings(model)[name]).abs().max().item()",
        "Take the largest over seeds 0 to 9, for every name, and put it into the dict.",
    ],
    reference=known.changes(n_features=N_WORDS),
    rule="largest entry of |reading(disguise) - reading(model)|, then the largest over seeds 0 to "
    "9",
    reason="Only differences of two classes stay, and only those of W_t, or of two adapters, which "
    "is W_t - W_u in other words.",
)
def disguise(yours):
    """A dict: the largest change of each reading over ten disguises."""
    expect(isinstance(yours, Mapping), "Answer with a dict from each reading to a number.")
    finished(dict(yours), "Some numbers are not there yet.")
    expect(
        set(yours) == set(known.READINGS),
        f"Give a number for each of: {'; '.join(known.READINGS)}.",
    )
    truths = [name for name, value in yours.items() if isinstance(value, bool | np.bool_)]
    expect(
        not truths,
        "True and False say whether a reading changes; how much is asked for, as a number.",
    )
    sizes = {as_array(value).size for value in yours.values()}
    expect(sizes == {1}, "Give one number for each reading: the largest of all entries and seeds.")
    mine = {name: float(as_array(value).reshape(())) for name, value in yours.items()}
    expect(max(map(abs, mine.values())) > 0.1, "Nothing changes: is a model compared with itself?")
    for name in known.STAYS:
        expect(
            abs(mine[name]) < 1e-3,
            f"{name} should stay: the moved part and the common row both cancel.",
        )
    for name, why in known.CHANGES.items():
        expect(abs(mine[name]) > 1e-3, f"{name} should change: {why}.")
    right = [known.changes(N_WORDS)[name] for name in known.CHANGES]
    wrong = [
        ([known.changes(N_WORDS, **options)[name] for name in known.CHANGES], message)
        for options, message in known.DISGUISE_MISTAKES
    ]
    expect_close([mine[name] for name in known.CHANGES], right, wrong, "Your list of changes")


# ------------------------------------------------------------------ 02-9


in_words(
    "02-9",
    title="Explain the collapse",
    difficulty="medium",
    minutes=12,
    trains="saying why the literal model has no tasks, and what to change",
    hints=[
        "Look at the colleague's forward: which argument is missing?",
        "Say what the sum of five matrices is, and what follows for the four tasks.",
        "Then explain how the accuracy can change all the same, and what to change in the code.",
    ],
    draft={
        "a": Sentence(
            "The accuracy went up because the adapters learnt what each domain needs.",
            False,
            "They cannot: no adapter knows the domain. The split weakens the penalty and lengthens "
            "the steps.",
        ),
        "b": Sentence(
            "A matrix that is split over five parts is penalised less.",
            True,
            "1/mu = 1/lambda_s + K/lambda: the sum is cheaper than one matrix of the same size.",
        ),
        "c": Sentence(
            "Your forward adds all adapters for every sentence, whatever its task.",
            True,
            "The task is not even an argument of that forward.",
        ),
        "d": Sentence(
            "Five matrices added up can do more than one matrix.",
            False,
            "A sum of matrices is a matrix. The set of models is that of a single nn.Linear.",
        ),
        "e": Sentence(
            "Films and food must agree on every word.",
            True,
            "All rows of the graph are equal, so every W_t is the same matrix.",
        ),
        "f": Sentence(
            "With more adapters in the same sum the tasks could differ.",
            False,
            "More terms in the same sum are still one matrix. A graph with different rows is "
            "needed.",
        ),
    },
    model="Your forward never asks for the task: it adds all adapters for every sentence. Five "
    "matrices added up are one matrix, so you have a single nn.Linear, and films and food must "
    "agree on every word. The accuracy can change all the same, since a matrix that is split over "
    "five parts costs less: the penalty is weaker, and a step of gradient descent is five times "
    "as long. Give forward the task and a graph whose rows differ, for instance one adapter per "
    "task.",
    tempting="You have five times as many weights, so the model is more expressive, and half a "
    "point is what it gains. Take a few more adapters and it will gain more.",
    flaw="The weights are more, the set of models is the same: one matrix. The half point comes "
    "from a weaker penalty, longer steps or luck.",
    rubric=[
        "says that every adapter is added whatever the task is, and that the sum is one matrix",
        "concludes that the tasks cannot differ: more numbers are stored, but the set of models "
        "is the same",
        "explains the changed accuracy by a weaker penalty or longer steps, not by what adapters "
        "know",
        "says what to change: a graph whose rows differ, for example one adapter per task",
    ],
)
