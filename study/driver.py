"""The course of a study: which trial comes next, and what has happened. Everything but the execution; no Ray.

Each event is in the ledger before anything else learns of it: first the line, then the records, then the search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from study.config import StudyConfig
from study.folder import StudyFolder, trial_name
from study.ledger import FINAL_STATES, Event, Ledger, TrialRecord, read_events, trial_records
from study.proposals import Proposals, outcome
from study.search_space import Point, known_point
from trainables.config import RunConfig

Listener = Callable[[Event, TrialRecord], None]


class NoTrial(Enum):
    """Why there is no next trial: results are awaited, or the study has all its trials."""

    YET = "yet"
    MORE = "more"


class Driver:
    """One session of a study: proposes its trials and keeps its ledger.

    Trial n is configuration n // seeds on replicate n % seeds. Finished trials of earlier sessions stay as they
    are; unfinished ones come first; then new ones, as they would have been proposed without the interruption.
    """

    def __init__(self, folder: StudyFolder, study: StudyConfig, run: RunConfig) -> None:
        """run: what all trials share; each trial replaces its params and its seed."""
        events, self.problems = read_events(folder.ledger_file)
        self.folder, self.study, self.run = folder, study, run
        self.records: dict[int, TrialRecord] = {record.number: record for record in trial_records(events)}
        self.listeners: list[Listener] = []
        self._ledger = Ledger(folder.ledger_file)
        self._proposals = Proposals(study, first_point(study, run))
        self._restore()
        self._unfinished = [n for n, record in sorted(self.records.items()) if not record.finished]

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles what it is given into snapshots of its own; a study is resumed from its ledger instead."""
        return {"folder": self.folder}

    def close(self) -> None:
        self._ledger.close()

    def note(self, event: str, **fields: Any) -> None:
        """Write an event of the study as a whole."""
        self._ledger.append(event, **fields)

    @property
    def num_finished(self) -> int:
        return sum(record.finished for record in self.records.values())

    def next_trial(self) -> TrialRecord | NoTrial:
        """The trial to start now; a new one is in the ledger when this returns."""
        if self._unfinished:
            return self.records[self._unfinished.pop(0)]
        number = len(self.records)
        if number >= self.study.num_trials:
            return NoTrial.MORE
        if number % self.study.seeds:
            first = self.records[number - number % self.study.seeds]
            return self._propose(number, first.params, first.origin, [])
        if not self._proposals.ready:
            return NoTrial.YET
        proposal = self._proposals.propose()
        if proposal is None:
            return NoTrial.MORE
        return self._propose(number, proposal.params, proposal.origin, proposal.repeats)

    def run_config(self, record: TrialRecord) -> RunConfig:
        """The complete configuration of a trial."""
        return self.run.updated({**record.params, "seed": record.seed}, source=trial_name(record.number))

    def started(self, number: int, host: str | None, pid: int | None, device: str | None) -> None:
        """A worker has begun, or begun again, with a trial."""
        self._happened("trial_started", number, host=host, pid=pid, device=device)

    def reported(self, number: int, report: Mapping[str, Any]) -> None:
        """A trial ended a refinement iteration; one that is known already (a worker told it again) is ignored."""
        if all(known["iteration"] != report["iteration"] for known in self.records[number].iterations):
            self._happened("iteration", number, report=dict(report))

    def ended(self, number: int, state: str, reason: str | None = None, log: str | None = None) -> None:
        """A trial ended, in one of the final states; a second end is ignored. log: kept in a file of its own."""
        record = self.records[number]
        if record.finished:
            return
        if state not in FINAL_STATES:
            raise ValueError(f"{trial_name(number)}: '{state}' is not a final state; known: {', '.join(FINAL_STATES)}")
        if log:
            path = self.folder.log_file(number)
            path.parent.mkdir(exist_ok=True)
            path.write_text(log, encoding="utf-8")
            reason = f"{reason} (see {path.relative_to(self.folder.path)})"
        self._happened(
            "trial_ended",
            number,
            state=state,
            reason=reason,
            objective=record.objective,
            best_iteration=record.best_iteration,
            seconds=sum(report["seconds"] for report in record.iterations),
        )
        self._tell(number // self.study.seeds)

    def _restore(self) -> None:
        """Give the search what earlier sessions proposed and found, in the order in which it depended on it."""
        for record in list(self.records.values()):
            last = record.iterations[-1] if record.iterations else {}
            if last.get("finished") and not record.finished:
                # Killed between the last iteration's line and the line of the trial's end.
                self.ended(record.number, "completed")
        for number in range(0, len(self.records), self.study.seeds):
            self._tell(number // self.study.seeds)
        for number in range(0, len(self.records), self.study.seeds):
            if number in self.records:
                self._proposals.restore(self.records[number].params, self.records[number].repeats)

    def _propose(self, number: int, params: Point, origin: str, repeats: list[int]) -> TrialRecord:
        seed = self.run.seed + number % self.study.seeds
        self._happened("trial_proposed", number, params=params, seed=seed, origin=origin, repeats=repeats)
        return self.records[number]

    def _tell(self, configuration: int) -> None:
        first = configuration * self.study.seeds
        replicates = [self.records.get(n) for n in range(first, first + self.study.seeds)]
        ended = [record for record in replicates if record is not None and record.finished]
        if len(ended) == len(replicates) and not self._proposals.knows(configuration):
            self._proposals.tell(configuration, outcome(ended))

    def _happened(self, kind: str, number: int, **fields: Any) -> None:
        event = self._ledger.append(kind, trial=number, **fields)
        record = self.records.setdefault(number, TrialRecord(number))
        record.apply(event)
        for listener in self.listeners:
            listener(event, record)


def first_point(study: StudyConfig, run: RunConfig) -> Point | None:
    """The preset's own point of the space, tried first where the study says so."""
    return known_point(study.space, run)[0] if study.start_from_preset else None
