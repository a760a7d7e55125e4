"""Timelines of the report as data."""

import base64
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

from analysis.report.timelines import Timelines, timelines
from analysis.study import load_study
from tests.analysis.prediction_folders import HEAD, TRUTH_HEAD, with_predictions, write
from tests.analysis.study_folders import StudyFolder, point


def unpacked(found: Timelines | None) -> dict[str, Any]:
    assert found is not None
    tree: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found.packed)))
    return tree


def tracks_of(tree: dict[str, Any], trial: int, video: str) -> dict[str, list[int]]:
    place = tree["videos"].index(video)
    return {name: tree["tracks"][at][place] for name, at in tree["trials"][trial]["tracks"].items()}


def test_each_video_has_its_tracks(tmp_path: Path) -> None:
    found = timelines(load_study(with_predictions(tmp_path / "s")))
    assert found is not None
    assert (found.trials, found.left_out, found.hidden_videos) == (["t0000"], [], 0)
    tree = unpacked(found)
    assert (tree["classes"], tree["videos"], tree["ends"]) == (["x", "y"], ["a", "b", "c"], [3000, 2000, 1000])
    assert tree["trials"][0]["title"] == "trial t0000, η = 1"
    assert tracks_of(tree, 0, "a") == {
        "ground truth": [0, 1000, 0, 100],
        "M0": [2000, 2500, 0, 100],
        "pseudo labels": [0, 800, -1, 100],
        "η = 1": [0, 1000, 0, 100, 100, 200, 1, 0],
    }


def test_every_trial_has_timelines_and_equal_tracks_are_there_once(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    write(folder / "predictions" / "t0001.csv", HEAD, ["a,3,4,x,0.9"])
    shutil.copy(folder / "predictions" / "t0000.m0.csv", folder / "predictions" / "t0001.m0.csv")
    tree = unpacked(timelines(load_study(folder)))
    first, second = (trial["tracks"] for trial in tree["trials"])
    assert [trial["name"] for trial in tree["trials"]] == ["t0000", "t0001"]  # the best comes first
    assert (first["M0"], first["ground truth"]) == (second["M0"], second["ground truth"])
    assert tracks_of(tree, 1, "a")["η = 1"] == [300, 400, 0, 100]


def test_what_has_no_room_is_left_out_and_named(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    write(folder / "predictions" / "t0001.csv", HEAD, ["a,3,4,x,0.9"])
    found = timelines(load_study(folder), budget=1)
    assert found is not None
    assert (found.trials, found.left_out) == (["t0000"], ["t0001"])


def test_a_name_cannot_end_the_script(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    for path in (folder / "ground_truth.csv", *(folder / "predictions").iterdir()):
        path.write_text(path.read_text().replace("a,", "</script>,"))
    found = timelines(load_study(folder))
    assert found is not None
    assert "<" not in found.packed
    assert "</script>" in unpacked(found)["videos"]


def test_without_files_there_are_none(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40])
    assert timelines(load_study(tmp_path / "s")) is None


def test_videos_without_annotations_have_timelines_of_their_predictions(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    write(folder / "ground_truth.csv", TRUTH_HEAD, [])
    tree = unpacked(timelines(load_study(folder)))
    tracks = tracks_of(tree, 0, "a")
    assert (tracks["ground truth"], tracks["η = 1"]) == ([], [0, 1000, 0, 100, 100, 200, 1, 0])
    assert tree["ends"][0] == 2500  # of the last segment
