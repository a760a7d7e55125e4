"""Summaries over seeds, and differences between them."""

import numpy as np
import pandas as pd
import pytest

from analysis.results.statistics import (
    Summary,
    best_configuration,
    bootstrap_interval,
    distinguishable,
    over_seeds,
    paired_difference,
)


def summary(values: dict[int, float]) -> Summary:
    numbers = np.array(list(values.values()))
    count = len(values)
    return Summary(float(numbers.mean()), 1.0, count, tuple(range(count)), tuple(values), (1,) * count, (1,),
                   tuple(values.values()))  # fmt: skip


def rows(values: list[float]) -> pd.DataFrame:
    count = len(values)
    return pd.DataFrame({"trial": range(count), "seed": range(count), "iteration": [1] * count, "test_map": values,
                         "lines": [[i] for i in range(count)]})  # fmt: skip


def test_rows_without_a_number_do_not_count() -> None:
    found = over_seeds(rows([40.0, float("nan"), 44.0]))
    assert found is not None
    assert (found.mean, found.n, found.seeds, found.lines) == (42, 2, (0, 2), (0, 2))
    assert over_seeds(rows([float("nan")])) is None


def test_pairs_are_made_of_common_seeds() -> None:
    found = paired_difference(summary({0: 50, 1: 41, 3: 9}), summary({1: 40, 0: 45, 2: 7}))
    assert found is not None
    assert (found.mean, found.seeds, found.interval, found.distinguishable) == (3, (0, 1), None, None)
    assert paired_difference(summary({0: 50}), summary({1: 50})) is None
    assert distinguishable(summary({0: 50}), summary({1: 50})) is None


def test_intervals_are_those_of_scipys_bootstrap() -> None:
    low, high = bootstrap_interval(np.array([1.0, 2.0, 6.0]))
    assert (low, high) == (1.0, pytest.approx(6.0, abs=1.5))
    assert bootstrap_interval(np.array([2.0, 2.0, 2.0])) == (2, 2)


def test_the_best_configuration_has_the_most_seeds() -> None:
    trials = pd.DataFrame({"trial": [0, 1, 2], "configuration": ["a", "b", "b"], "seed": [0, 0, 1],
                           "objective": [90.0, 40.0, 41.0]})  # fmt: skip
    assert best_configuration(trials)["trial"].tolist() == [1, 2]
    assert best_configuration(trials.head(0)).empty
