"""Layouts of checkpoints that are understood, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.videos.test_i3d import seeded
from trainables.errors import UserError
from trainables.videos.checkpoints import from_deepmind, load_into, read_weights
from trainables.videos.i3d import I3d


def test_piergiajs_names_are_this_networks(tmp_path: Path) -> None:
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


def test_deepminds_layout_becomes_ours() -> None:
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


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"fc.weight": torch.zeros(1)}, path)
    with pytest.raises(UserError, match=r"other\.pt: not of this network: it lacks .*names differ"):
        load_into(I3d(), read_weights(path), path)


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(UserError, match=r"weight is \(64, 2, 7, 7, 7\), the network has \(64, 3, 7, 7, 7\)"):
        load_into(I3d(3), seeded(2).state_dict(), Path("flow.pt"))


@pytest.mark.parametrize("content", [b"", b"\x80\x04cos\nsystem\n.", b"PK\x03\x04 no zip"])
def test_a_damaged_or_dangerous_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pt"):
        read_weights(path)
