"""Each training is computed once a test session, however many runs ask for it.

Enters: the arguments of an inner function of the package.  Leaves: its result; if a run before, in
whatever process, had the same arguments, then that run's, bit by bit, from the session's folder.

A lesson runs as the student's notebook and as the solution, and its tests repeat its claims: most
of what they compute is the same. Every line is executed each time, but for eight functions whose
result their arguments decide (tests/core, engine and study hold that, without this file):

    fit             a training, step by step              trainer
    minimise        the optimum of a `Problem`            engine.optimum
    descent.train   gradient descent of many models       engine.training
    one_draw        all strategies on one draw            study.experiment
    best_heads      the best of several trained heads     study.own_classes
    vectorized      texts as a bag of words               data.inputs
    fit_heads       several heads at once, step by step   study.head_training
    best_of         the best penalties of a lab's models  labs.penalties
"""

import atexit
import base64
import contextlib
import functools
import inspect
import os
import pickle
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from joblib.hashing import NumpyHasher
from matplotlib.figure import Figure

import ragteach
from ragteach import dataset, trainer
from ragteach.data.documents import Blocks, BlockSparse
from ragteach.data.features import warn_of_unknown
from ragteach.engine import optimum, training
from ragteach.engine.objective import Problem
from ragteach.engine.replicas import Replicas, trainable
from ragteach.errors import RagteachError
from ragteach.labs import ridge, tastes
from ragteach.runs import History
from ragteach.study import experiment, head_training, own_classes
from ragteach.study.identity import identity
from ragteach.study.kept import Job, described
from ragteach.study.own_classes import BestHeads, HeadParts, HeadStrategy
from ragteach.study.strategies import REGISTRY, Strategy
from ragteach.tensors import TaskTensors, as_tensors

PLAIN = {"criterion": None, "callbacks": (), "resume": None}  # of `fit`: nothing of a learner's own
OPTIMISERS = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
QUICK = 0.02  # CPU seconds: what took less is not kept
FEW = 200  # texts: as many are read at once
LARGE = 100e6  # bytes for each CPU second: nor what is larger
# Of a lab's problem: the rest decides them, or they decide the rest.
DERIVED = ("gram", "raw", "features")
# A picture.
PIXEL_TEXT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
PIXEL = base64.b64decode(PIXEL_TEXT)


class Hasher(NumpyHasher):
    """joblib's hash of Python objects and arrays, for tensors and stacked sentences too."""

    def save(self, obj: Any) -> None:
        super().save(plain(obj))


def plain(obj: Any) -> Any:
    """What decides the numbers of an object, as numpy and Python hold it."""
    if isinstance(obj, torch.Tensor):
        return ("tensor", str(obj.device), obj.detach().cpu().numpy())
    if isinstance(obj, torch.dtype | torch.device):
        return str(obj)
    if isinstance(obj, TaskTensors):
        return ("tasks", obj.x, obj.y, obj.weight, obj.n_classes, list(obj.task_names))
    if isinstance(obj, Blocks):
        return ("blocks", obj.rows, obj.task, obj.n_tasks)
    if isinstance(obj, BlockSparse):
        matrix = (obj.matrix.data, obj.matrix.indices, obj.matrix.indptr)
        return ("sparse", matrix, tuple(obj.shape), obj.n_tasks, obj.task, obj.words, obj.dtype)
    return obj


class Once:
    """The results of a folder. ``saved``: CPU seconds that they cost, when they were computed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.saved = folder, 0.0
        self.inside = False  # within one of the functions
        folder.mkdir(exist_ok=True)
        self.bags = folder.with_name(f"{folder.name}-bags")
        self.bags.mkdir(exist_ok=True)
        # Fitted vectorisers that we know: the texts' key, and the words as they were then.
        self.fitted: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

    def find(self, key: str) -> Any:
        """The result that is kept under a key, or None."""
        try:
            value, seconds = pickle.loads((self.folder / key).read_bytes())
        except FileNotFoundError:
            return None
        self.saved += seconds
        return value

    def keep(self, key: str, value: Any, seconds: float) -> None:
        """Put a result in the folder, if that pays."""
        data = pickle.dumps((value, seconds)) if seconds > QUICK else b""
        if 0 < len(data) <= LARGE * max(seconds, QUICK):
            beside = self.folder / f"{key}.{os.getpid()}"
            beside.write_bytes(data)
            beside.replace(self.folder / key)  # another process finds it whole, or not at all

    def keep_trained(
        self, key: str, model: Any, value: Any, seconds: float, chance: torch.Tensor
    ) -> None:
        """Keep what a training left in its model, and gave; not if it drew random numbers."""
        if torch.equal(chance, torch.get_rng_state()):
            gradients = [parameter.grad for parameter in model.parameters()]
            self.keep(key, (model.state_dict(), gradients, value), seconds)

    @staticmethod
    def trained_as(kept: tuple, model: Any) -> Any:
        """What that training gave; the model is as it left it."""
        state, gradients, value = kept
        model.load_state_dict(state)
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        return value

    def compute(self, function: Callable, *arguments: Any) -> tuple[Any, float]:
        """(the result, CPU seconds); of what is computed on the way nothing is kept."""
        started = time.process_time()
        self.inside = True
        try:
            value = function(*arguments)
        finally:
            self.inside = False
        return value, time.process_time() - started

    def minimise(
        self, plainly: Callable, problem: Problem, tol: float, max_steps: int
    ) -> tuple[Replicas, int]:
        """`optimum.minimise`. It begins at zero; of ``start`` only what is frozen matters."""
        if self.inside:
            return plainly(problem, tol, max_steps)
        start = problem.start
        parts = {name: value for name, value in vars(problem).items() if name != "start"}
        key = digest("minimise", parts, start.bias, tuple(start.adapters.shape), tol, max_steps)
        kept = self.find(key)
        if kept is None:
            (found, steps), seconds = self.compute(plainly, problem, tol, max_steps)
            self.keep(key, (bare(found), steps), seconds)
            return found, steps
        found, steps = kept
        return Replicas(template=start.template, **found), steps

    def train(self, plainly: Callable, descent: Any, start: Replicas) -> Replicas:
        """`training._Descent.train`; with a learner's own optimiser plainly."""
        if self.inside or not isinstance(descent.optimizer, str):
            return plainly(descent, start)
        key = digest("train", vars(descent), bare(start), tuple(trainable(start.template)))
        kept = self.find(key)
        if kept is None:
            found, seconds = self.compute(plainly, descent, start)
            self.keep(key, bare(found), seconds)
            return found
        return Replicas(template=start.template, **kept)

    def fit(self, plainly: Callable, model: Any, data: Any, *more: Any, **options: Any) -> History:
        """`trainer.fit` on the CPU; with a learner's own loss, callbacks or optimiser plainly.

        The model then has the weights, gradients and all else that training it would have left.
        """
        try:
            key = self._key_of_fit(plainly, model, data, *more, **options)
        except (RagteachError, TypeError):  # it is said by `fit` itself
            key = ""
        if not key:
            return plainly(model, data, *more, **options)
        kept = self.find(key)
        if kept is not None:
            return self.trained_as(kept, model)
        before = torch.get_rng_state()
        history, seconds = self.compute(functools.partial(plainly, **options), model, data, *more)
        if history.stopped == "finished":
            self.keep_trained(key, model, history, seconds, before)
        return history

    def _key_of_fit(
        self, plainly: Callable, model: Any, data: Any, *more: Any, **options: Any
    ) -> str:
        """Empty if this call is to be computed."""
        given = inspect.signature(plainly).bind(model, data, *more, **options)
        given.apply_defaults()
        asked = {k: v for k, v in given.arguments.items() if k not in ("model", "data", "progress")}
        plain_call = all(asked.pop(name) == value for name, value in PLAIN.items())
        known = asked["optimizer"] in OPTIMISERS and asked["device"] in ("auto", "cpu")
        if self.inside or not plain_call or not known or torch.cuda.is_available():
            return ""
        if any(type(part).__module__ == "builtins" for part in model.modules()):
            return ""  # a class that was made by exec: its code has no name
        if not isinstance(data, list):
            data = as_tensors(model, data)  # the model learns the names of the columns from it
        if asked["val"] is not None:
            asked["val"] = as_tensors(model, asked["val"])
        asked["optimizer"] = asked["optimizer"].__name__
        moves = [parameter.requires_grad for parameter in model.parameters()]
        return digest("fit", identity(model), moves, data, asked)

    def one_draw(
        self, plainly: Callable, job: Job, frame: Any, strategies: list[Strategy], columns: Any,
        max_words: int | None = None,
    ) -> list[tuple]:  # fmt: skip
        """`experiment._one_draw`, kept by strategy; builders of a lesson's own are computed."""
        if self.inside or max_words is not None:
            return plainly(job, frame, strategies, columns, max_words)
        attrs = None if frame is None else frame.attrs
        known = [strategy for strategy in strategies if of_the_package(strategy)]
        *source, parts = described(frame, known) if known else ([],)
        keys = {
            strategy.name: digest("draw", vars(job), source, part, attrs)
            for strategy, part in zip(known, parts, strict=True)
        }
        found = {name: self.find(key) for name, key in keys.items()}
        missing = [s for s in strategies if found.get(s.name) is None]
        if missing:
            rows, seconds = self.compute(plainly, job, frame, missing, ())
            for name in [strategy.name for strategy in missing]:
                found[name] = [row for row in rows if row[1] == name]
                if name in keys:
                    self.keep(keys[name], found[name], seconds / len(missing))
        knobs = dict(job.knobs)
        more = tuple(knobs[name] for name in columns)
        return [row + more for strategy in strategies for row in found[strategy.name]]

    def best_heads(self, plainly: Callable, strategy: HeadStrategy, parts: HeadParts) -> BestHeads:
        """`own_classes.best_heads`; a builder of a test's own is computed."""
        known = own_classes.OWN.get(strategy.name)
        if self.inside or known is None or known.builder is not strategy.builder:
            return plainly(strategy, parts)
        made = parts.made
        about = strategy.name, strategy.tries, made.data, made.class_names, parts.checked
        key = digest("heads", *about)
        found = self.find(key)
        if found is None:
            found, seconds = self.compute(plainly, strategy, parts)
            self.keep(key, found, seconds)
        return found

    def vectorized(self, plainly: Callable, texts: list[str], vectorizer: Any) -> tuple[Any, Any]:
        """`inputs.vectorized` of many texts, by a new vectoriser or by one that was new here."""
        known = None
        if vectorizer is not None:
            known, words = self.fitted.get(vectorizer, ("", None))
            if not known or vectorizer.vocabulary_ is not words:
                return plainly(texts, vectorizer)
        if len(texts) < FEW:
            return plainly(texts, vectorizer)
        path = self.bags / digest("bag", known, texts)
        try:
            found, x, seconds = pickle.loads(path.read_bytes())
        except FileNotFoundError:
            started = time.process_time()
            found, x = plainly(texts, vectorizer)
            seconds = time.process_time() - started
            if found.analyzer != "word":  # it is said each time
                return found, x
            beside = path.with_suffix(f".{os.getpid()}")
            beside.write_bytes(pickle.dumps((None if known else found, x, seconds)))
            beside.replace(path)
        else:
            self.saved += seconds
            if known:
                found = vectorizer
                warn_of_unknown(x)
        if not known:
            self.fitted[found] = path.name, found.vocabulary_
        return found, x

    def fit_heads(self, plainly: Callable, model: Any, data: Any, **options: Any) -> list[dict]:
        """`head_training.fit_heads` without callbacks; the model then is as it would be."""
        asked = {name: value for name, value in options.items() if name != "progress"}
        if self.inside or asked.pop("callbacks", ()) != ():
            return plainly(model, data, **options)
        try:
            moves = [parameter.requires_grad for parameter in model.parameters()]
            key = digest(
                "fit_heads", identity(model), moves, list(model.checked(data).items()), asked
            )
        except (AttributeError, RagteachError):  # it is said by `fit_heads` itself
            return plainly(model, data, **options)
        kept = self.find(key)
        if kept is not None:
            return self.trained_as(kept, model)
        before = torch.get_rng_state()
        records, seconds = self.compute(functools.partial(plainly, **options), model, data)
        if len(records) == asked.get("epochs", 200):
            self.keep_trained(key, model, records, seconds, before)
        return records

    def best_of(
        self, plainly: Callable, strategy: Any, strategies: Any, solve: Any, error: Any
    ) -> Any:
        """`penalties.best_of` for the models of `ridge` and `tastes`: the best is solved again."""
        tries = strategies.get(strategy) if isinstance(strategy, str) else list(strategy)
        if self.inside or tries is None:
            return plainly(strategy, strategies, solve, error)
        problem = getattr(solve, "func", solve).__self__
        state = {name: part for name, part in vars(problem).items() if name not in DERIVED}
        seen = inspect.getclosurevars(error).nonlocals
        order = [list(part) for part in seen.values() if isinstance(part, dict)]
        names = error.__qualname__, type(problem).__qualname__
        given = getattr(solve, "keywords", {})
        key = digest("best_of", *names, state, given, tries, seen, order)
        kept = self.find(key)
        if kept is not None:
            return plainly([kept], strategies, solve, error)
        found, seconds = self.compute(plainly, strategy, strategies, solve, error)
        self.keep(key, (found.lam, found.lam_shared), seconds)
        return found


def of_the_package(strategy: Strategy) -> bool:
    """Whether nothing in it is a lesson's own but its name and its penalties."""
    builder = strategy.builder
    if REGISTRY.get(strategy.name) is strategy:
        return True
    module = sys.modules.get(getattr(builder, "__module__", ""))
    ours = module is not None and module.__name__.startswith("ragteach.")
    name = getattr(builder, "__qualname__", "")
    return ours and getattr(module, name, None) is builder and strategy.features is None


def shared_folder() -> Path:
    """The folder of this test session (made in tests/conftest.py)."""
    return Path(os.environ["RAGTEACH_TEST_SHARED"], "once")


def digest(*values: Any) -> str:
    """A name for these values, the same in every process."""
    return Hasher().hash(values)


def bare(replicas: Replicas) -> dict:
    """The fields of replicas, but for their template."""
    return {name: value for name, value in vars(replicas).items() if name != "template"}


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[Once]:
    """In here the eight functions compute nothing twice."""
    once = Once(folder)
    plain_fit = trainer.fit
    plain_minimise = optimum.minimise
    plain_train = training._Descent.train
    plain_draw = experiment._one_draw
    plain_heads = own_classes.best_heads
    plain_bags = dataset.vectorized
    plain_fit_heads = head_training.fit_heads
    plain_best_of = ridge.best_of

    @functools.wraps(plain_fit)
    def fit(model: Any, data: Any, *more: Any, **options: Any) -> History:
        return once.fit(plain_fit, model, data, *more, **options)

    @functools.wraps(plain_minimise)
    def minimise(problem: Problem, tol: float, max_steps: int) -> tuple[Replicas, int]:
        return once.minimise(plain_minimise, problem, tol, max_steps)

    @functools.wraps(plain_train)
    def train(descent: Any, start: Replicas) -> Replicas:
        return once.train(plain_train, descent, start)

    @functools.wraps(plain_draw)
    def one_draw(
        job: Job,
        frame: Any,
        strategies: list,
        columns: Any,
        max_words: int | None = None,
        encoder: Any = None,
        told: Any = None,  # only of an encoder's draws: what is kept has nothing to tell
    ) -> list[tuple]:
        if encoder is not None:
            return plain_draw(job, frame, strategies, columns, max_words, encoder, told)
        return once.one_draw(plain_draw, job, frame, strategies, columns, max_words)

    @functools.wraps(plain_heads)
    def best_heads(strategy: HeadStrategy, parts: HeadParts, told: Any = None) -> BestHeads:
        return once.best_heads(plain_heads, strategy, parts)

    @functools.wraps(plain_bags)
    def vectorized(texts: list[str], vectorizer: Any) -> tuple[Any, Any]:
        return once.vectorized(plain_bags, texts, vectorizer)

    @functools.wraps(plain_fit_heads)
    def fit_heads(model: Any, data: Any, *more: Any, **options: Any) -> list[dict]:
        names = list(inspect.signature(plain_fit_heads).parameters)[2:]
        options |= dict(zip(names, more, strict=False))
        return once.fit_heads(plain_fit_heads, model, data, **options)

    @functools.wraps(plain_best_of)
    def best_of(*arguments: Any) -> Any:
        return once.best_of(plain_best_of, *arguments)

    with (
        mock.patch.object(dataset, "vectorized", vectorized),
        mock.patch.object(ragteach, "fit_heads", fit_heads),
        mock.patch.object(head_training, "fit_heads", fit_heads),
        mock.patch.object(ridge, "best_of", best_of),
        mock.patch.object(tastes, "best_of", best_of),
        mock.patch.object(ragteach, "fit", fit),  # which has kept it, if it was asked for before
        mock.patch.object(trainer, "fit", fit),
        mock.patch.object(own_classes, "best_heads", best_heads),
        mock.patch.object(optimum, "minimise", minimise),
        mock.patch.object(training._Descent, "train", train),
        mock.patch.object(experiment, "_one_draw", one_draw),
    ):
        yield once


def begin(folder: Path, without: str | None = None, pictures: bool = True) -> Callable[[], float]:
    """The same until the process ends; gives a function that says how much was saved so far.

    ``without``: a package that is not to be found, as if it were not installed.
    ``pictures``: False where figures are made, and only their drawing is left to another run.
    """
    if without:
        sys.modules[without] = None  # type: ignore[assignment]  # Python's sign for that
    if not pictures:
        mock.patch.object(Figure, "savefig", lambda figure, file, **_: file.write(PIXEL)).start()
    entered = kept_in(folder)
    once = entered.__enter__()
    atexit.register(entered.__exit__, None, None, None)
    return lambda: once.saved
