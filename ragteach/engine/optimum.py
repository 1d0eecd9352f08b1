"""The joint optimum: where every patient training run ends.

Enters: a `RAG` and its data.  Leaves: the weights at which the gradient of J is zero, for one
lambda or a whole path.

At the optimum every weight matrix is a weighted sum of training documents (the representer
theorem). Write e_ti = -dCE/dz_ti, with CE = sum_t alpha_t CE_t: how document i of task t pulls at
its logits z_ti (n_classes numbers each). Setting the gradient of J to zero gives

    W_s = (1 / lam_s) sum_t D_t      A_k = (1 / lam) sum_t G[t,k] D_t      D_t = sum_i e_ti x_ti'
    W_t = sum_u (1 / lam_s + (GG')[t,u] / lam) D_u        the graph is a covariance between tasks

So where documents are fewer than words we look for e (`spaces.Documents`), else for W itself
(`spaces.Weights`), by Newton-CG, in float64. All lambdas walk side by side.
`readable.solve_readable` is the same in thirty lines: slower, and one lambda at a time.

Source: Schoelkopf, Herbrich & Smola (2001), A generalized representer theorem.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from ragteach.data.weighting import by_task
from ragteach.dataset import MultiTaskDataset
from ragteach.engine.arguments import Penalty, check_model, grid, number
from ragteach.engine.backward import gradients
from ragteach.engine.newton import newton_cg
from ragteach.engine.objective import Problem
from ragteach.engine.replicas import Replicas, stack
from ragteach.engine.spaces import Space, Weights, best_space
from ragteach.errors import whole
from ragteach.graph import unless_identity
from ragteach.ground.memory import fits_memory
from ragteach.ground.objects import attribute, one_value, outside
from ragteach.losses import LAM, task_alphas
from ragteach.model import RAG
from ragteach.tensors import TaskTensors, as_tensors

Data = MultiTaskDataset | TaskTensors
Alpha = str | Sequence[float] | Mapping[str, float] | Tensor
WEIGHTS = 8  # so many vectors as long as the weights does a search hold at once,
LOGITS = 30  # and so many as long as the logits (both measured)


@dataclass
class Solution:
    """Where `solve` ended.

    Attributes:
        objective: J at the optimum.
        grad_norm: Euclidean norm of its gradient.
        iterations: steps of the conjugate gradients, over all of Newton's: products with the data.
        converged: whether grad_norm < tol, at an optimum. (There is none where weights without a
            penalty tell all examples apart: the larger they are, the lower is J.)
        fallbacks: how often the search among sums of documents had to be given up for one among
            the weights themselves: 0, or 1, as where a document stands in the data twice.
    """

    objective: float
    grad_norm: float
    iterations: int
    converged: bool
    fallbacks: int = 0


@torch.no_grad()
def solve(
    model: RAG,
    data: Data,
    lam: float = LAM,
    lam_shared: float = LAM,
    alpha: Alpha = "equal",
    tol: float = 1e-6,
    max_iter: int = 2000,
) -> Solution:
    """Set ``model`` (in place) to the weights that minimise J.

    Args:
        model: a `RAG` with full-size adapters; frozen and inactive parts stay as they are.
        data: `MultiTaskDataset` or `TaskTensors`; computed in float64, whatever the model's
            precision.
        lam, lam_shared: penalties on the adapters and on W_s.
        alpha: ``"equal"``, ``"size"`` or one weight per task: a list, or a dict by their names.
        tol: stop when the gradient's norm is below it.
        max_iter: at most so many steps, as `Solution` counts them.

    Returns:
        `Solution`

    Raises:
        RagteachError: bad arguments, before any work; the model is left as it was.

    Warns:
        ConvergenceWarning: the optimum was not reached, or there is none (see ``converged``).

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=["a", "b"])
        >>> solve(model, data, lam=0.1, lam_shared=0.1).converged
        True
    """
    one = "one number; solve_path takes many, and solves them side by side"
    lam = number("lam", lam, fix=one)
    lam_shared = number("lam_shared", lam_shared, fix=one)
    problem, found, steps = _optimum(model, data, lam, lam_shared, alpha, tol, max_iter)
    objective = found.objective(problem.tensors, problem.alphas).item()
    found.write(0, model)
    assert found.grad_norm is not None and found.converged is not None
    assert found.fallback is not None
    ended = Solution(
        objective,
        grad_norm=found.grad_norm.item(),
        iterations=steps,
        converged=bool(found.converged.item()),
        fallbacks=int(found.fallback.item()),
    )
    if not ended.converged:
        _warn_of_no_optimum(ended, lam, lam_shared, one_value(tol))
    return ended


@torch.no_grad()
def solve_path(
    model: RAG,
    data: Data,
    lam: Penalty = LAM,
    lam_shared: Penalty = LAM,
    alpha: Alpha = "equal",
    tol: float = 1e-6,
    max_iter: int = 2000,
) -> Replicas:
    """The optimum for every (lam, lam_shared), all solved side by side. ``model`` stays as it is.

    Args:
        lam, lam_shared: number or sequence each; of one length if both are sequences.
        model, data, alpha, tol, max_iter: as in `solve`.

    Returns:
        `Replicas`, whose ``converged``, ``grad_norm`` and ``fallback`` say how each one ended.

    Example:
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> path = solve_path(RAG(4, 2, 2, tasks=["a", "b"]), data, lam=[0.01, 0.1, 1.0])
        >>> path.converged
        tensor([True, True, True])
        >>> path.accuracy(data).mean(0)  # of each lam, mean over tasks
        tensor([1., 1., 1.])
    """
    _, found, _ = _optimum(model, data, lam, lam_shared, alpha, tol, max_iter)
    return found.to(model)


def _optimum(
    model: RAG,
    data: Data,
    lam: Penalty,
    lam_shared: Penalty,
    alpha: Alpha,
    tol: float,
    max_iter: int,
) -> tuple[Problem, Replicas, int]:
    """(problem, `Replicas` in float64, steps)"""
    problem = problem_of(model, data, lam, lam_shared, alpha, tol, max_iter)
    tol = one_value(tol)
    found, steps = minimise(problem, tol, max_iter)
    found.grad_norm = gradient_norm(problem, found)
    found.converged = (found.grad_norm < tol) & ~endless(problem, found)
    return problem, found, steps


def problem_of(
    model: RAG,
    data: Data,
    lam: Penalty,
    lam_shared: Penalty,
    alpha: Alpha,
    tol: float,
    max_iter: int,
    n_held: int | None = None,
) -> Problem:
    """J of all these penalties; refuses what cannot be minimised, before any work.

    Args:
        n_held: of how many of them the weights will be held at once. Default: of all.
    """
    check_model(model)
    number("tol", tol)
    whole("max_iter", max_iter, 1)
    lams, lams_shared, _ = grid(lam, lam_shared)
    _refuse_too_large(model, data, len(lams) if n_held is None else n_held)
    exact = copy.deepcopy(model).double()  # data and penalties must not be rounded on their way
    tensors = as_tensors(exact, data)
    # those of the data
    model.class_names = exact.class_names
    model.columns = exact.columns
    start = stack([exact])  # the frozen parts are the same for all
    start.lam = lams.to(start.shared)
    start.lam_shared = lams_shared.to(start.shared)
    if start.bias is not None:
        start.bias = start.bias.expand(-1, len(lams), -1)
    alphas = task_alphas(by_task(alpha, model.task_names), tensors.sizes)
    return Problem(start, tensors, alphas.to(start.shared))


def _warn_of_no_optimum(ended: Solution, lam: float, lam_shared: float, tol: float) -> None:
    """Say that the optimum was not reached, or that there is none, and what helps."""
    said = (
        f"The gradient's norm is {ended.grad_norm:.1e} after {ended.iterations} steps, above "
        f"tol={tol:g}. Scale the features, or raise lam, tol or max_iter."
    )
    if ended.grad_norm < tol:
        said = (
            "There is no optimum: weights without a penalty tell all examples apart, and J falls "
            f"as they grow. Use lam > 0 (it is {lam:g}) and lam_shared > 0 (it is {lam_shared:g})."
        )
    warnings.warn(said, ConvergenceWarning, stacklevel=outside())


def bytes_of_a_search(n_weights: int, n_examples: int, n_classes: int) -> int:
    """What the search for one optimum takes where it takes most, in float64 (measured within a
    third).

    Example:
        >>> bytes_of_a_search(n_weights=1_000_000, n_examples=0, n_classes=3)
        64000000
    """
    return 8 * (WEIGHTS * n_weights + LOGITS * n_examples * n_classes)


def _refuse_too_large(model: RAG, data: Data, n_optima: int) -> None:
    n_weights = sum(p.numel() for p in model.parameters())
    one = f"{len(model.adapters)} adapters, {model.n_classes} x {model.n_features}"
    rows = attribute(data, "y", torch.empty(0)).numel()  # what is no dataset is refused below
    fits_memory(
        f"{n_optima} {'optimum' if n_optima == 1 else 'optima'} of {one}, of {rows:,} examples",
        n_optima * bytes_of_a_search(n_weights, rows, model.n_classes),
        "fewer words (make_vectorizer(max_features=5000); train --max-words 5000), fewer penalties "
        "at a time, or adapters for groups of tasks (graph='grouped')",
    )


def minimise(problem: Problem, tol: float, max_steps: int) -> tuple[Replicas, int]:
    """`Replicas` at the optimum, and how many steps it took.

    Where K turns out to be singular (a document stands there twice, say), `Documents` cannot reach
    tol. Those replicas fall back on `Weights`: ``fallback`` says which.
    """
    space = best_space(problem)
    ended = newton_cg(space, tol, max_steps)
    found = replicas_of(space, ended.vectors)
    found.fallback = torch.zeros_like(ended.norms, dtype=torch.bool)
    missed = ended.norms >= tol
    if isinstance(space, Weights) or ended.steps >= max_steps or not bool(missed.any()):
        return found, ended.steps
    again = Weights(problem.select(missed))
    more = newton_cg(again, tol, max_steps - ended.steps)
    found.put(missed, replicas_of(again, more.vectors))
    found.fallback = missed
    return found, ended.steps + more.steps


def replicas_of(space: Space, vectors: Tensor) -> Replicas:
    """`Replicas` from the vectors of a space, with what is frozen."""
    problem = space.problem
    start = problem.start
    shared, adapters = space.weights(vectors)
    bias = space.bias(vectors)
    if bias is None and start.bias is not None:  # frozen, the same for all
        bias = start.bias[:, : len(vectors)]
    return Replicas(
        shared=shared + problem.fixed_shared,
        adapters=adapters + problem.fixed_adapters,
        bias=bias,
        lam=problem.lam,
        lam_shared=problem.lam_shared,
        template=start.template,
    )


def gradient_norm(problem: Problem, replicas: Replicas) -> Tensor:
    """Length of dJ/d(everything that moves), (R,): by the training loop's gradient, whatever the
    space.
    """
    d_shared, d_adapters, d_bias = gradients(
        replicas, problem.tensors, problem.alphas, problem.graph
    )
    squares = (d_adapters * problem.adapters_move).square().sum((0, 2, 3))
    if problem.shared_moves:
        squares = squares + d_shared.square().sum((1, 2))
    if problem.bias_moves and d_bias is not None:
        squares = squares + d_bias.square().sum((0, 2))
    return squares.sqrt()


def endless(problem: Problem, found: Replicas) -> Tensor:
    """Whether J falls for ever, (R,): weights without a penalty get every example right, and so the
    better the larger they are. With an adapter each, one such task is enough.
    """
    shared_free = (problem.lam_shared == 0) & problem.shared_moves
    adapters_free = (problem.lam == 0) & bool(problem.adapters_move.any())
    free = shared_free | adapters_free
    tensors = problem.tensors
    if not bool(free.any()) or tensors.n_classes == 1:
        return torch.zeros_like(free)
    shared = (found.shared - problem.fixed_shared) * shared_free.view(-1, 1, 1)
    adapters = (found.adapters - problem.fixed_adapters) * adapters_free.view(-1, 1, 1)
    logits = problem.logits_of(shared, adapters)  # (n_blocks, R, n_classes, n_docs)
    logits = problem.with_bias(logits, found.bias if problem.bias_moves else None)
    label = tensors.onehot.unsqueeze(1) > 0
    others = logits.masked_fill(label, -torch.inf).amax(2)
    missed = logits.where(label, 0).sum(2) <= others
    several = label.sum(2) > 1  # a target of several classes is never told apart from itself
    wrong = (missed | several) & (tensors.weight > 0).unsqueeze(1)
    apart = tensors.by_task(wrong.sum(-1)) == 0  # (n_tasks, R)
    own_bias = found.bias is None or len(found.bias) == tensors.n_tasks
    if unless_identity(problem.graph) is None and own_bias:
        return torch.where(adapters_free, apart.any(0), apart.all(0)) & free
    return apart.all(0) & free
