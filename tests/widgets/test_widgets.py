"""The explorers' numbers, without a browser: against independent computations, and on bad input."""

import functools
import inspect
import io
import json
import threading
import types

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from problems import own_network

import ragteach as rt
from ragteach.errors import RagteachError
from ragteach.study import plots
from ragteach.study.tables import winners
from ragteach.widgets import base, explore, html
from ragteach.widgets.columns import chosen as words_to_draw
from ragteach.widgets.graphs import MAX_DOCS, GraphSolver, thin
from ragteach.widgets.player import compute as played
from ragteach.widgets.player import twin as player_twin
from ragteach.widgets.sharing import _thing, toy_parts
from ragteach.widgets.sharing import twin as sharing_twin


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


def test_a_dollar_in_a_name_is_no_formula():
    """It would be an error, or be set in italics without its dollars; ours and the axis's stay."""
    ax = (figure := Figure()).subplots()
    ax.semilogx([0.001, 1.0], [0, 1], label="$cost$")
    name = ax.set_title(r"$of \frac{$ and $cost$")
    ours = ax.set_xlabel(r"$\lambda$")
    ours.set_gid(plots.FORMULA)
    entry = ax.legend().get_texts()[0]
    base.plain(figure)
    assert not name.get_parse_math() and not entry.get_parse_math()
    assert ours.get_parse_math() and all(t.get_parse_math() for t in ax.get_xticklabels())
    figure.savefig(io.BytesIO())  # an error, were the name read as a formula


def test_a_message_beside_a_running_cell_does_not_end_that_cell(sharing, monkeypatch):
    """IPython shows and closes all figures where a cell ends; a comm says so at every message."""
    said = []
    shell = types.SimpleNamespace(events=types.SimpleNamespace(trigger=said.append))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    def moved(lam):
        state = {**sharing.state, "lam": lam}
        return {"content": {"data": {"method": "update", "state": {"state": state}}}, "buffers": []}

    thread = threading.Thread(target=sharing.comm.handle_msg, args=[moved(0.25)])
    thread.start()
    thread.join()
    assert sharing.state["lam"] == 0.25 and said == []
    sharing.comm.handle_msg(moved(0.5))  # in the queue of the cells
    assert sharing.state["lam"] == 0.5 and said == ["pre_execute", "post_execute"]
    sharing.state = {}


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
    # conserved: no penalty, plain gradient descent, one adapter per task
    assert shown["moved"][free].max() < 1e-4
    assert shown["moved"][w.spec["runs"].index("two-phase"), -1] > 0.01


@pytest.mark.parametrize(
    ("every", "epochs", "said"),
    [(1, 60, "every step"), (2, 60, "every second step"), (2, 480, "every fourth step"),
     (1, 600, "one step in 5"), (1, 150, "121 of the steps")],
)  # fmt: skip
def test_player_says_which_steps_its_film_shows(every, epochs, said):
    steps = np.arange(0, epochs + 1, every)
    weights = torch.arange(2.0 * len(steps)).view(-1, 1, 2)
    graph = torch.ones(1, 1)
    path = rt.Trajectory(steps, weights, weights[:, None], graph, ["a"], ["A"], ["x", "y"])
    assert said in played({"mine": path}, None, None)[1]["about"]


def test_player_plane_of_words_is_the_word_table(player):
    w, runs = player
    word = w.spec["axes"][1][0].split("“")[1].rstrip("”")
    table = runs["joint"].word_table([word])
    assert arrays(w)["planes"][1, 0, -1, 0, 0] == pytest.approx(table.loc[word, "W_s"], abs=1e-5)


# ------------------------------------------------------------------ graph editor


def test_the_graph_editor_hands_the_page_its_sentences():
    """What the page reads, document by document, is what the vectoriser made of the sentences."""
    train, val, test = toy_parts(0.5, 10, 0)
    solver = GraphSolver(train, val, test, lam_shared=0.01)
    given = solver.sentences()
    for name, data in solver.parts.items():
        starts = np.concatenate([[0], np.cumsum(given[f"{name}_words"])])
        order = torch.argsort(data.task, stable=True)
        assert given[f"{name}_sizes"].tolist() == data.sizes.tolist()
        for i, row in enumerate(order[:40]):
            dense = np.zeros(data.n_features)
            part = slice(starts[i], starts[i + 1])
            dense[given[f"{name}_word"][part]] = given[f"{name}_count"][part]
            np.testing.assert_allclose(dense, data.rows(data.doc[row].view(1))[0])
            assert given[f"{name}_y"][i] == data.y[row]


def test_literal_article_and_full_sharing_agree_in_the_graph_editor():
    """Law 1 on the page: with adapters for all tasks the model is one map."""
    solver = GraphSolver(*toy_parts(0.5, 20, 0), lam_shared=0.01)
    literal, none = solver.accuracy(torch.ones(4, 4), 1e6), solver.accuracy(torch.zeros(4, 0), 1.0)
    assert np.allclose(literal, none, atol=0.02)


def test_many_sentences_are_thinned_out_and_it_is_said():
    frame = rt.make_toy(n_per_task=5)
    many = pd.concat([frame] * (MAX_DOCS // 5 + 1), ignore_index=True)
    many.attrs["label_names"] = list(rt.LABELS)
    thinned = thin(many)
    assert thinned.groupby("task").size().tolist() == [MAX_DOCS] * 4
    assert thinned.attrs == many.attrs


# ---------------------------------------------- initialisation lab, who wins, gradient step


def test_starts_are_kept_without_a_penalty_and_forgotten_with_one():
    w = rt.widgets.init_lab(seeds=3, steps=300)
    last = len(arrays(w)["steps"]) - 1
    found = w.measures(at=last, scale=4)
    assert found["free"] > 0.1 > found["sum"]
    zero = w.measures(init=2)
    assert max(zero["free"], zero["sum"]) < 1e-6  # every start is the same


@functools.cache
def small_map():
    return rt.who_wins_map((0.0, 1.0), (5,), seeds=2, progress=False)


def test_who_wins_shows_the_table_it_is_given():
    table = small_map()
    w = rt.widgets.who_wins(table)
    rows = table[(table.metric == "accuracy") & (table.task == "mean") & (table.relatedness == 1.0)]
    assert arrays(w)["values"][1, 0, 0] == pytest.approx(
        rows[rows.strategy == "RAG"].value.to_numpy(), rel=1e-6
    )
    assert explore(table).kind == "winners"
    assert w.spec["chance"] == pytest.approx(1 / 3)  # toy sentences: three classes
    assert rt.widgets.who_wins(table.assign(data="mine")).spec["chance"] is None  # who knows?
    assert "2 seeds each" in w.spec["alt"]
    assert "1 seed each" in rt.widgets.who_wins(table[table["seed"] == 0]).spec["alt"]


def test_who_wins_opens_by_default_on_a_contrast_that_is_no_luck():
    """In its middle row, few sentences let full sharing win and more let RAG, both clearly."""
    default = {k: v.default for k, v in inspect.signature(rt.widgets.who_wins).parameters.items()}
    seeds, sizes = default["seeds"], default["n_per_task"]
    table = rt.who_wins_map(default["relatedness"][1:2], sizes, seeds, n_jobs=1, progress=False)
    cells = winners(table)
    assert list(cells.winner) == ["full sharing", "RAG"]
    assert (cells.low > 0.005).all()


def test_gradient_step_sends_the_weights_of_the_model():
    data = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=10))
    model = rt.RAG(data.n_features, 3, 4, tasks=data.task_names, scale=0.5)
    w = rt.widgets.gradient_step("The engine was quiet", 2, "cars", model, data.vectorizer)
    shown = arrays(w)
    z = (shown["shared"] + shown["adapter"] + shown["rest"]) @ shown["x"] + shown["bias"]
    x = torch.as_tensor(data.vectorizer.transform(["The engine was quiet"]).toarray())
    assert z == pytest.approx(model(x, task="cars")[0].detach().numpy(), abs=1e-5)


MODELS = {
    "as made": {},
    "a weight of two": {"graph": [[2.0, 0.0], [0.0, 1.0]]},
    "no bias": {"bias": False},
    "one bias": {"bias": "shared"},
    "no adapter": {"graph": [[0.0, 0.0], [0.0, 1.0]]},
}


@pytest.mark.parametrize("frozen", ["nothing", "shared", "adapters"])
@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_gradient_step_moves_as_torch_does(options, frozen):
    model = rt.RAG(2, 3, 2, scale=0.5, **options)
    if frozen != "nothing":
        model.freeze(frozen)
    words = rt.make_vectorizer("bow").fit(["good film"])
    w = rt.widgets.gradient_step("good film", 1, 0, model, words)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(model(torch.ones(1, 2), 0), torch.tensor([1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    p = model(torch.ones(1, 2), 0).softmax(-1)[0, 1].item()
    assert w.measures(steps=3)["p"] == pytest.approx(p, abs=1e-6)


def test_gradient_step_refuses_adapters_whose_weights_do_not_move_alone():
    model = rt.RAG(2, 3, 1, adapter="low_rank", rank=1)
    words = rt.make_vectorizer("bow").fit(["good film"])
    with pytest.raises(RagteachError, match="Expected: full adapters"):
        rt.widgets.gradient_step("good film", 1, 0, model, words)


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
    table = small_map()
    made = {
        "sharing": explore(frame, lam=[1e-3, 1e-2]),
        "player": explore({"mine": path}, None, data),
        "graphs": explore(model, frame),
        "winners": explore(table),
        "starts": explore(data, seeds=2, steps=10),
        "steps": explore(sentence, "neutral", "bicycles", model, data.vectorizer),
        "movements": explore(*own_network(), class_names=["no", "yes"]),
    }
    assert {kind: w.kind for kind, w in made.items()} == {kind: kind for kind in made}
    assert made["graphs"].spec["tasks"] == made["sharing"].spec["tasks"] == data.task_names
    assert made["graphs"].spec["start"]["graph"] == model.graph.tolist()
    assert made["player"].spec["runs"] == ["mine"] and made["starts"].spec["task"] == "<b>plays</b>"
    assert made["steps"].spec["adapter"] in model.adapter_names
    for w in made.values():
        assert w.spec["title"] and w.spec["about"].endswith(".") and len(w.spec["alt"]) > 60


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
    options = {"tasks": data.task_names, "graph": graph, "bias": False}
    model = rt.RAG(data.n_features, 3, 2, init="zero", **options)
    w = rt.widgets.init_lab(data, seeds=[5, 7], steps=10, lr=0.2, model=model)
    assert w.spec["model"].endswith(f"graph={graph}, bias=False")
    assert w.spec["rates"][w.spec["start"]["lr"]] == 0.2
    shown = arrays(w)
    assert shown["graph"].tolist() == graph
    start = rt.RAG(data.n_features, 3, 2, seed=7, scale=0.3, **options)
    parts = torch.cat([start.shared[None], start.adapter_weights()]).detach()
    np.testing.assert_allclose(0.3 * shown["units"][0, 1], parts, atol=1e-6)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rt.widgets.sharing_slider("films"), "Expected: a CSV file"),
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
        page = base.revived(w.saved())
        assert base.kept({"data": {"text/html": page}}) == json.loads(json.dumps(w.saved()))
        assert len(page) < 450_000


def notebook(w):
    from nbformat import v4

    figure = v4.new_output(
        "display_data",
        {"image/png": "iVBORw0KGgo=", "text/plain": "the figure"},
        metadata={"image/png": {"alt": "A figure <& its words"}},
    )
    saved = v4.new_output("display_data", {"text/html": base.revived(w.saved()), "text/plain": ""})
    bundle = w._repr_mimebundle_()
    live = v4.new_output(
        "execute_result",
        dict(bundle[0] if isinstance(bundle, tuple) else bundle),
        execution_count=1,
    )
    nb = v4.new_notebook(cells=[v4.new_code_cell("w", outputs=[figure, saved, live])])
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    return nb


def test_settle_leaves_a_note_and_the_numbers():
    w = explore("step")
    nb = html.settle(notebook(w))
    figure, data = (output.data for output in nb.cells[0].outputs)
    assert "image/png" in figure
    assert set(data) == {"text/plain", "text/html"} and data["text/plain"] == base.NOTE
    assert f">{base.NOTE}</div>" in data["text/html"]
    assert base.kept({"data": data}) == json.loads(json.dumps(w.saved()))
    assert "widgets" not in nb.metadata


def test_a_notebook_of_before_keeps_its_explorers():
    saved = explore("step").saved()
    old = {"output_type": "display_data", "data": {base.MIME: saved, "text/plain": base.NOTE}}
    assert base.kept(old) == saved


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


def test_the_slider_calls_tasks_tasks_where_their_column_has_a_name():
    texts = [f"{'good' if i % 2 else 'bad'} thing number {i}" for i in range(60)]
    table = {"text": texts, "label": ["no", "yes"] * 30, "shop": ["x"] * 30 + ["y"] * 30}
    for column, thing in (("shop", "task"), ("domain", "domain")):
        frame = pd.DataFrame(table).rename(columns={"shop": column})
        spec = rt.widgets.sharing_slider(frame, lam=[0.001, 0.1]).saved()["spec"]
        assert spec["thing"] == thing and spec["title"] == f"How much should the {thing}s share?"
        assert ("domain" in spec["alt"]) == (thing == "domain")


def test_a_dollar_in_a_name_is_a_dollar_and_powers_of_ten_stay_formulas(monkeypatch):
    shown = []
    monkeypatch.setattr(base, "in_ipython", lambda: True)
    monkeypatch.setattr(base.plots, "show", lambda figure, alt: shown.append(figure))
    frame = rt.make_toy(n_per_task=30)
    frame["task"] = frame["task"].replace("films", "films $5 $6")
    rt.widgets.sharing_slider(frame)
    (figure,) = shown
    figure.canvas.draw()
    texts = figure.findobj(Text)
    names = [text for text in texts if "$5 $6" in text.get_text()]
    powers = [text for text in texts if "mathdefault" in text.get_text()]
    assert names and not any(text.get_parse_math() for text in names)
    assert powers and all(text.get_parse_math() for text in powers)
    base.plots.plt.close(figure)
    rt.widgets.graph_editor()
    shared = [text for text in shown[1].findobj(Text) if text.get_text() == "$W_s$"]
    assert shared and all(text.get_parse_math() for text in shared)
    base.plots.plt.close(shown[1])


def test_the_sharing_picture_of_many_tasks_repeats_no_colour():
    rng = np.random.default_rng(0)
    tasks = [f"shop {t}" for t in range(40)]
    numbers = {
        "lam": np.array([0.1, 1.0, 10.0]),
        "accuracy": rng.uniform(0.4, 0.9, (3, 40)),
        "shared": rng.normal(size=(3, 2, 2)),
        "adapters": rng.normal(size=(3, 40, 2, 2)),
    }
    spec = {"tasks": tasks, "classes": ["no", "yes"], "words": ["a", "b"], "drawn": ["b", "a"]}
    spec |= {"best": 1, "graph": None, "thing": "task", "colors": plots.CYCLE[0][:6]}
    spec |= {"ends": [0, 1], "start": {}}
    left, right = sharing_twin(numbers, spec).axes
    named = [line for line in left.lines if line.get_label() in tasks]
    assert len(named) == 6 == len({line.get_color() for line in named})
    said = [text.get_text() for text in left.get_legend().get_texts()]
    assert "34 others, which move less" in said and "mean" in said
    assert len(right.get_legend().get_texts()) == 7
    marks = np.concatenate([dots.get_offsets()[:, 1] for dots in right.collections[1:]])
    assert marks.min() > -0.6 and marks.max() < 1.6  # each beside its word


def test_only_toy_tasks_and_a_column_of_domains_are_domains():
    frame = pd.DataFrame({"text": ["a"], "label": [0], "task": ["mood"]})
    assert _thing(frame) == "task"
    assert _thing(frame.assign(task="films")) == "domain"
    frame.attrs = {"columns": {"text": "note", "label": ["mood", "tone"], "task": None}}
    assert _thing(frame) == "task"
    frame.attrs["columns"]["task"] = "domain"
    assert _thing(frame) == "domain"


def test_the_words_run_from_low_to_high_or_for_one_class():
    """Classes with an order have an axis; of others each is seen against the rest."""
    texts = [f"{w} thing {i}" for i in range(40) for w in ("mad", "still", "glad")]
    frame = pd.DataFrame({"text": texts, "task": [f"t{i % 2}" for i in range(120)]})
    lam = [1e-3, 1e-1]
    levels = rt.widgets.sharing_slider(frame.assign(label=["low", "medium", "high"] * 40), lam)
    classes = levels.spec["classes"]
    low, high = levels.spec["ends"]
    assert (classes[low], classes[high]) == ("low", "high")
    assert "for_class" not in levels.spec["start"]
    moods = rt.widgets.sharing_slider(frame.assign(label=["angry", "calm", "happy"] * 40), lam)
    assert moods.spec["ends"] is None
    own = arrays(moods)["adapters"][0]  # (n_tasks, n_classes, n_words)
    word = moods.spec["drawn"][0]
    j = moods.spec["words"].index(word)
    found = []
    for c in range(3):
        others = np.delete(own[:, :, j], c, axis=1).mean(1)
        found.append(np.ptp(own[:, c, j] - others))
        measured = moods.measures(lam=1e-3, for_class=c)[f"apart_{word}"]
        assert measured == pytest.approx(found[-1], rel=1e-4)
    assert np.ptp(found) > 1e-6


def test_a_word_that_weighs_nothing_is_not_drawn():
    names = [f"w{i}" for i in range(9)]
    common, spread = torch.zeros(9), torch.tensor([9.0, 8, 7, 6, 5, 4, 0, 0, 0])
    assert words_to_draw(None, names, common, spread) == names[:6]
    common[7] = 1.0
    assert words_to_draw(None, names, common, spread) == [*names[:6], "w7"]


def test_still_and_moving_the_shared_weights_are_black():
    runs, data = rt.widgets.toy_runs(epochs=8)
    arrays, spec = played(runs, None, data)
    figure = player_twin(arrays, spec)
    looks = {line.get_label(): line.get_color() for line in figure.axes[0].lines[::3]}
    series = ["#000000", *spec["colors"][1:]]
    assert looks == dict(zip(spec["parts"], series, strict=False))
