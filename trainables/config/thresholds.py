"""Whose thresholds alpha_A and alpha_C vary: the pseudo labels', the predictions', or one pair that serves both.

The paper has one pair, the released code one for each. A pair of both stands in a configuration twice, once for labels
and once for predictions, and the two are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

Thresholds = Literal["labels", "predictions", "both"]
THRESHOLDS: tuple[str, ...] = get_args(Thresholds)

NAMES = ("min_attention", "min_class_score")
OF_LABELS = tuple(f"pseudo_labels.segments.{name}" for name in NAMES)
OF_PREDICTIONS = tuple(f"prediction.{name}" for name in NAMES)
PREDICTIONS_TO_LABELS = dict(zip(OF_PREDICTIONS, OF_LABELS, strict=True))
LABELS_TO_PREDICTIONS = dict(zip(OF_LABELS, OF_PREDICTIONS, strict=True))
_PARTNERS = PREDICTIONS_TO_LABELS | LABELS_TO_PREDICTIONS

# Whether the predictions' pair is chosen after each training.
TUNE = "prediction.tune"

# Base models with a detection of their own, which knows neither threshold.
OWN_DETECTION = ("wtalc", "basnet")


def with_partners(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys and values, with each threshold set for labels and predictions alike unless both are given."""
    return {_PARTNERS[key]: value for key, value in values.items() if key in _PARTNERS} | dict(values)


def why_not_tuned(base_model: str, thresholds: str, rule: str) -> str | None:
    """Why ``prediction.tune: thresholds`` cannot be, as the rest of a sentence; None where it can."""
    if base_model in OWN_DETECTION:
        return (
            f"chooses alpha_A and alpha_C of the predictions, and base model {base_model} has a detection of its own "
            "without them; set prediction.tune=none"
        )
    if thresholds == "both":
        return (
            "chooses a pair for the predictions alone, and thresholds: both is one pair for labels and predictions, "
            "which the configuration gives; set thresholds=labels, or prediction.tune=none"
        )
    if thresholds == "predictions":
        return (
            "chooses the pair that thresholds: predictions lets the search choose; set thresholds=labels, or "
            "prediction.tune=none"
        )
    if rule == "video-labels":
        return (
            "chooses by mAP, and selection.rule: video-labels has no temporal annotations to measure it by; set "
            "prediction.tune=none, or another rule"
        )
    return None
