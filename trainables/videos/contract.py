"""What every backbone is: windows of frames in, rows of numbers out.

Shapes: N windows, C channels, T frames, S x S pixels, D numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from trainables.errors import UserError
from trainables.videos.frames import Preparation


class Backbone(ABC):
    """A trained network.

    preparation: frames as it expects them. values: how a pixel's 0 ... 255 is scaled. whole_video_stride: frames
    per row when it sees a whole video; None: it cannot. exact: (frames, pixels), the only ones it takes.
    """

    name: str
    dimensions: int
    preparation: Preparation
    values: str = "x * 2 / 255 - 1"
    least_frames: int = 1
    whole_video_stride: int | None = None
    exact: tuple[int, int] | None = None
    weights: tuple[Path, ...]

    def check(self, window: int, crop: int, whole_video: bool) -> None:
        """Raise UserError for windows that this network cannot see."""
        if whole_video and self.whole_video_stride is None:
            raise UserError(f"--whole-video: {self.name} sees windows only; I3D can do it")
        if window < self.least_frames:
            raise UserError(f"--window: {self.name} needs at least {self.least_frames} frames, got {window}")
        if self.exact and (window, crop) != self.exact:
            frames, pixels = self.exact
            raise UserError(
                f"--window, --crop: {self.name} sees {frames} frames of {pixels} pixels, got {window} of {crop}"
            )

    @abstractmethod
    def place(self, device: torch.device, precision: torch.dtype) -> None:
        """Move the network and choose what it computes in."""

    @abstractmethod
    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, S, S) uint8 -> (N, rows, D) float32; one row for each window of usual length."""

    def class_scores(self, clips: Tensor) -> Tensor | None:
        """(N, C, T, S, S) uint8 -> (N, 400) scores of Kinetics' classes; None where the network has none."""
        return None
