"""I3D: TensorFlow's padding, shapes, a fused network, and the published weights on real clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainables.errors import UserError
from trainables.videos.checkpoints import from_deepmind, load_into, read_weights
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


class TestCheckpoints:
    def test_piergiajs_names_are_this_networks(self, tmp_path: Path) -> None:
        """His files are state dicts of before batch norm counted batches."""
        network = seeded(2)
        state = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
        assert {"Conv3d_1a_7x7.conv3d.weight", "Mixed_3b.b1a.bn.running_var", "logits.conv3d.bias"} <= set(state)
        for zipped in (True, False):
            path = tmp_path / f"flow_{zipped}.pt"
            torch.save(state, path, _use_new_zipfile_serialization=zipped)
            loaded = I3d(2)
            load_into(loaded, read_weights(path), path)
            torch.testing.assert_close(loaded.state_dict(), network.state_dict())

    def test_deepminds_layout_becomes_ours(self) -> None:
        """Kernels are (t, h, w, in, out) there."""
        kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 96, 128)).astype(np.float32)
        bias, mean, var = np.arange(128, dtype=np.float32), np.ones((1,) * 4 + (128,)), np.full((1,) * 4 + (128,), 2.0)
        unit = "Branch_1/Conv3d_0b_3x3"
        found = from_deepmind(
            {
                "params": {"Mixed_3b": {unit: {"Conv_0": {"kernel": kernel}, "BatchNorm_0": {"bias": bias}}}},
                "batch_stats": {"Mixed_3b": {unit: {"BatchNorm_0": {"mean": mean, "var": var}}}},
            }
        )
        assert set(found) == {f"Mixed_3b.b1b.{part}" for part in (
            "conv3d.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")}  # fmt: skip
        weight = found["Mixed_3b.b1b.conv3d.weight"]
        assert weight.shape == (128, 96, 3, 3, 3)
        assert weight[5, 7, 0, 1, 2] == kernel[0, 1, 2, 7, 5]
        assert found["Mixed_3b.b1b.bn.weight"].unique().tolist() == [1]

    def test_weights_of_another_network_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "other.pt"
        torch.save({"fc.weight": torch.zeros(1)}, path)
        with pytest.raises(UserError, match=r"other\.pt: not of this network: it lacks .*names differ"):
            load_into(I3d(), read_weights(path), path)

    def test_another_number_of_channels_is_refused(self) -> None:
        with pytest.raises(UserError, match=r"weight is \(64, 2, 7, 7, 7\), the network has \(64, 3, 7, 7, 7\)"):
            load_into(I3d(3), seeded(2).state_dict(), Path("flow.pt"))

    @pytest.mark.parametrize("content", [b"", b"\x80\x04cos\nsystem\n.", b"PK\x03\x04 no zip"])
    def test_a_damaged_or_dangerous_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "weights.pt"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"weights\.pt"):
            read_weights(path)
