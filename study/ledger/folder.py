"""The folder of a study: where its files lie, its name, and the lock that keeps a second driver out."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from trainables.errors import UserError

LONGEST_NAME = 255  # bytes, on all usual file systems


@dataclass(frozen=True)
class StudyFolder:
    """Paths of one study; nothing is read or written by asking for them."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def study_file(self) -> Path:
        return self.path / "study.json"

    @property
    def ledger_file(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def optuna_file(self) -> Path:
        return self.path / "optuna.journal"

    def state_file(self, trial: int) -> Path:
        """State of a trial after its last whole iteration."""
        return self.path / "checkpoints" / trial_name(trial) / "state.pt"

    def predictions_file(self, trial: int) -> Path:
        """Test predictions of a trial's best iteration."""
        return self.path / "predictions" / f"{trial_name(trial)}.csv"

    def thresholds_file(self, trial: int) -> Path:
        """mAP of a trial's best model with every pair of thresholds of its predictions, where it was asked for."""
        return self.path / "predictions" / f"{trial_name(trial)}.thresholds.json"

    def model_file(self, trial: int) -> Path:
        """Weights of a trial's best iteration."""
        return self.path / "models" / f"{trial_name(trial)}.pt"

    def m0_files(self, key: str) -> tuple[Path, Path]:
        """State of a base model after iteration 0, and its test predictions."""
        return self.path / "base" / f"{key}.pt", self.path / "base" / f"{key}.csv"

    def m0_model_file(self, key: str) -> Path:
        """Weights of a base model's chosen epoch; its state may hold the last epoch's. Absent in older studies."""
        return self.path / "base" / f"{key}.model.pt"

    @property
    def ground_truth_file(self) -> Path:
        """Instances of the test split: with it, the predictions can be analysed without the data set. A header alone
        where the test videos have no temporal annotation."""
        return self.path / "ground_truth.csv"

    @property
    def videos_file(self) -> Path:
        """Names of the videos of each split, in the data set's order. Absent in older studies."""
        return self.path / "videos.json"

    @property
    def ambiguous_file(self) -> Path:
        """Intervals of the test videos that some evaluation protocols ignore; folders of older versions lack it."""
        return self.path / "ambiguous.csv"

    def log_file(self, trial: int) -> Path:
        """Traceback of a trial that failed."""
        return self.path / "logs" / f"{trial_name(trial)}.log"


def trial_name(number: int) -> str:
    """Short name of a trial: t0007."""
    return f"t{number:04d}"


def free_name(study_dir: Path, stem: str) -> str:
    """``stem-1``, or the first number behind all that exist."""
    number = 1
    while (study_dir / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def is_folder_name(name: str) -> bool:
    """Whether a folder inside of another one can have this name: one that leads nowhere else, and can be shown."""
    plain = name and "/" not in name and not name.startswith(".") and name.isprintable()
    return bool(plain) and len(os.fsencode(name)) <= LONGEST_NAME


def nearest_existing(path: Path) -> Path:
    """``path``, or the closest folder above it that is there: where it is, or will be made."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


class FolderExists(UserError):
    """There is a folder of this name already."""


def exists(study_dir: Path, name: str) -> FolderExists:
    """The refusal of a name that is taken."""
    folder = StudyFolder(study_dir / name)
    if folder.study_file.exists() or folder.ledger_file.exists():
        remedy = f"; go on with --resume {name}, or choose another --name"
    else:
        remedy = ", but neither study.json nor ledger.jsonl is there; remove it, or choose another --name"
    return FolderExists(f"--name: study '{name}' exists in {study_dir}{remedy}")


def remove_unbegun(path: Path) -> None:
    """Remove what a launch of an older version has left that was killed while it made the folder."""
    if _is_unbegun(path):
        shutil.rmtree(path)


def _is_unbegun(path: Path) -> bool:
    found = list(path.rglob("*")) if path.is_dir() and not path.is_symlink() else []
    return bool(found) and all(each.name in ("predictions", "checkpoints") and each.is_dir() for each in found)


def check_name(study_dir: Path, name: str) -> None:
    """A new study of this name can be made in ``study_dir``; raises UserError otherwise, and makes nothing."""
    if not is_folder_name(name):
        size = len(os.fsencode(name))
        rule = "use letters, digits, '-' and '_'" if size <= LONGEST_NAME else f"{size} bytes, at most {LONGEST_NAME}"
        raise UserError(f"--name: '{name[:80]}' is not a folder name; {rule}")
    if os.path.lexists(study_dir / name) and not _is_unbegun(study_dir / name):
        raise exists(study_dir, name)
    parent = nearest_existing(study_dir)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--study-dir: {parent} is not a folder that can be written to; choose another --study-dir")
