"""Choosing among many penalties: the optimum of each, and its loss on other data.

Enters: a `RAG`, its data, other data to choose by, and penalties.  Leaves: `Candidates`, whose
losses on the other data need no weights: of a few thousand documents K e is enough (`gram`). The
weights of 188 tasks x 42 classes x 4,000 words are 250 MB for each penalty, and only the best one's
are made.

Where documents are too many for K as a matrix, the optima are those of `solve_path`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ragteach.engine.arguments import Penalty
from ragteach.engine.gram import Gram
from ragteach.engine.newton import newton_cg
from ragteach.engine.optimum import (
    Data,
    bytes_of_a_search,
    problem_of,
    replicas_of,
    solve_path,
)
from ragteach.engine.spaces import Documents, Space, best_space
from ragteach.ground.memory import how_many_fit
from ragteach.losses import cross_entropy
from ragteach.model import RAG
from ragteach.tensors import TaskTensors

PRODUCTS = 100  # with the data that a search takes, of all its penalties side by side (measured)
MOST_ACROSS = 50_000_000  # entries of K between documents and others: 400 MB
MAX_STEPS = 2000  # as of `solve_path`


class Candidates:
    """Penalties side by side on one training part, as a validation part judges them.

    Args:
        model: a `RAG` with full-size adapters; it stays as it is.
        data, val: stacked, or to be stacked; of the same tasks and features.
        lam, lam_shared: number or sequence each, as in `solve_path`.
        tol: the gradient's norm at which an optimum is reached.

    Example:
        >>> from ragteach import MultiTaskDataset
        >>> x = torch.eye(4)
        >>> data = MultiTaskDataset(x, [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=["a", "b"], init="zero")
        >>> found = Candidates(model, data, data.stacked(), [0.001, 0.1], [0.1, 0.1])
        >>> losses, best = found.losses(slice(0, 2))
        >>> losses.shape, bool(losses[0, 0] < losses[0, 1])  # of task a: the smaller penalty fits
        (torch.Size([2, 2]), True)
        >>> type(best(0)).__name__
        'RAG'
    """

    def __init__(
        self,
        model: RAG,
        data: Data,
        val: TaskTensors,
        lam: Penalty,
        lam_shared: Penalty,
        tol: float = 1e-4,
    ) -> None:
        self.model, self.data, self.val, self.tol = model, data, val, tol
        problem = problem_of(model, data, lam, lam_shared, "equal", tol, MAX_STEPS, n_held=1)
        self.lam, self.lam_shared = problem.lam, problem.lam_shared
        space = best_space(problem)
        self.space: Documents | None = None  # None: the way is through the weights
        if isinstance(space, Documents) and space.kernel is not None:
            across = val.y.numel() * problem.tensors.y.numel()  # entries of K to the others
            if isinstance(space.kernel, Gram) or across <= MOST_ACROSS:
                self.space = space
        n_weights = 0
        if self.space is None:  # on the way through the weights every task's gradient is made
            of_tasks = model.n_tasks * model.n_classes * model.n_features
            n_weights = max(of_tasks, sum(p.numel() for p in model.parameters()))
        n_rows = problem.tensors.y.numel()
        self.bytes_each = bytes_of_a_search(n_weights, n_rows, model.n_classes)

    def at_once(self, most: int) -> int:
        """How many of the penalties memory has room for, at most ``most``."""
        return how_many_fit(self.bytes_each, most)

    @torch.no_grad()
    def forecast(self, n: int) -> float:
        """Seconds that ``n`` penalties will take, roughly: measured on one product with the data,
        of which a search took some 80 to 120.
        """
        some = torch.arange(min(n, self.at_once(4)))
        space: Space | None = self.space
        if space is None:
            lams = self.lam[some], self.lam_shared[some]
            problem = problem_of(self.model, self.data, *lams, "equal", self.tol, 1, n_held=1)
            space = best_space(problem)
        else:
            space = space.select(some)
        v = space.problem.fixed.new_zeros(len(some), space.width)
        way = space.gradient(v, space.problem.residual(space.logits(v)))
        probabilities = space.problem.probabilities(space.logits(way))
        started = time.perf_counter()
        space.gradient(way, space.problem.residual_change(probabilities, space.logits(way)))
        return PRODUCTS * n / len(some) * (time.perf_counter() - started)

    @torch.no_grad()
    def losses(self, part: slice) -> tuple[torch.Tensor, Callable[[int], RAG]]:
        """The validation losses of some penalties, (n_tasks, n), and what makes the model of the
        i-th of them.
        """
        rows = torch.arange(len(self.lam))[part]
        found = None if self.space is None else self._by_kernel(self.space.select(rows))
        if found is not None:
            return found
        path = solve_path(
            self.model, self.data, self.lam[rows], self.lam_shared[rows], tol=self.tol
        )
        return path.losses(self.val), path.model

    def _by_kernel(self, space: Documents) -> tuple[torch.Tensor, Callable[[int], RAG]] | None:
        """The same without weights; None where K is singular and some optimum was missed."""
        ended = newton_cg(space, self.tol, MAX_STEPS)
        if not bool((ended.norms < self.tol).all()):
            return None
        val = self.val.to(ended.vectors.device, ended.vectors.dtype)
        logits = space.logits_of_others(ended.vectors, val)  # (n_blocks, n, n_classes, n_docs)
        losses = val.by_task(cross_entropy(logits, val.onehot, val.weight))

        def model(i: int) -> RAG:
            one = space.select(torch.tensor([i]))
            return replicas_of(one, ended.vectors[i : i + 1]).to(self.model).model(0)

        return losses, model
