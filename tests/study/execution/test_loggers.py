from __future__ import annotations

import struct
import time
from importlib import util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cli.arguments import LOGGERS
from study.execution.loggers import PACKAGES, check_logger, logger_callback, reading_plain_values
from study.ledger import TrialRecord
from tests.study.test_stops import REQUEST, ended, start
from tests.study.worlds import report_of, run_of
from trainables.errors import UserError
from trainables.worker.messages import (
    RUNNING,
    RunFiles,
    TrialAnswer,
    TrialOrder,
    WorkerAnswer,
    WorkerOrder,
    as_config,
    as_result,
)


def test_every_value_of_the_option_has_its_package() -> None:
    assert set(PACKAGES) == set(LOGGERS)


@pytest.mark.parametrize("name", LOGGERS)
def test_a_logger_whose_package_is_missing_is_refused_with_the_remedy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(util, "find_spec", lambda package: None)
    with pytest.raises(UserError, match=f"--log-to: {name} takes the package .*: pip install {PACKAGES[name]}"):
        check_logger(name)


def test_an_installed_logger_gives_tunes_own_callback(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from ray.tune.logger import TBXLoggerCallback

    check_logger("tensorboard")
    assert isinstance(logger_callback("tensorboard", tmp_path), TBXLoggerCallback)


def scalars_of(folder: Path) -> dict[str, dict[int, float]]:
    """What event files hold: name -> step -> value. A record is length, checksum, content, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, at = path.read_bytes(), 0
        while at + 12 <= len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + length])
            at += length + 16
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_tensorboard_files_lie_in_the_studys_folder_before_a_trial_ends(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    record = TrialRecord(3)
    order = TrialOrder(3, run_of(), RunFiles(tmp_path, tmp_path, tmp_path))
    trial = SimpleNamespace(trial_id="a", config=as_config(WorkerOrder((order,))), local_path="elsewhere")
    logger = logger_callback("tensorboard", tmp_path)
    logger.log_trial_start(trial)
    reports = [report_of(record, iteration) for iteration in range(2)]
    for report in reports:
        answer = TrialAnswer(3, RUNNING, 20.0, report)
        # Tune counts from 1, and anew in each session.
        result = as_result(WorkerAnswer((answer,), done=False)) | {"training_iteration": 7, "config": trial.config}
        logger.log_trial_result(1, trial, result)
    name, deadline = "ray/tune/report/map/test/selection_map", time.monotonic() + 20
    while len(found := scalars_of(tmp_path / "tensorboard" / "t0003").get(name, {})) < 2:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert found == pytest.approx({report.iteration: report.selection_map("test") for report in reports})
    logger.log_trial_end(trial)


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        ({"HOME": "/nowhere"}, False),
        ({"HOME": "/nowhere", "WANDB_MODE": "offline"}, True),
        ({"HOME": "/nowhere", "WANDB_API_KEY": "k"}, True),
    ],
)
def test_wandb_is_refused_before_anything_starts_where_it_knows_no_user(
    environment: dict[str, str], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(util, "find_spec", lambda package: package)
    if known:
        check_logger("wandb", environment)
    else:
        with pytest.raises(UserError, match=r"wandb has no API key; run 'wandb login', .* WANDB_MODE=offline"):
            check_logger("wandb", environment)


@pytest.mark.slow
def test_wandb_offline_writes_a_run_of_each_trial_into_the_studys_folder(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    process = start(tmp_path, *REQUEST, "--num-samples", "2", "--log-to", "wandb", WANDB_MODE="offline")
    status, _, err = ended(process, within=200)
    assert status == 0, err
    for trial in ("t0000", "t0001"):
        (run,) = (tmp_path / "s" / "wandb" / trial / "wandb").glob("offline-run-*/run-*.wandb")
        assert b"selection_map" in run.read_bytes()


def test_a_logger_sees_plain_values_and_one_trial_object_per_trial(tmp_path: Path) -> None:
    seen: list[tuple[Any, Any]] = []

    class Logger:
        def log_trial_start(self, trial: Any) -> None:
            seen.append((trial, trial.config))

        def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
            seen.append((trial, result))

    order = TrialOrder(3, run_of(), RunFiles(tmp_path, tmp_path, tmp_path))
    trial = SimpleNamespace(trial_id="a", config=as_config(WorkerOrder((order,))), local_path="here")
    logger = reading_plain_values(Logger, tmp_path)()
    logger.log_trial_start(trial)
    result = as_result(WorkerAnswer((TrialAnswer(3, RUNNING, 20.0),), done=False))
    logger.log_trial_result(1, trial, result | {"config": trial.config})
    (first, config), (second, told) = seen
    assert first is second
    assert first.local_path == str(tmp_path / "t0003")
    assert config == told["config"] == {"trial": 3, "run": run_of().model_dump(mode="json")}
    assert told["objective"] == 20.0
