"""The M0 gate: of all trials that need the same M0, one trains it, and the others wait until it is in the cache."""

from __future__ import annotations

from study.m0_cache import M0Cache


class M0Gate:
    """Lets trials pass that find their M0 in the cache, or are to train it. Without a cache all pass."""

    def __init__(self) -> None:
        self.cache: M0Cache | None = None
        self._trained_by: dict[str, int] = {}

    def admits(self, key: str | None, trial: int) -> bool:
        """Whether a trial with this M0 may start; the first one of a missing M0 is then the one that trains it."""
        if self.cache is None or key is None or self.cache.ready(key):
            return True
        return self._trained_by.setdefault(key, trial) == trial

    def release(self, trial: int) -> None:
        """Others need not wait for this trial any more: its M0 is in the cache, or will never be."""
        self._trained_by = {key: other for key, other in self._trained_by.items() if other != trial}
