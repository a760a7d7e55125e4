"""Several runs in one network, CUDA graphs of training steps, and the device cache."""

from __future__ import annotations

from trainables.gpu.device_cache import DeviceCache, resolve_device
from trainables.gpu.joint_training import JointRun

__all__ = [
    "DeviceCache",
    "JointRun",
    "resolve_device",
]
