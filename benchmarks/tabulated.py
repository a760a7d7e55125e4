"""A trainable without any training: it replays curves, so that what remains is the harness."""

from __future__ import annotations

import os
import random
import zlib
from typing import Any

import torch  # as a real worker does: its import is part of what is measured
from ray import tune

from trainables.config import RunConfig
from trainables.json_types import JsonObject
from trainables.report import IterationReport, Selection, SplitMap, SplitReport
from trainables.worker.messages import (
    COMPLETED,
    RUNNING,
    TrialAnswer,
    WorkerAnswer,
    WorkerPlace,
    as_result,
    order_in,
)

ITERATIONS = 3


def curve(run: RunConfig) -> list[float]:
    """Objectives of a configuration by iteration: a smooth bowl in beta and S, and noise from its text."""
    labels, beta = run.pseudo_labels, run.loss.beta
    text = f"{labels.generator} {beta} {labels.sampled_share} {labels.segments.model_dump()} {run.seed}"
    rng = random.Random(zlib.crc32(text.encode()))
    best = 60 - abs(beta - 4) - 20 * abs(labels.sampled_share - 0.8) - 10 * (labels.generator == "uniform_random")
    return [best - 10 * 0.5**iteration + rng.gauss(0, 1) for iteration in range(ITERATIONS)]


class Tabulated(tune.Trainable):
    """Takes the configuration of RefinementTrainable, and reports what has the size of its reports."""

    def setup(self, config: JsonObject, data: Any = None) -> None:
        torch.zeros(1)
        self._begin(config)

    def reset_config(self, new_config: JsonObject) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: JsonObject) -> None:
        (order,) = order_in(config).trials
        self._trial, self._next = order.trial, order.known_iterations
        self._curve = curve(order.run)

    def step(self) -> JsonObject:
        report = self._report(self._next)
        self._next += 1
        state = COMPLETED if report.finished else RUNNING
        answer = TrialAnswer(self._trial, state, report.best_so_far or 0.0, report)
        return as_result(WorkerAnswer((answer,), done=report.finished))

    def describe(self) -> WorkerPlace:
        return WorkerPlace("localhost", os.getpid(), "none")

    def _report(self, iteration: int) -> IterationReport:
        known = self._curve[: iteration + 1]
        best = max(range(len(known)), key=lambda i: known[i])
        tiou = tuple(round(0.3 + 0.1 * i, 1) for i in range(5))
        split = SplitMap(known[-1], tiou, (known[-1],) * 5, known[-1], predictions=1000, videos=212, instances=3358)
        return IterationReport(
            iteration,
            Selection("held_out", known[-1]),
            best_iteration=best,
            best_so_far=known[best],
            finished=iteration + 1 == ITERATIONS,
            seconds=1.0,
            training_s=0.9,
            epochs=50,
            chosen_epoch=49,
            lr_last=1e-3,
            splits={name: SplitReport(split) for name in ("train", "held_out", "test")},
        )
