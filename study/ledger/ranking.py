"""Which configuration of a study is the best: one rule for the terminal, the confirmation and the tables.

Only configurations with the most seeds take part: the luckiest of many single runs is no match for a mean, and a
replicate that failed leaves a mean over fewer seeds. Of those, the highest mean selection objective comes first; ties
go to the configuration of the earlier trial. A seed that occurs twice in a configuration counts with its earlier trial.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any, NamedTuple

from study.ledger.records import TrialRecord

GENERATOR, ORACLE = "pseudo_labels.generator", "oracle"
CONFIRM = "confirm"


class Replicate(NamedTuple):
    """A completed trial in the ranking. point: equal for trials that differ in the seed alone. objective: percent."""

    trial: int
    point: str
    seed: int
    objective: float


def ranked_points(replicates: Iterable[Replicate]) -> list[list[Replicate]]:
    """The configurations that take part, the best first; of each its replicates, one per seed, in trial order."""
    groups: dict[str, dict[int, Replicate]] = {}
    for replicate in sorted(replicates):
        groups.setdefault(replicate.point, {}).setdefault(replicate.seed, replicate)
    most = max((len(group) for group in groups.values()), default=0)
    contenders = [list(group.values()) for group in groups.values() if len(group) == most]
    return sorted(contenders, key=lambda group: (-fmean(one.objective for one in group), group[0].trial))


def point_key(params: Mapping[str, Any]) -> str:
    """Equal for equal values of the searched keys, in whatever order they stand."""
    return json.dumps(params, sort_keys=True)


def ranked_configurations(records: Iterable[TrialRecord], generator: str | None = None) -> list[list[TrialRecord]]:
    """Completed trials of the configurations that take part, the best first.

    The oracle makes its labels from the annotations: it is an upper bound and never among them. generator: of all
    trials, where it is not searched.
    """
    known = {record.number: record for record in records}
    replicates = [
        Replicate(record.number, point_key(record.params), record.seed, record.objective)
        for record in known.values()
        if record.state == "completed"
        and record.objective is not None
        and math.isfinite(record.objective)
        and generator_of(record, generator) != ORACLE
    ]
    return [[known[one.trial] for one in group] for group in ranked_points(replicates)]


def best_configuration(records: Iterable[TrialRecord], generator: str | None = None) -> list[TrialRecord]:
    """Completed trials of the best configuration, one per seed; none when none completed."""
    return next(iter(ranked_configurations(records, generator)), [])


def generator_of(record: TrialRecord, generator: str | None = None) -> Any:
    """What makes a trial's pseudo labels; ``generator`` where it is not searched."""
    return record.params.get(GENERATOR, generator)
