"""How many trials run at once, and on what share of the machine. Arithmetic only: no torch, no Ray."""

from __future__ import annotations

import math
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from study.placement.cores import count_cores
from study.placement.memory import GIGABYTE, TrialMemory
from trainables.errors import UserError
from trainables.json_types import JsonObject

__all__ = ["Placement", "check_address", "count_cores", "count_gpus", "gpu_share", "place"]

CONNECT_S = 2.0
MOST_PER_GPU = 16  # processes that share one GPU take turns: more of them help no further


@dataclass(frozen=True)
class Placement:
    """Resources of one trial, and how many trials run at once. gpus_per_trial may be a fraction; memory: what it was
    derived from, None where it was given or there is no GPU. trials_per_process: how many train together, on the
    resources of one; concurrency then counts the processes."""

    cpus_per_trial: int
    gpus_per_trial: float
    threads: int
    concurrency: int
    cores: int
    gpus: int
    memory: TrialMemory | None = None
    trials_per_process: int = 1

    @property
    def trials_at_once(self) -> int:
        """Of all processes together."""
        return self.concurrency * self.trials_per_process

    def cores_needed(self, trials: int) -> int:
        """Those that so many trials take; all where a measurement may still change how many run at once.

        Ray starts a worker for each core, which imports torch whether it will have a trial or not.
        """
        processes = min(self.concurrency, max(1, math.ceil(trials / self.trials_per_process)))
        return self.cores if self.memory else processes * self.cpus_per_trial

    def as_dict(self) -> JsonObject:
        return asdict(self)

    def __str__(self) -> str:
        gpu = f", {self.gpus_per_trial:g} GPU" if self.gpus_per_trial else ""
        device = f"{self.cores} cores" + (f", {self.gpus} GPU{'s' * (self.gpus > 1)}" if self.gpus else ", no GPU")
        at_once = f"{_count(self.trials_at_once, 'trial')} at a time"
        if self.trials_per_process > 1:
            at_once += f", {self.trials_per_process} in a process"
        return f"{at_once} on {device}; each: {self.cpus_per_trial} CPU, {_count(self.threads, 'thread')}{gpu}"


def place(
    cores: int,
    gpus: int,
    threads: int,
    cpus_per_trial: int | None = None,
    gpus_per_trial: float | None = None,
    max_concurrent: int | None = None,
    memory: TrialMemory | None = None,
    trials_per_process: int = 1,
) -> Placement:
    """Fill the machine: cores / CPUs per trial, and GPUs / share of a GPU per trial, whichever is less.

    cpus_per_trial: None takes the trial's threads. gpus_per_trial: None ('auto') derives the share from
    ``memory``, a whole GPU where it is unknown, none without a GPU. trials_per_process: trials that share the
    resources of one. max_concurrent: trials. Raises UserError for a request that this machine cannot meet.
    """
    cpus = cpus_per_trial or threads
    if cpus > cores:
        raise UserError(f"--cpus-per-trial: {cpus} CPUs asked for, but there are {cores}; ask for fewer")
    if gpus_per_trial and not gpus:
        raise UserError(
            f"--gpus-per-trial: {gpus_per_trial:g} asked for, but no GPU was found; leave it out to run on the CPU"
        )
    if gpus_per_trial and gpus_per_trial > 1 and gpus_per_trial != int(gpus_per_trial):
        raise UserError(f"--gpus-per-trial: above 1 it must be a whole number, got {gpus_per_trial:g}")
    share = gpus_per_trial if gpus_per_trial is not None else gpu_share(gpus, memory)
    if share > gpus:
        raise UserError(f"--gpus-per-trial: {share:g} GPUs asked for, but there are {gpus}; ask for fewer")
    fits = cores // cpus
    if share:
        # Ray gives a trial a part of one GPU, so what is left over of each GPU stays unused.
        fits = min(fits, gpus * int(1 / share + 1e-9) if share <= 1 else int(gpus / share))
    derived_from = memory if share and gpus_per_trial is None else None
    most = max(1, max_concurrent // trials_per_process) if max_concurrent else fits
    return Placement(cpus, share, threads, min(fits, most), cores, gpus, derived_from, trials_per_process)


def gpu_share(gpus: int, memory: TrialMemory | None) -> float:
    """Largest 1/n of a GPU, n up to MOST_PER_GPU, that holds a trial; 0 without a GPU."""
    if not gpus:
        return 0.0
    if memory is None or not memory.device_bytes:
        return 1.0
    at_once = min(MOST_PER_GPU, memory.device_bytes // memory.needed_bytes)
    if at_once < 1:
        raise UserError(
            f"--gpus-per-trial: a trial needs about {memory.needed_bytes / GIGABYTE:.1f} GiB of GPU memory, the GPU "
            f"has {memory.device_bytes / GIGABYTE:.1f}; set compute.dtype=bfloat16, or compute.device=cpu"
        )
    return math.floor(1e4 / at_once) / 1e4


def check_address(address: str) -> None:
    """Something listens at ``host:port``; raises UserError otherwise, where Ray would try for a minute."""
    host, colon, port = address.rpartition(":")
    if address == "auto":
        return
    if "://" in address or not colon or not port.isdecimal():
        raise UserError(f"--address: '{address}' is not HOST:PORT or auto; Ray's port is 6379 unless it was chosen")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"--address: no Ray cluster at '{address}' ({reason}); start one: ray start --head") from None


def count_gpus() -> int:
    """NVIDIA GPUs that this process may use, from the driver's files: importing torch to ask takes seconds."""
    found = len(list(Path("/proc/driver/nvidia/gpus").glob("*"))) or len(list(Path("/dev").glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return found
    chosen = [name for name in visible.split(",") if name.strip() not in ("", "-1")]
    return min(found, len(chosen))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
