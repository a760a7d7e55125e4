"""M0 against the refined model of the best configuration, at each tIoU. All mAP are percent on the test split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from analysis.results.number_table import NumberTable
from analysis.results.statistics import Summary, best_configuration, over_seeds, refinement_never_helped, with_lines
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import ORACLE, eta_text, threshold_text

Which = Literal["base", "chosen", "peak"]


def best_trials(study: Study) -> pd.DataFrame:
    """Completed trials of the best configuration, the oracle aside unless there is nothing else."""
    done = study.completed
    honest = done[done[GENERATOR] != ORACLE]
    return best_configuration(honest if len(honest) else done)


def refinement_table(study: Study) -> NumberTable:
    """M0 and the best configuration's refined model at each tIoU; also at its best iteration on the test split."""
    trials = best_trials(study)
    columns = tiou_columns(study, trials)
    return NumberTable(
        name="refinement",
        what="Base model M0 and refined model of the best configuration",
        corner="Model",
        spanner="tIoU",
        rows=["M0 (η = 0)", f"Refined ({eta_text(chosen_iterations(trials))})", "Refined, η by the test split†"],
        columns=[threshold_text(column) for column in columns],
        cells=[at_each_tiou(study, trials, columns, which) for which in ("base", "chosen", "peak")],
        competing=[True, True, False],
        remarks=[
            "Last row: at the iteration that is best on the test split, which no rule without test labels can know; "
            "it takes no part in the marks"
        ],
        metric="mAP",
    )


def chosen_iterations(trials: pd.DataFrame) -> tuple[int, ...]:
    """The iteration that the selection rule chose, by trial."""
    return tuple(int(eta) for eta in trials["best_iteration"])


def tiou_columns(study: Study, trials: pd.DataFrame) -> list[float | str]:
    """Thresholds at which the trials were evaluated, then ``average``."""
    rows = study.iterations[study.iterations["trial"].isin(trials["trial"])]
    found = {key for by in rows["tiou_map"] for key in by if not isinstance(key, str)}
    return [*sorted(found), "average"]


def at_each_tiou(
    study: Study, trials: pd.DataFrame, columns: Iterable[float | str], which: Which
) -> list[Summary | None]:
    """Test mAP by tIoU over the seeds of one configuration. which: base, chosen or peak (best on test) iteration."""
    rows = study.iterations[study.iterations["trial"].isin(trials["trial"]) & study.iterations["test_map"].notna()]
    if which != "base" and study.refined_only:
        rows = rows[rows["iteration"] > 0]
    if which == "base":
        rows = rows[rows["iteration"] == 0]
    elif which == "chosen":
        best = dict(zip(trials["trial"], trials["best_iteration"], strict=True))
        rows = rows[rows["iteration"] == rows["trial"].map(best)]
    else:
        rows = rows.loc[rows.groupby("trial")["test_map"].idxmax()]
    rows, is_m0 = with_lines(rows), which == "chosen" and refinement_never_helped(trials)
    found = [
        over_seeds(rows.assign(test_map=[by.get(column, np.nan) for by in rows["tiou_map"]])) for column in columns
    ]
    return [summary and summary._replace(is_m0=is_m0) for summary in found]
