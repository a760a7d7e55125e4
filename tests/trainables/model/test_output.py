"""Scores as ``.npz`` and timelines as PNG, from a group of predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trainables.worlds import random_scores, split_of
from trainables.data.segments import Segments
from trainables.model.output import ScoresFile, draw_timelines
from trainables.model.prediction import GroupPrediction

LENGTHS = [4, 6, 5]


@pytest.fixture
def group() -> GroupPrediction:
    """Three videos, of which v01 could not be read."""
    split = split_of(LENGTHS, snippet_s=0.5)
    scores = random_scores(LENGTHS, 2, np.random.default_rng(0))
    return GroupPrediction(split, scores, Segments.of(["v00"], [0.5], [1.5], [1], [0.7]), {"v01": "v01: is damaged"})


def test_scores_lie_by_video_with_their_times(group: GroupPrediction, tmp_path: Path) -> None:
    file = ScoresFile(tmp_path / "new" / "s.npz", ["jump", "clap"])
    file.add(group)
    file.finish()
    file.discard()  # does nothing any more
    with np.load(tmp_path / "new" / "s.npz") as arrays:
        assert arrays["classes"].tolist() == ["jump", "clap"]
        assert arrays["v02/start_s"].tolist() == [0, 0.5, 1, 1.5, 2]
        assert arrays["v02/snippet_s"] == 0.5
        np.testing.assert_array_equal(arrays["v02/foreground"], group.scores.foreground[10:])
        np.testing.assert_array_equal(arrays["v02/class_probability"], group.scores.class_probability[10:])
        np.testing.assert_array_equal(arrays["v02/video_score"], group.scores.video_score[2])
        assert {name.split("/")[0] for name in arrays} == {"classes", "v00", "v02"}


def test_without_the_end_there_is_no_file(group: GroupPrediction, tmp_path: Path) -> None:
    (tmp_path / "s.npz").write_bytes(b"of before")
    file = ScoresFile(tmp_path / "s.npz", ["jump", "clap"])
    file.add(group)
    assert (tmp_path / "s.npz").read_bytes() == b"of before"
    file.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_every_readable_video_has_a_timeline_also_one_without_segments(group: GroupPrediction, tmp_path: Path) -> None:
    draw_timelines(tmp_path / "figures", group, ["jump", "clap"])
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert set(drawn) == {"v00.png", "v02.png"}
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())
