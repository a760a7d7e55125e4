"""ActivityNet's JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainables.data.activitynet_json import read_activitynet_json, select_json
from trainables.errors import UserError


def written(folder: Path, **database: Any) -> list[Path]:
    (folder / "g.JSON").write_text(json.dumps({"database": database}))
    return [folder / "g.JSON"]


def test_files_are_recognised_by_their_database(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"results": {}}')
    assert select_json([*written(tmp_path), tmp_path / "results.json"]) == [tmp_path / "g.JSON"]


def test_annotations_without_a_segment_are_labels_of_the_video(tmp_path: Path) -> None:
    entry = {"subset": "training", "annotations": [{"label": "a"}, {"label": "b"}]}
    raw = read_activitynet_json(written(tmp_path, v=entry, w={"subset": "testing"}))
    assert raw.video_labels == {"v": ("a", "b")}
    assert (list(raw.instances), raw.unannotated) == ([], {"w"})


def test_numbers_of_classes_are_learnt_and_integers_are_labels(tmp_path: Path) -> None:
    rows = [{"segment": ["1", 2], "label": "a", "label_id": 4}, {"segment": [1, 2], "label": 7}]
    raw = read_activitynet_json(written(tmp_path, v={"subset": "test", "annotations": rows, "fps": 0}))
    assert raw.class_numbers == {4: "a"}
    assert [row.label for row in raw.instances] == ["a", "7"]
    assert "frame rate 0" in raw.notes[0]


@pytest.mark.parametrize("text", ["[]", '{"database": []}', '{"database": {"v": []}}', '{"database": {"": {}}}'])
def test_another_tree_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.json").write_text(text)
    with pytest.raises(UserError, match=r"g\.json: "):
        read_activitynet_json([tmp_path / "g.json"])


def test_a_video_that_stands_twice_is_refused(tmp_path: Path) -> None:
    entry = '{"subset": "test", "annotations": []}'
    (tmp_path / "g.json").write_text(f'{{"database": {{"v": {entry}, "v": {entry}}}}}')
    with pytest.raises(UserError, match="the key 'v' stands twice"):
        read_activitynet_json([tmp_path / "g.json"])
