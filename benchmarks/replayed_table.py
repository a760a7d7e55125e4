"""A table of real trainings that a search can be replayed on, and what a search has run of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.search_table import FOLDER, space, table_run
from study.config import Point, grid, known_point

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """Trainings of C configurations on S seeds over I iterations: held-out and test mAP, seconds; all (C, S, I)."""

    points: list[Point]
    preset: int
    held_out: Array
    test: Array
    seconds: Array

    @classmethod
    def of(cls, dataset: str) -> Table:
        """The packed table of a data set."""
        with (FOLDER / f"{dataset}.csv").open() as file:
            return cls.from_rows(pd.read_csv(file), grid(space()), known_point(space(), table_run(dataset))[0] or {})

    @classmethod
    def from_rows(cls, rows: pd.DataFrame, points: list[Point], preset: Point) -> Table:
        """rows: one per configuration, seed and iteration, all combinations of them."""
        shape = tuple(rows[name].nunique() for name in ("configuration", "seed", "iteration"))
        rows = rows.sort_values(["configuration", "seed", "iteration"])
        columns = [rows[name].to_numpy(float).reshape(shape) for name in ("held_out", "test", "seconds")]
        return cls(points, points.index(preset), *columns)

    @cached_property
    def worth(self) -> Array:
        """(C, S): test mAP of the iteration that the held-out videos choose."""
        chosen = self.held_out.argmax(axis=2)[:, :, None]
        found: Array = np.take_along_axis(self.test, chosen, axis=2)[:, :, 0]
        return found

    @cached_property
    def trial_s(self) -> float:
        """Mean seconds of a whole training without M0, which all configurations share."""
        return float(self.seconds[:, :, 1:].sum(axis=2).mean())

    @cached_property
    def index(self) -> dict[str, int]:
        return {json.dumps(point, sort_keys=True): number for number, point in enumerate(self.points)}

    def number(self, point: Mapping[str, Any]) -> int:
        return self.index[json.dumps(point, sort_keys=True)]

    def true_worth(self, values_S: Array, unused: Sequence[int]) -> float:
        """Mean over the unused seeds, without what a seed adds to all configurations alike."""
        return float((values_S - self.worth.mean(axis=0))[list(unused)].mean() + self.worth.mean())


@dataclass
class Trainings:
    """What a search has run: objectives by configuration, in the order of the seeds used. cost: in trainings."""

    table: Table
    seeds: Sequence[int]
    budget: int
    values: dict[int, list[float]] = field(default_factory=dict)
    cost: float = 0.0
    choice: int | None = None  # of a search that has a rule of its own

    @property
    def spent(self) -> bool:
        return self.cost >= self.budget - 1e-9

    def run(self, configuration: int, iterations: int | None = None) -> float:
        """One more seed of a configuration; its objective. iterations: after so many refinements it was stopped."""
        done = self.values.setdefault(configuration, [])
        seed = self.seeds[len(done)]
        curve, seconds = self.table.held_out[configuration, seed], self.table.seconds[configuration, seed]
        end = None if iterations is None else iterations + 1
        self.cost += 1.0 if iterations is None else float(seconds[1:end].sum()) / self.table.trial_s
        done.append(float(curve[:end].max()))
        return done[-1]

    def best(self, among: Iterable[int] | None = None, count: int = 1) -> list[int]:
        """Of those with the most seeds, the highest means first, then earlier ones: the project's ranking of what ran
        on the same seeds."""
        groups = {c: self.values[c] for c in (self.values if among is None else among)}
        most = max(len(values) for values in groups.values())
        whole = [c for c, values in groups.items() if len(values) == most]
        return sorted(whole, key=lambda c: -np.mean(groups[c]))[:count]

    @property
    def used(self) -> int:
        """Seeds that anything was run on."""
        return max(len(values) for values in self.values.values())
