"""Which files of a folder are seen."""

from __future__ import annotations

import os
from pathlib import Path

from trainables.files import files_in, list_files, list_folders, write_whole


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
