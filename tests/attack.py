"""Every public call of the package, each with arguments that work, for the attack with bad ones.

`CALLS` maps a name to a function that builds a fresh `Call`: what to call, and valid arguments for
it. `sane` says what a result may look like, `verdict` what an attack on one argument came to.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import inspect
import itertools
import math
import signal
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from problems import problem
from sklearn.exceptions import NotFittedError
from torch import nn

import ragteach as rt

TASKS = ["films", "cars"]


@dataclasses.dataclass
class Call:
    """A call that works, whose arguments can be exchanged one by one."""

    function: Callable
    valid: dict
    also: tuple = ()  # errors that are allowed beside ours: a library's own
    leave: tuple = ()  # arguments that are not attacked, such as user functions
    unused: tuple = ()  # arguments that play no part in this call
    carries: tuple = ()  # arguments whose NaN is the result's: training sees it, and stops

    def arguments(self) -> list[str]:
        """The arguments that can be exchanged, given here or not."""
        kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        named = inspect.signature(self.function).parameters.values()
        names = {p.name for p in named if p.kind not in kinds} | set(self.valid)
        return sorted(names - set(self.leave))


CALLS: dict[str, Callable[[], Call]] = {}

# The formulas of the inner loop take tensors, and torch's own errors say what is wrong with those.
FORMULAS = {"cross_entropy", "penalty", "residual", "task_logits", "task_weights", "gradients"}
# What a stream of batches raises while it is read is its own, and stays as it is.
STREAMS = {"data", "val", "loader", "batches"}
# Names that are no calls, or are made by other calls only.
NO_CALLS = {
    "Adapter": "made by RAG",
    "DivergenceWarning": "a warning",
    "Encoder": "needs an extra; attacked in tests/data/test_encoder.py",
    "History": "made by fit",
    "LABELS": "data",
    "Lab": "made by lab",
    "MISSING": "data",
    "RagteachError": "the error itself",
    "Replicas": "made by train_many",
    "Solution": "made by solve",
    "TOY_TASKS": "data",
    "TaskTensors": "made by MultiTaskDataset.stacked",
    "Trajectory": "made by Recorder",
    "losses": "a module of formulas",
    "Look": "made by look",
    "Advice": "made by advise",
    "plots": "a module",
    "trajectories": "a module",
    "widgets": "a module",
    "load_handwritten": "no arguments",
    "load_toy": "no arguments",
}


def call(name: str):
    """Register the builder of a `Call` under a name."""

    def keep(build):
        CALLS[name] = build
        return build

    return keep


# ---------------------------------------------------------------- things that calls need


def model(**options) -> rt.RAG:
    return rt.RAG(6, 3, 2, tasks=TASKS, **options)


def data(n: int = 9):
    made = problem((n, n), 6, 3)
    made.task_names = list(TASKS)
    return made


def frame() -> pd.DataFrame:
    return rt.make_toy(n_per_task=12, seed=0)


@functools.cache
def table() -> pd.DataFrame:
    """What `compare` leaves."""
    options = {"n_jobs": 1, "progress": False}
    return rt.compare(seeds=3, n_per_task=[6], strategies=["RAG", "full sharing"], **options)


def rows(n: int = 24):
    """X, y and tasks as scikit-learn's users have them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = (X[:, 0] + rng.normal(size=n) > 0).astype(int)
    return X, y, np.array(TASKS * (n // 2))


def heads():
    return {"topic": rt.Classification(3), "stars": rt.Regression()}


def head_data(n: int = 12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return {"topic": (x, np.arange(n) % 3), "stars": (x, x[:, 0].copy())}


# ---------------------------------------------------------------- the core


@call("RAG")
def _():
    valid = {"input_dim": 6, "output_dim": 3, "num_adapters": 2, "tasks": TASKS}
    return Call(rt.RAG, valid | {"graph": "random", "adapter": "low_rank", "rank": 1})


@call("RAG.full_sharing")
def _():
    return Call(rt.RAG.full_sharing, {"input_dim": 6, "output_dim": 3, "tasks": TASKS})


@call("RAG.independent")
def _():
    return Call(rt.RAG.independent, {"input_dim": 6, "output_dim": 3, "tasks": TASKS})


@call("RAG.forward")
def _():
    return Call(model().forward, {"x": torch.zeros(4, 6), "task": "films"})


@call("RAG.predict")
def _():
    return Call(model().predict, {"x": torch.zeros(4, 6), "task": "films"})


@call("RAG.task_index")
def _():
    return Call(model().task_index, {"task": "films"})


@call("RAG.task_weights")
def _():
    return Call(model().task_weights, {"task": 0})


@call("RAG.merge")
def _():
    return Call(model().merge, {"task": "films"})


@call("RAG.reset")
def _():
    return Call(model().reset, {"seed": 1})


@call("RAG.add_adapter")
def _():
    made = model()

    def add_adapter(name, tasks=(), seed=None):
        made.add_adapter(name, tasks, seed)
        return made

    return Call(add_adapter, {"name": "new", "tasks": ["films"]})


@call("RAG.add_task")
def _():
    made = model()

    def add_task(name, adapters=()):
        made.add_task(name, adapters)
        return made

    return Call(add_task, {"name": "new", "adapters": ["A1"]})


@call("RAG.remove_adapter")
def _():
    return Call(model().remove_adapter, {"name": "A1"})


for _method in ("freeze", "unfreeze", "activate", "deactivate"):

    @call(f"RAG.{_method}")
    def _(_method=_method):
        made = getattr(model(), _method)
        return Call(lambda name: made(name), {"name": "A1"})


@call("MultiTaskDataset")
def _():
    texts = ["good film", "bad brakes", "good brakes", "bad film"]
    tasks = ["films", "cars", "cars", "films"]
    valid = {"texts": texts, "labels": [1, 0, 1, 0], "num_classes": 2, "tasks": tasks}
    return Call(rt.MultiTaskDataset, valid)


@call("MultiTaskDataset.from_frame")
def _():
    return Call(rt.MultiTaskDataset.from_frame, {"frame": frame()})


@call("MultiTaskDataset.subset")
def _():
    return Call(data().subset, {"indices": [0, 1]})


@call("MultiTaskDataset.stacked")
def _():
    return Call(data().stacked, {})


@call("split_frame")
def _():
    return Call(rt.split_frame, {"frame": rt.make_toy(n_per_task=30, seed=0)})


@call("MultiTaskLoss")
def _():
    return Call(rt.MultiTaskLoss, {}, leave=("loss_fn",))


@call("MultiTaskLoss.forward")
def _():
    y, task = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 1, 1])
    valid = {"logits": torch.zeros(4, 3), "y": y, "task": task, "model": model()}
    return Call(rt.MultiTaskLoss(lam=0.1).forward, valid, carries=("logits",))


@call("MultiTaskLoss.set_sizes")
def _():
    return Call(rt.MultiTaskLoss(alpha="size").set_sizes, {"sizes": [3, 4]})


@call("fit")
def _():
    valid = {"model": model(), "data": data(), "epochs": 4, "progress": False}
    valid |= {"schedule": "alternating", "rounds": 2}
    return Call(rt.fit, valid, leave=("progress",))


@call("train_epoch")
def _():
    made = model()
    loader = torch.utils.data.DataLoader(data(), batch_size=4)
    valid = {"model": made, "loader": loader, "criterion": rt.MultiTaskLoss()}
    return Call(rt.train_epoch, valid | {"optimizer": torch.optim.SGD(made.parameters(), lr=0.1)})


@call("evaluate")
def _():
    return Call(rt.evaluate, {"model": model(), "data": data()})


@call("routing_graph")
def _():
    return Call(rt.routing_graph, {"graph": "random", "n_tasks": 3, "n_adapters": 2})


@call("task_covariance")
def _():
    return Call(rt.task_covariance, {"graph": np.eye(2), "lam": 1.0, "lam_shared": 1.0})


# ---------------------------------------------------------------- data


@call("as_frame")
def _():
    return Call(
        rt.as_frame, {"data": {"text": ["a", "b"], "label": ["x", "y"], "task": ["t", "t"]}}
    )


@call("as_dataset")
def _():
    return Call(rt.as_dataset, {"data": frame()})


@call("load_table")
def _():
    return Call(rt.load_table, {"source": b"text,label\ngood film,1\nbad film,0\n"})


@call("groups")
def _():
    return Call(rt.groups, {"texts": ["Good film.", "bad film", "good film"]})


@call("look")
def _():
    return Call(rt.look, {"data": frame()})


@call("mend")
def _():
    return Call(rt.mend, {"data": frame(), "drop_tasks": [str(frame()["task"].iloc[0])]})


@call("advise")
def _():
    return Call(rt.advise, {"table": table()})


@call("lab")
def _():
    return Call(rt.lab, {"name": "vision"})


@call("load_article")
def _():
    return Call(rt.load_article, {})


@call("load_csv")
def _():
    from ragteach.data.toy import folder

    return Call(rt.load_csv, {"path": folder("toy_sentiment") / "handwritten.csv"})


@call("make_toy")
def _():
    return Call(rt.make_toy, {"n_per_task": 6})


@call("make_vectorizer")
def _():
    return Call(rt.make_vectorizer, {})


@call("class_weights")
def _():
    return Call(rt.class_weights, {"labels": [0, 0, 1], "n_classes": 2})


@call("resample")
def _():
    return Call(rt.resample, {"frame": frame()})


@call("augment")
def _():
    return Call(rt.augment, {"frame": frame(), "change": "replace", "synonyms": {"good": ["fine"]}})


@call("self_train")
def _():
    X, y, tasks = rows()
    y = np.where(np.arange(len(y)) < 12, y, -100)
    valid = {"estimator": rt.RAGClassifier(tol=1e-3), "X": X, "y": y, "tasks": tasks}
    return Call(rt.self_train, valid | {"max_iter": 2}, also=(ValueError, TypeError))


# ---------------------------------------------------------------- engine


@call("solve")
def _():
    return Call(rt.solve, {"model": model(), "data": data(), "lam": 0.1, "lam_shared": 0.1})


@call("solve_path")
def _():
    return Call(rt.solve_path, {"model": model(), "data": data(), "lam": [0.1, 1.0]})


@call("train_many")
def _():
    return Call(rt.train_many, {"model": model(), "tensors": data().stacked(), "steps": 2})


# ---------------------------------------------------------------- study


@call("compare")
def _():
    valid = {"seeds": 2, "n_per_task": [6], "strategies": ["RAG", "full sharing"], "n_jobs": 1}
    return Call(rt.compare, valid | {"progress": False}, leave=("progress", "n_jobs"))


@call("who_wins_map")
def _():
    valid = {"relatedness": [0.5], "n_per_task": [6], "seeds": 2, "n_jobs": 1, "progress": False}
    return Call(rt.who_wins_map, valid, leave=("progress", "n_jobs"))


@call("Strategy")
def _():
    def build(part):
        return rt.RAG(part.n_features, part.n_classes, 0, tasks=part.task_names)

    return Call(rt.Strategy, {"name": "ours", "builder": build, "tries": ((0.1, 0.1),)})


@call("fit_split")
def _():
    valid = {"frame": rt.make_toy(n_per_task=30, seed=0), "strategies": ["full sharing"]}
    return Call(rt.fit_split, valid)


@call("paired")
def _():
    return Call(rt.paired, {"table": table()})


@call("summary")
def _():
    return Call(rt.summary, {"table": table()})


@call("search")
def _():
    valid = {"train": data(), "val": data(), "n_trials": 1, "epochs": 1, "progress": False}
    return Call(rt.search, valid, leave=("progress", "callbacks"))


@call("Recorder")
def _():
    return Call(rt.Recorder, {"model": model()})


# ---------------------------------------------------------------- integrations


@call("DeepRAG")
def _():
    base = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    valid = {"base": base, "layers": "*", "tasks": ["a", "b"], "n_adapters": 2, "rank": 2}
    return Call(rt.DeepRAG, valid)


@call("DeepRAG.forward")
def _():
    made = CALLS["DeepRAG"]()
    return Call(
        rt.DeepRAG(**made.valid).forward, {"x": torch.zeros(4, 6), "task": "a"}, carries=("x",)
    )


def _estimator(make, unused=(), **changed):
    def build():
        X, y, tasks = rows()

        def fit(X, y, tasks, sample_weight=None, **options):
            return make(**options).fit(X, y, tasks=tasks, sample_weight=sample_weight)

        options = {name: p.default for name, p in inspect.signature(make).parameters.items()}
        valid = options | {"X": X, "y": y, "tasks": tasks}
        if "tol" in options:
            valid |= {"max_iter": 200, "tol": 1e-4, "epochs": 2}
        return Call(fit, valid | changed, also=(ValueError, TypeError), unused=unused)

    return build


CALLS["RAGClassifier"] = _estimator(rt.RAGClassifier, unused=("epochs", "lr"))
CALLS["RAGClassifier.low_rank"] = _estimator(rt.RAGClassifier, ("tol", "max_iter"), rank=1)
CALLS["RAGRegressor"] = _estimator(rt.RAGRegressor)

for _method in ("predict", "predict_proba", "decision_function", "score"):

    @call(f"RAGClassifier.{_method}")
    def _(_method=_method):
        X, y, tasks = rows()
        fitted = rt.RAGClassifier(tol=1e-3).fit(X, y, tasks=tasks)
        valid = {"X": X, "tasks": tasks} | ({"y": y} if _method == "score" else {})
        return Call(getattr(fitted, _method), valid, also=(ValueError, TypeError))


@call("RAGRegressor.predict")
def _():
    X, y, tasks = rows()
    fitted = rt.RAGRegressor().fit(X, y, tasks=tasks)
    return Call(fitted.predict, {"X": X, "tasks": tasks}, also=(ValueError, TypeError))


for _head in ("Classification", "Regression", "MultiLabel", "Ranking", "Similarity"):

    @call(_head)
    def _(_head=_head):
        return Call(getattr(rt, _head), {"size": 3})


@call("MultiHead")
def _():
    return Call(rt.MultiHead, {"input_dim": 4, "heads": heads()})


@call("MultiHead.predict")
def _():
    made = rt.MultiHead(4, heads())
    return Call(made.predict, {"x": head_data()["topic"][0], "task": "topic"})


@call("MultiHead.evaluate")
def _():
    return Call(rt.MultiHead(4, heads()).evaluate, {"data": head_data()})


@call("fit_heads")
def _():
    valid = {"model": rt.MultiHead(4, heads()), "data": head_data(), "epochs": 2}
    return Call(rt.fit_heads, valid | {"progress": False}, leave=("progress",))


@call("heads_from_frame")
def _():
    table = {"text": ["good film", "bad film"], "mood": ["+", "-"], "about": ["art", "war"]}
    return Call(rt.heads_from_frame, {"frame": table, "label": ["mood", "about"]})


@call("save")
def _():
    import tempfile

    path = tempfile.mkdtemp() + "/model.safetensors"
    vectorizer = rt.make_vectorizer().fit(["a good film by them", "so bad"])
    made = rt.RAG(len(vectorizer.vocabulary_), 3, 2, tasks=TASKS)
    valid = {"path": path, "model": made, "vectorizer": vectorizer, "labels": ["a", "b", "c"]}
    return Call(rt.save, valid)


@call("load")
def _():
    return Call(rt.load, {"path": CALLS["save"]().function(**CALLS["save"]().valid)})


@call("Saved.logits")
def _():
    saved = rt.load(rt.save(**CALLS["save"]().valid))
    return Call(saved.logits, {"texts": ["a good film"], "task": "films"})


@call("to_peft")
def _():
    return Call(rt.to_peft, {"model": model()})


@call("from_peft")
def _():
    return Call(rt.from_peft, {"wrapped": rt.to_peft(model())})


@call("lora_weights")
def _():
    return Call(rt.lora_weights, {"model": model(), "task": "films"})


@call("export_onnx")
def _():
    import tempfile

    valid = {"model": model(), "path": tempfile.mkdtemp() + "/model.onnx", "task": "films"}
    return Call(rt.export_onnx, valid, leave=("path",))


@call("export_program")
def _():
    return Call(rt.export_program, {"model": model(), "task": "films"})


@call("TensorBoard")
def _():
    import tempfile

    return Call(rt.TensorBoard, {"folder": tempfile.mkdtemp()}, leave=("folder",))


@call("WandB")
def _():
    import tempfile

    valid = {"folder": tempfile.mkdtemp(), "mode": "disabled"}
    return Call(rt.WandB, valid, leave=("folder", "project", "name", "config"))


# ---------------------------------------------------------------- teaching


for _name in ("check", "hint", "card", "rubric", "reference"):

    @call(_name)
    def _(_name=_name):
        return Call(getattr(rt, _name), {"number": "02-1"})


@call("predict")
def _():
    return Call(rt.predict, {"question": "00-a"})


@call("reveal")
def _():
    return Call(rt.reveal, {"question": "00-a", "result": 1})


@call("reflect")
def _():
    return Call(rt.reflect, {"number": "00-4", "text": "They share."})


@call("world")
def _():
    return Call(rt.world, {"student_id": "ada"})


@call("progress")
def _():
    return Call(rt.progress, {})


@call("fit_spread")
def _():
    data = rt.MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
    valid = {
        "model": rt.RAG(4, 2, 2, tasks=["a", "b"]),
        "batches": torch.utils.data.DataLoader(data, batch_size=4),
        "criterion": rt.MultiTaskLoss(sizes=[2, 2]),
        "epochs": 1,
        "lr": 0.1,
    }
    return Call(rt.fit_spread, valid)


@call("load_human")
def _():
    return Call(rt.load_human, {}, leave=("cache", "raters"))  # see tests/data: it may fetch


# ---------------------------------------------------------------- what is wrong, and what is right

NAN, INF = float("nan"), float("inf")


def _polars():
    try:
        import polars

        polars.DataFrame  # noqa: B018
    except (ImportError, AttributeError):
        return {
            "a table of another kind": np.array([("a", 0)], dtype=[("text", "U1"), ("label", "i4")])
        }
    return {"polars": polars.DataFrame({"text": ["a"], "label": [0], "task": ["films"]})}


def _breaks():
    yield 1
    raise RuntimeError("in the middle")


class _NoItems:
    """Looks like a list, and has none."""

    def __getitem__(self, place):
        raise RuntimeError("no items")


def _quantised() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is going to give them up
        return torch.quantize_per_tensor(torch.ones(4, 6), 0.1, 0, torch.qint8)


def _matrix() -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy is going to give them up
        return np.asmatrix(np.ones((4, 6)))


class _Text(str):
    """Text of a kind of its own."""


class _Count(int):
    """A whole number of a kind of its own."""


def _in_itself() -> list:
    endless: list = []
    endless.append(endless)
    return endless


def _raises(self, *given):
    raise RuntimeError("it answers no question")


# Objects of which one question each raises: they can be refused by their class only.
_HOSTILE = {
    f"a hostile {name}": type(f"Hostile{name.strip('_').title()}", (), {name: _raises})
    for name in (
        "__repr__", "__eq__", "__len__", "__getattr__", "__iter__", "__bool__", "__hash__",
        "__float__", "__index__", "__array__", "__str__", "__contains__", "__fspath__", "__call__",
    )
}  # fmt: skip


def _many_levels() -> pd.DataFrame:
    """A frame with two levels of rows and of columns."""
    rows = pd.MultiIndex.from_product([["a"], [0, 1]])
    columns = pd.MultiIndex.from_tuples([("text", ""), ("label", ""), ("task", "")])
    return pd.DataFrame([["good", 0, "films"], ["bad", 1, "films"]], rows, columns)


WRONG: dict[str, Callable[[], object]] = {
    "None": lambda: None,
    "NaN": lambda: NAN,
    "inf": lambda: INF,
    "-inf": lambda: -INF,
    "-1": lambda: -1,
    "0": lambda: 0,
    "2.5": lambda: 2.5,
    "True": lambda: True,
    "'adam'": lambda: "adam",
    "''": lambda: "",
    "b'bytes'": lambda: b"bytes",
    "[]": lambda: [],
    "{}": lambda: {},
    "()": lambda: (),
    "{'a': 1}": lambda: {"a": 1},
    "[.1, .2]": lambda: [0.1, 0.2],
    "[0, 1]": lambda: [0, 1],
    "[1, -1]": lambda: [1, -1],
    "[NaN, 1]": lambda: [NAN, 1.0],
    "[None, 1]": lambda: [None, 1],
    "['a', 'a']": lambda: ["a", "a"],
    "[[1], [1, 2]]": lambda: [[1], [1, 2]],
    "object()": object,
    "print": lambda: print,
    "1j": lambda: 1j,
    "np.nan": lambda: np.float32(NAN),
    "np.array(2)": lambda: np.array(2),
    "zeros(0)": lambda: np.zeros(0),
    "ones((2, 2))": lambda: np.ones((2, 2)),
    "ones((2, 2, 2))": lambda: np.ones((2, 2, 2)),
    "array of text": lambda: np.array(["a", "b"]),
    "array of objects": lambda: np.array([object(), None], dtype=object),
    "array of dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "array with NaN": lambda: np.full((4, 6), NAN),
    "tensor": lambda: torch.ones(2),
    "complex tensor": lambda: torch.ones(2, dtype=torch.complex64),
    "tensor with NaN": lambda: torch.full((4, 6), NAN),
    "sparse": lambda: sp.csr_matrix(np.eye(3)),
    "categorical": lambda: pd.Series(["a", "b"], dtype="category"),
    "series": lambda: pd.Series([1.0, NAN]),
    "empty frame": lambda: pd.DataFrame(),
    "frame of numbers": lambda: pd.DataFrame(
        {"text": [1, 2], "label": [0.5, 1], "task": [None, 1]}
    ),
    "frame without rows": lambda: pd.DataFrame({"text": [], "label": [], "task": []}),
    "nn.CrossEntropyLoss()": nn.CrossEntropyLoss,
    "nn.Linear": lambda: nn.Linear(2, 2),
    "the class RAG": lambda: rt.RAG,
    "date": lambda: pd.Timestamp("2020-01-01"),
    "generator": lambda: (i for i in ()),
    "bytearray": lambda: bytearray(b"ab"),
    "10**400": lambda: 10**400,
    "a generator that breaks": _breaks,
    "a generator that never ends": itertools.count,
    "no items": _NoItems,
    "signalling NaN": lambda: Decimal("sNaN"),
    "Fraction": lambda: Fraction(1, 3),
    "pd.NA": lambda: pd.NA,
    "Int64 with NA": lambda: pd.array([1, None], dtype="Int64"),
    "array of no axis": lambda: np.array(None, dtype=object),
    "records": lambda: np.zeros(2, dtype=[("a", "i4")]),
    "timedelta": lambda: pd.Timedelta(1, "D"),
    "a dict's child": lambda: Counter("ab"),
    "int8": lambda: torch.ones(2, dtype=torch.int8),
    "float16": lambda: torch.ones(4, 6, dtype=torch.float16),
    "bfloat16": lambda: torch.ones(4, 6, dtype=torch.bfloat16),
    "meta tensor": lambda: torch.ones(4, 6, device="meta"),
    "quantised tensor": _quantised,
    "sparse tensor": lambda: torch.eye(6)[:4].to_sparse(),
    "tensor that is trained": lambda: torch.ones(4, 6, requires_grad=True),
    "tensor of one number": lambda: torch.tensor(1.5),
    "empty tensor": lambda: torch.empty(0, 6),
    "nested tensor": lambda: [torch.ones(2), torch.ones(3)],
    "masked array": lambda: np.ma.masked_array(np.ones((4, 6)), mask=np.eye(4, 6)),
    "numpy matrix": _matrix,
    "memoryview": lambda: memoryview(b"ab"),
    "array of complex": lambda: np.ones((4, 6), dtype=complex),
    "array of bytes": lambda: np.array([b"a", b"b"]),
    "array of arrays": lambda: np.array([np.ones(2), np.ones(3)], dtype=object),
    "ten axes": lambda: np.ones((1,) * 10),
    "the date of today": datetime.date.today,
    "frame of many levels": _many_levels,
    "frame with a column twice": lambda: pd.DataFrame(
        [["good", "bad", 0, "films"]], columns=["text", "text", "label", "task"]
    ),
    "unused categories": lambda: pd.Series(pd.Categorical(["a", "b"], categories=["c", "a", "b"])),
    "Arrow strings": lambda: pd.Series(["a", None], dtype=pd.StringDtype("pyarrow")),
    "boolean with NA": lambda: pd.array([True, None], dtype="boolean"),
    "set": lambda: {"films", "cars"},
    "a list in itself": _in_itself,
    **_HOSTILE,
    **{name: (lambda value=value: value) for name, value in _polars().items()},
}

# More of them, for the whole attack only.
MORE: dict[str, Callable[[], object]] = {
    "3.0": lambda: 3.0,
    "'3'": lambda: "3",
    "np.array(3)": lambda: np.array(3),
    "np.True_": lambda: np.True_,
    "Decimal": lambda: Decimal("0.5"),
    "str_": lambda: np.str_("films"),
    "a child of str": lambda: _Text("films"),
    "a child of int": lambda: _Count(3),
    "a long text": lambda: "x" * 100_000,
    "a text of zeros": lambda: "a\0b",
    "half a sign": lambda: "\ud800",
    "NaT": lambda: pd.NaT,
    "[10**400]": lambda: [10**400, 1],
    "masked constant": lambda: np.ma.masked,
    "sparse by columns": lambda: sp.csc_array(np.ones((4, 6))),
    "sparse of text": lambda: sp.coo_array((2, 3), dtype=bool),
    "float128": lambda: np.ones((4, 6), dtype=np.longdouble),
    "parameter": lambda: nn.Parameter(torch.ones(4, 6)),
    "a function of none": lambda: lambda: 0,
    "a function of many": lambda: lambda a, b, c, d, e, f: 0,
    "a class": lambda: nn.CrossEntropyLoss,
    "an error": lambda: ValueError("no"),
    "this folder": Path,
    "a module": lambda: math,
    "frozenset": frozenset,
    "a range": lambda: range(10**12),
    "a dict of lists": lambda: {"films": [], "cars": None},
    "a model of another kind": lambda: rt.MultiHead(4, heads()),
}

# What certain arguments must refuse wherever they stand: (numbers >= 0, whole numbers).
NUMBERS = {"lam", "lam_shared", "lr", "scale", "tol", "share", "threshold", "train", "noise"}
COUNTS = {
    "epochs", "rounds", "num_classes", "n_classes", "batch_size", "patience", "copies", "max_iter",
    "input_dim", "output_dim", "num_adapters", "n_adapters", "n_tasks", "rank", "per_task", "n_trials",
    "size", "n_hidden", "every", "steps", "seed", "min_df", "ngrams", "max_features",
}  # fmt: skip
NEVER_NUMBERS = ("NaN", "inf", "'adam'", "''", "{}", "object()", "print", "1j", "np.nan",
                 "array of text", "array of objects", "array with NaN", "nn.Linear", "date",
                 "empty frame", "[NaN, 1]")  # fmt: skip
NEVER_COUNTS = (*NEVER_NUMBERS, "2.5", "[.1, .2]", "array of dates", "ones((2, 2))")


def must_refuse(argument: str, wrong: str) -> bool:
    """Whether this value is wrong for this argument beyond doubt."""
    if argument in COUNTS:
        return wrong in NEVER_COUNTS or (wrong == "-1" and argument != "seed")
    return argument in NUMBERS and wrong in (*NEVER_NUMBERS, "-1")


def sane(result: object, depth: int = 0) -> bool:
    """Whether there is no NaN or infinity in a result."""
    if depth > 4 or result is None or isinstance(result, str | bytes | bool):
        return True
    if isinstance(result, float | np.floating):
        return math.isfinite(result)
    if isinstance(result, torch.Tensor):
        return not (result.is_floating_point() and not torch.isfinite(result).all())
    if sp.issparse(result):
        return bool(np.isfinite(result.data).all())
    if isinstance(result, pd.DataFrame):
        numbers = result.select_dtypes("number").to_numpy(float)
        return bool(np.isfinite(numbers).all())
    if isinstance(result, np.ndarray):
        return result.dtype.kind not in "fc" or bool(np.isfinite(result).all())
    if isinstance(result, dict):
        return all(sane(value, depth + 1) for value in result.values())
    if isinstance(result, list | tuple):
        return all(sane(value, depth + 1) for value in result)
    if isinstance(result, nn.Module):
        state = result.state_dict().values()
        return all(sane(value) for value in state)
    if hasattr(result, "coef_"):
        return sane(result.coef_) and sane(result.intercept_)
    if dataclasses.is_dataclass(result):
        return all(sane(value, depth + 1) for value in vars(result).values())
    return True


def named(argument: str, message: str) -> bool:
    """Whether a message speaks of an argument (or of what it holds)."""
    also = {
        "x": "features rows", "y": "target label class", "data": "row column task features", "texts": "features",
        "frame": "table column row", "tensors": "multitaskdataset", "model": "rag", "init": "start",
        "sizes": "alpha", "heads": "head", "how": "how", "path": "file table", "source": "file", "loader": "dataloader", "batches": "batch",
        "sample_weight": "weight", "n_features": "features", "val": "data task", "train": "data",
        "strategies": "strategy", "wrapped": "lora peft", "number": "exercise", "mode": "mode",
        "question": "prediction", "study": "optuna", "space": "parameter", "callbacks": "callback", "by": "column",
        "labels": "label", "task_column": "column", "indices": "index", "change": "change",
        "knobs": "knob", "name": "adapter part task", "seeds": "seed", "vectorizer": "vectoriser", "adapters": "adapter", "random_state": "seed",
    }  # fmt: skip
    words = [argument, *argument.split("_"), *also.get(argument.lower(), "").split()]
    words += [word.rstrip("s") for word in words]
    if f"{argument} = " in message:
        return True
    return any(len(word) > 1 and word.lower() in message.lower() for word in words)


@contextmanager
def limit(seconds: float):
    """A call that computes for longer is an error. (Only where there are alarms.)"""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(*_):
        raise TimeoutError(f"no answer within {seconds} s of computing")

    before = signal.signal(signal.SIGPROF, ring)  # its own seconds, however busy the machine is
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def verdict(name: str, argument: str, wrong: str, value: object) -> str:
    """What came of it: "" if all is well, else what is wrong with the answer."""
    made = CALLS[name]()
    try:
        with limit(20), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = made.function(**(made.valid | {argument: value}))
    except rt.RagteachError as error:
        said = str(error)
        parts = [said.find(part) for part in ("Expected: ", "\nGot: ", "\nWhat to do: ")]
        if parts[0] != 0 or not 0 < parts[1] < parts[2]:
            return f"not three parts: {said!r}"
        return "" if named(argument, said) else f"does not name the argument: {said!r}"
    except (*made.also, NotFittedError) as error:
        frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        checked = any("sklearn" in name for name in frames) and "Linalg" not in repr(error)
        return "" if checked and str(error) else f"{type(error).__name__}: {str(error)[:150]}"
    except Exception as error:  # whatever else there is, is the finding
        own = argument in STREAMS and wrong == "a hostile __iter__"
        if own or wrong == "a hostile __call__":  # what your function raises stays as it is
            return ""
        return f"{type(error).__name__}: {str(error)[:150]}"
    if must_refuse(argument, wrong) and argument not in made.unused:
        return "accepted"
    if argument not in made.carries and not sane(result):
        return "accepted, and the result is not finite"
    return ""
