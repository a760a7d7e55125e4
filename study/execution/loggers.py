"""Ray's own callbacks that write a study's trials for other programs: ``--log-to``. Off by default."""

from __future__ import annotations

import logging
import os
from importlib import util
from pathlib import Path
from typing import Any

from trainables.errors import UserError

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

        return TBXLoggerCallback()
    if name == "mlflow":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of the tables that it makes
        store = f"sqlite:///{folder.absolute() / 'mlflow.db'}"
        return MLflowLoggerCallback(tracking_uri=store, registry_uri=store, experiment_name=folder.name)
    from ray.air.integrations.wandb import WandbLoggerCallback

    return WandbLoggerCallback(project=folder.name)
