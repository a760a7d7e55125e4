"""Arrays in files: whole or absent, mapped by other processes, described without their values."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.data.array_file import ArrayFile, only_writer, write_array
from trainables.errors import UserError


def blocks_of(array: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(array, sorted(min(cut, len(array)) for cut in cuts))


@given(st.integers(1, 20), st.integers(1, 5), st.lists(st.integers(0, 20), max_size=4))
def test_blocks_come_back_as_one_array(
    tmp_path_factory: pytest.TempPathFactory, rows: int, columns: int, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("x") / "a.npy"
    array = np.random.default_rng(rows).normal(size=(rows, columns)).astype(np.float32)
    file = write_array(path, array.shape, "<f4", blocks_of(array, cuts))
    np.testing.assert_array_equal(file.open(), array)
    np.testing.assert_array_equal(np.load(path), array)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.npy"]


@pytest.fixture
def file(tmp_path: Path) -> ArrayFile:
    return write_array(tmp_path / "a.npy", (6, 3), "<f4", [np.arange(18, dtype=np.float32).reshape(6, 3)])


def test_what_is_mapped_is_read_only_and_known_by_its_file(file: ArrayFile) -> None:
    array = file.open()
    assert not array.flags.writeable
    assert ArrayFile.of(array) == file


def test_a_mapped_array_is_known_by_its_file_also_when_that_is_gone(file: ArrayFile) -> None:
    array = file.open()
    Path(file.path).unlink()
    assert ArrayFile.of(array) == file


def test_a_part_of_a_mapped_array_and_one_in_memory_have_no_file(file: ArrayFile) -> None:
    array = file.open()
    for other in (array[1:], array[:-1], array[:, 1:], array.reshape(3, 6), array + 0, np.array(array)):
        assert ArrayFile.of(other) is None


def test_a_failure_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield np.zeros((2, 3), np.float32)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_array(tmp_path / "a.npy", (4, 3), "<f4", blocks())
    with pytest.raises(ValueError, match="2 rows were written, 4 belong there"):
        write_array(tmp_path / "a.npy", (4, 3), "<f4", [np.zeros((2, 3), np.float32)])
    assert list(tmp_path.iterdir()) == []


def test_a_machine_that_does_not_see_the_file_says_so(file: ArrayFile) -> None:
    Path(file.path).unlink()
    with pytest.raises(UserError, match=r"a\.npy: features that all trials share cannot be read on .*--study-dir"):
        file.open()


def test_another_array_in_its_place_is_refused(file: ArrayFile) -> None:
    np.save(file.path, np.zeros((6, 4), np.float32))
    with pytest.raises(UserError, match=r"a\.npy: holds \(6, 4\) <f4 on .*, not \(6, 3\) <f4; delete it"):
        file.open()


def test_a_cut_file_is_refused(file: ArrayFile) -> None:
    path = Path(file.path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="cannot be read"):
        file.open()


def _write_slowly(path: Path) -> None:
    with only_writer(path):
        path.write_text("begun")
        time.sleep(0.3)
        path.write_text("whole")


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a"
    first = multiprocessing.get_context("spawn").Process(target=_write_slowly, args=(path,))
    first.start()
    while not path.exists():
        time.sleep(0.01)
    with only_writer(path):
        assert path.read_text() == "whole"
    first.join()


def test_where_files_cannot_be_locked_a_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_flock(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_flock)
    path = tmp_path / "a.npy"
    with only_writer(path):
        write_array(path, (2, 3), "<f4", [np.ones((2, 3), dtype=np.float32)])
    np.testing.assert_array_equal(np.load(path), np.ones((2, 3)))
