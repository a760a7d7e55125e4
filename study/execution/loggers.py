"""Ray's own callbacks that write a study's trials for other programs: ``--log-to``. Off by default.

What they write lies in the study's folder from the first iteration on, so that nothing is lost with the process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

from study.ledger import trial_name
from trainables.errors import UserError
from trainables.worker.messages import order_in, plain_config, plain_result

# Name of the option's value -> the package that it takes.
# mlflow: its small form, mlflow-skinny, is enough.
PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}


WANDB_HOST = "api.wandb.ai"
FLUSH_S = 1


def check_logger(name: str, environment: Mapping[str, str] = os.environ) -> None:
    """The package that a logger takes is installed, and W&B knows who logs; raises UserError otherwise."""
    package = PACKAGES[name]
    if util.find_spec(package) is None:
        raise UserError(f"--log-to: {name} takes the package {package}; install it: pip install {package}")
    if name == "wandb" and not _wandb_knows_user(environment):
        raise UserError(
            "--log-to: wandb has no API key; run 'wandb login', or set WANDB_API_KEY, or WANDB_MODE=offline"
        )


def _wandb_knows_user(environment: Mapping[str, str]) -> bool:
    if environment.get("WANDB_MODE") in ("offline", "disabled") or environment.get("WANDB_API_KEY"):
        return True
    netrc = Path(environment.get("NETRC") or Path(environment.get("HOME", "/")) / ".netrc")
    return netrc.is_file() and WANDB_HOST in netrc.read_text(encoding="utf-8", errors="replace")


def logger_callback(name: str, folder: Path) -> Any:
    """The callback. tensorboard, wandb: a folder of each trial below ``folder``; mlflow: a local store in it."""
    if name == "tensorboard":
        from ray.tune.logger import TBXLoggerCallback
        from tensorboardX import SummaryWriter

        callback = reading_plain_values(TBXLoggerCallback, folder / "tensorboard")()
        # Ray's callback asks for 30 s, which a crash would lose; there is no option for it.
        callback._summary_writer_cls = lambda path, flush_secs: SummaryWriter(path, flush_secs=FLUSH_S)
        return callback
    if name == "mlflow":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of the tables that it makes
        store = f"sqlite:///{folder.absolute() / 'mlflow.db'}"
        plain = reading_plain_values(MLflowLoggerCallback, folder)
        return plain(tracking_uri=store, registry_uri=store, experiment_name=folder.name)
    from ray.air.integrations.wandb import WandbLoggerCallback

    os.environ.setdefault("WANDB_SILENT", "true")
    return reading_plain_values(WandbLoggerCallback, folder / "wandb")(project=folder.name, group=folder.name)


class _PlainTrial:
    """A Tune trial with its configuration as plain values, and a folder of its own in the study's."""

    def __init__(self, trial: Any, folder: Path) -> None:
        self._trial = trial
        self.config = self.evaluated_params = plain_config(trial.config)
        self.local_path = str((folder / trial_name(order_in(trial.config).trials[0].trial)).absolute())

    def init_local_path(self) -> None:
        """Make the folder; Tune's own is a temporary one, whose content it moves at the end of the trial."""
        Path(self.local_path).mkdir(parents=True, exist_ok=True)

    def __getattr__(self, name: str) -> Any:
        if name == "_trial":  # while it is unpickled
            raise AttributeError(name)
        return getattr(self._trial, name)

    def __str__(self) -> str:
        return str(self._trial)


def reading_plain_values(logger: Any, folder: Path) -> Any:
    """``logger``, a class of Ray's, but for seeing plain values where Tune carries orders and answers, and writing
    below ``folder``."""

    class PlainLogger(logger):
        def _plain(self, trial: Any) -> _PlainTrial:
            # Loggers keep what they open by trial: the same one must come again.
            views: dict[str, _PlainTrial] = self.__dict__.setdefault("_views", {})
            return views.setdefault(trial.trial_id, _PlainTrial(trial, folder))

        def log_trial_start(self, trial: Any) -> None:
            view = self._plain(trial)
            view.init_local_path()
            super().log_trial_start(view)

        def log_trial_restore(self, trial: Any) -> None:
            super().log_trial_restore(self._plain(trial))

        def log_trial_save(self, trial: Any) -> None:
            super().log_trial_save(self._plain(trial))

        def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
            super().log_trial_result(iteration, self._plain(trial), plain_result(result))

        def log_trial_end(self, trial: Any, failed: bool = False) -> None:
            super().log_trial_end(self._plain(trial), failed)

    return PlainLogger
