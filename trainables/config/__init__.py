"""The configuration of a run: its parts, the presets that travel with the package, what runs may share."""

from __future__ import annotations

from trainables.config.base_models import BaseModelSettings, BasnetConfig, WtalcConfig
from trainables.config.dataset_file import DatasetFile, FeatureSet, find_dataset, read_lines, shipped
from trainables.config.part import FloatTuple, Overrides, Part, Share, StrTuple
from trainables.config.presets import BASE_MODEL_PRESETS, PRESETS, datasets, features_of, flat, preset, preset_sources
from trainables.config.run import (
    GENERATOR,
    ComputeConfig,
    DatasetConfig,
    LossConfig,
    PredictionConfig,
    PseudoLabelConfig,
    RunConfig,
    SegmentConfig,
    SimulationConfig,
    TrainingConfig,
    VideoChoice,
    field_keys,
    parse_config,
    whole_tree,
)
from trainables.config.sharing import JOINT_MODELS, check_joint, joint_key, predictions_train
from trainables.config.thresholds import (
    LABELS_TO_PREDICTIONS,
    OF_LABELS,
    OF_PREDICTIONS,
    OWN_DETECTION,
    PREDICTIONS_TO_LABELS,
    THRESHOLDS,
    TUNE,
    Thresholds,
    with_partners,
)
from trainables.config.validation import validated

__all__ = [
    "BASE_MODEL_PRESETS",
    "GENERATOR",
    "JOINT_MODELS",
    "LABELS_TO_PREDICTIONS",
    "OF_LABELS",
    "OF_PREDICTIONS",
    "OWN_DETECTION",
    "PREDICTIONS_TO_LABELS",
    "PRESETS",
    "THRESHOLDS",
    "TUNE",
    "BaseModelSettings",
    "BasnetConfig",
    "ComputeConfig",
    "DatasetConfig",
    "DatasetFile",
    "FeatureSet",
    "FloatTuple",
    "LossConfig",
    "Overrides",
    "Part",
    "PredictionConfig",
    "PseudoLabelConfig",
    "RunConfig",
    "SegmentConfig",
    "Share",
    "SimulationConfig",
    "StrTuple",
    "Thresholds",
    "TrainingConfig",
    "VideoChoice",
    "WtalcConfig",
    "check_joint",
    "datasets",
    "features_of",
    "field_keys",
    "find_dataset",
    "flat",
    "joint_key",
    "parse_config",
    "predictions_train",
    "preset",
    "preset_sources",
    "read_lines",
    "shipped",
    "validated",
    "whole_tree",
    "with_partners",
]
