"""Shares of cores and GPUs: how many trials run at once, measured or estimated."""

from __future__ import annotations

from study.placement.cores import count_cores
from study.placement.earlier_costs import EarlierCosts, find_earlier_costs, free_bytes
from study.placement.gpu_probe import gpu_memory, probe_on_ray
from study.placement.memory import TrialMemory, estimated_memory, probed_memory, weight_bytes
from study.placement.placement import Placement, check_address, count_gpus, place

__all__ = [
    "EarlierCosts",
    "Placement",
    "TrialMemory",
    "check_address",
    "count_cores",
    "count_gpus",
    "estimated_memory",
    "find_earlier_costs",
    "free_bytes",
    "gpu_memory",
    "place",
    "probe_on_ray",
    "probed_memory",
    "weight_bytes",
]
