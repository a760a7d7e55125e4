"""One reader of ground truth, whatever it comes in."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from trainables.data.ground_truth import read_ground_truth
from trainables.errors import UserError


def csv(folder: Path, text: str) -> Path:
    path = folder / "g.csv"
    path.write_text(text)
    return path


def database(folder: Path, **videos: Any) -> Path:
    path = folder / "g.json"
    path.write_text(json.dumps({"database": videos}))
    return path


def video(subset: str, *labels: str, start: float = 0, **more: Any) -> dict[str, Any]:
    return {"subset": subset, "annotations": [{"segment": [start, 2], "label": label} for label in labels], **more}


def test_an_instance_that_ends_before_it_starts_is_left_out_and_counted_in_every_format(tmp_path: Path) -> None:
    as_csv = read_ground_truth(csv(tmp_path, "video-name,t-start,t-end,label\nv,0,1,b\nv,5,4,a\nw,2,2,a\n"))
    assert as_csv.classes == ("a", "b")
    assert list(zip(as_csv.instances.video, as_csv.instances.label, strict=True)) == [("v", 1), ("w", 0)]
    assert len(as_csv.with_length().instances) == 1
    tree = database(tmp_path, v=video("test", "b"), w=video("test", "a", start=3), x=video("test", "a", start=2))
    as_json = read_ground_truth(tree)
    assert as_json.instances.video.tolist() == ["v", "x"]
    assert as_csv.reversed == as_json.reversed == 1


def test_test_classes_that_no_training_video_has_count(tmp_path: Path) -> None:
    truth = read_ground_truth(database(tmp_path, v=video("train", "a"), w=video("test", "b")))
    assert (truth.classes, truth.instances.label.tolist(), truth.videos) == (("a", "b"), [1], {"w"})


def test_the_numbers_of_the_files_are_those_of_integer_labels(tmp_path: Path) -> None:
    tree = database(tmp_path, v={"subset": "test", "annotations": [{"segment": [0, 1], "label": "b", "label_id": 7}]})
    assert read_ground_truth(tree).numbers == {7: "b"}
    assert read_ground_truth(tree, classes=["a", "b"]).numbers == {0: "a", 1: "b"}
    assert read_ground_truth(csv(tmp_path, "video-name,t-start,t-end,label\nv,0,1,b\n")).numbers == {}


def test_durations_may_be_missing_but_not_negative(tmp_path: Path) -> None:
    header = "video-name,t-start,t-end,label,video-duration\n"
    assert read_ground_truth(csv(tmp_path, header + "v,0,1,b,\nw,0,1,b,9\nx,0,1,b,0.0\n")).durations == {"w": 9.0}
    with pytest.raises(UserError, match="line 2: video-duration must be above 0, got -1"):
        read_ground_truth(csv(tmp_path, header + "v,0,1,b,-1\n"))


def test_a_label_outside_the_given_classes_is_refused(tmp_path: Path) -> None:
    path = csv(tmp_path, "video-name,t-start,t-end,label\nv,0,1,b\n")
    with pytest.raises(UserError, match="label 'b' is not among the 2 classes"):
        read_ground_truth(path, classes=["run", "jump"])
    with pytest.raises(UserError, match="has no subsets"):
        read_ground_truth(path, "test")


def test_videos_of_an_unused_subset_need_no_annotations(tmp_path: Path) -> None:
    tree = database(tmp_path, v=video("training", "a"), w=video("validation", "a"), x={"subset": "testing"})
    assert read_ground_truth(tree).videos == {"w"}
    with pytest.raises(UserError, match="1 test videos have no 'annotations' \\(w\\)"):
        read_ground_truth(database(tmp_path, v=video("training", "a"), w={"subset": "validation"}))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"subset": "test", "annotations": [], "duration": -1}, "video 'v': the duration must be above 0"),
        ({"subset": "test", "annotations": [], "duration": "x"}, "video 'v': the duration must be a number"),
        ({"subset": "test", "annotations": [], "fps": -1}, "video 'v': the frame rate must be above 0"),
        ({"subset": "test", "annotations": {}}, "video v: 'annotations' must be a list"),
        ({"subset": "test", "annotations": [7]}, "video v, annotation 0: expected segment"),
        ({"subset": "test", "annotations": [{"segment": [0], "label": "a"}]}, "segment must be \\[start, end\\]"),
        ({"subset": "test", "annotations": [{"segment": [0, {}], "label": "a"}]}, "a time must be a number"),
        ({"subset": "test", "annotations": [{"segment": [0, 1]}]}, "annotation 0: label must be a name"),
        ({"subset": 7}, "expected an object with 'subset'"),
        ({"subset": "x", "annotations": []}, "subset 'x' is unknown"),
    ],
)
def test_json_that_says_something_else_is_one_line(tmp_path: Path, entry: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_ground_truth(database(tmp_path, v=entry))


def test_one_number_stands_for_one_class(tmp_path: Path) -> None:
    rows = [{"segment": [0, 1], "label": label, "label_id": 0} for label in ("a", "b")]
    with pytest.raises(UserError, match="label_id 0 stands for 'a' and for 'b'"):
        read_ground_truth(database(tmp_path, v={"subset": "test", "annotations": rows}))


def test_videos_with_labels_alone_are_counted(tmp_path: Path) -> None:
    weak = {"subset": "test", "annotations": [{"label": "a"}]}
    truth = read_ground_truth(database(tmp_path, v=video("test", "a"), w=weak))
    assert (truth.label_only, len(truth.videos)) == (1, 2)


def test_a_file_without_segments_says_that_nothing_can_be_compared_with_it(tmp_path: Path) -> None:
    path = csv(tmp_path, "video-name,t-start,t-end,label,video-duration\n")
    with pytest.raises(UserError, match=r"holds no segment: these videos have no temporal annotation"):
        read_ground_truth(path).require_instances(path)
    csv(tmp_path, "video-name,t-start,t-end,label\nv,0,1,b\n")
    read_ground_truth(path).require_instances(path)


def test_a_list_of_labels_is_ground_truth_without_segments(tmp_path: Path) -> None:
    path = csv(tmp_path, "video,label\nv,b\n")
    with pytest.raises(UserError, match=r"holds no segment: these videos have no temporal annotation"):
        read_ground_truth(path)


@pytest.mark.parametrize("command", ["trainables.evaluation.__main__", "analysis.diagnosis.__main__"])
def test_both_commands_refuse_it_before_they_look_at_predictions(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv(tmp_path, "video-name,t-start,t-end,label,video-duration\n")
    files = ["--predictions", str(tmp_path / "p.csv"), "--ground-truth", str(path)]
    assert importlib.import_module(command).main(files) == 2
    assert "holds no segment" in capsys.readouterr().err
