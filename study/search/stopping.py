"""When a search is over before its budget is: a target is reached, or nothing better has come for long.

Both look at configurations in number order, and only at those that the next one is proposed from. So the number of
workers and the order in which trials end do not matter: a search goes on for ``lookback`` configurations after the one
that ended it.
"""

from __future__ import annotations

from collections.abc import Mapping


class SearchEnd:
    """Looks at configurations one by one, in number order. reason: why the search is over, as a phrase; None while it
    is not."""

    def __init__(self, target: float | None, patience: int | None) -> None:
        self._target, self._patience = target, patience
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
        if self._target is not None and self._highest >= self._target:
            self.reason = f"configuration {self._best} reached the target {self._target:g} ({_text(self._highest)})"
        elif self._patience is not None and self._since >= self._patience:
            found = f"after configuration {self._best} ({_text(self._highest)}) is better"
            self.reason = f"none of {self._patience} configurations {found if self._best >= 0 else 'has a result'}"


def search_end(values: Mapping[int, float | None], target: float | None, patience: int | None) -> str | None:
    """Why the search is over, as a phrase; None while it is not. values: by configuration, in number order."""
    end = SearchEnd(target, patience)
    for configuration, value in values.items():
        end.add(configuration, value)
    return end.reason


def _text(value: float) -> str:
    """A percentage, or a loss, which needs more decimals."""
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.3f}"
