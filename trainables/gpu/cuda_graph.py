"""CUDA graphs: work that a GPU captures once and then replays, with one launch in place of hundreds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class CaptureFailed(RuntimeError):
    """CUDA could not capture the work as a graph; launched kernel by kernel, the same work runs."""


class CapturedGraph:
    """Work that becomes a CUDA graph. Its inputs and outputs stay at one place in memory.

    The first call runs the work as it is: lazy initialisation (cuBLAS handles, optimizer state) must not be captured.
    The second call captures it, later calls replay the graph. ``work`` needs no host-device synchronisation.
    pool: memory that all graphs of one owner share, which is safe as nothing in it outlives a replay. None: ``work``
    is called every time, as on the CPU.
    """

    def __init__(self, work: Callable[[], object], pool: Any = None) -> None:
        self._work, self._pool = work, pool
        self._warm = False
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Raises CaptureFailed."""
        if self._pool is None:
            self._work()
        elif not self._warm:
            self._warm_up()
        else:
            if self._graph is None:
                self._graph = self._capture()
            self._graph.replay()
        self._warm = True

    def _warm_up(self) -> None:
        """On a side stream, as PyTorch asks of the call before a capture: captures run on a stream of their own."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._work()
        torch.cuda.current_stream().wait_stream(stream)

    def _capture(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self._pool):
                self._work()
        except torch.cuda.OutOfMemoryError:
            raise  # a RuntimeError too, but the trial is to get a larger share of the GPU
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise CaptureFailed(
                f"a training step could not be captured as a CUDA graph ({reason}); set compute.steps=eager"
            ) from error
        return graph


def graph_pool(device: torch.device) -> Any:
    """Memory for the graphs of one owner; None where there are no CUDA graphs."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy on the device that the host does not wait for; on the CPU the tensor itself."""
    if device.type != "cuda":
        return values
    return values.pin_memory().to(device, non_blocking=True)
