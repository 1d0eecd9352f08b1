"""A file is written whole or not at all, whoever else writes there."""

import errno
import os
import threading

import pytest
from problems import refused

from ragteach.errors import RagteachError
from ragteach.ground import writing
from ragteach.ground.writing import check_place, put, write


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_written_to_and_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    check_place(pipe)
    write(pipe, b"bytes")
    reader.join(5)
    assert read == [b"bytes"] and pipe.is_fifo()


@pytest.mark.parametrize("place", ["nowhere/m.txt", "file/m.txt", ".", "nul\0.txt"])
def test_a_place_that_cannot_be_written_is_refused_with_its_name(tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    for attempt in (
        lambda path: put(path, b"", "--save"),
        lambda path: check_place(path, "--save"),
    ):
        with refused("--save to name a file", str(tmp_path / place), "another folder"):
            attempt(tmp_path / place)
    check_place(tmp_path / "new.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_is_refused_by_its_argument(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with refused("out to be a folder to write to", "file/results: Not a directory", "another"):
        writing.make_folder(tmp_path / "file" / "results", "out")
    writing.make_folder(tmp_path / "a" / "b", "out")
    writing.make_folder(tmp_path / "a" / "b", "out")  # it may be there
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_refused_at_once(tmp_path, monkeypatch, number):
    """A folder that is there may be read-only, or its disk full, where it is only made in name."""

    def refusing(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writing.os, "fsync", refusing)
    for place in (tmp_path, tmp_path / "new"):
        with refused("out (--out) to be a folder", os.strerror(number), "or make room"):
            writing.make_folder(place)
        assert list(place.glob("*")) in ([], [tmp_path / "new"])


def test_many_may_try_one_folder_at_once(tmp_path):
    failed = []

    def attempt():
        try:
            for _ in range(10):
                writing.make_folder(tmp_path)
                check_place(tmp_path / "model.safetensors")
        except RagteachError as error:
            failed.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and list(tmp_path.iterdir()) == []
