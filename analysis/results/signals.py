"""What was measured without temporal annotations, over refinement iterations: the label stability among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from analysis.results.refinement import best_trials
from analysis.results.statistics import Summary, over_seeds, with_lines
from analysis.study import Study

NUMBER = "value"


class SignalTable(NamedTuple):
    """Signals of one configuration, each in its own unit, higher is better. cells: (iterations, signals)."""

    signals: list[str]
    iterations: list[int]
    cells: list[list[Summary | None]]

    @property
    def by_place(self) -> dict[tuple[str, str], Summary | None]:
        """(iteration, signal) -> cell."""
        return {
            (str(eta), signal): cell
            for eta, cells in zip(self.iterations, self.cells, strict=True)
            for signal, cell in zip(self.signals, cells, strict=True)
        }


def signal_table(study: Study) -> SignalTable | None:
    """Of the best configuration over its seeds; None in a study that has recorded none."""
    rows = study.iterations[study.iterations["trial"].isin(best_trials(study)["trial"])]
    rows = with_lines(rows[[isinstance(signals, Mapping) for signals in rows["signals"]]])
    names = list(dict.fromkeys(name for signals in rows["signals"] for name in signals))
    if not names:
        return None
    groups = {int(str(eta)): group for eta, group in rows.groupby("iteration")}
    cells = [[_summary(group, name) for name in names] for group in groups.values()]
    return SignalTable(names, list(groups), cells)


def _summary(rows: pd.DataFrame, name: str) -> Summary | None:
    # The nullable type: None is a missing number, also where there is nothing but None.
    values = pd.array([signals.get(name) for signals in rows["signals"]], dtype="Float64")
    return over_seeds(rows.assign(**{NUMBER: values}), NUMBER)
