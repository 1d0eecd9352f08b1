"""The explorers' numbers, without a browser: against independent computations, and on bad input."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import ragteach as rt
from ragteach.errors import RagteachError
from ragteach.widgets import base, explore, html
from ragteach.widgets.aside import Aside
from ragteach.widgets.graphs import STRENGTHS, GraphSolver
from ragteach.widgets.sharing import toy_parts


def arrays(w):
    """The arrays of an explorer, as the page will read them."""
    values = np.frombuffer(w.block, "<f4")
    return {n: values[o : o + int(np.prod(s))].reshape(s) for n, (o, s) in w.spec["layout"].items()}


@pytest.fixture(scope="module")
def sharing():
    return rt.widgets.sharing_slider(n_per_task=30, lam=np.logspace(-4, -1, 7))


@pytest.fixture(scope="module")
def player():
    runs, data = rt.widgets.toy_runs(epochs=24)
    return rt.widgets.trajectory_player(runs, data=data), runs


# ------------------------------------------------------------------ the block of numbers


def test_pack_and_squeeze_keep_what_they_are_given():
    rng = np.random.default_rng(0)
    given = {
        "long": rng.normal(size=(100, 60)).cumsum(0),
        "short": [1e-9, 1e9, 3.0],
        "flat": np.full((5000, 1), 7.0),
    }
    block, layout = base.pack(given)
    on_disk = json.loads(json.dumps(layout, sort_keys=True))  # as nbformat writes a notebook
    assert list(on_disk) != list(layout)
    back = np.frombuffer(base.unsqueeze(base.squeeze(block, layout), on_disk), "<f4")
    plain = np.frombuffer(block, "<f4")
    for name, (offset, shape) in layout.items():
        part = slice(offset, offset + int(np.prod(shape)))
        tolerance = np.ptp(given[name]) / 65535 if name == "long" else 0
        assert np.abs(back[part] - plain[part]).max() <= tolerance + 1e-6 * np.abs(
            plain[part]
        ).max() * (name == "long")
    assert len(base.squeeze(block, layout)) < len(block)


def test_one_thread_gives_the_threads_back():
    before = torch.get_num_threads()
    with base.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.fixture(autouse=True)
def usual_turns():
    """Every test begins with Python's own."""
    usual = sys.getswitchinterval()
    yield
    sys.setswitchinterval(usual)


def test_a_page_that_looks_makes_the_threads_take_short_turns(monkeypatch):
    monkeypatch.setattr(base, "aside", Aside)  # one that has not been started
    monkeypatch.setattr(Aside, "start", lambda self: None)
    w, turns = explore("step"), []
    w.send, w._answer = lambda *args: None, lambda want: turns.append(sys.getswitchinterval())
    w._asked(w, {"ask": 1}, [])
    assert turns == [pytest.approx(1e-4)] and sys.getswitchinterval() == pytest.approx(1e-4)
    sys.setswitchinterval(1e-5)  # who has shorter turns keeps them
    w._asked(w, {"hello": True}, [])
    assert sys.getswitchinterval() == pytest.approx(1e-5)


def test_a_page_that_looks_starts_the_process(monkeypatch):
    started = []
    monkeypatch.setattr(base, "aside", Aside)
    monkeypatch.setattr(Aside, "start", lambda self: started.append(self))
    w = explore("step")
    w._asked(w, {"hello": True}, [])
    assert len(started) == 1


def test_without_room_for_a_process_it_goes_on_without(monkeypatch):
    def full(self):
        raise OSError("too many processes")

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", full)
    aside = Aside()
    aside.start()
    assert aside.ask("key", math.sqrt, 4.0) is None


def awaited(aside, answer, want):
    """The answer, once the process is there."""
    end = time.monotonic() + 60
    while (found := aside.ask("key", answer, want)) is None:
        assert time.monotonic() < end, "the process did not come"
        time.sleep(0.05)
    return found


def test_the_process_aside_answers_raises_and_comes_back():
    aside = Aside()
    assert aside.ask("key", math.sqrt, 4.0) is None  # nobody started it
    aside.start()
    first = aside.process
    assert awaited(aside, math.sqrt, 4.0) == 2.0 and first.pid != os.getpid()
    aside.start()
    assert aside.process is first
    with pytest.raises(ValueError, match="math domain error"):
        aside.ask("key", math.sqrt, -1.0)
    assert aside.ask("other", math.cos, 0.0) == 1.0
    os.kill(first.pid, signal.SIGINT)  # the stop button of the notebook
    assert aside.ask("key", math.sqrt, 9.0) == 3.0
    first.kill()
    assert aside.ask("key", math.sqrt, 9.0) is None  # and nothing hangs
    aside.start()
    assert awaited(aside, math.sqrt, 16.0) == 4.0
    second = aside.process
    aside.stop()
    second.join(10)
    assert not second.is_alive()


def test_the_process_aside_gives_what_this_one_would():
    solver = GraphSolver(*toy_parts(0.5, 10, 0), lam_shared=0.01)
    want = {"graph": [[1], [1], [0], [0]], "lams": [0.01, 0.1], "key": "k"}
    aside = Aside()
    aside.start()
    (arrays, more), (mine, told) = awaited(aside, solver.answer, want), solver.answer(want)
    assert more == told == {"key": "k", "all": True}
    for name in mine:
        assert np.allclose(arrays[name], mine[name], atol=1e-6)
    with pytest.raises(RagteachError, match="Expected: 4 rows"):
        aside.ask("key", solver.answer, {"graph": [[1]], "lams": [0.01]})
    aside.stop()


def test_the_process_aside_ends_with_the_kernel(tmp_path):
    code = """import math, os, time
from ragteach.widgets.aside import Aside
if __name__ == "__main__":
    aside = Aside()
    aside.start()
    while aside.ask("key", math.sqrt, 4.0) is None:
        time.sleep(0.05)
    print(aside.process.pid, flush=True)
    os.kill(os.getpid(), 9)
"""
    path = tmp_path / "kernel.py"
    path.write_text(code)
    said = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    pid, end = int(said.stdout), time.monotonic() + 20
    while (
        Path(f"/proc/{pid}").exists()
        and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    ):
        assert time.monotonic() < end, "still there"
        time.sleep(0.05)
    assert said.stderr == ""


def test_scripts_hold_no_way_to_run_text_from_data():
    for path in base.HERE.glob("*.js"):
        code = path.read_text(encoding="utf-8")
        assert not any(
            bad in code
            for bad in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write")
        )
        assert "http" not in code.replace("http://www.w3.org/2000/svg", "")  # nothing is fetched


# ------------------------------------------------------------------ sharing slider


def test_sharing_shows_the_optimum_of_solve(sharing):
    shown = arrays(sharing)
    train, _, test = toy_parts(n_per_task=30)
    data = rt.MultiTaskDataset.from_frame(train)
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names)
    rt.solve(model, data, lam=float(shown["lam"][3]), lam_shared=0.001)
    columns = [
        list(data.vectorizer.get_feature_names_out()).index(w) for w in sharing.spec["words"]
    ]
    ours = shown["shared"][3] + shown["adapters"][3]
    theirs = model.task_weights().detach().numpy()[..., columns]
    assert np.allclose(
        ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=0.02
    )
    found = rt.evaluate(
        model, rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)
    )
    assert found["accuracy"] == pytest.approx(shown["accuracy"][3].mean(), abs=0.01)


def test_sharing_marks_the_best_lambda_of_validation(sharing):
    shown = arrays(sharing)
    assert shown["validation"][sharing.spec["best"]] == shown["validation"].max()


def test_sharing_on_new_sentences_only():
    train, val, test = (set(zip(p.text, p.task, strict=True)) for p in toy_parts(n_per_task=60))
    assert not train & val and not train & test and not val & test


def test_the_page_can_compute_a_sentence_itself(sharing):
    """TF-IDF from the idf that is sent, as in sharing.js, against scikit-learn."""
    shown, spec = arrays(sharing), sharing.spec
    train, _, _ = toy_parts(n_per_task=30)
    vectorizer = rt.MultiTaskDataset.from_frame(train).vectorizer
    text = spec["sentences"][0]
    x = np.zeros(len(spec["words"]))
    for word in vectorizer.build_analyzer()(text):
        if word in spec["words"]:
            x[spec["words"].index(word)] += shown["idf"][spec["words"].index(word)]
    x /= np.linalg.norm(x)
    columns = [list(vectorizer.get_feature_names_out()).index(w) for w in spec["words"]]
    assert np.allclose(x, vectorizer.transform([text]).toarray()[0, columns], atol=1e-5)


def test_sharing_takes_your_own_frame():
    frame = rt.make_toy(n_per_task=30).assign(task=lambda f: f.task.str.upper())
    w = rt.widgets.sharing_slider(frame, lam=[1e-3, 1e-2], words=["quiet"], sentence="It was quiet")
    assert w.spec["tasks"] == ["FILMS", "CARS", "FOOD", "PHONES"]
    assert w.spec["sentences"][0] == "It was quiet"
    assert "split_frame" in w.spec["code"]


# ------------------------------------------------------------------ trajectory player


def test_player_shows_the_norms_and_the_conserved_quantity(player):
    w, runs = player
    shown = arrays(w)
    last = runs["joint"].norms().query("step == step.max()").set_index("part")["norm"]
    assert shown["norms"][0, -1] == pytest.approx([last[p] for p in w.spec["parts"]], rel=1e-5)
    free = w.spec["runs"].index("joint, no penalty")
    assert (
        shown["moved"][free].max() < 1e-4
    )  # conserved: no penalty, plain gradient descent, one adapter per task
    assert shown["moved"][w.spec["runs"].index("two-phase"), -1] > 0.01


def test_player_plane_of_words_is_the_word_table(player):
    w, runs = player
    word = w.spec["axes"][1][0].split("“")[1].rstrip("”")
    table = runs["joint"].word_table([word])
    assert arrays(w)["planes"][1, 0, -1, 0, 0] == pytest.approx(table.loc[word, "W_s"], abs=1e-5)


# ------------------------------------------------------------------ graph editor


def test_graph_editor_answers_with_the_optimum():
    w = rt.widgets.graph_editor(n_per_task=20)
    sent = []
    w.send = lambda content, buffers=None: sent.append((content, buffers))
    w._asked(w, {"ask": 1, "want": {"graph": [[1], [1], [0], [0]], "lams": [0.01], "key": "k"}}, [])
    content, buffers = sent[0]
    assert content["reply"] == 1 and content["key"] == "k" and "error" not in content
    values = np.frombuffer(buffers[0], "<f4")
    offset, shape = content["layout"]["accuracy"]
    train, _, test = toy_parts(0.5, 20, 0)
    data = rt.MultiTaskDataset.from_frame(train)
    model = rt.RAG(data.n_features, 3, 1, tasks=data.task_names, graph=[[1], [1], [0], [0]])
    rt.solve(model, data, lam=0.01, lam_shared=0.001)
    found = rt.evaluate(
        model, rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)
    )
    assert values[offset : offset + shape[1]].mean() == pytest.approx(found["accuracy"], abs=0.01)


def test_a_failing_callback_says_so_on_the_page():
    w = rt.widgets.graph_editor(n_per_task=10)
    sent = []
    w.send = lambda content, buffers=None: sent.append(content)
    w._asked(w, {"ask": 7, "want": {"graph": [[1]], "lams": [0.01]}}, [])
    assert sent[0]["reply"] == 7
    assert "Expected: 4 rows" in sent[0]["error"]


def test_one_lambda_is_answered_as_among_all():
    """The page asks for one first and for all later: what it says must not change in between."""
    solver, rng = GraphSolver(*toy_parts(0.5, 60, 0), lam_shared=0.001), np.random.default_rng(0)
    for graph in torch.tensor(rng.integers(0, 2, (12, 4, 4)), dtype=torch.float32):
        among_all = solver.solve(graph, STRENGTHS)["accuracy"]
        for i in (2, 8, 13, 20):
            np.testing.assert_array_equal(
                solver.solve(graph, STRENGTHS[[i]])["accuracy"][0], among_all[i]
            )


def test_literal_article_and_full_sharing_agree_in_the_graph_editor():
    """Law 1 on the page: with adapters for all tasks the model is one map."""
    solver = GraphSolver(*toy_parts(0.5, 20, 0), lam_shared=0.01)
    literal, none = solver.solve(torch.ones(4, 4), [1e6]), solver.solve(torch.zeros(4, 0), [1.0])
    assert np.allclose(literal["accuracy"], none["accuracy"], atol=0.02)


# ---------------------------------------------- initialisation lab, who wins, gradient step


def test_starts_are_kept_without_a_penalty_and_forgotten_with_one():
    w = rt.widgets.init_lab(seeds=3, steps=300)
    shown = arrays(w)
    n_scales = len(w.spec["scales"])
    free, tied = (shown["spreads"][(0 * n_scales + 4) * 2 + i] for i in (0, 1))
    assert free[-1, 0] > 0.1 > tied[-1, 0]
    zero = shown["paths"][2 * n_scales * 2]
    assert np.allclose(zero[:, 0], zero[:, 1])  # every seed of a zero start is the same start


def test_who_wins_shows_the_table_it_is_given():
    table = rt.who_wins_map((0.0, 1.0), (5,), seeds=2, progress=False)
    w = rt.widgets.who_wins(table)
    rows = table[(table.metric == "accuracy") & (table.task == "mean") & (table.relatedness == 1.0)]
    assert arrays(w)["values"][1, 0, 0] == pytest.approx(
        rows[rows.strategy == "RAG"].value.to_numpy(), rel=1e-6
    )
    assert explore(table).kind == "winners"


def test_gradient_step_sends_the_weights_of_the_model():
    data = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=10))
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, scale=0.5)
    w = rt.widgets.gradient_step("The engine was quiet", "positive", "cars", model, data.vectorizer)
    shown = arrays(w)
    z = (shown["shared"] + shown["adapter"] + shown["rest"]) @ shown["x"] + shown["bias"]
    x = torch.as_tensor(data.vectorizer.transform(["The engine was quiet"]).toarray())
    assert z == pytest.approx(model(x, task="cars")[0].detach().numpy(), abs=1e-5)


# ------------------------------------------------------------------ your own data and model


def test_every_explorer_takes_your_own_data_and_model():
    frame = rt.make_toy(n_per_task=20).replace(
        {"task": {"films": "<b>plays</b>", "cars": "bicycles"}}
    )
    data = rt.MultiTaskDataset.from_frame(frame)
    model = rt.RAG(data.n_features, 3, 2, tasks=data.task_names, graph="grouped")
    recorder = rt.Recorder(model)
    rt.fit(model, data, "joint", epochs=3, lr=0.5, callbacks=[recorder], progress=False)
    path = recorder.trajectory(data.vectorizer.get_feature_names_out())
    sentence = "The engine was quiet"
    table = rt.who_wins_map((0.0, 1.0), (5,), seeds=2, progress=False)
    made = {
        "sharing": explore(frame, lam=[1e-3, 1e-2]),
        "player": explore({"mine": path}, None, data),
        "graphs": explore(model, frame),
        "winners": explore(table),
        "starts": explore(data, seeds=2, steps=10),
        "steps": explore(sentence, "neutral", "bicycles", model, data.vectorizer),
    }
    assert {kind: w.kind for kind, w in made.items()} == {kind: kind for kind in made}
    assert made["graphs"].spec["tasks"] == made["sharing"].spec["tasks"] == data.task_names
    assert made["graphs"].spec["start"]["graph"] == model.graph.tolist()
    assert made["player"].spec["runs"] == ["mine"] and made["starts"].spec["task"] == "<b>plays</b>"
    assert made["steps"].spec["adapter"] in model.adapter_names
    for w in made.values():
        assert w.spec["title"] and w.spec["about"].endswith(".") and len(w.spec["alt"]) > 60


def test_the_page_chooses_the_thread_of_its_messages(monkeypatch):
    """ipykernel 7.4 would send them to the thread of the cell that made the widget, behind a
    running cell.
    """

    class Comm:
        comm_id, kernel = "c", None

        def _reply_subshell_for(self, data, default):
            return "main"

        def __getattr__(self, name):
            return lambda *args, **kwargs: None

    comm = Comm()
    monkeypatch.setattr(base.Explorer, "open", lambda self: None)
    monkeypatch.setattr(base.Explorer, "comm", comm)
    base.Explorer("steps", {"x": [1.0]}, {})
    assert comm._reply_subshell_for({}, "the page's") == "the page's"


def test_the_sharing_slider_follows_your_graph():
    parts = toy_parts(0.5, 20, 0)
    data = rt.MultiTaskDataset.from_frame(parts[0])
    graph = [[1.0, 0.0, 0.5], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    options = {"tasks": data.task_names, "graph": graph, "bias": False, "scale": 1.0}
    model = rt.RAG(data.n_features, 3, 3, **options)
    before = model.shared.clone()
    w = explore(parts, lam=[1e-3, 1e-2], lam_shared=0.003, model=model)
    assert torch.equal(model.shared, before)
    assert w.spec["graph"] == graph and f"graph={graph}, bias=False)" in w.spec["code"]
    assert "independent" not in w.spec["alt"]
    rt.solve(model, data, lam=1e-2, lam_shared=0.003)
    test = rt.MultiTaskDataset.from_frame(parts[2], data.vectorizer, data.task_names)
    found = rt.evaluate(model, test)
    for t, task in enumerate(data.task_names):
        assert arrays(w)["accuracy"][1, t] == pytest.approx(found[f"accuracy/{task}"], abs=0.01)
    word = list(data.vectorizer.get_feature_names_out()).index(w.spec["words"][0])
    shown = arrays(w)["shared"][1, :, 0] + arrays(w)["adapters"][1, :, :, 0]
    assert shown == pytest.approx(model.task_weights()[:, :, word].detach().numpy(), abs=2e-3)
    assert not arrays(w)["bias"].any()


def test_the_initialisation_lab_follows_your_graph():
    data = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=10))
    graph = [[1.0, 0.5], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    model = rt.RAG(
        data.n_features, 3, 2, tasks=data.task_names, graph=graph, bias=False, init="zero"
    )
    w = rt.widgets.init_lab(data, seeds=[5], steps=10, lr=0.2, model=model)
    assert w.spec["model"].endswith(f"graph={graph}, bias=False") and w.spec["lr"] == 0.2
    options = {"lr": 0.2, "lam": 0.0, "lam_shared": 0.0, "optimizer": torch.optim.SGD}
    rt.fit(model, data, epochs=10, progress=False, **options)
    j = list(data.vectorizer.get_feature_names_out()).index(w.spec["word"])
    own = (model.task_weights(0)[0] - model.shared)[:, j].detach()
    zero = 2 * len(w.spec["scales"]) * len(w.spec["lams"])  # the third distribution
    assert arrays(w)["paths"][zero, -1, 0, 1] == pytest.approx(float(own[-1] - own[0]), abs=1e-5)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rt.widgets.sharing_slider("films"), "Expected: None, a frame"),
        (
            lambda: rt.widgets.sharing_slider(lam=[1.0]),
            "Expected: two or more increasing penalties",
        ),
        (lambda: rt.widgets.trajectory_player({}), "Expected: one to 4 trajectories"),
        (
            lambda: rt.widgets.graph_editor(graph=[[1.0]], n_per_task=10),
            "Expected: a graph of 4 tasks x 1 adapters",
        ),
        (
            lambda: rt.widgets.who_wins(rt.make_toy(n_per_task=3)),
            "pass the result of rt.who_wins_map",
        ),
        (lambda: rt.widgets.gradient_step("..."), "Expected: a sentence with words"),
        (
            lambda: rt.widgets.gradient_step("good", "great"),
            "Expected: label to be one of 'negative'",
        ),
        (lambda: explore(3), "Expected: one of 'sharing', 'player'"),
        (
            lambda: rt.widgets.sharing_slider(rt.make_toy(n_per_task=60), model=rt.RAG(3, 3, 4)),
            "Expected: data with the model's tasks",
        ),
        (
            lambda: rt.widgets.init_lab(
                model=rt.RAG(3, 3, 0, tasks=["films", "cars"], graph="all")
            ),
            r"Expected: a model of the tasks \['films', 'cars'\] with an adapter for films",
        ),
    ],
)
def test_refusals_say_what_to_do(call, message):
    with pytest.raises(RagteachError, match=message):
        call()


# ------------------------------------------------------------------ twins and pages


def test_every_explorer_has_its_words(sharing, player):
    for w in (sharing, player[0], explore("step")):
        assert (
            len(w.spec["alt"]) > 100
            and w.spec["title"].endswith(("?", "hand"))
            and w.spec["about"].endswith(".")
        )
        bundle = w._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        assert data["text/plain"] == base.NOTE and html.VIEW in data
        assert len(json.dumps(data[base.MIME])) < 400_000


def notebook(w):
    from nbformat import v4

    figure = v4.new_output(
        "display_data",
        {"image/png": "iVBORw0KGgo=", "text/plain": "the figure"},
        metadata={"image/png": {"alt": "A figure <& its words"}},
    )
    bundle = w._repr_mimebundle_()
    live = v4.new_output(
        "execute_result",
        dict(bundle[0] if isinstance(bundle, tuple) else bundle),
        execution_count=1,
    )
    nb = v4.new_notebook(cells=[v4.new_code_cell("w", outputs=[figure, live])])
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    return nb


def test_settle_leaves_a_note_and_the_numbers():
    nb = html.settle(notebook(explore("step")))
    data = nb.cells[0].outputs[1].data
    assert set(data) == {"text/plain", base.MIME} and data["text/plain"] == base.NOTE
    assert "widgets" not in nb.metadata


def test_a_page_has_the_figure_once_and_an_explorer(tmp_path):
    import nbformat

    nb = notebook(explore("<b>good</b> film", "positive", "films"))
    nbformat.write(nb, tmp_path / "lesson.ipynb")
    html.main([str(tmp_path / "lesson.ipynb"), "--to", str(tmp_path / "site")])
    page = (tmp_path / "site" / "lesson.html").read_text(encoding="utf-8")
    assert page.count("<img") - page.count("<img src=x") == 1
    assert 'alt="A figure &lt;&amp; its words"' in page
    assert page.count("ragteachStart(") == 2 and base.NOTE not in page  # defined once, called once
    assert "<b>good</b>" not in page
    assert "require.min.js" not in page


def test_formulas_need_no_network():
    import nbformat

    words = "Task $t$ uses\n\n$$W_t = W_s + A_t$$\n\nand `$HOME` and $\\lambda$ are told apart."
    page = html.to_html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(words)]))
    assert page.count("<math") == 3 and page.count('display="block"') == 1
    assert "<code>$HOME</code>" in page and "$$" not in page and "\\lambda" not in page
    assert "mathjax" not in page.lower()


def test_pages_need_notebooks(tmp_path):
    with pytest.raises(RagteachError, match="run make notebooks first"):
        html.write([tmp_path / "none.ipynb"], tmp_path)
