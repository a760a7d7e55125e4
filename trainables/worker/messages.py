"""The messages between driver and worker: the order of a trial, and the answer after each of its iterations.

Both are frozen objects of the same program, so Ray carries them as they are and nothing is parsed twice: the
configuration of a trial is validated once, by the driver. Ray Tune hands dictionaries around; the functions
at the end are the only places that know their keys. Imports neither torch nor Ray.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.config import PredictionConfig, RunConfig
from trainables.json_types import JsonObject
from trainables.report import IterationReport

RUNNING, COMPLETED, UNWRITABLE = "running", "completed", "unwritable"
ORDER, ANSWER, METRIC, STEP = "order", "answer", "objective", "training_iteration"


@dataclass(frozen=True)
class RunFiles:
    """What a run leaves on the disk. state: to go on from. predictions: test predictions of its best iteration.
    model: weights of that iteration."""

    state: Path
    predictions: Path
    model: Path


@dataclass(frozen=True)
class CachedM0:
    """Where the M0 of a trial lies for all trials that share it, or is to lie. key: of the M0 cache. prediction: how
    its numbers and predictions are made, whatever the trial's own; None: as the trial's own."""

    key: str
    files: RunFiles
    prediction: PredictionConfig | None = None


@dataclass(frozen=True)
class TrialOrder:
    """One trial to run, or to go on with from the state among its files.

    title: where Ray and ``ps`` show the trial. known_iterations: so many need no answer. known_reports: of
    these. m0: None where each trial trains its own. gpus: the share of a GPU that it was given.
    """

    trial: int
    run: RunConfig
    files: RunFiles
    title: str = ""
    known_iterations: int = 0
    known_reports: tuple[IterationReport, ...] = ()
    m0: CachedM0 | None = None
    gpus: float = 0

    @property
    def label(self) -> str:
        """Its title, or its number where it has none."""
        return self.title or f"trial {self.trial}"

    @property
    def name(self) -> str:
        """The first word of its title, as ``t0007``."""
        return self.title.split()[0] if self.title else self.label


@dataclass(frozen=True, repr=False)
class WorkerOrder:
    """What one worker process is to do: a trial, or several that train together.

    Tune copies the configuration of a trial several times, and makes a tag of its text: nothing in an order changes, so
    it is its own copy, and its text is short.

    cpus, gpus: what Ray reserves for the process; of a GPU's memory it may use that share. retries: how often it goes
    on from the last whole iteration after an exception. timeout_s: what is left of its time; None: no limit.
    """

    trials: tuple[TrialOrder, ...]
    cpus: float = 1
    gpus: float = 0
    retries: int = 0
    timeout_s: float | None = None

    @property
    def title(self) -> str:
        """Of the first trial, with the number of the others."""
        first, more = self.trials[0], len(self.trials) - 1
        return f"{first.label} and {more} more" if more else first.label

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r})"

    def __deepcopy__(self, memo: Any) -> WorkerOrder:
        return self


@dataclass(frozen=True)
class TrialAnswer:
    """The outcome of a trial's iteration.

    state: ``running``, a final state, or ``unwritable`` where the worker could not write. objective: best selection
    mAP so far, percent; NaN without one. report: of the iteration; None where the trial cannot go on, then reason,
    log (its traceback) and, of an OSError, errno and path say why.
    """

    trial: int
    state: str
    objective: float
    report: IterationReport | None = None
    reason: str | None = None
    log: str | None = None
    errno: int | None = None
    path: str | None = None

    @property
    def ended(self) -> bool:
        return self.state != RUNNING


@dataclass(frozen=True)
class WorkerAnswer:
    """One answer for each trial of the worker that had something to tell.

    done: all its trials have ended. gpu_bytes: most that the process held of its GPU since it began with them; None
    without one.
    """

    trials: tuple[TrialAnswer, ...]
    done: bool
    gpu_bytes: int | None = None


@dataclass(frozen=True)
class WorkerPlace:
    """Where a worker runs. device: a GPU's name, or ``cpu``. All None where unknown."""

    host: str | None = None
    pid: int | None = None
    device: str | None = None


def as_config(order: WorkerOrder) -> JsonObject:
    """The Tune configuration that carries an order."""
    return {ORDER: order}


def order_in(config: Mapping[str, Any]) -> WorkerOrder:
    """The order in a Tune configuration."""
    order: WorkerOrder = config[ORDER]
    return order


def as_result(answer: WorkerAnswer) -> JsonObject:
    """The Tune result that carries an answer. Tune itself reads ``done`` and the metric, the best of the trials'."""
    return {ANSWER: answer, METRIC: max(one.objective for one in answer.trials), "done": answer.done}


def answer_in(result: Mapping[str, Any]) -> WorkerAnswer | None:
    """The answer in a Tune result; None in a result of Tune's own."""
    answer: WorkerAnswer | None = result.get(ANSWER)
    return answer


def plain_config(config: Mapping[str, Any]) -> JsonObject:
    """A Tune configuration as plain values, for programs that know no order: the first of its trials."""
    first = order_in(config).trials[0]
    return {"trial": first.trial, "run": first.run.model_dump(mode="json")}


def plain_result(result: Mapping[str, Any]) -> JsonObject:
    """A Tune result as plain values: the first report of its answer, if there is one, as ``report``.

    Its step is the refinement iteration: Tune's own count begins anew where a trial goes on in a later session.
    """
    answer = answer_in(result)
    reports = [one.report.to_json() for one in answer.trials if one.report is not None] if answer else []
    plain = {key: value for key, value in result.items() if key != ANSWER}
    if ORDER in plain.get("config", {}):
        plain["config"] = plain_config(plain["config"])
    return plain | ({"report": reports[0], STEP: reports[0]["iteration"]} if reports else {})
