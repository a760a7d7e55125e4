"""One training: optimizer, state with the choice of the epoch, loop."""

from __future__ import annotations

from trainables.training.loop import autocast, score_features, score_split, train
from trainables.training.optimizer import FlatAdam, adam, step_if_finite
from trainables.training.state import Measure, NonFiniteLoss, Trained, TrainingState, Weights

__all__ = [
    "FlatAdam",
    "Measure",
    "NonFiniteLoss",
    "Trained",
    "TrainingState",
    "Weights",
    "adam",
    "autocast",
    "score_features",
    "score_split",
    "step_if_finite",
    "train",
]
