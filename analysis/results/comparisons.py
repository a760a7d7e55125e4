"""Results beyond generator and beta, as values: refinement by tIoU, one searched key at a time, thresholds, ranks.

All mAP are percent on the test split. Of several configurations in a place, the one with the best selection
objective is shown, never the best test number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.results.generators import ORACLE
from analysis.results.statistics import Summary, at_best_iteration, at_iteration, best_configuration, over_seeds
from analysis.results.trace import short_key, value_text
from analysis.study import GENERATOR, TRIAL_COLUMNS, Study
from analysis.text import generator_order

ALPHA_A = "pseudo_labels.segments.min_attention"
ALPHA_C = "pseudo_labels.segments.min_class_score"
MOST_VALUES = 12  # a key with more distinct values has no table of its own
QUALITIES = ("foreground_precision", "foreground_recall", "background_precision", "background_recall")


class NumberTable(NamedTuple):
    """Numbers with names of rows and columns. competing: rows that take part in the marks. metric: None for the
    study's own. split: of the videos they are measured on. best_by: whether columns have a best at all."""

    name: str
    what: str
    corner: str
    spanner: str
    rows: list[str]
    columns: list[str]
    cells: list[list[Summary | None]]
    competing: list[bool]
    remarks: list[str]
    metric: str | None = None
    best_by_column: bool = True
    split: str = "test"


def best_trials(study: Study) -> pd.DataFrame:
    """Completed trials of the best configuration, the oracle aside unless there is nothing else."""
    done = study.completed
    honest = done[done[GENERATOR] != ORACLE]
    return best_configuration(honest if len(honest) else done)


def refinement_table(study: Study) -> NumberTable:
    """M0 and the best configuration's refined model at each tIoU; also at its best iteration on the test split."""
    trials = best_trials(study)
    columns = tiou_columns(study, trials)
    first, chosen = at_each_tiou(study, trials, columns, "base"), at_each_tiou(study, trials, columns, "chosen")
    peak = at_each_tiou(study, trials, columns, "peak")
    etas = chosen[0].iterations if chosen and chosen[0] else ()
    return NumberTable(
        name="refinement",
        what="Base model M0 and refined model of the best configuration",
        corner="Model",
        spanner="tIoU",
        rows=["M0 (η = 0)", f"Refined ({eta_text(etas)})", "Refined, η by the test split†"],
        columns=[c if isinstance(c, str) else f"{c:g}" for c in columns],
        cells=[first, chosen, peak],
        competing=[True, True, False],
        remarks=[
            "Last row: at the iteration that is best on the test split, which no rule without test labels can know; "
            "it takes no part in the marks"
        ],
        metric="mAP",
    )


def tiou_columns(study: Study, trials: pd.DataFrame) -> list[float | str]:
    """Thresholds at which the trials were evaluated, then ``average``."""
    rows = study.iterations[study.iterations["trial"].isin(trials["trial"])]
    found = {key for by in rows["tiou_map"] for key in by if not isinstance(key, str)}
    return [*sorted(found), "average"]


def at_each_tiou(
    study: Study, trials: pd.DataFrame, columns: Iterable[float | str], which: str
) -> list[Summary | None]:
    """Test mAP by tIoU over the seeds of one configuration. which: base, chosen or peak (best on test) iteration."""
    rows = study.iterations[study.iterations["trial"].isin(trials["trial"]) & study.iterations["test_map"].notna()]
    if which == "base":
        rows = rows[rows["iteration"] == 0]
    elif which == "chosen":
        best = dict(zip(trials["trial"], trials["best_iteration"], strict=True))
        rows = rows[rows["iteration"] == rows["trial"].map(best)]
    else:
        rows = rows.loc[rows.groupby("trial")["test_map"].idxmax()]
    rows = rows.assign(lines=rows["line"].map(lambda line: [line]))
    found: list[Summary | None] = []
    for column in columns:
        numbers = rows.assign(test_map=[by.get(column, np.nan) for by in rows["tiou_map"]]).dropna(subset="test_map")
        found.append(over_seeds(numbers) if len(numbers) else None)
    return found


def value_tables(study: Study) -> list[NumberTable]:
    """One table for each searched key with two values or more, generator and thresholds aside."""
    searched = [key for key in study.trials.columns if key not in TRIAL_COLUMNS and key not in (ALPHA_A, ALPHA_C)]
    done = study.completed
    keys = [key for key in searched if 1 < done[key].nunique() <= MOST_VALUES]
    return [value_table(study, key) for key in keys]


def value_table(study: Study, key: str) -> NumberTable:
    """M0 and the best refined configuration for each value of one key."""
    done = study.completed
    found = done[key].dropna().unique().tolist()
    values = generator_order(found) if key == GENERATOR else sorted(found, key=lambda v: (isinstance(v, str), v))
    cells: list[list[Summary | None]] = []
    for value in values:
        best = best_configuration(done[done[key] == value])
        cells.append([at_iteration(study.iterations, best, 0), at_best_iteration(best)])
    name = key.rsplit(".", 1)[-1]
    return NumberTable(
        name=f"by_{name}",
        what=f"Values of {key}",
        corner=short_key(key),
        spanner="",
        rows=[value_text(value) for value in values],
        columns=["M0", "refined"],
        cells=cells,
        competing=[value != ORACLE for value in values],
        remarks=["Each row is the configuration with the best selection objective among those with this value"],
    )


def threshold_table(study: Study) -> NumberTable | None:
    """Alpha_A x alpha_C; None unless both were searched."""
    done = study.completed
    if ALPHA_A not in done or ALPHA_C not in done:
        return None
    done = done.dropna(subset=[ALPHA_A, ALPHA_C])
    rows, columns = sorted(done[ALPHA_A].unique().tolist()), sorted(done[ALPHA_C].unique().tolist())
    if len(rows) * len(columns) < 2:
        return None
    places = {place: group for place, group in done.groupby([ALPHA_A, ALPHA_C])}
    cells: list[list[Summary | None]] = [
        [at_best_iteration(best_configuration(places[a, c])) if (a, c) in places else None for c in columns]
        for a in rows
    ]
    return NumberTable(
        name="thresholds",
        what="Thresholds of the pseudo labels, attention αA × class score αC",
        corner="αA",
        spanner="αC",
        rows=[f"{a:g}" for a in rows],
        columns=[f"{c:g}" for c in columns],
        cells=cells,
        competing=[True] * len(rows),
        remarks=[
            "Of several configurations in a cell, the one with the best selection objective is shown; dashes: not tried"
        ],
    )


class RankedConfiguration(NamedTuple):
    """One configuration in the order of its selection objective (percent, mean over seeds)."""

    configuration: str
    selection: float
    test: Summary


def top_configurations(study: Study, most: int = 10) -> list[RankedConfiguration]:
    """The best by mean selection objective, the oracle aside; those with the most seeds come first."""
    done = study.completed[study.completed[GENERATOR] != ORACLE]
    done = done.sort_values("trial").drop_duplicates(["configuration", "seed"])
    groups = done.groupby("configuration", sort=False)
    order = groups["objective"].agg(["size", "mean"]).sort_values(["size", "mean"], ascending=False)
    best = [(name, groups.get_group(name)) for name in order.index[:most]]
    return [
        RankedConfiguration(str(name), float(group["objective"].mean()), at_best_iteration(group))
        for name, group in best
    ]


def label_quality(study: Study, trials: pd.DataFrame, split: str = "train") -> dict[str, dict[int, Summary]]:
    """Each of QUALITIES by iteration (from 1), percent over seeds; the labels that trained that iteration."""
    rows = study.iterations[study.iterations["trial"].isin(trials["trial"])]
    rows = rows.assign(lines=rows["line"].map(lambda line: [line]))
    rows = rows[[isinstance(labels, dict) and split in labels for labels in rows["labels"]]]
    found: dict[str, dict[int, Summary]] = {quality: {} for quality in QUALITIES}
    for iteration, group in rows.groupby("iteration"):
        for quality in QUALITIES:
            values = [labels[split].get(quality) for labels in group["labels"]]
            numbers = group.assign(test_map=pd.array(values, dtype="Float64")).dropna(subset="test_map")
            if len(numbers):
                found[quality][int(str(iteration))] = over_seeds(numbers)
    return found


def label_quality_table(study: Study) -> NumberTable | None:
    """Pseudo-label quality of the best configuration over iterations; None when the ledger has none."""
    trials = best_trials(study)
    found = label_quality(study, trials)
    iterations = sorted({iteration for by in found.values() for iteration in by})
    if not iterations:
        return None
    return NumberTable(
        name="label_quality",
        what="Pseudo labels against the annotation, best configuration",
        corner="η",
        spanner="",
        rows=[str(iteration) for iteration in iterations],
        columns=[quality.replace("_", " ") for quality in QUALITIES],
        cells=[[found[quality].get(iteration) for quality in QUALITIES] for iteration in iterations],
        competing=[False] * len(iterations),
        remarks=["By snippet; the labels that trained iteration η. The method never sees this annotation"],
        metric="precision and recall",
        best_by_column=False,
        split="training",
    )


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


def eta_text(etas: Iterable[int]) -> str:
    """``η = 3``, or ``η = 3, 2, 4`` by seed."""
    return f"η = {', '.join(map(str, etas))}"
