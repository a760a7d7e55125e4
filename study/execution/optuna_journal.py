"""optuna.journal: a study as Optuna sees it, for optuna-dashboard and other readers. Never read back by the search.

Trial n of the study is trial n there, running while it runs. Its intermediate values are the best so far, which is
what a pruner compares; what each iteration had of its own stands among the trial's attributes. The driver alone
writes it, so it needs no lock file that a kill would leave behind, and no fsync: what is lost is rebuilt from the
ledger at the next session.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from study.config import ObjectiveName, StudyConfig
from study.execution.optuna_attributes import metric_name, study_attributes, trial_attributes
from study.ledger import (
    IterationEnded,
    StudyFolder,
    TrialEnded,
    TrialEvent,
    TrialProposed,
    TrialRecord,
)
from study.search.objective import NOTHING_YET, told_curve, told_value
from trainables.config import RunConfig

STATES = {"completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED}


class OptunaJournal:
    """Listens to a driver and writes what happens."""

    def __init__(
        self, folder: StudyFolder, study: StudyConfig, run: RunConfig, dataset: str, records: Mapping[int, TrialRecord]
    ) -> None:
        """Go on with the file where it agrees with ``records``; else write it anew from them. dataset: its name."""
        self._study, self._run, self._path = study, run, folder.optuna_file
        self._name = optuna_study_name(dataset, study)
        self._attributes = study_attributes(folder, study, run, dataset)
        self._storage: JournalStorage | None = None
        if not self._go_on(records):
            self._write_anew(records)

    def __call__(self, event: TrialEvent, record: TrialRecord) -> None:
        if self._storage is None:
            return
        try:
            self._write(self._storage, event, record)
        except OSError:
            self.close()  # a journal that cannot be written to stops no study

    def _write(self, storage: JournalStorage, event: TrialEvent, record: TrialRecord) -> None:
        if isinstance(event, TrialProposed) and record.number == len(self._ids):
            self._ids.append(storage.create_new_trial(self._study_id, self._template(record)))
            return
        trial, objective = self._ids[record.number], self._study.objective
        if isinstance(event, IterationEnded):
            step, values = event.report.iteration, _curve(record, objective)
            if step in values:
                storage.set_trial_intermediate_value(trial, step, values[step])
        self._set_attributes(storage, trial, record)
        if isinstance(event, TrialEnded):
            state, value = _outcome(record, objective)
            storage.set_trial_state_values(trial, state, None if value is None else [value])

    def _set_attributes(self, storage: JournalStorage, trial: int, record: TrialRecord) -> None:
        """Those that have changed; Optuna lets nobody change a trial that has ended."""
        known = storage.get_trial(trial)
        if not known.state.is_finished():
            for name, value in trial_attributes(record).items():
                if known.user_attrs.get(name) != value:
                    storage.set_trial_user_attr(trial, name, value)

    def trials(self) -> list[FrozenTrial]:
        """What it holds."""
        return self._storage.get_all_trials(self._study_id) if self._storage else []

    def close(self) -> None:
        if self._storage is not None:
            self._backend.close()
            self._storage = None

    def _open(self, path: Path) -> JournalStorage:
        self._backend = _SingleWriter(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return JournalStorage(self._backend)

    def _go_on(self, records: Mapping[int, TrialRecord]) -> bool:
        if not self._path.exists() or not self._path.read_bytes().endswith(b"\n"):
            return False  # a line that was torn would swallow the next one
        try:
            for line in self._path.read_bytes().splitlines():
                json.loads(line)  # Optuna forgives a last line that it cannot read, and fails at the next one
            self._storage = self._open(self._path)
            self._study_id = self._storage.get_study_id_from_name(self._name)
            trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
            agrees = [_told(trial) for trial in trials] == [_told(self._template(records[n])) for n in sorted(records)]
            agrees &= self._storage.get_study_user_attrs(self._study_id) == self._attributes
        # Whatever Optuna makes of a damaged file: it is written anew.
        except Exception:
            agrees = False
        if not agrees:
            self.close()
            return False
        # Storages number trials on their own, apart from the study; FrozenTrial tells that number nowhere else.
        self._ids = [trial._trial_id for trial in trials]
        return True

    def _write_anew(self, records: Mapping[int, TrialRecord]) -> None:
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        aside.unlink(missing_ok=True)
        self._storage = self._open(aside)
        self._study_id = self._storage.create_new_study([StudyDirection.MAXIMIZE], self._name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.load_study(study_name=self._name, storage=self._storage).set_metric_names(
                [metric_name(self._run, self._study.objective)]
            )
        for name, value in self._attributes.items():
            self._storage.set_study_user_attr(self._study_id, name, value)
        self._ids = [
            self._storage.create_new_trial(self._study_id, self._template(records[number]))
            for number in sorted(records)
        ]
        os.replace(aside, self._path)  # the open file follows its new name

    def _template(self, record: TrialRecord) -> FrozenTrial:
        state, value = _outcome(record, self._study.objective)
        now = datetime.now(UTC)
        return FrozenTrial(
            number=record.number,
            trial_id=-1,
            state=state,
            value=value,
            datetime_start=now,
            datetime_complete=now if state.is_finished() else None,
            params=record.params,
            distributions={key: self._study.space[key].distribution() for key in record.params},
            user_attrs=trial_attributes(record),
            system_attrs={},
            intermediate_values=_curve(record, self._study.objective),
        )


def optuna_study_name(dataset: str, study: StudyConfig) -> str:
    """Name of a study in Optuna: data set, study and a hash of its space."""
    text = json.dumps(study.space_tree, sort_keys=True)
    return f"{dataset} {study.name} {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _curve(record: TrialRecord, objective: ObjectiveName) -> dict[int, float]:
    """The best so far by iteration, as the pruner sees it."""
    reports = [report for report in record.iterations if objective == "refined" or report.best_so_far is not None]
    values = zip(reports, told_curve(reports, objective), strict=True)
    return {report.iteration: value for report, value in values if value != NOTHING_YET}


def _outcome(record: TrialRecord, objective: ObjectiveName) -> tuple[TrialState, float | None]:
    """As the search is told: a trial without a finite objective failed."""
    if not record.finished:
        return TrialState.RUNNING, None
    state = STATES.get(record.state, TrialState.FAIL)
    value = told_value(record, objective)
    if state == TrialState.FAIL or value is None:
        return TrialState.FAIL, None
    return state, value


def _told(trial: FrozenTrial) -> tuple[Any, ...]:
    return trial.state, trial.values, trial.params, trial.intermediate_values, trial.user_attrs


class _SingleWriter(BaseJournalBackend):
    """A journal file with one writer, kept open; readers use Optuna's own JournalFileBackend."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the journal)
        self._reader = JournalFileBackend(str(path)) if self._file.tell() else None
        self._written = 0
        self._recent: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        if self._reader is not None:
            known = list(self._reader.read_logs(0))
            self._reader, self._written = None, len(known)
            return known[log_number_from:]
        return self._recent[log_number_from - self._written :] if log_number_from >= self._written else []

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        # What was read before the last append was taken in by the storage: one append is all there is to keep.
        self._written += len(self._recent)
        self._recent = json.loads(json.dumps(logs))
        self._file.write(b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs))

    def close(self) -> None:
        self._file.close()
