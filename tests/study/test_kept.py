"""Nothing is lost: draws are on disk as they finish, and a run that was stopped goes on, bit-equal."""

import hashlib
import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import forks
import joblib
import numpy as np
import pandas as pd
import pytest
from problems import refused

from ragteach import RAG, RagteachError, compare, make_toy, who_wins_map
from ragteach.study import experiment, running
from ragteach.study.commands import after_the_draws
from ragteach.study.draws import draw
from ragteach.study.kept import FORMAT, Job, Kept, Stopped, described
from ragteach.study.strategies import REGISTRY, Strategy, chosen_strategies, pairs

OPTIONS = {"n_per_task": 6, "strategies": ["full sharing", "majority class"], "progress": False}


def run(seeds=4, **options):
    return compare("toy", seeds, **(OPTIONS | options))


def same(a, b):
    pd.testing.assert_frame_equal(
        a.drop(columns="seconds"), b.drop(columns="seconds"), check_exact=True
    )


def files(out):
    return sorted(path.name for path in (out / "draws").iterdir())


@pytest.fixture(scope="module")
def whole():
    return run()


@pytest.fixture
def counted(monkeypatch):
    """How many draws are computed in this process."""
    seen, original = [], experiment._one_draw

    def watch(job, **options):
        seen.append(job.seed)
        return original(job, **options)

    monkeypatch.setattr(experiment, "_one_draw", watch)
    return seen


def test_a_finished_draw_is_one_file_and_is_not_computed_again(tmp_path, whole, counted):
    same(run(2, out=tmp_path), whole[whole["seed"] < 2].reset_index(drop=True))
    assert len(files(tmp_path)) == 2 and counted == [0, 1]
    same(run(out=tmp_path, resume=True), whole)
    assert counted == [0, 1, 2, 3] and len(files(tmp_path)) == 4
    run(2, out=tmp_path)  # without resume all is computed anew
    assert counted == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize(
    "change",
    [{"n_per_task": 7}, {"strategies": "full sharing"}, {"relatedness": 0.2}, {"noise": 0.1}],
)
def test_draws_of_other_settings_are_never_taken(tmp_path, counted, change):
    run(1, out=tmp_path)
    resumed = run(1, out=tmp_path, resume=True, **change)
    assert counted == [0, 0] and len(files(tmp_path)) == 2
    same(resumed, run(1, **change))


def test_other_rows_of_your_own_are_other_data(tmp_path, counted):
    frame = make_toy(n_per_task=20)
    options = OPTIONS | {"out": tmp_path, "resume": True}
    compare(frame, 1, **options)
    compare(frame.iloc[::-1], 1, **options)
    compare(frame, 1, **options)
    assert counted == [0, 0]


def alike(n=60):
    """A table in which every other text has a near twin; two tasks, three labels."""
    rng = np.random.default_rng(5)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(400)]
    texts = [" ".join(rng.choice(words, 8)) for _ in range(n)]
    texts[1::2] = [f"{text} {words[i]}" for i, text in enumerate(texts[::2])]
    return pd.DataFrame(
        {"text": texts, "label": rng.integers(0, 3, n), "task": np.repeat(["a", "b"], n // 2)}
    )


@pytest.mark.parametrize("noted", [{"fresh": True}, {"analyzer": "char"}])
def test_what_a_frame_notes_about_its_rows_decides_whose_draws_are_taken(tmp_path, counted, noted):
    other = alike()
    other.attrs = noted
    options = OPTIONS | {"n_per_task": 12, "out": tmp_path, "resume": True}
    compare(alike(), 1, **options)
    resumed = compare(other, 1, **options)
    assert counted == [0, 0]
    same(resumed, compare(other, 1, **options | {"out": None, "resume": False}))


def test_draws_that_fall_otherwise_have_another_format():
    """Where this fails, old kept draws are not those of now: count FORMAT up, then note its own."""
    frame = alike().reset_index(names="row")
    frame["row"] = frame.index
    found = [draw(name, frame, 12, seed) for name in ("own", "human") for seed in (0, 1)]
    rows = [part["row"].tolist() for parts in found for part in parts]
    noted = {3: "037f1e24f511"}
    assert noted[FORMAT] == hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]


def test_a_strategy_with_other_tries_or_other_code_is_another():
    def first(data):
        return REGISTRY["RAG"].builder(data)

    def second(data):
        return REGISTRY["independent"].builder(data)

    kinds = [
        Strategy("ours", first, pairs([0.1], [0.1])),
        Strategy("ours", first, pairs([0.2], [0.1])),
        Strategy("ours", second, pairs([0.1], [0.1])),
    ]
    texts = {json.dumps(described(None, [kind])) for kind in kinds}
    assert len(texts) == 3


def test_what_a_builder_leans_on_decides_whose_draws_are_taken(tmp_path, counted):
    """The same code, closed over another number of groups, is another strategy."""

    def strategy(per_task):
        def build(data):
            shape = data.n_features, data.n_classes, 4
            return RAG(
                *shape, tasks=data.task_names, per_task=per_task, graph="random", init="zero"
            )

        return Strategy("ours", build, pairs([0.1], [0.1]))

    options = OPTIONS | {"out": tmp_path, "resume": True}
    one, two = (run(1, **options | {"strategies": [strategy(k)]}) for k in (1, 2))
    assert counted == [0, 0]
    assert not one["value"].equals(two["value"])
    same(run(1, **options | {"strategies": [strategy(1)]}), one)
    assert counted == [0, 0]


def test_other_names_of_the_classes_are_other_data():
    frame = make_toy(n_per_task=5)
    other = frame.copy()
    other.attrs = frame.attrs | {"label_names": [*frame.attrs["label_names"], "unsure"]}
    assert described(frame, []) != described(other, [])


def test_the_map_goes_on_too(tmp_path, monkeypatch):
    options = {"n_per_task": (5, 6), "seeds": 2, "progress": False}
    expected = who_wins_map((0.0, 1.0), **options)
    assert list(expected["relatedness"].unique()) == [0.0, 1.0]
    stop_at(monkeypatch, 5)
    with pytest.raises(Stopped, match="4 of 8 draws are finished"):
        who_wins_map((0.0, 1.0), **options, out=tmp_path)
    monkeypatch.undo()
    same(who_wins_map((0.0, 1.0), **options, out=tmp_path, resume=True), expected)


def stop_at(monkeypatch, turn, error=KeyboardInterrupt):
    calls, original = [], experiment._one_draw

    def impatient(job, **options):
        calls.append(job)
        if len(calls) == turn:
            raise error
        return original(job, **options)

    monkeypatch.setattr(experiment, "_one_draw", impatient)


def test_ctrl_c_says_what_is_kept_and_hands_it_over(tmp_path, whole, monkeypatch):
    stop_at(monkeypatch, 3)
    with pytest.raises(Stopped) as stopped:
        run(out=tmp_path)
    expected, got, fix = str(stopped.value).split("\n")
    assert expected.startswith("Expected: ") and fix.endswith("(on the command line: --resume)")
    assert got == f"Got: Ctrl-C; 2 of 4 draws are finished and kept in {tmp_path / 'draws'}"
    same(stopped.value.table, whole[whole["seed"] < 2].reset_index(drop=True))
    monkeypatch.undo()
    same(run(out=tmp_path, resume=True), whole)


def test_ctrl_c_without_a_folder_says_how_to_keep(monkeypatch):
    stop_at(monkeypatch, 2)
    with pytest.raises(Stopped, match=r"1 of 4 draws are finished\nWhat to do: .*out=") as stopped:
        run()
    assert set(stopped.value.table["seed"]) == {0}


def test_processes_that_are_started_meanwhile_are_deaf_to_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with running._deaf_children():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # they inherit it
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_leaves_ctrl_c_alone():
    before = signal.getsignal(signal.SIGINT)

    def seen_in_a_thread():
        with running._deaf_children():  # only the main thread may say who hears it
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(seen_in_a_thread).result() is before


def test_a_full_disk_says_what_is_kept(tmp_path, whole, monkeypatch):
    from ragteach.study import kept

    original = kept.write

    def nearly_full(path, data):
        if "seed2" in path.name:
            raise OSError(28, "No space left on device")
        return original(path, data)

    monkeypatch.setattr(kept, "write", nearly_full)
    with refused("room to keep", "No space left on device; 2 of 4 draws are finished", "make room"):
        run(out=tmp_path)
    monkeypatch.undo()
    same(run(out=tmp_path, resume=True), whole)


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(tmp_path, counted):
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", "/proc/nowhere"):
        with refused("a folder to write to", str(place), "another folder"):
            run(out=place)
    with refused("path of a folder", "out = 3"):
        run(out=3)
    with refused("out to be the path of a folder", "out = ''", 'out="results"'):
        run(out="")
    with refused("a folder to go on from", "without out", "name the folder"):
        run(resume=True)
    with refused("resume to be True or False", "resume = str 'yes'"):
        run(out=tmp_path, resume="yes")
    assert counted == []


def test_a_damaged_draw_is_named(tmp_path):
    run(1, out=tmp_path)
    (path,) = (tmp_path / "draws").iterdir()
    path.write_text(path.read_text()[:50])
    with refused("finished draw", f"{path.name}, which is damaged", "delete that file"):
        run(1, out=tmp_path, resume=True)


def test_numbers_come_back_bit_by_bit(tmp_path):
    kept = Kept(tmp_path, described(None, chosen_strategies("RAG")))
    job, rows = Job("toy", 6, 0), [("toy", "RAG", "mean", 0, 6, "accuracy", 0.1 + 0.2, 5, 1e-300)]
    kept.save(job, rows)
    assert kept.load(job) == rows and kept.load(Job("toy", 6, 1)) is None


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_other_backends_give_the_same_table(whole, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        same(run(), whole)


def dies_once(job, flag):
    """A draw that kills its worker the first time."""
    try:
        os.close(os.open(flag / f"{job.seed}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return [(job.seed,)]
    if job.seed == 2:
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    return [(job.seed,)]


def always_dies(job, flag):
    os.kill(os.getpid(), signal.SIGKILL)


def jobs(n):
    return [Job("toy", 6, seed) for seed in range(n)]


def work(function, flag):
    import functools

    return functools.partial(function, flag=flag)


def test_a_dead_worker_costs_its_draw_not_the_run(tmp_path):
    kept = Kept(tmp_path / "out", [])
    done = running.run(work(dies_once, tmp_path), jobs(6), kept, n_jobs=2, progress=False)
    assert done == [[(seed,)] for seed in range(6)]
    assert len(files(tmp_path / "out")) == 6


def test_workers_that_always_die_end_the_run_with_a_message(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "DEATHS", 2)
    with refused("processes that live", "2 deaths in a row", "--jobs 1"):
        running.run(work(always_dies, tmp_path), jobs(2), Kept(None, []), n_jobs=2, progress=False)


def test_a_killed_run_goes_on_to_the_same_table(tmp_path, whole):
    code = (
        "import os, signal, sys, ragteach as rt\n"
        "from ragteach.study import experiment as e; first = e._one_draw\n"
        "def dies(job, *a, **o):\n"
        "    if job.seed == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return first(job, *a, **o)\n"
        "e._one_draw = dies\n"
        f"rt.compare('toy', 4, **{OPTIONS!r}, out=sys.argv[1])\n"
    )
    assert forks.python(code, tmp_path).returncode == -signal.SIGKILL
    assert len(list((tmp_path / "draws").glob("toy-*"))) == 2
    same(run(out=tmp_path, resume=True), whole)
    assert len(files(tmp_path)) == 4


def test_the_bar_says_what_is_there_and_how_long_it_takes(tmp_path, capsys):
    run(3, out=tmp_path)
    run(4, out=tmp_path, resume=True, progress=True)
    shown = capsys.readouterr().err
    assert "3/4" in shown and "4/4" in shown and "<" in shown and "0/4 [" not in shown


def said_by_the_bar(capsys):
    """(finished draws, what is said of those under way), each once, in order."""
    said = re.findall(r"(\d/\d) \[[^,\]]*, [^,\]]*(?:, (.*?))?\]", capsys.readouterr().err)
    return list(dict.fromkeys(said))


def test_within_a_draw_the_bar_says_which_strategy_is_fitted(capsys):
    few = replace(REGISTRY["full sharing"], name="few", tries=pairs([0.0], [0.1, 1.0]))
    compare("toy", 1, 6, [few, "majority class"], n_jobs=1)
    assert said_by_the_bar(capsys) == [
        ("0/1", ""),
        ("0/1", "few (1/2): 0/2 penalties tried"),
        ("0/1", "few (1/2): 2/2 penalties tried"),
        ("0/1", "majority class (2/2)"),
        ("1/1", ""),
    ]


def hears_ctrl_c(job):
    return [(signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,)]


def test_workers_leave_ctrl_c_to_the_process_that_started_them(capsys):
    before = hears_ctrl_c(None)  # not where the tests themselves run in the background
    done = running.run(hears_ctrl_c, jobs(2), Kept(None, []), n_jobs=2)
    said = said_by_the_bar(capsys)
    assert said[:2] == [("0/2", ""), ("0/2", "waiting for the first finished draw")]
    assert said[-1] == ("2/2", "")
    assert done == [[(False,)]] * 2
    with running._deaf_children():  # a child that is born here inherits it
        assert hears_ctrl_c(None) == [(False,)]
    assert hears_ctrl_c(None) == before


@pytest.mark.parametrize(
    ("error", "raised", "got"),
    [
        (OSError(28, "No space left on device"), RagteachError, "No space left on device"),
        (KeyboardInterrupt(), KeyboardInterrupt, "Ctrl-C"),
    ],
)
def test_what_comes_after_the_draws_costs_none_of_them(tmp_path, error, raised, got):
    with pytest.raises(
        raised, match=f"Got: {got}; all draws .* kept in .*draws\nWhat to do: .*--resume"
    ):
        with after_the_draws(tmp_path):
            raise error
