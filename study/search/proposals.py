"""Which configuration comes next: Optuna, made to depend on nothing but seed, number and results.

Configuration c is proposed from the results of configurations up to c - 1 - lookback, told to Optuna in number
order and no further, by a sampler that is made anew for c from (study seed, c). So neither the number of workers,
nor the order in which they end, nor a kill and a resume changes what is proposed. An asynchronous study gives that
up: it is told whatever has ended, and never waits. Of a long study Optuna sees a part (``retained_trials``). No Ray.
"""

from __future__ import annotations

import heapq
import json
import warnings
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from study.config import ObjectiveName, Point, StudyConfig, grid, point_at, suggest
from study.ledger import Configuration, TrialRecord, configuration_means
from study.search.objective import NOTHING_YET, told_curve, told_value
from study.search.retained_trials import RetainedStorage, RetainedTrials
from study.search.stopping import MAP, SearchEnd, search_end
from study.search.tpe import TPE, ResultTable, random_point
from trainables.objective import Objective

SAMPLED_TRIES, RANDOM_TRIES = 8, 100
SOBOL_SKIP = 2**20  # a repeated point is replaced by one from far behind, so that the others keep their order


@dataclass(frozen=True)
class Outcome:
    """What Optuna learns of a configuration; value: mean over replicates, curve: mean best-so-far by iteration.
    by_seed: what the mean is over."""

    state: TrialState
    value: float | None = None
    curve: tuple[float, ...] = ()
    by_seed: dict[int, float] = field(default_factory=dict, compare=False)


def outcome(replicates: Sequence[TrialRecord], objective: ObjectiveName) -> Outcome:
    """The outcome of a configuration whose replicates have all ended. objective: of the study.

    Replicates that ended without a finite number are left out of the mean; where none is left the configuration
    failed. It was pruned when a replicate was and none completed.
    """
    values = [(record, told_value(record, objective)) for record in replicates]
    known = [(record, value) for record, value in values if value is not None]
    completed = [(record, value) for record, value in known if record.state == "completed"]
    chosen = completed or [(record, value) for record, value in known if record.state == "pruned"]
    if not chosen:
        return Outcome(TrialState.FAIL)
    curves = [told_curve(record.iterations, objective) for record, _ in chosen]
    curve = tuple(fmean(values) for values in zip(*curves, strict=False))
    state = TrialState.COMPLETE if completed else TrialState.PRUNED
    by_seed = {record.seed: value for record, value in chosen}
    return Outcome(state, fmean(value for _, value in chosen), curve, by_seed)


class Proposals:
    """The configurations of one study, in number order."""

    def __init__(self, study: StudyConfig, first: Sequence[tuple[str, Point]] = (), objective: Objective = MAP) -> None:
        """first: known points, each after its origin, that come before the sampler's, unless it goes through all
        points. Of equal ones the first is taken. objective: how a number is written."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._config = study
        self._listed = _listed(study)
        distinct: dict[str, tuple[str, Point]] = {}
        for origin, point in first if self._listed is None else ():
            distinct.setdefault(_identity(point), (origin, point))
        self._first = list(distinct.values())
        self._points: list[Point] = []
        self._known: dict[str, int] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._untold: list[int] = []  # a heap
        self._told: list[int] = []  # in number order
        self._seeds: set[frozenset[int]] = set()  # that configurations completed on
        self._means: dict[int, float] = {}  # by configuration, once those differ
        self._added: list[tuple[int, optuna.trial.FrozenTrial]] = []  # all of the history, repeated ones again
        self._first_unknown = 0
        self._distributions = {key: dimension.distribution() for key, dimension in study.space.items()}
        self._tpe = TPE(study.space, study.startup) if study.sampler == "tpe" else None
        self._history = RetainedTrials(study.history, None if self._tpe is None else self._tpe.table())
        self._settled, self._num_settled = self._history.copy(), 0
        self._objective = objective
        self._end = SearchEnd(study.target, study.patience, objective)
        self._ended_seeds: set[frozenset[int]] = set()
        self._sobol: dict[int, SobolSequence] = {}  # by attempt

    def __len__(self) -> int:
        return len(self._points)

    def tell(self, configuration: int, result: Outcome) -> None:
        """Record a result; Optuna hears of it when a proposal may depend on it. A second one is an error."""
        if configuration in self._outcomes:
            raise ValueError(f"configuration {configuration} was told already")
        self._outcomes[configuration] = result
        heapq.heappush(self._untold, configuration)

    def knows(self, configuration: int) -> bool:
        """Whether the result of a configuration has been told."""
        return configuration in self._outcomes

    def curves_before(self, configuration: int) -> list[tuple[float, ...]]:
        """Curves of the latest ``history`` configurations among those that this one was proposed from; among all that
        ended, when asynchronous."""
        end = len(self._points) if self._config.asynchronous else self._horizon(configuration)
        numbers = range(max(0, end - self._config.history), end)
        outcomes = (self._outcomes[c] for c in numbers if c in self._outcomes and c != configuration)
        return [known.curve for known in outcomes if known.curve]

    def search_end(self) -> str | None:
        """Why there is no next configuration before the budget is used up; None where there is one.

        It depends on the configurations that the next one may be proposed from.
        """
        target, patience = self._config.target, self._config.patience
        if target is None and patience is None:
            return None
        end = len(self._points) if self._config.asynchronous else self._horizon(len(self._points))
        while self._end.seen < end and self._end.seen in self._outcomes:
            outcome = self._outcomes[self._end.seen]
            completed = outcome.state == TrialState.COMPLETE and bool(outcome.by_seed)
            self._ended_seeds |= {frozenset(outcome.by_seed)} if completed else set()
            self._end.add(self._end.seen, _mean(outcome) if completed else None)
        if len(self._ended_seeds) <= 1 and self._end.seen >= end:
            return self._end.reason
        # Where seeds differ, each result changes what all of them are compared by.
        known = {c: self._outcomes[c] for c in range(end) if c in self._outcomes}
        means = configuration_means(_completed(known))
        return search_end({c: means.get(c) for c in known}, target, patience, self._objective)

    @property
    def ready(self) -> bool:
        """Whether all results that the next proposal depends on are there."""
        return not self._config.waits or self._next_unknown() >= self._horizon(len(self._points))

    def restore(self, point: Point, repeats: Sequence[int] = ()) -> None:
        """Take in the next configuration as it was proposed before the study was resumed."""
        self._tell_optuna()
        for earlier in repeats:
            if earlier in self._outcomes:
                self._add(earlier)
        self._take(point)

    def propose(self) -> Configuration | None:
        """The next configuration, or None when the space has no further point. Call only when ``ready``."""
        if not self.ready:
            raise RuntimeError("the results that this proposal depends on are not there yet")
        return self.propose_again()

    def propose_again(self) -> Configuration | None:
        """The next configuration from the results that are there: its own once more, where none was lost."""
        self._tell_optuna()
        proposal = self._next()
        if proposal is not None:
            self._take(proposal.params)
        return proposal

    def _take(self, point: Point) -> None:
        self._known.setdefault(_identity(point), len(self._points))
        self._points.append(point)

    def _horizon(self, configuration: int) -> int:
        # A fixed distance, not whatever has ended by then: what ends first depends on the machine, and the same study
        # would propose other points on other workers. The distance is what lets ``lookback`` + 1 run side by side.
        return max(0, configuration - self._config.lookback)

    def _next_unknown(self) -> int:
        while self._first_unknown in self._outcomes:
            self._first_unknown += 1
        return self._first_unknown

    def _next(self) -> Configuration | None:
        number = len(self._points)
        if self._listed is not None:
            return Configuration(number, self._listed[number]) if number < len(self._listed) else None
        if number < len(self._first):
            origin, first = self._first[number]
            return Configuration(number, first, origin)
        repeats: list[int] = []
        for attempt in range(SAMPLED_TRIES + RANDOM_TRIES):
            point = self._ask(attempt)
            known = self._known.get(_identity(point))
            if known is None:
                return Configuration(number, point, repeats=tuple(repeats))
            # Its recorded result is told again, unless this proposal must not depend on that result.
            if self._was_told(known):
                self._add(known)
                repeats.append(known)
        return None

    def _ask(self, attempt: int) -> Point:
        if self._config.sampler == "qmc" and attempt < SAMPLED_TRIES:
            sequence = self._sobol.setdefault(attempt, SobolSequence(self._config))
            return point_at(self._config.space, sequence.point(len(self._points) + attempt * SOBOL_SKIP))
        seed, learns = self._seed(attempt), attempt < SAMPLED_TRIES
        if learns and self._tpe is not None:
            results = self._history.follower
            assert isinstance(results, ResultTable), "what TPE reads is kept along"
            return self._tpe.propose(results, seed)
        if learns and self._config.sampler == "gp":
            return self._ask_gp(seed)
        return random_point(self._config.space, self._distributions, seed)

    def _ask_gp(self, seed: int) -> Point:
        with warnings.catch_warnings():
            # Marked experimental; it is chosen on purpose.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.GPSampler(
                seed=seed, n_startup_trials=self._config.startup, warn_independent_sampling=False
            )
        # A study for one question: what is asked leaves no trace that the next one would have to wade through.
        asked = optuna.create_study(
            storage=RetainedStorage(self._history.trials()), sampler=sampler, direction="maximize"
        )
        return suggest(self._config.space, asked.ask())

    def _seed(self, attempt: int) -> int:
        entropy = [self._config.seed, len(self._points), attempt]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])

    def _tell_optuna(self) -> None:
        end = len(self._points) if self._config.asynchronous else self._horizon(len(self._points))
        told = False
        while self._untold and self._untold[0] < end:
            configuration = heapq.heappop(self._untold)
            self._add(configuration)
            insort(self._told, configuration)
            told = True
            self._seeds |= {frozenset(by_seed) for by_seed in _completed({0: self._outcomes[configuration]}).values()}
        if told and len(self._seeds) > 1:
            self._compare_as_on_equal_seeds()

    def _compare_as_on_equal_seeds(self) -> None:
        """Where replicates failed: the same history, with what the seeds do to all configurations taken out.

        By the latest ``history`` configurations: the work of a proposal stays the same in a long study.
        """
        latest = self._told[-self._config.history :]
        self._means |= configuration_means(_completed({c: self._outcomes[c] for c in latest}))
        # What lies before the latest keeps its mean for good, so it is gone through once and not at each proposal.
        while self._num_settled < len(self._added) and self._added[self._num_settled][0] < latest[0]:
            self._settled.add(self._with_mean(*self._added[self._num_settled]))
            self._num_settled += 1
        self._history = self._settled.copy()
        for configuration, trial in self._added[self._num_settled :]:
            self._history.add(self._with_mean(configuration, trial))

    def _with_mean(self, configuration: int, trial: optuna.trial.FrozenTrial) -> optuna.trial.FrozenTrial:
        trial.value = self._means.get(configuration, trial.value)
        return trial

    def _was_told(self, configuration: int) -> bool:
        place = bisect_left(self._told, configuration)
        return place < len(self._told) and self._told[place] == configuration

    def _add(self, configuration: int) -> None:
        if self._outcomes[configuration].state == TrialState.FAIL:
            return  # no sampler looks at it
        trial = self._trial(configuration)
        self._added.append((configuration, trial))
        self._history.add(trial)

    def _trial(self, configuration: int) -> optuna.trial.FrozenTrial:
        result, point = self._outcomes[configuration], self._points[configuration]
        return optuna.trial.create_trial(
            state=result.state,
            value=self._means.get(configuration, result.value),
            params=point,
            distributions={key: self._distributions[key] for key in point},
            intermediate_values={step: value for step, value in enumerate(result.curve) if value != NOTHING_YET},
        )


def _mean(outcome: Outcome) -> float:
    return fmean(value for _, value in sorted(outcome.by_seed.items()))


def _completed(outcomes: Mapping[int, Outcome]) -> dict[int, dict[int, float]]:
    """Numbers by seed of the configurations that ran to their end."""
    return {c: one.by_seed for c, one in outcomes.items() if one.state == TrialState.COMPLETE and one.by_seed}


def _listed(study: StudyConfig) -> list[Point] | None:
    """All points in the order of their turn, for the samplers that leave none out."""
    if study.sampler not in ("grid", "brute_force"):
        return None
    points = grid(study.space)
    if study.sampler == "grid":
        return points
    return [points[i] for i in np.random.default_rng(study.seed).permutation(len(points))]


class SobolSequence:
    """A study's scrambled Sobol sequence; one coordinate in [0, 1) per key of the space.

    Optuna's QMCSampler counts its points in the study and covers no conditional space: neither survives a resume.
    """

    def __init__(self, study: StudyConfig) -> None:
        self._study = study
        self._engine: Any = None

    def point(self, index: int) -> list[float]:
        """Asked for in order, the sequence goes on from the last one; it begins anew for an earlier one."""
        if self._engine is None or self._engine.num_generated > index:
            from scipy.stats import qmc  # slow to import, and seldom needed

            generator = np.random.default_rng(self._study.seed)
            self._engine = qmc.Sobol(len(self._study.space), scramble=True, rng=generator)
        if index > self._engine.num_generated:
            self._engine.fast_forward(index - self._engine.num_generated)
        coordinates: list[float] = self._engine.random(1)[0].tolist()
        return coordinates


def _identity(point: Point) -> str:
    """Equal for equal points; ``1`` and ``1.0`` are equal."""
    numbers = {k: float(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for k, v in point.items()}
    return json.dumps(numbers, sort_keys=True)
