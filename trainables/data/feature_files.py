"""What all layouts of feature files have in common."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainables.errors import UserError

NUMBERS = "biuf"  # numpy's kinds of real numbers


class FeatureFiles(Protocol):
    """Features of videos on disk. Every method raises UserError for a damaged file, naming it."""

    layout: str

    def names(self) -> list[str]:
        """All videos that have features, sorted, as the files call them."""

    def __contains__(self, name: str) -> bool:
        """Whether there are features of this video."""

    def shape(self, name: str) -> tuple[int, int]:
        """(T, D) of a video, without reading its values."""

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        """Fill ``out`` (T, selected columns) with these columns of a video."""

    def forget(self, name: str) -> None:
        """The system need not keep a video that was read in its page cache: it is not read again."""

    def close(self) -> None:
        """Release the files."""


def matrix_shape(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> tuple[int, int]:
    """(T, D) of an array of real numbers; raises UserError for any other."""
    if dtype.kind not in NUMBERS:
        raise UserError(f"{where}: features must be real numbers, got {dtype}")
    if len(shape) != 2 or 0 in shape:
        raise UserError(f"{where}: features must be a T x D matrix, got shape {shape}")
    return shape[0], shape[1]


def forget_file(descriptor: int) -> None:
    """Let the system drop a file from its page cache."""
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
