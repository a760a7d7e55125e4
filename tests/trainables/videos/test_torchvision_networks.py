"""The table of torchvision's networks says what torchvision says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.errors import UserError
from trainables.videos.torchvision_networks import (
    NETWORKS,
    WEIGHTS,
    TorchvisionNetwork,
    kinetics_classes,
    torchvision_weights,
)


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_the_table_is_what_torchvision_says(network: TorchvisionNetwork) -> None:
    from torchvision.models import get_model_weights

    weights = get_model_weights(network.name)[WEIGHTS]
    transforms = weights.transforms()
    resize = network.resize if isinstance(network.resize, int) else list(network.resize)
    assert transforms.resize_size == ([resize] if isinstance(resize, int) else resize)
    assert transforms.crop_size == [network.crop] * 2
    assert (tuple(transforms.mean), tuple(transforms.std)) == (network.mean, network.std)
    assert weights.meta.get("min_temporal_size", 1) <= network.least_frames


@pytest.mark.usefixtures("torchvision")
def test_weights_that_cannot_be_downloaded_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_network(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", no_network)
    with pytest.raises(UserError, match=r"s3d-.*\.pth cannot be downloaded .*name the file"):
        torchvision_weights("s3d")


@pytest.mark.usefixtures("torchvision")
def test_there_are_400_classes() -> None:
    classes = kinetics_classes()
    assert len(classes) == 400
    assert {"clean and jerk", "walking the dog"} <= set(classes)
