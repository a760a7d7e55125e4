"""Prediction files under the study's own protocol."""

from pathlib import Path

import numpy as np
import pytest

from analysis.results.predictions import (
    EvaluatedSplit,
    best_predictions,
    evaluation_note,
    precision_recall,
    read_test_split,
    telling_videos,
)
from analysis.study import load_study
from tests.analysis.prediction_folders import CLASSES, TRUTH_HEAD, with_predictions, write
from trainables.data.ground_truth import GroundTruth, read_ground_truth
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.evaluation.protocols import PROTOCOLS


def test_the_videos_are_chosen_by_their_own_change(tmp_path: Path) -> None:
    found = best_predictions(load_study(with_predictions(tmp_path / "s")))
    assert found is not None
    assert (found.trial, found.iteration, found.title) == (0, 1, "trial t0000, η = 1")
    assert telling_videos(found, np.array([0.5])) == [
        ("best", "a", 100.0),
        ("median", "b", 0.0),
        ("worst", "c", -100.0),
    ]


def test_without_the_base_models_predictions_the_model_itself_decides(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    for name in ("t0000.m0.csv", "t0000.labels.csv"):
        (folder / "predictions" / name).unlink()
    found = best_predictions(load_study(folder))
    assert found is not None
    assert [(video.role, video.change) for video in telling_videos(found, np.array([0.5]))] == [
        ("best", 100.0), ("median", 100.0), ("worst", 0.0)
    ]  # fmt: skip


def test_a_folder_without_the_files_has_none(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    (folder / "predictions" / "t0000.csv").unlink()
    assert best_predictions(load_study(folder)) is None
    write(folder / "ground_truth.csv", TRUTH_HEAD, [])
    empty = read_test_split(load_study(folder))
    assert empty is not None
    assert not empty.is_annotated
    (folder / "ground_truth.csv").unlink()
    assert read_test_split(load_study(folder)) is None


def test_precision_and_recall_of_each_class(tmp_path: Path) -> None:
    truth = read_ground_truth(with_predictions(tmp_path / "s") / "ground_truth.csv", classes=CLASSES)
    rows = Segments.of(["a", "a", "c"], [0, 20, 1], [10, 25, 4], [0, 0, 0], [0.9, 0.8, 0.7])
    first, second = precision_recall(EvaluatedSplit(truth, "activitynet", None), rows, 0.5)
    assert first.recall.tolist() == [0.5, 0.5, 1.0]
    assert first.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert first.ap == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert (len(second.recall), second.ap) == (0, 0)


def test_detections_in_ambiguous_intervals_are_left_out_as_the_protocol_says(tmp_path: Path) -> None:
    """Class x: a false positive before the hit halves the precision, unless it lies in an ambiguous interval."""
    truth = GroundTruth(Segments.of(["a"], [0], [10], [0]), ("x",), {})
    rows = Segments.of(["a", "a"], [20, 0], [25, 10], [0, 0], [0.9, 0.8])
    aside = Segments.of(["a"], [19], [26], [0])
    for protocol, ap in (("activitynet", 50), ("basnet", 50), ("thumos14", 100), ("wtalc", 100)):
        (curve,) = precision_recall(EvaluatedSplit(truth, protocol, aside), rows, 0.4)
        assert (curve.ap, curve.precision[-1]) == (pytest.approx(ap), pytest.approx(ap / 100))


def test_the_protocol_and_the_ambiguous_intervals_come_from_the_folder(tmp_path: Path) -> None:
    study = load_study(with_predictions(tmp_path / "s", "thumos14", ["c,8,9"]))
    test = read_test_split(study)
    assert test is not None
    assert (test.protocol, test.ambiguous is not None and len(test.ambiguous)) == ("thumos14", 1)
    assert evaluation_note(study, test) == "THUMOS14 kit's evaluation"


def test_what_an_older_folder_lacks_is_said(tmp_path: Path) -> None:
    old = load_study(with_predictions(tmp_path / "old", "wtalc"))
    test = read_test_split(old)
    assert test is not None
    assert "does not hold the ambiguous intervals" in evaluation_note(old, test)
    other = load_study(with_predictions(tmp_path / "other", "activitynet"))
    test = read_test_split(other)
    assert test is not None
    assert evaluation_note(other, test) == "ActivityNet-style evaluation"


def test_a_protocol_that_is_not_known_is_not_taken_for_another(tmp_path: Path) -> None:
    study = load_study(with_predictions(tmp_path / "s", "thumos15"))
    with pytest.raises(UserError, match=r"evaluation.protocol 'thumos15' is not known here.* 'thumos14'\?"):
        read_test_split(study)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_area_under_the_ranking_is_the_average_precision(protocol: str) -> None:
    rng = np.random.default_rng(4)

    def random_segments(rows: int) -> Segments:
        start = rng.integers(0, 20, rows).astype(float)
        names = [f"v{v}" for v in rng.integers(0, 6, rows)]
        return Segments.of(names, start, start + rng.integers(1, 8, rows), rng.integers(0, 2, rows), rng.random(rows))

    for _ in range(20):
        test = EvaluatedSplit(GroundTruth(random_segments(12), ("x", "y"), {}), protocol, random_segments(4))
        predictions, tiou = random_segments(40), np.array([0.3, 0.5])
        truth, rankings = test.rankings(predictions, tiou)
        ap = test.class_ap(predictions, tiou)
        for k, ranking in enumerate(rankings):
            for label in set(truth.label.tolist()):
                hit = ranking.hit[ranking.segments.label == label]
                precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
                if PROTOCOLS[protocol].interpolated:
                    precision = np.maximum.accumulate(precision[::-1])[::-1]
                area = 100 * (precision * hit).sum() / np.count_nonzero(truth.label == label)
                assert ap[label, k] == pytest.approx(area)
