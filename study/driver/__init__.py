"""The course of a study without Ray: what is proposed, waits, has happened. Everything but the execution."""

from __future__ import annotations

from study.driver.driver import Driver
from study.driver.plan import NoTrial
from study.driver.recorder import Listener

__all__ = ["Driver", "Listener", "NoTrial"]
