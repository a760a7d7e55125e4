"""Two studies side by side, configuration by configuration."""

from __future__ import annotations

from analysis.results.pairs import Pairs, pairs_data
from analysis.results.statistics import PairedDifference
from analysis.tables.grid import Cell, Grid, mark_remarks, summary_cell
from analysis.tables.rendering import Table
from analysis.text import DASH, configuration_text, count_text, interval_text, label, number_text

MOST_ROWS = 40


def pair_table(pairs: Pairs, metric: str) -> Table:
    """Means over each study's seeds, and the difference on the seeds that both have."""
    first, second = pairs.names
    rows = [
        [Cell(configuration_text(row.configuration, generator=True)), summary_cell(row.first),
         summary_cell(row.second), *_difference(row.difference)]
        for row in pairs.rows[:MOST_ROWS]
    ]  # fmt: skip
    rows.append(
        [Cell("mean of the differences"), Cell(), Cell(), Cell(number_text(pairs.overall, signed=True)),
         Cell(interval_text(pairs.interval, signed=True)), Cell(DASH)]
    )  # fmt: skip
    best = _difference(pairs.best_difference) if pairs.best_difference else [Cell(), Cell(), Cell()]
    rows.append([Cell("best of each study"), *map(summary_cell, pairs.best), *best])
    hidden = max(0, len(pairs.rows) - MOST_ROWS)
    grid = Grid(
        name="comparison",
        label=label(f"{first}-{second}", "comparison"),
        caption=f"{second} against {first}: {metric} in % on the test videos, paired by configuration and seed. "
        "Intervals: 95 %, bootstrap over common seeds; of the mean, over configurations."
        + " †Chosen on the test split itself."
        * any(pairs.chosen_on_test),
        spanner="",
        header=["Configuration", *pairs.marked_names, "difference", "95 % interval", "common seeds"],
        rows=rows,
        notes=[
            *pairs.remarks,
            f"{count_text(len(pairs.rows), 'configuration')} in both studies; {pairs.unpaired[0]} only in {first}, "
            f"{pairs.unpaired[1]} only in {second}",
            "Last row: each study's own best configuration by its selection objective, which may differ",
            *mark_remarks(rows),
            *[f"{hidden} further configurations are in the CSV"] * bool(hidden),
        ],
    )
    return grid, pairs_data(pairs)


def _difference(difference: PairedDifference) -> list[Cell]:
    return [
        Cell(number_text(difference.mean, signed=True)),
        Cell(interval_text(difference.interval, signed=True)),
        Cell(str(len(difference.seeds))),
    ]
