"""Where a study stands, from its folder alone: ``python -m study.status NAME [--json]``. No Ray, no living driver."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from study.cli.plan import point_text, remaining_seconds, seconds_text
from study.cli.progress import number_text
from study.config import parse_study
from study.ledger import (
    TrialRecord,
    best_configuration,
    is_driven,
    open_folder,
    read_events,
    trial_name,
    trial_records,
)
from trainables.errors import UserError
from trainables.output import print_error, run_command

SESSION_EVENTS = ("study_started", "study_resumed", "study_stopped", "study_ended")


def study_status(study_dir: Path, name: str) -> dict[str, Any]:
    """JSON-able status of a study, running, ended, dead or copied elsewhere; raises UserError.

    state: running (its driver lives), ended, stopped (it can be resumed). eta_s: seconds, None unless running.
    """
    folder, contents = open_folder(study_dir, name, option="study")
    events, problems = read_events(folder.ledger_file)
    records = trial_records(events)
    sessions = [event for event in events if event["event"] in SESSION_EVENTS]
    trials = next((e["num_trials"] for e in reversed(sessions) if e.get("num_trials")), None)
    study = parse_study(contents["study"], str(folder.study_file))
    trials = trials or study.num_trials
    ended = bool(sessions) and sessions[-1]["event"] == "study_ended"
    state = "ended" if ended else "running" if is_driven(folder) else "stopped"
    best = best_configuration(records, contents["run"]["pseudo_labels"]["generator"])
    return {
        "name": contents["name"],
        "state": state,
        "dataset": contents["dataset"]["title"],
        "selection": contents["run"]["selection"]["rule"],
        "num_trials": trials,
        "counts": dict(Counter(record.state for record in records)),
        "eta_s": _eta(sessions, records, trials, contents) if state == "running" else None,
        "best": _trial(best[0]) if best else None,
        "trials": [_trial(record) for record in records],
        "problems": problems,
    }


def status_text(status: dict[str, Any]) -> str:
    """The same for a terminal."""
    counts = ", ".join(f"{count} {state}" for state, count in status["counts"].items()) or "no trial yet"
    eta = f", ETA {seconds_text(status['eta_s'])}" if status["state"] == "running" else ""
    lines = [f"{status['name']}: {status['state']}; {status['dataset']}; {status['num_trials']} trials: {counts}{eta}"]
    for trial in status["trials"]:
        outcome = trial["reason"] or f"{number_text(trial['objective']):>5}"
        lines.append(
            f"{trial_name(trial['number'])}  {trial['state']:<13} {trial['iterations']} iterations  {outcome}  "
            f"seed {trial['seed']}  {point_text(trial['params'])}"
        )
    if status["best"]:
        best = status["best"]
        lines.append(f"best: {trial_name(best['number'])}, {number_text(best['objective'])} ({status['selection']})")
    return "\n".join(lines + status["problems"])


def _trial(record: TrialRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state,
        "params": record.params,
        "seed": record.seed,
        "iterations": len(record.iterations),
        "objective": record.objective,
        "best_iteration": record.best_iteration,
        "reason": record.reason,
    }


def _eta(
    sessions: list[dict[str, Any]], records: list[TrialRecord], trials: int, contents: dict[str, Any]
) -> float | None:
    placements = [e["session"]["placement"] for e in sessions if "session" in e]
    concurrency = placements[-1]["concurrency"] if placements else 1
    return remaining_seconds(records, trials, contents["run"]["refinement"]["iterations"], concurrency)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, or 2 when there is no such study."""
    parser = argparse.ArgumentParser(prog="python -m study.status", description="Where a study stands.")
    parser.add_argument("name", help="of the study")
    parser.add_argument("--study-dir", type=Path, default=Path("studies"), help="holds the studies")
    parser.add_argument("--json", action="store_true", help="everything, for other programs")
    given = parser.parse_args(arguments)
    try:
        status = study_status(given.study_dir, given.name)
    except UserError as error:
        return print_error(error)
    print(json.dumps(status, indent=1) if given.json else status_text(status))
    return 0


if __name__ == "__main__":
    run_command(main)
