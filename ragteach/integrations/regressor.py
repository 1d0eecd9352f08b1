"""Numbers instead of classes: ridge regression with shared weights and adapters.

Enters: features X, numbers y, the task of every row.  Leaves: a fitted scikit-learn regressor.

    J = sum_t alpha_t/2 mean (y - w_t x - b_t)^2 + lam_shared/2 ||w_s||^2 + lam/2 sum_k ||a_k||^2
    w_t = w_s + sum_k G[t, k] a_k

J is quadratic, so its optimum is one linear system. Source: Evgeniou & Pontil (2004).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from scipy import linalg
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from ragteach.errors import refuse, shown
from ragteach.ground.arguments import check_penalty
from ragteach.ground.objects import one_value
from ragteach.integrations.estimators import _RAGEstimator

LARGEST = 1e100  # of what is predicted: its square is a number still


class RAGRegressor(RegressorMixin, _RAGEstimator):
    """Multi-task ridge regression with shared weights and adapters.

    With one task it is plain ridge regression. The solution is exact and costs
    min(n_docs, (1 + n_adapters) n_features)^3: for thousands of rows or columns, not for millions.

    Args:
        lam, lam_shared: penalties, both > 0. The others: see `RAGClassifier`.

    Example:
        >>> import numpy as np
        >>> X = np.arange(6.0).reshape(-1, 1)
        >>> model = RAGRegressor(lam=1e-6, lam_shared=1e-6)
        >>> model = model.fit(X, [0, 1, 2, 0, -1, -2], tasks=list("aaabbb"))
        >>> model.coef_[:, 0, 0].round(3).tolist()
        [1.0, -1.0]
    """

    def __init__(
        self,
        lam: Any = 0.01,
        lam_shared: Any = 0.01,
        strategy: str = "rag",
        graph: Any = "one_per_task",
        num_adapters: int | None = None,
        alpha: Any = "equal",
        bias: str = "task",
        task_names: Any = None,
        task_column: Any = None,
        random_state: Any = 0,
    ) -> None:
        self.lam, self.lam_shared, self.strategy = lam, lam_shared, strategy
        self.graph, self.num_adapters, self.alpha, self.bias = graph, num_adapters, alpha, bias
        self.task_names, self.task_column, self.random_state = task_names, task_column, random_state

    def fit(self, X: Any, y: Any, tasks: Any = None, sample_weight: Any = None) -> RAGRegressor:
        """Minimise J. Arguments as in `RAGClassifier.fit`, with numbers y."""
        lam = one_value(self.lam)
        lam_shared = one_value(self.lam_shared)
        check_penalty("lam", lam, 1e-12)
        check_penalty("lam_shared", lam_shared, 1e-12)
        X, y, number, weight = self._prepare(X, y, tasks, sample_weight, y_numeric=True)
        y = _numbers(y)
        largest = float(abs(X).max())
        if largest > LARGEST:
            raise refuse(
                expected=f"features X that can be squared and added up, at most {LARGEST:g}",
                got=f"features X up to {largest:.3g}",
                fix="scale them (StandardScaler), or count in thousands or millions",
            )
        model = self._new_model(X.shape[1], 1)
        sizes = np.bincount(number, weight)
        alphas = np.asarray(self._alphas(sizes))
        if self.bias == "task" and not alphas.all():
            raise refuse(
                expected="alpha > 0 for every task, since each has an intercept of its own",
                got=f"alpha = {self.alpha!r}, where task {self.tasks_.tolist()[alphas.argmin()]!r} "
                "counts 0",
                fix="give that task a small weight, leave its rows out, or set bias='shared'",
            )
        weight = (alphas / sizes)[number] * weight  # (n_docs,)
        counts = weight > 0
        X = X[counts]
        y = y[counts]
        number = number[counts]
        weight = weight[counts]
        # Scaled blocks [1 | G] turn both penalties into ||v||^2 / 2: the shared weights are one
        # more adapter.
        shared = 0.0 if self._strategy == "independent" else lam_shared**-0.5
        first = np.full((len(self.tasks_), 1), shared)
        routes = np.hstack([first, lam**-0.5 * model.graph.numpy()])
        ones = {  # 1 where b_t is added
            "task": np.eye(len(self.tasks_))[number],
            "shared": np.ones((len(y), 1)),
            False: np.zeros((len(y), 0)),
        }
        try:
            v, b = _ridge(X, routes[number], y, weight, ones[self.bias])
        except linalg.LinAlgError as error:
            raise refuse(
                expected="features X, lam and alpha of sizes between which equations can be solved",
                got=f"features up to {largest:.3g}, lam = {lam:g}, lam_shared = {lam_shared:g}, "
                f"alpha up to {alphas.max():.3g} ({error})",
                fix="scale the features (StandardScaler), or raise lam and lam_shared",
            ) from error
        scale = np.array([shared, *[lam**-0.5] * model.n_adapters])
        blocks = v * scale[:, None]  # (1 + n_adapters, n_features)
        with torch.no_grad():
            model.shared.copy_(torch.from_numpy(blocks[:1]))
            for name, block in zip(model.adapter_names, blocks[1:], strict=True):
                model.adapters[name].get_parameter("full").copy_(torch.from_numpy(block[None]))
            if model.bias is not None:
                model.bias.copy_(torch.from_numpy(b[:, None]))
        return self._finish(model)

    def predict(self, X: Any, tasks: Any = None) -> np.ndarray:
        """w_t x + b_t of each row, by its task."""
        return self._logits(X, tasks)[:, 0]

    def score(self, X: Any, y: Any, sample_weight: Any = None, tasks: Any = None) -> float:
        """R^2 over all rows."""
        return r2_score(y, self.predict(X, tasks), sample_weight=sample_weight)


def _numbers(y: np.ndarray) -> np.ndarray:
    """The numbers to predict, whose squares can be added up."""
    try:
        numbers = np.full(1, np.inf) if y.dtype.kind in "mM" else y.astype(float)
    except (TypeError, ValueError, OverflowError):
        numbers = np.full(1, np.inf)
    if not np.abs(numbers).max(initial=0) <= LARGEST:  # NaN is not
        raise refuse(
            expected=f"numbers y to predict, up to {LARGEST:g}",
            got=f"y of {y.dtype}, such as {shown(y[0], 60)}",
            fix="turn them into numbers, and large ones into thousands or millions; names of "
            "classes are for RAGClassifier",
        )
    return numbers


def _ridge(X: Any, routes: np.ndarray, y: np.ndarray, weight: np.ndarray, B: np.ndarray) -> Any:
    """argmin of sum_i weight_i/2 (y_i - z_i v - B_i b)^2 + ||v||^2 / 2 over v and b; z_i = routes_i
    (x) x_i.

    Few rows: the dual system in c = weight * residual, (Z Z' + 1/weight) c + B b = y and B'c = 0.
    Else the normal equations. Returns v (n_blocks, n_features) and b.
    """
    n_blocks = routes.shape[1]
    n_features = X.shape[1]
    if len(y) <= n_blocks * n_features:
        gram = X @ X.T
        gram = (gram.toarray() if sp.issparse(gram) else gram) * (routes @ routes.T)
        corner = np.zeros((B.shape[1], B.shape[1]))
        system = np.block([[gram + np.diag(1 / weight), B], [B.T, corner]])
        solution = linalg.solve(system, np.concatenate([y, np.zeros(B.shape[1])]), assume_a="sym")
        c = solution[: len(y)]
        b = solution[len(y) :]
        return (X.T @ (c[:, None] * routes)).T, b
    X = sp.csr_matrix(X)
    Z = sp.hstack([*(sp.diags(r) @ X for r in routes.T), sp.csr_matrix(B)], format="csr")
    ridge = np.diag(np.r_[np.ones(n_blocks * n_features), np.zeros(B.shape[1])])
    weighted = Z.multiply(weight[:, None]).tocsr()
    solution = linalg.solve((Z.T @ weighted).toarray() + ridge, weighted.T @ y, assume_a="pos")
    v, b = np.split(solution, [n_blocks * n_features])
    return v.reshape(n_blocks, n_features), b
