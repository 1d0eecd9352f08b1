"""A program is stopped once, however often it is told to, and says how it was told."""

import signal

import pytest

from ragteach import __main__ as command
from ragteach.ground import stopping
from ragteach.ground.stopping import Ended, once, sign_of


@pytest.fixture(autouse=True)
def usual():
    """Where tests run in the background, Ctrl-C is ignored; here it is not."""
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_comes_in_a_hurry_is_one_signal(monkeypatch):
    with once("SIGINT", "SIGTERM") as stop:
        with pytest.raises(KeyboardInterrupt, match="^$"):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)  # nothing breaks into what there is to do still
        signal.raise_signal(signal.SIGTERM)
        assert stop.number == signal.SIGINT
        monkeypatch.setattr(stopping, "PATIENCE", 0.0)
        with pytest.raises(KeyboardInterrupt, match="^$"):  # what comes later is meant
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_who_ignores_a_signal_goes_on_ignoring_it():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as nohup does
    with once("SIGTERM"):
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_the_command_line_says_what_stopped_it(monkeypatch, capsys, number, code, said):
    def work(options):
        signal.raise_signal(number)

    monkeypatch.setattr(command, "run_look", work)
    assert command.main(["look", "mine.csv"]) == code
    message = capsys.readouterr().err
    assert message.startswith("Expected: to finish\nGot: " + said)
    assert "\nWhat to do: " in message and "Traceback" not in message


def test_the_sign_is_ctrl_c_unless_something_else_is_said():
    assert sign_of(KeyboardInterrupt()) == "Ctrl-C"
    assert sign_of(Ended("a closed terminal")) == "a closed terminal"
