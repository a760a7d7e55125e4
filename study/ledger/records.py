"""What the events of a ledger amount to: one record per trial."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from study.ledger.study_events import Event, SearchEnded
from study.ledger.trial_events import (
    FINAL_STATES,
    Configuration,
    IterationEnded,
    TrialEnded,
    TrialEvent,
    TrialProposed,
    TrialRetried,
    TrialStarted,
)
from trainables.json_types import JsonObject
from trainables.report import IterationReport, M0Origin, best_refined


@dataclass
class TrialRecord:
    """All that the ledger knows of one trial.

    state: ``proposed``, ``running`` or one of FINAL_STATES. params: dotted RunConfig keys -> values that this trial
    set. iterations: reports, by iteration. objective: the highest selection number, which trials are compared by: mAP
    in percent, or the signal of rule ``video-labels``, a loss as its negative (``trainables/objective.py``); None when
    there is none. lines: numbers of its ledger lines. origin, repeats, configuration: of the point that it runs, see
    ``Configuration``. gpus: share of a GPU after it ran out of memory. declared: whether a line that tells params and
    seed is there.
    """

    number: int
    state: str = "proposed"
    params: JsonObject = field(default_factory=dict)
    seed: int = 0
    origin: str = "sampler"
    iterations: list[IterationReport] = field(default_factory=list)
    objective: float | None = None
    best_iteration: int | None = None
    reason: str | None = None
    seconds: float | None = None
    device: str | None = None
    lines: list[int] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    configuration: int | None = None
    gpus: float | None = None
    declared: bool = False

    @property
    def m0(self) -> M0Origin | None:
        """Where its iteration 0 is from; None where M0 is not shared, or not there yet."""
        return self.iterations[0].m0 if self.iterations else None

    @property
    def own_seconds(self) -> float:
        """Seconds of the iterations that this trial ran itself."""
        return sum(report.seconds for report in self.iterations if report.m0 is None or report.m0.trained)

    @property
    def saved_seconds(self) -> float:
        """Seconds of the iterations that it took from the M0 cache."""
        return sum(report.seconds for report in self.iterations) - self.own_seconds

    @property
    def finished(self) -> bool:
        """Whether it ended, in whatever state; a finished trial is never run again."""
        return self.state in FINAL_STATES

    @property
    def refined_objective(self) -> float | None:
        """Best selection number of the iterations after M0, percent; M0's own where it has no other iteration, and None
        where there is no number."""
        if self.best_iteration:
            return self.objective
        if not any(report.iteration > 0 for report in self.iterations):
            return self.objective
        best = best_refined(self.iterations)
        return best.refined_number if best else None

    @property
    def point(self) -> Configuration:
        """What it runs, apart from its seed."""
        return Configuration(self.configuration, self.params, self.origin, tuple(self.repeats))

    def knows(self, iteration: int) -> bool:
        """Whether the report of an iteration is there."""
        return any(known.iteration == iteration for known in self.iterations)

    def apply(self, event: TrialEvent) -> None:
        """Take in the next event of this trial; an iteration that is known already is ignored."""
        if event.line is not None:
            self.lines.append(event.line)
        match event:
            case TrialProposed():
                self._declare(event.configuration, event.seed)
            case TrialStarted():
                # It repeats what the proposal said, so that one damaged line loses neither params nor seed.
                self._declare(event.configuration, event.seed)
                if not self.finished:
                    self.state, self.device = "running", event.device
            case TrialRetried() if not self.finished:
                self.state, self.gpus = "proposed", event.gpus
            case IterationEnded():
                self._add_report(event.report)
            case TrialEnded() if not self.finished:
                self.state, self.reason, self.seconds = event.state, event.reason, event.seconds
                self.objective, self.best_iteration = event.objective, event.best_iteration

    def _declare(self, configuration: Configuration | None, seed: int | None) -> None:
        if self.declared or configuration is None or seed is None:
            return
        self.params, self.origin, self.seed = dict(configuration.params), configuration.origin, seed
        self.repeats, self.configuration = list(configuration.repeats), configuration.number
        self.declared = True

    def _add_report(self, report: IterationReport) -> None:
        if self.knows(report.iteration):
            return
        self.iterations = sorted([*self.iterations, report], key=lambda known: known.iteration)
        if not self.finished:
            self.objective, self.best_iteration = report.best_so_far, report.best_iteration


def search_end(events: Iterable[Event], records: Iterable[TrialRecord]) -> str | None:
    """Why a search ended before its budget; None where it did not, or has gone on since."""
    ends = [event for event in events if isinstance(event, SearchEnded)]
    if not ends:
        return None
    configurations = {record.configuration for record in records}
    return ends[-1].reason if ends[-1].configurations == len(configurations) else None


def trial_records(events: Iterable[Event]) -> list[TrialRecord]:
    """One record per trial that occurs in ``events``, in number order."""
    records: dict[int, TrialRecord] = {}
    for event in events:
        if isinstance(event, TrialEvent):
            records.setdefault(event.trial, TrialRecord(event.trial)).apply(event)
    return [records[number] for number in sorted(records)]
