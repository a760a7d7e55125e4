"""What a command line asks for, checked: the extractor, and how its features are described."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainables.data import FeatureDescription, FeatureProtocol
from trainables.errors import UserError
from trainables.videos import decoding, weights
from trainables.videos.backbones import build_backbone
from trainables.videos.contract import Backbone
from trainables.videos.extraction import Extracted, Extractor, Sampling
from trainables.videos.frames import Preparation, flow_version

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, eq=False)
class Request:
    """One extraction, checked: backbone, sampling, preparation, device."""

    extractor: Extractor
    options: argparse.Namespace

    @classmethod
    def of(cls, options: argparse.Namespace) -> Request:
        if options.threads:
            torch.set_num_threads(options.threads)
        backbone = build_backbone(options.backbone, tuple(options.weights or ()))
        device = _device(options.device)
        precision = PRECISIONS[options.precision or ("float16" if device.type == "cuda" else "float32")]
        return cls(
            Extractor(
                backbone,
                _sampling(options, backbone),
                _preparation(options, backbone.preparation),
                device,
                precision,
                options.batch,
                options.decoder_threads,
            ),
            options,
        )

    def results(self, videos: Mapping[str, Path]) -> Iterable[Extracted]:
        return self.extractor.extract(videos)

    def description(self) -> FeatureDescription:
        extractor, backbone = self.extractor, self.extractor.backbone
        resize, crop = extractor.preparation.describe()
        sampling = extractor.sampling
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
                flow="none" if extractor.preparation.input == "rgb" else flow_version(),
                weights_sha256="+".join(weights.sha256_of(file) for file in backbone.weights),
            ),
            weights=", ".join(file.name for file in backbone.weights),
            precision=str(extractor.precision).removeprefix("torch."),
            values_dtype=self.options.dtype,
            decoder=decoding.decoder_version(),
            torch=torch.__version__,
            device=_device_name(extractor.device),
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


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"--device: {name}: this torch sees no GPU; take cpu")
    return torch.device(name)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
