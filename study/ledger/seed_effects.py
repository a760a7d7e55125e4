"""Configurations that ran on different seeds, made comparable: number = configuration + seed + rest.

All configurations of a seed share their M0, batches and held-out videos, so most of what a seed does to one it does to
all. The model is fitted by least squares. Where all configurations have the same seeds, a configuration's part is its
mean, to the last digit. Pure Python: what looks at a ledger needs no numpy.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean, variance
from typing import NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
Numbers = Mapping[K, Mapping[int, float]]
"""Configuration -> seed -> number. No configuration is without a seed."""

SINGULAR = 1e-9  # pivots are counts of configurations: far from it, or zero up to rounding


class Estimate(NamedTuple):
    """What is known of one configuration.

    mean: over all seeds of those that it can be compared with, as if it had run on each; its own mean where seeds are
    equal. standard_error: of that mean in comparisons on common seeds. likely: the mean drawn towards that of all
    configurations, by how much of their spread is noise: the best of many means is lucky, the best of these is not.
    Both are None where no configuration shares a second seed with another. seeds: on how many it ran.
    """

    mean: float
    standard_error: float | None
    likely: float | None
    seeds: int

    @property
    def ranked_by(self) -> tuple[float, float]:
        """Higher is better."""
        return (self.mean if self.likely is None else self.likely, self.mean)


def have_equal_seeds(numbers: Numbers[K]) -> bool:
    """Whether every configuration ran on the same seeds."""
    return len({frozenset(by_seed) for by_seed in numbers.values()}) <= 1


def are_connected(numbers: Numbers[K]) -> bool:
    """Whether any two seeds can be compared: configurations have both, directly or by way of others."""
    every = list(numbers.values())
    seeds = {seed for by_seed in every for seed in by_seed}
    return not seeds or _connected(every, min(seeds)) == seeds


def configuration_means(numbers: Numbers[K]) -> dict[K, float]:
    """The configurations' parts of the model, at the mean of the seeds' parts."""
    effects = {} if have_equal_seeds(numbers) else seed_effects(list(numbers.values()))
    return {key: fmean(_adjusted(by_seed, effects)) for key, by_seed in numbers.items()}


def estimates(numbers: Numbers[K]) -> dict[K, Estimate]:
    """Mean, standard error and likely value of each configuration."""
    means, noise = configuration_means(numbers), noise_variance(list(numbers.values()))
    counts = {key: len(by_seed) for key, by_seed in numbers.items()}
    if noise is None or len(means) < 2:
        error = None if noise is None else math.sqrt(noise)
        return {
            key: Estimate(mean, None if error is None else error / math.sqrt(counts[key]), None, counts[key])
            for key, mean in means.items()
        }
    centre = fmean(means.values())
    # Method of moments: what means spread, less what noise alone would spread them.
    spread = max(0.0, variance(means.values(), centre) - fmean(noise / count for count in counts.values()))
    found = {}
    for key, mean in means.items():
        own = noise / counts[key]
        weight = spread / (spread + own) if own > 0 else 1.0
        found[key] = Estimate(mean, math.sqrt(own), centre + weight * (mean - centre), counts[key])
    return found


def noise_variance(numbers: Sequence[Mapping[int, float]]) -> float | None:
    """Variance of what neither configuration nor seed explains; None where no degree of freedom is left for it."""
    effects = seed_effects(numbers)
    groups = len({_first(numbers, seed) for seed in effects})
    freedom = sum(map(len, numbers)) - len(numbers) - len(effects) + groups
    if freedom < 1:
        return None
    squares = 0.0
    for by_seed in numbers:
        rests = _adjusted(by_seed, effects)
        own = fmean(rests)
        squares += sum((rest - own) ** 2 for rest in rests)
    return squares / freedom


def seed_effects(numbers: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """The seeds' parts of the model, least squares; their mean is 0 over the seeds that configurations connect.

    Seeds that no configuration has in common with others cannot be compared: their part is 0.
    """
    seeds = sorted({seed for by_seed in numbers for seed in by_seed})
    found: dict[int, float] = {}
    for seed in seeds:
        if seed not in found:
            group = sorted(_connected(numbers, seed))
            solved = _solved(numbers, group)
            centre = fmean(solved)
            found |= {one: value - centre for one, value in zip(group, solved, strict=True)}
    return found


def _adjusted(by_seed: Mapping[int, float], effects: Mapping[int, float]) -> list[float]:
    return [number - effects.get(seed, 0.0) for seed, number in sorted(by_seed.items())]


def _first(numbers: Sequence[Mapping[int, float]], seed: int) -> int:
    return min(_connected(numbers, seed))


def _connected(numbers: Sequence[Mapping[int, float]], seed: int) -> set[int]:
    """The seeds that share configurations with ``seed``, directly or by way of others."""
    group, size = {seed}, 0
    while len(group) > size:
        size = len(group)
        for by_seed in numbers:
            if not group.isdisjoint(by_seed):
                group |= by_seed.keys()
    return group


def _solved(numbers: Sequence[Mapping[int, float]], group: Sequence[int]) -> list[float]:
    """Least squares for the seeds of a group, the first one's part being 0: the normal equations, configurations
    eliminated, by Gauss-Jordan."""
    place = {seed: i for i, seed in enumerate(group)}
    rows = [[0.0] * (len(group) + 1) for _ in group]
    for by_seed in numbers:
        inside = sorted(seed for seed in by_seed if seed in place)
        if not inside:
            continue
        mean = fmean(by_seed[seed] for seed in inside)
        for seed in inside:
            row = rows[place[seed]]
            row[place[seed]] += 1
            row[-1] += by_seed[seed] - mean
            for other in inside:
                row[place[other]] -= 1 / len(inside)
    kept = [[*row[1:]] for row in rows[1:]]
    for column in range(len(kept)):
        pivot = max(range(column, len(kept)), key=lambda r: abs(kept[r][column]))
        kept[column], kept[pivot] = kept[pivot], kept[column]
        assert abs(kept[column][column]) > SINGULAR, "seeds of a group are connected"
        for r, row in enumerate(kept):
            if r != column:
                factor = row[column] / kept[column][column]
                kept[r] = [value - factor * base for value, base in zip(row, kept[column], strict=True)]
    return [0.0, *(row[-1] / row[i] for i, row in enumerate(kept))]
