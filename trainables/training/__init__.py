"""One training: the loop over epochs, the optimizer, the choice of the epoch."""

from __future__ import annotations

from trainables.training.loop import (
    Course,
    Measure,
    NonFiniteLoss,
    Trained,
    Weights,
    adam,
    autocast,
    score_features,
    score_split,
    step_if_finite,
    train,
)

__all__ = [
    "Course",
    "Measure",
    "NonFiniteLoss",
    "Trained",
    "Weights",
    "adam",
    "autocast",
    "score_features",
    "score_split",
    "step_if_finite",
    "train",
]
