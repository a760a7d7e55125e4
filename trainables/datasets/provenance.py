"""How the features of a data set were made, where ``features.yaml`` lies with them."""

from __future__ import annotations

from pathlib import Path

from trainables.config import DatasetConfig
from trainables.data import FeatureProtocol, read_feature_description


def feature_protocol(config: DatasetConfig, data_dir: Path) -> FeatureProtocol | None:
    """None where the features are not described, or they are no files of the user's. Raises UserError for a
    description that cannot be read."""
    path = Path(config.features_path) if config.features_path else data_dir / config.name / str(config.features)
    found = read_feature_description(path) if path.exists() else None
    return found.protocol if found else None
