"""Which runs can train together, in the same steps. Imports no torch: the command checks a request with it."""

from __future__ import annotations

from typing import Any

from trainables.config.run import RunConfig
from trainables.errors import UserError

# Base models whose batches are whole videos and whose losses need no host-device synchronisation, so that a CUDA graph
# can hold a step. W-TALC and BaS-Net draw their batches on the host.
JOINT_MODELS = ("refineloc",)


def joint_key(config: RunConfig) -> str:
    """Equal for runs that can train together: they differ only in labels, predictions, beta and the outer loop."""
    own: Any = dict.fromkeys(("protocol", "pseudo_labels", "refinement", "thresholds"), True)
    own["loss"] = {"beta"}
    if not predictions_train(config):
        own["prediction"] = True
    return config.model_dump_json(exclude=own)


def predictions_train(config: RunConfig) -> bool:
    """Whether how segments are predicted decides which epoch is chosen, and with it the model."""
    return config.training.choice == "best_map"


def check_joint(config: RunConfig) -> None:
    """Raises UserError where runs of this configuration can only train alone."""
    if config.model.name not in JOINT_MODELS:
        raise UserError(
            f"--trials-per-process: runs of base model {config.model.name} cannot train together, only those of "
            f"{', '.join(JOINT_MODELS)}; leave it out"
        )
