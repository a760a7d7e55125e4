"""Configurations in the order of their selection objective, and what the trials cost."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from analysis.results.refinement import chosen_iterations
from analysis.results.statistics import Summary, at_best_iteration
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import ORACLE


class RankedConfiguration(NamedTuple):
    """selection: mean of the selection objective over seeds. test: mAP, None without temporal annotations. seeds,
    trials, etas: one each by trial."""

    configuration: str
    selection: float
    test: Summary | None
    trials: tuple[int, ...]
    seeds: tuple[int, ...]
    etas: tuple[int, ...]


def top_configurations(study: Study, most: int = 10) -> list[RankedConfiguration]:
    """The best by mean selection objective, the oracle aside; those with the most seeds come first."""
    done = study.completed[study.completed[GENERATOR] != ORACLE]
    done = done.sort_values("trial").drop_duplicates(["configuration", "seed"])
    groups = done.groupby("configuration", sort=False)
    order = groups["objective"].agg(["size", "mean"]).sort_values(["size", "mean"], ascending=False)
    best = [(name, groups.get_group(name)) for name in order.index[:most]]
    return [
        RankedConfiguration(
            configuration=str(name),
            selection=float(group["objective"].mean()),
            test=at_best_iteration(group),
            trials=tuple(group["trial"].tolist()),
            seeds=tuple(group["seed"].tolist()),
            etas=chosen_iterations(group),
        )
        for name, group in best
    ]


class StateCost(NamedTuple):
    """Trials of one state; seconds of those that have them (NaN without)."""

    state: str
    trials: int
    iterations: int
    seconds: float
    median_seconds: float


def states_and_cost(study: Study) -> list[StateCost]:
    """By state, then all together."""
    trials = study.trials
    groups: list[tuple[Any, pd.DataFrame]] = [*trials.groupby("state", sort=False), ("all", trials)]
    return [
        StateCost(str(state), len(g), int(g["num_iterations"].sum()), float(g["seconds"].sum()),
                  float(g["seconds"].median()))
        for state, g in groups
    ]  # fmt: skip
