"""I3D as a backbone: RGB, optical flow, or both streams side by side."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from trainables.errors import UserError
from trainables.videos.checkpoints import load_into, read_weights
from trainables.videos.contract import Backbone
from trainables.videos.frames import Preparation
from trainables.videos.i3d import FEATURES, FRAMES_PER_ROW, I3d


class _I3dStream:
    """One stream of I3D: which channels it sees, and its network."""

    def __init__(self, file: Path, channels: slice) -> None:
        self.channels = channels
        width = channels.stop - channels.start
        weights = read_weights(file)
        first = weights.get("Conv3d_1a_7x7.conv3d.weight")
        if first is not None and first.shape[1] != width:
            kinds = {2: "optical flow", 3: "RGB"}
            raise UserError(
                f"--weights: {file}: sees {kinds.get(first.shape[1], f'{first.shape[1]} channels')}, "
                f"{kinds[width]} is needed here"
            )
        last = weights.get("logits.conv3d.bias")
        network = I3d(width, classes=400 if last is None else len(last))
        load_into(network, weights, file)
        self.network: I3d = network.fused()

    def see(self, clips: Tensor, precision: torch.dtype) -> Tensor:
        # In float32 first: half precision cannot tell 255 values between -1 and 1 apart to the end.
        values = clips[:, self.channels].float().mul_(2 / 255).sub_(1)
        return values.to(precision).contiguous(memory_format=torch.channels_last_3d)


class I3dBackbone(Backbone):
    """I3D on RGB, flow, or both side by side (rgb, then flow), as the paper's 2 x 1024 numbers."""

    whole_video_stride = FRAMES_PER_ROW
    least_frames = FRAMES_PER_ROW

    def __init__(self, name: str, weights: tuple[Path, ...], preparation: Preparation) -> None:
        channels = {"rgb": [slice(0, 3)], "flow": [slice(0, 2)], "rgb+flow": [slice(0, 3), slice(3, 5)]}
        self.name, self.weights, self.preparation = name, weights, preparation
        self._streams = [
            _I3dStream(file, part) for file, part in zip(weights, channels[preparation.input], strict=True)
        ]
        self.dimensions = FEATURES * len(self._streams)
        self._device, self._precision = torch.device("cpu"), torch.float32

    def place(self, device: torch.device, precision: torch.dtype) -> None:
        self._device, self._precision = device, precision
        for stream in self._streams:
            stream.network.to(device, precision).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def features(self, clips: Tensor) -> Tensor:
        clips = clips.to(self._device)
        rows = [stream.network.features(stream.see(clips, self._precision)) for stream in self._streams]
        return torch.cat([part.float() for part in rows], dim=2)

    def class_scores(self, clips: Tensor) -> Tensor:
        clips = clips.to(self._device)
        scores = []
        for stream in self._streams:
            features = stream.network.features(stream.see(clips, self._precision))
            scores.append(stream.network.class_scores(features).float())
        return torch.stack(scores).mean(dim=0)
