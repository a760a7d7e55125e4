"""Which configuration comes next: Optuna, made to depend on nothing but seed, number and results.

Configuration c is proposed from the results of configurations up to c - 1 - lookback, told to Optuna in number
order and no further, by a sampler that is made anew for c from (study seed, c). So neither the number of workers,
nor the order in which they end, nor a kill and a resume changes what is proposed. No Ray.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
import optuna
from optuna.trial import TrialState

from study.config import StudyConfig
from study.ledger import TrialRecord
from study.search_space import Point, grid, same_point, suggest

SAMPLED_TRIES, RANDOM_TRIES = 8, 100


@dataclass(frozen=True)
class Proposal:
    """A point of the space; ``repeats``: earlier configurations that were proposed again first, and not run again."""

    params: Point
    origin: str
    repeats: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What Optuna learns of a configuration; value: mean over replicates, curve: mean best-so-far by iteration."""

    state: TrialState
    value: float | None = None
    curve: tuple[float, ...] = ()


def outcome(replicates: Sequence[TrialRecord]) -> Outcome:
    """The outcome of a configuration whose replicates have all ended.

    Replicates that ended without a finite objective are left out of the mean; where none is left the configuration
    failed. It was pruned when a replicate was and none completed.
    """
    completed = [r for r in replicates if r.state == "completed" and _finite(r.objective)]
    pruned = [r for r in replicates if r.state == "pruned" and _finite(r.objective)]
    chosen = completed or pruned
    if not chosen:
        return Outcome(TrialState.FAIL)
    curves = [[report["best_so_far"] for report in record.iterations] for record in chosen]
    curve = tuple(fmean(values) for values in zip(*curves, strict=False))
    value = fmean(r.objective for r in chosen if r.objective is not None)
    return Outcome(TrialState.COMPLETE if completed else TrialState.PRUNED, value, curve)


class Proposals:
    """The configurations of one study, in number order."""

    def __init__(self, study: StudyConfig, first: Point | None = None) -> None:
        """first: a known point that is configuration 0, unless the sampler is a grid."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._config = study
        self._grid = grid(study.space) if study.sampler == "grid" else None
        self._first = first if self._grid is None else None
        self._points: list[Point] = []
        self._outcomes: dict[int, Outcome] = {}
        self._told = 0
        self._optuna = optuna.create_study(direction="maximize")

    def __len__(self) -> int:
        return len(self._points)

    def tell(self, configuration: int, result: Outcome) -> None:
        """Record a result; Optuna hears of it when a proposal may depend on it. A second one is an error."""
        if configuration in self._outcomes:
            raise ValueError(f"configuration {configuration} was told already")
        self._outcomes[configuration] = result

    def knows(self, configuration: int) -> bool:
        """Whether the result of a configuration has been told."""
        return configuration in self._outcomes

    @property
    def ready(self) -> bool:
        """Whether all results that the next proposal depends on are there."""
        return all(c in self._outcomes for c in range(self._told, self._horizon))

    def restore(self, point: Point, repeats: Sequence[int] = ()) -> None:
        """Take in the next configuration as it was proposed in an earlier session."""
        self._tell_optuna()
        for earlier in repeats:
            self._add(earlier)
        self._points.append(point)

    def propose(self) -> Proposal | None:
        """The next configuration, or None when the space has no further point. Call only when ``ready``."""
        if not self.ready:
            raise RuntimeError("the results that this proposal depends on are not there yet")
        self._tell_optuna()
        proposal = self._next()
        if proposal is not None:
            self._points.append(proposal.params)
        return proposal

    @property
    def _horizon(self) -> int:
        return max(0, len(self._points) - self._config.lookback)

    def _next(self) -> Proposal | None:
        if self._grid is not None:
            number = len(self._points)
            return Proposal(self._grid[number], "sampler") if number < len(self._grid) else None
        if not self._points and self._first is not None:
            return Proposal(self._first, "preset")
        repeats: list[int] = []
        for attempt in range(SAMPLED_TRIES + RANDOM_TRIES):
            point = self._ask(attempt)
            known = next((c for c, other in enumerate(self._points) if same_point(point, other)), None)
            if known is None:
                return Proposal(point, "sampler", repeats)
            # Its recorded result is told again, unless this proposal must not depend on that result.
            if known < self._told:
                self._add(known)
                repeats.append(known)
        return None

    def _ask(self, attempt: int) -> Point:
        self._optuna.sampler = self._sampler(attempt)
        trial = self._optuna.ask()
        point = suggest(self._config.space, trial)
        # Results are added whole by _add; what was asked with is closed, so that it counts for nothing.
        self._optuna.tell(trial, state=TrialState.FAIL)
        return point

    def _sampler(self, attempt: int) -> optuna.samplers.BaseSampler:
        entropy = [self._config.seed, len(self._points), attempt]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        if self._config.sampler == "random" or attempt >= SAMPLED_TRIES:
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():
            # Both options are marked experimental; they are chosen on purpose.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                seed=seed, multivariate=True, group=True, n_startup_trials=self._config.startup
            )

    def _tell_optuna(self) -> None:
        while self._told < self._horizon and self._told in self._outcomes:
            self._add(self._told)
            self._told += 1

    def _add(self, configuration: int) -> None:
        result, point = self._outcomes[configuration], self._points[configuration]
        self._optuna.add_trial(
            optuna.trial.create_trial(
                state=result.state,
                value=result.value,
                params=point,
                distributions={key: self._config.space[key].distribution() for key in point},
                intermediate_values=dict(enumerate(result.curve)),
            )
        )


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
