"""Work on a GPU that is recorded once as a CUDA graph and then replayed: one launch instead of hundreds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class RecordingFailed(RuntimeError):
    """A GPU refused to record; the same work runs when it is launched piece by piece."""


class Replayed:
    """Work whose inputs and outputs never move in memory.

    It runs as it is the first time, which also makes whatever is made at a first use; it is recorded at its second
    use and replayed from then on. Nothing in ``work`` may look at the device. pool: memory that the recordings of one
    owner share, which is safe as nothing in it outlives a replay; None: ``work`` simply runs, as on the CPU.
    """

    def __init__(self, work: Callable[[], object], pool: Any = None) -> None:
        self._work, self._pool = work, pool
        self._used = False
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Raises RecordingFailed."""
        if self._pool is None:
            self._work()
        elif not self._used:
            self._aside()
        else:
            if self._graph is None:
                self._graph = self._record()
            self._graph.replay()
        self._used = True

    def _aside(self) -> None:
        """On a stream of its own, as a recording will be."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._work()
        torch.cuda.current_stream().wait_stream(stream)

    def _record(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self._pool):
                self._work()
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise RecordingFailed(
                f"a training step could not be recorded ({reason}); set compute.steps=eager"
            ) from error
        return graph


def recording_pool(device: torch.device) -> Any:
    """Memory for the recordings of one owner; None where nothing can be recorded."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy on the device for which the host does not wait; on the CPU the tensor itself."""
    if device.type != "cuda":
        return values
    return values.pin_memory().to(device, non_blocking=True)
