"""The result of a study in one sentence's worth of numbers: what was chosen, and how much better it is. Percent."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from analysis.results.refinement import best_trials, chosen_iterations
from analysis.results.statistics import (
    PairedDifference,
    Summary,
    at_best_iteration,
    base_model,
    best_configuration,
    paired_difference,
)
from analysis.settings import GENERATOR
from analysis.study import Study

PRESET = "preset"


class Headline(NamedTuple):
    """The best configuration. selection: its objective, mean over seeds. test: its mAP, None without temporal
    annotations. over_base, over_preset: its difference to M0 and to the preset's configuration on the same seeds; None
    where there is none, and to the preset where that is the best one. trials, etas: one each by trial."""

    generator: str
    configuration: str
    selection: float
    test: Summary | None
    over_base: PairedDifference | None
    over_preset: PairedDifference | None
    is_preset: bool
    trials: tuple[int, ...]
    seeds: tuple[int, ...]
    etas: tuple[int, ...]


def headline(study: Study) -> Headline:
    """Of a study with a completed trial."""
    trials = best_trials(study)
    test, (base, _) = at_best_iteration(trials), base_model(study.iterations, trials)
    preset = _preset_trials(study)
    is_preset = bool(set(trials["configuration"]) & set(preset["configuration"]))
    other = None if is_preset or preset.empty else at_best_iteration(preset)
    return Headline(
        generator=str(trials[GENERATOR].iloc[0]),
        configuration=str(trials["configuration"].iloc[0]),
        selection=float(trials["objective"].mean()),
        test=test,
        over_base=paired_difference(test, base) if test and base else None,
        over_preset=paired_difference(test, other) if test and other else None,
        is_preset=is_preset,
        trials=tuple(trials["trial"].tolist()),
        seeds=tuple(trials["seed"].tolist()),
        etas=chosen_iterations(trials),
    )


def _preset_trials(study: Study) -> pd.DataFrame:
    """Trials of the point that the search began with, those that confirmed it among them."""
    done = study.completed
    points = done.loc[done["origin"] == PRESET, "configuration"].unique()
    return best_configuration(done[done["configuration"].isin(points)])
