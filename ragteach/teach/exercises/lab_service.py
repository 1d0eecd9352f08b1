"""Milestones of the service lab: three tasks in one message, an answer, and when to say "I don't know"."""

import numpy as np

from ragteach.teach.checks import Wrong, call, exercise, expect, expect_close, finished
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_lab_service as answers
from ragteach.teach.written import Sentence, in_words

# ------------------------------------------------------------------ lab_service-1


@exercise(
    "lab_service-1",
    title="What a reply costs",
    difficulty="easy",
    minutes=8,
    trains="judging by what mistakes cost, not by how many there are",
    hints=[
        "Three cases: None costs person; a right answer costs 0; any other costs wrong.",
        "Divide the sum by the number of all messages, also of those that a person reads.",
        "sum(person if s is None else wrong * (s != t) for s, t in zip(said, truth)) / len(said)",
    ],
    reference=answers.mean_cost,
    reason="A message that no answer fits has the truth '': then every answer is wrong, and None "
    "is the best reply.",
)
def mean_cost(yours):
    """(said, truth, wrong, person) -> the mean cost; None means that a person reads it."""
    said = ["track", None, "cancel", "label", None, "track", "facts", "stock"]
    truth = ["track", "label", "edit", "label", "", "search", "", "stock"]
    for wrong, person in ((4.0, 1.25), (5.0, 0.5)):
        n_wrong = 3
        n_person = 2
        n = len(said)
        right = answers.mean_cost(said, truth, wrong, person)
        found = call(yours, said, truth, wrong, person)
        finished(found, "Return the mean cost.")
        expect_close(
            found,
            right,
            wrong=[
                (n_wrong * wrong / n, "None costs something too: a person reads that message."),
                ((n_wrong + n_person) * wrong / n, "None is not a wrong answer. It costs person."),
                (n_person * person / n, "A wrong answer costs wrong."),
                (right * n, "That is the sum. Divide by the number of messages."),
                (
                    right * n / (n - n_person),
                    "Divide by all messages, also by those that a person reads.",
                ),
                ((n_wrong * person + n_person * wrong) / n, "The two costs are exchanged."),
                (
                    ((n_wrong - 1) * wrong + n_person * person) / n,
                    "A truth of '' is no right answer: what is said there is wrong.",
                ),
                (
                    n_wrong * 3.0 / n + n_person * 1.0 / n,
                    "Use the arguments wrong and person, not 3 and 1.",
                ),
                ((3 * wrong + n_person * person) / n, "A right answer costs nothing."),
                (n_wrong / n, "That is the share of wrong answers. Each has its cost."),
            ],
            what="The mean cost",
        )


# ------------------------------------------------------------------ lab_service-2


@exercise(
    "lab_service-2",
    title="The nearest message",
    difficulty="medium",
    minutes=12,
    trains="retrieval as one product of matrices",
    hints=[
        "cosine of two rows: their product over the product of their lengths.",
        "Give every row the length 1 first: x / np.linalg.norm(x, axis=1, keepdims=True).",
        "cosine = asked @ known.T is (n, m); then argmax(1) and max(1).",
    ],
    reference=answers.nearest,
    reason="TF-IDF rows have length 1 already, so there the product is the cosine. An encoder's "
    "rows may be longer.",
)
def nearest(yours):
    """(asked, known) -> place and cosine of the nearest known row of each asked one."""
    rng = np.random.default_rng(4)
    known = rng.random((6, 5)) * np.array([[1.0], [4.0], [0.5], [9.0], [2.0], [1.0]])
    asked = rng.random((4, 5)) * np.array([[2.0], [0.4], [1.0], [3.0]])
    place, cosine = answers.nearest(asked, known)
    found = call(yours, asked, known)
    expect(
        isinstance(found, tuple | list) and len(found) == 2,
        "Return two things: the places, and their cosines.",
    )
    product = asked @ known.T
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (asked, known)]
    table = unit[0] @ unit[1].T
    distance = np.linalg.norm(asked[:, None] - known[None], axis=2)
    expect_close(
        found[0],
        place,
        wrong=[
            (
                product.argmax(1),
                "A long row has a large product with everything. Divide by the lengths.",
            ),
            (
                distance.argmin(1),
                "That is the least distance. A long and a short row may point the same way: "
                "cosine.",
            ),
            (table.argmin(1), "That is the farthest: take the highest cosine."),
            (
                table.argmax(0),
                "That is the nearest asked row of each known one. Turn it round: argmax(1).",
            ),
            (cosine, "First the places, then the cosines."),
            (place + 1, "Places count from 0."),
            (table.argsort(1)[:, -2], "That is the second nearest."),
        ],
        what="The places",
    )
    expect_close(
        found[1],
        cosine,
        wrong=[
            (product.max(1), "Divide by the lengths of both rows."),
            (product[np.arange(4), place], "Divide by the lengths of both rows."),
            ((unit[0] @ known.T).max(1), "Divide by the lengths of the known rows too."),
            ((asked @ unit[1].T).max(1), "Divide by the lengths of the asked rows too."),
            (1 - cosine, "That is a distance. Return the cosine, 1 minus it."),
            (distance.min(1), "That is a distance. Return the cosine."),
            (table, "Only the highest of each row."),
            (place, "Second come the cosines, not the places again."),
        ],
        what="The cosines",
    )


# ------------------------------------------------------------------ lab_service-3


@exercise(
    "lab_service-3",
    title="When to be silent",
    difficulty="hard",
    minutes=15,
    trains="choosing a threshold by its cost, on validation",
    hints=[
        "Only the cosines that occur need a try, and infinity: then a person reads everything.",
        "At t, a message is answered where cosine >= t. Its cost is 0 or wrong; all others cost "
        "person.",
        "costs = [np.where(cosine >= t, np.where(right, 0, wrong), person).mean() for t in tries]; "
        "the smallest wins.",
    ],
    reference=answers.threshold,
    reason="On the messages that chose it, a threshold looks better than it is. So its price is "
    "told on others.",
)
def threshold(yours):
    """(cosine, right, wrong, person) -> a threshold of the least cost; its cost is what is
    judged.
    """
    rng = np.random.default_rng(11)
    mixed = rng.permutation(np.linspace(0.21, 0.87, 40))
    cases = [
        (mixed, rng.random(40) < mixed, 3.0, 1.0, "messages like those of the lab"),
        (mixed, rng.random(40) < mixed, 1.2, 1.0, "wrong answers that cost little"),
        (
            np.array([0.3, 0.5, 0.7]),
            np.array([True, True, False]),
            4.0,
            1.0,
            "a nearest that is wrong",
        ),
        (np.array([0.2, 0.6, 0.4]), np.array([True, True, True]), 3.0, 1.0, "all of them right"),
    ]
    for cosine, right, wrong, person, what in cases:
        best = answers.threshold(cosine, right, wrong, person)

        def cost(t, cosine=cosine, right=right, wrong=wrong, person=person):
            return np.where(cosine >= t, np.where(right, 0, wrong), person).mean()

        found = call(yours, cosine, right, wrong, person)
        finished(found, "Return the threshold.")
        t = as_array(found)
        expect(t.size == 1, f"Return one number; this has shape {t.shape}.")
        t = float(t.reshape(()))
        expect(not np.isnan(t), "The threshold is nan.")
        if np.isclose(cost(t), cost(best)) or np.isclose(cost(t - 1e-6), cost(best)):
            continue  # a float32 may lie a little above the cosine that it stands for
        tries = [*np.unique(cosine), np.inf]
        accuracies = [np.mean(right[cosine >= h]) if (cosine >= h).any() else 0.0 for h in tries]
        known = [
            (
                _best(tries, cosine, right, 3.0, 1.0),
                "Use the arguments wrong and person, not 3 and 1.",
            ),
            (
                tries[int(np.argmax([cost(h) for h in tries]))],
                "That is the dearest threshold. Take the cheapest.",
            ),
            (
                tries[int(np.argmax(accuracies))],
                "That one has the highest hit rate among what it answers. It leaves "
                "too much to people: count their cost.",
            ),
            (_best(tries, cosine, right, person, wrong), "The two costs are exchanged."),
            (_best(tries, cosine, right, wrong, 0.0), "A person costs something too."),
            (
                _best(tries, -cosine, right, wrong, person),
                "Answer where the cosine is at least t, not below it.",
            ),
            (cost(best), "That is the least cost. Return the threshold that has it."),
            (
                _place(tries, cost),
                "That is a place in the list of tries. Return the threshold itself.",
            ),
            (np.median(cosine), "The median looks at no costs."),
            (np.mean(cosine), "The mean looks at no costs."),
            (
                1 - person / wrong,
                "That is the rule for probabilities. A cosine is none: try the thresholds.",
            ),
        ]
        if np.isinf(t) and not np.isinf(best):
            known.append((np.inf, "Some answers pay: infinity leaves everything to people."))
        if np.isinf(best):
            finite = tries[int(np.argmin([cost(h) for h in tries[:-1]]))]
            known.insert(
                0, (finite, "Here no answer pays. Try infinity too: a person reads everything.")
            )
        for value, message in known:
            expect(not np.isclose(t, value), message)
        raise Wrong(
            f"For {what} a threshold of {t:.3g} costs {cost(t):.3f} a message, and "
            f"{cost(best):.3f} is possible.",
            rule=True,
        )


def _best(tries, cosine, right, wrong, person):
    costs = [np.where(cosine >= t, np.where(right, 0, wrong), person).mean() for t in tries]
    return tries[int(np.argmin(costs))]


def _place(tries, cost):
    return int(np.argmin([cost(t) for t in tries]))


# ------------------------------------------------------------------ lab_service-4


@exercise(
    "lab_service-4",
    title="How sure is sure enough?",
    difficulty="medium",
    minutes=10,
    trains="turning costs into a rule for probabilities",
    hints=[
        "Answering costs (1 - p) * wrong on average. Not answering costs person.",
        "Set the two equal and solve for p.",
        "p = 1 - person / wrong. Where that is below 0, answering always pays.",
    ],
    reference=answers.enough,
    reason="No validation messages are needed for it. But the probabilities must be honest: of "
    "what is said with .8, four in five must be right.",
)
def enough(yours):
    """(wrong, person) -> the probability from which on an answer costs less than a person."""
    for wrong, person in ((7, 2), (3.0, 1.0), (10.0, 4.0), (1.0, 2.0), (2.0, 2.0)):
        right = answers.enough(wrong, person)
        found = call(yours, wrong, person)
        finished(found, "Return the probability.")
        if wrong < person and np.ndim(found) == 0 and np.isclose(found, 1 - person / wrong):
            continue  # below 0: from any probability on, which is the same rule
        known = [
            (
                person / wrong,
                "At that p a *wrong* answer is as likely as it may be: take 1 minus it.",
            ),
            (1 - wrong / person, "The two costs are exchanged."),
            (
                wrong / (wrong + person),
                "A right answer costs nothing here; set (1 - p) wrong equal to person.",
            ),
            (
                person / (wrong + person),
                "That is a person's share of both costs. Compare (1 - p) wrong with person.",
            ),
            ((wrong - person) / person, "Divide by what a wrong answer costs."),
            (wrong - person, "That is a difference of costs. Divide it by wrong."),
            (
                (wrong - person) / (wrong + person),
                "Divide by what a wrong answer costs alone: (1 - p) wrong equals person.",
            ),
            (100 * right, "As a share, not in per cent."),
            (0.5, "One half looks at no costs."),
            (2 / 3, "Use the arguments: 2/3 is right for 3 and 1 only."),
        ]
        expect_close(
            found,
            right,
            wrong=known,
            what=f"The probability where a wrong answer costs {wrong:g} and a person {person:g}",
        )


# ------------------------------------------------------------------ lab_service-5


@exercise(
    "lab_service-5",
    title="Why this class and not the other?",
    difficulty="medium",
    minutes=10,
    trains="explaining a linear reader by numbers that add up",
    hints=[
        "A class's score is W[c] @ x + b[c]. Subtract the rival's score.",
        "The difference of the scores is a sum over features, plus a difference of biases.",
        "(W[said] - W[rival]) * x",
    ],
    reference=answers.reasons,
    reason="Summed, and with the difference of the biases, they are exactly the lead of one class "
    "over the other: nothing is left unexplained.",
)
def reasons(yours):
    """(x, W, said, rival) -> (d,) what each feature speaks for said and against rival."""
    rng = np.random.default_rng(8)
    x = rng.random(6) * np.array([1, 0, 1, 1, 0, 1])
    W = rng.normal(size=(4, 6))
    said = 2
    rival = 0
    right = answers.reasons(x, W, said, rival)
    found = call(yours, x, W, said, rival)
    finished(found, "Return one number a feature.")
    expect_close(
        found,
        right,
        wrong=[
            (
                W[said] * x,
                "What speaks for this class may speak for the other as much. Subtract the rival's "
                "weights.",
            ),
            (
                W[said] - W[rival],
                "These are weights. Times x: a word that is not there says nothing.",
            ),
            (-right, "For said and against rival: W[said] minus W[rival]."),
            (right.sum(), "That is the sum, the whole lead. One number a feature is asked for."),
            (abs(right), "Keep the sign: some words speak against it."),
            ((W[said] - W.mean(0)) * x, "Against the rival, not against the mean of all classes."),
            (W * x, "Of two classes only: row said minus row rival."),
            (
                (W[:, said - 1] - W[:, rival])[:, None],
                "Rows of W are classes, columns are features.",
            ),
        ],
        what="The list of reasons",
    )


# ------------------------------------------------------------------ lab_service-6

in_words(
    "lab_service-6",
    title="The report",
    difficulty="hard",
    minutes=25,
    trains="telling a firm what a model may decide alone",
    hints=[
        "Which number does the firm pay: accuracy, hit rate or cost?",
        "On which messages was the threshold chosen, and on which was its price told?",
    ],
    draft={
        "a": Sentence(
            "RAG is of use here, for its heads read all three tasks far better than the majority "
            "class.",
            False,
            "Independent heads and scikit-learn do so too, and the paired intervals hold zero.",
        ),
        "b": Sentence(
            "A bot that always answers costs more than people who read everything.",
            True,
            "Its cost is about 1.8 a message, the interval well above 1: six in ten answers are "
            "wrong, at 3 each.",
        ),
        "c": Sentence(
            "The hit rate of what is answered rises with the threshold, so the highest threshold "
            "is the best.",
            False,
            "It answers hardly anything then, and everything else costs a person. The cost "
            "decides.",
        ),
        "d": Sentence(
            "Retrieval with its threshold saves the firm money: 0.96 is below 1.",
            False,
            "Its interval on the held-out messages goes from .87 to 1.08: it holds 1.",
        ),
        "e": Sentence(
            "A message that no template fits must be answered by a person, and a share of the test "
            "must be of that kind.",
            True,
            "A test of known questions only hides what a bot does with all others.",
        ),
        "f": Sentence(
            "The numbers are for equal costs of all sixteen answers, and another shop's costs may "
            "turn them round.",
            True,
            "At 1.5 for a wrong answer the rule answers half of the validation messages; at 10 it "
            "asks for p = .9 and answers four of 112, too few to see any saving.",
        ),
    },
    model="Three tasks in one message, each with classes of its own, so each has a head. On 144 "
    "held-out messages the mean accuracy of RAG is .61 [.55, .66]. RAG minus independent -.007 "
    "[-.030, .016]; from full sharing and scikit-learn's logistic regression it cannot be told "
    "either. RAG is no use here. What the firm pays is the cost, on 168 messages. People alone "
    "cost 1. A bot that always answers as the nearest message was answered costs 1.80 [1.57, "
    "2.02]. With a threshold from the validation messages it answers 27 %, .71 [.57, .82] of them "
    "rightly, at .96 [.87, 1.08]: no clear saving. The reader that answers only where p is at "
    "least 2/3, which the costs say, answers 15 %, .92 [.76, .98] of them rightly, at .88 [.82, "
    ".95]: a small, clear saving against people; that it is cheaper than the threshold is not "
    "clear, -.08 [-.20, .02]. Of the 24 messages that no answer fits, one got an answer (24 "
    "without a threshold). I would let it answer, with people behind it, and collect real "
    "messages. What would change my mind: a month of real mail in which its cost is above 1, or "
    "answers that are not equally harmless when wrong.",
    tempting="The bot reads sentiment and intent right in two of three messages and finds the "
    "answer in half of them, where guessing finds one in sixteen. With the threshold seven in ten "
    "answers are right. It should answer the customers.",
    flaw="Guessing is not the rival; people are. Three wrong answers in ten, at three times a "
    "person's cost, eat nearly all that the right ones save, and the interval says so.",
    rubric=[
        "says plainly whether RAG is of use, by paired intervals",
        "gives the cost as the headline, with its interval, beside people alone",
        "says how much is answered, and how much of it is right",
        "says on which messages the threshold was chosen",
        "says what happens with messages that no answer fits",
        "says what would change your mind",
    ],
)
