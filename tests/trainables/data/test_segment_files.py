"""Prediction files are read as they were written."""

from pathlib import Path

import numpy as np
import pytest

from trainables.data.ground_truth import read_ground_truth
from trainables.data.prediction_files import read_predictions
from trainables.data.segment_files import (
    read_intervals,
    write_ground_truth,
    write_intervals,
    write_predictions,
)
from trainables.data.segments import Segments
from trainables.data.split import Split, Video

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


def test_ground_truth_is_written_with_durations_and_read_again(tmp_path: Path) -> None:
    videos = (Video("a", (0,), 0.5, 4), Video("b", (1,), 0.5, 3, duration_s=9.0))
    truth = Segments.of(["a", "b"], [0.5, 1.0], [1.5, 3.0], [0, 1])
    split = Split("test", videos, np.zeros((7, 2), np.float32), np.array([0, 4]), truth)
    path = tmp_path / "ground_truth.csv"
    write_ground_truth(path, split.ground_truth, split.durations_s, ["x", "y"])
    read = read_ground_truth(path, classes=["x", "y"])
    instances = read.instances
    assert read.classes == ("x", "y")
    assert read.durations == {"a": 2.0, "b": 9.0}
    assert instances.video.tolist() == ["a", "b"]
    assert (instances.start_s.tolist(), instances.label.tolist()) == ([0.5, 1.0], [0, 1])


def test_intervals_without_a_class_are_written_and_read_again(tmp_path: Path) -> None:
    for rows in (Segments.of(["a", "b"], [0.1, 1.0], [1.7, 3.0], [0, 0]), Segments.empty()):
        write_intervals(tmp_path / "i.csv", rows)
        found = read_intervals(tmp_path / "i.csv")
        assert (found.video.tolist(), found.end_s.tolist()) == (rows.video.tolist(), rows.end_s.tolist())
