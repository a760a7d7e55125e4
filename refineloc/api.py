"""What people script, as functions. Each does what a command does, and returns what it would print or write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from trainables.errors import UserError, nearest
from trainables.import_folder import import_folder

if TYPE_CHECKING:
    from analysis.study import Study
    from trainables.data import Segments
    from trainables.evaluation import Evaluation
    from trainables.model import TrainedModel

WRONG_REQUEST = 2  # exit status of a command


class StudyStopped(RuntimeError):
    """A study that did not come to its end. The message is its last line; status: the exit status of the command."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def launch(
    name: str, *, study_dir: Path | str = "studies", settings: Mapping[str, Any] | None = None, **options: Any
) -> Study:
    """Run a new study to its end, in a process of its own, and read it.

    options: those of ``study.launch --help``, with ``_`` for ``-``: ``dataset="thumos14", num_samples=64``; True gives
    an option without a value, a list one that may be repeated. settings: fields of the run, as ``--set`` takes them:
    ``{"training.epochs": 30}``. What the command prints is printed. Raises UserError for a wrong request, such as a
    name that exists; StudyStopped where no trial succeeded or the study was stopped. KeyboardInterrupt stops it in
    order; ``resume`` goes on.
    """
    assigned = [f"--set={key}={json.dumps(value)}" for key, value in (settings or {}).items()]
    return _study(["--name", name, *assigned], Path(study_dir), name, options)


def resume(name: str, *, study_dir: Path | str = "studies", **options: Any) -> Study:
    """Go on with a study to its end, or extend it (``num_samples=128``), and read it; raises as ``launch``."""
    if "settings" in options:
        raise UserError(f"settings: study '{name}' has its own already; leave settings out with resume")
    return _study(["--resume", name], Path(study_dir), name, options)


def load_study(folder: Path | str) -> Study:
    """A study's folder as pandas frames, running, stopped or ended; neither torch nor Ray. Raises UserError where it is
    none."""
    from analysis.study import load_study as load

    if not Path(folder).is_dir():
        raise UserError(f"{folder}: no such folder; name that of the study, as studies/NAME")
    return load(Path(folder))


def export(name: str, out: Path | str, *, study_dir: Path | str = "studies", trial: int | None = None) -> Path:
    """Write the model of a study's best trial, or of ``trial``, into the new folder ``out``; raises UserError."""
    chosen = [] if trial is None else [f"--trial={trial}"]
    _run(["export", name, "--out", str(out), "--study-dir", str(study_dir), *chosen])
    return Path(out)


def evaluate(
    predictions: Path | str,
    ground_truth: Path | str,
    tiou: Sequence[float] | float | str = "0.5:0.05:0.95",
    protocol: str = "activitynet",
    subset: Literal["train", "test"] | None = None,
) -> Evaluation:
    """mAP of a file of predictions against ground truth, in any format that the command understands.

    tiou: thresholds, one or several, or ``start:step:stop``. protocol: activitynet, thumos14, wtalc or basnet. subset:
    of ground truth with both; test, where there are test videos, by default. Raises UserError for a file that cannot
    be used.
    """
    from trainables.data import read_ground_truth
    from trainables.evaluation import PROTOCOLS, evaluate_file, tiou_thresholds

    if protocol not in PROTOCOLS:
        raise UserError(f"protocol: no protocol '{protocol}'. {nearest(protocol, PROTOCOLS)}")

    truth = read_ground_truth(Path(ground_truth), subset)
    several = [tiou] if isinstance(tiou, (int, float)) else tiou
    thresholds = tiou_thresholds(several if isinstance(several, str) else ",".join(map(str, several)))
    return evaluate_file(Path(predictions), truth, Path(ground_truth), thresholds, protocol)[0]


def load_model(folder: Path | str, device: Literal["auto", "cpu", "cuda"] = "auto") -> TrainedModel:
    """An exported model, ready for ``predict``. Raises UserError where the folder holds no whole one."""
    from trainables.model import load_model as load

    return load(folder, device)


def predict(model: TrainedModel, features: Path | str, videos: Sequence[str] | None = None) -> Segments:
    """Segments of all videos of a file or folder of features, or of those named.

    A label is a place in ``model.description.classes``. Raises UserError for features that the model was not trained
    on.
    """
    from trainables.model import TrainedModel
    from trainables.model import predict as predict_all

    if not isinstance(model, TrainedModel):
        raise UserError(f"model: {model!r} is no model; load_model reads the folder that export wrote")

    return predict_all(model, features, videos)


def _study(first: Sequence[str], study_dir: Path, name: str, options: Mapping[str, Any]) -> Study:
    if options.get("dry_run"):
        raise UserError("dry_run: starts no study that could be returned; take the command, with --dry-run")
    _run(["launch", *first, "--study-dir", str(study_dir), *_as_options(options)])
    return load_study(study_dir / name)


def _run(arguments: Sequence[str]) -> None:
    status, last = _command(arguments)
    if status == WRONG_REQUEST:
        raise UserError(last.removeprefix("error: "))
    if status:
        raise StudyStopped(last, status)


def _as_options(options: Mapping[str, Any]) -> list[str]:
    given: list[str] = []
    for key, value in options.items():
        option = f"--{key.replace('_', '-')}"
        if value is True:
            given.append(option)
        elif isinstance(value, (list, tuple)):
            given += [f"{option}={one}" for one in value]
        elif value is not None and value is not False:
            given.append(f"{option}={value}")
    return given


def _command(arguments: Sequence[str]) -> tuple[int, str]:
    """Run the console command, print what it prints, and return its exit status and its last line.

    A process of its own leaves the caller's signals, threads and Ray alone. -P: a user's ``study.py`` is not ours.
    """
    script = [sys.executable, "-P", "-c", "from refineloc import main; main()", *arguments]
    path = os.pathsep.join([str(import_folder()), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        script, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
    ) as child:
        assert child.stdout is not None
        try:
            last = _print(child.stdout)
        except KeyboardInterrupt:  # the child, of the same group, stops in order
            _print(child.stdout)
            raise
    return child.returncode, last


def _print(lines: IO[str]) -> str:
    """Pass the lines on as they come; returns the last one that is not empty."""
    last = ""
    for line in lines:
        print(line, end="")
        last = line.strip() or last
    return last
