"""torchvision's networks as backbones: its own transforms and its own features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.videos.clips import pictures
from trainables.errors import UserError
from trainables.videos.backbones import build_backbone
from trainables.videos.torchvision_networks import NETWORKS, WEIGHTS

# One of each design; the others are larger ones of the same.
TRIED = {"s3d": (), "r3d_18": (), "swin3d_t": (pytest.mark.slow,), "mvit_v2_s": (pytest.mark.slow,)}


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
