"""A file is written whole or not at all, whoever else writes there."""

import threading

import pytest

from ragteach.data import writing
from ragteach.data.writing import write


def test_many_writers_and_readers_never_see_half_a_file(tmp_path):
    path = tmp_path / "table.csv"
    texts = [bytes([65 + i]) * 50_000 for i in range(4)]
    write(path, texts[0])
    seen, failed = set(), []

    def writer(text):
        try:
            for _ in range(10):
                write(path, text)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=writer, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.add(path.read_bytes())
    assert not failed and seen <= set(texts)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = write(tmp_path / "table.csv", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
