from __future__ import annotations

from importlib import util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cli.arguments import LOGGERS
from study.execution.loggers import PACKAGES, check_logger, logger_callback, reading_plain_values
from tests.study.worlds import run_of
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


def test_a_logger_sees_plain_values_and_one_trial_object_per_trial(tmp_path: Path) -> None:
    seen: list[tuple[Any, Any]] = []

    class Logger:
        def log_trial_start(self, trial: Any) -> None:
            seen.append((trial, trial.config))

        def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
            seen.append((trial, result))

    order = TrialOrder(3, run_of(), RunFiles(tmp_path, tmp_path, tmp_path))
    trial = SimpleNamespace(trial_id="a", config=as_config(WorkerOrder((order,))), local_path="here")
    logger = reading_plain_values(Logger)()
    logger.log_trial_start(trial)
    result = as_result(WorkerAnswer((TrialAnswer(3, RUNNING, 20.0),), done=False))
    logger.log_trial_result(1, trial, result | {"config": trial.config})
    (first, config), (second, told) = seen
    assert first is second
    assert first.local_path == "here"
    assert config == told["config"] == {"trial": 3, "run": run_of().model_dump(mode="json")}
    assert told["objective"] == 20.0
