"""Configurations in the order of their selection objective, and what the trials cost."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from analysis.results.refinement import chosen_iterations
from analysis.results.statistics import Summary, at_best_iteration, ranked_trials
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import ORACLE


class RankedConfiguration(NamedTuple):
    """selection: mean of the selection objective, with its standard error and its likely value (``Estimate``). test:
    mAP, None without temporal annotations. seeds, trials, etas: one each by trial."""

    configuration: str
    selection: float
    standard_error: float | None
    likely: float | None
    test: Summary | None
    trials: tuple[int, ...]
    seeds: tuple[int, ...]
    etas: tuple[int, ...]


def top_configurations(study: Study, most: int = 10) -> list[RankedConfiguration]:
    """The best by their selection objective, the oracle aside, in the order of ``study.ledger.ranking``."""
    done = study.completed[study.completed[GENERATOR] != ORACLE]
    found = []
    for ranked in ranked_trials(done)[:most]:
        numbers = [replicate.trial for replicate in ranked.replicates]
        group = done[done["trial"].isin(numbers)].sort_values("trial")
        found.append(
            RankedConfiguration(
                configuration=ranked.replicates[0].point,
                selection=ranked.estimate.mean,
                standard_error=ranked.estimate.standard_error,
                likely=ranked.estimate.likely,
                test=at_best_iteration(group),
                trials=tuple(group["trial"].tolist()),
                seeds=tuple(group["seed"].tolist()),
                etas=chosen_iterations(group),
            )
        )
    return found


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
