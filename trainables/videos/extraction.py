"""Videos to features on one device: a thread decodes ahead while the network works.

A video's batches are its own: its features do not depend on what else is extracted beside it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.data import VideoFeatures
from trainables.errors import UserError
from trainables.videos.contract import Backbone
from trainables.videos.decoding import UnreadableVideo, Video, picture
from trainables.videos.frames import Preparation
from trainables.videos.sampling import at_rate, num_windows, windows
from trainables.videos.weights import sha256_of

# What one window of 16 x 224 x 224 takes while the network works on it: measured on I3D, float32, with a margin.
WINDOW_BYTES = 160 * 2**20
CPU_BATCH = 4  # more is no faster: the caches are full
GPU_BATCH = 64
MEMORY_SHARE = 0.4
AHEAD_BATCHES = 3


@dataclass(frozen=True)
class Sampling:
    """Which frames each row sees. fps None: every frame of the file. whole_video: the network sees all at once."""

    fps: Fraction | None = Fraction(25)
    window: int = 16
    stride: int = 16
    whole_video: bool = False

    def rows(self, frames: int) -> int:
        """T of a video of N frames; the whole-video network fills its last step up."""
        if self.whole_video:
            frames = -(-frames // self.stride) * self.stride
        return num_windows(frames, self.window, self.stride)


@dataclass(frozen=True, eq=False)
class Extracted:
    """One video: features (T, D) and their description; or failed: why there are none."""

    name: str
    features: npt.NDArray[np.float32] | None
    description: VideoFeatures | None
    failed: str | None = None


@dataclass(frozen=True, eq=False)
class _Batch:
    """Windows (N, C, window, S, S) uint8 of one video, or, at its end, what is known of it."""

    name: str
    clips: Tensor | None = None
    end: VideoFeatures | None = None
    failed: str | None = None


class Extractor:
    """A backbone on a device. batch: windows at a time, None: by memory. Raises UserError for settings that clash."""

    def __init__(
        self,
        backbone: Backbone,
        sampling: Sampling,
        preparation: Preparation,
        device: torch.device,
        precision: torch.dtype = torch.float32,
        batch: int | None = None,
        decoder_threads: int = 1,
    ) -> None:
        backbone.check(sampling.window, preparation.crop, sampling.whole_video)
        self.backbone, self.sampling, self.preparation, self.device = backbone, sampling, preparation, device
        self.precision, self.decoder_threads = precision, decoder_threads
        backbone.place(device, precision)
        self.batch = batch or batch_size(device, sampling.window, preparation.crop)

    def extract(self, videos: Mapping[str, Path]) -> Iterator[Extracted]:
        """One result per video, in order. A video that fails does not stop the others."""
        rows: list[Tensor] = []
        for item in _decode_ahead(self._batches(videos)):
            if item.clips is not None:
                rows.append(self._rows(item.clips))
                continue
            features = torch.cat(rows).numpy() if rows else None
            rows = []
            if item.failed is not None or item.end is None or features is None:
                yield Extracted(item.name, None, item.end, item.failed or "no row")
            else:
                yield Extracted(item.name, features, item.end)

    def class_scores(self, path: Path) -> Tensor:
        """(400,) scores of Kinetics' classes over the whole clip. Raises UnreadableVideo."""
        frames = list(self._frames(Video(path, self.decoder_threads)))
        with torch.inference_mode():
            scores = self.backbone.class_scores(torch.stack(frames, dim=1)[None])
        if scores is None:
            raise UserError(f"--backbone: {self.backbone.name} has no class scores")
        return scores[0].cpu()

    def _rows(self, clips: Tensor) -> Tensor:
        """(N, C, window, S, S) -> (T of them, D) on the CPU; halves the batch when a GPU's memory is full."""
        try:
            with torch.inference_mode():
                features = self.backbone.features(clips)
                # A window longer than the network's own gives several rows: their mean stands for it.
                return (features[0] if self.sampling.whole_video else features.mean(dim=1)).cpu()
        except torch.cuda.OutOfMemoryError:
            if len(clips) == 1:
                raise UserError(
                    "--batch: one window does not fit into the GPU's memory; take a smaller --crop"
                ) from None
        torch.cuda.empty_cache()
        self.batch = len(clips) // 2
        return torch.cat([self._rows(part) for part in clips.split(self.batch)])

    def _batches(self, videos: Mapping[str, Path]) -> Iterator[_Batch]:
        for name, path in videos.items():
            try:
                yield from self._video_batches(name, path)
            except (UnreadableVideo, OSError) as error:
                yield _Batch(name, failed=str(error))

    def _video_batches(self, name: str, path: Path) -> Iterator[_Batch]:
        video = Video(path, self.decoder_threads)
        counter = _Counter()
        frames = counter.count(self._frames(video))
        if self.sampling.whole_video:
            yield from self._whole_video(name, frames)
        else:
            held: list[Tensor] = []
            for window in windows(frames, self.sampling.window, self.sampling.stride):
                held.append(torch.stack(window, dim=1))
                if len(held) == self.batch:
                    yield _Batch(name, torch.stack(held))
                    held = []
            if held:
                yield _Batch(name, torch.stack(held))
        rows = self.sampling.rows(counter.frames)
        description = VideoFeatures(
            file=path.name,
            sha256=sha256_of(path),
            frames=counter.frames,
            snippets=rows,
            native_fps=video.native_fps,
            duration_s=round(float(video.read_s), 3),
            problem=video.problem,
        )
        failed = None
        if not rows:
            failed = f"{counter.frames} frames, a window needs {self.sampling.window}; {video.problem or 'too short'}"
        yield _Batch(name, end=description, failed=failed)

    def _whole_video(self, name: str, frames: Iterator[Tensor]) -> Iterator[_Batch]:
        held = list(frames)
        needed = WINDOW_BYTES * len(held) / 16 * (self.preparation.crop / 224) ** 2
        if needed > _free_bytes(self.device):
            raise UnreadableVideo(
                f"{len(held)} frames at once need {needed / 1e9:.0f} GB, {_free_bytes(self.device) / 1e9:.0f} GB are "
                "free; extract windows instead of --whole-video"
            )
        if self.sampling.rows(len(held)):
            yield _Batch(name, torch.stack(held, dim=1)[None])

    def _frames(self, video: Video) -> Iterator[Tensor]:
        shown = at_rate(video.frames(), self.sampling.fps)
        return self.preparation(_pictures(shown))


class _Counter:
    """Counts what passes: the frames on the grid are known only when they have been decoded."""

    def __init__(self) -> None:
        self.frames = 0

    def count(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        for frame in frames:
            self.frames += 1
            yield frame


def _pictures(shown: Iterable[Any]) -> Iterator[npt.NDArray[np.uint8]]:
    """A frame that is shown several times is converted once, and stays the same object."""
    before = image = None
    for frame in shown:
        if frame is not before or image is None:
            before, image = frame, picture(frame)
        yield image


def _decode_ahead(items: Iterator[_Batch]) -> Iterator[_Batch]:
    """The same items, made by another thread, a few ahead. Its error is raised here."""
    ahead: queue.Queue[_Batch | BaseException | None] = queue.Queue(AHEAD_BATCHES)
    stopped = threading.Event()

    def put(item: _Batch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ahead.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # raised again in the thread that waits
            put(error)

    thread = threading.Thread(target=work, name="decoder", daemon=True)
    thread.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join(timeout=5)


def batch_size(device: torch.device, window: int, crop: int) -> int:
    """Windows at a time that fit into a share of the free memory."""
    needed = WINDOW_BYTES * window / 16 * (crop / 224) ** 2
    most = CPU_BATCH if device.type == "cpu" else GPU_BATCH
    return int(min(max(MEMORY_SHARE * _free_bytes(device) // needed, 1), most))


def _free_bytes(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))
