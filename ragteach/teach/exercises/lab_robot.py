"""Milestones of the robot lab: grid worlds as tasks, buttons as classes."""

import numpy as np
from scipy import stats

from ragteach.data.sources.grids import read_grid
from ragteach.teach.checks import call, exercise, expect, expect_close
from ragteach.teach.drawing import as_array
from ragteach.teach.exercises import answers_lab_robot as answers
from ragteach.teach.written import Sentence, in_words

# A yard with ice, a wall and a cell that no way leaves.
YARD = read_grid("..~~.\n.#.~.\n...#G\n.#.#.")
SHUT = read_grid("..#G\n..#.\n..#.")  # the two columns on the left lead nowhere

# ------------------------------------------------------------------ lab_robot-1


@exercise(
    "lab_robot-1",
    title="An expert of your own",
    difficulty="medium",
    minutes=15,
    trains="value iteration: the shortest way from every cell at once",
    hints=[
        "d(goal) = 0. For every other cell: one move, then the best of what follows.",
        "Begin with infinity everywhere, but 0 at the goal. Then d = min(d, 1 + min over buttons "
        "of d[leads]).",
        "Repeat it as often as there are cells: no shortest way is longer.",
    ],
    reference=answers.moves_left,
    reason="The expert presses a button that leads to a cell with one move less. Cells that no way "
    "leads from keep infinity: min(inf, 1 + inf).",
)
def moves_left(yours):
    """(leads, goal) -> fewest moves from every cell."""
    for grid in (YARD, SHUT):
        leads = grid.next
        goal = grid.goal
        right = answers.moves_left(leads, goal)
        once = np.full(len(leads), np.inf)
        once[goal] = 0
        once = np.minimum(once, 1 + once[leads].min(1))
        off = np.abs(np.array(grid.cells) - grid.cells[goal]).sum(1)
        found = as_array(call(yours, leads.copy(), goal))
        expect(
            found.shape == right.shape,
            f"One number for each cell: shape {right.shape}; yours is {found.shape}.",
        )
        forward = _from_goal(leads, goal)
        worst = _without_the_best(leads, goal)
        expect_close(
            found,
            right,
            wrong=[
                (right + 1, "One too many: at the goal no move is left, d(goal) = 0."),
                (
                    np.where(right == 0, 1, right),
                    "At the goal no move is left: d(goal) = 0, whatever its buttons lead to.",
                ),
                (right - 1, "One too few: the move itself counts, 1 + the rest."),
                (
                    once,
                    "One sweep reaches the neighbours only. Repeat it, as often as there are "
                    "cells.",
                ),
                (
                    np.where(np.isinf(right), -1, right),
                    "From some cells no way leads to the goal. They keep "
                    "infinity: -1 would look like the best of all.",
                ),
                (
                    np.where(np.isinf(right), 0, right),
                    "From some cells no way leads to the goal. They keep "
                    "infinity: 0 would look like the goal.",
                ),
                (
                    np.where(np.isinf(right), len(leads), right),
                    "From some cells no way leads to the goal. They "
                    "keep infinity, not the number of cells.",
                ),
                *(
                    (
                        turned,
                        "That counts back from the farthest cell: it is 0 there and largest at the "
                        "goal. At the goal no move is left, d(goal) = 0, and d grows away from it.",
                    )
                    for d in (right, forward)
                    for turned in _from_the_far_end(d)
                ),
                *(
                    (
                        ends,
                        "After a move comes the best of what follows, the smallest number: not the "
                        "largest, nor the mean of all four.",
                    )
                    for ends in worst
                ),
                (
                    forward,
                    "These are the moves FROM the goal to each cell. Asked are those from each "
                    "cell to the goal, and not every way has a way back (ice!): go against the "
                    "arrows, from a cell to those whose buttons lead to it.",
                ),
                (
                    off,
                    "This is the distance as the crow flies in a town of squares. Ice, walls and "
                    "one-way cells are in leads: use it.",
                ),
            ],
            what="The number of moves",
        )


# ------------------------------------------------------------------ lab_robot-2


def _without_the_best(leads, goal):
    """The answers of those who take the largest, or the mean, of what follows."""
    found = []
    for follows in (np.max, np.mean):
        moves = np.full(len(leads), np.inf)
        moves[goal] = 0
        for _ in range(len(leads)):
            moves = np.minimum(moves, 1 + follows(moves[leads], axis=1))
        found.append(moves)
    return found


def _from_the_far_end(moves):
    """The largest number of moves minus each, in the forms that infinity can take in it."""
    left = moves[np.isfinite(moves)].max() - moves
    with np.errstate(invalid="ignore"):
        plain = moves.max() - moves  # infinity minus infinity
    return plain, left, np.where(np.isinf(moves), np.inf, left)


def _from_goal(leads, goal):
    """The fewest moves from the goal to every cell: the ways walked in the other direction."""
    d = np.full(len(leads), np.inf)
    d[goal] = 0
    for _ in range(len(leads)):
        for cell, buttons in enumerate(leads):
            for other in buttons:
                d[other] = min(d[other], d[cell] + 1)
    return d


@exercise(
    "lab_robot-2",
    title="The policy of the mirrored world (a proof, then two lines)",
    difficulty="easy",
    minutes=12,
    trains="seeing one task's weights in another's",
    hints=[
        "In the mirrored world the robot sees the same, and button west does what east does in the "
        "plain one.",
        "So the score of west must be what the score of east was, and the other way round.",
        "Rows are buttons: W[[0, 3, 2, 1]], and b likewise.",
    ],
    reference=answers.mirrored_policy,
    reason="Two rows change places. W_s, which both worlds would share, would have to hold both "
    "orders at once: what it knows of east and west for one world is wrong for the other.",
)
def mirrored_policy(yours):
    """(W, b) of plain controls -> (W', b') of mirrored ones."""
    rng = np.random.default_rng(5)
    W = rng.normal(size=(4, 6))
    b = rng.normal(size=4)
    found = call(yours, W.copy(), b.copy())
    expect(
        isinstance(found, tuple | list) and len(found) == 2,
        "Return two things: the new W, and the new b.",
    )
    swap = [0, 3, 2, 1]
    expect_close(
        found[0],
        W[swap],
        wrong=[
            (W, "This is W itself. It presses east to go east; here that pushes west."),
            (
                -W,
                "Negated, it presses whatever it liked least. Only two buttons have changed "
                "places.",
            ),
            (
                W[[2, 1, 0, 3]],
                "You exchanged north and south. The buttons are north, east, south, west.",
            ),
            (
                W[[2, 3, 0, 1]],
                "North and south still push where their names say: leave their rows.",
            ),
            (
                W[::-1],
                "That reverses all four rows. North and south still push where their names say.",
            ),
            (
                W[:, ::-1],
                "Columns are what the robot sees, and it sees the same. Rows are buttons.",
            ),
            (
                np.roll(W, 1, 0),
                "That is a turn: each row moved by one. Mirrored means two rows change places.",
            ),
            (
                np.roll(W, -1, 0),
                "That is a turn: each row moved by one. Mirrored means two rows change places.",
            ),
        ],
        what="The new W",
    )
    expect_close(
        found[1],
        b[swap],
        wrong=[
            (b, "b did not move. It is a part of the buttons' scores, so it goes with the rows."),
            (-b, "b is not negated: its two entries change places, as the rows do."),
            (b[::-1], "That reverses all four. Only east and west change places."),
            (b[[2, 1, 0, 3]], "You exchanged north and south in b."),
        ],
        what="The new b",
    )


# ------------------------------------------------------------------ lab_robot-3


@exercise(
    "lab_robot-3",
    title="How many trials are 200 starts?",
    difficulty="medium",
    minutes=12,
    trains="an interval that counts what is independent",
    hints=[
        "Ten starts on one map share its walls: they fail together. The maps are what was drawn.",
        "Take each map's share first, 20 numbers. The interval is that of their mean.",
        "m = arrived.mean(1); half = t * m.std(ddof=1) / len(m) ** 0.5, with Student's t for few "
        "maps: t = scipy.stats.t.ppf(0.975, len(m) - 1).",
    ],
    reference=answers.share_by_maps,
    reason="The mean is the same either way. The interval is not: what is alike counts less than "
    "twice.",
)
def share_by_maps(yours):
    """arrived (n_maps, n_starts) -> (share, low, high), maps as trials."""
    rng = np.random.default_rng(2)
    arrived = rng.random((12, 8)) < rng.beta(1.2, 0.8, size=(12, 1))  # True and False, as there
    right = np.array(answers.share_by_maps(arrived))
    found = call(yours, arrived.copy())
    arrived = arrived.astype(float)
    expect(
        as_array(found).shape == (3,),
        "Return three numbers: the share, the low and the high end.",
    )
    asked = {"what": "(share, low, high)", "rtol": 0, "atol": 5e-4}
    ends = np.array(as_array(found), dtype=float)
    if np.allclose(ends, right.clip(0, 1), rtol=0, atol=5e-4):  # a share is never beyond 0 or 1
        return None
    normal = np.array(_around(arrived.mean(1), _NORMAL))  # 1.96 or 1.959964
    if any(np.allclose(ends, e, rtol=0, atol=5e-4) for e in (normal, normal.clip(0, 1))):
        return (
            "Right, but for one number. You took 1.96, which is for hundreds of maps. Twenty are "
            "few: Student's t with n - 1 degrees of freedom makes the interval wider."
        )
    expect_close(found, right, wrong=_slips_of_shares(arrived), **asked)
    return None


_NORMAL = 1.96


def _around(shares, factor, root=0.5, ddof=1, n=None):
    """The mean of some shares, and that many standard errors to each side."""
    middle = shares.mean()
    half = factor * shares.std(ddof=ddof) / (n or len(shares)) ** root
    return middle, middle - half, middle + half


def _slips_of_shares(arrived):
    """What those return who count starts, divide otherwise, or look up another t."""
    of_maps = arrived.mean(1)
    of_starts = arrived.mean(0)
    every = arrived.ravel()
    n = len(of_maps)
    found = []
    for t in (stats.t.ppf(0.975, n - 1), _NORMAL):
        middle, low, high = _around(of_maps, t)
        found += [
            (
                _around(of_maps, t, root=0),
                "This is the spread of single maps. The mean of n maps has it over the root of n.",
            ),
            (
                _around(of_maps, t, root=1),
                "Divide by the root of the number of maps, not by it.",
            ),
            (_around(of_maps, t, n=every.size), "There are as many trials as maps, not as starts."),
            (
                _around(of_maps, t, ddof=0),
                "The standard deviation with n - 1 (ddof=1): few maps, so it shows.",
            ),
            ((middle, high, low), "The low end comes before the high one."),
            ((100 * middle, 100 * low, 100 * high), "As a share, not in per cent."),
            (_around(1 - of_maps, t), "This is the share that does not arrive."),
            (
                (middle, middle - low, high - middle),
                "These are half widths. The ends are asked for: the mean minus it, and plus it.",
            ),
        ]
    for t in (_NORMAL, stats.t.ppf(0.975, every.size - 1), stats.t.ppf(0.975, n - 1)):
        for ddof in (0, 1):
            found.append(
                (
                    _around(every, t, ddof=ddof),
                    "This counts every start as a trial of its own. Starts of one map share its "
                    "walls: take each map's share first.",
                )
            )
    for t in (_NORMAL, stats.t.ppf(0.975, len(of_starts) - 1), stats.t.ppf(0.975, n - 1)):
        found.append(
            (
                _around(of_starts, t),
                "The mean went over the maps. Rows are maps: take the mean of each row.",
            )
        )
    return [
        *found,
        (
            _around(of_maps, 1),
            "That is one standard error each way, a 68 % interval. For 95 % take Student's t.",
        ),
        (
            _around(of_maps, 2),
            "2 is 1.96, rounded: it is for hundreds of maps. For few, look up Student's t.",
        ),
        (
            _around(of_maps, stats.t.ppf(0.975, 19)),
            "That is Student's t of 20 maps, and here are others. Look it up for the number of "
            "maps that your function is handed.",
        ),
        (
            _around(of_maps, stats.t.ppf(0.95, n - 1)),
            "This is a 90 % interval: 5 % lie beyond each end. For 95 % leave 2.5 % on each side.",
        ),
        (
            _around(of_maps, stats.t.ppf(0.975, n)),
            "Student's t was looked up for n. n maps leave n - 1 degrees of freedom: one went "
            "into the mean.",
        ),
        (
            _around(of_maps, stats.t.ppf(0.975, every.size - 1)),
            "Student's t was looked up for the number of starts. Its degrees of freedom are the "
            "number of maps minus one.",
        ),
    ]


# ------------------------------------------------------------------ lab_robot-4


@exercise(
    "lab_robot-4",
    title="Right nine times in ten",
    difficulty="easy",
    minutes=10,
    trains="why a good classifier can be a poor driver",
    hints=[
        "One start: n moves, all of them have to be right. If they are independent, what is the "
        "chance?",
        "right ** n for each start. Then the share of all starts is the mean of that.",
        "np.mean(right ** moves): first the power, then the mean.",
    ],
    reference=answers.arrival_chance,
    reason="Errors add up along the way. The mean of powers is larger than the power of the mean: "
    "short ways are nearly safe.",
)
def arrival_chance(yours):
    """(right, moves) -> the share that arrives if every wrong move ends it."""
    for right, moves in ((0.9, np.array([3.0, 5, 12])), (0.75, np.array([1, 4, 4, 9]))):
        middle = np.mean(right**moves)
        expect_close(
            call(yours, right, moves.copy()),
            middle,
            wrong=[
                (
                    right,
                    "That is the share of right moves. A way has many of them, and all must be "
                    "right.",
                ),
                (
                    right ** moves.mean(),
                    "First the power, then the mean: short ways are safer than the mean way, "
                    "and that does not cancel.",
                ),
                (1 - middle, "That is the share that gets lost."),
                (
                    np.mean(1 - (1 - right) ** moves),
                    "That is the chance of one right move at least. All must be right.",
                ),
                (
                    np.mean(right * moves),
                    "Chances of independent things are multiplied: right ** n, not right * n.",
                ),
                (np.sum(right**moves), "That is how many arrive. The share is the mean."),
                (
                    np.prod(right ** moves.astype(float)),
                    "That is the chance that all of them arrive.",
                ),
                (right ** np.median(moves), "Not the middle start: the mean over all."),
                (np.mean(right ** (moves - 1)), "The first move counts too: n moves, the power n."),
                (100 * middle, "As a share, not in per cent."),
            ],
            what=f"The share with {right} right a move",
        )


# ------------------------------------------------------------------ lab_robot-5


@exercise(
    "lab_robot-5",
    title="One step for the newcomer",
    difficulty="hard",
    minutes=18,
    trains="training an adapter on frozen shared weights",
    hints=[
        "The scores use both: z = x (W_s + A)'. Only A moves, and W_s has no penalty here.",
        "The gradient in A is (p - y)' x / n + lam A, with y as rows of zeros and a one.",
        "A - lr * (error.T @ x / len(x) + lam * A), with error = softmax(z) - one_hot(y).",
    ],
    reference=answers.adapter_step,
    reason="W_s takes part in what is said, and does not move: so no old world can notice.",
)
def adapter_step(yours):
    """(W_s, A, x, y, lr, lam) -> the adapter after one step of gradient descent."""
    rng = np.random.default_rng(8)
    shared = rng.normal(size=(4, 5))
    adapter = 0.5 * rng.normal(size=(4, 5))
    x = rng.normal(size=(7, 5))
    y = rng.integers(0, 4, 7)
    lr = 0.4
    lam = 0.3
    right = answers.adapter_step(shared, adapter, x, y, lr, lam)
    slope = (adapter - right) / lr - lam * adapter  # of the cross-entropy
    alone = answers.adapter_step(0 * shared, adapter, x, y, lr, lam)
    z = x @ (shared + adapter).T
    blunt = (z - np.eye(4)[y]).T @ x / len(x)
    expect_close(
        call(yours, shared.copy(), adapter.copy(), x.copy(), y.copy(), lr, lam),
        right,
        wrong=[
            (alone, "The scores come from A alone. W_s is frozen, not absent: z = x (W_s + A)'."),
            (adapter - lr * slope, "The penalty is missing: lam A belongs to the gradient."),
            (
                adapter - lr * (len(x) * slope + lam * adapter),
                "The cross-entropy is a mean over the moves: divide by n.",
            ),
            (
                adapter - lr * (slope + lam * (shared + adapter)),
                "The penalty is on A alone: W_s does not move, so it pays nothing.",
            ),
            (adapter - lr * (slope + lam), "The gradient of lam/2 ||A||^2 is lam A, not lam."),
            (
                adapter - lr * (slope + 2 * lam * adapter),
                "The gradient of lam/2 ||A||^2 is lam A: the half takes the 2.",
            ),
            (adapter + lr * (slope + lam * adapter), "Uphill. The step goes against the gradient."),
            (
                shared + right,
                "This is W_s + A. Give the new A: the shared weights stay where they are.",
            ),
            (shared - lr * (slope + lam * shared), "W_s moved. It is frozen: only A may."),
            (-lr * (slope + lam * adapter), "This is the step itself. Add it to A."),
            (slope + lam * adapter, "This is the gradient. Take lr times it away from A."),
            (
                adapter - lr * (blunt + lam * adapter),
                "The error is p - y with p = softmax(z), not z - y.",
            ),
        ],
        what="The new adapter",
    )


# ------------------------------------------------------------------ lab_robot-6

in_words(
    "lab_robot-6",
    title="The report",
    difficulty="hard",
    minutes=25,
    trains="saying what sharing is worth to a robot, and what would change your mind",
    hints=[
        "For each sentence find the number in this notebook that speaks for or against it.",
        "Is the claim about all worlds, or about their mean? And about which controls?",
    ],
    draft={
        "a": Sentence(
            "On raw buttons RAG and independent policies cannot be told apart on the lab's "
            "held-out starts.",
            True,
            "The paired interval of their difference holds zero.",
        ),
        "b": Sentence(
            "Full sharing drives the mirrored world badly because it has too few demonstrations of "
            "it.",
            False,
            "With more of them it stays as bad: one matrix cannot press east in one world and west "
            "in the other for the same sight.",
        ),
        "c": Sentence(
            "The policy presses the expert's button eight times in ten, so about eight robots in "
            "ten arrive.",
            False,
            "In the wind .79 of the buttons are right and .57 arrive; in the mirrored world .73 "
            "and .78. One does not tell the other: drive.",
        ),
        "d": Sentence(
            "After the mirrored buttons are renamed, one shared policy beats five separate ones, "
            "and adapters add nothing that we could measure.",
            True,
            "Sharing gains many points over independent policies; RAG minus full sharing holds "
            "zero.",
        ),
        "e": Sentence(
            "Ten starts on each of 20 maps are 200 independent trials, so the interval is a few "
            "points wide.",
            False,
            "Starts of one map share its walls and fail together. The maps are the trials: the "
            "interval is wider.",
        ),
        "f": Sentence(
            "Five demonstrations and the frozen shared weights beat starting from nothing in the "
            "gale, but not with turned controls.",
            True,
            "In the gale the interval lies above zero. With turned controls the shared weights "
            "press the wrong buttons, and the adapter first has to undo them.",
        ),
    },
    model="Brief: five worlds, ten demonstrations each. On raw buttons RAG cannot be told from its "
    "strongest rival, five independent policies: -0.010 [-0.044, 0.024] on the board. In the four "
    "plain worlds it gains 6.4 points [1.9, 10.9], in the mirrored one it loses 23.0 [1.3, 44.7]. "
    "There the same sight asks for opposite buttons, and full sharing must fail: 0.06 arrive. As "
    "it stands, keep policies apart. Renaming two buttons removes the conflict: full sharing is "
    "then ahead of independent policies by 15.6 points [11.0, 20.2] over four draws, and adapters "
    "are not seen to add anything (-0.9 [-5.5, 3.6]). A sixth world, five demonstrations: in the "
    "gale the adapter is ahead of a start from nothing by 25.0 points [13.5, 36.5] over six draws, "
    "and about half of the starts arrive. With turned controls it is +0.2 [-13.5, 13.9]; who knows "
    "the turn renames, and 0.59 arrive without a demonstration. On the board intervals count maps, "
    "elsewhere draws. All is simulated: nothing slips, and no camera errs; what a real robot "
    "does is open. What would change my mind: a world whose change nobody can write down, in which "
    "the adapter beats both one policy and separate ones by a paired interval above zero; or a "
    "real robot.",
    tempting="RAG beats full sharing by about ten points on 1,000 starts, so adapters make robots "
    "robust. The policy is right most of the time, and with more adapters it would reach every "
    "goal.",
    flaw="Independent policies are as good, so the rival was chosen to lose. 1,000 starts lie on "
    "100 maps, and right buttons are not goals reached. Renaming two buttons does what adapters "
    "could not.",
    rubric=[
        "names the strongest rival, not only full sharing",
        "gives goals reached, not right buttons, with intervals, and what they count: "
        "maps, or draws",
        "says in which worlds sharing helps, and in which it must fail, and why",
        "says that the worlds are simulated, and what that leaves open",
        "says what would change your mind: a finding that could be made",
    ],
)
