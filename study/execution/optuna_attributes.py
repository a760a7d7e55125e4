"""What readers of ``optuna.journal`` are told beside Optuna's own fields: names, rules, reasons, numbers."""

from __future__ import annotations

from typing import Any

from study.cli.plan import objective_of
from study.config import ObjectiveName, StudyConfig
from study.ledger import StudyFolder, TrialRecord, trial_name
from trainables.config import RunConfig


def metric_name(run: RunConfig, objective: ObjectiveName) -> str:
    """What configurations are compared by: ``mAP@0.5, held-out, percent, refined``: of the best refined iteration."""
    selection, last = run.selection, "refined" if objective == "refined" else "all iterations"
    found = objective_of(run)
    if found.signal:
        return f"{found.recorded}, held-out, {last}"
    return f"{found.name}, {'test' if selection.rule == 'paper' else 'held-out'}, percent, {last}"


def study_attributes(folder: StudyFolder, study: StudyConfig, run: RunConfig, dataset: str) -> dict[str, Any]:
    """What a reader of the journal needs to know of the study."""
    path = folder.path.absolute()
    return {
        "study": folder.name,
        "varies": study.description or study.name,
        "data set": dataset,
        "selection rule": run.selection.rule,
        "objective": study.objective,
        "preset": run.protocol,
        "evaluation protocol": run.evaluation.protocol,
        "seeds": study.seeds,
        "folder": str(path),
        "figures": str(path / "figures"),
        "report": str(path / "report.html"),
    }


def trial_attributes(record: TrialRecord) -> dict[str, Any]:
    """What the study knows of a trial beside what Optuna has a place for; numbers that do not exist are left out."""
    best = next((one for one in record.iterations if one.iteration == record.best_iteration), None)
    found = {
        "trial": trial_name(record.number),
        "configuration": record.configuration,
        "seed": record.seed,
        "origin": record.origin,
        "state": record.state if record.finished else None,
        "reason": record.reason,
        "iteration": record.iterations[-1].iteration if record.iterations else None,
        "best iteration": record.best_iteration,
        "test mAP at the best iteration": best.selection_map("test") if best else None,
        "selection by iteration": [one.selection.number for one in record.iterations] or None,
        "test mAP by iteration": [one.selection_map("test") for one in record.iterations] or None,
    }
    return {name: value for name, value in found.items() if value is not None}
