"""The JavaScript of the explorers is looked at as the Python is: formatted, linted, no file too long."""

import shutil

import pytest

from tools import check_js


def test_the_javascript_is_formatted_linted_and_short(capfd):
    assert check_js.main([]) == 0, capfd.readouterr().out


def test_what_nobody_declared_is_found_in_its_file(monkeypatch):
    program = check_js.biome()
    if program is None:
        pytest.skip("no biome here")
    lines = check_js.joined()
    path, line = lines[-1]
    monkeypatch.setattr(check_js, "joined", lambda: [*lines, (path, "undeclaredName(1);")])
    (said,) = check_js.lint(program)
    n_lines = sum(1 for other, _ in lines if other == path) + 1
    assert f"{path.name}:{n_lines}: lint/correctness/noUndeclaredVariables" in said


def test_without_a_linter_it_is_said_that_nothing_was_checked(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(check_js.sys, "executable", "/nowhere/python")
    assert check_js.main([]) == 0
    assert "JavaScript was not checked" in capsys.readouterr().out
