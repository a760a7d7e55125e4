"""Optuna's TPE, proposal for proposal and to the last bit, without what it computes anew for each group of keys.

Optuna's sampler goes through the whole history in Python three times for each group of keys, and computes the same
masses of truncated normal distributions again and again. Here the history is split once per proposal, its values stand
in one array, and what a kernel assigns to each value of a grid is kept: kernels lie on the same grids from proposal to
proposal. Ranges without steps go Optuna's own way.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers._tpe import _truncnorm
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.probability_distributions import (
    _BatchedCategoricalDistributions,
    _unique_inverse_2d,
)
from optuna.samplers._tpe.sampler import default_gamma
from optuna.search_space.group_decomposed import _SearchSpaceGroup
from optuna.trial import FrozenTrial, TrialState

Distributions = Mapping[str, BaseDistribution]
MOST_POINTS, MOST_KERNELS = 1024, 4096  # of a grid, and kept for one


class ResultTable:
    """What TPE reads of the retained results, as arrays: one row per result, in the order in which they were told."""

    def __init__(self, distributions: Distributions) -> None:
        self.columns = {key: column for column, key in enumerate(distributions)}
        self._distributions = distributions
        self._numbers: list[int] = []
        self._key_sets: list[tuple[str, ...]] = []
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
        self._key_sets.append(tuple(params))

    def remove(self, trial: FrozenTrial) -> None:
        place = bisect_left(self._numbers, trial.number)
        self._rows[place : len(self) - 1] = self._rows[place + 1 : len(self)]
        del self._numbers[place], self._key_sets[place]

    def copy(self) -> ResultTable:
        other = copy(self)
        other._rows, other._numbers, other._key_sets = self._rows.copy(), self._numbers.copy(), self._key_sets.copy()
        return other

    def groups(self) -> _SearchSpaceGroup:
        """Of keys that always occur together, in the order of Optuna's own."""
        groups = _SearchSpaceGroup()
        for keys in dict.fromkeys(self._key_sets):  # a set of keys that was added before changes nothing
            groups.add_distributions({key: self._distributions[key] for key in keys})
        return groups

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


class KeptTPESampler(optuna.samplers.TPESampler):
    """For one proposal: multivariate, by groups of keys that occur together."""

    def __init__(self, results: ResultTable, kernels: Kernels, seed: int, startup: int) -> None:
        """results: all that it is to learn from."""
        super().__init__(seed=seed, multivariate=True, group=True, n_startup_trials=startup, constant_liar=False)
        self._results, self._kernels = results, kernels
        self._split: tuple[np.ndarray, np.ndarray] | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        self._search_space_group = self._results.groups()
        spaces = (sorted(space.items()) for space in self._search_space_group.search_spaces)
        return {name: one for space in spaces for name, one in space if not one.single()}

    def _sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if not search_space or len(self._results) < self._n_startup_trials:
            return {}
        return self._sample(study, trial, search_space)

    def _sample(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if self._split is None:
            self._split = self._results.split(default_gamma(len(self._results)))
        values = self._results.values(search_space)
        below, above = (self._estimator(values[places], search_space) for places in self._split)
        samples = below.sample(self._rng.rng, self._n_ei_candidates)
        gain = self._kernels.log_pdf(below, samples) - self._kernels.log_pdf(above, samples)
        chosen = self._compare(samples, gain)
        return {name: one.to_external_repr(chosen[name]) for name, one in search_space.items()}

    def _estimator(self, values: np.ndarray, search_space: dict[str, BaseDistribution]) -> _ParzenEstimator:
        values = values[~np.isnan(values).any(axis=1)]
        observed = dict(zip(search_space, np.ascontiguousarray(values.T), strict=True))
        return _ParzenEstimator(observed, search_space, self._parzen_estimator_parameters)


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
