"""Iterations of finished trials whose ledger lines are damaged, told again from the trials' checkpoints.

A finished trial is never run again, so a line of it that can no longer be read would be lost for good, though the
trial's state holds all its reports. Only what agrees with everything that the ledger still knows is taken from there.
"""

from __future__ import annotations

from typing import Any

from study.ledger.events import Ledger, TrialRecord, finite, iteration_fields, read_events, trial_records
from study.ledger.folder import StudyFolder, trial_name


def repair_from_checkpoints(folder: StudyFolder) -> list[str]:
    """Append the iterations that are missing and can be had back; one sentence for each trial that gained some.

    Only the driver of the study may call this. Imports torch where lines are damaged, and nothing otherwise.
    """
    events, problems = read_events(folder.ledger_file)
    incomplete = [record for record in trial_records(events) if record.finished and lacks_iterations(record)]
    if not problems or not incomplete:
        return []
    from trainables.worker.checkpoint import load_state

    ledger, notes = Ledger(folder.ledger_file), []
    try:
        for record in incomplete:
            state = load_state(folder.state_file(record.number))
            missing = missing_reports(record, [report.to_json() for report in state.reports]) if state else []
            for report in missing:
                ledger.append("iteration", trial=record.number, **iteration_fields(report), source="checkpoint")
            if missing:
                numbers = ", ".join(str(report["iteration"]) for report in missing)
                notes.append(f"{trial_name(record.number)}: iteration {numbers} is told again from its checkpoint")
    finally:
        ledger.close()
    return notes


def lacks_iterations(record: TrialRecord) -> bool:
    """Whether a finished trial has reported more than is known: its end tells the seconds of all of them."""
    numbers = [report["iteration"] for report in record.iterations]
    gap = numbers != list(range(len(numbers)))
    return gap or (record.seconds is not None and abs(record.seconds - record.own_seconds) > 1e-6)


def missing_reports(record: TrialRecord, reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reports of a checkpoint that the ledger lacks; none where the two disagree in anything."""
    found = {report["iteration"]: report for report in reports}
    for known in record.iterations:
        if known["iteration"] not in found or finite(iteration_fields(found[known["iteration"]])["report"]) != known:
            return []
    ended_with = found[max(found)]
    if (ended_with["best_iteration"], finite(ended_with["best_so_far"])) != (record.best_iteration, record.objective):
        return []
    known_numbers = {known["iteration"] for known in record.iterations}
    return [found[number] for number in sorted(found) if number not in known_numbers]
