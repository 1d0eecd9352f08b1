"""Search: the best by validation, the same again with the same seed, and no look at anything
else.
"""

import os
import signal

import forks
import optuna
import pytest
import torch
from problems import refused, states_equal

from ragteach import MultiTaskDataset, RagteachError, evaluate, make_toy, split_frame
from ragteach.study.tuning import SPACE, build, search


@pytest.fixture(scope="module")
def data():
    train, val, test = split_frame(make_toy(relatedness=0.5, n_per_task=40, seed=0))
    train = MultiTaskDataset.from_frame(train)
    return [
        train,
        *(MultiTaskDataset.from_frame(f, train.vectorizer, train.task_names) for f in (val, test)),
    ]


@pytest.fixture(scope="module")
def found(data):
    return search(data[0], data[1], n_trials=12, epochs=20, progress=False, seed=3)


def test_the_model_is_the_best_trial_at_its_best_epoch(data, found):
    values = [t.value for t in found.study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    assert found.val_loss == min(values)
    assert evaluate(found.model, data[1])["loss"] == pytest.approx(found.val_loss, abs=1e-7)
    assert set(found.params) == set(SPACE)
    assert found.val_loss < torch.log(torch.tensor(3.0))  # better than guessing among three classes
    first = found.frame().iloc[0]
    assert first["value"] == found.val_loss
    assert len(found.frame()) == 12


def test_the_same_seed_gives_the_same_trials(data, found):
    again = search(data[0], data[1], n_trials=12, epochs=20, progress=False, seed=3)
    assert [t.params for t in again.study.trials] == [t.params for t in found.study.trials]
    assert [t.value for t in again.study.trials] == [t.value for t in found.study.trials]
    assert all(
        torch.equal(a, b)
        for a, b in zip(again.model.parameters(), found.model.parameters(), strict=True)
    )
    other = search(data[0], data[1], n_trials=2, epochs=2, progress=False, seed=4)
    assert other.study.trials[0].params != found.study.trials[0].params


def test_pruning_ends_hopeless_trials_early(data):
    """A crushing penalty cannot learn; after five normal trials it is given up before the end."""
    kind = {"rank": None, "graph": "one_per_task", "alpha": "equal", "lam_shared": 1e-3}
    first = search(
        data[0], data[1], n_trials=5, epochs=20, space=kind | {"lam": [1e-3]}, progress=False
    )
    hopeless = kind | {"lam": [1e-3], "lam_shared": 1e4}
    found = search(
        data[0], data[1], 1, hopeless, epochs=20, patience=None, progress=False, study=first.study
    )
    last = found.study.trials[-1]
    assert last.state == optuna.trial.TrialState.PRUNED
    assert 0 < len(last.intermediate_values) < 20
    assert found.params["lam_shared"] == 1e-3
    assert evaluate(found.model, data[1])["loss"] == pytest.approx(found.val_loss, abs=1e-7)


def test_a_space_of_your_own_is_kept_to(data):
    space = {
        "lam": (0.5, 0.6),
        "lam_shared": [0.1],
        "rank": [1, 2],
        "graph": "grouped",
        "alpha": "equal",
    }
    found = search(
        data[0], data[1], n_trials=4, space=space, epochs=3, progress=False, bias="shared"
    )
    for trial in found.study.trials:
        params = trial.user_attrs["params"]
        assert (
            0.5 <= params["lam"] <= 0.6 and params["lam_shared"] == 0.1 and params["rank"] in (1, 2)
        )
        assert params["graph"] == "grouped" and params["alpha"] == "equal"
    assert found.model.adapter_kind == "low_rank" and found.model.n_adapters == 2
    assert found.model.bias_kind == "shared"


@pytest.mark.parametrize("graph", SPACE["graph"])
@pytest.mark.parametrize("rank", [None, 2])
def test_every_choice_can_be_built(data, graph, rank):
    model = build(data[0], {"graph": graph, "rank": rank})
    assert model.task_names == data[0].task_names
    assert model.n_adapters == {"grouped": 2, "none": 0}.get(graph, 4)
    assert model.adapter_kind == ("low_rank" if rank and graph != "none" else "full")


def test_progress_bar_and_quiet_log(data, capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    level = optuna.logging.get_verbosity()
    search(data[0], data[1], n_trials=2, epochs=2, progress=True)
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert "Trial 0 finished" not in shown and "new study" not in shown
    assert optuna.logging.get_verbosity() == level
    monkeypatch.setenv("TQDM_DISABLE", "1")
    search(data[0], data[1], n_trials=2, epochs=2, progress=True)
    assert capsys.readouterr().err == ""


def test_ctrl_c_keeps_what_was_found(data):
    class Impatient:
        epochs = 0

        def on_epoch(self, model, epoch, record):
            self.epochs += 1
            if self.epochs == 8:
                os.kill(os.getpid(), signal.SIGINT)

    found = search(data[0], data[1], n_trials=50, epochs=5, progress=False, callbacks=[Impatient()])
    assert len(found.study.trials) == 2
    assert found.study.trials[-1].state == optuna.trial.TrialState.PRUNED


def test_a_study_that_looks_for_the_worst_is_refused(data):
    study = optuna.create_study(direction="maximize")
    with pytest.raises(RagteachError, match='direction="minimize".*\nGot: direction = maximize'):
        search(data[0], data[1], n_trials=1, epochs=1, progress=False, study=study)
    assert not study.trials


@pytest.mark.parametrize("other", [{"rank": [None, 1]}, {"lam": (0.1, 0.2)}, {"graph": "none"}])
def test_a_study_of_another_space_is_refused(data, other):
    first = search(data[0], data[1], n_trials=1, epochs=1, progress=False)
    with pytest.raises(
        RagteachError, match=f"looked in this space\nGot: {next(iter(other))} among"
    ):
        search(data[0], data[1], 1, other, epochs=1, progress=False, study=first.study)
    assert len(first.study.trials) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"space": {"lammda": (1, 2)}},
            "parameter to be one of 'lam', 'lam_shared', 'rank', 'graph', 'alpha'",
        ),
        ({"space": {"lam": (1, 0.1)}}, r"lam as a pair \(low, high\) with 0 < low < high"),
        (
            {"space": {"rank": (1, 4)}},
            r"rank as a pair .*\nGot: \(1, 4\)\nWhat to do: use a list of choices",
        ),
        ({"space": {"graph": []}}, "choices for graph\nGot: an empty list"),
        ({"n_trials": 0}, "n_trials to be a whole number >= 1"),
        ({"epochs": 0}, "epochs to be a whole number >= 1"),
        ({"timeout": 0.0, "n_trials": 1}, "at least one finished trial"),
    ],
)
def test_refusals(data, options, message):
    with pytest.raises(RagteachError, match=message):
        search(data[0], data[1], **({"epochs": 1, "progress": False} | options))


def test_a_table_to_choose_by_needs_the_words_of_training(data):
    with refused("train to be a dataset of texts, as val is one", "TaskTensors", "both alike"):
        search(data[0].stacked(), make_toy(n_per_task=10), 1, epochs=1, progress=False)


OPTIONS = {"n_trials": 9, "epochs": 12, "progress": False, "seed": 3}


def table(found):
    return [(t.number, t.state, t.params, t.value, t.intermediate_values)
            for t in found.study.trials]  # fmt: skip


class StopAt:
    """Ctrl-C in the given epoch of all trials together."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch(self, model, epoch, record):
        self.epoch -= 1
        if self.epoch == 0:
            os.kill(os.getpid(), signal.SIGINT)


def kept_in(folder):
    return len(list((folder / "trials").iterdir()))


def test_a_search_that_was_stopped_goes_on_to_the_same_table(data, tmp_path, capsys):
    train, val, _ = data
    expected = search(train, val, **OPTIONS)
    stopped = search(train, val, out=tmp_path, callbacks=[StopAt(45)], **OPTIONS)
    done = kept_in(tmp_path)
    assert 2 <= done < 8 and len(stopped.study.trials) == done + 1
    words = stopped.stopped.split("\n")
    assert words[0] == "Expected: to finish 9 trials" and "resume=True" in words[2]
    assert words[1] == (
        f"Got: Ctrl-C; {done} of 9 trials are finished and kept in {tmp_path / 'trials'}"
    )
    assert capsys.readouterr().err.strip() == stopped.stopped

    class Counted:
        n = 0

        def on_epoch(self, model, epoch, record):
            self.n += epoch == 1

    counted = Counted()
    resumed = search(train, val, out=tmp_path, resume=True, callbacks=[counted], **OPTIONS)
    trained = counted.n  # those that were pruned at once are not counted
    assert 0 < trained <= 9 - done and kept_in(tmp_path) == 9
    assert table(resumed) == table(expected) and resumed.stopped == "finished"
    assert resumed.val_loss == expected.val_loss and resumed.params == expected.params
    assert states_equal(resumed.model, expected.model)
    again = search(train, val, out=tmp_path, resume=True, callbacks=[counted], **OPTIONS)
    assert counted.n == trained and table(again) == table(expected)
    assert states_equal(again.model, expected.model)


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"epochs": 3}, {"space": {"rank": None}}, {"bias": "shared"}]
)
def test_trials_of_another_search_are_never_taken(data, tmp_path, change):
    options = OPTIONS | {"n_trials": 2, "epochs": 2}
    search(*data[:2], out=tmp_path, **options)
    resumed = search(*data[:2], out=tmp_path, resume=True, **(options | change))
    assert kept_in(tmp_path) == 4
    assert table(resumed) == table(search(*data[:2], **(options | change)))


def test_more_trials_later_are_those_of_one_long_search(data, tmp_path):
    options = OPTIONS | {"epochs": 3}
    search(*data[:2], out=tmp_path, **(options | {"n_trials": 4}))
    assert table(search(*data[:2], out=tmp_path, resume=True, **options)) == table(
        search(*data[:2], **options)
    )


def test_a_killed_search_goes_on(data, tmp_path):
    code = (
        "import os, signal, sys, torch, ragteach as rt\n"
        "class Dies:\n"
        "    n = 0\n"
        "    def on_epoch(self, model, epoch, record):\n"
        "        Dies.n += 1\n"
        "        if Dies.n == 7: os.kill(os.getpid(), signal.SIGKILL)\n"
        "data = rt.MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ['a', 'a', 'b', 'b'])\n"
        "rt.search(data, data, 4, epochs=3, progress=False, callbacks=[Dies()], out=sys.argv[1])\n"
    )
    assert forks.python(code, tmp_path).returncode == -signal.SIGKILL
    assert kept_in(tmp_path) == 2
    small = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
    options = {"epochs": 3, "progress": False}
    resumed = search(small, small, 4, out=tmp_path, resume=True, **options)
    assert table(resumed) == table(search(small, small, 4, **options)) and kept_in(tmp_path) == 4


def test_a_full_disk_and_a_folder_that_is_none(data, tmp_path, monkeypatch):
    from ragteach.study import kept

    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", "/proc/nowhere"):
        with refused("a folder to write to", str(place), "another folder"):
            search(*data[:2], out=place, **OPTIONS)
    with refused("a folder to go on from", "without out"):
        search(*data[:2], resume=True, **OPTIONS)
    with refused("out, or a study of your own", "both", "storage"):
        search(*data[:2], study=optuna.create_study(), out=tmp_path, **OPTIONS)
    original = kept.write

    def nearly_full(path, data):
        if "trial2" in path.name:
            raise OSError(28, "No space left on device")
        return original(path, data)

    monkeypatch.setattr(kept, "write", nearly_full)
    options = OPTIONS | {"epochs": 2, "n_trials": 4}
    with refused("room to keep the finished trials", "2 of 4 trials are finished", "resume=True"):
        search(*data[:2], out=tmp_path, **options)
    monkeypatch.undo()
    resumed = search(*data[:2], out=tmp_path, resume=True, **options)
    assert table(resumed) == table(search(*data[:2], **options))


def test_several_processes_give_the_same_every_time(data, tmp_path):
    options = OPTIONS | {"epochs": 2, "n_trials": 4, "n_jobs": 2}
    first = search(*data[:2], out=tmp_path, **options)
    assert len(first.study.trials) == 4 and kept_in(tmp_path) == 4
    again = search(*data[:2], out=tmp_path, resume=True, **options)
    assert table(again) == table(first) and states_equal(again.model, first.model)
