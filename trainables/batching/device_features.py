"""Features on the compute device, in the compute dtype.

Features mapped from a file stay mapped: on the CPU float32 is read in place, and bfloat16 is a second file beside it
that is made once for all processes. Copies to a GPU go through small staging buffers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.data import ArrayFile, only_writer, write_array

# Small: pinned memory cannot be swapped out, and every process of a node takes two such buffers.
STAGED_BYTES = 32 * 2**20


class FeatureStore:
    """Feature arrays as tensors of one device and dtype, converted once and kept across trials of a process."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._tensors: dict[int, tuple[npt.NDArray[np.float32], Tensor]] = {}

    def tensor(self, features: npt.NDArray[np.float32]) -> Tensor:
        """``features`` on the device. On the CPU float32 is the same memory, bfloat16 of mapped features another file.

        Raises OSError where that file cannot be written.
        """
        if id(features) not in self._tensors:
            # Keep the array alive with its tensor: a freed array's id could be given to another one.
            self._tensors[id(features)] = features, self._converted(features)
        return self._tensors[id(features)][1]

    def _converted(self, features: npt.NDArray[np.float32]) -> Tensor:
        if self.device.type != "cpu":
            return copy_in_parts(features, self.device, self.dtype)
        file = ArrayFile.of(features)
        if file is not None and self.dtype == torch.bfloat16:
            return _shared_tensor(_bfloat16_file(file).open()).view(torch.bfloat16)
        return _shared_tensor(features).to(self.dtype)


def copy_in_parts(
    features: npt.NDArray[np.float32], device: torch.device, dtype: torch.dtype, staged_bytes: int = STAGED_BYTES
) -> Tensor:
    """A copy of ``features`` on the device in ``dtype``, without another one on the host.

    Rows go through two pinned buffers in turn, so that one is filled while the other is sent; they are converted on
    the device, which rounds as torch does anywhere.
    """
    source = _shared_tensor(features)
    result = torch.empty(source.shape, dtype=dtype, device=device)
    pinned = device.type == "cuda"
    rows = max(1, min(len(source), staged_bytes // max(features.shape[1] * features.itemsize, 1)))
    buffers = [torch.empty((rows, features.shape[1]), pin_memory=pinned) for _ in range(2)]
    sent: list[torch.cuda.Event | None] = [None, None]
    for part, first in enumerate(range(0, len(source), rows)):
        end, turn = min(first + rows, len(source)), part % 2
        event = sent[turn]
        if event is not None:
            event.synchronize()  # the buffer may be filled anew when its last part has arrived
        staged = buffers[turn][: end - first]
        staged.copy_(source[first:end])
        result[first:end] = staged.to(device, non_blocking=pinned).to(dtype)
        if pinned:
            sent[turn] = torch.cuda.Event()
            sent[turn].record()  # type: ignore[union-attr]
    if pinned:
        torch.cuda.current_stream(device).synchronize()  # the buffers go now
    return result


def _bfloat16_file(file: ArrayFile) -> ArrayFile:
    """The file of the same values in bfloat16 (stored as uint16, which numpy has); the first process makes it."""
    path = Path(file.path).with_suffix(".bfloat16.npy")
    made = ArrayFile(str(path), file.shape, "<u2")
    if not path.exists():
        with only_writer(path):
            if not path.exists():
                write_array(path, file.shape, made.dtype, _rounded(file.open()))
    return made


def _rounded(features: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.uint16]]:
    rows = max(1, STAGED_BYTES // max(features.shape[1] * features.itemsize, 1))
    for first in range(0, len(features), rows):
        part = _shared_tensor(features[first : first + rows]).to(torch.bfloat16)
        yield part.view(torch.uint16).numpy()


def _shared_tensor(array: npt.NDArray[np.float32] | npt.NDArray[np.uint16]) -> Tensor:
    """A tensor that shares the array's memory, also where that is read-only: nothing here writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
