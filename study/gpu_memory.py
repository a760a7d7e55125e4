"""GPU memory of this machine: the one part of placement that asks torch."""

from __future__ import annotations

import torch


def gpu_memory() -> int | None:
    """Bytes of the smallest GPU; None where torch can use none."""
    if not torch.cuda.is_available():
        return None
    return min(torch.cuda.get_device_properties(i).total_memory for i in range(torch.cuda.device_count()))
