"""Protocol ``thumos14`` gives what the official kit gives, run under Octave on the official annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.trainables.thumos14 import THUMOS14_CLASSES
from trainables.data.annotation_files import read_annotations
from trainables.data.annotations import Annotations
from trainables.data.prediction_files import read_predictions
from trainables.evaluation.mean_ap import evaluate

TIOU = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


@pytest.fixture(scope="module")
def official(shared: Path) -> Annotations:
    return read_annotations(shared / "data/thumos14/annotations", THUMOS14_CLASSES).subset("test")


@pytest.fixture(scope="module")
def sets(parity: Path) -> list[Path]:
    found = sorted(path for path in (parity / "thumos14_kit").glob("*.csv") if not path.name.endswith(".kit.csv"))
    assert found
    return found


def test_every_set_agrees_to_the_last_digits(official: Annotations, sets: list[Path]) -> None:
    for path in sets:
        found = read_predictions(path, THUMOS14_CLASSES)
        kit = np.loadtxt(path.with_suffix(".kit.csv"), delimiter=",", ndmin=2)
        result = evaluate(official.instances, found, 20, TIOU, protocol="thumos14", ambiguous=official.ambiguous)
        assert kit[:, 0] == pytest.approx(TIOU), path.name
        np.testing.assert_allclose(result.class_ap.T / 100, kit[:, 1:21], rtol=0, atol=1e-12, err_msg=path.name)
        np.testing.assert_allclose(result.map / 100, kit[:, 21], rtol=0, atol=1e-12, err_msg=path.name)


def test_ambiguous_intervals_of_videos_without_instances_are_kept(official: Annotations) -> None:
    assert len(official.ambiguous) == 99
    assert "video_test_0001292" in set(official.ambiguous.video) - {video.name for video in official.videos}
