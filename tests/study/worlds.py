"""Small studies that several tests need, and trials that end without any training."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from study.config.study import StudyConfig, parse_study
from study.driver import Driver, NoTrial
from study.ledger.folder import StudyFolder
from study.ledger.records import TrialRecord
from trainables.config.presets import preset
from trainables.config.run import RunConfig
from trainables.report import IterationReport, Selection, SplitMap, SplitReport

GENERATOR, BETA = "pseudo_labels.generator", "loss.beta"
MIN_ATTENTION = "pseudo_labels.segments.min_attention"

SPACE = {
    GENERATOR: {"choices": ["segment_prediction", "attention", "uniform_random"]},
    BETA: {"choices": [1.0, 2.0, 4.0, 8.0]},
    MIN_ATTENTION: {"low": 0.1, "high": 0.9, "step": 0.1, "when": {GENERATOR: ["segment_prediction", "attention"]}},
}


def study_of(**changes: Any) -> StudyConfig:
    """A small free search."""
    return parse_study({"name": "small", "space": SPACE, "num_samples": 12, "startup": 3, **changes}, "test")


def run_of(**changes: Any) -> RunConfig:
    """The simulated data set's preset, shortened; ``changes`` with __ for the dots."""
    values = {"refinement.iterations": 3, "training.epochs": 2, "compute.device": "cpu"}
    return preset("simulated").updated(values | {key.replace("__", "."): value for key, value in changes.items()})


def driver_of(path: Path, study: StudyConfig | None = None, run: RunConfig | None = None) -> Driver:
    """A driver on a folder, which is made when absent."""
    path.mkdir(parents=True, exist_ok=True)
    return Driver(StudyFolder(path), study or study_of(), run or run_of())


def report_of(record: TrialRecord, iteration: int, iterations: int = 3) -> IterationReport:
    """What a trial would report: numbers that depend on its configuration, seed and iteration alone."""
    rng = random.Random(f"{sorted(record.params.items())} {record.seed}")
    curve = [round(rng.uniform(20, 60), 3) for _ in range(iteration + 1)]
    best = max(range(iteration + 1), key=lambda i: curve[i])
    splits = {
        name: SplitReport(SplitMap(curve[-1] - shift)) for name, shift in (("held_out", 0), ("test", 5), ("train", 1))
    }
    selection, finished = Selection("held_out", curve[-1]), iteration == iterations - 1
    return IterationReport(iteration, selection, best, curve[best], finished, seconds=2.0, splits=splits)


def work(driver: Driver, workers: int, order: random.Random, events: int | None = None) -> int:
    """Run trials on so many workers that finish in a random order, for at most so many events; returns events left."""
    running: list[TrialRecord] = []
    left = 10**9 if events is None else events
    while left > 0:
        while len(running) < workers:
            trial = driver.next_trial()
            if isinstance(trial, NoTrial):
                break
            driver.started(trial.number, "host", 1, "cpu")
            running.append(trial)
            left -= 1
        if not running:
            return left
        record = order.choice(running)
        if record.number % 5 == 4 and len(record.iterations) == 1:
            driver.ended(record.number, "failed", "RuntimeError: by design")
        else:
            report = report_of(record, len(record.iterations))
            driver.reported(record.number, report)
            if report.finished:
                driver.ended(record.number, "completed")
        left -= 1
        running = [record for record in running if not record.finished]
    return left


def outcomes(driver: Driver) -> list[tuple[Any, ...]]:
    """All that must not depend on workers, order, kills and resumes."""
    return [
        (r.number, r.state, r.params, r.seed, r.origin, r.repeats, r.iterations, r.objective, r.best_iteration)
        for r in sorted(driver.records.values(), key=lambda r: r.number)
    ]
