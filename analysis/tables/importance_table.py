"""Importance of the searched keys, with how sure it is."""

from __future__ import annotations

from analysis.results.importance import EVALUATORS, RESAMPLES, Interval, importance_data, importances
from analysis.study import Study
from analysis.tables.grid import Cell, Grid
from analysis.tables.rendering import Table
from analysis.text import count_text, data_title, label, number_text, objective_name, short_key


def importance_grid(study: Study) -> Table | None:
    """A row for each key; None where there are too few configurations or keys to compare."""
    found = importances(study)
    if not found:
        return None
    first = found[0]
    left = [f"Left out, as they matter in some trials only: {', '.join(map(short_key, first.left_out))}"]
    resampled = f"over trials: 90 % interval over {RESAMPLES} resamples of the configurations, with replacement"
    grid = Grid(
        name="importance",
        label=label(study.name, "importance"),
        caption=f"Share of the variation of the refined {objective_name(study)} that each searched key explains, over "
        f"{count_text(first.configurations, 'configuration')} on {data_title(study)}.",
        spanner="",
        header=["Key", *(name for one in found for name in _columns(EVALUATORS[one.evaluator]))],
        rows=[
            [
                Cell(short_key(key)),
                *(
                    Cell(text)
                    for one in found
                    for text in (
                        number_text(one.shares[key]),
                        _text(one.over_trials.get(key)),
                        _text(one.over_seeds.get(key)),
                    )
                ),
            ]
            for key in first.shares
        ],
        notes=[
            f"{resampled}; over seeds: least and largest share over the seeds, each alone; dashes: too few to tell",
            *left * bool(first.left_out),
        ],
    )
    return grid, importance_data(found)


def _columns(evaluator: str) -> list[str]:
    short = evaluator.partition(" (")[0]
    return [evaluator, f"{short}, over trials", f"{short}, over seeds"]


def _text(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
