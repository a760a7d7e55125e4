"""What a command line asks for, checked before any video is opened."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from trainables.errors import UserError
from trainables.videos.command import command_parser
from trainables.videos.extraction import Sampling
from trainables.videos.request import Request
from trainables.videos.weights import sha256_of


def request_of(weights: Path, *options: str) -> Request:
    words = ["extract", "--videos", "v", "--out", "o", "--weights", str(weights), "--device", "cpu", *options]
    return Request.of(command_parser().parse_args(words))


def test_the_defaults_are_the_papers_windows(untrained_weights: Path) -> None:
    request = request_of(untrained_weights)
    assert request.sampling == Sampling(Fraction(25), 16, 16)
    assert (request.preparation.resize, request.preparation.crop) == (256, 224)
    assert (request.device_type, request.precision) == ("cpu", torch.float32)
    assert request.note() is None


def test_the_description_holds_what_comparable_features_must_share(untrained_weights: Path) -> None:
    description = request_of(untrained_weights, "--fps", "native", "--stride", "8", "--crop", "200").description()
    protocol = description.protocol
    assert (protocol.fps, protocol.window_frames, protocol.stride_frames, protocol.coverage) == (
        "native", 16, 8, "windows",
    )  # fmt: skip
    assert (protocol.resize, protocol.crop, protocol.flow) == ("shorter side 256, bilinear", "centre 200", "none")
    assert protocol.weights_sha256 == sha256_of(untrained_weights)
    assert (description.precision, description.device, description.weights) == ("float32", "CPU", "untrained.pt")


def test_a_whole_video_has_the_networks_own_stride(untrained_weights: Path) -> None:
    assert request_of(untrained_weights, "--whole-video").sampling == Sampling(Fraction(25), 16, 8, whole_video=True)
    request_of(untrained_weights, "--whole-video", "--window", "16", "--stride", "8")
    with pytest.raises(UserError, match=r"--whole-video: rows lie 8 frames apart"):
        request_of(untrained_weights, "--whole-video", "--stride", "4")


def test_small_windows_are_warned_of(untrained_weights: Path) -> None:
    small = ("--resize", "128", "--crop", "112")
    assert "16 frames of 112 pixels are mostly padding" in str(request_of(untrained_weights, *small).note())
    assert request_of(untrained_weights, *small, "--whole-video").note() is None
    assert request_of(untrained_weights, *small, "--window", "64").note() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "gpu"], "--device: unknown device 'gpu'; cpu, cuda or cuda:1"),
        (["--device", "cuda"], "--device: cuda: this torch sees no GPU; take cpu"),
        (["--window", "4"], "--window: i3d-rgb needs at least 8 frames, got 4"),
        (["--crop", "300"], "--crop: 300 pixels do not fit into a frame of 256 (--resize)"),
        (["--backbone", "i3d"], "--backbone: unknown backbone 'i3d'"),
        (["--weights", "nowhere.pt"], "--weights: i3d-rgb takes 1 file(s), got 2"),
    ],
)
def test_what_cannot_be_is_refused(
    options: list[str], message: str, untrained_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError) as caught:
        request_of(untrained_weights, *options)
    assert message in str(caught.value)


def test_on_a_cluster_the_workers_have_the_device(untrained_weights: Path) -> None:
    """The machine that asks may have no GPU."""
    on_gpus = request_of(untrained_weights, "--address", "auto", "--gpus-per-worker", "0.5")
    assert (on_gpus.device_type, on_gpus.precision) == ("cuda", torch.float16)
    assert request_of(untrained_weights, "--address", "auto").device_type == "cpu"
