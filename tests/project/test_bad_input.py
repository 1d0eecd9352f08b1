"""Every public call, with one argument at a time made wrong: it is refused in three parts, or it works.

Hypothesis chooses the argument and the value; the choice repeats. To try everything there is:

    RAGTEACH_ATTACK=all python -m pytest tests/project/test_bad_input.py
"""

import functools
import inspect
import itertools
import math
import os
import re
from fractions import Fraction

import attack
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from attack import TASKS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

import ragteach as rt
from ragteach.data.batches import MissingTaskWarning
from ragteach.data.sources.scenes import make_scenes
from ragteach.integrations.saving import NoVectorizerWarning
from ragteach.integrations.serving import predict_lines
from ragteach.labs.comparing import draw_gains

SLOW = (
    "export_onnx",
    "export_program",
    "compare",
    "who_wins_map",
    "search",
    "WandB",
    "RAGClassifier",
)
EVERYTHING = os.environ.get("RAGTEACH_ATTACK") == "all"
ARGUMENTS: dict[str, list[str]] = {}
VALUES = st.one_of(
    st.sampled_from(sorted(attack.WRONG)).map(lambda name: (name, attack.WRONG[name])),
    st.floats(-10, 10).map(lambda x: (f"{x!r}", lambda: x)),
    st.integers(-3, 5).map(lambda i: (f"{i!r}", lambda: i)),
    st.text(max_size=3).map(lambda t: (repr(t), lambda: t)),
    st.lists(st.floats(allow_nan=True, width=32), max_size=3).map(lambda v: (repr(v), lambda: v)),
)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """A wrong value may be a fine name of a file."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.chdir(tmp_path)


def test_every_public_name_is_attacked():
    """A new name needs a call in tests/attack.py, or a reason why it has none."""
    called = {name.split(".")[0] for name in attack.CALLS}
    assert called | attack.NO_CALLS.keys() | attack.FORMULAS >= set(rt.__all__)
    assert not called & attack.NO_CALLS.keys()


@pytest.mark.parametrize("name", [name for name in attack.CALLS if name != "export_onnx"])
def test_the_calls_work(name):
    made = attack.CALLS[name]()
    assert attack.sane(made.function(**made.valid)), name


@pytest.mark.parametrize("name", attack.CALLS)
@settings(
    max_examples=15, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(choice=st.data())
def test_one_wrong_argument(name, choice):
    if name not in ARGUMENTS:
        ARGUMENTS[name] = attack.CALLS[name]().arguments()
    arguments = ARGUMENTS[name]
    if not arguments or name == "export_onnx":  # takes seconds each
        return
    if name.startswith(SLOW) and choice.draw(st.integers(0, 3)):
        return
    argument = choice.draw(st.sampled_from(arguments))
    label, make = choice.draw(VALUES)
    said = attack.verdict(name, argument, label, make())
    assert not said, f"{name}({argument}={label}): {said}"


@pytest.mark.skipif(not EVERYTHING, reason="takes minutes: RAGTEACH_ATTACK=all")
@pytest.mark.parametrize("name", attack.CALLS)
def test_every_argument_with_every_wrong_value(name):
    found = []
    for argument in attack.CALLS[name]().arguments():
        for label, make in (attack.WRONG | attack.MORE).items():
            said = attack.verdict(name, argument, label, make())
            if said:
                found.append(f"{name}({argument}={label}): {said}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("result", "fine"),
    [
        (math.nan, False),
        ({"a": [1.0, math.inf]}, False),
        (torch.tensor([math.nan]), False),
        (np.array([1.0, math.nan]), False),
        ({"a": [1.0, 2]}, True),
        (torch.ones(2), True),
    ],
)
def test_the_judge_sees_what_is_not_finite(result, fine):
    assert attack.sane(result) is fine


def test_the_judge_wants_three_parts_and_the_name(monkeypatch):
    def judged(error):
        def raises(lam):
            raise error

        monkeypatch.setitem(attack.CALLS, "it", lambda: attack.Call(raises, {"lam": 1}))
        return attack.verdict("it", "lam", "NaN", math.nan)

    fine = rt.RagteachError("Expected: lam\nGot: b\nWhat to do: c")
    assert judged(fine) == ""
    assert judged(rt.RagteachError("lam is bad")).startswith("not three parts")
    unnamed = rt.RagteachError("Expected: a\nGot: b\nWhat to do: c")
    assert judged(unnamed).startswith("does not name")
    assert judged(TypeError("lam")) == "TypeError: lam"
    monkeypatch.setitem(attack.CALLS, "it", lambda: attack.Call(lambda lam: 1.0, {"lam": 1}))
    assert attack.verdict("it", "lam", "NaN", math.nan) == "accepted"


# ---------------------------------------------------------------- kinds that once passed


def _fitted_stream(x=None, y=None, task=None):
    batch = (torch.ones(4, 6), torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 1, 1]))
    given = [
        own if value is None else value for own, value in zip(batch, (x, y, task), strict=True)
    ]
    return rt.fit(attack.model(), [tuple(given)], epochs=1, progress=False)


def _silent_model():
    made = attack.model()
    made.deactivate("A1", "A2")
    made.freeze("shared", "bias")
    return made


HALF = "a \ud800"  # a lone surrogate: what is left of an emoji that was cut in two


def _objects(values):
    """A column of Python's own strings, which may hold what Arrow's cannot."""
    return pd.Series(values, dtype=object)


def _cells(**columns):
    return pd.DataFrame(
        {"text": ["a b", "c d", "e f"], "label": [0, 1, 0], "task": "films"} | columns
    )


PASSED_ONCE = {
    "True is not task 1": (lambda: attack.model()(torch.zeros(2, 6), [True, False]), "task = True"),
    "0 is not False": (lambda: rt.RAG(6, 3, 2, tasks=TASKS, bias=0), "bias = 0"),
    "a set has no order": (lambda: rt.RAG(6, 3, 2, tasks={"films", "cars"}), "in their order"),
    "a dict is no column of tasks": (
        lambda: rt.MultiTaskDataset(np.eye(2), [0, 1], 2, {"films": 0, "cars": 1}),
        "tasks in a list",
    ),
    "float32 has no such lam": (
        lambda: rt.train_many(attack.model(), attack.data(), lam=1e308, steps=1),
        "lam = 1e\\+308",
    ),
    "nor such a lam_shared": (lambda: rt.MultiTaskLoss(lam_shared=1e39), "lam_shared = 1e\\+39"),
    "nor an inverse of it": (lambda: rt.task_covariance(np.eye(2), 5e-324, 1.0), "lam = 5e-324"),
    "so many steps": (
        lambda: rt.train_many(attack.model(), attack.data(), steps=10**9),
        "steps = 1000000000",
    ),
    "half of a complex number": (
        lambda: attack.model()(sp.csr_matrix(np.ones((2, 6), complex)), "films"),
        "complex128",
    ),
    "or of many": (lambda: rt.MultiTaskDataset(np.ones((2, 6), complex), [0, 1], 2), "complex"),
    "complex labels": (lambda: _fitted_stream(y=torch.ones(4, dtype=torch.cfloat)), "complex64"),
    "numbers that are nowhere": (
        lambda: _fitted_stream(x=torch.ones(4, 6, device="meta")),
        "x of torch.float32 on the device meta",
    ),
    "nothing moves": (
        lambda: rt.fit(_silent_model(), attack.data(), epochs=1, progress=False),
        "adapters that are not active",
    ),
    "labels that no integer holds": (
        lambda: rt.MultiTaskDataset(np.eye(2), [2**70, 0], 2),
        "integer labels",
    ),
    "a sparse vector": (
        lambda: rt.MultiTaskDataset(sp.coo_array(np.ones(3)), [0] * 3, 2),
        "features of shape|that is neither",
    ),
    "task names without end": (
        lambda: rt.RAGClassifier(task_names=itertools.count()).fit(*attack.rows()),
        "at most 1,000,000 values of task_names",
    ),
    "columns of one name": (
        lambda: rt.RAGClassifier().fit(pd.DataFrame(np.ones((4, 2)), columns=["a", "a"]), [0, 1] * 2),
        "X whose columns all have names",
    ),
    "tasks of two parts": (
        lambda: rt.RAGClassifier().fit(np.eye(2), [0, 1], pd.MultiIndex.from_product([["a"], ["b", "c"]])),
        "one task name for each row",
    ),
    "features beyond all squares": (
        lambda: rt.RAGRegressor().fit(np.eye(2) * 1e300, [0.0, 1.0]),
        "features X that can be squared",
    ),
    "numbers with a gap": (lambda: rt.RAGRegressor().fit(np.eye(2), [None, 1.0]), "numbers y"),
    "a class that no float holds": (
        lambda: rt.save("m.safetensors", attack.model(), labels=[10**400, 1, 2]),
        "3 distinct names",
    ),
    "a name that no disk takes": (lambda: rt.load("x" * 100_000), "no file 'xxx"),
    "dates as features": (
        lambda: rt.RAGClassifier().fit(pd.DataFrame({"day": pd.date_range("2020", periods=2)}), [0, 1]),
        "numbers in features X",
    ),
    "no label is no class": (
        lambda: rt.RAGClassifier().fit(np.eye(3), [0, 1, -100]),
        "1 rows with -100",
    ),
    "a list of labels": (lambda: rt.resample(_cells(label=[[0], [1], [0]])), "one label in each row"),
    "half a sign in a text": (
        lambda: rt.as_frame(_cells(text=_objects(["a b", HALF, "e f"]))),
        r"'a \\ud800' at place 1, with half a sign",
    ),
    "a column that has no order": (
        lambda: rt.as_frame({"text": {"a b", "c d"}, "label": [0, 1]}),
        "'text' in a list, in their order",
    ),
    "a column that never ends": (
        lambda: rt.as_frame({"text": ["a b", "c d"], "label": itertools.count()}),
        "at most 1,000,000 values of 'label'",
    ),
    "a column without numbers": (
        lambda: rt.as_frame({"text": ["a b", "c d"], "label": torch.ones(2, device="meta")}),
        "'label': a tensor with numbers in it",
    ),
    "no row that is kept": (
        lambda: rt.split_frame(rt.mend(_cells(label=_objects([None] * 3)), missing="drop")),
        "at least one row with a label and a task\nGot: none of 3",
    ),
    "or in a dict": (lambda: rt.look({"text": [HALF], "label": [0]}), "data of whole signs"),
    "or in a label": (
        lambda: rt.split_frame(_cells(label=_objects([HALF, "b", "b"]))),
        "a label that can be printed",
    ),
    "or in a task": (
        lambda: rt.resample(_cells(task=_objects([HALF, "b", "b"]))),
        "a task that can be printed",
    ),
    "or in a path": (lambda: rt.save(HALF, attack.model()), r"Got: a \\ud800: "),
    "a cache that is no folder": (lambda: rt.load_human(cache=5), "cache: the path of a file or a"),
    "a column's endless name": (
        lambda: rt.heads_from_frame(_cells(), label="x" * 100_000),
        r"\.\.\. for label",
    ),
    "labels without end": (lambda: rt.split_frame(_cells(label=[0, np.inf, 0])), "finite labels"),
}  # fmt: skip


SEARCHED = {
    "callbacks that are none": ({"callbacks": 5}, "callbacks in a list"),
    "an option that RAG has not": ({"depth": 3}, "'depth'"),
    "an option that the data give": ({"tasks": TASKS}, "'tasks'"),
    "words for ends": ({"space": {"lam": ("a", "b")}}, "lam as a pair"),
    "no end": ({"space": {"lam": (0.1, math.inf)}}, "lam as a pair"),
    "a matrix for a name": ({"space": {"graph": np.eye(2)}}, "graph to be one of"),
    "half a rank": ({"space": {"rank": [1.5]}}, "rank = 1.5"),
    "penalties below nothing": ({"space": {"lam": [-1.0]}}, "lam = -1.0"),
    "something that is read once": ({"space": {"lam": (i for i in ())}}, "lam = <generator"),
}
PASSED_ONCE |= {
    kind: (
        functools.partial(rt.search, attack.data(), attack.data(), 1, progress=False, **given),
        said,
    )
    for kind, (given, said) in SEARCHED.items()
} | {
    "a step that Adam has no number for": (
        lambda: rt.fit_heads(rt.MultiHead(4, attack.heads()), attack.head_data(), lr=1e39),
        "lr = 1e\\+39",
    ),
}


def _flags():
    """Every argument of a public call that is True or False by default."""
    for name in attack.CALLS.keys() & set(rt.__all__):
        parameters = inspect.signature(getattr(rt, name)).parameters.values()
        yield from ((name, p.name) for p in parameters if isinstance(p.default, bool))


@pytest.mark.parametrize("word", ["False", "no", 0])
@pytest.mark.parametrize(("name", "flag"), sorted(_flags()))
def test_a_word_is_not_true(name, flag, word):
    if name.startswith("RAG"):
        pytest.skip("scikit-learn's own check")
    made = attack.CALLS[name]()
    with pytest.raises(rt.RagteachError, match=f"{flag} to be True or False"):
        made.function(**(made.valid | {flag: word}))


WORDS = {
    "trainable": lambda: attack.model().num_parameters("no"),
    "held_out": lambda: make_scenes(held_out="False"),
    "intervals": lambda: draw_gains(np.zeros((2, 2, 2)), TASKS, None, intervals="False"),
    "every_class": lambda: next(predict_lines("none", [], every_class="False")),
}


@pytest.mark.parametrize("flag", WORDS)
def test_nor_is_it_elsewhere(flag):
    with pytest.raises(rt.RagteachError, match=f"{flag} to be True or False"):
        WORDS[flag]()


@pytest.mark.parametrize("kind", PASSED_ONCE)
def test_what_passed_once_is_refused(kind):
    call, said = PASSED_ONCE[kind]
    with pytest.raises(rt.RagteachError, match=said) as refusal:
        call()
    assert re.fullmatch("Expected: .+\nGot: .+\nWhat to do: .+", str(refusal.value), re.DOTALL)


@pytest.mark.parametrize("said", ["rag", " RAG ", "Rag"])
def test_a_strategy_has_one_name_in_any_spelling(said):
    table = rt.compare(seeds=1, n_per_task=6, strategies=[said, "Full_Sharing"], progress=False)
    assert table["strategy"].unique().tolist() == ["RAG", "full sharing"]
    asked = rt.paired(table, reference="full-sharing")["strategy"].tolist()
    assert asked == ["RAG"]
    with pytest.raises(rt.RagteachError, match="'RAG' stands more than once"):
        rt.compare(seeds=1, n_per_task=6, strategies=["RAG", said], progress=False)


def test_a_set_may_say_whom_an_adapter_serves():
    made = attack.model()
    made.add_adapter("both", {"films", "cars"})
    assert made.graph[:, -1].tolist() == [1.0, 1.0]


def test_penalties_may_be_tensors_without_axes():
    X, y, tasks = attack.rows()
    for make in (rt.RAGClassifier, rt.RAGRegressor):
        plain, tensor = (
            make(lam=lam).fit(X, y, tasks=tasks).coef_ for lam in (0.25, torch.tensor(0.25))
        )
        assert np.array_equal(plain, tensor)


def test_penalties_of_heads_are_numbers_of_any_kind():
    def loss(lam):
        torch.manual_seed(0)
        made = rt.MultiHead(4, attack.heads())
        options = {"lam": lam, "lam_shared": lam, "epochs": 2, "progress": False}
        return rt.fit_heads(made, attack.head_data(), **options)[-1]["loss"]

    assert loss(0.25) == loss(Fraction(1, 4)) == loss(torch.tensor(0.25))


def test_a_task_that_no_batch_holds_is_named():
    with pytest.warns(MissingTaskWarning, match="no example of task 'cars'"):
        _fitted_stream(task=torch.zeros(4, dtype=torch.long))
    _fitted_stream()


def test_an_optimum_that_was_not_reached_is_said():
    with pytest.warns(ConvergenceWarning, match=r"after \d+ steps, above tol=1e-06"):
        assert not rt.solve(attack.model(), attack.data(), max_iter=1).converged
    with pytest.warns(ConvergenceWarning, match="no optimum: weights without a penalty"):
        rt.solve(attack.model(), rt.MultiTaskDataset(np.eye(6), [0, 1, 2] * 2, 3, TASKS * 3), lam=0)


def test_a_model_of_texts_is_not_saved_without_its_words_in_silence(tmp_path):
    data = rt.as_dataset(attack.frame())
    made = rt.RAG(data.n_features, data.n_classes, data.n_tasks, tasks=data.task_names)
    rt.evaluate(made, data)
    with pytest.warns(NoVectorizerWarning, match="vectorizer=data.vectorizer"):
        rt.save(tmp_path / "model.safetensors", made)
    rt.save(tmp_path / "model.safetensors", made, vectorizer=data.vectorizer)


def test_an_adapter_that_serves_nobody_is_shown():
    made = rt.RAG(6, 3, 3, tasks=TASKS, graph=[[1, 0, 0], [0, 0, -0.5]])
    assert "A2: active, serves no task, trainable" in repr(made)
    assert repr(made).count("serves no task") == 1


DOORS = {
    "reveal": lambda: rt.reveal(HALF, HALF),
    "predict": lambda: rt.predict("a question of your own", HALF),
    "bets": lambda: rt.predict("13-a", {HALF: "for"}),
    "check": lambda: rt.check("00-1", HALF),
    "an unknown exercise": lambda: rt.check(HALF, 1),
    "a function": lambda: rt.check("02-1", lambda *_: HALF),
    "an error": lambda: rt.check("02-1", lambda *_: int(HALF)),
    "reflect": lambda: rt.reflect("00-4", HALF),
    "hint": lambda: rt.hint(HALF),
}


@pytest.mark.parametrize("door", DOORS)
def test_half_a_sign_is_shown_and_kept(door, monkeypatch, tmp_path):
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    told = DOORS[door]()
    for form in (str(told), *told._repr_mimebundle_().values(), repr(rt.progress())):
        form.encode()  # what a notebook does with it
    rt.progress(delete=True)


def test_a_reveal_still_compares_what_holds_half_a_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("RAGTEACH_HOME", str(tmp_path))
    rt.predict("a question of your own", HALF)
    assert "As you predicted." in rt.reveal("a question of your own", HALF)
    rt.progress(delete=True)


def test_an_answer_that_never_ends_is_no_answer():
    told = rt.check("02-1", itertools.count()).message
    assert "an answer of at most 100,000 values" in told


@pytest.mark.parametrize("ticks", [[math.inf], [math.nan], [99], 5, "x", [None]])
def test_a_tick_is_the_number_of_a_line(ticks):
    assert "ticks are numbers of the rubric's lines, 1 to" in rt.reflect("00-4", "Mine.", ticks)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.int8])
def test_a_column_may_be_a_tensor_of_any_kind(dtype):
    labels = torch.tensor([1, 0, 1]).to(dtype)
    labels.requires_grad_(dtype.is_floating_point)
    found = rt.as_frame({"text": ["a b", "c d", "e f"], "label": labels})
    assert found["label"].tolist() == [1, 0, 1]


def test_training_for_no_epoch_leaves_the_model_and_can_go_on():
    for name in ("fit", "fit_spread"):
        made = attack.CALLS[name]()
        before = [p.clone() for p in made.valid["model"].parameters()]
        history = made.function(**(made.valid | {"epochs": 0}))
        assert history.records == [] and attack.sane(history)
        assert all(map(torch.equal, before, made.valid["model"].parameters()))
        again = made.function(**(made.valid | {"resume": history}))
        assert len(again.records) == made.valid["epochs"]
