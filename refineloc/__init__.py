"""Studies from Python: ``launch``, ``resume``, ``load_study``, ``evaluate``, ``export``,
``load_model``, ``predict`` (docs/api.md).

Importing it is light: torch, pandas and Ray come with the function that needs them.
"""

from __future__ import annotations

from refineloc.api import StudyStopped, evaluate, export, launch, load_model, load_study, predict, resume
from refineloc.command import main
from trainables.errors import UserError

__all__ = [
    "StudyStopped",
    "UserError",
    "evaluate",
    "export",
    "launch",
    "load_model",
    "load_study",
    "main",
    "predict",
    "resume",
]
