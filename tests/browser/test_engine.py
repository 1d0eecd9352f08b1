"""The page's own engine computes what Python computes: tokens, sentences, training, the optimum."""

import copy
import json
import random
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import problem

import ragteach as rt
from ragteach.data.features import make_vectorizer, pick_analyzer
from ragteach.data.orders import MORE, PLACES
from ragteach.data.toy import TOY_TASKS, folder
from ragteach.widgets.base import source
from ragteach.widgets.scores import class_ends, orders_for_the_page

pytestmark = pytest.mark.browser
OPTIMISERS = {"sgd": 0.5, "proximal": 0.5, "adam": 0.05}


@pytest.fixture(scope="module")
def page(browser):
    context = browser.new_context(offline=True)
    page = context.new_page()
    code = "\n".join(source(name) for name in ("words", "toy", "learning", "optimum", "orders"))
    page.add_script_tag(content=code)
    yield page
    context.close()


def documents(data):
    """A dataset's documents as the page has them: task by task, [word, count] pairs."""
    out = [[] for _ in data.task_names]
    for doc, task, y in zip(data.doc, data.task, data.y, strict=True):
        x = data.rows(doc.view(1))[0].double().numpy()
        words = [[int(j), float(x[j])] for j in np.flatnonzero(x)]
        out[int(task)].append({"words": words, "y": int(y)})
    return out


def columns(matrix):
    """A matrix (n_classes, n_features) as the page keeps it: the classes of a word side by side."""
    return matrix.detach().double().T.flatten().tolist()


def as_page(model, data, lam, lam_shared):
    moves = {
        "shared": model.shared.requires_grad,
        "bias": model.bias is not None and model.bias.requires_grad,
    }
    return {
        "docs": documents(data),
        "nFeatures": data.n_features,
        "nClasses": data.n_classes,
        "graph": model.graph.tolist(),
        "lam": lam,
        "lamShared": lam_shared,
        "bias": model.bias_kind,
        "moves": moves,
        "start": {
            "shared": columns(model.shared),
            "adapters": [columns(a) for a in model.adapter_weights()],
            "bias": [] if model.bias is None else model.bias.detach().tolist(),
        },
    }


READY = """(given) => {
  const array = (a) => Float64Array.from(a);
  const p = makeProblem({ ...given, tasks: given.docs.map(documents) });
  const w = { shared: array(given.start.shared), adapters: given.start.adapters.map(array),
              bias: given.start.bias.map(array) };
"""


def models():
    data = problem(sizes=(12, 20, 7), n_features=9, n_classes=4, seed=3)
    size = (data.n_features, data.n_classes)
    options = {"tasks": data.task_names, "scale": 0.4, "seed": 5}
    weighted = [[1.0, 0.5], [0.0, -1.0], [2.0, 0.0]]
    yield "one each", data, rt.RAG(*size, 3, **options)
    yield "all", data, rt.RAG(*size, 2, graph="all", bias="shared", **options)
    yield "weighted", data, rt.RAG(*size, 2, graph=weighted, bias=False, **options)
    yield "full sharing", data, rt.RAG.full_sharing(*size, tasks=data.task_names)
    yield "independent", data, rt.RAG.independent(*size, tasks=data.task_names)


CASES = {name: (data, model) for name, data, model in models()}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("case", CASES)
def test_two_hundred_steps_end_in_the_same_weights(page, case, optimiser):
    data, model = CASES[case]
    lam, lam_shared, lr = 0.02, 0.005, OPTIMISERS[optimiser]
    found = page.evaluate(
        READY + f"train(p, w, {{ steps: 200, lr: {lr}, optimiser: '{optimiser}' }});"
        "return { J: gradient(p, w).J, shared: [...w.shared], adapters: w.adapters.map((a) => [...a]),"
        " bias: w.bias.map((b) => [...b]), accuracy: accuracy(p, w) }; }",
        as_page(model, data, lam, lam_shared),
    )
    exact = copy.deepcopy(model).double()
    options = {"steps": 200, "lr": lr, "optimizer": optimiser}
    run = rt.train_many(exact, data.stacked(dtype=torch.float64), lam, lam_shared, **options)
    np.testing.assert_allclose(found["shared"], columns(run.shared[0]), atol=1e-8)
    for ours, theirs in zip(found["adapters"], run.adapters[:, 0], strict=True):
        np.testing.assert_allclose(ours, columns(theirs), atol=1e-8)
    if run.bias is not None:
        np.testing.assert_allclose(found["bias"], run.bias[:, 0], atol=1e-8)
    tensors = data.stacked(dtype=torch.float64)
    assert found["J"] == pytest.approx(run.objective(tensors)[0].item(), rel=1e-9)
    assert found["accuracy"] == pytest.approx(run.accuracy(tensors)[:, 0].tolist())


@pytest.mark.parametrize("penalties", [(0.02, 0.005), (1e-4, 0.3), (1.0, 1e-3)])
@pytest.mark.parametrize("case", CASES)
def test_the_optimum_is_the_same(page, case, penalties):
    data, model = CASES[case]
    found = page.evaluate(
        READY
        + "const s = solve(p, { start: w, tol: 1e-8 }); return { J: s.J, converged: s.converged,"
        " norm: s.norm }; }",
        as_page(model, data, *penalties),
    )
    exact = copy.deepcopy(model).double()
    solution = rt.solve(exact, data, *penalties, tol=1e-8)
    assert found["converged"] and solution.converged
    assert found["J"] == pytest.approx(solution.objective, rel=1e-6)


def test_a_path_is_its_single_optima(page):
    data, model = CASES["one each"]
    lams = [0.001, 0.1, 0.01]
    found = page.evaluate(
        READY + f"return solvePath(p, {lams}, {{ tol: 1e-8 }}).map((s) => s.J); }}",
        as_page(model, data, 0.0, 0.01),
    )
    for lam, J in zip(lams, found, strict=True):
        solution = rt.solve(copy.deepcopy(model).double(), data, lam, 0.01, tol=1e-8)
        assert J == pytest.approx(solution.objective, rel=1e-6)


KNOBS = [
    {"relatedness": 0.5, "n_per_task": 60, "seed": 0},
    {"relatedness": 0.0, "n_per_task": 17, "noise": 0.1, "imbalance": 0.5, "seed": 3},
    {"relatedness": 1.0, "n_per_task": 100, "noise": 0.25, "imbalance": 0.8, "seed": 123},
]


@pytest.mark.parametrize("knobs", KNOBS)
def test_the_page_writes_the_sentences_of_make_toy(page, knobs):
    lexicon = json.loads((folder("toy_sentiment") / "lexicon.json").read_text(encoding="utf-8"))
    given = {**knobs, "nPerTask": knobs["n_per_task"], "tasks": list(TOY_TASKS)}
    rows = page.evaluate("([words, given]) => makeToy(words, given)", [lexicon, given])
    assert rows == rt.make_toy(**knobs).to_dict("records")


@settings(max_examples=50, deadline=None)
@given(key=st.text(max_size=200), n=st.integers(1, 700))
def test_random_numbers_are_pythons(page, key, n):
    key = key.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    ours = page.evaluate(
        "([key, n]) => { const draw = pythonRandom(key); let x; for (let i = 0; i < n; i++) x = draw();"
        " return x; }",
        [key, n],
    )
    draw = random.Random(key).random
    assert ours == [draw() for _ in range(n)][-1]


SCRIPTS = [(0x20, 0x2FF), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xFFF)]
SCRIPTS += [
    (0x1000, 0x1FFF),
    (0x2000, 0x206F),
    (0x3040, 0x30FF),
    (0x4E00, 0x4FFF),
    (0xAC00, 0xACFF),
]


def strings(n, seed=0):
    """Strings of words in all scripts, with the signs that tokenisers stumble over."""
    rng = random.Random(seed)
    signs = ["'", "\u2019", "-", "--", ".", " ", "  ", "_", "\u00ad", "\u200d", "\u0301", "1", "A"]
    known = [
        "great'",
        "dogs'",
        "good--",
        "don't",
        "so-so",
        "'tis",
        "x-",
        "3.5",
        "caf\u00e9",
        "e\u0301",
    ]
    for _ in range(n):
        low, high = rng.choice(SCRIPTS)
        parts = [chr(rng.randint(low, high)) for _ in range(rng.randint(0, 12))]
        parts += rng.choices(signs, k=rng.randint(0, 8)) + rng.choices(known, k=rng.randint(0, 2))
        rng.shuffle(parts)
        text = "".join(parts)
        yield "".join(c for c in text if unicodedata.category(c) != "Cn")


def test_tokens_of_ten_thousand_strings_are_the_vectorisers(page):
    texts = list(strings(10_000))
    analyse = make_vectorizer().build_analyzer()
    ours = page.evaluate("(texts) => texts.map((text) => tokens(text))", texts)
    different = [(t, o, analyse(t)) for t, o in zip(texts, ours, strict=True) if o != analyse(t)]
    assert not different, different[:5]


def test_runs_of_letters_are_the_vectorisers_and_so_is_the_choice_of_them(page):
    texts = [*strings(1_500, seed=1), "", " \x1f\x85\ufeffa ", "这部电影很精彩", "😀😀 😠"]
    analyse = make_vectorizer(analyzer="char").build_analyzer()
    ours = page.evaluate("(texts) => texts.map((text) => letterRuns(text).sort())", texts)
    for text, runs in zip(texts, ours, strict=True):
        assert sorted(runs) == sorted(analyse(text)), text
    groups = [texts[i : i + 7] for i in range(0, len(texts), 7)]
    speaking = ("\U0001f44d", "\u2605", ":-)", "x:)", "=(3", "<3", "\ufffd", "\u00b0", "; D")
    groups += [[f"came {sign}", *["a b"] * more] for sign in speaking for more in (1, 9)]
    picked = page.evaluate(
        "(all) => all.map((texts) => pickAnalyser(texts) === letterRuns)", groups
    )
    assert picked == [pick_analyzer(group) == "char" for group in groups]
    assert 0 < sum(picked) < len(picked)


def test_tf_idf_is_the_vectorisers(page):
    frame = rt.make_toy(n_per_task=30, seed=4)
    texts = [*frame["text"], "good good good", "nothing known qqq", "Don't \u2019tis so-so--"]
    vectorizer = make_vectorizer().fit(frame["text"])
    ours = page.evaluate(
        "([train, texts]) => { const words = fitWords(train);"
        " return { words: words.words, rows: texts.map((text) => toWords(text, words)) }; }",
        [list(frame["text"]), texts],
    )
    assert ours["words"] == vectorizer.get_feature_names_out().tolist()
    expected = vectorizer.transform(texts).toarray()
    for row, right in zip(ours["rows"], expected, strict=True):
        dense = np.zeros(len(right))
        for j, value in row:
            dense[j] = value
        np.testing.assert_allclose(dense, right, atol=1e-6)


def class_names(draw):
    """Names of classes: of one scale or of several, with another spelling, counted, or numbers."""
    scale = list(draw.choice(PLACES))
    others = [name for other in PLACES for name in other] + ["angry", "calm", "<b>", "__proto__"]
    kinds = {
        "scale": lambda: scale,
        "more": lambda: [*scale, *(f"{word} {name}" for word in MORE for name in scale)],
        "mixed": lambda: [*scale, *draw.sample(others, 3)],
        "counted": lambda: [f"{i} {draw.choice(['stars', 'Level', 'cats'])}" for i in range(1, 8)],
        "signs": lambda: ["★" * i + draw.choice(["", "☆"]) for i in range(1, 6)],
        "numbers": lambda: [
            draw.choice([f"{i}", f"{i}.5", f"{i},5", f"-{i}", f"{i}e+1"]) for i in range(12)
        ],
        "large": lambda: [str(draw.randint(0, 150)) for _ in range(8)],
    }
    names = list(dict.fromkeys(kinds[draw.choice(list(kinds))]()))
    names = draw.sample(names, min(len(names), draw.randint(2, 6)))
    spelt = [str.upper, str.title, lambda name: f" {name.replace(' ', '_')}", str, str]
    return [draw.choice(spelt)(name) for name in names]


def test_the_page_finds_the_same_order_of_classes(page):
    """Whether pasted classes run from low to high, and which are the ends: as `in_order` says."""
    draw = random.Random("orders")
    cases = [class_names(draw) for _ in range(600)]
    theirs = page.evaluate(
        "([all, known]) => all.map((names) => orderEnds(names, known))",
        [cases, orders_for_the_page()],
    )
    ours = [class_ends(names) for names in cases]
    assert theirs == ours
    assert 100 < sum(ends is None for ends in ours) < 500
