"""The space of a study, turned to the thresholds that it is to vary."""

from __future__ import annotations

from typing import Any

import pytest

from study.config.space import point_at
from study.config.study import StudyConfig, load_study_config, parse_study
from study.config.thresholds import varied_thresholds, with_thresholds
from tests.study.worlds import GENERATOR, MIN_ATTENTION, run_of, study_of
from trainables.errors import UserError

PREDICTION = "prediction.min_attention"


def points(study: StudyConfig) -> list[dict[str, Any]]:
    """With each generator in turn."""
    return [point_at(study.space, [choice / 3, 0.3, 0.6]) for choice in range(3)]


def test_labels_leave_a_study_as_it_is() -> None:
    study = study_of()
    assert with_thresholds(study, "labels") is study
    assert [MIN_ATTENTION in point for point in points(study)] == [True, True, False]


def test_thresholds_of_predictions_matter_to_every_generator() -> None:
    study = with_thresholds(study_of(), "predictions")
    assert varied_thresholds(study) == [PREDICTION]
    for point in points(study):
        run = run_of(thresholds="predictions").updated(point)
        assert run.prediction.min_attention == point[PREDICTION]
        assert run.pseudo_labels.segments.min_attention == 0.5


def test_one_pair_varies_both_for_every_generator() -> None:
    study = with_thresholds(study_of(), "both")
    for point in points(study):
        run = run_of(thresholds="both").updated(point)
        assert run.prediction.min_attention == run.pseudo_labels.segments.min_attention == point[MIN_ATTENTION]
    assert {point[GENERATOR] for point in points(study)} == {"segment_prediction", "attention", "uniform_random"}


def test_conditions_on_other_keys_stay() -> None:
    condition = {"loss.beta": [2.0], GENERATOR: ["attention"]}
    space = {**study_of().space_tree, MIN_ATTENTION: {"choices": [0.1, 0.5], "when": condition}}
    study = with_thresholds(parse_study({"name": "s", "space": space}, "test"), "predictions")
    assert study.space[PREDICTION].when == {"loss.beta": (2.0,)}


def test_first_points_are_turned_too() -> None:
    point = {GENERATOR: "attention", "loss.beta": 2.0, MIN_ATTENTION: 0.3}
    study = with_thresholds(study_of(first_points=[point]), "predictions")
    assert study.first_points == ({GENERATOR: "attention", "loss.beta": 2.0, PREDICTION: 0.3},)


def test_what_is_turned_stays_when_it_is_read_again() -> None:
    for thresholds in ("predictions", "both"):
        study = with_thresholds(load_study_config("search"), thresholds)
        assert with_thresholds(parse_study(study.as_dict(), "study.json"), thresholds) == study


def test_a_space_with_both_kinds_is_not_one_pair() -> None:
    space = {MIN_ATTENTION: {"choices": [0.1, 0.5]}, PREDICTION: {"choices": [0.1, 0.5]}}
    study = parse_study({"name": "two", "space": space}, "test")
    with pytest.raises(UserError, match=r"^study two: space: .* vary each by itself, thresholds: both is one pair"):
        with_thresholds(study, "both")
