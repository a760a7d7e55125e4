"""Timelines of the report as data."""

import json
from pathlib import Path

from analysis.report.timelines import timeline_json
from analysis.study import load_study
from tests.analysis.prediction_folders import TRUTH_HEAD, with_predictions, write
from tests.analysis.study_folders import StudyFolder, point


def test_each_video_has_its_tracks(tmp_path: Path) -> None:
    text = timeline_json(load_study(with_predictions(tmp_path / "s")))
    assert text is not None
    tree = json.loads(text)
    assert (tree["title"], tree["classes"], tree["hidden"]) == ("trial t0000, η = 1", ["x", "y"], 0)
    assert list(tree["videos"]) == ["a", "b", "c"]
    video = tree["videos"]["a"]
    assert video["end"] == 30
    assert video["tracks"]["ground truth"] == [[0, 10, 0, 1]]
    assert video["tracks"]["η = 1"] == [[0, 10, 0, 1], [1, 2, 1, 0]]
    assert video["tracks"]["pseudo labels"] == [[0, 8, -1, 1]]


def test_a_name_cannot_end_the_script(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    for path in (folder / "ground_truth.csv", *(folder / "predictions").iterdir()):
        path.write_text(path.read_text().replace("a,", "</script>,"))
    text = timeline_json(load_study(folder))
    assert text is not None
    assert "<" not in text
    assert "</script>" in json.loads(text)["videos"]


def test_without_files_there_are_none(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40])
    assert timeline_json(load_study(tmp_path / "s")) is None


def test_videos_without_annotations_have_timelines_of_their_predictions(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    write(folder / "ground_truth.csv", TRUTH_HEAD, [])
    text = timeline_json(load_study(folder))
    assert text is not None
    video = json.loads(text)["videos"]["a"]
    assert video["tracks"]["ground truth"] == []
    assert video["tracks"]["η = 1"] == [[0, 10, 0, 1], [1, 2, 1, 0]]
