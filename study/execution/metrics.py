"""A study as numbers that Ray's dashboard, Prometheus and Grafana show: gauges and counters of ``ray.util.metrics``.

Ray drops a gauge that is not set again within some seconds, so a thread sets all of them while the study runs; what a
trial was disappears from the charts soon after it has ended.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from study.cli.plan import remaining_seconds
from study.ledger import (
    FINAL_STATES,
    ORACLE,
    IterationEnded,
    TrialEnded,
    TrialEvent,
    TrialRecord,
    TrialRetried,
    generator_of,
    trial_name,
)
from trainables.config import RunConfig

OF_STUDY, OF_TRIAL = ("study",), ("study", "trial", "generator", "beta", "seed")
STATES = ("proposed", "running", *FINAL_STATES)

SET_S = 5.0  # half of the time between two exports of Ray
SHOWN_S = 60.0  # a trial's last iteration ends with the trial itself: it is shown so much longer


class Metric(NamedTuple):
    """What is told of it, and its labels. Ray puts ``ray_`` before its name."""

    description: str
    labels: tuple[str, ...]


GAUGES = {
    "refineloc_trials": Metric("Trials in a state.", (*OF_STUDY, "state")),
    "refineloc_trials_planned": Metric("Trials that the study has in all.", OF_STUDY),
    "refineloc_best_selection": Metric("Highest selection number of all trials but the oracle's.", OF_STUDY),
    "refineloc_eta_seconds": Metric("Seconds until the study ends.", OF_STUDY),
    "refineloc_trial_map": Metric("mAP of the last iteration, percent.", (*OF_TRIAL, "split")),
    "refineloc_trial_selection": Metric("Selection number of the last iteration.", OF_TRIAL),
    "refineloc_trial_best_selection": Metric("Highest selection number of a trial so far.", OF_TRIAL),
    "refineloc_trial_iteration": Metric("Last refinement iteration that has ended; 0: M0.", OF_TRIAL),
    "refineloc_trial_iteration_seconds": Metric("Seconds that the last iteration took.", OF_TRIAL),
    "refineloc_trial_gpu_share": Metric("Share of a GPU that the process of a trial has.", OF_TRIAL),
    "refineloc_trial_gpu_bytes": Metric("Highest GPU memory of the process of a trial.", OF_TRIAL),
}
COUNTERS = {
    "refineloc_iterations": Metric(
        "Refinement iterations that have ended since the study was last started or resumed.", OF_STUDY
    ),
    "refineloc_retries": Metric("Trials that were tried again since the study was last started or resumed.", OF_STUDY),
}


class Reading(NamedTuple):
    """A value of a gauge."""

    gauge: str
    value: float
    labels: dict[str, str]


class StudyMetrics:
    """Listens to a driver; a thread sets the gauges. gpus: share of a GPU of each trial's process."""

    def __init__(
        self,
        study: str,
        records: Mapping[int, TrialRecord],
        trials: int,
        run: RunConfig,
        concurrency: int,
        gpus: float = 0,
    ) -> None:
        from ray.util import metrics

        self._study, self._records, self.trials, self._run = study, records, trials, run
        self._concurrency, self._gpus = concurrency, gpus
        self._gauges = {name: metrics.Gauge(name, one.description, one.labels) for name, one in GAUGES.items()}
        self._counters = {name: metrics.Counter(name, one.description, one.labels) for name, one in COUNTERS.items()}
        self._gpu_bytes: dict[int, int] = {}
        self._ended: dict[int, float] = {}  # trial -> until when it is shown
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._set_repeatedly, daemon=True)
        self._thread.start()

    def __call__(self, event: TrialEvent, record: TrialRecord) -> None:
        if isinstance(event, IterationEnded):
            self._counters["refineloc_iterations"].inc(1, {"study": self._study})
        elif isinstance(event, TrialRetried):
            self._counters["refineloc_retries"].inc(1, {"study": self._study})
        elif isinstance(event, TrialEnded):
            self._ended[record.number] = time.monotonic() + SHOWN_S

    def used_gpu(self, trial: int, peak_bytes: int) -> None:
        """The worker of a trial says what it took of its GPU."""
        self._gpu_bytes[trial] = peak_bytes

    def close(self) -> None:
        """The last values are set."""
        self._closed.set()
        self._thread.join(timeout=SET_S)

    def _set_repeatedly(self) -> None:
        closed = False
        while not closed:
            closed = self._closed.wait(SET_S)
            for reading in self._readings():
                self._gauges[reading.gauge].set(reading.value, reading.labels)

    def _readings(self) -> Iterator[Reading]:
        # Copies: the driver goes on in its own thread.
        records, now = list(self._records.values()), time.monotonic()
        shown = {number for number, until in list(self._ended.items()) if until > now}
        yield from study_readings(self._study, records, self.trials, self._run, self._concurrency)
        for record in records:
            if record.state == "running" or record.number in shown:
                gpus = record.gpus or self._gpus
                yield from trial_readings(self._study, record, self._run, gpus, self._gpu_bytes.get(record.number))


def study_readings(
    study: str, records: list[TrialRecord], trials: int, run: RunConfig, concurrency: int
) -> Iterator[Reading]:
    """Of the study as a whole."""
    labels, states = {"study": study}, Counter(record.state for record in records)
    for state in STATES:
        yield Reading("refineloc_trials", states[state], {**labels, "state": state})
    yield Reading("refineloc_trials_planned", trials, labels)
    generator = run.pseudo_labels.generator
    found = [one.objective for one in records if one.objective is not None and generator_of(one, generator) != ORACLE]
    if found:
        yield Reading("refineloc_best_selection", max(found), labels)
    left = remaining_seconds(records, trials, run.refinement.iterations, concurrency)
    if left is not None:
        yield Reading("refineloc_eta_seconds", left, labels)


def trial_readings(
    study: str, record: TrialRecord, run: RunConfig, gpus: float = 0, gpu_bytes: int | None = None
) -> Iterator[Reading]:
    """Of a trial: its last iteration, and its share of a GPU where it has one."""
    labels = trial_labels(study, record, run)
    if gpus:
        yield Reading("refineloc_trial_gpu_share", gpus, labels)
    if gpu_bytes is not None:
        yield Reading("refineloc_trial_gpu_bytes", gpu_bytes, labels)
    if not record.iterations:
        return
    report = record.iterations[-1]
    numbers = {
        "refineloc_trial_iteration": report.iteration,
        "refineloc_trial_iteration_seconds": report.seconds,
        "refineloc_trial_selection": report.selection.number,
        "refineloc_trial_best_selection": report.best_so_far,
    }
    yield from (Reading(name, value, labels) for name, value in numbers.items() if value is not None)
    for split in report.splits:
        if (value := report.selection_map(split)) is not None:
            yield Reading("refineloc_trial_map", value, {**labels, "split": split})


def trial_labels(study: str, record: TrialRecord, run: RunConfig) -> dict[str, str]:
    """What a trial is found by."""
    beta = record.params.get("loss.beta", run.loss.beta)
    return {
        "study": study,
        "trial": trial_name(record.number),
        "generator": str(generator_of(record, run.pseudo_labels.generator)),
        "beta": f"{beta:g}",
        "seed": str(record.seed),
    }


def gpu_callback(metrics: StudyMetrics) -> Any:
    """A callback of Tune's for what workers alone know."""
    from ray import tune

    from trainables.worker.messages import answer_in

    class GpuMemory(tune.Callback):
        def on_trial_result(
            self, iteration: int, trials: Iterable[Any], trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            answer = answer_in(result)
            if answer is not None and answer.gpu_bytes is not None:
                metrics.used_gpu(answer.trials[0].trial, answer.gpu_bytes)

        def __reduce__(self) -> Any:
            return tune.Callback, ()  # Tune's snapshots: nothing is restored from them

    return GpuMemory()
