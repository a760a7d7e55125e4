"""Which runs can train together, in steps that they share. No torch."""

from __future__ import annotations

from typing import Any

from trainables.config.run import RunConfig
from trainables.errors import UserError

JOINT_MODELS = ("refineloc",)  # whose batches are whole videos, and whose losses know nothing of the host


def joint_key(config: RunConfig) -> str:
    """Equal for runs that can train together: all but the labels, their weight and the outer loop is the same."""
    own: Any = {"protocol": True, "loss": {"beta"}, "pseudo_labels": True, "refinement": True}
    return config.model_dump_json(exclude=own)


def check_joint(config: RunConfig) -> None:
    """Raises UserError where runs of this configuration can only train alone."""
    if config.model.name not in JOINT_MODELS:
        raise UserError(
            f"--trials-per-process: runs of base model {config.model.name} cannot train together, only those of "
            f"{', '.join(JOINT_MODELS)}; leave it out"
        )
