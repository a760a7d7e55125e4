"""What an earlier study of the same data cost: seconds of an iteration, bytes of a trial. From its folder alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median
from typing import NamedTuple

from study.ledger import LedgerContents, StudyFolder, StudySettings, nearest_existing, read_ledger, trial_records
from trainables.config import RunConfig
from trainables.errors import UserError
from trainables.text_files import read_json

SAME = ("dataset", "model", "training", "compute")  # what these costs depend on


class EarlierCosts(NamedTuple):
    """iteration_s: median seconds of an iteration. trial_bytes: what its folder holds, per trial."""

    name: str
    iteration_s: float
    trial_bytes: float


def find_earlier_costs(study_dir: Path, run: RunConfig, known: LedgerContents | None = None) -> EarlierCosts | None:
    """The last study here of the same data, model and training that has ended an iteration.

    known: a ledger that has been read already.
    """
    files = sorted(study_dir.glob("*/study.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next((earlier for file in files if (earlier := _read(StudyFolder(file.parent), run, known))), None)


def free_bytes(study_dir: Path) -> int:
    """Free space where ``study_dir`` is, or will be made."""
    return shutil.disk_usage(nearest_existing(study_dir)).free


def _read(folder: StudyFolder, run: RunConfig, known: LedgerContents | None) -> EarlierCosts | None:
    try:
        before = StudySettings.from_json(read_json(folder.study_file)).run
    except (UserError, ValueError):
        return None
    now = run.model_dump(mode="json")
    if any(before.get(part) != now[part] for part in SAME):
        return None
    is_known = known is not None and known.path.absolute() == folder.ledger_file.absolute()
    ledger = known if known is not None and is_known else read_ledger(folder.ledger_file)
    records = trial_records(ledger.events)
    seconds = [report.seconds for record in records for report in record.iterations]
    if not seconds:
        return None
    return EarlierCosts(folder.name, median(seconds), _bytes_of_trials(folder) / len(records))


def _bytes_of_trials(folder: StudyFolder) -> int:
    written = [folder.ledger_file, folder.optuna_file]
    written += [
        file
        for part in ("base", "checkpoints", "models", "predictions", "logs")
        for file in (folder.path / part).rglob("*")
    ]
    return sum(file.stat().st_size for file in written if file.is_file())
