"""Milestones of the vision lab: scenes of handwritten digits as tasks."""

import numpy as np

from ragteach.teach.checks import call, exercise, expect, expect_close
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_lab_vision as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ lab_vision-1


@exercise(
    "lab_vision-1",
    title="The model of the negative (a proof, then two lines)",
    difficulty="easy",
    minutes=12,
    trains="reading a weight matrix as images",
    hints=[
        "Write W' (1 - x) + b' and ask for which W' and b' it is W x + b, whatever x is.",
        "W' 1 - W' x + b' = W x + b for all x. Compare what stands before x.",
        "W' = -W. What is left is W' 1 + b' = b, and (W 1)_c is the sum of row c of W.",
    ],
    reference=answers.inverted_model,
    reason="The weights of the negative are the weights of the scene, negated. So W_s, which both "
    "would share, is pulled both ways: sharing cannot help as long as the adapter has to undo it.",
)
def inverted_model(yours):
    """(W, b) -> (W', b') with W' (1 - x) + b' = W x + b."""
    rng = np.random.default_rng(4)
    W = rng.normal(size=(3, 5))
    b = rng.normal(size=3)
    x = rng.random((4, 5))
    found = call(yours, W, b)
    expect(
        isinstance(found, tuple | list) and len(found) == 2,
        "Return two things: the new W, and the new b.",
    )
    expect_close(
        found[0],
        -W,
        wrong=[
            (W, "This is W itself. On 1 - x a bright pixel is a dark one: what must W do?"),
            (
                1 - W,
                "The images are taken from 1, the weights are not. Compare what stands before x.",
            ),
        ],
        what="The new W",
    )
    expect_close(
        found[1],
        b + W.sum(1),
        wrong=[
            (
                b,
                "b did not move. W' is also applied to the 1 in 1 - x, and that has to be made "
                "good.",
            ),
            (-b, "b is not negated: put x = 1, an image that is all ink, into both sides."),
            (b - W.sum(1), "The sum of the rows has the wrong sign: b' = b - W' 1, and W' = -W."),
            (1 - b, "Only the pixels are taken from 1. Put x = 0 into both sides to find b'."),
            (b + W.sum(), "Each class has its own sum: the sum of its row of W, not of all of W."),
            (b + W.mean(1), "The sum of each row, not its mean: W' 1 adds up all pixels."),
        ],
        what="The new b",
    )
    expect_close(
        (1 - x) @ as_array(found[0]).T + as_array(found[1]), x @ W.T + b, what="W'(1-x)+b'"
    )


# ------------------------------------------------------------------ lab_vision-2


@exercise(
    "lab_vision-2",
    title="Undo what you know (an experiment with scenes)",
    difficulty="medium",
    minutes=15,
    trains="putting knowledge into the representation before asking adapters to learn it",
    hints=[
        "Three cases: rotated, inverted, and all others, which stay as they are.",
        "The scene was made by np.rot90(images, axes=(1, 2)), a quarter turn anticlockwise.",
        "np.rot90(images, -1, axes=(1, 2)) turns it back; 1 - images undoes the negative.",
    ],
    reference=answers.undo,
    reason="These two scenes were changed in a way that you know exactly. No data are needed to "
    "undo it.",
)
def undo(yours):
    """(images, scene) -> the images as the plain scene would have them."""
    from ragteach.data.sources.scenes import seen

    images = np.random.default_rng(7).random((3, 8, 8)).astype("float32")
    turned = seen(images, "rotated")
    mine = as_array(call(yours, turned, "rotated"))
    expect(
        mine.shape == images.shape,
        f"Give images of the shape they came in, {images.shape}; yours has shape {mine.shape}.",
    )
    expect_close(
        mine,
        images,
        wrong=[
            (
                turned,
                "The rotated scene comes back as it went in. Turn it by a quarter, clockwise.",
            ),
            (
                np.rot90(turned, axes=(1, 2)),
                "Turned further: the image is upside down now. Turn it back.",
            ),
            (
                turned.transpose(0, 2, 1),
                "A transposed image is mirrored too. Use np.rot90 with k = -1.",
            ),
            (turned[:, ::-1], "A flip is no turn: it leaves rows where columns were."),
            (turned[:, :, ::-1], "A mirror is no turn: it leaves rows where columns were."),
        ],
        what="The rotated scene, turned back",
    )
    inverted = seen(images, "inverted")
    expect_close(
        call(yours, inverted, "inverted"),
        images,
        wrong=[
            (inverted, "The inverted scene comes back as it went in. Ink is 0 there, paper is 1."),
            (-inverted, "The scene is 1 - x, so -(1 - x) is x - 1: a one is missing."),
        ],
        what="The inverted scene, undone",
    )
    for scene in ("plain", "half hidden", "noisy", "another pen"):
        same = call(yours, images, scene)
        expect_close(
            same,
            images,
            wrong=[
                (1 - images, f"{scene!r} was inverted; leave it as it is."),
                (np.rot90(images, -1, axes=(1, 2)), f"{scene!r} was turned; leave it as it is."),
                (
                    lambda same=same: same,
                    f"{scene!r} was changed. What would undo it is not known exactly: leave it as "
                    "it is.",
                ),
            ],
            what=f"The scene {scene!r}",
        )


# ------------------------------------------------------------------ lab_vision-3


@exercise(
    "lab_vision-3",
    title="A paired interval",
    difficulty="medium",
    minutes=12,
    trains="comparing two models on the same images",
    hints=[
        "Both models met the same images. Take the difference image by image: -1, 0 or 1.",
        "The interval of a mean: mean +- 1.96 times standard deviation over the root of n.",
        "gap = mine - theirs as numbers; half = 1.96 * gap.std(ddof=1) / n ** 0.5.",
    ],
    reference=answers.paired,
    reason="Where both are right or both are wrong the difference is 0 and adds no noise.",
)
def paired(yours):
    """(mine, theirs) -> (difference, low, high) on the same images."""
    rng = np.random.default_rng(3)
    mine = rng.random(200) < 0.8
    theirs = np.where(rng.random(200) < 0.85, mine, rng.random(200) < 0.4)
    right = answers.paired(mine, theirs)
    gap = mine.astype(float) - theirs

    def around(half, middle=right[0]):
        return middle, middle - half, middle + half

    sd = gap.std(ddof=1)
    n = len(gap)
    unpaired = 1.96 * np.sqrt(mine.var(ddof=1) / n + theirs.var(ddof=1) / n)
    found = call(yours, mine, theirs)
    expect(
        as_array(found).shape == (3,),
        "Return three numbers: the difference, the low and the high end.",
    )
    expect_close(
        found,
        right,
        wrong=[
            (
                around(unpaired),
                "These are two separate intervals put together. Take the difference of "
                "each image first: that is what pairing is.",
            ),
            (
                around(1.96 * sd),
                "This is the spread of single images. The mean of n has it over the root of n.",
            ),
            (around(1.96 * sd / n), "Divide by the root of n, not by n."),
            (
                around(sd / n**0.5),
                "That is one standard error each way, a 68 % interval. 95 % needs 1.96.",
            ),
            (around(1.96 * sd / n**0.5, -right[0]), "This is theirs minus mine: mine comes first."),
            (tuple(100 * v for v in right), "As a share, not in per cent."),
            ((right[0], right[2], right[1]), "The low end comes before the high one."),
            (around(1.96 * np.abs(gap).std(ddof=1) / n**0.5), "The difference has a sign: no abs."),
        ],
        what="(difference, low, high)",
        rtol=0,
        atol=5e-4,  # a standard deviation over n or over n - 1
    )


# ------------------------------------------------------------------ lab_vision-4


@exercise(
    "lab_vision-4",
    title="What a new scene costs",
    difficulty="easy",
    minutes=8,
    trains="counting the numbers of low-rank adapters",
    hints=[
        "In a layer with n_in inputs and n_out outputs the change is up (n_out, r) times down (r, "
        "n_in).",
        "That is r n_out + r n_in numbers for one layer.",
        "Add it up over the layers.",
    ],
    reference=answers.adapter_numbers,
    reason="A full copy of a layer has n_in n_out numbers; thin factors have r (n_in + n_out).",
)
def adapter_numbers(yours):
    """(layers, rank) -> numbers of a low-rank adapter in all layers."""
    # Three layers first: in two that fit together, the inputs of both are the sides of the first.
    for layers, r in (([(20, 20), (20, 5), (5, 3)], 3), ([(64, 32), (32, 10)], 8)):
        first = layers[0]
        expect_close(
            call(yours, layers, r),
            answers.adapter_numbers(layers, r),
            wrong=[
                (
                    sum(i * o for i, o in layers),
                    "That is a full copy of every layer; where is the rank?",
                ),
                (
                    sum(r * i * o for i, o in layers),
                    "r times the whole layer: the factors are thin, so add "
                    "their sides, do not multiply them.",
                ),
                (
                    sum(r * i for i, o in layers),
                    "One factor is missing: there is also the one with n_out rows.",
                ),
                (
                    sum(r * o for i, o in layers),
                    "One factor is missing: there is also the one with n_in columns.",
                ),
                (r * sum(first), "That is the first layer only. Add up over the layers."),
                (sum(i + o for i, o in layers), "That is rank 1. Each side counts r times."),
                (
                    sum(r * (i + o) + o for i, o in layers),
                    "Biases belong to the frozen layer: the adapter has none.",
                ),
                (
                    sum(r * (i + o) + r * r for i, o in layers),
                    "There is no r x r matrix between the two factors.",
                ),
            ],
            what=f"The count for {layers} and rank {r}",
        )


# ------------------------------------------------------------------ lab_vision-5

in_words(
    "lab_vision-5",
    title="The report",
    difficulty="hard",
    minutes=25,
    trains="saying what adapters are worth here, and what would change your mind",
    hints=[
        "For each sentence find the number in this notebook that speaks for or against it.",
        "Is the claim about these six scenes, or about all pictures? And against which rival?",
    ],
    draft={
        "a": Sentence(
            "On the raw scenes RAG is about as good as independent models: sharing bought nothing.",
            True,
            "The paired interval of the two holds zero.",
        ),
        "b": Sentence(
            "RAG is far better than full sharing on the raw scenes, so adapters are worth it here.",
            False,
            "It is better, but independent models are as good, and one support vector machine for "
            "all scenes is better than both. The strongest rival decides.",
        ),
        "c": Sentence(
            "The inverted scene helps no other scene, because its digits are different.",
            False,
            "Its digits are the same. Its weights are the negative of the others', so W_s can "
            "serve only one side.",
        ),
        "d": Sentence(
            "After undoing the turn and the negative, one matrix for all six beats a matrix for "
            "each.",
            True,
            "240 training images instead of 40 for nearly the same weights: many points, and the "
            "interval is clear.",
        ),
        "e": Sentence(
            "Which scenes can share is a property of the scenes alone.",
            False,
            "It is one of scenes and representation: undo the negative, and inverted shares with "
            "all.",
        ),
        "f": Sentence(
            "With a hundred times as many images of each scene I would expect sharing to matter "
            "less.",
            True,
            "Sharing saves examples. Where each task has plenty of its own there is little left to "
            "save.",
        ),
    },
    model="Six views of digits, 40 images each; 600 images are held out. On raw pixels RAG is "
    "right in .63 [.60, .67]. RAG minus independent models is -.007 [-.020, .007]; one support "
    "vector machine for all scenes is ahead of RAG by 16 points [12, 20], and full sharing 25 "
    "behind it [21, 29]. So RAG is of no use on raw pixels. Which scenes can share depends on the "
    "representation: plain, half hidden and another pen help noisy, by 18, 10 and 9 points, clear "
    "over six draws; inverted has plain's weights negated and rotated has them in other places, so "
    "neither can share. After undoing both, full sharing is 14 points [12, 16] ahead of "
    "independent models, and RAG is not seen to add to it, -0.9 [-2.1, 0.4]. A seventh scene costs "
    "its forty images: an adapter on a frozen network is then not seen to beat a network of its "
    "own, 0.7 points [-6.3, 7.6] for another pen and -4.5 [-11.6, 2.6] for rotated; nor with ten "
    "images where the scene resembles known ones, 8 [-2, 18]. (All draws split one collection "
    "again: these intervals are the corrected ones.) I recommend: undo what is known, "
    "then share all. What would change my mind: a scene whose change nobody knows, on which an "
    "adapter beats full sharing on held-out images, by a paired interval above zero.",
    tempting="RAG beats full sharing by more than twenty points, so the adapters work. Inverted "
    "pictures need an adapter of their own, which RAG provides. More adapters would help further.",
    flaw="The rival was chosen to lose: independent models are as good, and a support vector "
    "machine is better. Knowing the change, one line of code does what the adapter could not learn "
    "from 40 images.",
    rubric=[
        "names the strongest rival, not only full sharing",
        "gives differences with paired intervals, on held-out images",
        "says which scenes can share, and that it depends on the representation",
        "says plainly where RAG is of no use here",
        "says what a seventh scene costs, with its number",
        "says what would change your mind: a finding that could be made",
    ],
)
