"""Which frame is shown when, and which frames a snippet sees. Pure: no decoder, no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple, TypeVar

Picture = TypeVar("Picture")

# Matroska keeps times in milliseconds: a frame of t = 66.67 ms is stored as 67.
TOLERANCE_S = Fraction(1, 1000)


class Timed(NamedTuple):
    """A frame that is shown from ``time_s`` on; ``duration_s`` matters for the last one of a video."""

    time_s: Fraction
    duration_s: Fraction
    frame: object


def at_rate(frames: Iterable[Timed], fps: Fraction | None) -> Iterator[object]:
    """The frame on the screen at 0, 1/fps, 2/fps ... seconds after the first one's time, as long as the video lasts.

    Frames come in the order in which they are shown. A frame may be shown several times or never, so variable rates
    need no special care. None: every frame once, at the rate that the video has.
    """
    if fps is None:
        yield from (timed.frame for timed in frames)
        return
    shown: Timed | None = None
    start = Fraction(0)
    index = 0
    for timed in frames:
        if shown is None:
            start = timed.time_s
        else:
            while index / fps + TOLERANCE_S < timed.time_s - start:
                yield shown.frame
                index += 1
        shown = timed
    while shown is not None and index / fps + TOLERANCE_S < shown.time_s - start + shown.duration_s:
        yield shown.frame
        index += 1


def windows(frames: Iterable[Picture], window: int, stride: int) -> Iterator[list[Picture]]:
    """Frames k * stride ... k * stride + window - 1 for k = 0, 1 ... A last window that is not full is left out.

    Holds one window's frames at a time.
    """
    held: list[Picture] = []
    skip = 0
    for frame in frames:
        if skip:
            skip -= 1
            continue
        held.append(frame)
        if len(held) == window:
            yield held
            held = held[stride:]
            skip = max(stride - window, 0)


def num_windows(frames: int, window: int, stride: int) -> int:
    """T = (N - window) // stride + 1, and 0 for a video shorter than one window."""
    return max((frames - window) // stride + 1, 0)
