"""Which results a sampler sees: the latest, and the best of those before. No Ray.

The work of a sampler grows with the results that it looks at; all of a long study would make each proposal slower than
the one before. TPE models its good points by the best 25 at most, whatever the study's length (Optuna's gamma): half
of what is kept are the best, so those are not lost. Which results are kept depends on their order and values alone.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Container
from typing import Protocol

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
Rank = tuple[bool, float, int]


class Retained(Protocol):
    """Follows what is retained."""

    def add(self, trial: FrozenTrial) -> None: ...

    def remove(self, trial: FrozenTrial) -> None: ...

    def copy(self) -> Retained: ...


class RetainedTrials:
    """Results in the order in which they were told, all of them until there are more than ``size``."""

    def __init__(self, size: int, follower: Retained | None = None) -> None:
        """size: 2 or more; half of it, rounded up, for the latest. follower: told of each that comes and goes."""
        self.follower = follower
        self._latest: deque[FrozenTrial] = deque()
        self._best: list[FrozenTrial] = []
        self._num_latest, self._num_best = size - size // 2, size // 2
        self._told = 0

    def add(self, trial: FrozenTrial) -> None:
        """Take in the next result; one that is neither recent nor good is forgotten for it."""
        # Samplers go by it: TPE trusts old results less. 0 is the trial that is asked for (see ``RetainedStorage``).
        self._told += 1
        trial.number = self._told
        self._latest.append(trial)
        if self.follower is not None:
            self.follower.add(trial)
        if len(self._latest) > self._num_latest:
            insort(self._best, self._latest.popleft(), key=_rank)
            if len(self._best) > self._num_best:
                forgotten = self._best.pop()
                if self.follower is not None:
                    self.follower.remove(forgotten)

    def copy(self) -> RetainedTrials:
        """To go on from here in another way; results themselves are shared."""
        follower = None if self.follower is None else self.follower.copy()
        other = RetainedTrials(self._num_latest + self._num_best, follower)
        other._latest, other._best, other._told = self._latest.copy(), self._best.copy(), self._told
        return other

    def __len__(self) -> int:
        return len(self._best) + len(self._latest)

    def trials(self) -> list[FrozenTrial]:
        """The retained trials, in the order in which they were told."""
        return [*sorted(self._best, key=lambda trial: trial.number), *self._latest]


def _rank(trial: FrozenTrial) -> Rank:
    """Lower is better: completed before pruned, the higher value, the earlier one."""
    assert trial.value is not None, "failed trials have no place here"
    return trial.state != TrialState.COMPLETE, -trial.value, trial.number


class RetainedStorage(InMemoryStorage):
    """A read-only Optuna storage of the retained trials: samplers see these, and nothing else."""

    def __init__(self, trials: list[FrozenTrial]) -> None:
        super().__init__()
        self._retained = trials

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Of all states, or of ``states``. Samplers read only, so nothing is copied."""
        if states is not None and not any(state in states for state in ENDED):
            return []  # Optuna looks for trials that wait
        return [trial for trial in self._retained if states is None or trial.state in states]
