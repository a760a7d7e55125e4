"""The table of trials of the report: one row each, with its curve."""

from __future__ import annotations

import shlex
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import DASH, configuration_text, generator_name, number_text, objective_of
from study.ledger import trial_name
from trainables.commands import typed
from trainables.objective import Objective

CURVE_WIDTH, CURVE_HEIGHT = 72, 22  # pixels
MOST_TRIALS = 1500  # further ones are in the CSV files


class TrialRow(NamedTuple):
    """Texts of one trial. curve: points of an SVG polyline, empty with fewer than two iterations. numbers: of its
    iterations from 0 on, which the curve shows."""

    name: str
    state: str
    generator: str
    configuration: str
    seed: str
    selection: str
    test: str
    eta: str
    seconds: str
    curve: str
    numbers: str
    reason: str


def trial_rows(study: Study) -> list[TrialRow]:
    """In number order, the first MOST_TRIALS."""
    curves = {int(str(t)): group for t, group in study.iterations.groupby("trial")}
    bounds, objective = _bounds(study.iterations), objective_of(study)
    return [
        TrialRow(
            name=trial_name(row["trial"]),
            state=str(row["state"]),
            generator=generator_name(str(row[GENERATOR])),
            configuration=configuration_text(row["configuration"]),
            seed=str(row["seed"]),
            selection=objective.number(row["objective"], 2, DASH),
            test=number_text(row["test_map"]),
            eta=DASH if pd.isna(row["best_iteration"]) else str(int(row["best_iteration"])),
            seconds=number_text(row["seconds"], 1),
            curve=_polyline(curves.get(row["trial"]), bounds),
            numbers=_numbers(curves.get(row["trial"]), objective),
            reason=str(row["reason"] or ""),
        )
        for row in study.trials.head(MOST_TRIALS).to_dict("records")
    ]


def shown_trials(study: Study) -> frozenset[int]:
    """Numbers of the trials that have a row."""
    return frozenset(study.trials["trial"].head(MOST_TRIALS).tolist())


def rerun_command(study: Study, trial: str) -> str:
    """The command that runs one trial again and compares its numbers with the recorded ones."""
    folder = shlex.quote(str(study.folder.parent))
    return f"{typed('launch')} --study-dir {folder} --rerun {shlex.quote(study.name)} {trial}"


def _bounds(iterations: pd.DataFrame) -> tuple[float, float]:
    """All curves have one scale, so that they can be compared."""
    values = iterations["selection"].dropna()
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)


def _numbers(iterations: pd.DataFrame | None, objective: Objective) -> str:
    if iterations is None:
        return ""
    return ", ".join(objective.number(v, 1, DASH) for v in iterations.sort_values("iteration")["selection"])


def _polyline(iterations: pd.DataFrame | None, bounds: tuple[float, float]) -> str:
    if iterations is None:
        return ""
    values: npt.NDArray[np.float64] = iterations.sort_values("iteration")["selection"].dropna().to_numpy(np.float64)
    if len(values) < 2:
        return ""
    low, high = bounds
    height = (values - low) / ((high - low) or 1.0)
    x = 2 + np.arange(len(values)) * (CURVE_WIDTH - 4) / (len(values) - 1)
    y = CURVE_HEIGHT - 2 - height * (CURVE_HEIGHT - 4)
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
