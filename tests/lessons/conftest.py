"""The lessons' tests share what the lessons' notebooks compute."""

import once
import pytest


@pytest.fixture(autouse=True, scope="module")
def shared_results():
    """What a notebook of this session, or another test, has computed is not computed again."""
    with once.kept_in(once.shared_folder()) as kept:
        yield kept


@pytest.fixture(autouse=True)
def not_where_seconds_count(request, shared_results, monkeypatch):
    """A test that measures seconds computes all of it."""
    if request.node.get_closest_marker("timing"):
        monkeypatch.setattr(shared_results, "inside", True)
