"""Which trial Tune starts next: one that can use a worker that is there, before one whose own worker is starting."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from trainables.worker.messages import order_in


class FreeWorkerFirst(FIFOScheduler):
    """In the order of proposal, but a trial is chosen once.

    What was chosen has a worker, or one that is starting. Tune gives a worker that becomes free to whichever trial is
    chosen, and lets the one that was starting for it go: chosen again and again, trials shorter than a worker's start
    would all run on one worker, one after the other, and the others would never come up.
    """

    def __init__(self) -> None:
        super().__init__()
        self._chosen: set[str] = set()

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The first pending trial that has not been chosen; Tune itself starts those whose worker was lost."""
        pending = [
            trial
            for trial in tune_controller.get_live_trials()
            if trial.status == Trial.PENDING and trial.trial_id not in self._chosen
        ]
        if not pending:
            return None
        trial = min(pending, key=lambda trial: order_in(trial.config).trials[0].trial)
        self._chosen.add(trial.trial_id)
        return trial
