"""What the process of a worker does: one order after another, one refinement iteration at a time.

What a trial has done is on the disk before it is reported, so that a trial goes on after its last whole iteration,
whatever was killed. A trial that cannot go on says so in its last result: its worker lives on for the next trial.
"""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Iterator

import torch

from trainables.base_models import BASE_MODELS
from trainables.config import RunConfig
from trainables.data import Dataset
from trainables.gpu import DeviceCache
from trainables.refinement.iteration import IterationResult
from trainables.refinement.refine import refine_together
from trainables.training import FlatAdam, NonFiniteLoss
from trainables.worker.log import answer_line, begin_line, log
from trainables.worker.messages import TrialAnswer, WorkerAnswer, WorkerOrder, WorkerPlace
from trainables.worker.time_limit import time_limit
from trainables.worker.trial import Trial, failure_state


class WorkerProcess:
    """One refinement run, or several runs of one M0 in one process, trained in steps that they share.

    A run may end before the others, with an error of its own where its loss is not finite; any other error ends all
    that are left.
    """

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._device_caches: dict[tuple[str, str], DeviceCache] = {}

    def begin(self, order: WorkerOrder) -> None:
        """Take the next order; data, imports and device stay."""
        self._began = time.monotonic()
        self._timeout_s, self._retries = order.timeout_s, order.retries
        self._trials = [Trial(one, self._data, self._device_cache) for one in order.trials]
        self._orders = {one.trial: one for one in order.trials}
        for one in order.trials:
            log(begin_line(one))
        self._go_on_from_disk()
        _cap_gpu_memory(order.gpus)

    def step(self) -> WorkerAnswer:
        """One iteration of each run that is left."""
        answers = self._iterate()
        for answer in answers:
            log(answer_line(self._orders[answer.trial], answer))
        return WorkerAnswer(answers, not self._left(), _peak_gpu_bytes(self._run.compute.device))

    def describe(self) -> WorkerPlace:
        """Where this trial runs."""
        cuda = self._run.compute.device != "cpu" and torch.cuda.is_available()
        return WorkerPlace(socket.gethostname(), os.getpid(), torch.cuda.get_device_name() if cuda else "cpu")

    @property
    def _run(self) -> RunConfig:
        """That of the first trial; device and precision are the same for all."""
        return self._trials[0].run

    def _left(self) -> list[Trial]:
        return [trial for trial in self._trials if not trial.ended]

    def _iterate(self) -> tuple[TrialAnswer, ...]:
        """The answers for the next iteration; after an exception from the last whole iteration, as often as allowed."""
        while True:
            try:
                with time_limit(self._time_left()):
                    return self._next_answers()
            except Exception as error:  # a trial may end in any way, the study goes on
                if failure_state(error) != "failed" or not self._retries:
                    return self._failed(error)
                self._retries -= 1
                self._go_on_from_disk()

    def _go_on_from_disk(self) -> None:
        """Forget what is in memory; the rest happens in the next step, where a failure ends the trial alone."""
        self._iterations: Iterator[list[IterationResult | NonFiniteLoss | None]] | None = None
        _release()

    def _time_left(self) -> float | None:
        return None if self._timeout_s is None else self._timeout_s - (time.monotonic() - self._began)

    def _next_answers(self) -> tuple[TrialAnswer, ...]:
        if self._iterations is None:
            self._running = self._left()
            states = [trial.open() for trial in self._running]
            runs = [trial.run for trial in self._running]
            self._iterations = refine_together(runs, self._data, states, self._device_cache(self._run))
        known = [answer for trial in self._running if (answer := trial.next_known()) is not None]
        if known:
            return tuple(known)
        ended = zip(self._running, next(self._iterations), strict=True)
        return tuple(_answer(trial, result) for trial, result in ended if result is not None)

    def _failed(self, error: Exception) -> tuple[TrialAnswer, ...]:
        self._iterations = None
        return tuple(trial.failed(error) for trial in self._left())

    def _device_cache(self, run: RunConfig) -> DeviceCache:
        """The one of this process for all runs of this device and precision."""
        key = (run.compute.device, run.compute.dtype)
        if key not in self._device_caches:
            self._device_caches[key] = DeviceCache.of(run)
        return self._device_caches[key]


def _answer(trial: Trial, ended: IterationResult | NonFiniteLoss) -> TrialAnswer:
    return trial.failed(ended) if isinstance(ended, NonFiniteLoss) else trial.kept(ended)


def _release() -> None:
    """Free the GPU memory of the last trial before the next one allocates."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        # Tensors in reference cycles are not free before, and the allocator gives back only what is free.
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_gpu_bytes(device: str) -> int | None:
    """Of torch's allocator in this process since its trials began; None without a GPU."""
    if device == "cpu" or not torch.cuda.is_available():
        return None
    return torch.cuda.max_memory_reserved()


def _cap_gpu_memory(share: float) -> None:
    """Ray only counts its fractions of a GPU; this limit makes a trial that needs more fail, not its neighbours."""
    if share and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(min(share, 1.0))


def warm_up(run: RunConfig) -> None:
    """One step of a tiny training, so that torch's lazy imports do not count as time of the first iteration."""
    weight = torch.nn.Parameter(torch.ones(1))
    fused = BASE_MODELS[run.model.name].fused_optimizer or torch.cuda.is_available()
    optimizer = torch.optim.Adam([weight]) if fused else FlatAdam([weight])
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    weight.sum().backward()
    optimizer.step()
    schedule.step(0.0)
