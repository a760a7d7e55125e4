"""What a study tries before its sampler proposes."""

from __future__ import annotations

from typing import Literal

from study.config.space import Point, known_point
from study.config.study import StudyConfig
from trainables.config import RunConfig

Origin = Literal["preset", "given"]


def first_points(study: StudyConfig, run: RunConfig) -> list[tuple[Origin, Point]]:
    """The preset's own point where the study says so, then the study's first points, equal ones once; none where the
    sampler goes through all points."""
    own = known_point(study.space, run)[0] if study.start_from_preset else None
    found: list[tuple[Origin, Point]] = [] if own is None else [("preset", own)]
    for given in study.first_points:
        point = {key: study.space[key].own(value) for key, value in given.items()}
        if all(point != other for _, other in found):
            found.append(("given", point))
    return [] if study.exhaustive else found
