"""Prediction files are read as they were written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trainables.data.segment_files import (
    UNKNOWN_LABEL,
    mask_segments,
    read_instances,
    read_intervals,
    read_predictions,
    write_ground_truth,
    write_intervals,
    write_predictions,
)
from trainables.data.segments import Segments
from trainables.data.split import Split, Video
from trainables.errors import UserError

CLASSES = ("Tai chi", 'Say "hi", wave')


def some_predictions() -> Segments:
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 100, 50)
    videos = np.sort(rng.integers(0, 5, 50))
    return Segments.of(
        [f"v_{v}" for v in videos], start, start + rng.uniform(0.1, 9, 50), rng.integers(0, 2, 50), rng.random(50)
    )


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_comes_back_to_the_last_bit(tmp_path: Path, suffix: str) -> None:
    path, written = tmp_path / f"p{suffix}", some_predictions()
    write_predictions(path, written, CLASSES)
    read = read_predictions(path, CLASSES)
    for column in ("video", "start_s", "end_s", "label", "score"):
        np.testing.assert_array_equal(getattr(read, column), getattr(written, column))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_no_predictions_come_back_as_none(tmp_path: Path, suffix: str) -> None:
    write_predictions(tmp_path / f"p{suffix}", Segments.empty(), CLASSES)
    assert len(read_predictions(tmp_path / f"p{suffix}", CLASSES)) == 0


def test_a_video_called_na_or_by_a_number_keeps_its_name(tmp_path: Path) -> None:
    written = Segments.of(["NA", "007"], [0, 0], [1, 1], [0, 0], [1, 1])
    write_predictions(tmp_path / "p.csv", written, CLASSES)
    assert read_predictions(tmp_path / "p.csv", CLASSES).video.tolist() == ["NA", "007"]


def test_labels_are_names_or_indices_and_others_unknown(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("video-name,t-start,t-end,label,score\nv,0,1,run,1\nv,0,1,1,1\nv,0,1,swim,1\nv,0,1,2,1\n")
    assert read_predictions(path, ["run", "jump"]).label.tolist() == [0, 1, UNKNOWN_LABEL, UNKNOWN_LABEL]


def test_an_index_is_no_label_where_classes_are_called_by_numbers(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("video-name,t-start,t-end,label,score\nv,0,1,0,1\nv,0,1,7,1\n")
    assert read_predictions(path, ["3", "7"]).label.tolist() == [UNKNOWN_LABEL, 1]


def test_an_instance_that_ends_before_it_starts_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("video-name,t-start,t-end,label\nv,0,1,b\nv,5,4,a\nw,2,2,a\n")
    instances, classes = read_instances(tmp_path / "g.csv")
    assert classes == ("a", "b")
    assert list(zip(instances.video, instances.label, strict=True)) == [("v", 1), ("w", 0)]


def test_a_label_outside_the_given_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("video-name,t-start,t-end,label\nv,0,1,b\n")
    with pytest.raises(UserError, match="label 'b' is not among the 2 classes"):
        read_instances(tmp_path / "g.csv", ["run", "jump"])


def test_ground_truth_is_written_with_durations_and_read_again(tmp_path: Path) -> None:
    videos = (Video("a", (0,), 0.5, 4), Video("b", (1,), 0.5, 3, duration_s=9.0))
    truth = Segments.of(["a", "b"], [0.5, 1.0], [1.5, 3.0], [0, 1])
    split = Split("test", videos, np.zeros((7, 2), np.float32), np.array([0, 4]), truth)
    path = tmp_path / "ground_truth.csv"
    write_ground_truth(path, split, ["x", "y"])
    instances, classes = read_instances(path, ["x", "y"])
    assert classes == ("x", "y")
    assert instances.video.tolist() == ["a", "b"]
    assert (instances.start_s.tolist(), instances.label.tolist()) == ([0.5, 1.0], [0, 1])
    assert pd.read_csv(path)["video-duration"].tolist() == [2.0, 9.0]


def test_intervals_without_a_class_are_written_and_read_again(tmp_path: Path) -> None:
    for rows in (Segments.of(["a", "b"], [0.1, 1.0], [1.7, 3.0], [0, 0]), Segments.empty()):
        write_intervals(tmp_path / "i.csv", rows)
        found = read_intervals(tmp_path / "i.csv")
        assert (found.video.tolist(), found.end_s.tolist()) == (rows.video.tolist(), rows.end_s.tolist())


def test_a_mask_becomes_one_segment_per_run_and_video() -> None:
    videos = (Video("a", (0,), 0.5, 4), Video("b", (1,), 2.0, 3))
    split = Split("test", videos, np.zeros((7, 2), np.float32), np.array([0, 4]), Segments.empty())
    found = mask_segments(split, np.array([1, 0, 1, 1, 1, 1, 0], dtype=bool))
    assert found.video.tolist() == ["a", "a", "b"]
    assert found.start_s.tolist() == [0.0, 1.0, 0.0]
    assert found.end_s.tolist() == [0.5, 2.0, 4.0]
    assert len(mask_segments(split, np.zeros(7, dtype=bool))) == 0
