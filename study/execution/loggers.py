"""Ray's own callbacks that write a study's trials for other programs: ``--log-to``. Off by default."""

from __future__ import annotations

import logging
import os
from importlib import util
from pathlib import Path
from typing import Any

from trainables.errors import UserError
from trainables.worker.messages import plain_config, plain_result

# Name of the option's value -> the package that it takes.
# mlflow: its small form, mlflow-skinny, is enough.
PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}


def check_logger(name: str) -> None:
    """The package that a logger takes is installed; raises UserError otherwise."""
    package = PACKAGES[name]
    if util.find_spec(package) is None:
        raise UserError(f"--log-to: {name} takes the package {package}; install it: pip install {package}")


def logger_callback(name: str, folder: Path) -> Any:
    """The callback. tensorboard: event files beside each trial's state; mlflow: a local store in ``folder``."""
    if name == "tensorboard":
        from ray.tune.logger import TBXLoggerCallback

        return reading_plain_values(TBXLoggerCallback)()
    if name == "mlflow":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of the tables that it makes
        store = f"sqlite:///{folder.absolute() / 'mlflow.db'}"
        plain = reading_plain_values(MLflowLoggerCallback)
        return plain(tracking_uri=store, registry_uri=store, experiment_name=folder.name)
    from ray.air.integrations.wandb import WandbLoggerCallback

    return reading_plain_values(WandbLoggerCallback)(project=folder.name)


class _PlainTrial:
    """A Tune trial with its configuration as plain values."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial
        self.config = self.evaluated_params = plain_config(trial.config)

    def __getattr__(self, name: str) -> Any:
        if name == "_trial":  # while it is unpickled
            raise AttributeError(name)
        return getattr(self._trial, name)

    def __str__(self) -> str:
        return str(self._trial)


def reading_plain_values(logger: Any) -> Any:
    """``logger``, a class of Ray's, but for seeing plain values where Tune carries orders and answers."""

    class PlainLogger(logger):
        def _plain(self, trial: Any) -> _PlainTrial:
            # Loggers keep what they open by trial: the same one must come again.
            views: dict[str, _PlainTrial] = self.__dict__.setdefault("_views", {})
            return views.setdefault(trial.trial_id, _PlainTrial(trial))

        def log_trial_start(self, trial: Any) -> None:
            super().log_trial_start(self._plain(trial))

        def log_trial_restore(self, trial: Any) -> None:
            super().log_trial_restore(self._plain(trial))

        def log_trial_save(self, trial: Any) -> None:
            super().log_trial_save(self._plain(trial))

        def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
            super().log_trial_result(iteration, self._plain(trial), plain_result(result))

        def log_trial_end(self, trial: Any, failed: bool = False) -> None:
            super().log_trial_end(self._plain(trial), failed)

    return PlainLogger
