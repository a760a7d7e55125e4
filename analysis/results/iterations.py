"""Test mAP in percent over refinement iterations, the best configuration of each generator (paper, Tables 2 and 7)."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from analysis.results.statistics import Summary, at_best_iteration, at_iteration, best_configuration
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import generator_order


class IterationRow(NamedTuple):
    """One configuration: its mAP at each iteration (None where no trial has a number), and at the chosen ones.

    seeds: how many trials it has. etas: the iteration that each of them chose.
    """

    generator: str
    configuration: str
    cells: list[Summary | None]
    chosen: Summary | None
    seeds: int
    etas: tuple[int, ...]


class IterationTable(NamedTuple):
    """iterations: 0 (M0) to the longest run. seeds: of the whole study."""

    iterations: list[int]
    rows: list[IterationRow]
    seeds: int


def iteration_table(study: Study) -> IterationTable:
    """Rows by generator."""
    done = study.completed
    best = [best_configuration(done[done[GENERATOR] == g]) for g in generator_order(list(done[GENERATOR].unique()))]
    shown = study.iterations[study.iterations["trial"].isin(pd.concat(best)["trial"])] if best else study.iterations
    iterations = list(range(int(shown["iteration"].max()) + 1)) if len(shown) else []
    rows = [
        IterationRow(
            generator=str(trials[GENERATOR].iloc[0]),
            configuration=str(trials["configuration"].iloc[0]),
            cells=[at_iteration(study.iterations, trials, iteration) for iteration in iterations],
            chosen=at_best_iteration(trials),
            seeds=len(trials),
            etas=tuple(int(eta) for eta in trials["best_iteration"]),
        )
        for trials in best
    ]
    return IterationTable(iterations, rows, done["seed"].nunique())
