"""How much better than M0 the refined models of a study are, paired by seed.

Both are measured on the same videos, each trial at the refined iteration of the highest selection number.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from statistics import fmean, stdev
from typing import NamedTuple, TypeVar

from study.ledger.ranking import ORACLE, generator_of, point_key
from study.ledger.records import TrialRecord
from study.ledger.seed_effects import Numbers, are_connected, configuration_means, seed_effects
from trainables.report import IterationReport, best_refined

K = TypeVar("K", bound=Hashable)


class Gain(NamedTuple):
    """Refined - M0 over some configurations, points. standard_error: over seeds, None with one seed, or with seeds that
    no configurations connect."""

    mean: float
    standard_error: float | None


class AgainstM0(NamedTuple):
    """better: configurations whose refined model is better than M0, on the mean over their seeds, of so many. seeds:
    how many there are. gain: of the better ones, None where there is none. gain_of_all: of all."""

    better: int
    configurations: int
    seeds: int
    gain: Gain | None
    gain_of_all: Gain

    @property
    def error_text(self) -> str:
        """What the errors of the gains are, or why there are none."""
        if self.gain_of_all.standard_error is not None:
            return f"± standard error over {self.seeds} seeds"
        seeds = "one seed" if self.seeds == 1 else f"{self.seeds} seeds that no configurations share"
        return f"{seeds}, so without an error"


def against_m0(differences: Numbers[K]) -> AgainstM0 | None:
    """differences: configuration -> seed -> refined - M0. None without any."""
    if not differences:
        return None
    means = configuration_means(differences)
    better = {key: differences[key] for key, mean in means.items() if mean > 0}
    seeds = {seed for by_seed in differences.values() for seed in by_seed}
    return AgainstM0(len(better), len(means), len(seeds), _gain(better) if better else None, _gain(differences))


def differences_to_m0(
    records: Iterable[TrialRecord], split: str | None, generator: str | None = None
) -> dict[str, dict[int, float]]:
    """Of completed trials, the oracle aside. split: whose mAP is compared; None: the number that selects."""
    found: dict[str, dict[int, float]] = {}
    for record in sorted(records, key=lambda record: record.number):
        if record.state != "completed" or generator_of(record, generator) == ORACLE:
            continue
        refined = best_refined(record.iterations)
        m0 = next((report for report in record.iterations if report.iteration == 0), None)
        if refined is None or m0 is None:
            continue
        first, second = _number(refined, split), _number(m0, split)
        if first is not None and second is not None:
            found.setdefault(point_key(record.params), {}).setdefault(record.seed, first - second)
    return found


def _gain(differences: Numbers[K]) -> Gain:
    """The error is that of the seeds' parts: what a seed does to all configurations, M0 among it."""
    mean = fmean(configuration_means(differences).values())
    effects = list(seed_effects(list(differences.values())).values())
    known = len(effects) > 1 and are_connected(differences)
    return Gain(mean, stdev(effects) / math.sqrt(len(effects)) if known else None)


def _number(report: IterationReport, split: str | None) -> float | None:
    return report.selection.number if split is None else report.selection_map(split)
