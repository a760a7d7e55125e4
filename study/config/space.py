"""The space of a study: RunConfig keys, their values, and when each of them matters.

Declared in YAML, for instance::

    loss.beta: {choices: [1.0, 2.0, 4.0]}
    pseudo_labels.segments.min_attention:
      {low: 0.1, high: 0.9, step: 0.1, when: {pseudo_labels.generator: [attention, segment_prediction]}}

A point is a dict of keys to values that holds exactly the keys that matter in it. No Ray, no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from trainables.commands import typed
from trainables.config import Part, RunConfig, field_keys, validated
from trainables.errors import UserError, nearest

if TYPE_CHECKING:
    import optuna

Value = str | int | float | bool | None
Values = Annotated[tuple[Value, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Point = dict[str, Any]


class Dimension(Part):
    """The values of one key: ``choices``, or the range ``low`` to ``high`` (both included)."""

    choices: Values | None = Field(None, min_length=1)
    low: float | int | None = None
    high: float | int | None = None
    step: float | int | None = Field(None, gt=0)
    log: bool = Field(False, description="search the logarithm of the range")
    when: dict[str, Values] = Field({}, description="this key matters only where these keys have these values")

    @model_validator(mode="after")
    def _one_kind(self) -> Dimension:
        has_range = self.low is not None and self.high is not None
        if (self.choices is not None) == has_range or (self.low is None) != (self.high is None):
            raise ValueError("needs either choices, or low and high")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low must lie below high, got {self.low} and {self.high}")
        if self.log and (self.step is not None or self.low is None or self.low <= 0):
            raise ValueError("log needs a positive range without step")
        if self.choices is not None and len(set(self.choices)) != len(self.choices):
            raise ValueError(f"choices must differ, got {list(self.choices)}")
        return self

    @property
    def bounds(self) -> tuple[float | int, float | int]:
        """low and high of a range."""
        if self.low is None or self.high is None:
            raise TypeError("choices have no bounds")
        return self.low, self.high

    @property
    def is_whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def values(self) -> list[Value] | None:
        """All values in order; None for a range without step, which has too many."""
        if self.choices is not None:
            return list(self.choices)
        (low, high), step = self.bounds, self.step
        if step is None and self.is_whole:
            step = 1
        if step is None or self.log:
            return None
        return [rounded(low + i * step) for i in range(int((high - low) / step + 1e-9) + 1)]

    def __str__(self) -> str:
        if self.choices is not None:
            return ", ".join(map(str, self.choices))
        return f"{self.low} to {self.high}" + (f" in steps of {self.step}" if self.step else "")

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the values."""
        known = self.values()
        if known is not None:
            return any(type_and_value_equal(value, other) for other in known)
        low, high = self.bounds
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return low <= value <= high and (not self.is_whole or value == int(value))

    def own(self, value: Any) -> Value:
        """A value that it contains, as it has it: 2 is the choice 2.0. One configuration is written in one way."""
        known = self.values()
        if known is not None:
            return next(one for one in known if type_and_value_equal(one, value))
        return int(value) if self.is_whole else float(value)

    def nearest(self, value: Any) -> Value:
        """The value of this dimension that is closest to ``value``; None when there is no such notion."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        known = self.values()
        if known is None:
            low, high = self.bounds
            closest = min(max(value, low), high)
            return round(closest) if self.is_whole else closest
        numbers = [v for v in known if isinstance(v, int | float) and not isinstance(v, bool)]
        return min(numbers, key=lambda v: (abs(v - value), v)) if numbers else None

    def value_at(self, coordinate: float) -> Value:
        """The value at a coordinate in [0, 1): values in order, or along the range (its logarithm, where so said)."""
        known = self.values()
        if known is not None:
            return known[int(coordinate * len(known))]
        low, high = self.bounds
        value = low * (high / low) ** coordinate if self.log else low + coordinate * (high - low)
        return min(max(round(value), int(low)), int(high)) if self.is_whole else rounded(value)

    def distribution(self) -> optuna.distributions.BaseDistribution:
        """The same values in Optuna's terms."""
        from optuna import distributions  # here, as most users of a space need no Optuna, which is slow to import

        if self.choices is not None:
            return distributions.CategoricalDistribution(list(self.choices))
        (low, high), step = self.bounds, self.step
        if isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
            return distributions.IntDistribution(low, high, log=self.log, step=step or 1)
        if step:
            high = rounded(low + int((high - low) / step + 1e-9) * step)  # Optuna wants a whole number of steps
        return distributions.FloatDistribution(low, high, log=self.log, step=step)


Space = dict[str, Dimension]


def parse_space(tree: Any, source: str) -> Space:
    """The space that ``tree`` (from YAML) declares; raises UserError that names ``source`` and the key."""
    if not isinstance(tree, Mapping):
        raise UserError(f"{source}: space: expected a mapping of keys to values, got {type(tree).__name__}")
    space: Space = {}
    for key, declared in tree.items():
        if key not in field_keys():
            listed = f"'{typed('config')}' lists all."
            raise UserError(f"{source}: space: {key}: unknown key. {nearest(str(key), field_keys(), listed)}")
        dimension = validated(Dimension, declared, f"{source}: space: {key}")
        for other in dimension.when:
            if other not in space:
                raise UserError(
                    f"{source}: space: {key}: when: '{other}' must be a key of the space that stands above it"
                )
        space[key] = dimension
    return space


def check_values(space: Space, base: RunConfig, source: str) -> None:
    """Every value of the space, and any two of them together, must make a valid RunConfig; raises UserError otherwise.

    Of a range its ends are looked at. The other keys have the base's values, or the first of the space.
    """
    values = [(key, value) for key, dimension in space.items() for value in _ends(dimension)]
    seen = set()
    for wanted in [*zip(values), *combinations(values, 2)]:
        point = _point_with(space, base, dict(wanted))
        if point is None or repr(point) in seen:
            continue
        seen.add(repr(point))
        try:
            base.updated(point, source=f"{source}: space")
        except UserError as error:
            if len(wanted) == 1:
                raise
            both = " and ".join(f"{key}={value}" for key, value in wanted)
            raise UserError(f"{error}; the space has {both}: give one of them a 'when' without the other") from None


def _ends(dimension: Dimension) -> Values:
    return dimension.choices or dimension.bounds


def _point_with(space: Space, base: RunConfig, wanted: Point) -> Point | None:
    """A point with the wanted values; None where they cannot all matter in one."""
    asked = dict(wanted)
    for key in reversed(space):
        if key in asked:
            for other, values in space[key].when.items():
                asked.setdefault(other, next(filter(space[other].contains, values), values[0]))
    point: Point = {}
    for key, dimension in space.items():
        if active(dimension, point):
            known = value_of(base, key)
            point[key] = asked.get(key, dimension.own(known) if dimension.contains(known) else _ends(dimension)[0])
    return point if all(key in point and point[key] == value for key, value in wanted.items()) else None


def active(dimension: Dimension, point: Mapping[str, Any]) -> bool:
    """Whether a dimension matters, given the keys chosen so far."""
    return all(key in point and point[key] in values for key, values in dimension.when.items())


def suggest(space: Space, trial: optuna.Trial) -> Point:
    """A point proposed by Optuna; a key that does not matter is not asked for."""
    point: Point = {}
    for key, dimension in space.items():
        if active(dimension, point):
            point[key] = _asked(trial, key, dimension)
    return point


def _asked(trial: optuna.Trial, key: str, dimension: Dimension) -> Value:
    if dimension.choices is not None:
        return trial.suggest_categorical(key, list(dimension.choices))
    values = dimension.distribution()
    low, high, step, log = (getattr(values, name) for name in ("low", "high", "step", "log"))
    if isinstance(low, int):
        return trial.suggest_int(key, low, high, step=step, log=log)
    return rounded(trial.suggest_float(key, low, high, step=step, log=log))


def point_at(space: Space, coordinates: Sequence[float]) -> Point:
    """The point at ``coordinates``, one in [0, 1) per key of the space, whether or not that key matters."""
    point: Point = {}
    for (key, dimension), coordinate in zip(space.items(), coordinates, strict=True):
        if active(dimension, point):
            point[key] = dimension.value_at(coordinate)
    return point


def grid(space: Space) -> list[Point]:
    """All points, the last key varying fastest; raises UserError for a range without step."""
    for key, dimension in space.items():
        if dimension.values() is None:
            raise UserError(f"space: {key}: a grid needs choices or a step")
    return list(_points(list(space.items()), {}))


def contains(space: Space, point: Mapping[str, Any]) -> bool:
    """Whether ``point`` holds exactly the keys that matter, each with one of its values."""
    return why_outside(space, point) is None


def why_outside(space: Space, point: Mapping[str, Any]) -> str | None:
    """What keeps ``point`` out of the space, with key and value; None where it is a point of it."""
    chosen: Point = {}
    for key, dimension in space.items():
        if not active(dimension, chosen):
            continue
        if key not in point:
            return f"{key} has no value, and the space needs one of {dimension}"
        if not dimension.contains(point[key]):
            return f"{key} = {point[key]!r} is not in the space: {dimension}"
        chosen[key] = point[key]
    extra = next((key for key in point if key not in chosen), None)
    if extra is None:
        return None
    where = "does not matter beside its other values" if extra in space else "is not a key of the space"
    return f"{extra} = {point[extra]!r} {where}"


def known_point(space: Space, run: RunConfig) -> tuple[Point | None, list[str]]:
    """The point of ``run`` in the space, and a sentence for each value that had to be moved to fit.

    None when a value fits nowhere, as a word that is not among the choices.
    """
    point: Point = {}
    notes = []
    for key, dimension in space.items():
        if not active(dimension, point):
            continue
        value = value_of(run, key)
        if not dimension.contains(value):
            moved = dimension.nearest(value)
            if moved is None:
                return None, [f"the preset has {key} = {value!r}, which is not in the space: it is not tried first"]
            notes.append(f"the preset has {key} = {value!r}, which is not in the space: {moved!r} is tried first")
            value = moved
        point[key] = dimension.own(value)
    return point, notes


def value_of(run: RunConfig, key: str) -> Any:
    """The value of a dotted key."""
    value: Any = run
    for name in key.split("."):
        value = getattr(value, name)
    return value


def type_and_value_equal(a: Any, b: Any) -> bool:
    """Equality that keeps truth values and numbers apart."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def _points(dimensions: list[tuple[str, Dimension]], chosen: Point) -> Iterator[Point]:
    if not dimensions:
        yield dict(chosen)
        return
    (key, dimension), *rest = dimensions
    if not active(dimension, chosen):
        yield from _points(rest, chosen)
        return
    for value in dimension.values() or []:
        yield from _points(rest, {**chosen, key: value})


def rounded(value: float | int) -> float | int:
    """Without the dust of adding steps: 0.3, not 0.30000000000000004."""
    return value if isinstance(value, int) else round(value, 12)
