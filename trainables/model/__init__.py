"""A trained model outside of its study: kept weights, an exported folder, predictions for videos without labels.

For programs: ``load_model(folder)`` and ``predict(model, features)``; ``Job`` goes group by group, with scores.
"""

from __future__ import annotations

from trainables.model.description import ModelDescription, ModelFeatures, ModelOrigin, read_description
from trainables.model.exported import TrainedModel, load_model, save_model
from trainables.model.prediction import GroupPrediction, Job, predict
from trainables.model.weights import KeptWeights, read_weights, write_weights

__all__ = [
    "GroupPrediction",
    "Job",
    "KeptWeights",
    "ModelDescription",
    "ModelFeatures",
    "ModelOrigin",
    "TrainedModel",
    "load_model",
    "predict",
    "read_description",
    "read_weights",
    "save_model",
    "write_weights",
]
