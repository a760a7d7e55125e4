from __future__ import annotations

from importlib import util
from pathlib import Path

import pytest

from study.cli.arguments import LOGGERS
from study.execution.loggers import PACKAGES, check_logger, logger_callback
from trainables.errors import UserError


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
