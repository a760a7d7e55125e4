"""The configuration of a run: its parts, the presets that travel with the package, what runs may share."""

from __future__ import annotations

from trainables.config.base_models import BaseModelSettings, BasnetConfig, WtalcConfig
from trainables.config.part import FloatTuple, Part, Share, StrTuple
from trainables.config.presets import BASE_MODEL_PRESETS, datasets, preset
from trainables.config.run import (
    DatasetConfig,
    LossConfig,
    PseudoLabelConfig,
    RunConfig,
    SegmentConfig,
    SimulationConfig,
    TrainingConfig,
    field_keys,
    parse_config,
    validated,
)
from trainables.config.sharing import JOINT_MODELS, check_joint, joint_key

__all__ = [
    "BASE_MODEL_PRESETS",
    "JOINT_MODELS",
    "BaseModelSettings",
    "BasnetConfig",
    "DatasetConfig",
    "FloatTuple",
    "LossConfig",
    "Part",
    "PseudoLabelConfig",
    "RunConfig",
    "SegmentConfig",
    "Share",
    "SimulationConfig",
    "StrTuple",
    "TrainingConfig",
    "WtalcConfig",
    "check_joint",
    "datasets",
    "field_keys",
    "joint_key",
    "parse_config",
    "preset",
    "validated",
]
