"""Several runs in one network, steps recorded as CUDA graphs, and what stays on the device between trials."""

from __future__ import annotations

from trainables.gpu.device_cache import Resident, resolve_device
from trainables.gpu.joint_training import Share

__all__ = [
    "Resident",
    "Share",
    "resolve_device",
]
