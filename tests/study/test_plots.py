"""Pictures show the numbers of their table, name everything in words, and hand back the axes they
drew on.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex
from problems import problem, refused

from ragteach import RAG, RagteachError, Recorder, fit, solve_path
from ragteach.study import plots


@pytest.fixture
def ax():
    return plt.subplots()[1]


def texts(ax):
    return [t.get_text() for t in ax.texts]


def legend(ax):
    return [t.get_text().strip() for t in ax.get_legend().get_texts()]


def means(n_per_task=(60,), strategies=("RAG", "full sharing", "independent")):
    rows = [
        ("toy", n, s, 0.7 + 0.05 * i, 0.68 + 0.05 * i, 0.72 + 0.05 * i, 5, 100, 0.1)
        for n in n_per_task
        for i, s in enumerate(strategies)
    ]
    columns = [
        "data",
        "n_per_task",
        "strategy",
        "mean",
        "low",
        "high",
        "n_seeds",
        "n_params",
        "seconds",
    ]
    return pd.DataFrame(rows, columns=columns)


def cells():
    rows = [
        (r, n, w, 0.03, low, 0.05, low > 0)
        for r, n, w, low in [
            (0.0, 10, "independent", 0.01),
            (0.0, 40, "RAG", -0.01),
            (1.0, 10, "full sharing", 0.02),
            (1.0, 40, "full sharing", 0.01),
        ]
    ]
    columns = ["relatedness", "n_per_task", "winner", "margin", "low", "high", "clear"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def walk():
    data = problem()
    model = RAG(6, 3, 3, tasks=data.task_names, scale=0.5)
    recorder = Recorder(model, 2)
    history = fit(model, data, epochs=6, callbacks=[recorder], progress=False)
    return recorder.trajectory(), history, data, model


class TestTables:
    def test_comparison_marks_each_mean_and_its_interval(self, ax):
        table = means()
        assert plots.comparison(table, ax) is ax
        assert [t.get_text() for t in ax.get_yticklabels()] == list(table["strategy"][::-1])
        assert texts(ax) == [f"{m:.3f}" for m in table["mean"][::-1]]
        bars = [c.lines[2][0].get_segments()[0][:, 0] for c in ax.containers]
        assert np.allclose(bars, table[["low", "high"]][::-1])

    @pytest.mark.parametrize(
        ("kinds", "said"),
        [
            (["t over fresh draws"], "over seeds"),
            (["corrected resampled t"], "corrected for re-splits"),
            (["corrected resampled t", "t over fresh draws"], "over seeds"),
        ],
    )
    def test_the_axis_says_how_its_intervals_were_made(self, ax, kinds, said):
        table = means()
        plots.comparison(table.assign(interval=np.resize(kinds, len(table))), ax)
        assert said in ax.get_xlabel()

    def test_one_seed_has_no_interval(self, ax):
        table = means().assign(low=np.nan, high=np.nan)
        plots.comparison(table, ax)
        assert all(not c.has_xerr for c in ax.containers)

    def test_several_sizes_are_a_learning_curve_not_a_row(self):
        with refused("one n_per_task", "[10, 20]", "learning_curves"):
            plots.comparison(means((10, 20)))

    def test_learning_curves_have_a_line_a_strategy(self, ax):
        table = means((10, 40))
        assert plots.learning_curves(table, ax) is ax
        assert legend(ax) == ["RAG", "full sharing", "independent"]
        rag = next(line for line in ax.lines if line.get_label() == "RAG")
        assert rag.get_xdata().tolist() == [10, 40] and np.allclose(rag.get_ydata(), 0.7)
        assert ax.get_xticks().tolist() == [10, 40] and not ax.get_xticks(minor=True).size

    def test_strategies_differ_in_colour_marker_and_line(self, ax):
        names = ("RAG", "full sharing", "independent", "full sharing + task bias", "majority class",
                 "full sharing, equal parameters", "independent, equal parameters")  # fmt: skip
        plots.learning_curves(means((10, 40), names), ax)
        looks = [(line.get_color(), line.get_marker()) for line in ax.lines]
        assert len(set(looks)) == len({c for c, _ in looks}) == len({m for _, m in looks}) == 7

    def test_a_long_name_has_lines_of_36_letters_at_most(self, ax):
        names = (f"{'a' * 20} {'b' * 15}", f"{'a' * 20} {'b' * 16}")
        plots.comparison(means(strategies=names), ax)
        longer, shorter = (t.get_text() for t in ax.get_yticklabels())
        assert shorter == names[0] and longer == names[1].replace(" ", "\n")

    def test_differences_say_the_verdict_in_words(self, ax):
        table = pd.DataFrame(
            [("toy", 60, "full sharing", 0.05, 0.02, 0.08, "better"),
             ("toy", 60, "independent", 0.01, -0.01, 0.03, "no clear difference")],
            columns=["data", "n_per_task", "strategy", "difference", "low", "high", "verdict"],
        )  # fmt: skip
        plots.differences(table, ax)
        assert texts(ax) == ["no clear difference", "better"]
        assert [t.get_text() for t in ax.get_yticklabels()] == [
            "RAG - independent",
            "RAG - full sharing",
        ]

    def test_the_map_names_the_winner_in_every_cell(self, ax):
        plots.who_wins(cells(), ax)
        assert texts(ax) == ["full sharing\n+0.030*"] * 2 + [
            "independent\n+0.030*",
            "(RAG\n+0.030)",
        ]
        assert [t.get_text() for t in ax.get_yticklabels()] == ["1.0", "0.0"]
        assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "40"]
        top, bottom = (ax.transData.transform((0.5, y))[1] for y in (0.5, 1.5))
        assert top > bottom  # relatedness grows upwards

    def test_a_lead_of_nothing_is_a_tie(self, ax):
        plots.who_wins(cells().assign(margin=[0.0, 0.0004, -0.02, 0.03], clear=False), ax)
        assert sorted(texts(ax)).count("tie") == 2

    def test_a_lead_that_may_be_luck_has_no_winners_colour(self, ax):
        plots.who_wins(cells(), ax)
        (mesh,) = ax.collections
        colours = [to_hex(c) for c in mesh.get_facecolors()]
        grey = [said.startswith("(") for said in texts(ax)]
        assert [c == "#e4e4e4" for c in colours] == grey == [False, False, False, True]

    def test_the_map_refuses_a_winner_it_has_no_colour_for(self):
        with refused("winner", "'nobody'", "RAG"):
            plots.who_wins(cells().assign(winner="nobody"))


class TestWeights:
    def test_norms_angles_and_conflict_have_a_line_a_part(self, walk):
        path, _, data, _ = walk
        assert legend(plots.norms(path)) == ["W_s", "A1", "A2", "A3"]
        assert "W[task1]" in legend(plots.norms(path, tasks=True))
        assert legend(plots.angles(path)) == ["A1", "A2", "A3"]
        conflict = plots.conflict(path.gradient_cosines(data.stacked()))
        assert legend(conflict) == ["task1 & task2", "task1 & task3", "task2 & task3"]

    def test_norms_are_those_of_the_weights(self, walk, ax):
        path, *_ = walk
        plots.norms(path, ax)
        line = next(line for line in ax.lines if line.get_label() == "W_s")
        assert np.allclose(line.get_ydata(), path.shared.flatten(1).norm(dim=1))

    def test_an_adapter_looks_the_same_in_norms_and_angles(self, walk):
        path, *_ = walk
        looks = [
            {line.get_label(): (line.get_color(), line.get_marker()) for line in plot(path).lines}[
                "A2"
            ]
            for plot in (plots.norms, plots.angles)
        ]
        assert looks[0] == looks[1]

    def test_the_shared_weights_are_black_and_an_adapter_looks_as_its_task(self, walk):
        path, _, data, _ = walk
        expected = {"W_s": ("#000000", "o")}
        expected |= {f"A{k + 1}": (plots.CYCLE[0][k], plots.CYCLE[1][k]) for k in range(3)}
        for plot in (plots.norms, plots.plane):
            ax = plot(path)
            lines = {line.get_label(): line for line in ax.lines}
            rings = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
            marks = rings or [lines[part] for part in expected]
            found = [(line.get_color(), line.get_marker()) for line in marks]
            assert dict(zip(expected, found, strict=True)) == expected
            assert all(lines["W_s"].get_lw() > lines[part].get_lw() for part in ("A1", "A2", "A3"))

    def test_a_pair_of_tasks_has_the_line_of_one_and_the_markers_of_the_other(self, walk):
        path, _, data, _ = walk
        lines = plots.conflict(path.gradient_cosines(data.stacked())).lines
        pair = next(line for line in lines if line.get_label() == "task1 & task3")
        assert (pair.get_color(), pair.get_linestyle()) == (plots.CYCLE[0][0], "-")
        assert (pair.get_markerfacecolor(), pair.get_marker()) == (plots.CYCLE[0][2], "^")

    def test_paths_start_small_and_end_in_a_ring(self, walk, ax):
        path, *_ = walk
        plots.plane(path, ax)
        table = path.project()
        shared = table[table["part"] == "W_s"]
        line = next(line for line in ax.lines if line.get_label() == "W_s")
        assert np.allclose(line.get_xdata(), shared["x"]) and np.allclose(
            line.get_ydata(), shared["y"]
        )
        assert ax.get_legend().get_title().get_text() == "small: start, large: end"
        assert not ax.get_legend().get_frame_on()
        small, ring = (line for line in ax.lines[1:3])  # of W_s, whose path comes first
        assert small.get_xydata()[0].tolist() == line.get_xydata()[0].tolist()
        assert ring.get_xydata()[0].tolist() == line.get_xydata()[-1].tolist()
        assert ring.get_markerfacecolor() == "none" and ring.get_ms() > small.get_ms()

    def test_words_are_a_table_of_numbers(self, walk, ax):
        table = walk[0].word_table(words=["x0", "x1"])
        plots.words(table, ax)
        assert texts(ax) == [f"{v:+z.2f}" for v in table.to_numpy().ravel()]
        assert [t.get_text() for t in ax.get_xticklabels()] == list(table.columns)

    def test_losses_show_every_history_and_the_optimum(self, walk, ax):
        history = walk[1]
        plots.losses({"joint": history}, ax, reference=0.5)
        assert legend(ax) == ["joint", "optimum"]
        assert np.allclose(ax.lines[0].get_ydata(), history.frame()["loss"])

    def test_a_schedule_looks_the_same_in_any_order(self, walk):
        _, history, *_ = walk
        for order in (["joint", "two_phase"], ["two_phase", "alternating", "joint"]):
            lines = plots.losses(dict.fromkeys(order, history)).lines
            found = {line.get_label(): (line.get_color(), line.get_marker()) for line in lines}
            assert found["joint"] == (plots.BLUE, "o") and found["two_phase"] == (
                plots.VERMILION,
                "s",
            )

    def test_draws_have_a_line_a_strategy_in_its_own_look(self, ax):
        scores = pd.DataFrame({"independent": [0.5, 0.6], "RAG": [0.7, 0.8]}, index=[3, 7])
        plots.draws(scores, ax)
        assert [line.get_color() for line in ax.lines] == [
            plots.PALETTE["independent"],
            plots.PALETTE["RAG"],
        ]
        assert list(ax.get_xticks()) == [3, 7]

    def test_a_lambda_path_is_drawn_from_small_to_large(self, walk, ax):
        data = walk[2]
        model = RAG(6, 3, 3, tasks=data.task_names)
        path = solve_path(model, data, [1.0, 0.01, 0.1], 0.01)
        plots.lambda_path(path, data.stacked(), ax, chosen=0.1)
        assert ax.lines[0].get_xdata().tolist() == pytest.approx([0.01, 0.1, 1.0])
        assert np.allclose(
            ax.lines[3].get_ydata(), path.accuracy(data.stacked()).mean(0)[[1, 2, 0]]
        )
        assert legend(ax) == [
            "task1",
            "task2",
            "task3",
            "mean",
        ] and "chosen on validation" in texts(ax)
        assert ax.texts[0].xy == (0.1, 0)  # at the bottom


class TestGraph:
    def test_a_line_for_every_route(self, ax):
        model = RAG(4, 2, 2, tasks=["films", "cars"], graph=[[1, 0], [0.5, -1]])
        assert plots.routing(model, ax) is ax
        routes = [line for line in ax.lines if line.get_color() == plots.BLUE]
        assert sorted(line.get_linestyle() for line in routes) == ["-", "-", "--"]
        assert len(ax.lines) == 3 + 2  # and two to W_s
        said = {"films", "cars", "A1", "A2", "0.5", "-1", "tasks", "adapters", "$W_s$"}
        assert said == set(texts(ax))

    def test_the_width_of_a_route_is_its_weight(self, ax):
        plots.routing(torch.tensor([[1.0, 0.5, -2.0]]), ax)
        routes = [line for line in ax.lines if line.get_color() == plots.BLUE]
        half, one, two = sorted(line.get_linewidth() for line in routes)
        assert (two - one) / (one - half) == pytest.approx(2) and half < 1.5

    def test_the_shared_weights_stand_above_the_adapters(self):
        for model in (RAG(4, 2, 2, tasks=2), RAG.full_sharing(4, 2, tasks=2)):
            drawn = {t.get_text(): t.get_position()[1] for t in plots.routing(model).texts}
            names = [*model.task_names, *model.adapter_names]
            inside = [drawn[name] for name in names]
            assert drawn["$W_s$"] > max(inside) if model.n_adapters else drawn["$W_s$"] == 0.5

    def test_independent_models_do_not_look_like_one_adapter_per_task(self):
        drawn = {}
        for model in (
            RAG(4, 2, 2, tasks=["films", "cars"]),
            RAG.independent(4, 2, tasks=["films", "cars"]),
        ):
            ax = plots.routing(model)
            grey = [line for line in ax.lines if line.get_color() != plots.BLUE]
            drawn[len(grey)] = set(texts(ax))
        assert "$W_s$" in drawn[2] and "$W_s = 0$" in drawn[0]

    def test_an_inactive_adapter_has_a_dotted_box(self, ax):
        model = RAG(4, 2, 2, tasks=["films", "cars"])
        model.deactivate("A2")
        plots.routing(model, ax)
        box = {
            t.get_text(): t.get_bbox_patch().get_linestyle() for t in ax.texts if t.get_bbox_patch()
        }
        assert box["A1"] in ("-", "solid") and box["A2"] in (":", "dotted")

    def test_no_adapters_is_said(self, ax):
        plots.routing(RAG.full_sharing(4, 2, tasks=["films", "cars"]), ax)
        assert "no adapters" in texts(ax) and len(ax.lines) == 2  # from each task to W_s

    def test_a_bare_matrix_will_do(self, ax):
        plots.routing(torch.eye(3), ax)
        assert {"task1", "A3"} <= set(texts(ax))

    def test_a_large_one_counts_its_tasks_and_adapters(self, ax):
        plots.routing(torch.ones(40, 1), ax)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("1 adapter", "40 tasks")


class TestNames:
    @pytest.mark.parametrize("name", ["_hidden", "$x$", "a_b$"])
    def test_a_name_is_never_a_formula_and_never_hidden(self, name, ax):
        table = means((10, 40), (name, "other"))
        plots.learning_curves(table, ax)
        ax.figure.canvas.draw()
        assert [t.replace(r"\$", "$") for t in legend(ax)] == [name, "other"]


class TestShow:
    def test_a_figure_needs_words(self, ax):
        for alt in ("", "short", None):
            with refused("alt text of at least 20 letters", repr(alt), "what one sees"):
                plots.show(ax, alt)

    def test_twenty_letters_are_words_enough(self, ax):
        plots.show(ax, "a line from 0 to one")
        assert not plt.fignum_exists(ax.figure.number)

    def test_picture_and_words_go_out_together(self, ax, monkeypatch):
        sent = []
        monkeypatch.setattr(
            "IPython.display.display", lambda data, **options: sent.append((data, options))
        )
        plots.show(ax, "A line that rises & falls <twice> in all.")
        (picture, options), (words, _) = sent
        assert options["metadata"]["image/png"]["alt"] == picture["text/plain"]
        assert "rises &amp; falls &lt;twice>" in words.data
        assert not plt.fignum_exists(ax.figure.number)


@pytest.mark.parametrize(
    "name",
    ["comparison", "differences", "learning_curves", "who_wins", "conflict", "words", "norms",
     "angles", "plane", "losses"],
)  # fmt: skip
@pytest.mark.parametrize("wrong", ["text", 3, None, pd.DataFrame(), pd.DataFrame({"a": [1]})])
def test_what_cannot_be_drawn_is_refused_before_a_figure_is_made(name, wrong):
    if name == "words" and isinstance(wrong, pd.DataFrame) and len(wrong):
        return  # any numbers will do
    before = plt.get_fignums()
    with pytest.raises(RagteachError, match="(?s)^Expected: .*(table|trajectory|histories).*Got: "):
        getattr(plots, name)(wrong)
    assert plt.get_fignums() == before


def test_an_ax_is_one_axes():
    table = pd.DataFrame({"part": [1.0]}, index=["word"])
    _, several = plt.subplots(1, 2)
    for wrong in (several, 3, "ax"):
        with pytest.raises(RagteachError, match="ax: one Axes of matplotlib"):
            plots.words(table, wrong)


def test_a_number_in_a_cell_is_read_on_any_colour(ax):
    from seaborn.utils import relative_luminance

    table = pd.DataFrame([np.linspace(-3.3, 3.3, 9)], columns=[f"part {i}" for i in range(9)])
    plots.words(table, ax)
    for text, colour in zip(ax.texts, ax.collections[0].get_facecolors(), strict=True):
        pair = sorted([relative_luminance(text.get_color()), relative_luminance(colour)])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5  # WCAG 2, AA


def test_names_stand_at_the_middle_of_their_cells(ax):
    table = pd.DataFrame([[1.0, -2.0], [0.5, 3.0]], columns=["a", "b"], index=["+", "-"])
    plots.words(table, ax)
    middles = [text.get_position() for text in ax.texts]
    assert sorted({x for x, _ in middles}) == ax.get_xticks().tolist()
    assert sorted({y for _, y in middles}) == ax.get_yticks().tolist()


def test_the_number_of_a_route_stands_on_its_line(ax):
    plots.routing(torch.tensor([[1.0, 0.5], [-2.0, 1.0]]), ax)
    routes = [line for line in ax.lines if line.get_color() == plots.BLUE]
    for said in ("0.5", "-2"):
        [x, y] = next(t.get_position() for t in ax.texts if t.get_text() == said)
        heights = [np.interp(x, *line.get_xydata().T) for line in routes]
        assert min(abs(y - height) for height in heights) < 1e-9
