"""I3D's streams as backbones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from trainables.errors import UserError
from trainables.videos.backbones import build_backbone


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
