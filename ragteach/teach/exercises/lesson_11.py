"""Exercises of lesson 11: inside a network."""

from collections.abc import Callable, Iterable

import numpy as np

from ragteach.integrations.deep_kinds import DEEP_KINDS, n_trained
from ragteach.teach.checks import call, exercise, expect, expect_close, finished
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_11 as answers
from ragteach.teach.handing import as_dict
from ragteach.teach.written import Sentence, in_words


def compare(
    yours: object,
    inputs: Iterable[tuple],
    right: Callable,
    mistakes: Callable,
    what: str,
) -> None:
    """The learner's function on each of the inputs, beside the right one and the known mistakes."""
    for given in inputs:
        expect_close(call(yours, *given), right(*given), wrong=mistakes(*given), what=what)


@exercise(
    "11-1",
    title="Attention in four lines",
    difficulty="medium",
    minutes=12,
    trains="what a token does when it looks at the others",
    hints=[
        "Token i looks at token j with the score q_i . k_j / sqrt(r): one matrix product for all "
        "of them.",
        "np.where(here[None, :], scores, -np.inf) takes the padding out: exp of it is 0.",
        "A softmax along each row, then the weighted mean of the values: weights @ v.",
    ],
    reference=answers.attention,
    reason="Each row of weights sums to 1 over the real tokens, so a token becomes a mean of "
    "values.",
)
def attention(yours):
    rng = np.random.default_rng(1)
    sentences = [(*rng.normal(size=(3, n, r)), np.arange(n) < n - 1) for n, r in [(5, 4), (4, 3)]]
    compare(yours, sentences, answers.attention, answers.wrong_attentions, "What the tokens become")


@exercise(
    "11-2",
    title="LoRA in your own RAG",
    difficulty="medium",
    minutes=10,
    trains="changing one line of the equation of lesson 02",
    hints=[
        "Take your task_weights of lesson 02: shared + sum over k of graph[t, k] * A_k.",
        "Now A_k = ups[k] @ downs[k]. For all k at once: ups @ downs, of shape (K, C, d).",
        'np.einsum("tk,kcd->tcd", graph, adapters) is the sum over k.',
    ],
    reference=answers.lora_weights,
    reason="Only A_k has changed: a product of two thin matrices in place of a full one.",
)
def lora_weights(yours):
    rng = np.random.default_rng(2)
    models = []
    for n_tasks, n_adapters in [(3, 3), (4, 2)]:
        shared = rng.normal(size=(3, 6))
        ups = rng.normal(size=(n_adapters, 3, 2))
        downs = rng.normal(size=(n_adapters, 2, 6))
        graph = rng.integers(0, 3, size=(n_tasks, n_adapters)) / 2
        graph[0] = np.arange(n_adapters) + 1
        models.append((shared, ups, downs, graph))
    compare(yours, models, answers.lora_weights, answers.wrong_lora_weights, "The tasks' weights")


@exercise(
    "11-3",
    title="The oldest: a bottleneck (Houlsby, 2019)",
    difficulty="easy",
    minutes=6,
    trains="an adapter that bends, and why no matrix equals it",
    hints=[
        "y is (n, n_out), down is (r, n_out), up is (n_out, r). Go down, relu, go up.",
        "And add what the layer said: y + ...",
    ],
    reference=answers.houlsby,
    reason="With up = 0 nothing changes; the relu between makes it more than a matrix, so it "
    "cannot be merged.",
)
def houlsby(yours):
    rng = np.random.default_rng(3)
    layer = [rng.normal(size=shape) for shape in [(4, 6), (2, 6), (6, 2)]]  # y, down, up
    compare(yours, [layer], answers.houlsby, answers.wrong_houlsbys, "What the layer says now")


@exercise(
    "11-4",
    title="Frozen and random: VeRA (2024)",
    difficulty="easy",
    minutes=8,
    trains="training scales of random directions",
    hints=[
        "diag(b) times a matrix scales its rows: b[:, None] * up.",
        "The change is (diag(b) up) (diag(d) down), of shape (n_out, n_in).",
    ],
    reference=answers.vera,
    reason="b starts at zero, so the change does; up and down never move and need not be stored, "
    "only their seed.",
)
def vera(yours):
    rng = np.random.default_rng(4)
    parts = [rng.normal(size=shape) for shape in [(5, 3), (3, 4), 5, 3]]  # up, down, b, d
    compare(yours, [parts], answers.vera, answers.wrong_veras, "The change")


@exercise(
    "11-5",
    title="Frozen, random, and of full rank: RandLoRA (2025)",
    difficulty="medium",
    minutes=10,
    trains="a sum of scaled random pairs",
    hints=[
        "For one pair j: up[j] @ diag(lam[j]) @ down[j] @ diag(gam[j]).",
        "Sum over j. In one line: np.einsum('jor,jr,jri,ji->oi', up, lam, down, gam).",
    ],
    reference=answers.randlora,
    reason="N pairs of rank r reach rank min(N r, n_out, n_in), with N (r + n_in) trained numbers.",
)
def randlora(yours):
    rng = np.random.default_rng(5)
    shapes = [(3, 6, 2), (3, 2, 5), (3, 2), (3, 5)]  # up, down, lam, gam
    parts = [rng.normal(size=shape) for shape in shapes]
    compare(yours, [parts], answers.randlora, answers.wrong_randloras, "The change")


@exercise(
    "11-6",
    title="How many numbers does each train?",
    difficulty="easy",
    minutes=8,
    trains="counting before choosing",
    hints=[
        "Write down the shape of everything that is trained; what is frozen does not count.",
        "RandLoRA has N = ceil(shorter side / r) pairs, each with lam (r) and gam (the shorter "
        "side).",
        "The bottleneck has two linear layers with biases: (r, n_out) and (n_out, r).",
    ],
    reference=answers.trained,
    reason="These are the formulas that DeepRAG's own parameters are tested against.",
)
def trained(yours):
    for n_out, n_in, r in [(13, 7, 3), (6, 10, 4)]:
        mine = as_dict(call(yours, n_out, n_in, r))
        kinds = ", ".join(answers.KINDS)
        expect(isinstance(mine, dict), f"Return a dict with a number for each of {kinds}.")
        expect(set(answers.KINDS) <= set(mine), f"Give a number for each of {kinds}.")
        for kind in answers.KINDS:
            right = n_trained(kind, n_out, n_in, r)
            mistakes = answers.TRAINED_MISTAKES[kind]
            wrong = [(formula(n_out, n_in, r), message) for formula, message in mistakes]
            wrong = [pair for pair in wrong if pair[0] != right]
            finished(mine[kind], f"{kind} has no number yet.")
            expect_close(mine[kind], right, wrong, what=f"The number for {kind}", rtol=0)


@exercise(
    "11-7",
    title="A LoRA that spoils the network (debugging)",
    difficulty="medium",
    minutes=10,
    trains="a start that changes nothing, and can still learn",
    hints=[
        "At the start the change up @ down must be zero: which of the two may be random?",
        "If both are zero, both gradients are (lesson 08): nothing would ever move.",
        "up = zeros (n_out, r), down = normal numbers (r, n_in), from the generator that is handed "
        "in.",
    ],
    reference=answers.new_lora,
    reason="The product is zero, and one of the two gradients is not: that of the part that starts "
    "at zero. (Of up it is g down', of down it is up' g: the random part stands in it.)",
)
def new_lora(yours):
    n_out = 5
    n_in = 7
    r = 2
    answer = call(yours, n_out, n_in, r, np.random.default_rng(7))
    expect(
        isinstance(answer, tuple | list) and len(answer) == 2,
        "Return two arrays: up (n_out, r), then down (r, n_in).",
    )
    up, down = (as_array(part) for part in answer)
    shapes = up.shape, down.shape
    expect(
        shapes != ((r, n_in), (n_out, r)),
        "The two are in the wrong order: first up (n_out, r), then down (r, n_in).",
    )
    expect(
        shapes == ((n_out, r), (r, n_in)),
        f"up must be (n_out, r) and down (r, n_in); yours are {up.shape} and {down.shape}.",
    )
    expect(
        not np.allclose(up @ down, 0) or up.any() or down.any(),
        "Both are zero: then both gradients are, and it never learns (lesson 08).",
    )
    expect(
        np.allclose(up @ down, 0),
        "The change up @ down is not zero: before its first step it has already spoilt the "
        "network.",
    )
    random = up if up.any() else down
    expect(
        np.linalg.matrix_rank(random) == r,
        "All directions are the same: then rank r is rank 1. Draw the numbers from rng.",
    )
    same = call(yours, n_out, n_in, r, np.random.default_rng(7))
    expect(
        np.allclose(as_array(same[0] if up.any() else same[1]), random),
        "The same seed gives other numbers: draw from the rng that is handed in, or nobody can "
        "repeat the run.",
    )
    again = call(yours, n_out, n_in, r, np.random.default_rng(8))
    expect(
        not np.allclose(as_array(again[0]) if up.any() else as_array(again[1]), random),
        "Another seed gives the same numbers: draw them from the rng that is handed in.",
    )


@exercise(
    "11-8",
    title="How far can they reach? (a proof, then a number)",
    difficulty="medium",
    minutes=12,
    trains="rank of a sum of low-rank changes",
    hints=[
        "The columns of up_k @ down_k are combinations of the r columns of up_k.",
        "So the columns of the sum are combinations of all those columns together: how many are "
        "there?",
        "And no (n_out, n_in) matrix has more rank than its smaller side.",
    ],
    reference=answers.largest_rank,
    reason="dW_t is [up_s, up_1, ...] [down_s; down_1; ...], whose inner side is (1 + n) r.",
)
def largest_rank(yours):
    layers = [(12, 20, 3, 6), (12, 20, 3, 2), (20, 12, 5, 4), (20, 12, 1, 4)]
    compare(yours, layers, answers.largest_rank, answers.wrong_ranks, "The largest rank")


in_words(
    "11-9",
    title="Read a published table. Explain to a colleague",
    difficulty="medium",
    minutes=12,
    trains="saying what one run of each method can support",
    hints=[
        "How many runs does each row have? What would a second seed do to .478 and .474?",
        "Which two rows differ by so much that a seed is no likely reason?",
        "And which rows differ in more than the method: rank, learning rate, size?",
    ],
    draft={
        "a": Sentence(
            "LoRA with rank 32 and RandLoRA trained about as many numbers and scored alike.",
            True,
            "9.2 and 9.3 million, both .478: that is what the two rows say.",
        ),
        "b": Sentence(
            "So random bases are as good as trained ones.",
            False,
            "One model, one task, one run each, one setting: a tie of two numbers is no equality "
            "of methods.",
        ),
        "c": Sentence(
            "Full fine-tuning trained 3.2 billion numbers and did not score higher than LoRA.",
            True,
            ".472 against .478: in these runs it did not. That it never does is another claim.",
        ),
        "d": Sentence(
            "rsLoRA at rank 64 is better than LoRA at rank 64 by four points, which one run "
            "proves.",
            False,
            "One run proves no difference of methods: its size hints at one, and asks for more "
            "seeds.",
        ),
        "e": Sentence(
            "VeRA's low score may be the price of its 0.13 million numbers, or of its learning "
            "rate.",
            True,
            "The table cannot tell them apart: nobody says that each method's learning rate was "
            "tuned.",
        ),
        "f": Sentence(
            "The table shows which method is best for four sentiment tasks.",
            False,
            "It has one task, in mathematics. Nothing in it is about several tasks.",
        ),
    },
    model="The table has one run for each method on one task. It supports that LoRA and RandLoRA "
    "at about 9 million numbers came out alike there, and that training everything gave no visible "
    "gain. It does not say how much a second seed would change, nor whether every method's "
    "learning rate was tuned; so differences of a point are not findings. VeRA and LoRA-FA are far "
    "lower, with far fewer numbers. To choose for our tasks I would run two or three methods at "
    "one budget, tuned alike, on several seeds.",
    tempting="RandLoRA equals LoRA and beats full fine-tuning, so random bases are all you need.",
    flaw="One run a row cannot rank methods that differ by a point, and one task says nothing "
    "about ours.",
    rubric=[
        "says that each row is one run",
        "names what the table does support, with its numbers",
        "names something that differs besides the method, or may be untuned",
        "says what would be run for one's own tasks",
    ],
)


@exercise(
    "11-10",
    title="Which laws survive? (an experiment)",
    difficulty="hard",
    minutes=15,
    trains="telling which proofs needed a linear model",
    hints=[
        "Which proofs used only sums and gradients, and which used that J has a single bottom?",
        "Conservation and balance: write down dJ/d(dW_s) and dJ/d(dA_t) in one layer.",
        "Look at the table that the experiment printed, law by law.",
    ],
    reference=answers.LAWS,
    reason="What follows from sums and gradients survives; what needed a convex J does not.",
)
def laws(yours):
    expect(isinstance(yours, dict), 'Hand over a dict: {"collapse": "survives", ...}.')
    finished(yours, "Some laws have no answer yet.")
    expect(
        set(yours) == set(answers.LAWS), f"Give an answer for each of {', '.join(answers.LAWS)}."
    )
    for law, right in answers.LAWS.items():
        mine = str(yours[law]).strip().lower()
        expect(
            mine in ("survives", "fails", "open"), f'{law}: write "survives", "fails" or "open".'
        )
        expect(mine == right, answers.LAW_MESSAGES[law])


@exercise(
    "11-11",
    title="When does merging pay?",
    difficulty="medium",
    minutes=10,
    trains="counting multiplications",
    hints=[
        "Merging makes up @ down once: n_out x n_in entries, r multiplications each.",
        "Unmerged, every token goes through down (r n_in) and up (r n_out).",
        "Divide the first by the second. Which letter cancels?",
    ],
    reference=answers.tokens_until_merging_pays,
    reason="n_out n_in / (n_out + n_in): r cancels. For 384 x 384 it is 192 tokens, a dozen "
    "sentences.",
)
def tokens_until_merging_pays(yours):
    layers = [(384, 200, 8), (30, 50, 3)]
    right = answers.tokens_until_merging_pays
    compare(yours, layers, right, answers.wrong_tokens, "The number of tokens")


@exercise(
    "11-12",
    title="Design under a budget (an experiment)",
    difficulty="hard",
    minutes=15,
    trains="choosing kind and rank by formula, then checking by running",
    hints=[
        "Take your numbers of 11-6 for the two layers of each block: (16, 16) and (32, 16).",
        "Sum over the four layers; one adapter may train at most the budget.",
        "A LoRA of rank 1 or 2 is small. VeRA is smaller still, but at the learning rate that "
        "adapted takes by itself it hardly leaves W_0: adapted(kind, rank, seed, lr=0.1).",
        "adapted(kind, rank, seed)[0] for seeds 0, 1, 2 gives the three scores.",
    ],
    reference={"kind": "low_rank", "rank": 2, "scores": [0.66, 0.64, 0.68]},
    reason="It is inside the budget, and by the scores that you typed it does the work. Only you "
    "know that they came from runs: the check trains nothing.",
)
def design(yours):
    expect(
        isinstance(yours, dict) and {"kind", "rank", "scores"} <= set(yours),
        'Hand over a dict with "kind", "rank" and "scores".',
    )
    for key in ("kind", "rank", "scores"):
        finished(yours[key], f"There is no {key} yet.")
    expect(yours["kind"] in DEEP_KINDS, f"kind is one of {', '.join(DEEP_KINDS)}.")
    rank = float(yours["rank"])
    expect(rank >= 1 and rank % 1 == 0, f"rank is a whole number, 1 or more; yours is {rank:g}.")
    shapes = [(16, 16), (32, 16)] * 2
    count = sum(n_trained(yours["kind"], *shape, int(rank)) for shape in shapes)
    expect(
        count <= answers.BUDGET,
        f"One adapter of this kind and rank trains {count} numbers; the budget is "
        f"{answers.BUDGET}.",
    )
    scores = np.atleast_1d(as_array(yours["scores"]))
    expect(scores.ndim == 1, "scores is a list of numbers: one accuracy for each seed.")
    expect(len(scores) >= 3, f"{len(scores)} run(s): three seeds or more, one may be luck.")
    expect(
        np.unique(scores.round(9)).size > 1,
        "All scores are equal: did every run get a seed of its own?",
    )
    expect(((scores > 0) & (scores <= 1)).all(), "A score is an accuracy, between 0 and 1.")
    expect(
        scores.mean() >= answers.BAR,
        f"The mean accuracy is {scores.mean():.2f}, below {answers.BAR}: it costs little and does "
        "little.",
    )
