from __future__ import annotations

import pytest

from study.config.study import PRUNER_NAMES
from study.search.pruning import PRUNERS, prune_by_halving, prune_by_median

OTHERS = [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (4.0,)]


@pytest.mark.parametrize(
    ("curve", "grace", "pruned"),
    [
        ((1.0, 14.9), 1, True),
        ((1.0, 15.0), 1, False),  # the short curve counts with its last value: the median is 15
        ((2.4,), 0, True),
        ((2.4,), 1, False),
        ((0.0, 0.0), 2, False),
    ],
)
def test_the_median_of_the_others_decides_after_the_grace(curve: tuple[float, ...], grace: int, pruned: bool) -> None:
    assert prune_by_median(curve, OTHERS, grace) is pruned
    assert not prune_by_median(curve, OTHERS[:3], grace), "three are too few"


@pytest.mark.parametrize(("last", "pruned"), [(30.1, False), (29.9, False), (19.9, True)])
def test_the_best_third_of_those_that_reached_a_rung_goes_on(last: float, pruned: bool) -> None:
    # Three of the others reached iteration 1; of the four, two go on.
    assert prune_by_halving((1.0, last), OTHERS, 1) is pruned


@pytest.mark.parametrize("step", [2, 4, 5, 8])
def test_nothing_is_pruned_between_rungs(step: int) -> None:
    others = [tuple(float(i) for i in range(10))] * 9
    assert not prune_by_halving((0.0,) * (step + 1), others, 1)
    assert prune_by_halving((0.0,) * 4, others, 1)
    assert prune_by_halving((0.0,) * 10, others, 1)


def test_before_its_first_refined_iteration_no_trial_is_pruned() -> None:
    nothing_yet = float("-inf")
    others = [(nothing_yet, 50.0)] * 9
    assert not prune_by_median((nothing_yet,), others, 0)
    assert prune_by_median((nothing_yet, 40.0), others, 1)
    assert prune_by_halving((nothing_yet, 40.0), others, 1)


def test_every_pruner_can_be_asked_for() -> None:
    assert {"none", *PRUNERS} == set(PRUNER_NAMES)
