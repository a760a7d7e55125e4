"""The ledger of a running study and the records that it amounts to.

An event is in the ledger before anything else learns of it: first the line, then the record, then the listeners.
"""

from __future__ import annotations

from collections.abc import Callable

from study.fault_injection import fault_point
from study.ledger import Event, Ledger, LedgerContents, SearchEnded, StudyFolder, TrialEvent, TrialRecord, trial_records

Listener = Callable[[TrialEvent, TrialRecord], None]


class Recorder:
    """Writes events. records: one per trial, by number. listeners: called after each event of a trial. search_end: the
    last time that a search ended before its budget. longest_s: of the completed trials, None without one."""

    def __init__(self, folder: StudyFolder, contents: LedgerContents) -> None:
        """contents: of the folder's ledger, as it was read."""
        self.records: dict[int, TrialRecord] = {record.number: record for record in trial_records(contents.events)}
        self.listeners: list[Listener] = []
        self._ledger = Ledger(folder.ledger_file, contents)
        ends = [event for event in contents.events if isinstance(event, SearchEnded)]
        self.search_end = ends[-1] if ends else None
        # Counted along: a long study asks for it at each of its events.
        self.num_finished = 0
        self.longest_s: float | None = None
        for record in self.records.values():
            if record.finished:
                self._finished(record)

    def write(self, event: TrialEvent) -> TrialRecord:
        """Write an event of a trial; its record."""
        written = self._ledger.append(event)
        fault_point(f"{written.kind} recorded")
        record = self.record(written.trial)
        finished_before = record.finished
        record.apply(written)
        if record.finished and not finished_before:
            self._finished(record)
        for listener in self.listeners:
            listener(written, record)
        return record

    def _finished(self, record: TrialRecord) -> None:
        self.num_finished += 1
        if record.state == "completed":
            self.longest_s = max(self.longest_s or 0.0, _seconds(record))

    def note(self, event: Event) -> None:
        """Write an event of the study as a whole."""
        self._ledger.append(event)
        if isinstance(event, SearchEnded):
            self.search_end = event

    def record(self, number: int) -> TrialRecord:
        """The record of a trial, an empty one where nothing is known of it."""
        return self.records.setdefault(number, TrialRecord(number))

    def close(self) -> None:
        self._ledger.close()


def _seconds(record: TrialRecord) -> float:
    return sum(report.seconds for report in record.iterations)
