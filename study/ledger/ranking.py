"""Which configuration of a study is the best: one rule for the terminal, the confirmation and the tables.

Where a configuration ran on more than one seed, those with a single one take no part: the luckiest of many single runs
is no match for a mean. Of configurations with the same seeds, the highest mean selection objective comes first. Where
their seeds differ (a replicate failed, or is not there yet), what the seeds do to all of them is taken out, and the
likely value counts (``seed_effects``). Ties go to the configuration of the earlier trial. A seed that occurs twice in a
configuration counts with its earlier trial.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean
from typing import Any, NamedTuple

from study.ledger.records import TrialRecord
from study.ledger.seed_effects import Estimate, estimates, have_equal_seeds

# Spelt here too: what reads a ledger starts without pydantic, which trainables.config takes.
GENERATOR, ORACLE = "pseudo_labels.generator", "oracle"
CONFIRM = "confirm"


class Replicate(NamedTuple):
    """A completed trial in the ranking. point: equal for trials that differ in the seed alone. objective: percent."""

    trial: int
    point: str
    seed: int
    objective: float


class RankedPoint(NamedTuple):
    """A configuration: its replicates, one per seed, in trial order, and what is known of it. competes: whether it may
    be the best."""

    replicates: list[Replicate]
    estimate: Estimate
    competes: bool


def every_ranked_point(replicates: Iterable[Replicate]) -> list[RankedPoint]:
    """All configurations, the best first; those that do not compete come last."""
    groups: dict[str, dict[int, Replicate]] = {}
    for replicate in sorted(replicates):
        groups.setdefault(replicate.point, {}).setdefault(replicate.seed, replicate)
    numbers = {point: {seed: one.objective for seed, one in group.items()} for point, group in groups.items()}
    known = estimates(numbers)
    fewest = min(2, max(map(len, groups.values()), default=0))
    found: list[RankedPoint] = []
    for competes in (True, False):
        some = {point: group for point, group in groups.items() if (len(group) >= fewest) is competes}
        equal = have_equal_seeds({point: numbers[point] for point in some})
        found += sorted(
            (RankedPoint(list(group.values()), known[point], competes) for point, group in some.items()),
            key=lambda ranked, equal=equal: _rank(ranked, equal),  # type: ignore[misc]
        )
    return found


def _rank(ranked: RankedPoint, equal_seeds: bool) -> tuple[float, float, int]:
    """Lower is better. Of equal seeds, plain means have the order of the estimates, without their rounding."""
    first = ranked.replicates[0].trial
    if equal_seeds:
        return -fmean(one.objective for one in ranked.replicates), 0.0, first
    likely, mean = ranked.estimate.ranked_by
    return -likely, -mean, first


def ranked_points(replicates: Iterable[Replicate]) -> list[list[Replicate]]:
    """The configurations that compete, the best first; of each its replicates, one per seed, in trial order."""
    return [ranked.replicates for ranked in every_ranked_point(replicates) if ranked.competes]


def point_key(params: Mapping[str, Any]) -> str:
    """Equal for equal values of the searched keys, in whatever order they stand."""
    return json.dumps(params, sort_keys=True)


def reported(record: TrialRecord) -> float | None:
    """What a trial reports at its end: the best of its iterations, M0 among them."""
    return record.objective


def ranked_configurations(
    records: Iterable[TrialRecord],
    generator: str | None = None,
    number_of: Callable[[TrialRecord], float | None] = reported,
) -> list[list[TrialRecord]]:
    """Completed trials of the configurations that take part, the best first.

    The oracle makes its labels from the annotations: it is an upper bound and never among them. generator: of all
    trials, where it is not searched. number_of: what they are ranked by.
    """
    known = {record.number: record for record in records}
    numbers = {number: number_of(record) for number, record in known.items()}
    replicates = [
        Replicate(number, point_key(known[number].params), known[number].seed, value)
        for number, value in numbers.items()
        if value is not None
        and math.isfinite(value)
        and known[number].state == "completed"
        and generator_of(known[number], generator) != ORACLE
    ]
    return [[known[one.trial] for one in group] for group in ranked_points(replicates)]


def best_configuration(records: Iterable[TrialRecord], generator: str | None = None) -> list[TrialRecord]:
    """Completed trials of the best configuration, one per seed; none when none completed."""
    return next(iter(ranked_configurations(records, generator)), [])


def generator_of(record: TrialRecord, generator: str | None = None) -> Any:
    """What makes a trial's pseudo labels; ``generator`` where it is not searched."""
    return record.params.get(GENERATOR, generator)
