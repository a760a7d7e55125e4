"""A small exported model that was never trained: for tests of what lies around a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from trainables.base_models import build_base_model
from trainables.config import preset
from trainables.data.feature_protocol import FeatureProtocol
from trainables.model.description import ModelDescription, ModelFeatures, ModelOrigin
from trainables.model.exported import save_model

RUN = preset("simulated").updated({"compute.device": "cpu"})
PROTOCOL = FeatureProtocol(backbone="i3d-rgb", dimensions=16, fps=25.0, window_frames=16, stride_frames=16)
CLASSES = ("jump", "clap")


def a_description(**changes: Any) -> ModelDescription:
    """Of iteration 1 of trial 3; ``changes`` replace whole fields."""
    origin = ModelOrigin(
        "demo", 3, 1, "simulated", "Jumps", False, "kept", "It has the highest mAP.",
        params={"loss.beta": 2.0}, card={"content_hash": "0123456789abcdef01"}, versions={"torch": "2.13.0"},
        notes=("one note",),
    )  # fmt: skip
    description = ModelDescription(
        RUN, CLASSES, ModelFeatures(16, 16, PROTOCOL), origin, train_videos=("a", "b"), test_videos=None
    )
    return replace(description, **changes)


def untrained(seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of the network that ``a_description`` describes."""
    network = build_base_model(RUN, 16, len(CLASSES), torch.Generator().manual_seed(seed))
    return dict(network.state_dict())


def an_export(folder: Path) -> Path:
    """The folder of a model."""
    save_model(folder, a_description(), untrained())
    return folder
