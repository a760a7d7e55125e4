"""A training of seconds, and the order of its batches."""

from __future__ import annotations

import numpy as np
import torch

from tests.trainables.worlds import tiny_dataset
from trainables.base_models import BaseModel, build_base_model
from trainables.batching.device_features import FeatureStore
from trainables.batching.videos import SplitTensors
from trainables.config.run import DatasetConfig, RunConfig, TrainingConfig
from trainables.training.loop import EpochBatches

CPU = torch.device("cpu")


def in_order(data: SplitTensors, config: TrainingConfig, orders: np.ndarray | None = None) -> EpochBatches:
    """Each epoch's batches by its row of ``orders``, or in the split's own order."""
    own = np.arange(len(data.split))
    return lambda epoch: data.batches(own if orders is None else orders[epoch], config.batch_videos)


def tiny(lr: float = 1e-2, epochs: int = 6) -> tuple[BaseModel, SplitTensors, TrainingConfig]:
    data = tiny_dataset()
    config = RunConfig(
        dataset=DatasetConfig(name="tiny"), training=TrainingConfig(epochs=epochs, lr=lr, batch_videos=4)
    )
    model = build_base_model(config, data.dimensions, len(data.classes), torch.Generator().manual_seed(1))
    tensors = SplitTensors.of(data.train, len(data.classes), "first", FeatureStore(CPU, torch.float32))
    return model, tensors, config.training
