"""A study's time: how much of it is used, over all sessions, and whether a further configuration fits into the rest.

What fits depends on how fast the machine is, so a study with a time budget is not reproducible in its length: its
trials are those of the same study without one, as far as it comes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from study.config import StudyConfig
from study.ledger import Event, StudyStarted


class TimeBudget:
    """places: trials that run at a time; set when it is known."""

    def __init__(self, study: StudyConfig, events: Iterable[Event], clock: Callable[[], float] = time.time) -> None:
        """events: of earlier sessions. clock: seconds since 1970."""
        self.places = 1
        self._study, self._clock, self._began = study, clock, clock()
        self._used_before_s = used_seconds(events)

    @property
    def used_s(self) -> float:
        """Of all sessions together, this one from its beginning."""
        return self._used_before_s + self._clock() - self._began

    def admits(self, longest_s: float | None, unfinished: int) -> bool:
        """Whether one more configuration, and the confirmations after it, end in time.

        longest_s: of the longest trial that has completed, M0 included; before there is one, nothing is known.
        unfinished: trials of the search that have not ended.
        """
        if self._study.time_budget_s is None or longest_s is None:
            return True
        confirm = self._study.confirm
        confirmations = confirm.top * confirm.seeds if confirm else 0
        search = math.ceil((unfinished + self._study.seeds) / self.places)
        rounds = search + math.ceil(confirmations / self.places)
        return self.used_s + rounds * longest_s <= self._study.time_budget_s


def used_seconds(events: Iterable[Event]) -> float:
    """From the beginning of each session to the last event of it, together."""
    used, began, last = 0.0, None, 0.0
    for event in events:
        if isinstance(event, StudyStarted):
            used += max(0.0, last - began) if began is not None else 0.0
            began = event.time
        last = event.time or last
    return used + (max(0.0, last - began) if began is not None else 0.0)
