from __future__ import annotations

import math
from pathlib import Path

import pytest

from study.ledger.records import TrialRecord
from study.search.objective import NOTHING_YET, told_curve, told_value
from tests.study.worlds import driver_of, study_of
from trainables.report import IterationReport, Selection


def trial(*numbers: float | None, state: str = "completed", signal: str | None = None) -> TrialRecord:
    """With these selection numbers by iteration, and what it reports at its end."""
    reports = []
    for i in range(len(numbers)):
        so_far = [-math.inf if value is None else value for value in numbers[: i + 1]]
        best = max(range(i + 1), key=lambda j: (so_far[j], -j))
        selection = Selection("held_out", None if signal else numbers[i], signal, numbers[i] if signal else None)
        reports.append(IterationReport(i, selection, best, numbers[best], i == len(numbers) - 1, seconds=1.0))
    last = reports[-1]
    return TrialRecord(
        0, state=state, iterations=reports, objective=last.best_so_far, best_iteration=last.best_iteration
    )


@pytest.mark.parametrize(
    ("numbers", "refined"),
    [
        ((50.0, 30.0, 40.0), 40.0),
        ((50.0, 60.0, 40.0), 60.0),
        ((50.0,), 50.0),  # a run without refinement has nothing else
        ((50.0, None), None),
        ((None, 0.7, 0.6), 0.7),
    ],
)
def test_the_refined_value_is_the_best_after_m0(numbers: tuple[float | None, ...], refined: float | None) -> None:
    assert told_value(trial(*numbers), "refined") == refined


def test_the_value_of_before_is_what_a_trial_reports_at_its_end() -> None:
    assert told_value(trial(50.0, 30.0), "best") == 50.0


def test_a_signal_that_m0_does_not_have_is_compared_from_iteration_1_on() -> None:
    record = trial(None, 0.6, 0.7, signal="label_agreement")
    assert told_value(record, "refined") == told_value(record, "best") == 0.7
    assert told_curve(record.iterations, "refined") == (NOTHING_YET, 0.6, 0.7)


def test_curves_keep_the_place_of_m0() -> None:
    record = trial(50.0, 30.0, None, 40.0)
    assert told_curve(record.iterations, "refined") == (NOTHING_YET, 30.0, 30.0, 40.0)
    assert told_curve(record.iterations, "best") == (50.0, 50.0, 50.0, 50.0)


def test_a_lost_line_of_the_best_iteration_loses_no_value() -> None:
    record = trial(50.0, 60.0, 40.0)
    record.iterations.pop(1)
    assert told_value(record, "refined") == 60.0


def test_a_trial_is_pruned_by_its_refined_iterations_alone(tmp_path: Path) -> None:
    pruned = {}
    for objective in ("best", "refined"):
        study = study_of(sampler="random", num_samples=8, lookback=0, pruner="median", objective=objective)
        driver = driver_of(tmp_path / objective, study)
        for height in (30.0, 31.0, 32.0, 33.0, 10.0):
            record = driver.next_trial()
            assert isinstance(record, TrialRecord)
            driver.started(record.number, "host", 1, "cpu")
            for report in trial(50.0, height, height).iterations:
                if not record.finished:
                    driver.reported(record.number, report)
            driver.ended(record.number, "completed")
        pruned[objective] = [record.state for record in driver.records.values()].count("pruned")
        driver.close()
    assert pruned == {"best": 0, "refined": 1}  # with M0 among them, all curves are one and the same line
