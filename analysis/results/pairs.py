"""Two studies, paired by configuration and seed. All mAP are percent on the test split."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.results.refinement import best_trials
from analysis.results.statistics import (
    PairedDifference,
    Summary,
    at_best_iteration,
    bootstrap_interval,
    paired_difference,
    ranked_trials,
)
from analysis.study import Study


class PairedConfiguration(NamedTuple):
    """One configuration that both ran, over the seeds that each has; difference: second - first on common seeds."""

    configuration: str
    first: Summary
    second: Summary
    difference: PairedDifference


class Pairs(NamedTuple):
    """names: of the studies. rows: by the first study's selection objective, best first. overall: mean of the
    configurations' differences, percentage points; interval: 95 %, bootstrap over configurations, None with fewer
    than FEWEST_CONFIGURATIONS. best: the best configuration of each study, whether the other ran it or not. unpaired:
    configurations with a number that only the first, and only the second study ran."""

    names: tuple[str, str]
    rows: list[PairedConfiguration]
    overall: float | None
    interval: tuple[float, float] | None
    best: tuple[Summary | None, Summary | None]
    best_difference: PairedDifference | None
    unpaired: tuple[int, int]


FEWEST_CONFIGURATIONS = 3


def paired_studies(first: Study, second: Study) -> Pairs:
    """Second - first; configurations are the same where every searched value is."""
    one, two = (_by_configuration(study) for study in (first, second))
    rows = []
    for name in one:
        difference = paired_difference(two[name], one[name]) if name in two else None
        if difference is not None:
            rows.append(PairedConfiguration(name, one[name], two[name], difference))
    means = np.array([row.difference.mean for row in rows])
    best = tuple(at_best_iteration(best_trials(study)) for study in (first, second))
    return Pairs(
        names=(first.name, second.name),
        rows=rows,
        overall=float(means.mean()) if len(means) else None,
        interval=bootstrap_interval(means) if len(means) >= FEWEST_CONFIGURATIONS else None,
        best=(best[0], best[1]),
        best_difference=paired_difference(best[1], best[0]) if best[0] and best[1] else None,
        unpaired=(len(one.keys() - two.keys()), len(two.keys() - one.keys())),
    )


def pairs_data(pairs: Pairs) -> pd.DataFrame:
    """One row per configuration and common seed."""
    rows = []
    for row in pairs.rows:
        one, two = (
            dict(zip(s.seeds, zip(s.values, s.trials, strict=True), strict=True)) for s in (row.first, row.second)
        )
        rows += [
            {"first": pairs.names[0], "second": pairs.names[1], "configuration": row.configuration, "seed": seed,
             "first_trial": one[seed][1], "second_trial": two[seed][1], "first_test_map": one[seed][0],
             "second_test_map": two[seed][0], "difference": two[seed][0] - one[seed][0]}
            for seed in row.difference.seeds
        ]  # fmt: skip
    columns = ["first", "second", "configuration", "seed", "first_trial", "second_trial", "first_test_map",
               "second_test_map", "difference"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _by_configuration(study: Study) -> dict[str, Summary]:
    """Test mAP of each configuration over its seeds, in the order of their selection objective."""
    done = study.completed
    order = {
        ranked.replicates[0].point: [replicate.trial for replicate in ranked.replicates]
        for ranked in ranked_trials(done)
    }
    found = {name: at_best_iteration(done[done["trial"].isin(numbers)]) for name, numbers in order.items()}
    return {name: summary for name, summary in found.items() if summary is not None}
