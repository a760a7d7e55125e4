"""Which files of a folder are seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainables.errors import UserError
from trainables.files import files_in, list_files, list_folders, require_writable, write_whole


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def test_links_to_folders_are_followed_and_each_folder_once(tmp_path: Path) -> None:
    inside, outside = make(tmp_path / "in" / "a.npy"), make(tmp_path / "out" / "b.npy")
    os.symlink(tmp_path / "out", tmp_path / "in" / "z")
    os.symlink(tmp_path / "in", tmp_path / "out" / "loop")
    assert list_files(tmp_path / "in") == [inside, tmp_path / "in" / "z" / outside.name]


def test_hidden_files_broken_links_and_fifos_are_left_out(tmp_path: Path) -> None:
    seen = make(tmp_path / "a.npy")
    make(tmp_path / "._a.npy")
    make(tmp_path / ".hidden" / "b.npy")
    os.symlink(tmp_path / "nowhere", tmp_path / "c.npy")
    os.mkfifo(tmp_path / "d.npy")
    folder = tmp_path / "f"
    make(folder / "e.npy")
    assert list_files(tmp_path) == [seen, folder / "e.npy"]
    assert files_in(tmp_path) == [seen]
    assert list_folders(tmp_path) == [folder]


def test_a_path_that_cannot_exist_has_no_files(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path / ("x" * 300)):
        assert list_files(path) == files_in(path) == list_folders(path) == []
    assert list_files(make(tmp_path / "a")) == [tmp_path / "a"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a", b"1")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_a_folder_that_can_hold_files_is_made_and_any_other_is_told_with_its_option(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b", "--out")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match=f"^--out: {folder}: is no folder; choose a folder that can be written$"):
            require_writable(folder, "--out")
    with pytest.raises(UserError, match=r"^--out: /proc: "):
        require_writable(Path("/proc"), "--out")
