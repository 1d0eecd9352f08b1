"""Exercise 03-11: an objective that the learner owns: its value, gradient, audit, and a careful step."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable

import numpy as np
import torch

from ragteach.teach.checks import (
    Wrong,
    as_array,
    call,
    exercise,
    expect,
    expect_close,
    finished,
    ruled,
)
from ragteach.teach.exercises import answers_03 as answers
from ragteach.teach.watching import by_hand


class MyLoss:
    """The reference of 03-11."""

    def __init__(self, graph, alphas, lam, lam_shared):
        self.graph, self.alphas = graph, alphas
        self.lam, self.lam_shared = lam, lam_shared

    def value(self, parts, data):
        shared, adapters, bias = parts
        x, y, task = data
        J = self.lam_shared / 2 * (shared**2).sum() + self.lam / 2 * (adapters**2).sum()
        for t in range(len(self.graph)):
            W_t = shared + torch.tensordot(self.graph[t], adapters, dims=1)
            z = x[task == t] @ W_t.T + bias[t]  # (n_docs of task t, n_classes)
            right = z[torch.arange(len(z)), y[task == t]]
            J = J + self.alphas[t] * (z.logsumexp(1) - right).mean()
        return J

    def gradient(self, parts, data):
        shared, adapters, bias = parts
        x, y, task = data
        d_shared = self.lam_shared * shared
        d_adapters = self.lam * adapters
        d_bias = torch.zeros_like(bias)
        for t in range(len(self.graph)):
            W_t = shared + torch.tensordot(self.graph[t], adapters, dims=1)
            x_t = x[task == t]
            y_t = y[task == t]
            error = (x_t @ W_t.T + bias[t]).softmax(1)
            error[torch.arange(len(y_t)), y_t] -= 1  # p - y
            error = self.alphas[t] * error / len(y_t)
            D = error.T @ x_t  # (n_classes, n_features)
            d_shared = d_shared + D
            d_adapters = d_adapters + self.graph[t][:, None, None] * D
            d_bias[t] = error.sum(0)
        return d_shared, d_adapters, d_bias

    def audit(self, parts, data, h):
        worst = 0.0
        for i, formula in enumerate(self.gradient(parts, data)):
            for j in range(formula.numel()):
                up, down = ([part.clone() for part in parts] for _ in range(2))
                up[i].view(-1)[j] += h
                down[i].view(-1)[j] -= h
                quotient = (self.value(up, data) - self.value(down, data)) / (2 * h)
                worst = max(worst, abs(float(quotient - formula.view(-1)[j])))
        return worst

    def step(self, parts, data, lr):
        before = self.value(parts, data)
        gradient = self.gradient(parts, data)
        while lr > 1e-9:
            new = [part - lr * g for part, g in zip(parts, gradient, strict=True)]
            if self.value(new, data) < before:
                return new, lr
            lr = lr / 2
        return parts, 0.0


METHODS = ("value", "gradient", "audit", "step")
NAMES = ("dJ/dW_s", "dJ/dA", "dJ/db")
H = 0.1  # large enough that one-sided and two-sided quotients differ
WRONG_BY = 0.25  # what is added to one entry of a gradient, to see whether the audit sees it
RULES = {
    "value": "J = sum_t alpha_t CE_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2, with "
    "W_t = W_s + sum_k G[t, k] A_k. Set lam = lam_shared = 0, and only the weighted CE_t are "
    "left to compare.",
    "gradient": "E_t = alpha_t (p - onehot) / n_t and D_t = E_t' X_t. W_s: sum_t D_t + lam_shared "
    "W_s. A_k: sum_t G[t, k] D_t + lam A_k. b_t: the sum of E_t's rows.",
    "audit": "one entry at a time, from the old parts: (value up - value down) / (2 h), minus the "
    "gradient's entry.",
    "step": "all parts at once, from the old parts: part - lr * g. Is J lower? If not, halve lr.",
}
MOST = 400  # values asked for in one step; halving from 20 to 1e-9 takes 35


@exercise(
    "03-11",
    title="Your own loss, with an auditor and a brake",
    difficulty="hard",
    minutes=30,
    trains="owning the whole objective: no autograd, no optimiser, and a proof in numbers "
    "that it is right",
    hints=[
        "value is your exercise 03-4 and gradient your exercise 03-6; the knobs stand in self now. "
        "Run the check after each method: it goes in this order.",
        "audit: for each of the three parts and each of its entries, move this one entry of a COPY "
        "by +h, then by -h. (value up - value down) / (2 h) is the quotient.",
        "audit asks self.gradient once, and returns the largest absolute difference over "
        "all entries.",
        "step: new = part - lr * gradient for all three. Is self.value(new, data) smaller than "
        "before? Then return new, lr. If not, halve lr and try again from the old parts.",
    ],
    reference=MyLoss,
    reason="With an auditor you need not trust your algebra, and with a brake no step goes up.",
    rule="one entry at a time for the audit, all parts at once for the step, both from "
    "the old parts.",
)
def own_loss(yours):
    """A class with value, gradient, audit and step, checked in this order, against autograd."""
    expect(isinstance(yours, type), "Hand over the class itself, without brackets.")
    missing = [name for name in METHODS if not callable(getattr(yours, name, None))]
    expect(not missing, f"Your class has no method {', '.join(missing)}.")
    parts, data, graph, alphas, lam, lam_shared = answers.problem(missing=False)

    def all_of_it(parts, data, graph, alphas):
        for name, judged in (
            ("value", _value),
            ("gradient", _gradient),
            ("audit", _audit),
            ("step", _step),
        ):
            with ruled(RULES[name]):
                judged(yours(graph, alphas, lam, lam_shared), parts, data)
        with ruled(RULES["step"]):
            _far(yours(graph, _times(alphas, SMALL), STEEP, STEEP), parts, data)
        return "Your loss does all that it should."

    return call(all_of_it, parts, data, graph, alphas)  # as tensors, arrays or lists


def _right() -> tuple:
    """parts, data, graph, alphas, lam, lam_shared of the check, as tensors."""
    return answers.problem(missing=False)


def _reference() -> tuple[MyLoss, tuple, tuple]:
    parts, data, *knobs = _right()
    return MyLoss(*knobs), parts, data


# ------------------------------------------------------------------ value, gradient


def _value(mine, parts, data):
    found = mine.value(copy.deepcopy(parts), data)
    finished(found, "value returns nothing yet.")
    p, d, g, a, lam, lam_s = _right()
    J = answers.objective
    one = torch.ones
    right = J(p, d, g, a, lam, lam_s)
    alone = J(p, d, g, a, 0, 0)
    wrong = [
        (alone, "value: both penalties are missing."),
        (J(p, d, g, a, lam, 0), "value: the penalty of W_s is missing."),
        (J(p, d, g, a, 0, lam_s), "value: the penalty of the adapters is missing."),
        (J(p, d, g, a, lam_s, lam), "value: lam and lam_shared are swapped."),
        (2 * right - alone, "value: the penalties have a half: lam / 2 * ||A||^2."),
        (
            J(p, d, g, a, 2 * lam, lam_s),
            "value: the penalty of the adapters has a half: lam / 2 * ||A||^2.",
        ),
        (
            J(p, d, g, a, lam, 2 * lam_s),
            "value: the penalty of W_s has a half: lam_shared / 2 * ||W_s||^2.",
        ),
        (2 * alone - right, "value: the penalties are subtracted. They are a price: add them."),
        (
            J(p, d, 0 * g, a, lam, lam_s),
            "value: the adapters are missing in W_t. The graph says how much of each is in it.",
        ),
        (
            J(p, d, g, a * torch.bincount(d[2]).double(), lam, lam_s),
            "value: a sum over the sentences. CE_t is a mean: divide by n_t.",
        ),
        (J(p, d, g, one(len(g)), lam, lam_s), "value: alpha is missing."),
        (J(p, d, one(g.shape).double(), a, lam, lam_s), "value: the graph is missing."),
        (J((p[0], p[1], 0 * p[2]), d, g, a, lam, lam_s), "value: the biases are missing."),
        (
            answers.one_mean_over_all(*_right()),
            "value: one mean over all sentences; J has one a task.",
        ),
        (
            answers.biases_penalised(*_right()),
            "value: the biases are penalised; J leaves them free.",
        ),
        (right - 2 * alone, "value: the sign of the cross-entropy. It is MINUS log p."),
    ]
    expect_close(found, right, wrong=wrong, what="value(parts, data)", rtol=1e-4)


@functools.cache
def _by_autograd() -> tuple:
    """The gradients of the reference's J, by torch: a witness that knows no derivation of ours."""
    p, d, *knobs = _right()
    p = tuple(part.clone().requires_grad_() for part in p)
    return torch.autograd.grad(answers.objective(p, d, *knobs), p)


def _gradient(mine, parts, data):
    own_value = mine.value
    mine.value = _counted(own_value, QUOTIENTS, most=2)
    found = mine.gradient(copy.deepcopy(parts), data)
    mine.value = own_value
    finished(found, "gradient returns nothing yet.")
    expect(
        isinstance(found, tuple | list) and len(found) == 3,
        "gradient returns three: for W_s, the adapters and the biases.",
    )
    p, d, g, a, lam, lam_s = _right()
    plain = answers.gradients(p, d, g, a, 0, 0)
    swapped = answers.gradients(p, d, g, a, lam_s, lam)
    no_alpha = answers.gradients(p, d, g, torch.ones(len(g)), lam, lam_s)
    literal = answers.gradients(p, d, torch.ones_like(g), a, lam, lam_s)
    no_way_back = answers.by_task(p, d, g, a).sum(0).expand_as(p[1]) + lam * p[1]
    lost = answers.gradients(p, d, torch.zeros_like(g), a, lam, lam_s)
    sums = answers.gradients(p, d, g, a * torch.bincount(d[2]).double(), lam, lam_s)
    for i, right in enumerate(_by_autograd()):
        name = f"gradient, {NAMES[i]}"
        wrong = [
            (-right, f"{name}: the sign. The gradient points uphill: p - y."),
            (plain[i], f"{name}: the penalty's part is missing."),
            (2 * right - plain[i], f"{name}: the penalty counts twice; the 2 cancels the half."),
            (swapped[i], f"{name}: lam and lam_shared are swapped."),
            (no_alpha[i], f"{name}: alpha is missing."),
            (sums[i], f"{name}: a sum over the sentences. CE_t is a mean: divide by n_t."),
            (literal[i], f"{name}: the graph is missing; an adapter hears only whom it serves."),
            (
                2 * plain[i] - right,
                f"{name}: the penalty is subtracted. Its gradient is + lam times the weights.",
            ),
            (
                no_way_back if i == 1 else literal[i],
                f"{name}: the graph is missing on the way back. Task t pulls on A_k with G[t, k].",
            ),
            (lost[i], f"{name}: the adapters are missing in W_t, on the way to the scores."),
        ]
        right = right.detach()
        wrong = [(value, told) for value, told in wrong if not torch.allclose(value, right)]
        expect_close(found[i], right, wrong=wrong, what=name, rtol=1e-4, atol=1e-6)
    _without_autograd(mine, parts, data)


QUOTIENTS = (
    "gradient: it asks for J again and again. Quotients are the audit's; here, the formulas."
)
AUTOGRAD = (
    "gradient: autograd found it. The numbers are right, but this class has no autograd in it: "
    "write down p - y, and carry it back yourself."
)


def _without_autograd(mine, parts, data):
    """Autograd keeps tensors for its way back; a gradient by hand keeps none."""

    def seen(tensor):
        raise Wrong(AUTOGRAD)

    with torch.autograd.graph.saved_tensors_hooks(seen, lambda tensor: tensor):
        try:
            mine.gradient(copy.deepcopy(parts), data)
        except Wrong:
            raise
        except RuntimeError as error:  # torch.func does not work beside the hooks, and says so
            raise Wrong(AUTOGRAD) from error


# ------------------------------------------------------------------ audit


@functools.cache
def quotients(h: float, sides: tuple[int, int] = (1, -1)) -> list[torch.Tensor]:
    """Every difference quotient of J, shaped as the parts; sides (1, 0) are one-sided."""
    reference, parts, data = _reference()
    found = []
    for i, part in enumerate(parts):
        table = torch.zeros_like(part)
        for j in range(part.numel()):
            ends = []
            for side in sides:
                moved = [p.clone() for p in parts]
                moved[i].view(-1)[j] += side * h
                ends.append(reference.value(moved, data))
            table.view(-1)[j] = (ends[0] - ends[1]) / ((sides[0] - sides[1]) * h)
        found.append(table)
    return found


def _flat(parts) -> torch.Tensor:
    return torch.cat([part.detach().flatten() for part in parts])


def _audit(mine, parts, data):
    given = copy.deepcopy(parts)
    with by_hand(
        torch.autograd.grad,
        torch.autograd.backward,
        why="an audit is a second witness, the quotient of self.value (up minus down, over 2 h)",
    ):
        found = mine.audit(given, data, H)
    finished(found, "audit returns nothing yet.")
    expect(_alike(given, parts), "audit: the parts are changed afterwards. Move a copy.")
    right = _flat(_by_autograd())
    two = _flat(quotients(H))
    one = _flat(quotients(H, (1, 0)))
    apart = (two - right).abs()
    of_shared = apart[: _right()[0][0].numel()]
    wrong = [
        ((one - right).abs().max(), "audit: one-sided. Go up by h AND down by h from the middle."),
        ((2 * two - right).abs().max(), "audit: up and down are 2 h apart; you divide by h."),
        ((2 * H * two - right).abs().max(), "audit: the difference is not divided by 2 h."),
        (two.abs().max(), "audit: the largest quotient. Subtract the gradient by hand."),
        (apart.mean(), "audit: the mean hides one wrong entry among many. Take the largest."),
        (apart.sum(), "audit: the sum. Take the largest difference."),
        (apart.min(), "audit: the smallest difference. Take the largest."),
        ((two - right).max(), "audit: without abs, a gradient that is too large is never seen."),
        ((two + right).abs().max(), "audit: you added the two. Subtract them."),
        (
            of_shared.max(),
            "audit: only W_s is looked at. The adapters and biases can be wrong too.",
        ),
        (apart[-1], "audit: this is the last entry. Keep the largest difference so far."),
        (0.0, "audit: no difference at all, with so large an h? Is self.value asked?"),
        (apart.square().max(), "audit: the difference is squared; its size is asked for."),
    ]
    expect_close(found, apart.max(), wrong=wrong, what="audit(parts, data, h)", rtol=2e-3)
    for i, name in enumerate(NAMES):
        _sees(mine, i, name, parts, data)


def _sees(mine, i, name, parts, data):
    """Does the audit notice a gradient of which one entry is wrong, to either side?"""
    own_gradient = mine.gradient
    found = []
    for wrong_by in (WRONG_BY, -WRONG_BY):
        mine.gradient = _spoilt(own_gradient, i, wrong_by)
        found.append(float(as_array(mine.audit(copy.deepcopy(parts), data, 1e-2))))
    mine.gradient = own_gradient
    seen = [abs(said - WRONG_BY) < 0.02 for said in found]
    expect(
        any(seen) == all(seen),
        f"audit: an entry of {name} that is too large and one that is too small are not both seen. "
        "Take the absolute value.",
    )
    expect(
        all(seen),
        f"audit: one entry of {name} was made wrong by {WRONG_BY}, and it says {found[0]:.3g}. "
        "Does it ask self.gradient, and look at every entry?",
    )


def _spoilt(gradient: Callable, i: int, wrong_by: float) -> Callable:
    def wrong_somewhere(*args, **kwargs):
        found = copy.deepcopy(gradient(*args, **kwargs))
        entry = found[i]
        while as_array(entry).ndim > 1:
            entry = entry[-1]
        entry[0] += wrong_by
        return found

    return wrong_somewhere


def _alike(one, other) -> bool:
    return all((as_array(a) == as_array(b)).all() for a, b in zip(one, other, strict=True))


# ------------------------------------------------------------------ step


def _counted(
    value: Callable, told: str, most: int = MOST, asked: list[int] | None = None
) -> Callable:
    """value, until it has been asked too often: an endless loop ends with a reason."""
    asked = [0] if asked is None else asked

    def limited(*args, **kwargs):
        asked[0] += 1
        if asked[0] > most:
            raise Wrong(told)
        return value(*args, **kwargs)

    return limited


ENDLESS = (
    "step: J is asked for without end. Does lr become smaller in the loop, and does the step "
    "go downhill?"
)
NO_END = (
    "step: at the lowest point no lr helps, and the loop never ends. End it when lr is below 1e-9: "
    "return the parts as they came, and 0.0."
)


def _stepped(mine, parts, data, lr, told=ENDLESS, asked=None):
    given = copy.deepcopy(parts)
    own_value = mine.value
    mine.value = _counted(own_value, told, asked=asked)
    found = mine.step(given, data, lr)
    mine.value = own_value
    finished(found, "step returns nothing yet.")
    expect(
        isinstance(found, tuple | list) and len(found) == 2 and len(found[0]) == 3,
        "step returns two: the three new parts, and the lr that was used.",
    )
    expect(_alike(given, parts), "step: the old parts are changed. Make new ones: part - lr * g.")
    return found


def _step(mine, parts, data):
    reference, right_parts, right_data = _reference()
    gradient = reference.gradient(right_parts, right_data)
    for lr in (0.01, 20.0):
        found, used = _stepped(mine, parts, data, lr)
        new, right_lr = reference.step(right_parts, right_data, lr)
        tenth = next(lr / 10**k for k in range(20) if _falls(reference, gradient, lr / 10**k))
        wrong_lr = [
            (
                0.0,
                "step: it gives up, though a step downhill makes J lower. Is it part MINUS lr * g? "
                "And does it go on from the old parts?",
            ),
            (lr, "step: J is higher after this step. Halve lr until it is lower."),
            (right_lr / 2, "step: halved once too often: return as soon as J is lower."),
            (2 * right_lr, "step: the lr that comes back is not the one that made the new parts."),
            (tenth, "step: divide lr by 2 each time, not by 10."),
            (reference.value(new, right_data), "step: J comes back in place of lr."),
        ]
        wrong_lr = [w for w in wrong_lr if abs(float(w[0]) - right_lr) > 1e-12]
        expect_close(used, right_lr, wrong=wrong_lr, what=f"step from lr = {lr:g}: the lr used")
        for i, name in enumerate(("W_s", "the adapters", "the biases")):
            told = f"step: {name} do not move." if i else "step: W_s does not move."
            wrong = [
                (right_parts[i], told),
                (right_parts[i] + right_lr * gradient[i], "step: uphill. Subtract the gradient."),
                (
                    right_parts[i] - 2 * right_lr * gradient[i],
                    "step: these parts belong to twice the lr that came back.",
                ),
            ]
            expect_close(found[i], new[i], wrong=wrong, what=f"step: {name}", rtol=1e-4, atol=1e-6)
    _at_the_bottom(mine, parts, data)


SMALL = 1e-5
STEEP = 1.3
FAR = 2.0**22  # so that J falls only after 22 halvings


def _far(mine, parts, data):
    """From zero, with little to learn and a high price of weights: a long way down to a good lr."""
    zeros = [_times(part, 0) for part in parts]
    p, right_data, graph, alphas, *_ = _right()
    reference = MyLoss(graph, SMALL * alphas, STEEP, STEEP)
    _, right_lr = reference.step([0 * part for part in p], right_data, FAR)
    _, used = _stepped(mine, zeros, data, FAR)
    used = float(as_array(used))
    expect(
        used == 0.0 or used <= 1.5 * right_lr,
        "step: from a very large lr it stops while J is still higher than before. Halve until "
        "it is lower.",
    )
    expect(
        used > 0.0,
        "step: from a very large lr it gives up too early. Halve until J is lower, or lr "
        "is below 1e-9.",
    )
    expect(used > 0.6 * right_lr, "step: from a very large lr it halves once too often.")


def _falls(reference, gradient, lr) -> bool:
    _, parts, data = _reference()
    new = [p - lr * g for p, g in zip(parts, gradient, strict=True)]
    return bool(reference.value(new, data) < reference.value(parts, data))


def _at_the_bottom(mine, parts, data):
    """All weights 0, no words, and of each task one sentence of each class: nothing can fall."""
    zeros = [_times(part, 0) for part in parts]
    task = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    flat = _like(data, [[0.0] * 4] * 9, [0, 1, 2] * 3, task)
    asked = [0]
    found, used = _stepped(mine, zeros, flat, 1.0, NO_END, asked)
    expect(
        float(as_array(used)) == 0.0,
        "step: at the lowest point nothing makes J fall. Then the parts come back as they "
        "were, with 0.0.",
    )
    expect(
        not 3 <= asked[0] < 28,  # fewer: it saw that the gradient is 0
        "step: it stops before lr is below 1e-9. From lr = 1, that takes thirty halvings.",
    )
    expect(_alike(found, zeros), "step: at the lowest point the parts come back as they were.")


def _times(part, factor):
    if isinstance(part, list):
        return [_times(entry, factor) for entry in part]
    return part * factor


def _like(data, *columns):
    """Lists as the kind of numbers that the check has handed over so far."""
    tables = []
    for old, column in zip(data, columns, strict=True):
        if isinstance(old, list):
            tables.append(column)
        elif isinstance(old, torch.Tensor):
            tables.append(torch.tensor(column, dtype=old.dtype))
        else:
            tables.append(np.asarray(column, dtype=old.dtype))
    return tuple(tables)
