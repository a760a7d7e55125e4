"""One session of a study: hands out its trials and is told what becomes of them. No Ray."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from study.config import StudyConfig
from study.driver.m0_gate import M0Gate
from study.driver.plan import NoTrial, TrialPlan, number_of
from study.driver.recorder import Recorder
from study.driver.restoration import restore
from study.driver.time_budget import TimeBudget
from study.driver.waiting import WaitingQueue
from study.ledger import (
    CONFIRM,
    FINAL_STATES,
    Event,
    IterationEnded,
    LedgerContents,
    StudyEnded,
    StudyFolder,
    TrialEnded,
    TrialRecord,
    TrialRetried,
    TrialStarted,
    read_ledger,
    search_end,
    trial_name,
)
from study.m0_cache import M0Cache
from study.search import PRUNERS
from study.search.objective import NOTHING_YET, told_curve
from trainables.config import RunConfig, joint_key
from trainables.json_types import JsonObject
from trainables.report import IterationReport


class PreparedTrial(NamedTuple):
    """What a trial runs. declared: what it was made from. m0_key: in the cache, None where each trains its own."""

    declared: tuple[JsonObject, int, M0Cache | None]
    run: RunConfig
    m0_key: str | None


class Driver:
    """Finished trials of earlier sessions stay as they are; unfinished ones come first; then new ones, identical to
    those of an uninterrupted study.

    records: all trials, by number. listeners: called with each event of a trial and its record, after the event is in
    the ledger. problems: sentences on damaged lines of the ledger.
    """

    def __init__(
        self, folder: StudyFolder, study: StudyConfig, run: RunConfig, ledger: LedgerContents | None = None
    ) -> None:
        """run: what all trials share; each trial replaces its params and its seed. ledger: as it was read, where it
        has been read already."""
        contents = ledger or read_ledger(folder.ledger_file)
        self.folder, self.study, self.run = folder, study, run
        self.problems = list(contents.problems)
        self.unwritable: OSError | None = None
        self._recorder = Recorder(folder, contents)
        self.records, self.listeners = self._recorder.records, self._recorder.listeners
        self.time_budget = TimeBudget(study, contents.events)
        self._plan = TrialPlan(study, run, self._recorder, self.time_budget)
        self._gate = M0Gate()
        self._prepared: dict[int, PreparedTrial] = {}
        restore(self._plan, lambda record: self.ended(record.number, "completed"), self._prune_if_due)
        self._waiting = WaitingQueue(n for n, record in sorted(self.records.items()) if not record.finished)

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles what it is given into snapshots of its own; a study is resumed from its ledger instead."""
        return {"folder": self.folder}

    @property
    def num_finished(self) -> int:
        return self._recorder.num_finished

    def has_ended(self) -> bool:
        """Whether nothing is left to run: all trials of the budget have ended, or the search is over before that."""
        return self.num_finished >= self.study.num_trials or self._plan.has_ended()

    @property
    def num_trials(self) -> int:
        """Of the whole study: of its budget, or of a search that ended before that, with the confirmations."""
        end = self._recorder.search_end
        return self.study.num_trials if end is None or not self.search_end else self.study.trials_of(end.configurations)

    @property
    def search_end(self) -> str | None:
        """Why the search ended before its budget, as a phrase; None where it did not."""
        end = self._recorder.search_end
        return search_end([] if end is None else [end], self.records.values())

    def close(self) -> None:
        self._recorder.close()

    def share_m0(self, cache: M0Cache) -> None:
        """From now on, each M0 is trained once; without, every trial trains its own."""
        self._gate.cache = cache

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
        self._recorder.note(event)

    def note_end(self) -> None:
        """Write that the study has ended, which it has when each of its trials has."""
        unfinished = [trial_name(number) for number, record in sorted(self.records.items()) if not record.finished]
        if unfinished:
            raise RuntimeError(f"{', '.join(unfinished)} did not end")
        self.note(StudyEnded(self.num_finished))

    def next_trial(self) -> TrialRecord | NoTrial:
        """The trial to start now; a new one is in the ledger when this returns."""
        if not self._waiting:
            new = self._plan.next_trial()
            if isinstance(new, NoTrial):
                return new
            self._waiting.add(new.number)
        number = self._waiting.take(self._may_start)
        return NoTrial.WAITING if number is None else self.records[number]

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
        self._waiting.put_back(trial.number for trial in others)
        return alike

    def run_config(self, record: TrialRecord) -> RunConfig:
        """The complete configuration of a trial."""
        return self._prepared_trial(record).run

    @property
    def m0_cache(self) -> M0Cache | None:
        """None when each trial trains its own M0."""
        return self._gate.cache

    def m0_key(self, record: TrialRecord) -> str | None:
        """Key of a trial's M0 in the cache; None when each trial trains its own."""
        return self._prepared_trial(record).m0_key

    def started(self, number: int, host: str | None, pid: int | None, device: str | None) -> None:
        """A worker has begun, or begun again, with a trial."""
        record = self.records[number]
        self._recorder.write(TrialStarted(number, host, pid, device, record.point, record.seed))

    def reported(self, number: int, report: IterationReport) -> None:
        """A trial ended a refinement iteration; one that is known already (a worker told it again) is ignored."""
        record = self.records[number]
        if record.knows(report.iteration):
            return
        self._recorder.write(IterationEnded(number, report))
        self._gate.release(number)
        if self.prunes(number, report):
            self._prune(number)

    def prunes(self, number: int, report: IterationReport) -> bool:
        """Whether a trial is to be stopped after this iteration. Confirmations are not: their means must agree."""
        record = self.records[number]
        if self.study.pruner == "none" or report.finished or record.origin == CONFIRM:
            return False
        before = [known for known in record.iterations if known.iteration < report.iteration]
        curve = told_curve([*before, report], self.study.objective)
        if len(curve) <= len(before) or curve[-1] == NOTHING_YET:
            return False  # an iteration without a number can be compared with nothing
        others = self._plan.proposals.curves_before(number_of(record))
        return PRUNERS[self.study.pruner](curve, others, self.study.grace)

    def retried(self, number: int, reason: str, gpus: float | None) -> None:
        """A trial ran out of memory, or its worker was lost: it goes on from its last whole iteration.

        gpus: its share of a GPU from now on, None for that of all trials.
        """
        if not self.records[number].finished:
            self._recorder.write(TrialRetried(number, reason, gpus))
            self._gate.release(number)
            self._waiting.put_back([number])

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
        self._recorder.write(
            TrialEnded(number, state, reason, record.objective, record.best_iteration, record.own_seconds)
        )
        self._gate.release(number)
        self._prepared.pop(number, None)
        self._plan.tell(number_of(record))

    def _prepared_trial(self, record: TrialRecord) -> PreparedTrial:
        """Made once for a trial that waits or runs, however often it is asked for."""
        declared = (record.params, record.seed, self._gate.cache)
        known = self._prepared.get(record.number)
        if known is not None and known.declared == declared:
            return known
        run = self.run.updated({**record.params, "seed": record.seed}, source=trial_name(record.number))
        prepared = PreparedTrial(declared, run, self._gate.cache.key(run) if self._gate.cache else None)
        if not record.finished:
            self._prepared[record.number] = prepared
        return prepared

    def _may_start(self, number: int) -> bool:
        """Unless another trial is training the M0 that this one starts from."""
        record = self.records[number]
        return bool(record.iterations) or self._gate.admits(self.m0_key(record), number)

    def _joint_key(self, record: TrialRecord) -> tuple[str, float | None]:
        return joint_key(self.run_config(record)), record.gpus

    def _prune(self, number: int) -> None:
        self.ended(number, "pruned", f"stopped early by the pruner ({self.study.pruner})")

    def _prune_if_due(self, record: TrialRecord) -> None:
        if self.prunes(record.number, record.iterations[-1]):
            self._prune(record.number)
