"""The folder of a study: where its files lie, study.json, and the lock that keeps a second driver out."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from study.ledger.events import read_events
from trainables.errors import UserError
from trainables.files import write_whole

FORMAT = 1


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

    def model_file(self, trial: int) -> Path:
        """Weights of a trial's best iteration."""
        return self.path / "models" / f"{trial_name(trial)}.pt"

    def base_files(self, key: str) -> tuple[Path, Path]:
        """State of a base model after iteration 0, and its test predictions."""
        return self.path / "base" / f"{key}.pt", self.path / "base" / f"{key}.csv"

    def base_model_file(self, key: str) -> Path:
        """Weights of a base model's chosen epoch; its state may hold the last epoch's. Absent in older studies."""
        return self.path / "base" / f"{key}.model.pt"

    @property
    def ground_truth_file(self) -> Path:
        """Instances of the test split: with it, the predictions can be analysed without the data set."""
        return self.path / "ground_truth.csv"

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


def nearest_existing(path: Path) -> Path:
    """``path``, or the closest folder above it that is there: where it is, or will be made."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def check_name(study_dir: Path, name: str) -> None:
    """A new study of this name can be made in ``study_dir``; raises UserError otherwise, and makes nothing."""
    if not name or name != Path(name).name or name.startswith("."):
        raise UserError(f"--name: '{name}' is not a folder name; use letters, digits, '-' and '_'")
    if (study_dir / name).exists():
        raise UserError(
            f"--name: study '{name}' exists in {study_dir}; go on with --resume {name}, or choose another --name"
        )
    parent = nearest_existing(study_dir)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--study-dir: {parent} is not a folder that can be written to; choose another --study-dir")


def create_folder(study_dir: Path, name: str, contents: Mapping[str, Any]) -> StudyFolder:
    """Make the folder of a new study with its study.json; raises UserError when it exists or cannot be made."""
    check_name(study_dir, name)
    folder = StudyFolder(study_dir / name)
    try:
        folder.path.mkdir(parents=True)
        for part in ("predictions", "checkpoints"):
            (folder.path / part).mkdir()
        write_settings(folder, {**contents, "name": name, "created": time.time(), "format": FORMAT})
    except OSError as error:
        raise UserError(f"--study-dir: {folder.path} cannot be made: {error.strerror}") from None
    return folder


def write_settings(folder: StudyFolder, settings: Mapping[str, Any]) -> None:
    """study.json, whole."""
    write_whole(folder.study_file, (json.dumps(settings, indent=1, ensure_ascii=False) + "\n").encode())


def open_folder(study_dir: Path, name: str, option: str = "--resume") -> tuple[StudyFolder, dict[str, Any]]:
    """An existing study and its study.json; ``name`` may also be a path. Raises UserError."""
    folder = StudyFolder(study_dir / name)
    if not folder.path.is_dir():
        known = sorted(p.parent.name for p in study_dir.glob("*/study.json")) if study_dir.is_dir() else []
        listed = f"studies there: {', '.join(known)}" if known else "there are no studies"
        raise UserError(f"{option}: no study '{name}' in {study_dir}; {listed}")
    contents = _read_settings(folder, option)
    if contents.get("format") != FORMAT:
        raise UserError(
            f"{option}: {folder.study_file}: format {contents.get('format')!r} is not known to this version ({FORMAT})"
        )
    return folder, contents


def settings_in_ledger(folder: StudyFolder) -> dict[str, Any] | None:
    """study.json as it was when the study began; None where the ledger does not say."""
    events, _ = read_events(folder.ledger_file)
    return next((event["settings"] for event in events if event["event"] == "study_created"), None)


def _read_settings(folder: StudyFolder, option: str) -> dict[str, Any]:
    """study.json, or what the ledger says of it where that cannot be read."""
    try:
        contents = json.loads(folder.study_file.read_text(encoding="utf-8"))
        if isinstance(contents, dict):
            return contents
        reason = "not a mapping"
    except OSError as error:
        reason = str(error.strerror)
    except ValueError:
        reason = "not whole JSON"
    kept = settings_in_ledger(folder)
    if kept is None:
        raise UserError(f"{option}: {folder.study_file}: cannot be read ({reason}); restore it from a copy")
    return kept


def lock(folder: StudyFolder, process: int | None = None) -> IO[str]:
    """Become the only driver of a study, until the returned file is closed or the process ends.

    process: what it is called in the refusal of others, by default this one. Raises UserError that names the host and
    process that drives it already.
    """
    try:
        # Open for as long as the lock is held.
        file = open(folder.path / "driver.lock", "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise UserError(f"--study-dir: {folder.path} cannot be written to: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise UserError(f"study '{folder.name}' is being driven by {holder}; wait for it or stop it") from None
    file.truncate(0)
    file.write(f"process {process or os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def is_driven(folder: StudyFolder) -> bool:
    """Whether a driver on a host that shares this file system holds the lock; asking leaves it alone."""
    try:
        with open(folder.path / "driver.lock", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
