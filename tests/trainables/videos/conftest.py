"""What tests of videos need: PyAV, the published weights, a small network in the published layout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.videos.test_i3d import seeded
from trainables.errors import UserError
from trainables.videos.torchvision_networks import import_torchvision
from trainables.videos.weights import download_i3d_rgb

if os.environ.get("CI"):
    import av  # noqa: F401  # elsewhere tests without the extras are skipped, there they must not be
    import cv2  # noqa: F401


@pytest.fixture(scope="session")
def i3d_weights() -> Path:
    """DeepMind's Kinetics-400 weights: downloaded once into the user's cache; in CI their absence is a failure."""
    try:
        return download_i3d_rgb()
    except UserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def untrained_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in piergiaj's layout whose numbers say nothing, for tests of what lies around the network."""
    path = tmp_path_factory.mktemp("weights") / "untrained.pt"
    torch.save(seeded().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def untrained_flow_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for optical flow."""
    path = tmp_path_factory.mktemp("weights") / "untrained_flow.pt"
    torch.save(seeded(2).state_dict(), path)
    return path


@pytest.fixture(scope="session")
def torchvision() -> Any:
    """The package; in CI its absence is a failure."""
    try:
        return import_torchvision()
    except UserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
