"""What a study is: its configuration and its search space."""

from __future__ import annotations

from study.config.first_points import first_points
from study.config.space import (
    Dimension,
    Point,
    active,
    check_values,
    grid,
    known_point,
    point_at,
    suggest,
    value_of,
    why_outside,
)
from study.config.study import (
    PRUNER_NAMES,
    SAMPLER_NAMES,
    ObjectiveName,
    StudyConfig,
    load_study_config,
    parse_study,
    recorded_study,
    studies,
)
from study.config.thresholds import MEANINGS, varied_thresholds, with_thresholds

__all__ = [
    "MEANINGS",
    "PRUNER_NAMES",
    "SAMPLER_NAMES",
    "Dimension",
    "ObjectiveName",
    "Point",
    "StudyConfig",
    "active",
    "check_values",
    "first_points",
    "grid",
    "known_point",
    "load_study_config",
    "parse_study",
    "point_at",
    "recorded_study",
    "studies",
    "suggest",
    "value_of",
    "varied_thresholds",
    "why_outside",
    "with_thresholds",
]
