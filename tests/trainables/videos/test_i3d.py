"""I3D: TensorFlow's padding, shapes, a fused network, and the published weights on real clips."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainables.videos.i3d import FEATURES, I3d, Unit3d, same_padding


def seeded(channels: int = 3) -> I3d:
    """Weights of no training, at the scale that keeps the layers' numbers near one."""
    torch.manual_seed(0)
    network = I3d(channels)
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.uniform_(-0.1, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return network.eval()


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "expected"),
    [
        (224, 7, 2, (2, 3)),
        (16, 7, 2, (2, 3)),
        (225, 7, 2, (3, 3)),
        (28, 3, 2, (0, 1)),
        (7, 3, 1, (1, 1)),
        (7, 2, 2, (0, 1)),
    ],
)
def test_padding_is_tensorflows(length: int, kernel: int, stride: int, expected: tuple[int, int]) -> None:
    padding = same_padding([length], [kernel], [stride])
    assert tuple(padding) == expected
    assert (length + sum(padding) - kernel) // stride + 1 == -(-length // stride)


@pytest.mark.parametrize("size", [(5, 9, 8), (4, 8, 7)])
@pytest.mark.parametrize(("kernel", "stride"), [((7, 7, 7), 2), ((3, 3, 3), 1), ((1, 1, 1), 1)])
def test_a_unit_is_convolution_norm_and_relu_on_padded_input(
    size: tuple[int, int, int], kernel: tuple[int, int, int], stride: int
) -> None:
    torch.manual_seed(0)
    unit = Unit3d(2, 3, kernel, stride).eval()
    assert isinstance(unit.bn, nn.BatchNorm3d)
    nn.init.uniform_(unit.bn.bias)
    x = torch.randn(1, 2, *size)
    padded = F.pad(x, same_padding(size, kernel, (stride,) * 3))
    expected = F.relu(
        F.conv3d(padded, unit.conv3d.weight, stride=stride) / (1 + 1e-3) ** 0.5 + unit.bn.bias.view(-1, 1, 1, 1)
    )
    with torch.no_grad():
        torch.testing.assert_close(unit(x), expected)


@pytest.mark.parametrize(
    ("frames", "pixels", "rows"), [(16, 224, 1), (16, 112, 1), (8, 64, 1), (24, 64, 2), (33, 64, 4)]
)
def test_one_row_for_16_frames_and_one_more_for_each_8(frames: int, pixels: int, rows: int) -> None:
    with torch.inference_mode():
        assert seeded().features(torch.zeros(1, 3, frames, pixels, pixels)).shape == (1, rows, FEATURES)


def test_at_224_pixels_the_pool_is_the_published_one() -> None:
    steps = torch.randn(1, FEATURES, 2, 7, 7, generator=torch.Generator().manual_seed(0))
    network = seeded()
    network.Mixed_5c.forward = lambda x: steps  # type: ignore[union-attr]
    with torch.inference_mode():
        found = network.features(torch.zeros(1, 3, 16, 224, 224))
    torch.testing.assert_close(found[:, 0], F.avg_pool3d(steps, (2, 7, 7)).flatten(1))


def test_the_fused_network_is_the_same_up_to_rounding() -> None:
    network = seeded()
    clip = torch.rand(1, 3, 16, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        plain, fused = network.features(clip), network.fused().features(clip)
    assert float(plain.abs().mean()) > 0.01
    torch.testing.assert_close(plain, fused, rtol=1e-3, atol=1e-4)
