"""Detections in the forms that the field writes them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainables.data.class_lists import UNKNOWN_LABEL
from trainables.data.prediction_files import read_prediction_file, read_predictions
from trainables.errors import UserError

HEADER = "video-name,t-start,t-end,label,score\n"
RUN = {"segment": [0, 1], "label": "run", "score": 0.5}


def csv(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "p.CSV"
    path.write_text(header + rows, encoding="utf-8")
    return path


def written(folder: Path, tree: Any) -> Path:
    path = folder / "p.json"
    path.write_text(json.dumps(tree))
    return path


def test_labels_are_names_or_places_and_others_unknown(tmp_path: Path) -> None:
    found = read_prediction_file(csv(tmp_path, "v,0,1,run,1\nv,0,1,1,1\nv,0,1,swim,1\nv,0,1,2,1\n"), ["run", "jump"])
    assert found.segments.label.tolist() == [0, 1, UNKNOWN_LABEL, UNKNOWN_LABEL]
    assert found.unknown_labels == {"swim": 1, "2": 1}


def test_integers_mean_what_the_ground_truth_says(tmp_path: Path) -> None:
    path = csv(tmp_path, "v,0,1,5,1\nv,0,1,0,1\n")
    assert read_prediction_file(path, ["run", "jump"], {5: "jump", 0: "run"}).segments.label.tolist() == [1, 0]
    with pytest.raises(UserError, match="label 5 is a number"):
        read_prediction_file(path, ["run", "jump"], {})


def test_an_index_is_no_label_where_classes_are_called_by_numbers(tmp_path: Path) -> None:
    assert read_predictions(csv(tmp_path, "v,0,1,0,1\nv,0,1,7,1\n"), ["3", "7"]).label.tolist() == [UNKNOWN_LABEL, 1]


def test_a_detection_that_ends_before_it_starts_matches_nothing_and_is_counted(tmp_path: Path) -> None:
    found = read_prediction_file(csv(tmp_path, "v,3,1,run,1\nv,0,1,run,1\n"), ["run"])
    assert found.reversed == 1
    assert (found.segments.start_s.tolist(), found.segments.end_s.tolist()) == ([3, 0], [3, 1])


def test_columns_may_have_the_names_of_other_tools_and_any_order(tmp_path: Path) -> None:
    found = read_predictions(csv(tmp_path, "0.25,run,1,0,v,x\n", "scores,label,t-end,t-start,video-id,note\n"), ["run"])
    assert (found.video.tolist(), found.score.tolist(), found.end_s.tolist()) == (["v"], [0.25], [1])


@pytest.mark.parametrize(
    "tree",
    [
        {"results": {"v": [RUN]}, "version": "1.3"},
        {"v": [RUN]},
        {"v": [{"segment": ["0", "1.0"], "label": "run", "scores": 0.5}]},
        [{"video-id": "v", **RUN}],
        [{"video_name": "v", "proposal_list": [RUN]}],
    ],
)
def test_json_of_the_field_is_read(tmp_path: Path, tree: Any) -> None:
    found = read_predictions(written(tmp_path, tree), ["run"])
    assert (found.video.tolist(), found.end_s.tolist(), found.score.tolist()) == (["v"], [1], [0.5])


@pytest.mark.parametrize(
    "tree",
    [
        7,
        {"results": 7},
        {"results": {"": [RUN]}},
        {"v": RUN},
        {"v": [7]},
        {"v": [{**RUN, "label": {}}]},
        {"v": [{**RUN, "label": True}]},
        {"v": [{**RUN, "segment": "01"}]},
        {"v": [{**RUN, "segment": {"a": 0, "b": 1}}]},
        {"v": [{**RUN, "score": None}]},
        [7],
        [{"video": "v", "video-id": "v", **RUN}],
        [{"video": 7, **RUN}],
        [{"video": "v", "proposal_list": 7}],
    ],
)
def test_json_that_says_something_else_is_one_line(tmp_path: Path, tree: Any) -> None:
    with pytest.raises(UserError, match=r"p\.json: ") as caught:
        read_predictions(written(tmp_path, tree), ["run"])
    assert "\n" not in str(caught.value)
