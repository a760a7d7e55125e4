"""Batches: whole videos one after another, or fixed shapes for CUDA graphs; features on the device."""

from __future__ import annotations

from trainables.batching.device_features import FeatureStore
from trainables.batching.fixed import DeviceSplit, batch_lengths, fixed_size
from trainables.batching.layout import VideoLayout, softmax_per_video, sum_per_video
from trainables.batching.videos import CHUNK_SNIPPETS, Batch, SplitTensors, epoch_order, whole_video_chunks

__all__ = [
    "CHUNK_SNIPPETS",
    "Batch",
    "DeviceSplit",
    "FeatureStore",
    "SplitTensors",
    "VideoLayout",
    "batch_lengths",
    "epoch_order",
    "fixed_size",
    "softmax_per_video",
    "sum_per_video",
    "whole_video_chunks",
]
