"""Detections are matched with the ground truth's videos, and what is not is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trainables.data.ground_truth import GroundTruth
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.evaluation.detections import read_detections, truth_warnings

TRUTH = GroundTruth(Segments.of(["a", "v_b"], [0, 0], [1, 1], [0, 0]), ("run", "jump"), videos=frozenset(["a", "v_b"]))


def found(folder: Path, *rows: str) -> Path:
    path = folder / "p.csv"
    path.write_text("\n".join(["video-name,t-start,t-end,label,score", *rows]) + "\n")
    return path


def test_prefix_and_suffix_of_videos_are_understood(tmp_path: Path) -> None:
    path = found(tmp_path, "v_a.mp4,0,1,run,1", "b,0,1,run,1", "c,0,1,run,1")
    detections = read_detections(path, TRUTH)
    assert detections.segments.video.tolist() == ["a", "v_b", "c"]
    assert (detections.counts.unmatched_predictions, detections.counts.unmatched_videos) == (1, 1)
    assert detections.warnings == ("1 of 3 predictions are of 1 video not evaluated (c) and count as false positives",)
    assert "are not counted" in read_detections(path, TRUTH, "wtalc").warnings[0]


def test_no_video_in_common_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none of its 2 videos \(c, d\) is among the 2 of the ground truth \(a, v_b\)"):
        read_detections(found(tmp_path, "c,0,1,run,1", "d,0,1,run,1"), TRUTH)
    assert len(read_detections(found(tmp_path), TRUTH).segments) == 0


def test_two_spellings_of_one_video_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'a' and 'v_a' are one video"):
        read_detections(found(tmp_path, "a,0,1,run,1", "v_a,0,1,run,1"), TRUTH)


def test_labels_that_count_for_nothing_are_named(tmp_path: Path) -> None:
    path = found(tmp_path, "a,0,1,run,1", "a,0,1,jump,1", "a,0,1,swim,1", "a,2,1,run,1")
    first, second = read_detections(path, TRUTH).warnings
    assert first.startswith("2 of 4 predictions have a class without instances (swim, jump) and are ignored")
    assert second == "1 of 4 predictions end before they start: false positives"


def test_what_must_be_said_of_the_ground_truth() -> None:
    assert truth_warnings(TRUTH) == []
    first, second = truth_warnings(replace(TRUTH, reversed=2, label_only=1))
    assert first == "2 instances end before they start and are left out, as officially"
    assert second.startswith("1 video of 2 have labels without segments")
