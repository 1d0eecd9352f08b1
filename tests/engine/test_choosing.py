"""Candidates: the losses and models of `solve_path`, whether or not weights are made."""

import pytest
import torch
from problems import problem, same

import ragteach as rt
from ragteach.engine import choosing, gram
from ragteach.engine.choosing import Candidates
from ragteach.engine.optimum import solve_path

NAMES = ["task1", "task2", "task3"]
LAM, LAM_SHARED = [0.03, 0.5, 0.1], [0.2, 0.02, 0.1]
MODELS = {
    "one per task": dict(num_adapters=3),
    "mixed, one bias": dict(
        num_adapters=2, bias="shared", graph=torch.tensor([[1.0, 0.0], [1.0, 0.5], [0.0, -1.0]])
    ),
    "full sharing": dict(num_adapters=0, graph="all"),
    "bias frozen": dict(num_adapters=3, freeze=["bias"]),
    "shared frozen": dict(num_adapters=3, freeze=["shared"]),
}


def build(name="one per task", sizes=(5, 4, 6)):
    options = dict(MODELS[name])
    frozen = options.pop("freeze", [])
    model = rt.RAG(16, 3, tasks=NAMES, scale=0.5, seed=3, **options)
    torch.nn.init.normal_(model.bias, generator=torch.Generator().manual_seed(5))
    model.freeze(*frozen)
    return model, problem(sizes, 16, seed=2), problem((7, 2, 3), 16, seed=4).stacked()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kernel", [True, False])
def test_losses_and_models_are_those_of_the_path(name, kernel, monkeypatch):
    model, data, val = build(name)
    path = solve_path(model, data, LAM, LAM_SHARED, tol=1e-9)
    if not kernel:
        monkeypatch.setattr(gram, "GRAM_DOCS", 0)
    found = Candidates(model, data, val, LAM, LAM_SHARED, tol=1e-9)
    assert (found.space is not None) == kernel
    losses, best = found.losses(slice(1, 3))
    assert same(losses.double(), path.losses(val)[:, 1:].double(), 1e-5)
    for i in (0, 1):
        one, expected = best(i).state_dict(), path.model(1 + i).state_dict()
        assert all(same(one[name], expected[name], 1e-5) for name in expected)


def test_only_the_chosen_weights_are_made(monkeypatch):
    model, data, val = build()
    monkeypatch.setattr(choosing, "solve_path", None)
    made, original = [], choosing.replicas_of

    def watched(space, vectors):
        made.append(len(vectors))
        return original(space, vectors)

    monkeypatch.setattr(choosing, "replicas_of", watched)
    _, best = Candidates(model, data, val, LAM, LAM_SHARED).losses(slice(0, 3))
    assert made == []
    best(2)
    assert made == [1]


def test_a_document_that_stands_there_twice_is_no_matter():
    model, data, val = build()
    x, y = torch.cat([data.x, data.x]), torch.cat([data.y, (data.y + 1) % 3])
    data = rt.MultiTaskDataset(x, y, 3, data.task.repeat(2))
    path = solve_path(model, data, LAM, LAM_SHARED)
    losses, _ = Candidates(model, data, val, LAM, LAM_SHARED, tol=1e-6).losses(slice(0, 3))
    assert same(losses.double(), path.losses(val).double(), 1e-5)
