from __future__ import annotations

import pytest

from study.ledger.against_m0 import AgainstM0, Gain, against_m0, differences_to_m0
from study.ledger.records import TrialRecord
from trainables.report import IterationReport, Selection, SplitMap, SplitReport, best_refined

BETA = "loss.beta"


def trial(number: int, beta: float, seed: int, curve: tuple[float, ...], test: tuple[float, ...] = ()) -> TrialRecord:
    reports = [
        IterationReport(
            i, Selection("held_out", value), 0, value, False, seconds=1.0,
            splits={"test": SplitReport(SplitMap(test[i]))} if test else {},
        )
        for i, value in enumerate(curve)
    ]  # fmt: skip
    return TrialRecord(number, state="completed", params={BETA: beta}, seed=seed, iterations=reports)


def test_each_seed_is_compared_with_its_own_m0() -> None:
    # Seed 1 is 20 points better throughout, which says nothing of refinement.
    records = [
        trial(0, 1.0, 0, (50, 40, 54)), trial(1, 1.0, 1, (70, 76, 60)),
        trial(2, 2.0, 0, (50, 44)), trial(3, 2.0, 1, (70, 66)),
    ]  # fmt: skip
    found = against_m0(differences_to_m0(records, None))
    # Of the first configuration +4 and +6, of the second -6 and -4.
    assert found == AgainstM0(1, 2, 2, Gain(5.0, 1.0), Gain(0.0, 1.0))


def test_the_iteration_is_chosen_by_selection_and_measured_on_the_split() -> None:
    record = trial(0, 1.0, 0, (50, 60, 55), (30, 20, 45))
    assert differences_to_m0([record], "test") == {'{"loss.beta": 1.0}': {0: -10.0}}
    assert against_m0(differences_to_m0([record], "test")) == AgainstM0(0, 1, 1, None, Gain(-10.0, None))
    assert best_refined(record.iterations) is record.iterations[1]


def test_what_was_not_refined_and_the_oracle_take_no_part() -> None:
    failed = trial(1, 1.0, 1, (50, 90))
    failed.state = "failed"
    assert differences_to_m0([trial(0, 1.0, 0, (50,)), failed], None) == {}
    assert differences_to_m0([trial(0, 1.0, 0, (50, 90))], None, "oracle") == {}
    assert against_m0({}) is None


def test_a_missing_replicate_counts_as_much_as_its_seed_is_easy() -> None:
    found = against_m0({"a": {0: 1.0, 1: 5.0}, "b": {0: 2.0, 1: 6.0}, "c": {0: -1.0}})
    assert found is not None
    assert (found.better, found.configurations, found.seeds) == (3, 3, 2)  # c: -1 on seed 0 is +1 over both
    assert found.gain_of_all.mean == pytest.approx((3 + 4 + 1) / 3)


def test_seeds_that_no_configurations_share_tell_no_error() -> None:
    found = against_m0({"a": {0: 1.0}, "b": {1: 5.0}})
    assert found is not None
    assert (found.gain, found.gain_of_all) == (Gain(3.0, None), Gain(3.0, None))
    assert found.error_text == "2 seeds that no configurations share, so without an error"
