"""How the features of a data set were made."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.config.run import DatasetConfig
from trainables.data.feature_protocol import FeatureDescription, FeatureProtocol
from trainables.datasets.provenance import feature_protocol
from trainables.errors import UserError

PROTOCOL = FeatureProtocol(backbone="i3d-rgb", fps=25.0)


def described(folder: Path) -> Path:
    folder.mkdir(parents=True)
    FeatureDescription(protocol=PROTOCOL).write(folder)
    return folder


def test_it_is_read_beside_the_features_wherever_they_lie(tmp_path: Path) -> None:
    config = DatasetConfig(name="thumos14", features="i3d")
    described(tmp_path / "data" / "thumos14" / "i3d")
    assert feature_protocol(config, tmp_path / "data") == PROTOCOL
    own = config.model_copy(update={"features_path": str(described(tmp_path / "own"))})
    assert feature_protocol(own, Path("nowhere")) == PROTOCOL


def test_features_that_nobody_described_have_none(tmp_path: Path) -> None:
    config = DatasetConfig(name="thumos14", features="i3d")
    assert feature_protocol(config, tmp_path) is None
    (tmp_path / "thumos14" / "i3d").mkdir(parents=True)
    assert feature_protocol(config, tmp_path) is None


def test_a_description_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    folder = described(tmp_path / "own")
    (folder / "features.yaml").write_text("protocol: {backbon: i3d}\n")
    with pytest.raises(UserError, match=r"features\.yaml"):
        feature_protocol(DatasetConfig(name="x", features_path=str(folder)), tmp_path)
