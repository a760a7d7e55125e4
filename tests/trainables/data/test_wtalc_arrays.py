"""W-TALC's arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.data.wtalc_arrays import read_wtalc, select_wtalc
from trainables.errors import UserError


def objects(*values: Any) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def written(folder: Path, **changes: Any) -> list[Path]:
    arrays = {
        "videoname": np.array([b"v", b"w"]),
        "subset": np.array([b"validation", b"test"]),
        "segments": objects([[0.0, 1.0]], []),
        "labels": objects([b"Run"], []),
        "labels_all": objects(["Run", "Jump"], ["Jump"]),
        "duration": np.array([[9.0], [8.0]]),
        **changes,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=True)
    (folder / "Ambiguous_test.txt").write_text("x  0 1\n")
    return sorted(folder.iterdir())


def test_instances_and_labels_of_videos_are_kept_apart(tmp_path: Path) -> None:
    raw = read_wtalc(select_wtalc(written(tmp_path)))
    assert [(video.name, video.subset, video.duration_s) for video in raw.videos] == [
        ("v", "validation", 9.0), ("w", "test", 8.0),
    ]  # fmt: skip
    assert [row.label for row in raw.instances] == ["Run"]
    assert raw.video_labels == {"v": ("Run", "Jump"), "w": ("Jump",)}
    assert [row.video for row in raw.ambiguous["test"]] == ["x"]


def test_all_required_files_make_the_format(tmp_path: Path) -> None:
    files = written(tmp_path)
    assert select_wtalc([file for file in files if file.name != "labels.npy"]) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": objects(["Run"])}, "the W-TALC arrays differ in length"),
        ({"labels": objects(["Run", "Run"], [])}, "video v: expected pairs of seconds and a label for each"),
        ({"segments": objects([[0.0, "x"]], [])}, "video v: a time must be a number, got 'x'"),
        ({"segments": objects([[0.0]], [])}, "video v: expected pairs"),
        ({"segments": objects(7, [])}, "video v: expected pairs"),
        ({"subset": np.array(b"test")}, "the W-TALC arrays differ in length"),
        ({"segments": np.array(7)}, "holds one value"),
        ({"duration": np.array([[-1.0], [8.0]])}, "video v: the duration must be above 0"),
        ({"videoname": np.array([b"", b"w"])}, "a video's name must be a name"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_wtalc(select_wtalc(written(tmp_path, **changes)))
