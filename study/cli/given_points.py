"""Points of the user's own, tried before the sampler's (``study.launch --trial KEY=VALUE,...``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from study.cli.assignments import parse_assignments
from study.cli.plan import point_text
from study.config import Dimension, Point, StudyConfig, active, first_points, parse_study, value_of, why_outside
from trainables.config import RunConfig
from trainables.errors import UserError, near, nearest

OPTION = "--trial"
NEXT_KEY = re.compile(r",\s*(?=[\w.]+\s*=)")  # a value may hold a comma


def with_given_points(study: StudyConfig, run: RunConfig, texts: Sequence[str]) -> tuple[StudyConfig, list[str]]:
    """The study with these points as its first ones, and a sentence for each value that the preset adds to them.

    Raises UserError for a point that is none of the space, and for more points than the budget has.
    """
    if study.exhaustive:
        raise UserError(
            f"{OPTION}: sampler {study.sampler} goes through all points; leave {OPTION} out, or set --sampler"
        )
    points, notes = list[Point](), list[str]()
    for text in texts:
        point, note = _point(study, run, text)
        points.append(point)
        notes += note
    study = parse_study({**study.as_dict(), "first_points": [*points, *study.first_points]}, OPTION)
    _check_budget(study, run)
    return study, notes


def _point(study: StudyConfig, run: RunConfig, text: str) -> tuple[Point, list[str]]:
    space = study.space
    given = _assigned(study, text)
    point, notes = Point(), list[str]()
    for key, dimension in space.items():
        if not active(dimension, point):
            continue
        if key in given:
            point[key] = _own_value(key, dimension, given[key])
            continue
        value = value_of(run, key)
        if not dimension.contains(value):
            raise UserError(
                f"{OPTION} {text}: {key}: required key is missing, since the preset's {value!r} is not in the space: "
                f"{dimension}"
            )
        point[key] = dimension.own(value)
        notes.append(f"{OPTION} {text}: {point_text({key: value})} is the preset's")
    outside = why_outside(space, {**given, **point})
    if outside:
        raise UserError(f"{OPTION} {text}: {outside}; leave it out")
    return point, notes


def _assigned(study: StudyConfig, text: str) -> Point:
    """Key of the space -> value, as they are written."""
    given: Point = {}
    for part in NEXT_KEY.split(text):
        ((name, value),) = parse_assignments([part], OPTION, "beta=2").items()
        key = _key(study.space, name, study.name)
        if key in given:
            raise UserError(f"{OPTION} {text}: {key} has two values; leave one out, or give {OPTION} once for each")
        given[key] = value
    return given


def _key(space: Mapping[str, Dimension], name: str, study: str) -> str:
    """A key of the space, by its whole name or by the last part of it."""
    if name in space:
        return name
    short = [key for key in space if key.rpartition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    raise UserError(f"{OPTION}: {name}: study '{study}' does not vary it. {nearest(name, space)}")


def _own_value(key: str, dimension: Dimension, value: Any) -> Any:
    """As the space has it, so that 2 is the choice 2.0; raises UserError for a value that it does not have."""
    if dimension.contains(value):
        return dimension.own(value)
    closest = dimension.nearest(value)  # of numbers
    words = near(value, map(str, dimension.choices)) if isinstance(value, str) and dimension.choices else []
    hint = f"; the nearest is {closest}" if closest is not None else f". Did you mean '{words[0]}'?" if words else ""
    raise UserError(f"{OPTION}: {key} = {value!r} is not in the space: {dimension}{hint}")


def _check_budget(study: StudyConfig, run: RunConfig) -> None:
    first = first_points(study, run)
    if len(first) <= study.num_configurations:
        return
    own = ", the preset's own among them," if first[0][0] == "preset" else ""
    raise UserError(
        f"{OPTION}: the {len(first)} points that come first{own} need --num-samples {len(first)} or more, got "
        f"{study.num_configurations}"
    )
