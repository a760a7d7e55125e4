"""Whose thresholds vary, and one pair that serves labels and predictions."""

from __future__ import annotations

import pytest

from tests.study.worlds import run_of
from trainables.config.presets import preset
from trainables.config.run import RunConfig, parse_config
from trainables.config.thresholds import OF_LABELS, OF_PREDICTIONS
from trainables.errors import UserError

LABEL_A, LABEL_C = OF_LABELS
PREDICTION_A, PREDICTION_C = OF_PREDICTIONS


def pair_of(run: RunConfig) -> tuple[float, float]:
    return run.pseudo_labels.segments.min_attention, run.prediction.min_attention


def test_the_paper_has_one_pair_the_released_code_one_for_each() -> None:
    assert preset("thumos14", protocol="paper").thresholds == "both"
    assert preset("thumos14").thresholds == "labels"


@pytest.mark.parametrize("key", [LABEL_A, PREDICTION_A])
def test_one_pair_is_set_by_either_of_its_keys(key: str) -> None:
    run = run_of(thresholds="both").updated({key: 0.7})
    assert pair_of(run) == (0.7, 0.7)
    assert pair_of(run.updated({"loss.beta": 2.0})) == (0.7, 0.7)
    assert pair_of(run_of().updated({"thresholds": "both", key: 0.7})) == (0.7, 0.7)


@pytest.mark.parametrize("thresholds", ["labels", "predictions"])
def test_elsewhere_each_has_its_own(thresholds: str) -> None:
    assert pair_of(run_of(thresholds=thresholds).updated({LABEL_A: 0.7})) == (0.7, 0.5)


def test_two_pairs_are_not_one_and_the_message_says_how_to_make_one() -> None:
    with pytest.raises(UserError, match=r"^--set: thresholds: both is one pair .* is 0.92 and prediction.min_attention "
                                        r"0.5; set one of them, as --set prediction.min_attention=0.5"):  # fmt: skip
        preset("thumos14").updated({"thresholds": "both"})
    both = {"thresholds": "both", PREDICTION_A: 0.5, PREDICTION_C: 0.35}
    assert pair_of(preset("thumos14").updated(both)) == (0.5, 0.5)
    with pytest.raises(UserError, match="both is one pair"):
        run_of(thresholds="both").updated({LABEL_A: 0.7, PREDICTION_A: 0.3})


@pytest.mark.parametrize("model", ["wtalc", "basnet"])
def test_a_base_model_with_its_own_detection_has_no_thresholds_of_predictions(model: str) -> None:
    with pytest.raises(UserError, match=f"base model {model} has a detection of its own without them; set thresholds="):
        run_of(model__name=model, thresholds="predictions")


def test_a_configuration_that_varies_the_labels_is_written_as_before() -> None:
    tree = run_of().model_dump(mode="json")
    assert "thresholds" not in tree
    assert parse_config(tree, "old").thresholds == "labels"
    assert parse_config(run_of(thresholds="both").model_dump(mode="json"), "new").thresholds == "both"


TUNED = {"prediction__tune": "thresholds"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model__name": "wtalc"}, "base model wtalc has a detection of its own .*; set prediction.tune=none"),
        ({"model__name": "basnet"}, "base model basnet has a detection of its own .*; set prediction.tune=none"),
        ({"thresholds": "both"}, "thresholds: both is one pair .* set thresholds=labels, or prediction.tune=none"),
        ({"thresholds": "predictions"}, "lets the search choose; set thresholds=labels, or prediction.tune=none"),
        ({"selection__rule": "video-labels"}, "chooses by mAP, and selection.rule: video-labels has no temporal"),
    ],
)  # fmt: skip
def test_what_cannot_be_tuned_is_refused_with_the_remedy(changes: dict[str, str], why: str) -> None:
    with pytest.raises(UserError, match=rf"^--set: prediction\.tune: thresholds .*{why}"):
        run_of(**TUNED, **changes)
    run_of(**changes)
    run_of(**TUNED)


def test_a_configuration_that_tunes_nothing_is_written_as_before() -> None:
    tree = run_of().model_dump(mode="json")
    assert "tune" not in tree["prediction"]
    assert "tune" not in tree["pseudo_labels"]["segments"]
    assert parse_config(tree, "old").prediction.tune == "none"
    tuned = run_of(**TUNED).model_dump(mode="json")
    assert tuned["prediction"].pop("tune") == "thresholds"
    assert tuned == tree


def test_labels_have_nothing_to_tune() -> None:
    with pytest.raises(UserError, match=r"pseudo_labels.segments.tune: unknown key"):
        run_of(pseudo_labels__segments__tune="thresholds")
