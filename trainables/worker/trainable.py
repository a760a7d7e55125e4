"""The whole Ray shell around refinement: one ``step`` is one refinement iteration, one actor runs many trials.

Imports no torch: the driver, which only names the class, does without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ray
from ray import tune

from trainables.data import Dataset
from trainables.json_types import JsonObject
from trainables.worker.messages import WorkerOrder, WorkerPlace, as_result, order_in

if TYPE_CHECKING:
    from trainables.worker.process import WorkerProcess


class RefinementTrainable(tune.Trainable):
    """What Ray knows of a worker.

    Its Tune configuration carries a ``WorkerOrder``, its results a ``WorkerAnswer``. The data set comes through
    ``tune.with_parameters``: once per node in Ray's object store, or mapped from files, read in place by all trials.
    """

    _title: str = "trial"  # Ray reads it also when a worker fails before its first trial begins

    def setup(self, config: JsonObject, data: Dataset | None = None) -> None:
        from trainables.worker.process import warm_up

        assert data is not None, "the data set comes through tune.with_parameters"
        order = order_in(config)
        warm_up(order.trials[0].run)
        self.process = self.make_process(data)
        self._begin(order)

    def make_process(self, data: Dataset) -> WorkerProcess:
        """What does the work."""
        from trainables.worker.process import WorkerProcess

        return WorkerProcess(data)

    def reset_config(self, new_config: JsonObject) -> bool:
        """Take the next trial; data, imports and device stay."""
        self._begin(order_in(new_config))
        return True

    def __repr__(self) -> str:
        """What Ray's dashboard calls this worker: the trial that it began with."""
        return self._title

    def step(self) -> JsonObject:
        _set_process_title(self._title)
        return as_result(self.process.step())

    def describe(self) -> WorkerPlace:
        """Where this trial runs."""
        return self.process.describe()

    def _begin(self, order: WorkerOrder) -> None:
        self._title = order.title
        self.process.begin(order)


def _set_process_title(title: str) -> None:
    """The trial that runs now, in ``ps``, ``top``, ``nvidia-smi`` and the dashboard's list of processes."""
    # A private function: Ray bundles setproctitle here and sets each worker's title with it. Where a later version
    # has no such attribute, titles are missing and nothing else.
    change = getattr(ray._raylet, "setproctitle", None)
    if change is not None:
        change(f"ray::{title}")
