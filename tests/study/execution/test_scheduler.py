from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial

from study.execution.scheduler import FreeWorkerFirst
from tests.study.worlds import run_of
from tests.trainables.worker.orders import config_of, order_of


def tune_trial(number: int, status: str = Trial.PENDING) -> Any:
    return SimpleNamespace(
        trial_id=str(number), status=status, config=config_of(order_of(Path("folder"), number, run_of()))
    )


def controller(*trials: Any) -> Any:
    return SimpleNamespace(get_live_trials=lambda: list(trials))


def test_pending_trials_are_chosen_once_in_the_order_of_proposal() -> None:
    scheduler, last, first = FreeWorkerFirst(), tune_trial(7), tune_trial(2)
    live = controller(last, tune_trial(1, Trial.RUNNING), first)
    assert scheduler.choose_trial_to_run(live) is first
    assert scheduler.choose_trial_to_run(live) is last
    assert scheduler.choose_trial_to_run(live) is None


def test_a_trial_that_comes_later_is_chosen_though_an_earlier_one_still_waits_for_its_worker() -> None:
    scheduler, waits, comes = FreeWorkerFirst(), tune_trial(0), tune_trial(1)
    scheduler.choose_trial_to_run(controller(waits))
    assert scheduler.choose_trial_to_run(controller(waits, comes)) is comes
