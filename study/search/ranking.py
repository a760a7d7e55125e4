"""Which configuration is the best, by the mean objective of its replicates. From the ledger alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from study.ledger import TrialRecord

GENERATOR, ORACLE = "pseudo_labels.generator", "oracle"
CONFIRM = "confirm"


def ranked_configurations(records: Iterable[TrialRecord], generator: str | None = None) -> list[int]:
    """Numbers of the configurations that have a completed replicate, the best first; the lower number wins a tie.

    A configuration with failed replicates is compared by those that completed. The oracle makes its labels from the
    annotations: it is an upper bound and never among them. generator: of all trials, where it is not searched.
    """
    groups = _completed(records, generator)
    return sorted(groups, key=lambda c: (-fmean(_objectives(groups[c])), c))


def best_configuration(records: Sequence[TrialRecord], generator: str | None = None) -> list[TrialRecord]:
    """Completed replicates of the best configuration; none when none completed.

    Where configurations were confirmed on further seeds, one of those: a mean over more seeds is no luck.
    """
    groups = _completed(records, generator)
    confirmed = {c for c, group in groups.items() if any(record.origin == CONFIRM for record in group)}
    chosen = [record for c in confirmed or groups for record in groups[c]]
    ranked = ranked_configurations(chosen, generator)
    return groups[ranked[0]] if ranked else []


def generator_of(record: TrialRecord, generator: str | None = None) -> Any:
    """What makes a trial's pseudo labels; ``generator`` where it is not searched."""
    return record.params.get(GENERATOR, generator)


def _completed(records: Iterable[TrialRecord], generator: str | None) -> dict[int, list[TrialRecord]]:
    groups: dict[int, list[TrialRecord]] = {}
    same_point: dict[str, int] = {}
    for record in records:
        if record.state != "completed" or record.objective is None or generator_of(record, generator) == ORACLE:
            continue
        number = record.configuration
        if number is None:  # a ledger from before it told the configuration
            number = same_point.setdefault(json.dumps(record.params, sort_keys=True), record.number)
        groups.setdefault(number, []).append(record)
    return groups


def _objectives(group: Sequence[TrialRecord]) -> list[float]:
    return [record.objective for record in group if record.objective is not None]
