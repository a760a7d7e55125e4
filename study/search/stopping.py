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


def search_end(
    values: Mapping[int, float | None], target: float | None, patience: int | None, objective: Objective = MAP
) -> str | None:
    """Why the search is over, as a phrase; None while it is not.

    values: by configuration, in number order, None for one without a result. A configuration is better by a higher
    number; one without a result counts for the patience. target: as people read the number. objective: how it is
    written.
    """
    reached = math.inf if target is None else objective.recorded_of(target)
    best, highest, since = None, float("-inf"), 0
    for configuration, value in values.items():
        since += 1
        if value is not None and value > highest:
            best, highest, since = configuration, value, 0
        if highest >= reached:
            return (
                f"configuration {best} reached the target {objective.read_of(reached):g} ({objective.brief(highest)})"
            )
        if patience is not None and since >= patience:
            before = f"after configuration {best} ({objective.brief(highest)})"
            return f"none of {patience} configurations {'has a result' if best is None else f'{before} is better'}"
    return None
