"""One searched key at a time, and the thresholds αA x αC. All mAP are percent on the test split.

Of several configurations in a place, the one with the best selection objective is shown, never the best test number.
"""

from __future__ import annotations

from analysis.results.number_table import NumberTable
from analysis.results.statistics import Summary, at_best_iteration, at_iteration, best_configuration
from analysis.settings import ALPHA_A, ALPHA_C, GENERATOR, PREDICTION_ALPHA_A, PREDICTION_ALPHA_C, THRESHOLD_KEYS
from analysis.study import TRIAL_COLUMNS, Study
from analysis.text import ORACLE, generator_order, short_keys, threshold_owner, value_text

MOST_VALUES = 12  # a key with more distinct values has no table of its own
MOST_THRESHOLDS = 20


def value_tables(study: Study) -> list[NumberTable]:
    """One table for each searched key with two values or more, thresholds aside."""
    searched = [key for key in study.trials.columns if key not in (*TRIAL_COLUMNS, *THRESHOLD_KEYS)]
    done = study.completed
    keys = [key for key in searched if 1 < done[key].nunique() <= MOST_VALUES]
    return [value_table(study, key) for key in keys]


def value_table(study: Study, key: str) -> NumberTable:
    """M0 and the best refined configuration for each value of one key."""
    done, name = study.completed, short_keys(key for key in study.trials.columns if key not in TRIAL_COLUMNS)[key]
    found = done[key].dropna().unique().tolist()
    values = generator_order(found) if key == GENERATOR else sorted(found, key=lambda v: (isinstance(v, str), v))
    cells: list[list[Summary | None]] = []
    for value in values:
        best = best_configuration(done[done[key] == value])
        cells.append([at_iteration(study.iterations, best, 0), at_best_iteration(best)])
    return NumberTable(
        name=f"by_{(key if name == key else key.rsplit('.', 1)[-1]).replace('.', '_')}",
        what=f"Values of {name}",
        corner=name,
        spanner="",
        rows=[value_text(value) for value in values],
        columns=["M0", "refined"],
        cells=cells,
        competing=[value != ORACLE for value in values],
        remarks=[
            f"The searched key is {key}",
            "Each row is the configuration with the best selection objective among those with this value",
        ],
    )


def threshold_table(study: Study) -> NumberTable | None:
    """αA x αC of whatever the study varies them of; None unless both were searched, and where a search drew them nearly
    all once: with more than MOST_THRESHOLDS values of one, or without two pairs in any row or column."""
    done = study.completed
    pairs = ((ALPHA_A, ALPHA_C), (PREDICTION_ALPHA_A, PREDICTION_ALPHA_C))
    searched = next((list(pair) for pair in pairs if all(key in done for key in pair)), None)
    if searched is None:
        return None
    done = done.dropna(subset=searched)
    rows, columns = (sorted(done[key].unique().tolist()) for key in searched)
    if len(rows) * len(columns) < 2 or max(len(rows), len(columns)) > MOST_THRESHOLDS:
        return None
    places = {place: group for place, group in done.groupby(searched)}
    if len(places) == len(rows) == len(columns):
        return None
    cells: list[list[Summary | None]] = [
        [at_best_iteration(best_configuration(places[a, c])) if (a, c) in places else None for c in columns]
        for a in rows
    ]
    whose = threshold_owner(study.settings.thresholds, searched)
    return NumberTable(
        name="thresholds",
        what=f"Thresholds of {whose}, attention αA × class score αC",
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
