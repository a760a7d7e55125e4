"""Iterations of finished trials whose ledger lines are damaged, restored from the trials' checkpoints.

A finished trial is never run again, so a line of it that can no longer be read would be lost for good, though the
trial's state holds all its reports. Only what agrees with everything that the ledger still knows is taken from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from study.ledger.folder import StudyFolder, trial_name
from study.ledger.ledger_file import Ledger, LedgerContents, finite
from study.ledger.records import TrialRecord, trial_records
from study.ledger.trial_events import IterationEnded
from trainables.report import IterationReport


def repair_from_checkpoints(folder: StudyFolder, contents: LedgerContents) -> tuple[LedgerContents, list[str]]:
    """Append the iterations that are missing and can be restored; the ledger with them, and one sentence per trial.

    Only the driver of the study may call this. Imports torch where lines are damaged, and nothing otherwise.
    """
    if not contents.problems:
        return contents, []
    incomplete = [record for record in trial_records(contents.events) if record.finished and lacks_iterations(record)]
    if not incomplete:
        return contents, []
    from trainables.worker.checkpoint import load_state

    ledger, restored, notes = Ledger(folder.ledger_file, contents), list[IterationEnded](), []
    try:
        for record in incomplete:
            state = load_state(folder.state_file(record.number))
            missing = missing_reports(record, state.reports) if state else []
            restored += [
                ledger.append(IterationEnded(record.number, report, source="checkpoint")) for report in missing
            ]
            if missing:
                numbers = ", ".join(str(report.iteration) for report in missing)
                notes.append(f"{trial_name(record.number)}: iteration {numbers} is restored from its checkpoint")
    finally:
        ledger.close()
    return contents.with_events(*restored), notes


def lacks_iterations(record: TrialRecord) -> bool:
    """Whether a finished trial has reported more than is known: its end tells the seconds of all of them."""
    numbers = [report.iteration for report in record.iterations]
    gap = numbers != list(range(len(numbers)))
    return gap or (record.seconds is not None and abs(record.seconds - record.own_seconds) > 1e-6)


def missing_reports(record: TrialRecord, reports: Sequence[IterationReport]) -> list[IterationReport]:
    """Reports of a checkpoint that the ledger lacks; none where the two disagree in anything."""
    found = {report.iteration: report for report in reports}
    for known in record.iterations:
        if known.iteration not in found or not _equal(found[known.iteration], known):
            return []
    ended_with = found[max(found)]
    if (ended_with.best_iteration, finite(ended_with.best_so_far)) != (record.best_iteration, record.objective):
        return []
    return [found[number] for number in sorted(found) if not record.knows(number)]


def _equal(found: IterationReport, known: IterationReport) -> bool:
    """Whether a report is that of the ledger, which has null where a number is not finite, and the M0 apart."""
    return bool(finite(replace(found, m0=None).to_json()) == replace(known, m0=None).to_json())
