from __future__ import annotations

from pathlib import Path

import pytest

from study.driver import Driver, NoTrial
from study.driver.time_budget import TimeBudget, used_seconds
from study.ledger.folder import StudyFolder
from study.ledger.records import TrialRecord
from study.ledger.study_events import Event, StudyResumed, StudyStarted, StudyStopped
from study.ledger.trial_events import TrialEnded
from tests.study.worlds import report_of, run_of, study_of
from trainables.report import IterationReport, Selection


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def completed(number: int, seconds: float) -> TrialRecord:
    report = IterationReport(0, Selection("test", 1.0), 0, 1.0, True, seconds=seconds)
    return TrialRecord(number, state="completed", iterations=[report])


def test_time_between_sessions_is_not_used() -> None:
    events: list[Event] = [
        StudyStarted(time=100.0), TrialEnded(0, "completed", time=160.0), StudyStopped(time=170.0),
        StudyResumed(time=5000.0), TrialEnded(1, "completed", time=5030.0),
    ]  # fmt: skip
    assert used_seconds(events) == 100.0
    assert used_seconds([]) == 0.0
    clock = Clock()
    budget = TimeBudget(study_of(time_budget_s=1000.0), events, clock)
    clock.now += 7
    assert budget.used_s == 107.0


@pytest.mark.parametrize(
    ("passed", "places", "admitted"),
    [(70.0, 1, True), (71.0, 1, False), (80.0, 2, True), (81.0, 2, False), (90.0, 4, False)],
)
def test_a_configuration_is_admitted_while_it_and_the_confirmations_fit(
    passed: float, places: int, admitted: bool
) -> None:
    clock = Clock()
    study = study_of(time_budget_s=100.0, confirm={"top": 1, "seeds": 2})
    budget = TimeBudget(study, [], clock)
    budget.places = places
    clock.now += passed
    # The longest trial took 10 s: the configuration itself and two confirmations, on so many places.
    assert budget.admits(longest_s=10.0, unfinished=0) is admitted


def test_before_a_trial_has_completed_nothing_is_known() -> None:
    clock = Clock()
    budget = TimeBudget(study_of(time_budget_s=1.0), [], clock)
    clock.now += 50
    assert budget.admits(longest_s=None, unfinished=1)


def session(path: Path, clock: Clock, limit_s: float, most: int = 10**6) -> Driver:
    """Trials of 6 s each, one at a time; at most so many of them."""
    path.mkdir(exist_ok=True)
    study = study_of(sampler="random", num_samples=12, time_budget_s=limit_s, confirm={"top": 1, "seeds": 2})
    driver = Driver(StudyFolder(path), study, run_of())
    driver.time_budget._clock, driver.time_budget._began = clock, clock.now
    for _ in range(most):
        record = driver.next_trial()
        if isinstance(record, NoTrial):
            break
        driver.started(record.number, "host", 1, "cpu")
        for iteration in range(len(record.iterations), 3):
            clock.now += 2
            driver.reported(record.number, report_of(record, iteration))
        driver.ended(record.number, "completed")
    return driver


def test_a_search_ends_in_time_for_its_confirmations(tmp_path: Path) -> None:
    clock = Clock()
    driver = session(tmp_path, clock, limit_s=40.0)
    origins = [record.origin for record in driver.records.values()]
    assert origins == ["preset", *["sampler"] * 3, "confirm", "confirm"]
    assert clock.now - 1000 == 36.0
    assert driver.search_end == "no further configuration fits into the time budget of 40 s"
    assert driver.has_ended()
    driver.close()
    again = session(tmp_path, clock, limit_s=40.0)
    assert len(again.records) == 6
    again.close()
    more = session(tmp_path, clock, limit_s=1000.0)
    assert len(more.records) > 12
    assert more.search_end is None


def test_a_search_that_time_ended_does_not_begin_again_while_its_confirmations_run(tmp_path: Path) -> None:
    clock = Clock()
    session(tmp_path, clock, limit_s=40.0, most=5).close()
    driver = session(tmp_path, clock, limit_s=40.0)
    assert [record.origin for record in driver.records.values()].count("confirm") == 2
    assert len(driver.records) == 6
