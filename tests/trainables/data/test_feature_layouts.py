"""Where features are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainables.data.feature_layouts import feature_paths, open_features
from trainables.errors import UserError


def save(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.ones((3, 2), np.float32))


def test_links_hidden_files_and_upper_case_suffixes(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "v.npy")
    (tmp_path / "elsewhere" / "v.npy").rename(tmp_path / "elsewhere" / "v.NPY")
    folder = tmp_path / "features"
    folder.mkdir()
    os.symlink(tmp_path / "elsewhere", folder / "linked")
    (folder / "._v.npy").write_bytes(b"Mac OS X")
    os.mkfifo(folder / "w.npy")
    assert feature_paths(folder) == [folder / "linked" / "v.NPY"]
    assert open_features(folder).shape("v") == (3, 2)


def test_linked_parts_are_parts(tmp_path: Path) -> None:
    for part in ("rgb", "flow"):
        save(tmp_path / "elsewhere" / part / "v.npy")
        (tmp_path / "features").mkdir(exist_ok=True)
        os.symlink(tmp_path / "elsewhere" / part, tmp_path / "features" / part)
    assert open_features(tmp_path / "features").shape("v") == (3, 4)


def test_no_features_are_said_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(UserError, match=r"no features recognised; found: readme\.txt"):
        open_features(tmp_path)
    with pytest.raises(UserError, match="found: nothing"):
        open_features(tmp_path / ("x" * 300))
