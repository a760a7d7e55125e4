"""Every registered backbone: what it says of itself is so. torchvision's: its own transforms and its own features."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.videos.clips import pictures
from trainables.errors import UserError
from trainables.videos.backbones import BACKBONES, build_backbone
from trainables.videos.torchvision_networks import (
    NETWORKS,
    WEIGHTS,
    TorchvisionNetwork,
    import_torchvision,
    kinetics_classes,
    torchvision_weights,
)

# One of each design; the others are larger ones of the same.
TRIED = {"s3d": (), "r3d_18": (), "swin3d_t": (pytest.mark.slow,), "mvit_v2_s": (pytest.mark.slow,)}


@pytest.fixture(scope="module")
def torchvision() -> Any:
    try:
        return import_torchvision()
    except UserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


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
@pytest.mark.parametrize("name", [pytest.param(name, marks=marks) for name, marks in TRIED.items()])
def test_features_are_what_torchvisions_last_layer_sees(name: str, tmp_path: Path) -> None:
    """On frames that torchvision's own transforms made, through its own network; the weights are untrained."""
    from torchvision.models import get_model, get_model_weights

    network = next(network for network in NETWORKS if network.name == name)
    torch.manual_seed(0)
    whole = get_model(network.name).eval()
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    seen: list[torch.Tensor] = []
    getattr(whole, network.last).register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = pictures(16, 140, 200)
    clip = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)  # (T, C, H, W)
    backbone = build_backbone(network.name, (tmp_path / "weights.pth",))
    frames = torch.stack(list(backbone.preparation(images)), dim=1)[None]
    with torch.inference_mode():
        scores = whole(get_model_weights(network.name)[WEIGHTS].transforms()(clip)[None])
        found = backbone.features(frames)
        own_scores = backbone.class_scores(frames)
    assert found.shape == (1, 1, network.dimensions)
    torch.testing.assert_close(found[0, 0], seen[0].flatten(), rtol=2e-2, atol=2e-2)
    assert own_scores is not None
    torch.testing.assert_close(own_scores, scores, rtol=5e-2, atol=5e-2)


@pytest.mark.usefixtures("torchvision")
def test_a_window_that_mvit_cannot_see_is_refused(tmp_path: Path) -> None:
    from torchvision.models import get_model

    torch.save(get_model("mvit_v2_s").state_dict(), tmp_path / "weights.pth")
    backbone = build_backbone("mvit_v2_s", (tmp_path / "weights.pth",))
    with pytest.raises(UserError, match="mvit_v2_s sees 16 frames of 224 pixels, got 32 of 224"):
        backbone.check(32, 224, whole_video=False)
    with pytest.raises(UserError, match="--whole-video: mvit_v2_s sees windows only"):
        backbone.check(16, 224, whole_video=True)


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


def test_an_unknown_name_has_a_nearest_one() -> None:
    with pytest.raises(UserError, match=r"unknown backbone 'swin3dt'\. Did you mean 'swin3d_t'"):
        build_backbone("swin3dt")


def test_every_entry_says_what_it_is() -> None:
    assert all("-d" in entry.about for entry in BACKBONES.values())


class TestTwoStreams:
    def test_rgb_comes_first_then_flow(self, untrained_weights: Path, untrained_flow_weights: Path) -> None:
        pytest.importorskip("cv2", reason="the extra 'flow' is not installed")
        clips = torch.randint(0, 256, (1, 5, 16, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        both = build_backbone("i3d-two-stream", (untrained_weights, untrained_flow_weights))
        rgb = build_backbone("i3d-rgb", (untrained_weights,))
        flow = build_backbone("i3d-flow", (untrained_flow_weights,))
        with torch.inference_mode():
            found = both.features(clips)
            expected = torch.cat([rgb.features(clips[:, :3]), flow.features(clips[:, 3:])], dim=2)
        assert both.dimensions == found.shape[2] == 2048
        torch.testing.assert_close(found, expected)

    def test_flow_weights_are_the_users_own(self) -> None:
        with pytest.raises(UserError, match=r"flow_imagenet\.pt"):
            build_backbone("i3d-flow")

    def test_swapped_files_are_refused(self, untrained_weights: Path, untrained_flow_weights: Path) -> None:
        with pytest.raises(UserError, match="sees optical flow, RGB is needed here"):
            build_backbone("i3d-two-stream", (untrained_flow_weights, untrained_weights))
