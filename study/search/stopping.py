"""When a search is over before its budget is: a target is reached, or nothing better has come for long.

Both look at configurations in number order, and only at those that the next one is proposed from. So the number of
workers and the order in which trials end do not matter: a search goes on for ``lookback`` configurations after the one
that ended it.
"""

from __future__ import annotations

from collections.abc import Mapping


def search_end(values: Mapping[int, float | None], target: float | None, patience: int | None) -> str | None:
    """Why the search is over, as a phrase; None while it is not.

    values: by configuration, in number order, None for one without a result. A configuration is better by a higher
    number; one without a result counts for the patience.
    """
    best, highest, since = None, float("-inf"), 0
    for configuration, value in values.items():
        since += 1
        if value is not None and value > highest:
            best, highest, since = configuration, value, 0
        if target is not None and highest >= target:
            return f"configuration {best} reached the target {target:g} ({_text(highest)})"
        if patience is not None and since >= patience:
            after = "has a result" if best is None else f"after configuration {best} ({_text(highest)}) is better"
            return f"none of {patience} configurations {after}"
    return None


def _text(value: float) -> str:
    """A percentage, or a loss, which needs more decimals."""
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.3f}"
