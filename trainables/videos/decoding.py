"""Video files, decoded by PyAV (FFmpeg): frames with their times, upright, as RGB of 8 bits."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.data import VIDEO_SUFFIXES
from trainables.errors import UserError
from trainables.files import list_files
from trainables.videos.sampling import Timed

# A file may announce a little more than its frames last: edit lists, sound that goes on.
SPARE_SHARE = 0.02
SPARE_S = 0.5
SPARE_FRAMES = 3


class UnreadableVideo(ValueError):
    """A file of which no frame can be had; the message says why."""


def require_decoder() -> Any:
    """PyAV, or a UserError that says how to get it."""
    try:
        import av
    except ImportError as error:
        raise UserError(f"videos need PyAV ({error}); install it: pip install 'refineloc-study[video]'") from None
    return av


def decoder_version() -> str:
    """``PyAV 18.1.0, FFmpeg 8.1.2``."""
    av = require_decoder()
    return f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"


def find_videos(path: Path) -> dict[str, Path]:
    """Name -> file of a video or of all videos under a folder. Raises UserError for none, or two of one name."""
    if not path.exists():
        raise UserError(f"--videos: {path} does not exist")
    files = [path] if path.is_file() else [f for f in list_files(path) if f.suffix.lower() in VIDEO_SUFFIXES]
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise UserError(
                f"--videos: {file} and {found[file.stem]} would both be the video {file.stem!r}; rename one"
            )
        found[file.stem] = file
    if not found:
        raise UserError(f"--videos: {path} has no video ({', '.join(VIDEO_SUFFIXES)})")
    return found


class Video:
    """A file that is decoded once, frame by frame.

    threads: of the decoder. Raises UnreadableVideo at once when the file cannot be opened. What was found wrong on
    the way is in ``problem`` when ``frames()`` has ended: as much as container and decoder tell. A hole in a Matroska
    or MPEG-TS file may go unnoticed, as neither counts its frames.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        av = require_decoder()
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise UnreadableVideo(f"cannot be opened ({_reason(error)})") from None
        if not self._container.streams.video:
            self._container.close()
            raise UnreadableVideo("has no video stream")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = threads
        # An error that the decoder notices is reported, not concealed.
        self._stream.codec_context.options = {"err_detect": "explode"}
        self.native_fps = float(self._stream.average_rate) if self._stream.average_rate else None
        self.announced_s = _announced_s(self._stream)
        self.announced_frames = int(self._stream.frames)  # 0: the container does not count
        self.frames_read = 0
        self.read_s = Fraction(0)
        self._broken: list[str] = []

    def frames(self) -> Iterator[Timed]:
        """Every frame that can be decoded, in the order of showing; ``picture`` makes an array of one."""
        frame_s = 1 / Fraction(self._stream.average_rate or 25)
        start = time_s = None
        try:
            for frame in self._decoded():
                known = None if frame.pts is None else frame.pts * Fraction(frame.time_base)
                # A file without times, or one that goes back in time: the next frame at the mean rate.
                time_s = known if known is not None else (Fraction(0) if time_s is None else time_s + frame_s)
                start = time_s if start is None else start
                duration_s = (
                    frame.duration * Fraction(frame.time_base) if frame.duration and known is not None else frame_s
                )
                self.frames_read += 1
                self.read_s = max(self.read_s, time_s - start + duration_s)
                if frame.is_corrupt:
                    self._broken.append(f"frame {self.frames_read} is damaged")
                yield Timed(time_s, duration_s, frame)
        finally:
            self._container.close()
        if not self.frames_read:
            raise UnreadableVideo(self._broken[0] if self._broken else "holds no frame")

    @property
    def problem(self) -> str | None:
        """Why less was read than the file announces; None when it was read whole."""
        read = f"{self.frames_read} frames ({float(self.read_s):.2f} s) could be read"
        if self._broken:
            more = f" and {len(self._broken) - 1} more" if len(self._broken) > 1 else ""
            return f"damaged: {self._broken[0]}{more}; {read}"
        announced = self.announced_s
        if announced and announced - float(self.read_s) > max(SPARE_S, SPARE_SHARE * announced):
            return f"ends early: {announced:.2f} s are announced, {read}"
        lost = self.announced_frames - self.frames_read
        if lost > max(SPARE_FRAMES, SPARE_SHARE * self.announced_frames):
            return f"has gaps: {self.announced_frames} frames are announced, {read}"
        return None

    def _decoded(self) -> Iterator[Any]:
        av = require_decoder()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError) as error:
                self._broken.append(f"the file breaks off ({_reason(error)})")
                return
            if packet.is_corrupt:
                self._broken.append(f"after frame {self.frames_read}: a damaged packet")
            try:
                yield from packet.decode()
            except av.error.FFmpegError as error:
                self._broken.append(f"after frame {self.frames_read}: {_reason(error)}")


def picture(frame: Any) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB of 8 bits, turned as the file's rotation flag says; grey and deeper colours are converted."""
    image = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90)  # counter-clockwise, as rot90 counts
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _announced_s(stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    tag = next((value for key, value in stream.metadata.items() if key.upper().startswith("DURATION")), "")
    parts = tag.split(":")  # Matroska: 00:00:10.440000000
    try:
        return sum(float(part) * 60**power for power, part in enumerate(reversed(parts)))
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).split("\n")[0]
