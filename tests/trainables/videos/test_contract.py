"""What a backbone refuses to see."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.errors import UserError
from trainables.videos.contract import Backbone


class Plain(Backbone):
    name = "plain"

    def place(self, device: torch.device, precision: torch.dtype) -> None: ...

    def features(self, clips: Tensor) -> Tensor:
        return clips.float().flatten(1)[:, None, :2]


def backbone(**said: Any) -> Plain:
    made = Plain()
    for name, value in said.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("said", "asked", "message"),
    [
        ({}, (16, 224, True), "--whole-video: plain sees windows only; I3D can do it"),
        ({"least_frames": 14}, (13, 224, False), "--window: plain needs at least 14 frames, got 13"),
        ({"exact": (16, 224)}, (32, 224, False), "plain sees 16 frames of 224 pixels, got 32 of 224"),
        ({"exact": (16, 224)}, (16, 112, False), "plain sees 16 frames of 224 pixels, got 16 of 112"),
    ],
)
def test_windows_that_it_cannot_see_are_refused(
    said: dict[str, Any], asked: tuple[int, int, bool], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        backbone(**said).check(*asked)
    assert message in str(caught.value)


def test_what_it_can_see_is_not_refused() -> None:
    backbone(whole_video_stride=8).check(16, 224, whole_video=True)
    backbone(least_frames=14).check(14, 64, whole_video=False)
    backbone(exact=(16, 224)).check(16, 224, whole_video=False)


def test_a_network_without_classes_has_no_scores() -> None:
    assert backbone().class_scores(torch.zeros(1, 3, 2, 2, 2)) is None
