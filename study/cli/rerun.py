"""One trial of a study again, outside its ledger: do the recorded numbers come back? ``study.launch --rerun``."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from study.cli.request import Request, read_request
from study.ledger import OpenedStudy, TrialRecord, trial_name, trial_records
from trainables.config import RunConfig
from trainables.errors import UserError
from trainables.report import IterationReport

# Of this run, not of its numbers.
TIMES = ("seconds", "training_s")


def rerun(given: Namespace) -> int:
    """Run the trial that ``--rerun`` names; returns the exit status."""
    name, trial = given.rerun
    given.resume, given.num_samples = name, None
    request = read_request(given)
    assert request.opened is not None, "a resumed study is open"
    return _run_again(request, recorded_trial(request.opened, int(trial.removeprefix("t"))))


def recorded_trial(study: OpenedStudy, number: int) -> TrialRecord:
    """A trial that has recorded an iteration; raises UserError otherwise."""
    records = {record.number: record for record in trial_records(study.ledger.events)}
    if number not in records:
        raise UserError(f"--rerun: study '{study.name}' has no trial {number}; its trials are 0 to {len(records) - 1}")
    if not records[number].iterations:
        raise UserError(f"--rerun: {trial_name(number)} has recorded no iteration: there is nothing to compare with")
    return records[number]


def _run_again(request: Request, record: TrialRecord) -> int:
    """Run as many iterations as are recorded and print how they compare; returns 0 when all numbers are equal."""
    from trainables.refinement.refine import refine

    name = trial_name(record.number)
    run: RunConfig = request.run.updated({**record.params, "seed": record.seed}, source=name)
    last = max(report.iteration for report in record.iterations)
    recorded = {report.iteration: report for report in record.iterations}
    different = 0
    for result in refine(run, request.data):
        iteration = result.report.iteration
        if iteration in recorded:
            found = list(report_differences(recorded[iteration], result.report))
            different += len(found)
            print(f"{name}  iteration {iteration}  {'equal' if not found else f'{len(found)} numbers differ'}")
            for line in found:
                print(f"    {line}")
        if iteration == last:
            break
    print(f"{name}: {'all numbers are equal, to the last bit' if not different else f'{different} numbers differ'}")
    return 1 if different else 0


def report_differences(recorded: IterationReport, found: IterationReport) -> Iterator[str]:
    """As ``differences``; where M0 came from is left out, since a run outside the study always trains its own."""
    return differences(replace(recorded, m0=None).to_json(), replace(found, m0=None).to_json())


def differences(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """``key: recorded, now found`` for each value of a report that differs; times are left out, and numbers that the
    version which recorded it did not have."""
    before, now = dict(_leaves(recorded)), dict(_leaves(found))
    now = {key: value for key, value in now.items() if key.partition(".")[0] in recorded or key in before}
    for key in dict.fromkeys([*before, *now]):
        if key.rpartition(".")[2] not in TIMES and before.get(key) != now.get(key):
            yield f"{key}: {before.get(key)!r}, now {now.get(key)!r}"


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{key}[{index}]")
    else:
        # The ledger has null where a number is not finite.
        yield key, None if isinstance(value, float) and not math.isfinite(value) else value
