"""The results of a study as values: what tables print and figures draw. All mAP are percent on the test split."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.results.statistics import Summary, at_best_iteration, at_iteration, base_model, best_configuration
from analysis.study import BETA, GENERATOR, Study
from analysis.text import generator_order

MOST_BETAS = 8  # more distinct values than this are grouped to powers of two
ORACLE = "oracle"


class GeneratorTable(NamedTuple):
    """Test mAP by generator and beta, each cell its best configuration (paper, Tables 1 and 6).

    base: M0, which stands for beta = 0. cells: (generators, betas), None without a completed trial. remarks: what
    the caption must add.
    """

    generators: list[str]
    betas: list[float]
    base: Summary | None
    cells: list[list[Summary | None]]
    seeds: int
    remarks: list[str]


class IterationRow(NamedTuple):
    """mAP of one configuration: at each iteration (None where no trial got there), and at the chosen one."""

    generator: str
    configuration: str
    cells: list[Summary | None]
    chosen: Summary


class IterationTable(NamedTuple):
    """Test mAP over refinement iterations, the best configuration of each generator (paper, Tables 2 and 7)."""

    iterations: list[int]
    rows: list[IterationRow]
    seeds: int


def generator_table(study: Study) -> GeneratorTable:
    """Every generator and beta that a trial was proposed for has its cell; numbers come from completed trials."""
    trials, grouped = _with_beta_columns(study.trials)
    done = trials[trials["trial"].isin(study.completed["trial"])]
    refined = trials[trials["beta"] > 0]
    generators, betas = generator_order(list(refined[GENERATOR].unique())), sorted(refined["beta"].unique())
    shared, cells = False, []
    for generator in generators:
        groups = [done[(done[GENERATOR] == generator) & (done["beta"] == beta)] for beta in betas]
        shared |= any(group["configuration"].nunique() > 1 for group in groups)
        cells.append([at_best_iteration(best_configuration(group)) if len(group) else None for group in groups])
    base, agree = base_model(study.iterations, done)
    remarks = [
        "β = 0 is the base model M0 (iteration 0)",
        *["Of several configurations in a cell, the one with the best selection objective is shown"] * shared,
        *["β is grouped to the nearest power of two"] * grouped,
        *["Trials of one seed differ in M0; that of the first is shown"] * (not agree),
        *[f"{(trials['beta'] <= 0).sum()} trials with β = 0 are left out"] * bool((trials["beta"] <= 0).any()),
        *["The oracle sees the ground truth and takes no part in the marks"] * (ORACLE in generators),
    ]
    return GeneratorTable(generators, betas, base, cells, done["seed"].nunique(), remarks)


def iteration_table(study: Study) -> IterationTable:
    """Rows by generator; iterations 0 (M0) to the longest run."""
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
        )
        for trials in best
    ]
    return IterationTable(iterations, rows, done["seed"].nunique())


def _with_beta_columns(trials: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Trials with the beta of their column, and whether that is rounded to a power of two."""
    beta = trials[BETA].astype(float)
    grouped = beta[beta > 0].nunique() > MOST_BETAS
    if grouped:
        beta = beta.map(lambda value: 2.0 ** round(np.log2(value)) if value > 0 else 0.0)
    return trials.assign(beta=beta), grouped
