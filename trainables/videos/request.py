"""What a command line asks for, checked: the extractor, and how its features are described."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

from trainables.data import FeatureDescription, FeatureProtocol
from trainables.errors import UserError
from trainables.videos import decoding, weights
from trainables.videos.backbones import build_backbone
from trainables.videos.contract import Backbone
from trainables.videos.extraction import Extractor, Sampling
from trainables.videos.frames import Preparation, flow_version

# Measured: of two real clips the first 16 frames are recognised at 224 pixels, and neither is at 112.
LEAST_WINDOW_PIXELS, SHORT_WINDOW = 160, 32
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, eq=False)
class Request:
    """One extraction, checked. device_type: of the machine that works, which may be another one (``--address``)."""

    backbone: Backbone
    sampling: Sampling
    preparation: Preparation
    device_type: str
    precision: torch.dtype
    options: argparse.Namespace

    @classmethod
    def of(cls, options: argparse.Namespace) -> Request:
        """Raises UserError for what cannot be: unknown names, weights that do not fit, settings that clash."""
        if options.threads:
            torch.set_num_threads(options.threads)
        device_type = _device_type(options)
        backbone = build_backbone(options.backbone, tuple(options.weights or ()))
        sampling, preparation = _sampling(options, backbone), _preparation(options, backbone.preparation)
        backbone.check(sampling.window, preparation.crop, sampling.whole_video)
        precision = PRECISIONS[options.precision or ("float16" if device_type == "cuda" else "float32")]
        return cls(backbone, sampling, preparation, device_type, precision, options)

    def extractor(self) -> Extractor:
        """The network, placed on this machine's device."""
        device = torch.device(self.device_type if self.options.device == "auto" else self.options.device)
        return Extractor(
            self.backbone,
            self.sampling,
            self.preparation,
            device,
            self.precision,
            self.options.batch,
            self.options.decoder_threads,
        )

    def note(self) -> str | None:
        """What a user should know before hours of work; None: nothing."""
        small = self.preparation.crop < LEAST_WINDOW_PIXELS and self.sampling.window <= SHORT_WINDOW
        if self.backbone.whole_video_stride is None or self.sampling.whole_video or not small:
            return None
        return (
            f"{self.sampling.window} frames of {self.preparation.crop} pixels are mostly padding to I3D, and its "
            "features poorer for it; take a larger --crop, or --whole-video"
        )

    def description(self) -> FeatureDescription:
        """What ``features.yaml`` says, but for the videos."""
        resize, crop = self.preparation.describe()
        sampling, backbone = self.sampling, self.backbone
        return FeatureDescription(
            protocol=FeatureProtocol(
                backbone=backbone.name,
                dimensions=backbone.dimensions,
                fps="native" if sampling.fps is None else float(sampling.fps),
                window_frames=sampling.window,
                stride_frames=sampling.stride,
                coverage="whole-video" if sampling.whole_video else "windows",
                resize=resize,
                crop=crop,
                values=backbone.values,
                flow="none" if self.preparation.input == "rgb" else flow_version(),
                weights_sha256="+".join(weights.sha256_of(file) for file in backbone.weights),
            ),
            weights=", ".join(file.name for file in backbone.weights),
            precision=str(self.precision).removeprefix("torch."),
            values_dtype=self.options.dtype,
            decoder=decoding.decoder_version(),
            torch=torch.__version__,
            device="GPU" if self.device_type == "cuda" else "CPU",
        )


def _sampling(options: argparse.Namespace, backbone: Backbone) -> Sampling:
    fps = None if options.fps == "native" else options.fps
    if not options.whole_video:
        return Sampling(fps, options.window or 16, options.stride or options.window or 16)
    stride = backbone.whole_video_stride or 0
    if (options.window or 2 * stride, options.stride or stride) != (2 * stride, stride):
        raise UserError(f"--whole-video: rows lie {stride} frames apart by nature; leave --window and --stride out")
    return Sampling(fps, 2 * stride, stride, whole_video=True)


def _preparation(options: argparse.Namespace, usual: Preparation) -> Preparation:
    changes: dict[str, Any] = {"resize": options.resize, "crop": options.crop}
    return dataclasses.replace(usual, **{key: value for key, value in changes.items() if value is not None})


def _device_type(options: argparse.Namespace) -> str:
    """cpu or cuda. Raises UserError for a device that this machine has not, where it is this one that works."""
    if getattr(options, "address", None):
        return "cuda" if options.gpus_per_worker else "cpu"
    if options.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(options.device)
    except RuntimeError:
        raise UserError(f"--device: unknown device {options.device!r}; cpu, cuda or cuda:1") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device: {options.device}: this torch sees no GPU; take cpu")
    return device.type
