"""make lab, as an ordinary user in an awkward folder: an address that answers, a copy that is yours, no scary lines."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import websocket

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "Kurs für Käthe (1)"
ADDRESS = re.compile(
    r"(http://localhost:\d+)/lab/tree/my_course/00_start_here\.ipynb\?token=(\w{20,})"
)
NEEDED = ("Makefile", "pyproject.toml", "constraints.txt", ".gitignore", "ragteach", "notebooks", "tools")  # fmt: skip
MADE_HERE = shutil.ignore_patterns("__pycache__", "_source")


def somebody() -> dict:
    """Whoever runs the tests, or, if that is root, nobody."""
    return {} if os.geteuid() else {"user": 65534, "group": 65534, "extra_groups": []}


def reachable_python() -> str:
    """A Python of this version that ``somebody`` may run."""
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys._base_executable, f"/usr/bin/{wanted}", f"/usr/local/bin/{wanted}"):
        try:
            subprocess.run([python, "-c", "import venv"], check=True, **somebody())
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("no Python here that an ordinary user may run")


@pytest.fixture(scope="module")
def checkout():
    """A checkout that belongs to somebody; its .venv borrows the packages of this environment."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = Path(place) / FOLDER
        folder.mkdir()
        for name in NEEDED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=MADE_HERE)
            else:
                shutil.copy(source, folder / name)
        subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
        subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
        if not os.geteuid():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, 65534, 65534)
        python = reachable_python()
        make_venv = [python, "-m", "venv", "--without-pip", ".venv"]
        subprocess.run(make_venv, cwd=folder, check=True, **somebody())
        (packages,) = (folder / ".venv").glob("lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        # Set-up's own question, is everything there, is answered yes.
        done = "import install, pathlib, sys; install.STATE = pathlib.Path(sys.argv[1]); "
        done += (
            "install.install_torch = install.install_rest = install.compile_all = lambda *a: 0; "
        )
        done += "install.main(['all'])"
        state = folder / ".venv" / ".ragteach-installed"
        subprocess.run(
            [sys.executable, "-c", done, str(state)],
            cwd=folder / "tools", check=True, capture_output=True,
        )  # fmt: skip
        yield folder


class Lab:
    """A running make lab: its log, its address, and calls to it."""

    def __init__(self, folder: Path):
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        os.chmod(home, 0o777)
        shared = Path(sys.prefix) / "share" / "jupyter"
        own = {"DISPLAY", "WAYLAND_DISPLAY", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"}
        environment = {name: value for name, value in os.environ.items() if name not in own}
        environment |= {
            "HOME": str(home),
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JUPYTER_PATH": str(shared),
            "JUPYTERLAB_DIR": str(shared / "lab"),
            "JUPYTER_PREFER_ENV_PATH": "0",
        }
        self.log = folder.parent / "log"
        start = time.monotonic()
        with self.log.open("w") as sink:
            self.process = subprocess.Popen(
                ["make", "lab"], cwd=folder, env=environment, stdout=sink, stderr=sink,
                start_new_session=True, **somebody(),
            )  # fmt: skip
        while not (found := ADDRESS.search(self.said())) and time.monotonic() < start + 60:
            time.sleep(0.05)
        self.seconds = time.monotonic() - start
        assert found, self.said()
        self.address = found[0]
        self.base, self.token = found.groups()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def call(self, method: str, path: str, body=None):
        request = urllib.request.Request(
            self.base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture
def lab(checkout):
    lab = Lab(checkout)
    yield lab
    lab.stop()


def run_cell(lab: Lab, kernel: str, code: str) -> str:
    """What a cell prints, through the same web socket as the page uses."""
    address = f"{lab.base.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id=s"
    line = websocket.create_connection(
        address, header=[f"Authorization: token {lab.token}"], timeout=60
    )
    header = {
        "msg_id": "1", "username": "", "session": "s",
        "msg_type": "execute_request", "version": "5.3",
    }  # fmt: skip
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}}
    line.send(json.dumps({**message, "content": {"code": code, "silent": False}}))
    printed, done = "", False
    while not done:  # the reply comes on a channel of its own, and may come before what was printed
        message = json.loads(line.recv() or pytest.fail(lab.said()))
        if message["msg_type"] == "stream":
            printed += message["content"]["text"]
        idle = message["content"].get("execution_state") == "idle"
        done = idle and message["parent_header"].get("msg_id") == "1"
    line.close()
    return printed


def test_a_learner_opens_a_lesson_runs_a_cell_and_writes(checkout, lab):
    """No scary line in the terminal, nothing in the checkout that git sees, no way in without the token."""
    with urllib.request.urlopen(lab.address, timeout=30) as answer:
        assert answer.status == 200
    path = "my_course/00_start_here.ipynb"
    content = lab.call("GET", f"/api/contents/{path}?content=1")["content"]
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["metadata"]["trusted"] for cell in code)
    wanted = {"path": path, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    session = lab.call("POST", "/api/sessions", wanted)
    assert FOLDER in run_cell(
        lab, session["kernel"]["id"], "import ragteach; print(ragteach.__file__)"
    )
    content["cells"][0]["source"] = "My own words"
    lab.call(
        "PUT", f"/api/contents/{path}", {"type": "notebook", "format": "json", "content": content}
    )
    lab.call("DELETE", f"/api/sessions/{session['id']}")
    for scary in ("encrypt", "websocket_ping", "trusted", "WARNING", "[W ", "Error", "Traceback"):
        assert scary not in lab.said(), lab.said()

    with pytest.raises(urllib.error.HTTPError, match="403") as error:
        urllib.request.urlopen(lab.base + "/api/contents", timeout=30)
    error.value.close()

    assert "My own words" in (checkout / path).read_text(encoding="utf-8")
    status = subprocess.run(
        ["git", "-c", "safe.directory=*", "status", "--porcelain"],
        cwd=checkout, capture_output=True, text=True, check=True, **somebody(),
    )  # fmt: skip
    assert all(line.startswith("A  ") for line in status.stdout.splitlines()), status.stdout


@pytest.mark.timing
def test_the_second_start_is_quick(checkout):
    for _ in range(2):
        lab = Lab(checkout)
        lab.stop()
    assert lab.seconds < 10


def test_clean_leaves_the_learners_copy(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (".venv/bin", "build/bench", "my_course", "ragteach/__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {"Makefile", "my_course", "ragteach"}
    assert not list((tmp_path / "ragteach").iterdir())
