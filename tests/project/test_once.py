"""What is taken from an earlier run is what would have been computed, bit by bit."""

import warnings

import numpy as np
import once
import pytest
import torch
from forks import python
from problems import states_equal

import ragteach as rt
from ragteach.data.features import UnknownWordsWarning
from ragteach.data.frames import any_frame
from ragteach.engine import optimum
from ragteach.labs.ridge import choose_ridge
from ragteach.labs.tastes import choose_tastes
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


def fitted(net=None, data=DATA, **options):
    """(the model, its history) after a short training."""
    net = model(seed=1) if net is None else net
    with warnings.catch_warnings():  # of a loss that is no number
        warnings.simplefilter("ignore")
        return net, rt.fit(net, data, progress=False, **{"epochs": 3} | options)


def frozen():
    net = model(seed=1)
    net.freeze("shared")
    return net


class Watches:
    def on_epoch(self, model, epoch, record):
        pass


class Doubled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.out(2 * x)


class Tripled(Doubled):
    def forward(self, x):
        return self.out(3 * x)


def in_a_network(kind=Doubled, **options):
    torch.manual_seed(0)
    net = rt.DeepRAG(kind(), tasks=2, rank=1, seed=0)
    x, task = torch.randn(12, 4), torch.arange(12) % 2
    return fitted(net, [(x, (x[:, 0] > 0).long(), task)], **options)


@pytest.mark.parametrize("train", [fitted, in_a_network])
def test_a_model_that_was_fitted_before_is_as_it_would_be(train, tmp_path, everything_kept):
    net, history = train()
    for saved in (False, True):
        with once.kept_in(tmp_path / "once") as kept:
            again, told = train()
            assert (kept.saved > 0) == saved
        assert told.records == history.records and told.stopped == history.stopped
        assert states_equal(again, net)
        for ours, theirs in zip(again.parameters(), net.parameters(), strict=True):
            assert ours.requires_grad == theirs.requires_grad
            assert (ours.grad is None) == (theirs.grad is None)
            assert ours.grad is None or torch.equal(ours.grad, theirs.grad)
        assert vars(again).keys() == vars(net).keys()


def test_a_training_that_was_found_goes_on_as_one_that_was_computed(tmp_path, everything_kept):
    net, history = fitted()
    with once.kept_in(tmp_path / "once"):
        fitted()
        again, told = fitted()
    straight, later = fitted(net, epochs=5, resume=history), fitted(again, epochs=5, resume=told)
    assert straight[1].records == later[1].records
    assert states_equal(net, again)


@pytest.mark.parametrize(
    "other",
    [
        lambda: fitted(lr=0.06),
        lambda: fitted(schedule="two_phase"),
        lambda: fitted(val=DATA),
        lambda: fitted(model(seed=2)),
        lambda: fitted(model(seed=1, graph="all")),
        lambda: fitted(frozen()),
        lambda: fitted(optimizer=torch.optim.SGD),
        lambda: fitted(optimizer=lambda p, lr: torch.optim.Adam(p, lr=lr)),
        lambda: fitted(callbacks=[Watches()]),
        lambda: fitted(criterion=rt.MultiTaskLoss()),
        lambda: fitted(lr=1e30, optimizer=torch.optim.SGD, epochs=20),
        lambda: in_a_network(Tripled),
    ],
)
def test_another_training_is_computed(other, tmp_path, everything_kept):
    plainly, _ = other()
    with once.kept_in(tmp_path / "once") as kept:
        fitted()
        in_a_network()
        assert states_equal(other()[0], plainly)
        assert kept.saved == 0.0


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


def mine(data):
    return rag(data)


def test_a_strategy_of_one_s_own_is_computed(tmp_path, everything_kept):
    """Or kept by its penalties, if nothing else of it is one's own."""
    made = [
        Strategy("mine", mine, pairs([0.1, 1.0], [0.1])),
        Strategy("mine", lambda data: rag(data), pairs([0.1, 1.0], [0.1])),
        Strategy("mine", rag, pairs([0.1, 1.0], [0.1])),
        Strategy("mine", rag, pairs([0.01, 1.0], [0.1])),
        Strategy("mine", rag, pairs([0.1, 1.0], [0.1]), features=lambda data: data.vectorizer),
        Strategy("mine", rag, pairs([0.1, 1.0], [0.1])),
    ]
    with once.kept_in(tmp_path / "once") as kept:
        for ours in made:
            assert kept.saved == 0.0
            rt.compare("toy", 1, 10, ours, progress=False)
        assert kept.saved > 0.0


MANY = list(rt.make_toy(n_per_task=60)["text"])


def bags(texts, again=()):
    """A new vectoriser's words and features, and what it makes of more texts."""
    data = rt.MultiTaskDataset(texts, [0] * len(texts), 2)
    more = [rt.MultiTaskDataset(t, [0] * len(t), 2, vectorizer=data.vectorizer) for t in again]
    names = [data.vectorizer.get_feature_names_out().tolist(), data.vectorizer.idf_.tolist()]
    return [*names, *(part.x.tolist() for part in (data, *more))]


def test_texts_are_read_once(tmp_path):
    plainly = bags(MANY, [MANY[::-1], MANY[:50]])
    for saved in (False, True):
        with once.kept_in(tmp_path / "once") as kept:
            assert bags(MANY, [MANY[::-1], MANY[:50]]) == plainly
            assert (kept.saved > 0) == saved


def test_other_texts_or_a_vectoriser_of_one_s_own_are_read(tmp_path):
    with once.kept_in(tmp_path / "once") as kept:
        data = rt.MultiTaskDataset(MANY, [0] * len(MANY), 2)
        bags(MANY[1:])
        own = rt.make_vectorizer("bow").fit(MANY)
        for _ in range(2):
            rt.MultiTaskDataset(MANY, [0] * len(MANY), 2, vectorizer=own)
        data.vectorizer.fit(MANY[:100])  # another one now
        rt.MultiTaskDataset(MANY, [0] * len(MANY), 2, vectorizer=data.vectorizer)
        assert kept.saved == 0.0


def test_what_reading_says_is_said_each_time(tmp_path, capsys):
    strange = ["qqq www"] * 300
    for _ in range(2):
        with once.kept_in(tmp_path / "once"):
            data = rt.MultiTaskDataset(MANY, [0] * len(MANY), 2)
            with pytest.warns(UnknownWordsWarning, match="300 of 300"):
                rt.MultiTaskDataset(strange, [0] * 300, 2, vectorizer=data.vectorizer)
            rt.MultiTaskDataset(["\u6620\u753b\u304c\u597d\u304d"] * 300, [0] * 300, 2)
            assert "letters" in capsys.readouterr().out


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
    fit = rt.fit
    with once.kept_in(tmp_path / "once"):
        solved()
        assert optimum.minimise is not plainly and rt.fit is not fit
    assert optimum.minimise is plainly and rt.fit is fit
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


def headed(seed=0, **options):
    """(the model, its records) after a short training of two heads."""
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    data = {"kind": (x, np.arange(20) % 3), "size": (x, x[:, 0])}
    heads = {"kind": rt.Classification(3), "size": rt.Regression()}
    net = rt.MultiHead(4, heads, n_hidden=3, seed=seed)
    return net, rt.fit_heads(net, data, **{"epochs": 5, "progress": False} | options)


def test_heads_that_were_fitted_before_are_as_they_would_be(tmp_path, everything_kept):
    net, records = headed()
    for saved in (False, True):
        with once.kept_in(tmp_path / "once") as kept:
            again, told = headed()
            assert (kept.saved > 0) == saved
        assert told == records and states_equal(again, net)
        x = torch.ones(2, 4)
        assert all(torch.equal(again(x, task), net(x, task)) for task in ("kind", "size"))


def test_other_heads_are_fitted(tmp_path, everything_kept):
    others = [{"seed": 1}, {"epochs": 6}, {"lam": 0.1}, {"lr": 0.1}, {"callbacks": [Watches()]}]
    with once.kept_in(tmp_path / "once") as kept:
        headed()
        for other in others:
            headed(**other)
        assert kept.saved == 0.0


RNG = np.random.default_rng(1)
SEEN = {task: (RNG.normal(size=(30, 4)), RNG.integers(0, 3, 30)) for task in "ab"}
LATER = {task: (RNG.normal(size=(20, 4)), RNG.integers(0, 3, 20)) for task in "ab"}


@pytest.mark.parametrize("choose", [choose_ridge, choose_tastes])
def test_penalties_that_were_chosen_before_are_found_again(choose, tmp_path, everything_kept):
    plainly = choose(SEEN, LATER)
    assert (choose(LATER, SEEN).lam, choose(LATER, SEEN).lam_shared) != (
        plainly.lam,
        plainly.lam_shared,
    )
    with once.kept_in(tmp_path / "once") as kept:
        choose(SEEN, LATER)
        choose(SEEN, SEEN)  # other validation
        choose(LATER, LATER)  # other training
        choose(SEEN, LATER, "independent")
        choose(SEEN, LATER, [(1.0, 1.0), (2.0, 1.0)])
        assert kept.saved == 0.0
        again = choose(SEEN, LATER)
        assert kept.saved > 0.0
    assert (again.lam, again.lam_shared) == (plainly.lam, plainly.lam_shared)
    assert np.array_equal(again.weights, plainly.weights)


def test_another_graph_has_other_penalties(tmp_path, everything_kept):
    with once.kept_in(tmp_path / "once") as kept:
        choose_ridge(SEEN, LATER)
        choose_ridge(SEEN, LATER, graph=np.ones((2, 1)))
        assert kept.saved == 0.0
