"""Importance of the searched keys, with how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.results.importance import EVALUATORS, RESAMPLES, Importance, importance_data, importances
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, without_empty
from analysis.tables.rendering import Table
from analysis.text import count_text, data_title, interval_text, label, number_text, objective_name, short_keys

OVER_TRIALS, OVER_SEEDS = "over trials", "over seeds"


def importance_grid(study: Study) -> Table | None:
    """A row for each key; None where there are too few configurations or keys to compare."""
    found = importances(study)
    if not found:
        return None
    first = found[0]
    names = short_keys([*first.shares, *first.left_out])
    left = [f"Left out, as they matter in some trials only: {', '.join(names[key] for key in first.left_out)}"]
    resampled = f"over trials: 90 % interval over {RESAMPLES} resamples of the configurations, with replacement"
    grid = Grid(
        name="importance",
        label=label(study.name, "importance"),
        caption=f"Share of the variation of the refined {objective_name(study)} that each searched key explains, over "
        f"{count_text(first.configurations, 'configuration')} on {data_title(study)}.",
        spanner="",
        header=["Key", "evaluator", "share", OVER_TRIALS, OVER_SEEDS],
        rows=[row for key in first.shares for row in _rows(key, names[key], found)],
        notes=[
            f"{resampled}; over seeds: least and largest share over the seeds, each alone; dashes: too few to tell",
            *left * bool(first.left_out),
        ],
    )
    return without_empty(grid, (OVER_TRIALS, OVER_SEEDS)), importance_data(found)


def _rows(key: str, name: str, found: Sequence[Importance]) -> list[list[Cell]]:
    """One for each evaluator; the key stands once."""
    return [
        [
            Cell(name, covered=i > 0),
            Cell(EVALUATORS[one.evaluator]),
            Cell(number_text(one.shares[key])),
            Cell(interval_text(one.over_trials.get(key))),
            Cell(interval_text(one.over_seeds.get(key))),
        ]
        for i, one in enumerate(found)
    ]
