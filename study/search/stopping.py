"""When a search is over before its budget is: a target is reached, or nothing better has come for long.

Both look at configurations in number order, and only at those that the next one is proposed from. So the number of
workers and the order in which trials end do not matter: a search goes on for ``lookback`` configurations after the one
that ended it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from trainables.objective import Objective

MAP = Objective("mAP")


class SearchEnd:
    """Looks at configurations one by one, in number order. reason: why the search is over, as a phrase; None while it
    is not. target: as people read the number. objective: how it is written."""

    def __init__(self, target: float | None, patience: int | None, objective: Objective = MAP) -> None:
        self._target = math.inf if target is None else objective.recorded_of(target)
        self._patience, self._objective = patience, objective
        self._best, self._highest, self._since = -1, float("-inf"), 0
        self.seen = 0
        self.reason: str | None = None

    def add(self, configuration: int, value: float | None) -> None:
        """One is better by a higher number; value: None for one without a result, which counts for the patience."""
        self.seen += 1
        if self.reason is not None:
            return
        self._since += 1
        if value is not None and value > self._highest:
            self._best, self._highest, self._since = configuration, value, 0
        if self._highest >= self._target:
            target = self._objective.read_of(self._target)
            self.reason = f"configuration {self._best} reached the target {target:g} ({self._number})"
        elif self._patience is not None and self._since >= self._patience:
            found = f"after configuration {self._best} ({self._number}) is better"
            self.reason = f"none of {self._patience} configurations {found if self._best >= 0 else 'has a result'}"

    @property
    def _number(self) -> str:
        return self._objective.brief(self._highest)


def search_end(
    values: Mapping[int, float | None], target: float | None, patience: int | None, objective: Objective = MAP
) -> str | None:
    """Why the search is over, as a phrase; None while it is not. values: by configuration, in number order."""
    end = SearchEnd(target, patience, objective)
    for configuration, value in values.items():
        end.add(configuration, value)
    return end.reason
