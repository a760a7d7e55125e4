"""Inflated 3D ConvNet on Inception-v1 (Carreira and Zisserman, CVPR 2017): the paper's backbone.

Modules bear the names of piergiaj's checkpoints, so that those load as they are. The published weights come from
TensorFlow: padding is its "SAME", which depends on the size of the input and may put one more zero behind than before.

Shapes: N videos or windows, C channels, T frames, H x W pixels.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

FEATURES = 1024
FRAMES_PER_ROW = 8  # three of the layers halve time
BATCH_NORM_EPS = 1e-3
POOLED_ROWS = 2

# Output channels of the branches: 1x1; 1x1 then 3x3x3; 1x1 then 3x3x3; pool then 1x1 (their figure 3).
_MIXED = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
_ORDER = (
    "Conv3d_1a_7x7", "MaxPool3d_2a_3x3", "Conv3d_2b_1x1", "Conv3d_2c_3x3", "MaxPool3d_3a_3x3", "Mixed_3b", "Mixed_3c",
    "MaxPool3d_4a_3x3", "Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f", "MaxPool3d_5a_2x2", "Mixed_5b",
    "Mixed_5c",
)  # fmt: skip


def same_padding(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """TensorFlow's "SAME" as ``F.pad`` takes it: (before, after) of the last dimension first."""
    padding = []
    for length, width, step in zip(reversed(size), reversed(kernel), reversed(stride), strict=True):
        total = max(width - (step if length % step == 0 else length % step), 0)
        padding += [total // 2, total - total // 2]
    return padding


class Unit3d(nn.Module):
    """Convolution, batch norm, ReLU; the last layer of the network has a bias and neither of the others."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int, int] = (1, 1, 1), stride: int = 1, last: bool = False
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=last)
        self.bn: nn.Module = nn.Identity() if last else nn.BatchNorm3d(outputs, eps=BATCH_NORM_EPS)
        self._last = last

    def forward(self, x: Tensor) -> Tensor:
        x = _convolve_same(x, self.conv3d)
        return x if self._last else F.relu(self.bn(x), inplace=True)

    def fuse(self) -> None:
        """Put the batch norm into the convolution's weights; for inference only."""
        if isinstance(self.bn, nn.BatchNorm3d):
            self.conv3d, self.bn = fuse_conv_bn_eval(self.conv3d, self.bn), nn.Identity()


def _convolve_same(x: Tensor, conv: nn.Conv3d) -> Tensor:
    padding = same_padding(x.shape[2:], conv.kernel_size, conv.stride)
    before, after = padding[-2::-2], padding[-1::-2]
    if before == after:  # the convolution pads by itself, without a copy of its input
        return F.conv3d(x, conv.weight, conv.bias, conv.stride, before)
    return F.conv3d(F.pad(x, padding), conv.weight, conv.bias, conv.stride)


class MaxPool3dSame(nn.Module):
    """Zeros are what TensorFlow's -inf is here: after a ReLU nothing is smaller."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        padding = same_padding(x.shape[2:], self.kernel, self.stride)
        before, after = padding[-2::-2], padding[-1::-2]
        if before == after:
            return F.max_pool3d(x, self.kernel, self.stride, before)
        return F.max_pool3d(F.pad(x, padding), self.kernel, self.stride)


class Inception(nn.Module):
    """Four branches side by side in the channels."""

    def __init__(self, inputs: int, outputs: tuple[int, ...]) -> None:
        super().__init__()
        cube = (3, 3, 3)
        self.b0 = Unit3d(inputs, outputs[0])
        self.b1a, self.b1b = Unit3d(inputs, outputs[1]), Unit3d(outputs[1], outputs[2], cube)
        self.b2a, self.b2b = Unit3d(inputs, outputs[3]), Unit3d(outputs[3], outputs[4], cube)
        self.b3a = MaxPool3dSame(cube, (1, 1, 1))
        self.b3b = Unit3d(inputs, outputs[5])

    def forward(self, x: Tensor) -> Tensor:
        branches = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))
        return torch.cat(branches, dim=1)


class I3d(nn.Module):
    """channels: 3 for RGB, 2 for optical flow. classes: of its last layer (Kinetics-400)."""

    def __init__(self, channels: int = 3, classes: int = 400) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit3d(channels, 64, (7, 7, 7), stride=2)
        self.MaxPool3d_2a_3x3 = MaxPool3dSame((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = Unit3d(64, 64)
        self.Conv3d_2c_3x3 = Unit3d(64, 192, (3, 3, 3))
        self.MaxPool3d_3a_3x3 = MaxPool3dSame((1, 3, 3), (1, 2, 2))
        self.MaxPool3d_4a_3x3 = MaxPool3dSame((3, 3, 3), (2, 2, 2))
        self.MaxPool3d_5a_2x2 = MaxPool3dSame((2, 2, 2), (2, 2, 2))
        for name, (inputs, outputs) in _MIXED.items():
            self.add_module(name, Inception(inputs, outputs))
        self.logits = Unit3d(FEATURES, classes, last=True)

    def features(self, clips: Tensor) -> Tensor:
        """(N, channels, T, H, W) in [-1, 1] -> (N, rows, 1024): pooled over all pixels and two steps of time.

        16 frames give one row. Of a longer clip row k is the mean of the steps k and k + 1, each of 8 frames. At
        224 x 224 pixels this is the published 2 x 7 x 7 pool; a smaller crop has fewer pixels to pool over.
        """
        x = clips
        for name in _ORDER:
            x = getattr(self, name)(x)
        steps = x.mean(dim=(3, 4))
        return F.avg_pool1d(steps, min(POOLED_ROWS, steps.shape[2]), stride=1).transpose(1, 2)

    def class_scores(self, features: Tensor) -> Tensor:
        """(N, rows, 1024) -> (N, classes): the last layer, mean over the rows."""
        x = features.transpose(1, 2)[..., None, None]
        return self.logits(x).mean(dim=(2, 3, 4))

    def fused(self) -> I3d:
        """The same network without batch norm layers, in evaluation mode: a third less to do, equal up to rounding."""
        network = copy.deepcopy(self).eval()
        for module in network.modules():
            if isinstance(module, Unit3d):
                module.fuse()
        return network
