"""What a study is: its configuration and its search space."""

from __future__ import annotations

from study.config.space import Point, check_values, grid, known_point, point_at, suggest, why_outside
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

__all__ = [
    "PRUNER_NAMES",
    "SAMPLER_NAMES",
    "ObjectiveName",
    "Point",
    "StudyConfig",
    "check_values",
    "grid",
    "known_point",
    "load_study_config",
    "parse_study",
    "point_at",
    "recorded_study",
    "studies",
    "suggest",
    "why_outside",
]
