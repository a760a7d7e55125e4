from __future__ import annotations

import random
from statistics import fmean

import numpy as np
import pytest

from study.ledger.seed_effects import configuration_means, estimates, noise_variance, seed_effects


def table(configurations: int, seeds: int, noise: float = 0.0, kept: float = 1.0) -> dict[str, dict[int, float]]:
    """configuration c + seed s + noise, of which a share is kept; every configuration keeps one number."""
    rng = random.Random(0)
    found: dict[str, dict[int, float]] = {}
    for c in range(configurations):
        row = {s: 40 + c + 5 * s + rng.gauss(0, noise) for s in range(seeds)}
        chosen = {s: value for s, value in row.items() if rng.random() < kept}
        found[f"c{c}"] = chosen or {0: row[0]}
    return found


def test_with_equal_seeds_the_mean_is_the_plain_one_to_the_last_digit() -> None:
    numbers = table(5, 3, noise=1.7)
    assert configuration_means(numbers) == {key: fmean(row.values()) for key, row in numbers.items()}


def test_without_noise_missing_seeds_cost_nothing() -> None:
    whole, part = table(12, 4), table(12, 4, kept=0.5)
    expected = {key: fmean(row.values()) for key, row in whole.items()}
    assert configuration_means(part) == pytest.approx(expected)


def test_the_fit_is_that_of_least_squares() -> None:
    numbers = table(9, 4, noise=3.0, kept=0.6)
    cells = [(c, s, value) for c, row in enumerate(numbers.values()) for s, value in row.items()]
    design = np.zeros((len(cells), 9 + 4))
    for i, (c, s, _) in enumerate(cells):
        design[i, c] = design[i, 9 + s] = 1
    values = np.array([value for _, _, value in cells])
    solved = np.linalg.lstsq(design, values, rcond=None)[0]
    seeds = seed_effects(list(numbers.values()))
    assert [seeds[s] - seeds[0] for s in range(4)] == pytest.approx(solved[9:] - solved[9])
    rest = values - design @ solved
    assert noise_variance(list(numbers.values())) == pytest.approx(rest @ rest / (len(cells) - 9 - 4 + 1))


def test_seeds_that_nothing_connects_are_not_compared() -> None:
    numbers = {"a": {0: 10.0, 1: 14.0}, "b": {7: 3.0, 8: 5.0}, "c": {1: 20.0}}
    assert seed_effects(list(numbers.values())) == {0: -2.0, 1: 2.0, 7: -1.0, 8: 1.0}
    assert configuration_means(numbers) == {"a": 12.0, "b": 4.0, "c": 18.0}


def test_one_seed_says_nothing_of_noise() -> None:
    found = estimates({"a": {0: 10.0}, "b": {0: 30.0}})
    assert (found["b"].mean, found["b"].standard_error, found["b"].likely) == (30.0, None, None)


def test_pure_noise_makes_no_configuration_likely_better() -> None:
    numbers = {"a": {0: 50.0, 1: 40.0}, "b": {0: 40.0, 1: 50.0}, "c": {0: 46.0, 1: 44.0}}
    assert {one.likely for one in estimates(numbers).values()} == {45.0}


def test_what_was_run_once_is_drawn_further_to_the_middle() -> None:
    rng = random.Random(1)
    numbers = {f"c{c}": {s: 40 + 4 * (c % 5) + rng.gauss(0, 2) for s in range(3 if c < 8 else 1)} for c in range(16)}
    found = estimates(numbers)
    middle = fmean(one.mean for one in found.values())
    ratios = {key: ((one.likely or 0) - middle) / (one.mean - middle) for key, one in found.items()}
    assert len({round(ratio, 9) for ratio in ratios.values()}) == 2
    assert 0 < ratios["c15"] < ratios["c0"] < 1
    assert (found["c15"].standard_error or 0) == pytest.approx((found["c0"].standard_error or 0) * 3**0.5)


def test_a_single_configuration_is_not_shrunk() -> None:
    assert estimates({"a": {0: 1.0, 1: 3.0}})["a"].mean == 2.0
    assert estimates({}) == {}
