"""αA × αC of the predictions of one trial, where ``study.thresholds`` has measured them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd

from analysis.study import Study
from analysis.tables.grid import Cell, Grid
from analysis.tables.rendering import Table
from analysis.text import data_title, label, metric_name, number_text
from study.ledger import trial_name
from trainables.errors import UserError
from trainables.report import Pair, PairMaps

SPLITS = {"held_out": "held-out training", "test": "test"}


def prediction_threshold_grids(study: Study) -> Iterator[Table]:
    """A table for each measured trial and split."""
    for trial in study.completed["trial"]:
        path = study.files.thresholds_file(int(trial))
        if path.is_file():
            try:
                found = PairMaps.from_json(json.loads(path.read_text(encoding="utf-8")))
            except (KeyError, TypeError, AttributeError, ValueError):
                raise UserError(f"{path}: is no table of thresholds; remove it, and measure it anew") from None
            yield from (_table(study, int(trial), found, split) for split in found.maps)


def _table(study: Study, trial: int, found: PairMaps, split: str) -> Table:
    name = trial_name(trial)
    pair, best = found.used, max(max(row) for row in found.maps[split])
    used = f"underlined: the pair in use, ({pair.min_attention:g}, {pair.min_class_score:g})"
    own = "" if pair == found.configured else (
        f"; the configuration's is ({found.configured.min_attention:g}, {found.configured.min_class_score:g})"
    )  # fmt: skip
    grid = Grid(
        name=f"prediction_thresholds_{name}_{split}",
        label=label(study.name, f"prediction_thresholds_{name}_{split}"),
        caption=f"Thresholds of the predictions, attention αA × class score αC: {metric_name(study)} in % on the "
        f"{SPLITS.get(split, split)} videos of {data_title(study)}, the model of {name} after iteration "
        f"{found.iteration}. Bold: the highest; {used}{own}.",
        spanner="αC",
        header=["αA", *(f"{value:g}" for value in found.min_class_score)],
        rows=[
            [Cell(f"{attention:g}"), *_cells(found, attention, values, best, trial)]
            for attention, values in zip(found.min_attention, found.maps[split], strict=True)
        ],
        notes=["All are of one set of scores; on videos that did not choose the pair, the highest number is luck"],
    )
    return grid, _data(study, trial, found, split)


def _cells(found: PairMaps, attention: float, values: tuple[float, ...], best: float, trial: int) -> Iterator[Cell]:
    for class_score, value in zip(found.min_class_score, values, strict=True):
        used = Pair(attention, class_score) == found.used
        yield Cell(number_text(value), bold=value == best, underline=used, trials=(trial,))


def _data(study: Study, trial: int, found: PairMaps, split: str) -> pd.DataFrame:
    rows = [
        {"study": study.name, "trial": trial, "iteration": found.iteration, "split": split,
         "min_attention": attention, "min_class_score": class_score, "selection_map": value,
         "used": Pair(attention, class_score) == found.used,
         "configured": Pair(attention, class_score) == found.configured}
        for attention, values in zip(found.min_attention, found.maps[split], strict=True)
        for class_score, value in zip(found.min_class_score, values, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)
