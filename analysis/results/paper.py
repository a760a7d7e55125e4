"""The paper's own numbers, from one data file, to stand beside ours. All are percent."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import yaml

from analysis.study import Study
from trainables.json_types import JsonObject

Column = float | str
Place = tuple[str, str, Column]


class PaperTable(NamedTuple):
    """One table of the paper. values: (rows, columns), NaN where the paper gives none.

    kind: what it compares (generator_beta, iterations, state_of_the_art, base_model, attention). columns: betas,
    iterations or tIoU, ``average`` for the mean over the latter.
    """

    number: str
    title: str
    kind: str
    dataset: str
    features: str
    metric: str
    rows: list[str]
    columns: list[Column]
    values: npt.NDArray[np.float64]
    notes: list[str]

    def at(self, row: str, column: Column) -> float | None:
        """A cell; None where the paper has no such row or column, or no number in it."""
        if row not in self.rows or column not in self.columns:
            return None
        value = float(self.values[self.rows.index(row), self.columns.index(column)])
        return None if np.isnan(value) else value


class Claim(NamedTuple):
    """A difference of two cells, ``of`` - ``minus``, that the paper states; it holds within ``within`` points."""

    where: str
    of: Place
    minus: Place
    states: float
    within: float


@cache
def paper_tables() -> dict[str, PaperTable]:
    """All tables by number."""
    return {
        number: PaperTable(
            number=number,
            rows=list(table["rows"]),
            values=np.array([[np.nan if v is None else v for v in row] for row in table["rows"].values()]),
            notes=table.get("notes", []),
            **{key: table[key] for key in ("title", "kind", "dataset", "features", "metric", "columns")},
        )
        for number, table in _tree()["tables"].items()
    }


def claims() -> list[Claim]:
    """Differences that the paper states in words."""
    return [
        Claim(entry["where"], tuple(entry["of"]), tuple(entry["minus"]), entry["states"], entry["within"])
        for entry in _tree()["claims"]
    ]


def printed_twice() -> list[tuple[Place, Place]]:
    """Pairs of cells that print one quantity."""
    return [(tuple(first), tuple(second)) for first, second in _tree()["same"]]


def cell(place: Place) -> float:
    """The number at (table, row, column); KeyError when there is none."""
    number, row, column = place
    value = paper_tables()[number].at(row, column)
    if value is None:
        raise KeyError(f"Table {number} of the paper has no number at {row}, {column}")
    return value


def tables_for(study: Study, kind: str) -> list[PaperTable]:
    """Tables of the paper of this kind that have the study's data set and features."""
    wanted = (kind, study.settings.dataset, study.settings.features)
    return [table for table in paper_tables().values() if (table.kind, table.dataset, table.features) == wanted]


@cache
def _tree() -> JsonObject:
    return yaml.safe_load((resources.files("analysis.results") / "paper.yaml").read_text(encoding="utf-8"))
