"""The course of a study: which trial comes next, and what has happened. Everything but the execution; no Ray.

Each event is in the ledger before anything else learns of it: first the line, then the records, then the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

from study.config import Point, StudyConfig, known_point
from study.fault_injection import fault_point
from study.ledger import (
    CONFIRM,
    FINAL_STATES,
    Configuration,
    Event,
    IterationEnded,
    Ledger,
    LedgerContents,
    StudyEnded,
    StudyFolder,
    TrialEnded,
    TrialEvent,
    TrialProposed,
    TrialRecord,
    TrialRetried,
    TrialStarted,
    ranked_configurations,
    read_ledger,
    trial_name,
    trial_records,
)
from study.m0_cache import BaseModels
from study.search import PRUNERS
from study.search.proposals import Proposals, outcome
from trainables.config import RunConfig, joint_key

Listener = Callable[[TrialEvent, TrialRecord], None]


class NoTrial(Enum):
    """Why there is no next trial: results are awaited, or the study has all its trials."""

    YET = "yet"
    MORE = "more"


class Driver:
    """One session of a study: proposes its trials and keeps its ledger.

    A configuration runs on ``seeds`` replicates side by side; after all of them the best ones may be confirmed on
    further seeds. Finished trials of earlier sessions stay as they are; unfinished ones come first; then new ones,
    as they would have been proposed without the interruption.
    """

    def __init__(
        self, folder: StudyFolder, study: StudyConfig, run: RunConfig, ledger: LedgerContents | None = None
    ) -> None:
        """run: what all trials share; each trial replaces its params and its seed. ledger: as it was read, where it
        has been read already."""
        known = ledger or read_ledger(folder.ledger_file)
        self.problems = list(known.problems)
        self.folder, self.study, self.run = folder, study, run
        self.records: dict[int, TrialRecord] = {record.number: record for record in trial_records(known.events)}
        self.listeners: list[Listener] = []
        self.unwritable: OSError | None = None
        self._ledger = Ledger(folder.ledger_file, known)
        self._proposals = Proposals(study, first_point(study, run))
        self._replicates: dict[int, list[TrialRecord]] = {}
        self._bases: BaseModels | None = None
        self._trained_by: dict[str, int] = {}
        self._exhausted = False
        self._finished = 0
        self._restore()
        self._waiting = [n for n, record in sorted(self.records.items()) if not record.finished]
        self._finished = sum(record.finished for record in self.records.values())

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles what it is given into snapshots of its own; a study is resumed from its ledger instead."""
        return {"folder": self.folder}

    def close(self) -> None:
        self._ledger.close()

    def share_bases(self, bases: BaseModels) -> None:
        """From now on, M0 is trained once per base; without, each trial trains its own."""
        self._bases = bases

    @contextmanager
    def noting_full_disk(self) -> Iterator[None]:
        """Remember an OSError: what runs the trials may pass it on as something else."""
        try:
            yield
        except OSError as error:
            self.unwritable = error
            raise

    def note(self, event: Event) -> None:
        """Write an event of the study as a whole."""
        self._ledger.append(event)

    def note_end(self) -> None:
        """Write that the study has ended, which it has when each of its trials has."""
        unfinished = [trial_name(number) for number, record in sorted(self.records.items()) if not record.finished]
        if unfinished:
            raise RuntimeError(f"{', '.join(unfinished)} did not end")
        self.note(StudyEnded(self.num_finished))

    @property
    def num_finished(self) -> int:
        return self._finished

    def next_trial(self) -> TrialRecord | NoTrial:
        """The trial to start now; a new one is in the ledger when this returns."""
        if not self._waiting:
            new = self._new_trial()
            if isinstance(new, NoTrial):
                return new
            self._waiting.append(new.number)
        for number in self._waiting:
            if self._can_start(self.records[number]):
                self._waiting.remove(number)
                return self.records[number]
        return NoTrial.YET

    def next_trials(self, most: int) -> list[TrialRecord] | NoTrial:
        """Up to ``most`` trials to start now that can train together, in number order; at least one."""
        first = self.next_trial()
        if isinstance(first, NoTrial):
            return first
        alike, others = [first], list[TrialRecord]()
        # Replicates lie side by side: trials of one seed are found among so many.
        while len(alike) < most and len(others) < most * self.study.seeds:
            trial = self.next_trial()
            if isinstance(trial, NoTrial):
                break
            (alike if self._joint_key(trial) == self._joint_key(first) else others).append(trial)
        self._waiting = [*(trial.number for trial in others), *self._waiting]
        return alike

    def _joint_key(self, record: TrialRecord) -> tuple[str, float | None]:
        return joint_key(self.run_config(record)), record.gpus

    def run_config(self, record: TrialRecord) -> RunConfig:
        """The complete configuration of a trial."""
        return self.run.updated({**record.params, "seed": record.seed}, source=trial_name(record.number))

    def base(self, record: TrialRecord) -> str | None:
        """Key of the base model that a trial starts from, or makes; None when each trial trains its own."""
        return self._bases.key(self.run_config(record)) if self._bases else None

    def started(self, number: int, host: str | None, pid: int | None, device: str | None) -> None:
        """A worker has begun, or begun again, with a trial."""
        record = self.records[number]
        self._happened(TrialStarted(number, host, pid, device, record.point, record.seed))

    def reported(self, number: int, report: Mapping[str, Any]) -> None:
        """A trial ended a refinement iteration; one that is known already (a worker told it again) is ignored."""
        record = self.records[number]
        if record.knows(report["iteration"]):
            return
        self._happened(IterationEnded.of(number, report))
        self._release_base(number)
        if self.prunes(number, report):
            self.ended(number, "pruned", f"stopped early by the pruner ({self.study.pruner})")

    def prunes(self, number: int, report: Mapping[str, Any]) -> bool:
        """Whether a trial is to be stopped after this iteration. Confirmations are not: their means must agree."""
        record = self.records[number]
        if self.study.pruner == "none" or report.get("finished") or record.origin == CONFIRM:
            return False
        curve = [known["best_so_far"] for known in record.iterations if known["iteration"] < report["iteration"]]
        others = self._proposals.curves_before(self._configuration(record))
        return PRUNERS[self.study.pruner]([*curve, report["best_so_far"]], others, self.study.grace)

    def retried(self, number: int, reason: str, gpus: float | None) -> None:
        """A trial ran out of memory, or its worker was lost: it goes on from its last whole iteration.

        gpus: its share of a GPU from now on, None for that of all trials.
        """
        if not self.records[number].finished:
            self._happened(TrialRetried(number, reason, gpus))
            self._release_base(number)
            self._waiting.insert(0, number)

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
        self._happened(TrialEnded(number, state, reason, record.objective, record.best_iteration, record.own_seconds))
        self._finished += 1
        self._release_base(number)
        self._tell(self._configuration(record))

    def _new_trial(self) -> TrialRecord | NoTrial:
        last = len(self._replicates) - 1
        if last >= 0 and len(self._replicates[last]) < self.study.seeds:
            return self._replicate(last, self._replicates[last][0].origin, len(self._replicates[last]))
        if last + 1 < self.study.num_configurations and not self._exhausted:
            if not self._proposals.ready:
                return NoTrial.YET
            proposal = self._proposals.propose()
            if proposal is not None:
                return self._propose(last + 1, proposal.params, proposal.origin, 0, proposal.repeats)
            self._exhausted = True
        if self._finished < len(self.records):
            return NoTrial.YET  # a trial that runs may have to be run again, and the best are not known yet
        return self._confirmation()

    def _replicate(self, configuration: int, origin: str, seed: int) -> TrialRecord:
        return self._propose(configuration, self._replicates[configuration][0].params, origin, seed, [])

    def _confirmation(self) -> TrialRecord | NoTrial:
        """The next run of one of the best configurations on a seed that did not choose it."""
        plan = self.study.confirm
        if plan is None:
            return NoTrial.MORE
        search = [record for records in self._replicates.values() for record in records]
        known = {(record.configuration, record.seed) for record in self.records.values() if record.origin == CONFIRM}
        best = ranked_configurations(search, self.run.pseudo_labels.generator)[: plan.top]
        for configuration in (self._configuration(replicates[0]) for replicates in best):
            for further in range(self.study.seeds, self.study.seeds + plan.seeds):
                if (configuration, self.run.seed + further) not in known:
                    return self._replicate(configuration, CONFIRM, further)
        return NoTrial.MORE

    def _can_start(self, record: TrialRecord) -> bool:
        """Unless another trial is training the base model that this one starts from."""
        if self._bases is None or record.iterations:
            return True
        key = self._bases.key(self.run_config(record))
        return self._bases.ready(key) or self._trained_by.setdefault(key, record.number) == record.number

    def _release_base(self, number: int) -> None:
        """Others need not wait for this trial: its base model is there, or it will never be."""
        self._trained_by = {key: trial for key, trial in self._trained_by.items() if trial != number}

    def _restore(self) -> None:
        """Give the search what earlier sessions proposed and found, in the order in which it depended on it."""
        for number in range(max(self.records, default=-1) + 1):
            record = self.records.setdefault(number, TrialRecord(number))
            if record.configuration is None:
                record.configuration = number // self.study.seeds
            if record.origin != CONFIRM:
                self._replicates.setdefault(record.configuration, []).append(record)
            if record.iterations and record.iterations[-1].get("finished") and not record.finished:
                # Killed between the last iteration's line and the line of the trial's end.
                self.ended(number, "completed")
        for configuration in self._replicates:
            self._tell(configuration)
        for configuration in range(max(self._replicates, default=-1) + 1):
            self._restore_configuration(configuration)
        for record in self.records.values():
            # Killed between an iteration's line and the line of the trial's end, once more.
            if not record.finished and record.iterations and self.prunes(record.number, record.iterations[-1]):
                self.ended(record.number, "pruned", f"stopped early by the pruner ({self.study.pruner})")

    def _restore_configuration(self, configuration: int) -> None:
        """As it was declared; proposed again, which gives the same, where the lines that declared it are damaged."""
        replicates = self._replicates.setdefault(configuration, [])
        declared = next((record for record in replicates if record.declared), None)
        if declared is not None:
            self._proposals.restore(declared.params, declared.repeats)
            params, origin, repeats = declared.params, declared.origin, declared.repeats
        else:
            proposal = self._proposals.propose_again()
            if proposal is None:
                return
            params, origin, repeats = proposal.params, proposal.origin, proposal.repeats
        for seed, record in enumerate(replicates):
            if not record.declared:
                self._declare(record.number, configuration, params, origin, seed, [] if seed else repeats)

    def _propose(self, configuration: int, params: Point, origin: str, seed: int, repeats: list[int]) -> TrialRecord:
        record = self._declare(len(self.records), configuration, params, origin, seed, repeats)
        if origin != CONFIRM:
            self._replicates.setdefault(configuration, []).append(record)
        return record

    def _declare(
        self, number: int, configuration: int, params: Point, origin: str, seed: int, repeats: list[int]
    ) -> TrialRecord:
        """seed: number of the replicate, counted from the first seed."""
        point = Configuration(configuration, params, origin, tuple(repeats))
        self._happened(TrialProposed(number, point, self.run.seed + seed))
        return self.records[number]

    def _configuration(self, record: TrialRecord) -> int:
        assert record.configuration is not None, "a driver's records are declared"
        return record.configuration

    def _tell(self, configuration: int) -> None:
        replicates = self._replicates[configuration]
        ended = [record for record in replicates if record.finished]
        if len(ended) == self.study.seeds and not self._proposals.knows(configuration):
            self._proposals.tell(configuration, outcome(ended))
            fault_point("search told")

    def _happened(self, new: TrialEvent) -> None:
        event = self._ledger.append(new)
        fault_point(f"{event.kind} recorded")
        record = self.records.setdefault(event.trial, TrialRecord(event.trial))
        record.apply(event)
        for listener in self.listeners:
            listener(event, record)


def first_point(study: StudyConfig, run: RunConfig) -> Point | None:
    """The preset's own point of the space, tried first where the study says so."""
    return known_point(study.space, run)[0] if study.start_from_preset else None
