"""Optuna's TPE, proposal for proposal and to the last bit, without what it computes anew for each group of keys.

Optuna's sampler goes through the whole history in Python three times for each group of keys, and computes the same
masses of truncated normal distributions again and again. Here the history is split once per proposal, its values stand
in one array, and what a kernel assigns to each value of a grid is kept: kernels lie on the same grids from proposal to
proposal. Ranges without steps go Optuna's own way.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, _get_single_value
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.probability_distributions import (
    _BatchedCategoricalDistributions,
    _unique_inverse_2d,
)
from optuna.samplers._tpe.sampler import default_gamma, default_weights
from optuna.search_space.group_decomposed import _SearchSpaceGroup
from optuna.trial import FrozenTrial, TrialState

from study.config import Point
from study.config.space import Space, active, rounded

Distributions = Mapping[str, BaseDistribution]
MOST_POINTS, MOST_KERNELS = 1024, 4096  # of a grid, and kept for one
NUM_CANDIDATES = 24  # as in Optuna, like these
PARAMETERS = _ParzenEstimatorParameters(
    prior_weight=1.0, consider_magic_clip=True, consider_endpoints=False, weights=default_weights, multivariate=True
)


class ResultTable:
    """What TPE reads of the retained results, as arrays: one row per result, in the order in which they were told."""

    def __init__(self, distributions: Distributions) -> None:
        self.columns = {key: column for column, key in enumerate(distributions)}
        self._distributions = distributions
        self._numbers: list[int] = []
        self._key_sets: list[int] = []  # of each result, as a number
        self._number_of_keys: dict[tuple[str, ...], int] = {}
        self._groups: dict[tuple[int, ...], list[list[str]]] = {}
        # Whether it completed, its value, what pruned results are ranked by (two columns), internal values by key.
        self._rows = np.empty((64, 4 + len(self.columns)))

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, trial: FrozenTrial) -> None:
        """At the end."""
        if len(self) == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        params = trial.params
        self._rows[len(self)] = (
            trial.state == TrialState.COMPLETE,
            trial.value,
            *_pruned_rank(trial),
            *(d.to_internal_repr(params[k]) if k in params else math.nan for k, d in self._distributions.items()),
        )
        self._numbers.append(trial.number)
        self._key_sets.append(self._number_of_keys.setdefault(tuple(params), len(self._number_of_keys)))

    def remove(self, trial: FrozenTrial) -> None:
        place = bisect_left(self._numbers, trial.number)
        self._rows[place : len(self) - 1] = self._rows[place + 1 : len(self)]
        del self._numbers[place], self._key_sets[place]

    def copy(self) -> ResultTable:
        other = copy(self)
        other._rows, other._numbers, other._key_sets = self._rows.copy(), self._numbers.copy(), self._key_sets.copy()
        return other

    def groups(self) -> list[list[str]]:
        """Keys that always occur together; groups in the order of Optuna's own, keys in that of their names."""
        # A set of keys that was added before changes nothing.
        found = tuple(dict.fromkeys(self._key_sets))
        if found not in self._groups:
            known, groups = list(self._number_of_keys), _SearchSpaceGroup()
            for number in found:
                groups.add_distributions({key: self._distributions[key] for key in known[number]})
            self._groups[found] = [sorted(group) for group in groups.search_spaces]
        return self._groups[found]

    def values(self, keys: Iterable[str]) -> np.ndarray:
        """Internal values, shape (results, keys); NaN where a key does not matter."""
        return self._rows[: len(self), [4 + self.columns[key] for key in keys]]

    def split(self, num_below: int) -> tuple[np.ndarray, np.ndarray]:
        """Places of the best ``num_below`` and of the others, both in order: completed before pruned ones."""
        completed, value, step, step_value = self._rows[: len(self), :4].T
        is_completed = completed > 0
        best, pruned = np.flatnonzero(is_completed), np.flatnonzero(~is_completed)
        best = best[np.argsort(-value[best], kind="stable")]
        ranked = np.concatenate([best, pruned[np.lexsort((step_value[pruned], step[pruned]))]])
        return np.sort(ranked[:num_below]), np.sort(ranked[num_below:])


class GridMasses:
    """Logarithm of what a normal distribution assigns to each value of a grid, by its mean and standard deviation."""

    def __init__(self, low: float, high: float, step: float) -> None:
        self._low, self._high, self._step = low, high, step
        points = np.clip(low + np.arange(round((high - low) / step) + 1) * step, low, high)
        self._left, self._right = points - step / 2, points + step / 2
        self._forget()

    def _forget(self) -> None:
        self._places: dict[tuple[float, float], int] = {}
        self._masses = np.empty((0, len(self._left)))
        self._totals = np.empty(0)

    def add_to(self, log_pdf: np.ndarray, samples: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> None:
        """Add the logarithm of each kernel's density at each sample; log_pdf: shape (samples, kernels)."""
        unique_mu, unique_sigma, inverse = _unique_inverse_2d(mu, sigma)
        places = self._places_of(unique_mu, unique_sigma)
        value = np.round((samples - self._low) / self._step).astype(int)
        log_pdf += self._masses[places][:, value].T.take(inverse, axis=1)
        log_pdf -= self._totals[places][inverse]

    def _places_of(self, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        kernels = list(zip(mu.tolist(), sigma.tolist(), strict=True))
        if len(self._places) > MOST_KERNELS:
            self._forget()
        new = [kernel for kernel in kernels if kernel not in self._places]
        if new:
            self._places |= {kernel: place for place, kernel in enumerate(new, start=len(self._places))}
            self._compute(*(np.array(column) for column in zip(*new, strict=True)))
        return np.array([self._places[kernel] for kernel in kernels])

    def _compute(self, mu: np.ndarray, sigma: np.ndarray) -> None:
        left = (self._left[:, np.newaxis] - mu) / sigma
        right = (self._right[:, np.newaxis] - mu) / sigma
        low, high = self._low - self._step / 2, self._high + self._step / 2
        masses = _truncnorm._log_gauss_mass(left.ravel(), right.ravel()).reshape(left.shape).T
        totals = _truncnorm._log_gauss_mass((low - mu) / sigma, (high - mu) / sigma)
        self._masses, self._totals = np.concatenate([self._masses, masses]), np.concatenate([self._totals, totals])


class Kernels:
    """The masses of each key with a grid, kept from proposal to proposal of one study."""

    def __init__(self, distributions: Distributions) -> None:
        self.masses = {key: masses for key, one in distributions.items() if (masses := _masses(one)) is not None}

    def log_pdf(self, estimator: _ParzenEstimator, samples: Mapping[str, np.ndarray]) -> np.ndarray:
        """As the estimator's own; shape (samples,)."""
        mixture: Any = estimator._mixture_distribution
        parts = dict(zip(samples, mixture.distributions, strict=True))
        choices = {key for key, part in parts.items() if isinstance(part, _BatchedCategoricalDistributions)}
        if not parts.keys() <= choices | self.masses.keys():
            return np.asarray(estimator.log_pdf(dict(samples)))
        log_pdf = np.zeros((len(next(iter(samples.values()))), len(mixture.weights)))
        for key, part in parts.items():
            if key in choices:
                log_pdf += np.log(part.weights.T)[samples[key].astype(np.int64)]
            else:
                self.masses[key].add_to(log_pdf, samples[key], part.mu, part.sigma)
        log_pdf += np.log(mixture.weights[np.newaxis])
        highest = log_pdf.max(axis=1)
        highest[np.isneginf(highest)] = 0
        with np.errstate(divide="ignore"):
            return np.log(np.exp(log_pdf - highest[:, None]).sum(axis=1)) + highest


class TPE:
    """Proposes points as Optuna's TPESampler does that is multivariate, by groups, and otherwise as it comes."""

    def __init__(self, space: Space, startup: int) -> None:
        """startup: results from which on it draws no more at random."""
        self._space, self._startup = space, startup
        self._distributions = {key: dimension.distribution() for key, dimension in space.items()}
        self._kernels = Kernels(self._distributions)
        self._order = np.random.RandomState()

    def table(self) -> ResultTable:
        """An empty one, to be filled with what it learns from."""
        return ResultTable(self._distributions)

    def propose(self, results: ResultTable, seed: int) -> Point:
        """The point that ``seed`` leads to."""
        if len(results) < self._startup:
            return random_point(self._space, self._distributions, seed)
        self._order.seed(seed)
        below, above = results.split(default_gamma(len(results)))
        found: dict[str, Any] = {}
        for group in results.groups():
            keys = [key for key in group if not self._distributions[key].single()]
            found |= self._sampled(results, below, above, keys) if keys else {}
        return point_of(
            self._space,
            self._distributions,
            lambda key: found[key] if key in found else self._sampled(results, below, above, [key])[key],
        )

    def _sampled(
        self, results: ResultTable, below: np.ndarray, above: np.ndarray, keys: Sequence[str]
    ) -> dict[str, Any]:
        """Of some candidates that are likely among the best, the one that is least so among the others."""
        distributions, values = {key: self._distributions[key] for key in keys}, results.values(keys)
        good, other = (_estimator(values[places], distributions) for places in (below, above))
        samples = good.sample(self._order, NUM_CANDIDATES)
        gain = self._kernels.log_pdf(good, samples) - self._kernels.log_pdf(other, samples)
        best = np.argmax(gain)
        return {key: one.to_external_repr(samples[key][best].item()) for key, one in distributions.items()}


def random_point(space: Space, distributions: Distributions, seed: int) -> Point:
    """As Optuna's RandomSampler draws it."""
    # A generator of the sampler's own is seeded from the system first, which takes longer than the draws.
    sampler = optuna.samplers.RandomSampler()
    sampler._rng._rng = np.random.RandomState(seed)
    nothing: Any = None  # it looks neither at the study nor at the trial
    return point_of(
        space, distributions, lambda key: sampler.sample_independent(nothing, nothing, key, distributions[key])
    )


def point_of(space: Space, distributions: Distributions, draw: Callable[[str], Any]) -> Point:
    """The keys that matter, each with what is drawn for it; a single value is not drawn."""
    point: Point = {}
    for key, dimension in space.items():
        if active(dimension, point):
            one = distributions[key]
            value: Any = _get_single_value(one) if one.single() else draw(key)
            point[key] = value if dimension.choices is not None else rounded(one.to_external_repr(value))
    return point


def _estimator(values: np.ndarray, distributions: dict[str, BaseDistribution]) -> _ParzenEstimator:
    values = values[~np.isnan(values).any(axis=1)]
    return _ParzenEstimator(
        dict(zip(distributions, np.ascontiguousarray(values.T), strict=True)), distributions, PARAMETERS
    )


def _pruned_rank(trial: FrozenTrial) -> tuple[float, float]:
    """Lower is better: who came further, then the higher value."""
    if not trial.intermediate_values:
        return 1, 0.0
    step, value = max(trial.intermediate_values.items())
    return -step, math.inf if math.isnan(value) else -value


def _masses(one: BaseDistribution) -> GridMasses | None:
    """None for choices, and for ranges without a grid of few points."""
    if not isinstance(one, optuna.distributions.FloatDistribution | optuna.distributions.IntDistribution):
        return None
    if one.step is None or one.log or (one.high - one.low) / one.step > MOST_POINTS:
        return None
    return GridMasses(one.low, one.high, one.step)
