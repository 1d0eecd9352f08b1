"""What make installs: torch from the right place, groups once, a sign of life, an error that stays readable."""

import contextlib
import http.server
import importlib.util
import json
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

spec = importlib.util.spec_from_file_location("install", ROOT / "tools" / "install.py")
install = importlib.util.module_from_spec(spec)
spec.loader.exec_module(install)

PIN = "2.13.0"
WHEEL = f"torch-{PIN}+cpu-py3-none-any.whl"


@pytest.fixture(autouse=True)
def a_fresh_environment(tmp_path, monkeypatch):
    """A Linux machine without a driver, in which nothing is installed yet."""
    monkeypatch.setattr(install, "STATE", tmp_path / "state")
    monkeypatch.setattr(install, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(install, "installed", lambda package: "")
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@contextlib.contextmanager
def served(folder: Path):
    """The folder as a web site of this machine; gives its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stand_in(tmp_path):
    """An index like PyTorch's own, with one torch that holds nothing."""
    folder = tmp_path / "index" / "torch"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(f'<a href="{WHEEL}">{WHEEL}</a>')
    about = f"torch-{PIN}+cpu.dist-info"
    files = {
        "torch/__init__.py": "",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {PIN}+cpu\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{about}/RECORD", "".join(f"{n},,\n" for n in (*files, f"{about}/RECORD")))
    with served(tmp_path / "index") as address:
        yield address


@pytest.fixture
def silent():
    """An address that takes the call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


# ------------------------------------------------------------------ where torch comes from


def test_without_a_driver_torch_is_the_cpu_build(stand_in):
    index, why = install.torch_source(stand_in, [])
    assert index == stand_in
    assert "for the CPU (190 MB)" in why and "no NVIDIA driver" in why


def test_an_index_that_does_not_answer_costs_its_patience_and_is_named(silent, monkeypatch):
    """Neither the call nor the look-up of a name, which knows no time limit, is waited for longer."""
    waited = []

    class Asking(threading.Thread):
        def join(self, timeout=None):
            waited.append((self.daemon, timeout))

    monkeypatch.setattr(install.threading, "Thread", Asking)
    index, why = install.torch_source(silent, [], patience=0.2)
    assert waited == [(True, 0.2)]
    assert index == ""
    assert "pip's own index" in why and silent in why and "2.7 GB" in why


def test_an_index_that_is_not_there_is_named(closed, tmp_path):
    index, why = install.torch_source(closed, [])
    assert index == "" and closed in why and "refused" in why
    with served(tmp_path) as empty:  # it answers, but has no torch
        index, why = install.torch_source(empty, [])
        assert index == "" and "it answers 404" in why


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"has_nvidia_driver": lambda: True}, "NVIDIA driver found"),
        ({"platform": "darwin"}, "80 to 200 MB"),
    ],
)
def test_elsewhere_torch_comes_from_pips_own_index(change, said, stand_in, monkeypatch):
    for name, value in change.items():
        monkeypatch.setattr(sys if name == "platform" else install, name, value)
    index, why = install.torch_source(stand_in, [])
    assert index == "" and said in why


@pytest.mark.parametrize("words", [["-i", "http://x"], ["--index-url=http://x"], ["--no-index"]])
def test_an_index_that_you_name_is_yours(words, stand_in):
    assert install.torch_source(stand_in, words)[0] == ""
    assert install.torch_source("", [])[0] == ""
    assert install.torch_source(stand_in, ["--no-input"])[0] == stand_in


def test_pip_takes_the_cpu_build_from_such_an_index(stand_in, tmp_path, monkeypatch, capfd):
    """The words that set-up gives to pip, carried out into an empty folder."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_INDEX", stand_in)
    target = tmp_path / "target"
    assert install.install_torch(["--target", str(target)]) == 0
    assert (target / f"torch-{PIN}+cpu.dist-info").is_dir()
    assert "torch for the CPU" in capfd.readouterr().out


def test_an_index_without_a_wheel_for_this_python_is_not_the_end(stand_in, monkeypatch, capfd):
    calls = []

    def pip_install(words, last_try=True):
        calls.append((words, last_try))
        return 0 if last_try else 1

    monkeypatch.setattr(install, "pip_install", pip_install)
    monkeypatch.setenv("TORCH_INDEX", stand_in)
    assert install.install_torch(["--pre"]) == 0
    words = ["--no-deps", f"torch=={PIN}", "--pre"]
    assert calls == [([*words, "--index-url", stand_in], False), (words, True)]
    assert "taking pip's own index" in capfd.readouterr().out


@pytest.mark.parametrize("build", ["", "+cpu", "+cu130"])
def test_a_torch_that_is_there_stays(build, monkeypatch, silent):
    monkeypatch.setattr(install, "installed", lambda package: PIN + build)
    monkeypatch.setenv("TORCH_INDEX", silent)
    monkeypatch.setattr(install, "pip_install", lambda *words: pytest.fail("pip was called"))
    assert install.install_torch([]) == 0


# ------------------------------------------------------------------ what is installed, and when


@pytest.fixture
def asked(monkeypatch):
    """The groups of every install that was made; nothing is installed."""
    groups = []
    monkeypatch.setattr(install, "install_torch", lambda pip_args: 0)
    monkeypatch.setattr(install, "install_rest", lambda names, pip_args: groups.append(names) or 0)
    monkeypatch.setattr(install, "compile_all", lambda: None)
    monkeypatch.setattr(install.subprocess, "run", lambda *words, **options: None)
    return groups


def test_a_second_call_does_nothing_and_more_groups_are_added(asked, monkeypatch):
    for words in ("lab", "lab", "lab,search", "lab", "search,lab", "all", "lab,export"):
        assert install.main([words, "--"]) == 0
    assert asked == [["lab"], ["lab", "search"], ["all"]]
    monkeypatch.setattr(install, "read", lambda name: (ROOT / name).read_bytes() + b"\n")
    # other packages are asked for now: what was there stays
    assert install.main(["lab", "--"]) == 0
    assert asked[3:] == [["all"]]


def test_a_call_that_fails_is_made_again(asked, monkeypatch):
    monkeypatch.setattr(install, "install_torch", lambda pip_args: 1)
    assert install.main(["lab", "--"]) == 1
    assert not install.STATE.exists() and not asked
    monkeypatch.setattr(install, "install_torch", lambda pip_args: 0)
    assert install.main(["lab", "--"]) == 0
    assert json.loads(install.STATE.read_text())["groups"] == ["lab"]
    install.STATE.write_text("")  # as an earlier version left it
    assert install.main(["lab", "--"]) == 0
    assert asked == [["lab"], ["lab"]]


def test_set_up_says_how_much_and_how_long(asked, capsys):
    install.main(["lab", "--"])
    said = capsys.readouterr().out
    for word in ("MB", "GB", "minutes", "three steps", "Ready after"):
        assert word in said


def test_an_unknown_group_is_refused_with_those_there_are(asked, capsys):
    assert install.main(["lab,serch", "--"]) == 2
    said = capsys.readouterr().err
    assert "Got: serch" in said and "search" in said and "What to do: " in said
    assert not asked


# ------------------------------------------------------------------ what is seen of pip


def stub(tmp_path, monkeypatch, text, code):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


TALK = """\
WARNING: Location 'file:///x/' is ignored: it is neither a file nor a directory.
Collecting scipy
  Downloading scipy-1.17.1-cp311-manylinux.whl.metadata (62 kB)
  Downloading scipy-1.17.1-cp311-manylinux.whl (35.2 MB)
  Using cached tqdm-4.70.1-py3-none-any.whl (78 kB)
Installing collected packages: tqdm, scipy"""


def test_large_downloads_are_named_small_ones_counted(tmp_path, monkeypatch, capfd):
    stub(tmp_path, monkeypatch, TALK, 0)
    assert install.pip_install(["x"]) == 0
    said = capfd.readouterr()
    lines = ["scipy (35 MB)", "2 packages, 35 MB, are here; unpacking (a minute or two)"]
    assert [line.strip() for line in said.out.splitlines()] == lines
    assert not said.err


def test_packages_are_compiled_once_all_is_there(tmp_path, monkeypatch):
    """By Python's own compiler; what nobody imports waits, and a file with a fault is no fault of ours."""
    for name in ("seen.py", "tests/unseen.py", "transformers/models/unseen.py", "fault.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n" if name != "fault.py" else "x = = 1\n")
    monkeypatch.setattr(install.sysconfig, "get_path", lambda name: str(tmp_path))
    install.compile_all()
    assert [path.name.split(".")[0] for path in tmp_path.rglob("*.pyc")] == ["seen"]


def test_when_pip_fails_its_words_are_shown(tmp_path, monkeypatch, capfd):
    stub(tmp_path, monkeypatch, "ERROR: No matching distribution found for x", 1)
    assert install.pip_install(["x"], last_try=False) == 1
    assert not capfd.readouterr().err  # there is another try
    assert install.pip_install(["x"]) == 1
    assert "No matching distribution" in capfd.readouterr().err


def test_it_needs_python_alone():
    """It runs in an environment that holds pip and nothing else."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('tools/install.py')"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
