"""What is taken from an earlier run is what would have been computed, bit by bit."""

import numpy as np
import once
import pytest
import torch
from forks import python

import ragteach as rt
from ragteach.data.frames import any_frame
from ragteach.engine import optimum
from ragteach.study import own_classes
from ragteach.study.strategies import Strategy, pairs, rag

DATA = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=20))


def model(**options):
    return rt.RAG(DATA.n_features, 3, 4, tasks=DATA.task_names, **options)


def solved(lam=0.01, **options):
    return rt.solve_path(model(**options), DATA, [lam, 0.1], 0.01)


def trained(lam=0.01, **options):
    return rt.train_many(model(), DATA, [lam, 0.1], 0.01, seeds=[0, 1], record_every=20, **options)


def same(a, b):
    assert once.bare(a).keys() == once.bare(b).keys()
    for name, value in once.bare(a).items():
        other = getattr(b, name)
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other), name
    for ours, theirs in zip(a.history, b.history, strict=True):
        assert ours[0] == theirs[0] and all(map(torch.equal, ours[1:], theirs[1:]))


@pytest.fixture
def everything_kept(monkeypatch):
    monkeypatch.setattr(once, "QUICK", 0.0)


@pytest.mark.parametrize("compute", [solved, trained])
def test_the_second_run_has_the_first_one_s_numbers(compute, tmp_path, everything_kept):
    plainly = compute()
    with once.kept_in(tmp_path / "once") as first:
        same(compute(), plainly)
        assert first.saved == 0.0
    with once.kept_in(tmp_path / "once") as second:
        again = compute()
        assert second.saved > 0.0
    same(again, plainly)
    assert torch.equal(again.model(1).merge(0).weight, plainly.model(1).merge(0).weight)
    assert len(list((tmp_path / "once").iterdir())) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda: solved(lam=0.02),
        lambda: solved(graph="all"),
        lambda: solved(bias="shared"),
        lambda: trained(lam=0.02),
        lambda: trained(steps=201),
        lambda: trained(lr=0.06),
        lambda: trained(alpha=[4, 1, 1, 1]),
        lambda: trained(train="adapters"),
    ],
)
def test_other_arguments_are_another_result(other, tmp_path, everything_kept):
    with once.kept_in(tmp_path / "once") as kept:
        solved()
        trained()
        other()
        assert kept.saved == 0.0


def test_every_strategy_of_a_table_is_kept_by_itself(tmp_path, everything_kept):
    def table(*strategies):
        found = rt.compare("toy", 2, 10, strategies, progress=False, relatedness=0.5)
        return found.drop(columns="seconds")

    plainly = table("RAG", "full sharing", "majority class")
    with once.kept_in(tmp_path / "once") as kept:
        table("full sharing")
        assert kept.saved == 0.0
        assert table("RAG", "full sharing", "majority class").equals(plainly)
        assert kept.saved > 0.0
        assert len(list((tmp_path / "once").iterdir())) == 2 * 3


def test_a_strategy_of_one_s_own_is_computed(tmp_path, everything_kept):
    ours = Strategy("RAG", rag, pairs([0.1, 1.0], [0.1]))
    with once.kept_in(tmp_path / "once") as kept:
        for _ in range(2):
            rt.compare("toy", 1, 10, ours, progress=False)
    assert kept.saved == 0.0


def test_an_optimiser_of_one_s_own_is_used(tmp_path, everything_kept):
    asked = []

    def optimizer(parameters, lr):
        asked.append(lr)
        return torch.optim.SGD(parameters, lr=lr)

    with once.kept_in(tmp_path / "once"):
        for _ in range(2):
            trained(optimizer=optimizer)
    assert len(asked) >= 2


def test_what_is_quick_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(once, "QUICK", 1e6)
    with once.kept_in(tmp_path / "once"):
        solved()
    assert not list((tmp_path / "once").iterdir())


def test_other_processes_share_it_and_afterwards_all_is_as_before(tmp_path, everything_kept):
    plainly = optimum.minimise
    with once.kept_in(tmp_path / "once"):
        solved()
        assert optimum.minimise is not plainly
    assert optimum.minimise is plainly
    digest = once.digest("words", np.arange(3), torch.ones(2), DATA.stacked(), {"b", "a", "c"})
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy as np, once, torch\n"
        "import ragteach as rt\n"
        "data = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=20)).stacked()\n"
        "print(once.digest('words', np.arange(3), torch.ones(2), data, {'c', 'a', 'b'}))\n"
    )
    done = python(program, str(once.__file__).rpartition("/")[0])
    assert done.stdout.strip() == digest, done.stderr


def test_heads_that_were_trained_before_are_found_again(tmp_path, monkeypatch, everything_kept):
    monkeypatch.setattr(own_classes, "EPOCHS", 2)
    table = {"text": ["good", "bad", "dear", "cheap"], "label": list("+-<>"), "task": list("mmpp")}
    frame = any_frame(table)
    parts = own_classes.HeadParts([frame] * 3, own_classes.own_names(frame))
    strategies = [own_classes.OWN[name] for name in ("full sharing", "independent")]
    plainly = [own_classes.best_heads(strategy, parts) for strategy in strategies]
    for saved in (False, True):
        with once.kept_in(tmp_path / "once") as kept:
            again = [own_classes.best_heads(strategy, parts) for strategy in strategies]
            assert (kept.saved > 0) == saved
        for mine, theirs in zip(again, plainly, strict=True):
            assert mine.losses.tolist() == theirs.losses.tolist()
            state = theirs.model.state_dict()
            for name, value in mine.model.state_dict().items():
                assert torch.equal(value, state[name])
