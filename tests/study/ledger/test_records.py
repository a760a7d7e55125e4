from __future__ import annotations

from study.ledger.records import TrialRecord, trial_records
from study.ledger.trial_events import (
    Configuration,
    IterationEnded,
    TrialEnded,
    TrialProposed,
    TrialRetried,
    TrialStarted,
)
from trainables.report import IterationReport, M0Origin, Selection

POINT = Configuration(2, {"loss.beta": 4.0}, "preset", (1,))


def report(iteration: int, seconds: float = 1.0, m0: M0Origin | None = None) -> IterationReport:
    value = 5.0 + iteration
    return IterationReport(iteration, Selection("test", value), iteration, value, False, seconds, m0=m0)


def test_an_iteration_told_twice_counts_once_and_an_end_is_final() -> None:
    events = [IterationEnded(3, report(0)), IterationEnded(3, report(0, 9.0))]
    ends = [TrialEnded(3, state, None, 5.0, 0, 1.0) for state in ("completed", "failed")]
    (record,) = trial_records([*events, *ends, TrialRetried(3, "late", 0.5)])
    assert record.iterations == [report(0)]
    assert (record.state, record.gpus) == ("completed", None)


def test_a_start_declares_a_trial_whose_proposal_is_damaged() -> None:
    for events in ([TrialProposed(0, POINT, 7)], [TrialStarted(0, configuration=POINT, seed=7)]):
        (record,) = trial_records(events)
        assert (record.point, record.seed, record.declared) == (POINT, 7, True)
    (record,) = trial_records([TrialStarted(0, device="cpu")])
    assert (record.declared, record.state, record.device) == (False, "running", "cpu")


def test_iterations_are_kept_in_order_and_the_latest_objective_counts() -> None:
    (record,) = trial_records([IterationEnded(0, report(n)) for n in (1, 0)])
    assert [one.iteration for one in record.iterations] == [0, 1]
    assert record.knows(1)
    assert not record.knows(2)


def test_an_m0_from_the_cache_is_saved_time_and_a_trained_one_is_not() -> None:
    for trained, own in ((True, 5.0), (False, 3.0)):
        record = TrialRecord(0)
        record.apply(IterationEnded(0, report(0, 2.0, M0Origin("key", trained))))
        record.apply(IterationEnded(0, report(1, 3.0)))
        assert (record.own_seconds, record.saved_seconds) == (own, 5.0 - own)
