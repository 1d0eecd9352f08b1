"""Test processes get whole groups: what a group shares is made once."""

from types import SimpleNamespace

from groups import ORDER, Scheduler, group, place

BROWSER = [f"tests/browser/test_{name}.py::test_it" for name in ("site", "frames")]
LESSON = [
    "tests/lessons/test_lesson_03.py::test_it",
    "tests/project/test_notebooks.py::test_a_lesson_runs[03_losses-student]",
    "tests/project/test_notebooks.py::test_a_lesson_runs[03_losses-solution]",
    "tests/lessons/test_explorers_tasks.py::test_a_lessons_goals_are_reached_by_some[03_losses-0]",
]
OTHERS = [f"tests/core/test_model.py::test_{i}[a@b]" for i in range(5)]


class Process:
    """A test process as the scheduler knows it."""

    shutting_down = False

    def __init__(self, name):
        self.gateway, self.given = SimpleNamespace(id=name), []

    def send_runtest_some(self, indices):
        self.given += indices

    def shutdown(self):
        self.shutting_down = True


def scheduled(names):
    """Two processes that have collected these tests and got their first, and who gives them out."""
    options = {"tx": ["popen", "popen"], "maxschedchunk": None}
    config = SimpleNamespace(
        getvalue=options.get, option=SimpleNamespace(loadscopereorder=False), rootpath=None
    )
    processes, scheduler = [Process("a"), Process("b")], Scheduler(config)
    for process in processes:
        scheduler.add_node(process)
    for process in processes:
        scheduler.add_node_collection(process, names)
    scheduler.schedule()
    return processes, scheduler


def finished(processes, scheduler):
    """Run all that is left; {number of the test: the process that ran it}."""
    done = {}
    while scheduler.has_pending:
        process = min((p for p in processes if p.given), key=lambda p: (len(p.given), p.gateway.id))
        i = process.given.pop(0)
        done[i] = process.gateway.id
        scheduler.mark_test_complete(process, i)
    return done


def test_no_group_is_split_whatever_the_order_in_which_processes_end():
    names = [name for rows in zip(BROWSER * 3, LESSON * 2, OTHERS, strict=False) for name in rows]
    names = list(dict.fromkeys([*names, *OTHERS]))
    processes, scheduler = scheduled(names)
    done = finished(processes, scheduler)
    homes = {}
    for i, process in done.items():
        homes.setdefault(group(names[i]), set()).add(process)
    assert all(len(where) == 1 for where in homes.values()), homes
    assert set(homes) == {"browser lab", "browser pages", "lesson 03", "tests/core/test_model.py"}


def test_two_processes_that_crash_at_a_time_are_both_replaced():
    names = BROWSER + LESSON + OTHERS
    crashed, scheduler = scheduled(names)
    lost = [scheduler.remove_node(process) for process in crashed]
    assert lost == [names[process.given[0]] for process in crashed]
    replaced = [Process("c"), Process("d")]
    for process in replaced:
        scheduler.add_node(process)
    for process in replaced:  # the other one is still collecting
        scheduler.add_node_collection(process, names)
        scheduler.schedule()
    done = finished(replaced, scheduler)
    assert {names[i] for i in done} == set(names) and set(done.values()) == {"c", "d"}


def test_a_lab_runs_with_its_own_tests_only():
    runs = "tests/project/test_notebooks.py::test_a_lesson_runs"
    assert group(f"{runs}[lab_vision-student]") == group(f"{runs}[lab_vision-solution]")
    assert group(f"{runs}[lab_vision-student]") == group(
        "tests/lessons/test_lab_vision.py::test_it"
    )
    assert group(f"{runs}[lab_vision-student]") != group(f"{runs}[lab_robot-student]")


def test_the_longest_files_are_there_and_come_before_the_others(root):
    files = [name for name in ORDER if "/" in name]
    assert files and all((root / name).is_file() for name in files)
    others = place(group("tests/core/test_model.py::test_it"))
    assert max(place(group(f"{name}::test_it")) for name in files) < others
    assert place("browser lab") < place("lesson 03") < min(map(place, files))
