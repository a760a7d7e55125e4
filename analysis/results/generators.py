"""Generator x β: test mAP in percent, each cell its best configuration (paper, Tables 1 and 6)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.results.statistics import Summary, at_best_iteration, base_model, best_configuration
from analysis.settings import BETA, GENERATOR
from analysis.study import Study
from analysis.text import generator_order

MOST_BETAS = 8  # more distinct values than this are grouped to powers of two


class GeneratorTable(NamedTuple):
    """base: M0, which stands for β = 0. cells: (generators, betas), None where no completed trial has a number.
    remarks: what the numbers rest on."""

    generators: list[str]
    betas: list[float]
    base: Summary | None
    cells: list[list[Summary | None]]
    seeds: int
    remarks: list[str]


def generator_table(study: Study) -> GeneratorTable:
    """Every generator and β that a trial was proposed for has its cell; numbers come from completed trials."""
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
    ]
    return GeneratorTable(generators, betas, base, cells, done["seed"].nunique(), remarks)


def _with_beta_columns(trials: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Trials with the β of their column, and whether that is rounded to a power of two."""
    beta = trials[BETA].astype(float)
    grouped = beta[beta > 0].nunique() > MOST_BETAS
    if grouped:
        # A sampler draws a new beta for every trial; by powers of two they share the columns of the paper.
        beta = beta.map(lambda value: 2.0 ** round(np.log2(value)) if value > 0 else 0.0)
    return trials.assign(beta=beta), grouped
