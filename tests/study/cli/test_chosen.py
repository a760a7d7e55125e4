from __future__ import annotations

from dataclasses import replace

import pytest

from study.cli.chosen import chosen_trial
from study.ledger.records import TrialRecord
from tests.study.worlds import BETA, run_of
from trainables.errors import UserError
from trainables.report import IterationReport, Selection

RUN = run_of()


def ended(number: int, configuration: int, objective: float | None, state: str = "completed") -> TrialRecord:
    report = IterationReport(0, Selection("test", objective), 0, objective, True, seconds=1.0)
    iterations, best = ([], None) if objective is None else ([report], 0)
    params = {BETA: float(configuration)}
    return TrialRecord(
        number, state, params, seed=number, iterations=iterations, objective=objective, best_iteration=best,
        configuration=configuration,
    )  # fmt: skip


RECORDS = [ended(0, 0, 50.0), ended(1, 0, 10.0), ended(2, 1, 40.0), ended(3, 1, 41.0), ended(4, 2, None, "failed")]


def test_the_best_trial_is_the_best_replicate_of_the_best_configuration_on_average() -> None:
    found = chosen_trial(RECORDS, RUN, "best", "s")
    assert found.record.number == 3
    assert "Of 4 completed trials, the configuration β=1 has the best" in found.why
    assert "mean of 2 seeds 40.50" in found.why
    assert "(t0002 40.00, t0003 41.00), t0003 has the highest value." in found.why


def test_a_value_that_is_no_map_is_called_by_its_signal() -> None:
    run = RUN.updated({"selection.rule": "video-labels"})
    why = chosen_trial(RECORDS, run, "best", "s").why
    assert "best video loss: mean of 2 seeds -40.5000" in why  # the records' numbers, with the sign of a loss
    assert "t0003 has the lowest value" in why
    assert "mAP" not in why


@pytest.mark.parametrize("name", ["1", "t0001", "t1"])
def test_a_trial_is_found_by_its_number(name: str) -> None:
    assert chosen_trial(RECORDS, RUN, name, "s").record.number == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("worst", "--trial: best, or a number as 7 or t0007, got 'worst'"),
        ("9", "study 's' has no trial 9; its trials are 0 to 4"),
        ("4", r"t0004 \(failed\) has ended no iteration: it has no model"),
    ],
)
def test_what_cannot_be_taken_is_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        chosen_trial(RECORDS, RUN, name, "s")


def test_without_a_completed_trial_there_is_no_best_one() -> None:
    with pytest.raises(UserError, match="study 's' has no completed trial to choose from; resume it"):
        chosen_trial(RECORDS[4:], RUN, "best", "s")


def test_an_m0_that_is_the_only_candidate_is_taken_and_told() -> None:
    run = RUN.updated({"selection.rule": "video-labels", "refinement.iterations": 1})
    assert (
        "M0 is the only iteration, and so the only candidate of a trial." in chosen_trial(RECORDS, run, "best", "s").why
    )
    older = [replace(ended(n, n, 0.0), objective=None) for n in range(2)]  # with a signal that M0 does not have
    found = chosen_trial(older, run, "best", "s")
    assert found.record.number == 0
    assert "M0 is the only iteration of all 2 completed trials, and no number compares them" in found.why
    refined = replace(older[0], iterations=older[0].iterations * 2)
    with pytest.raises(UserError, match="no completed trial to choose from"):
        chosen_trial([refined], run, "best", "s")
