"""Where a study stands, from its folder alone: ``python -m study.status NAME [--json]``. No Ray, no living driver."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from study.cli.plan import metric_text, point_text, remaining_seconds, seconds_text
from study.config import recorded_study
from study.ledger import (
    OpenedStudy,
    StudyEnded,
    StudySettings,
    StudyStarted,
    StudyStopped,
    TrialEvent,
    TrialRecord,
    best_configuration,
    is_driven,
    open_study,
    search_end,
    trial_name,
    trial_records,
)
from trainables.command_line import Parser
from trainables.commands import program
from trainables.counts import count_text
from trainables.errors import UserError
from trainables.json_types import JsonObject
from trainables.objective import Objective
from trainables.output import print_error, run_command

# A worker that tells nothing for so long is worth a word; the driver waits longer before it ends one.
QUIET_AT_LEAST_S, QUIET_ITERATIONS = 120.0, 3


def study_status(study_dir: Path, name: str) -> JsonObject:
    """JSON-able status of a study, running, ended, dead or copied elsewhere; raises UserError.

    objective: what trials are compared by; that of a trial is its recorded value, higher is better. state: running (its
    driver lives), ended, stopped (it can be resumed). eta_s: seconds, None unless running. quiet_s of a trial: seconds
    since its worker last told something, where that is long; else None.
    """
    opened = open_study(study_dir, name, "NAME")
    settings, records = opened.settings, trial_records(opened.ledger.events)
    study = recorded_study(settings.study, str(opened.folder.study_file))
    trials, state = _num_trials(opened) or study.num_trials, state_of(opened)
    ended_early = search_end(opened.ledger.events, records)
    if ended_early:
        trials = study.trials_of(len({record.configuration for record in records}))
    quiet = _quiet_s(opened, records) if state == "running" else {}
    best = best_configuration(records, settings.run_value("pseudo_labels.generator"))
    return {
        "name": opened.name,
        "state": state,
        "dataset": settings.dataset.title,
        "selection": settings.run_value("selection.rule"),
        "objective": asdict(_objective(settings)),
        "num_trials": trials,
        "search_end": ended_early,
        "counts": dict(Counter(record.state for record in records)),
        "eta_s": _eta(opened, records, trials) if state == "running" else None,
        "best": _trial(best[0]) if best else None,
        "trials": [_trial(record) | {"quiet_s": quiet.get(record.number)} for record in records],
        "problems": opened.problems,
    }


def status_text(status: JsonObject) -> str:
    """The same for a terminal."""
    counts = ", ".join(f"{count} {state}" for state, count in status["counts"].items()) or "no trial yet"
    eta = f", ETA {seconds_text(status['eta_s'])}" if status["state"] == "running" else ""
    trials = count_text(status["num_trials"], "trial")
    lines = [f"{status['name']}: {status['state']}; {status['dataset']}; {trials}: {counts}{eta}"]
    objective = Objective(**status["objective"])
    if status["search_end"]:
        lines.append(f"the search ended early: {status['search_end']}")
    for trial in status["trials"]:
        quiet = trial.get("quiet_s")
        silence = f"no sign of life for {seconds_text(quiet)}" if quiet else None
        outcome = trial["reason"] or silence or f"{objective.brief(trial['objective']):>5}"
        trainings = count_text(trial["iterations"], "training")
        lines.append(
            f"{trial_name(trial['number'])}  {trial['state']:<13} {trainings:<12} {outcome}  "
            f"seed {trial['seed']}  {point_text(trial['params'])}"
        )
    if status["best"]:
        best = status["best"]
        lines.append(f"best: {trial_name(best['number'])}, {objective.text(best['objective'])} ({status['selection']})")
    return "\n".join(lines + status["problems"])


def _objective(settings: StudySettings) -> Objective:
    rule, signal = settings.run_value("selection.rule"), settings.run_value("selection.signal")
    return Objective.of(rule, signal, metric_text(settings.run_value("evaluation.selection_tiou") or ()))


def _trial(record: TrialRecord) -> JsonObject:
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


def _num_trials(opened: OpenedStudy) -> int | None:
    """The budget of the last session that tells one."""
    budgets = [event.num_trials for event in opened.ledger.events if isinstance(event, StudyStarted)]
    return next((budget for budget in reversed(budgets) if budget), None)


def state_of(opened: OpenedStudy) -> str:
    """running (its driver lives), ended, or stopped."""
    sessions = [e for e in opened.ledger.events if isinstance(e, StudyStarted | StudyStopped | StudyEnded)]
    if sessions and isinstance(sessions[-1], StudyEnded):
        return "ended"
    return "running" if is_driven(opened.folder) else "stopped"


def _quiet_s(opened: OpenedStudy, records: list[TrialRecord]) -> dict[int, float]:
    """Running trial -> seconds since its last event, where that is much longer than an iteration takes."""
    last = {event.trial: event.time for event in opened.ledger.events if isinstance(event, TrialEvent) and event.time}
    longest_s = max((report.seconds for record in records for report in record.iterations), default=0.0)
    limit_s, now = max(QUIET_AT_LEAST_S, QUIET_ITERATIONS * longest_s), time.time()
    running = [record.number for record in records if record.state == "running" and record.number in last]
    return {number: quiet for number in running if (quiet := now - last[number]) > limit_s}


def _eta(opened: OpenedStudy, records: list[TrialRecord], trials: int) -> float | None:
    sessions = [event.session for event in opened.ledger.events if isinstance(event, StudyStarted)]
    concurrency = sessions[-1].concurrency if sessions else 1
    iterations = opened.settings.run_value("refinement.iterations")
    return remaining_seconds(records, trials, int(iterations), concurrency)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, or 2 when there is no such study."""
    given = command_parser().parse_args(arguments)
    try:
        status = study_status(given.study_dir, given.name)
    except UserError as error:
        return print_error(error)
    print(json.dumps(status, indent=1) if given.json else status_text(status))
    return 0


def command_parser() -> Parser:
    parser = Parser(prog=program("study.status"), description="Where a study stands.")
    parser.add_argument("name", metavar="NAME", help="of the study")
    parser.add_argument("--study-dir", type=Path, default=Path("studies"), metavar="DIR", help="holds the studies")
    parser.add_argument("--json", action="store_true", help="everything, for other programs")
    return parser


if __name__ == "__main__":
    run_command(main)
