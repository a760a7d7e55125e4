"""Small real video files, written by FFmpeg: what a test decodes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt


def pictures(count: int, height: int = 48, width: int = 64, seed: int = 0) -> list[npt.NDArray[np.uint8]]:
    """(H, W, 3) pictures: smooth waves that move, so that codecs keep them and frames differ."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    phase = rng.uniform(0, 6, 3)
    waves = [
        np.stack([128 + 100 * np.sin((x + 2 * y) / 9 + phase[c] + 0.3 * (c + 1) * k) for c in range(3)], axis=-1)
        for k in range(count)
    ]
    return [wave.astype(np.uint8) for wave in waves]


def grey_level(index: int) -> int:
    """Brightness that tells which frame of ``numbered`` it is, whatever the codec loses."""
    return 16 + 10 * index


def numbered(count: int, height: int = 32, width: int = 48) -> list[npt.NDArray[np.uint8]]:
    """Plain pictures, each of its own brightness; up to 20."""
    return [np.full((height, width, 3), grey_level(k), dtype=np.uint8) for k in range(count)]


def number_of(image: npt.NDArray[np.uint8]) -> int:
    """Which frame of ``numbered`` a decoded picture is."""
    return round((float(image.mean()) - 16) / 10)


def write_clip(
    path: Path,
    frames: Sequence[npt.NDArray[np.uint8]],
    fps: Fraction | int = 25,
    times_ms: Sequence[int] | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
) -> Path:
    """Write a clip; times_ms: of each frame, for a variable rate."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(fps))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
