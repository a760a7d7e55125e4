"""Whose thresholds a study varies: its space, written for the pseudo labels', turned to the predictions' or to both.

``both`` varies one pair under the labels' keys; ``RunConfig.updated`` sets the predictions' with it. Thresholds of
predictions matter to every generator, so where they vary a condition on the generator falls away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.config.study import StudyConfig, parse_study
from trainables.config import (
    GENERATOR,
    LABELS_TO_PREDICTIONS,
    OF_LABELS,
    OF_PREDICTIONS,
    PREDICTIONS_TO_LABELS,
    Thresholds,
)
from trainables.errors import UserError

MEANINGS = {
    "labels": "of the pseudo labels alone",
    "predictions": "of the predictions alone",
    "both": "one pair for predictions and pseudo labels",
}


def varied_thresholds(study: StudyConfig) -> list[str]:
    """The thresholds among the keys of the space."""
    return [key for key in study.space if key in (*OF_LABELS, *OF_PREDICTIONS)]


def with_thresholds(study: StudyConfig, thresholds: Thresholds) -> StudyConfig:
    """The study with the thresholds that ``thresholds`` says in its space; raises UserError where it has both kinds."""
    if thresholds == "labels" or not varied_thresholds(study):
        return study
    renamed = LABELS_TO_PREDICTIONS if thresholds == "predictions" else PREDICTIONS_TO_LABELS
    for key, other in renamed.items():
        if key in study.space and other in study.space:
            raise UserError(
                f"study {study.name}: space: {key} and {other} vary each by itself, thresholds: {thresholds} is one "
                "pair; leave one of them out, or set thresholds labels"
            )
    space = {renamed.get(key, key): _condition_free(key, dimension) for key, dimension in study.space_tree.items()}
    points = [{renamed.get(key, key): value for key, value in point.items()} for point in study.first_points]
    return parse_study({**study.as_dict(), "space": space, "first_points": points}, f"study {study.name}")


def _condition_free(key: str, dimension: Mapping[str, Any]) -> dict[str, Any]:
    if key not in (*OF_LABELS, *OF_PREDICTIONS):
        return dict(dimension)
    when = {other: values for other, values in dimension.get("when", {}).items() if other != GENERATOR}
    rest = {name: value for name, value in dimension.items() if name != "when"}
    return rest | ({"when": when} if when else {})
