"""Which trial of a study an export takes, and why, in a sentence. From the study's folder alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from study.cli.plan import objective_of, point_text
from study.ledger import OpenedStudy, TrialRecord, best_configuration, open_study, trial_name, trial_records
from trainables.config import RunConfig, parse_config
from trainables.errors import UserError


class Chosen(NamedTuple):
    """record: a trial with an iteration. why: it was taken."""

    record: TrialRecord
    why: str


class OpenedTrial(NamedTuple):
    """run: the complete configuration of the chosen trial."""

    study: OpenedStudy
    chosen: Chosen
    run: RunConfig


def open_trial(study_dir: Path, name: str, trial: str) -> OpenedTrial:
    """The trial that is chosen of study ``name``, as by ``chosen_trial``. Says what is damaged in its folder, which may
    change the choice, and why the trial is chosen."""
    study = open_study(study_dir, name, "NAME")
    for problem in study.problems:
        print(f"note: {problem}")
    run = parse_config(study.settings.run, str(study.folder.study_file))
    chosen = chosen_trial(trial_records(study.ledger.events), run, trial, study.name)
    print(chosen.why)
    record = chosen.record
    return OpenedTrial(
        study, chosen, run.updated({**record.params, "seed": record.seed}, source=trial_name(record.number))
    )


def chosen_trial(records: Sequence[TrialRecord], run: RunConfig, trial: str, study: str) -> Chosen:
    """``best``: of the best configuration's replicates the one of the best selection value; or the trial of this
    number. Raises UserError."""
    if trial == "best":
        return _best(records, run, study)
    number = trial.removeprefix("t")
    if not number.isdecimal():
        raise UserError(f"--trial: best, or a number as 7 or t0007, got '{trial}'")
    found = next((record for record in records if record.number == int(number)), None)
    if found is None:
        raise UserError(f"--trial: study '{study}' has no trial {int(number)}; its trials are 0 to {len(records) - 1}")
    if not found.iterations or found.best_iteration is None:
        raise UserError(f"--trial: {trial_name(found.number)} ({found.state}) has ended no iteration: it has no model")
    return Chosen(found, f"{trial_name(found.number)} ({found.state}) was asked for by its number.")


def _best(records: Sequence[TrialRecord], run: RunConfig, study: str) -> Chosen:
    replicates = best_configuration(records, run.pseudo_labels.generator)
    if not replicates:
        alone = _m0_alone(records)
        if alone:
            return alone
        raise UserError(
            f"--trial: study '{study}' has no completed trial to choose from; resume it, or name a trial by its number"
        )
    best = max(replicates, key=lambda record: (_value(record), -record.number))
    completed = sum(record.state == "completed" for record in records)
    objective = objective_of(run)
    metric = objective.name if objective.signal else f"{run.selection.rule} {objective.name}"
    seeds = f"mean of {len(replicates)} seeds " if len(replicates) > 1 else ""
    why = (
        f"Of {completed} completed trials, the configuration {point_text(best.params) or '(the only one)'} has the "
        f"best {metric}: {seeds}{objective.number(fmean(_value(one) for one in replicates), 2)}."
    )
    if run.refinement.iterations == 1:
        why += " M0 is the only iteration, and so the only candidate of a trial."
    if len(replicates) > 1:
        values = ", ".join(f"{trial_name(one.number)} {objective.number(_value(one), 2)}" for one in replicates)
        most = "lowest" if objective.is_loss else "highest"
        why += f" Of its replicates ({values}), {trial_name(best.number)} has the {most} value."
    return Chosen(best, why)


def _m0_alone(records: Sequence[TrialRecord]) -> Chosen | None:
    """The earliest M0 of a study that has nothing else, and no number to compare them by."""
    ended = [record for record in records if record.state == "completed" and record.iterations]
    if not ended or any(len(record.iterations) > 1 for record in ended):
        return None
    which = f"{trial_name(ended[0].number)} is taken"
    why = f"M0 is the only iteration of all {len(ended)} completed trials, and no number compares them: {which}."
    return Chosen(ended[0], why)


def _value(record: TrialRecord) -> float:
    return float("-inf") if record.objective is None else record.objective
