"""The benchmark runs, writes what it promises, and its contenders train the same model."""

import json
import re
import sys

import pandas as pd
import pytest
import torch

import ragteach as rt
from ragteach.trainer import epoch_batches

COLUMNS = "case contender threads reps median_s min_s max_s ratio_to_ours ratio_to_floor".split()


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, which live outside the package."""
    from pathlib import Path

    folder = str(Path(__file__).parents[1] / "bench")
    sys.path.insert(0, folder)
    yield folder
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def quick(bench, tmp_path_factory):
    import bench_engine

    out = tmp_path_factory.mktemp("bench")
    bench_engine.main(["--quick", "--reps", "3", "--threads", "1", "--out", str(out)])
    return out


def test_the_tables_have_the_promised_columns_cases_and_contenders(quick):
    table = pd.read_csv(quick / "engine.csv")
    assert list(table.columns) == COLUMNS
    assert set(table["case"]) == {"grid180", "single", "epoch", "solve", "path25", "merged"}
    for case, part in table.groupby("case"):
        assert "ragteach" in set(part["contender"]), case
        assert (part["min_s"] <= part["median_s"]).all() and (
            part["median_s"] <= part["max_s"]
        ).all()
        ours = part[part["contender"] == "ragteach"]
        assert ours["ratio_to_ours"].item() == pytest.approx(1.0)
    assert {"dataloader_loop", "plain_loop"} <= set(table[table["case"] == "epoch"]["contender"])
    assert {"sklearn"} <= set(table[table["case"] == "solve"]["contender"])
    assert {"linear"} <= set(table[table["case"] == "merged"]["contender"])
    growth = pd.read_csv(quick / "growth.csv")
    assert set(growth["axis"]) == {"tasks", "adapters", "features", "replicas"}
    assert (quick / "engine.png").stat().st_size > 10_000 and (
        quick / "growth.png"
    ).stat().st_size > 10_000


def test_what_teachers_read_of_memory_follows_from_the_numbers_that_were_measured(bench):
    """The arithmetic once said 404 MB where the table beside it had been measured anew."""
    import class_memory

    page = class_memory.on_the_page()
    rows = re.findall(r"\| (\w+)[^|]*\| (\d+) MB \| (\d+) MB \|", page)
    names = dict(zip(("started", "slider", "lesson"), rows, strict=True))
    found = {f"{name} own": float(row[1]) for name, row in names.items()}
    found |= {f"{name} files": float(row[2]) for name, row in names.items()}
    found["seconds"] = float(re.search(r"takes ([\d.]+) seconds of CPU", page)[1])
    for name, start in {"the compiler": "compiler, ", "scikit-learn": "row "}.items():
        found[name] = float(re.search(rf"{start}(\d+) MB", page)[1])
    assert class_memory.told(found, re.search(r"Python ([\d.]+)", page)[1]) == page
    assert found["started own"] < found["slider own"] < found["lesson own"] < 350


@pytest.mark.timing
def test_many_runs_at_once_cost_far_less_than_the_loop(bench, tmp_path):
    import bench_engine

    arguments = ["--quick", "--reps", "3", "--threads", "1", "--only", "grid180"]
    table = bench_engine.main([*arguments, "--out", str(tmp_path)])
    ratio = table.set_index("contender")["ratio_to_ours"]
    assert ratio["article_loop"] > 8  # 18 runs at once; the real case has 180


def test_chunks_bound_the_memory_and_change_nothing(quick):
    report = json.loads((quick / "memory.json").read_text())
    assert report["largest_difference"] < 1e-6
    peak = report["peaks"][0]["peak_mb"]
    # start, chunks and their joint result hold the weights; the budget is the rest
    if peak is not None:
        assert peak < 4 * report["weights_mb"] + 4 * report["peaks"][0]["budget_mb"] + 16


def weights_of(net):
    return torch.stack([net.shared.weight, *(a.weight for a in net.adapters)])


def weights_of_rag(model):
    return torch.cat([model.shared[None], model.adapter_weights()])


def test_every_loop_ends_in_the_weights_of_fit(bench):
    from contenders import BatchLoader, article_loop, plain_loop, problem, torchjd_loop

    def rag(data):
        return rt.RAG(data.n_features, 3, data.n_tasks, tasks=data.task_names)

    data = problem(4, 60, 50)
    ours = rag(data)
    rt.fit(ours, data, epochs=30, lr=0.05, lam=0.01, lam_shared=0.0, progress=False)
    theirs = article_loop(rag(data), data, 30, lr=0.05, lam=0.01)
    torch.testing.assert_close(weights_of(theirs), weights_of_rag(ours), rtol=0, atol=1e-5)

    data = problem(4, 200, 50)
    ours = rag(data)
    sgd = {"optimizer": torch.optim.SGD, "lr": 0.5}
    free = {"lam": 0.0, "lam_shared": 0.0}
    rt.fit(ours, data, epochs=1, batch_size=64, progress=False, **free, **sgd)
    batches = epoch_batches(data, 64, torch.Generator().manual_seed(0))
    for net in (
        plain_loop(rag(data), data, batches, **sgd),
        plain_loop(rag(data), data, BatchLoader(data, batches), **sgd),
        torchjd_loop(rag(data), data, batches, **sgd),
    ):
        torch.testing.assert_close(weights_of(net), weights_of_rag(ours), rtol=0, atol=1e-6)


def test_scikit_learn_solves_the_same_problem(bench):
    from contenders import problem, sklearn_solve

    data = problem(4, 60, 50)
    model = rt.RAG(50, 3, 4, tasks=data.task_names, bias="shared")
    objective = rt.solve(model, data, lam=0.01, lam_shared=0.01).objective
    clf = sklearn_solve(data, 0.01)
    blocks = torch.from_numpy(clf.coef_).view(3, 5, 50).transpose(0, 1)
    with torch.no_grad():
        model.shared.copy_(blocks[0])
        for k, adapter in enumerate(model.adapters.values()):
            adapter.full.copy_(blocks[k + 1])
        model.bias.copy_(torch.from_numpy(clf.intercept_)[None])
    criterion = rt.MultiTaskLoss(lam=0.01, lam_shared=0.01)
    criterion.set_sizes(data.sizes)
    assert criterion.stacked(model, data).item() == pytest.approx(objective, rel=1e-5)
