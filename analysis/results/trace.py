"""Where each number comes from: one row per cell with all digits, trials, seeds and ledger lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.results.generators import GeneratorTable
from analysis.results.iterations import IterationTable
from analysis.results.number_table import TEST_MAP, NumberTable
from analysis.results.statistics import Summary
from analysis.study import Study
from analysis.text import BASE


def trace(
    study: Study, keys: tuple[str, str], cells: Mapping[Any, Summary | None], number: str = TEST_MAP
) -> pd.DataFrame:
    """One row per cell; a cell without a trial has an empty mean. number: what the cells hold."""
    configuration = dict(zip(study.trials["trial"], study.trials["configuration"], strict=True))
    split = dict(zip(study.trials["trial"], study.trials["selection_split"], strict=True))
    rows = []
    for key, summary in cells.items():
        row = {"study": study.name, **dict(zip(keys, key, strict=True))}
        if summary is not None:
            row |= {
                number: summary.mean,
                "std": summary.std,
                "num_seeds": summary.n,
                "chosen_on": split[summary.trials[0]],
                "trials": " ".join(map(str, summary.trials)),
                "seeds": " ".join(map(str, summary.seeds)),
                "iterations": " ".join(map(str, summary.iterations)),
                "is_m0": summary.is_m0,
                "ledger_lines": " ".join(map(str, summary.lines)),
                "configuration": configuration[summary.trials[0]] if key[0] != BASE else "",
            }
        rows.append(row)
    columns = ["study", *keys, number, "std", "num_seeds", "chosen_on", "trials", "seeds", "iterations",
               "is_m0", "ledger_lines", "configuration"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"num_seeds": "Int64", "is_m0": "boolean"})


def generator_trace(study: Study, table: GeneratorTable) -> pd.DataFrame:
    """Of the table of generator and β."""
    cells = {(BASE, 0.0): table.base} | {
        (generator, beta): table.cells[g][b]
        for g, generator in enumerate(table.generators)
        for b, beta in enumerate(table.betas)
    }
    return trace(study, ("generator", "beta"), cells)


def iteration_trace(study: Study, table: IterationTable) -> pd.DataFrame:
    """Of the table of iterations; ``chosen`` is the iteration that the selection rule chose."""
    cells: dict[tuple[str, int | str], Summary | None] = {}
    for row in table.rows:
        cells |= {(row.generator, i): summary for i, summary in zip(table.iterations, row.cells, strict=True)}
        cells[row.generator, "chosen"] = row.chosen
    return trace(study, ("generator", "iteration"), cells)


def number_trace(study: Study, table: NumberTable) -> pd.DataFrame:
    """Of a table of numbers."""
    return trace(study, ("row", "column"), table.by_place, table.number)
