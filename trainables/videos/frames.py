"""Pictures to what a network sees: scaled, cropped, in 8 bits; and optical flow. torch alone, OpenCV for the flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.errors import UserError

FLOW_BOUND_PIXELS = 20
CHANNELS = {"rgb": 3, "flow": 2, "rgb+flow": 5}

Input = Literal["rgb", "flow", "rgb+flow"]


@dataclass(frozen=True)
class Preparation:
    """resize: pixels of the shorter side, or (height, width) whatever the aspect. crop: side of the centre square.

    antialias: torchvision's own transforms of videos scale without, Pillow's and most tools' with.
    """

    input: Input = "rgb"
    resize: int | tuple[int, int] = 256
    crop: int = 224
    antialias: bool = True

    def __post_init__(self) -> None:
        least = self.resize if isinstance(self.resize, int) else min(self.resize)
        if not 0 < self.crop <= least:
            raise UserError(f"--crop: {self.crop} pixels do not fit into a frame of {self.resize} (--resize)")

    @property
    def channels(self) -> int:
        return CHANNELS[self.input]

    def describe(self) -> tuple[str, str]:
        """(resize, crop) in the words of ``features.yaml``."""
        smooth = "" if self.antialias else ", not antialiased"
        size = f"shorter side {self.resize}" if isinstance(self.resize, int) else "{} x {}".format(*self.resize)
        return f"{size}, bilinear{smooth}", f"centre {self.crop}"

    def __call__(self, pictures: Iterable[npt.NDArray[np.uint8]]) -> Iterator[Tensor]:
        """(H, W, 3) pictures -> (channels, crop, crop) uint8: rgb first, then flow.

        A picture that comes twice in a row, as the same object, is worked on once. The flow of a frame leads to the
        next one; the last frame has its predecessor's, so that both streams are of one length.
        """

        def prepare(image: npt.NDArray[np.uint8]) -> Tensor:
            scaled = scale(torch.from_numpy(image), self.resize, self.antialias)
            return centre_crop(scaled, self.crop) if self.input == "rgb" else scaled

        prepared = _once(pictures, prepare)
        if self.input == "rgb":
            yield from prepared
            return
        for frame, flow in with_flow(prepared):
            yield centre_crop(flow if self.input == "flow" else torch.cat([frame, flow]), self.crop)


def scaled_size(height: int, width: int, resize: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) after scaling; the longer side is rounded down, as torchvision does."""
    if not isinstance(resize, int):
        return resize
    short, long = min(height, width), max(height, width)
    longer = max(int(resize * long / short), resize)
    return (resize, longer) if height <= width else (longer, resize)


def scale(image: Tensor, resize: int | tuple[int, int], antialias: bool = True) -> Tensor:
    """(H, W, 3) uint8 -> (3, h, w) uint8, bilinear."""
    size = scaled_size(image.shape[0], image.shape[1], resize)
    pixels = image.permute(2, 0, 1)[None]  # channels last in memory: torch's fast path
    return F.interpolate(pixels, size=size, mode="bilinear", align_corners=False, antialias=antialias)[0]


def centre_crop(image: Tensor, side: int) -> Tensor:
    """(C, h, w) -> (C, side, side), the corner rounded as torchvision does."""
    top, left = (round((length - side) / 2) for length in image.shape[1:])
    return image[:, top : top + side, left : left + side].contiguous()


def with_flow(frames: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """(3, h, w) frames -> (frame, flow to the next one); flow is (2, h, w) uint8: x, y."""
    estimate = _tv_l1()
    before: Tensor | None = None
    grey_before: Any = None
    flow: Tensor | None = None
    for frame in frames:
        grey = _grey(frame)
        if before is not None:
            flow = flow_as_bytes(estimate.calc(grey_before, grey, None)) if frame is not before else _no_flow(frame)
            yield before, flow
        before, grey_before = frame, grey
    if before is not None:
        yield before, _no_flow(before) if flow is None else flow


def flow_as_bytes(flow: npt.NDArray[np.float32]) -> Tensor:
    """(h, w, 2) pixels -> (2, h, w) uint8: -20 ... 20 pixels are 0 ... 255, as the field stores flow in JPEG."""
    bounded = np.clip(flow, -FLOW_BOUND_PIXELS, FLOW_BOUND_PIXELS) / FLOW_BOUND_PIXELS
    return torch.from_numpy(np.round((bounded + 1) * 127.5).astype(np.uint8).transpose(2, 0, 1).copy())


def flow_version() -> str:
    """The estimator, in the words of ``features.yaml``."""
    cv2 = _opencv()
    return f"TV-L1 (OpenCV {cv2.__version__}, its defaults) on scaled frames, +-{FLOW_BOUND_PIXELS} pixels in 8 bits"


def _no_flow(frame: Tensor) -> Tensor:
    return flow_as_bytes(np.zeros((*frame.shape[1:], 2), dtype=np.float32))


def _grey(frame: Tensor) -> npt.NDArray[np.uint8]:
    return _opencv().cvtColor(frame.permute(1, 2, 0).contiguous().numpy(), _opencv().COLOR_RGB2GRAY)


def _tv_l1() -> Any:
    return _opencv().optflow.DualTVL1OpticalFlow_create()


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise UserError(
            f"optical flow needs OpenCV ({error}); install it: pip install 'refineloc-study[flow]'"
        ) from None
    if not hasattr(cv2, "optflow"):
        raise UserError("optical flow needs OpenCV's contrib modules: pip install opencv-contrib-python-headless")
    return cv2


def _once(items: Iterable[Any], work: Any) -> Iterator[Any]:
    """``work`` of each item; an item that is the same object as the one before gives the same result object."""
    before = result = None
    for item in items:
        if item is not before:
            before, result = item, work(item)
        yield result
