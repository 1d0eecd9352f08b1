"""The model with scikit-learn's face: ``fit(X, y, tasks=...)``, ``predict``, ``score``.

Enters: features X (n_docs, n_features), dense or sparse, targets y, and the task of every row.
Leaves: a fitted estimator for any pipeline, with ``coef_`` (n_tasks, n_classes, n_features) and the
`RAG` itself as ``model_``.

    W_t = W_s + sum_k G[t, k] A_k
    J = sum_t alpha_t L_t + lam_shared/2 ||W_s||^2 + lam/2 sum_k ||A_k||^2

L_t is the weighted mean cross-entropy of task t, so a row of weight 2 counts as two rows and one of
weight 0 as none. J has one minimum, which Newton's method finds (see `ragteach.engine`): no seed,
no learning rate. For numbers y, see `regressor`.

Sources: Evgeniou & Pontil (2004); scikit-learn's developer guide for the interface.
"""

from __future__ import annotations

import html
import numbers
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
import torch
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ragteach.data.weighting import by_task, weights_of_classes
from ragteach.engine.optimum import solve
from ragteach.errors import at_least, is_number, one_of, refuse, shown, whole
from ragteach.graph import GRAPHS
from ragteach.ground.arguments import check_penalty, is_a, spelt
from ragteach.ground.objects import as_rows, one_value
from ragteach.integrations.routing import route_scores_to
from ragteach.integrations.rows import (
    centre,
    column,
    given_names,
    in_range,
    no_dates,
    no_texts,
    stack,
    unique,
    weights,
)
from ragteach.losses import task_alphas
from ragteach.model import RAG
from ragteach.tensors import MISSING
from ragteach.trainer import fit as train

STRATEGIES = ("rag", "full_sharing", "independent")
CAPTIONS = {
    "rag": "Graph G: which adapters serve which task (1 yes, 0 no). Every task also uses W_s.",
    "full_sharing": "No adapters: every task uses W_s alone.",
    "independent": "Graph G: each task has its own adapter, and W_s is 0.",
}
NO_TASKS = (
    "call with tasks=..., one name per row. In cross_val_score, GridSearchCV and a Pipeline: "
    "sklearn.set_config(enable_metadata_routing=True) passes tasks on, but not to a scoring=... of "
    "your choice; let the task be a column of X, named by task_column=..., and every scoring=... "
    'works. (Scores that are all NaN are this error in every fold: error_score="raise" shows it.)'
)
ROUTED = (
    "call with tasks=..., one name per row. A scorer named by scoring=..., cross_val_predict and "
    "the search's own predict do not pass tasks on, not even with metadata routing: let the task "
    "be a column of X, named by task_column=...; or leave scoring out (accuracy), and predict by "
    "search.best_estimator_"
)


class _RAGEstimator(BaseEstimator):
    """What the classifier and the regressor share: tasks in, weights per task out."""

    # With scikit-learn's metadata routing switched on, ``tasks`` reaches these methods by itself.
    __metadata_request__fit = {"tasks": True}
    __metadata_request__predict = {"tasks": True}
    __metadata_request__score = {"tasks": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _strategy(self) -> Any:
        """The strategy in this file's spelling: "full sharing" is "full_sharing"."""
        given = self.strategy
        return spelt(given).replace(" ", "_") if isinstance(given, str) else given

    def _prepare(self, X: Any, y: Any, tasks: Any, sample_weight: Any, **checks: Any) -> tuple:
        """Checked X, y, the rows' task numbers and weights; rows of weight 0 are gone."""
        X = as_rows("X", X)
        y = as_rows("y", y)
        tasks = as_rows("tasks", tasks)
        X, tasks = self._take_task_column(X, tasks)
        no_texts(no_dates("features X", X))
        with in_range("features X and targets y"):
            X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, **checks)
        weight = weights(sample_weight, len(y))
        if tasks is None:
            tasks = np.full(len(y), "task1")
        tasks = column(tasks, len(y))
        keep = weight > 0
        given = self.task_names
        self.tasks_ = unique(tasks[keep]) if given is None else given_names(given)
        number = self._task_numbers(tasks) if keep.any() else tasks
        missing = [
            t for i, t in enumerate(self.tasks_.tolist()) if not (keep & (number == i)).any()
        ]
        if missing or not keep.any():
            raise refuse(
                expected="at least one row of positive weight in every task",
                got=f"none for {missing}" if missing else "weights that are all zero",
                fix="add rows, or leave these tasks out of task_names",
            )
        return X[keep], y[keep], number[keep], weight[keep]

    def _task_numbers(self, tasks: Any) -> np.ndarray:
        """Row numbers of the tasks in ``tasks_``; refuses a task that was not there in `fit`."""
        number = {t: i for i, t in enumerate(self.tasks_.tolist())}
        unknown = [t for t in unique(tasks).tolist() if t not in number]
        if unknown:
            raise refuse(
                expected=f"tasks seen in fit: {self.tasks_.tolist()}",
                got=f"task {unknown[0]!r}",
                fix="check the spelling, or fit with examples of it "
                "(cross-validation: shuffle the rows)",
            )
        return np.array([number[t] for t in tasks.tolist()], dtype=int)

    def _take_task_column(self, X: Any, tasks: Any) -> tuple[Any, Any]:
        """Split the task column off X."""
        if self.task_column is None:
            return X, tasks
        if tasks is not None:
            raise refuse(
                expected="the tasks as tasks=..., or in a column of X named by task_column",
                got=f"both: tasks, and task_column = {shown(self.task_column, 60)}",
                fix="leave one of the two out",
            )
        try:
            if hasattr(X, "columns"):  # a table: pandas', polars'
                names = list(X.columns)
                if self.task_column not in names:
                    raise IndexError(f"its columns are {shown(names)}")
                names.remove(self.task_column)
                return X[names], X[self.task_column]
            X = X.tocsr() if sp.issparse(X) else np.asarray(X)
            column = range(X.shape[1])[self.task_column]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise refuse(
                expected=f"X with the task column {self.task_column!r}",
                got=f"X without it ({error})",
                fix="name a column of the DataFrame, or give the position of a column of the "
                "matrix",
            ) from error
        rest = [j for j in range(X.shape[1]) if j != column]
        found = X[:, [column]]
        return X[:, rest], (found.toarray() if sp.issparse(found) else found).ravel()

    def _new_model(self, n_features: int, n_outputs: int) -> RAG:
        """An untrained `RAG` of this estimator's shape, in double precision."""
        one_of("strategy", self._strategy, STRATEGIES)
        for name in ("lam", "lam_shared"):
            check_penalty(name, one_value(getattr(self, name)))
        names = [str(t) for t in self.tasks_]
        shape = (n_features, n_outputs)
        options = {"tasks": names, "bias": self.bias, "init": "zero"}
        if self._strategy != "rag":
            return getattr(RAG, self._strategy)(*shape, **options).double()
        graph = as_rows("graph", self.graph)
        n_adapters = self.num_adapters
        if not isinstance(graph, str) and np.ndim(np.asarray(graph, dtype=object)) != 2:
            raise refuse(
                expected=f"graph to be one of {', '.join(GRAPHS)}, or a matrix (n_tasks, "
                "n_adapters)",
                got=f"graph = {shown(graph)}",
                fix="graph='one_per_task' gives every task an adapter of its own",
            )
        if n_adapters is None:
            n_adapters = len(names) if isinstance(graph, str) else np.shape(graph)[1]
        seed = self.random_state
        if not isinstance(seed, numbers.Integral) or isinstance(seed, bool):
            kinds = (type(None), np.random.RandomState)
            is_a("random_state", seed, kinds, "a whole number or None", "random_state=0")
            seed = int(check_random_state(seed).randint(2**31 - 1))
        rank = getattr(self, "rank", None)
        if rank is not None:
            options |= {"adapter": "low_rank", "rank": rank, "init": "normal"}
        return RAG(*shape, n_adapters, graph=graph, seed=seed, **options).double()

    def _alphas(self, sizes: Any) -> Any:
        """alpha_t as a list, from the tasks' sums of weights; one number is every task's."""
        alpha = by_task(self.alpha, self.tasks_.tolist())
        if isinstance(alpha, str):
            if getattr(self, "rank", None) is not None and alpha in ("difficulty", "uncertainty"):
                return alpha  # these change while Adam trains; the exact solver needs fixed ones
            one_of("alpha of an exact solution", alpha, ("equal", "size"))
        elif is_number(alpha):
            alpha = [alpha] * len(sizes)
        return task_alphas(alpha, sizes).tolist()

    def _finish(self, model: RAG) -> Self:
        with torch.no_grad():
            self.coef_ = model.task_weights().numpy().copy()  # (n_tasks, n_classes, n_features)
            bias = model.task_bias()
            zeros = np.zeros(self.coef_.shape[:2])
            self.intercept_ = zeros if bias is None else bias.numpy().copy()  # (n_tasks, n_classes)
        self.model_ = model
        self.graph_ = model.graph.numpy().copy()
        return self

    def _logits(self, X: Any, tasks: Any) -> np.ndarray:
        """(n_docs, n_classes), each row by its own task."""
        check_is_fitted(self)
        X, tasks = self._take_task_column(as_rows("X", X), as_rows("tasks", tasks))
        no_dates("features X", X)
        with in_range("features X"):
            X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        if tasks is None:
            if len(self.tasks_) > 1:
                raise refuse(
                    expected=f"the task of every row, one of {self.tasks_.tolist()}",
                    got="tasks=None",
                    fix=ROUTED if get_config()["enable_metadata_routing"] else NO_TASKS,
                )
            tasks = np.repeat(self.tasks_, X.shape[0])
        number = self._task_numbers(column(tasks, X.shape[0]))
        logits = np.empty((X.shape[0], self.coef_.shape[1]))
        for t in np.unique(number):
            rows = number == t
            logits[rows] = X[rows] @ self.coef_[t].T + self.intercept_[t]
        return logits

    # ---------------------------------------- HTML: scikit-learn's diagram, and the graph below it

    def _repr_html_inner(self) -> str:
        return super()._repr_html_inner() + self._graph_html()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        bundle = super()._repr_mimebundle_(**kwargs)
        return bundle | ({"text/html": self._repr_html_inner()} if "text/html" in bundle else {})

    def _graph_html(self) -> str:
        """The routing graph as a table: tasks down, adapters across."""
        if not hasattr(self, "graph_"):
            graph = html.escape(str(self.graph))
            return f"<p>Graph: {graph} ({self.strategy}), drawn after fit.</p>"
        names = (html.escape(name) for name in self.model_.adapter_names)
        adapters = "".join(f"<th scope='col'>{name}</th>" for name in names)
        rows = ""
        for task, routes in zip(self.tasks_, self.graph_, strict=True):
            cells = "".join(f"<td>{g:g}</td>" for g in routes)
            rows += f"<tr><th scope='row'>{html.escape(str(task))}</th>{cells}</tr>"
        # Not a <caption>: it would be squeezed to the table's width, or stretch the table to its
        # own.
        table = f"<table><tr><th>task</th>{adapters}</tr>{rows}</table>"
        return f"<p>{CAPTIONS[self._strategy]}</p>{table}"


route_scores_to(_RAGEstimator)


class RAGClassifier(ClassifierMixin, _RAGEstimator):
    """Multi-task logistic regression with shared weights and adapters.

    Intuition: one logistic regression per task, the sum of what all tasks share and of its own
    correction. ``lam`` is the price of corrections: if large, all tasks become one; if small, each
    stands alone.

    Args:
        lam, lam_shared: penalties on the adapters and on W_s.
        strategy: ``"rag"``, or a baseline: ``"full_sharing"`` (no adapters) or ``"independent"``
            (no W_s).
        graph, num_adapters: see `routing_graph`. Default: one adapter per task. A matrix has one
            row per task, in the order of ``task_names``.
        alpha: ``"equal"``, ``"size"``, one weight per task (a list, or a dict by their names), or
            one number for all.
        bias: ``"task"``, ``"shared"`` or False.
        class_weight: None, ``"balanced"`` (inside each task), or a dict from class to weight.
        task_names: the tasks and their order. Default: the sorted tasks of `fit`.
        task_column: the column of X that holds the task, for tools that carry only X
            (scikit-learn's scorers, SelfTrainingClassifier): a name for a DataFrame, a position for
            a matrix. With it any ``scoring=``, cross_val_predict and ``search.predict(X)`` work;
            with ``tasks=`` those do not pass the tasks on (``search.best_estimator_.predict``
            does).
        rank: None for full-size adapters, solved exactly. A number for low-rank ones, trained by
            Adam.
        epochs, lr: of that training.
        tol, max_iter: of the exact solver.
        random_state: start of low-rank adapters, and the draw of ``graph="random"``.

    Beside scikit-learn's ``LogisticRegression(C)``, which sums losses where this takes each task's
    mean: ``strategy="independent"`` has C = 1 / (n_t lam) for a task of n_t rows. All T tasks
    pooled, n rows, are ``strategy="full_sharing", alpha="size", bias="shared"`` with C = T / (n
    lam_shared). Of two classes C is twice that: theirs is then one row of weights, w, and ours are
    two, w / 2 and -w / 2, which cost half as much. A large ``lam`` alone is not full sharing: by
    default each task has a bias of its own, and counts alike whatever its size.

    Where scikit-learn is to cut the tasks (``cross_val_score``), pass the column ``d["shop"]`` or
    ``d["shop"].to_numpy(str)``: it cannot cut ``d["shop"].values``, pandas' array of strings.

    Attributes:
        coef_: (n_tasks, n_classes, n_features). intercept_: (n_tasks, n_classes).
        classes_, tasks_: the classes and tasks in the order of these arrays.
        graph_: (n_tasks, n_adapters). model_: the `RAG`. n_iter_: solver steps (or epochs).

    Raises:
        RagteachError: unknown task or option, a task without rows, tasks of the wrong length.
        ValueError, TypeError: scikit-learn's own, about X, y and sample_weight.

    Texts and tasks in one Pipeline, for a search with any ``scoring=``: the last column of what
    the words are turned into says the task, as a number, and ``task_column=-1`` finds it there.
    (A column of names would not stand beside sparse words. Shuffle rows that come task by task, or
    a fold lacks a task. Where all scores of a search are NaN,
    every fit or every score has failed: ``error_score="raise"`` shows with what.)

        >>> import pandas as pd
        >>> from sklearn.compose import make_column_transformer
        >>> from sklearn.feature_extraction.text import TfidfVectorizer
        >>> from sklearn.model_selection import GridSearchCV
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import OrdinalEncoder
        >>> frame = pd.DataFrame({"text": ["good", "bad"] * 6, "task": ["films", "cars"] * 6})
        >>> columns = (TfidfVectorizer(), "text"), (OrdinalEncoder(), ["task"])
        >>> numbers = make_column_transformer(*columns)
        >>> pipeline = make_pipeline(numbers, RAGClassifier(task_column=-1))
        >>> grid = {"ragclassifier__lam": [0.001, 0.1]}
        >>> options = {"scoring": "f1_macro", "error_score": "raise"}
        >>> search = GridSearchCV(pipeline, grid, cv=3, **options)
        >>> search.fit(frame, ["yes", "yes", "no", "no"] * 3).predict(frame).shape
        (12,)

    Example:
        >>> import numpy as np
        >>> X, y = np.eye(4), ["no", "yes", "yes", "no"]
        >>> model = RAGClassifier().fit(X, y, tasks=["films", "films", "cars", "cars"])
        >>> model.predict(X[:2], tasks=["films", "films"]).tolist()
        ['no', 'yes']
    """

    __metadata_request__predict_proba = {"tasks": True}
    __metadata_request__predict_log_proba = {"tasks": True}
    __metadata_request__decision_function = {"tasks": True}

    def __init__(
        self,
        lam: float = 0.01,
        lam_shared: float = 0.01,
        strategy: str = "rag",
        graph: Any = "one_per_task",
        num_adapters: int | None = None,
        alpha: Any = "equal",
        bias: Any = "task",
        class_weight: Any = None,
        task_names: Any = None,
        task_column: Any = None,
        rank: int | None = None,
        epochs: int = 300,
        lr: float = 0.05,
        tol: float = 1e-6,
        max_iter: int = 2000,
        random_state: Any = 0,
    ) -> None:
        self.lam = lam
        self.lam_shared = lam_shared
        self.strategy = strategy
        self.graph = graph
        self.num_adapters = num_adapters
        self.alpha = alpha
        self.bias = bias
        self.class_weight = class_weight
        self.task_names = task_names
        self.task_column = task_column
        self.rank = rank
        self.epochs = epochs
        self.lr = lr
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any, tasks: Any = None, sample_weight: Any = None) -> Self:
        """Minimise J.

        Args:
            X: (n_docs, n_features), dense, sparse or DataFrame. y: (n_docs,) classes.
            tasks: (n_docs,) task of each row. None: one task. To cross_val_score pass a column of
                strings as ``frame["shop"].to_numpy(dtype=object)``: scikit-learn cannot cut the
                ``.values`` of newer pandas.
            sample_weight: (n_docs,) weights >= 0.
        """
        X, y, number, weight = self._prepare(X, y, tasks, sample_weight)
        check_classification_targets(y)
        self.classes_, label = np.unique(y, return_inverse=True)
        if self.classes_.dtype.kind in "if" and MISSING in self.classes_:
            raise refuse(
                expected="a class y for every row",
                got=f"{int((y == MISSING).sum())} rows with {MISSING}, which means: no label",
                fix="leave those rows out; or self_train(RAGClassifier(), X, y, tasks) learns from "
                "them too",
            )
        if len(self.classes_) < 2:
            raise refuse(
                expected="at least two classes y (among the rows of positive weight)",
                got=f"1 class: {self.classes_.tolist()[0]!r}",
                fix="add examples of another class",
            )
        self._check_class_weight()
        at_least("tol", self.tol)
        whole("max_iter", self.max_iter, 1)
        if self.rank is not None:
            whole("epochs", self.epochs, 1)
            at_least("lr", self.lr)
        tensors, sizes = stack(
            X, label, number, weight, self._per_class, len(self.classes_), list(self.tasks_)
        )
        alpha = self._alphas(sizes)
        model = self._new_model(X.shape[1], len(self.classes_))
        options = {"lam": self.lam, "lam_shared": self.lam_shared, "alpha": alpha}
        shift = centre(tensors) if self.bias == "task" else None
        if self.rank is None or self._strategy != "rag":
            solution = solve(model, tensors, tol=self.tol, max_iter=self.max_iter, **options)
            self.n_iter_ = max(1, solution.iterations)
        else:
            options |= {"epochs": self.epochs, "lr": self.lr, "device": "cpu", "progress": False}
            train(model, tensors, **options)
            self.n_iter_ = self.epochs
        # W_t (x - shift) + b_t = W_t x + (b_t - W_t shift)
        if shift is not None and model.bias is not None:
            model.bias.data -= (model.task_weights().detach() @ shift.mT).squeeze(2)
        return self._finish(model)

    def _per_class(self, label: Any, weight: Any) -> np.ndarray:
        """Weight of each class among the rows of one task."""
        given = self.class_weight
        if isinstance(given, str):
            one_of("class_weight", given, ["balanced"])
        elif given is not None:
            given = [given.get(c, 1.0) for c in self.classes_.tolist()]
        return weights_of_classes(given, label, len(self.classes_), weight).numpy()

    def _check_class_weight(self) -> None:
        given = self.class_weight
        if given is None or isinstance(given, str):
            return
        if not isinstance(given, Mapping):
            raise refuse(
                expected="class_weight as a dict from class to weight",
                got=f"class_weight = {shown(given)}",
                fix="give {class: weight, ...}, or 'balanced', or None",
            )
        classes = self.classes_.tolist()
        if not given.keys() >= set(classes):  # a class without weight: is a name mistyped?
            for name in given:
                one_of("class in class_weight", name, classes)
        for name, weight in given.items():
            if not (is_number(weight) and 0 < weight < float("inf")):
                raise refuse(
                    expected="a positive, finite weight for each class in class_weight",
                    got=f"class_weight[{name!r}] = {weight!r}",
                    fix="1 is normal, 2 counts twice; leave out the rows of a class that shall not "
                    "count",
                )

    def decision_function(self, X: Any, tasks: Any = None) -> np.ndarray:
        """Logits (n_docs, n_classes); with two classes, their difference (n_docs,)."""
        logits = self._logits(X, tasks)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any, tasks: Any = None) -> np.ndarray:
        """The most likely class of each row, by its task."""
        best = self._logits(X, tasks).argmax(1)
        return self.classes_[best]

    def predict_log_proba(self, X: Any, tasks: Any = None) -> np.ndarray:
        """Logarithm of `predict_proba`."""
        logits = self._logits(X, tasks)
        return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)

    def predict_proba(self, X: Any, tasks: Any = None) -> np.ndarray:
        """softmax(W_t x + b_t): (n_docs, n_classes)."""
        return np.exp(self.predict_log_proba(X, tasks))

    def score(self, X: Any, y: Any, sample_weight: Any = None, tasks: Any = None) -> float:
        """Accuracy over all rows."""
        y = as_rows("y", y)
        weight = as_rows("sample_weight", sample_weight)
        return accuracy_score(y, self.predict(X, tasks), sample_weight=weight)
