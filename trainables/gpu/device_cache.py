"""The device cache of a process: features, and the last joint trainer with its CUDA graphs."""

from __future__ import annotations

from typing import Any

import torch

from trainables.base_models import RefineLoc
from trainables.batching import FeatureStore, SplitTensors
from trainables.config import JOINT_MODELS, RunConfig, joint_key
from trainables.errors import UserError
from trainables.gpu.joint_training import JointTrainer


def resolve_device(config: RunConfig) -> torch.device:
    """The configured device; 'auto' is CUDA where there is one. UserError where 'cuda' is configured and missing."""
    wanted = config.compute.device
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UserError("compute.device: 'cuda' was requested, but torch sees no CUDA device; use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def feature_store(config: RunConfig) -> FeatureStore:
    """Where a process keeps its features on the device."""
    return FeatureStore(resolve_device(config), getattr(torch, config.compute.dtype))


class DeviceCache:
    """What stays on the device between the runs of a process; all its runs get the same one."""

    def __init__(self, features: FeatureStore) -> None:
        self.features = features
        self._trainer: tuple[Any, JointTrainer] | None = None

    @classmethod
    def of(cls, config: RunConfig) -> DeviceCache:
        """For all runs of a process that compute on this device in this precision."""
        return cls(feature_store(config))

    @property
    def device(self) -> torch.device:
        return self.features.device

    def uses_joint_trainer(self, config: RunConfig, runs: int) -> bool:
        """Whether so many runs train in the joint trainer: where there are several, or CUDA graphs to capture."""
        return config.model.name in JOINT_MODELS and (runs > 1 or self._captures(config))

    def trainer(
        self, config: RunConfig, shape: tuple[int, int], train: SplitTensors, valid: SplitTensors, runs: int
    ) -> JointTrainer:
        """A trainer for runs like this; the last one, if it fits. shape: feature dimensions, classes."""
        # By identity: the feature store keeps these tensors alive, so no other one gets the same id.
        splits = [(id(data.features), data.split.names.tolist()) for data in (train, valid)]
        key = joint_key(config), shape, splits
        if self._trainer is None or self._trainer[0] != key or not self._trainer[1].holds(runs):
            self._trainer = None  # frees its memory before the next one asks for its own
            rng = torch.Generator()  # these weights are overwritten
            models = [RefineLoc(config, *shape, rng).to(self.device) for _ in range(runs)]
            dtype = getattr(torch, config.compute.dtype)
            self._trainer = key, JointTrainer(models, train, valid, dtype, captures=self._captures(config))
        return self._trainer[1]

    def _captures(self, config: RunConfig) -> bool:
        return self.device.type == "cuda" and config.compute.steps == "recorded"
