"""Video networks of torchvision: what they expect, as torchvision says it, and the networks without their last layer.

torchvision is imported when a network is built. A build of it for CUDA cannot load its compiled operators beside a
CPU build of torch; the video networks need none of them, so they are declared, not defined: calling one still fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.errors import UserError

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "KINETICS400_V1"
# What an import of torchvision asks for even where its operators could not be loaded.
_DECLARED = (
    "nms(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor",
)
_declarations: Any = None  # lives as long as the process: its end would take the declarations back


@dataclass(frozen=True)
class TorchvisionNetwork:
    """last: name of the layer that makes class scores. frames: the only window that it takes, None: any."""

    name: str
    dimensions: int
    last: str
    resize: int | tuple[int, int]
    crop: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    least_frames: int = 1
    frames: int | None = None


_KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_MVIT = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))

NETWORKS = (
    TorchvisionNetwork("s3d", 1024, "classifier", (256, 256), 224, *_KINETICS, least_frames=14),
    TorchvisionNetwork("r3d_18", 512, "fc", (128, 171), 112, *_KINETICS),
    TorchvisionNetwork("mc3_18", 512, "fc", (128, 171), 112, *_KINETICS),
    TorchvisionNetwork("r2plus1d_18", 512, "fc", (128, 171), 112, *_KINETICS),
    TorchvisionNetwork("swin3d_t", 768, "head", 256, 224, *_IMAGENET),
    TorchvisionNetwork("swin3d_s", 768, "head", 256, 224, *_IMAGENET),
    TorchvisionNetwork("swin3d_b", 1024, "head", 256, 224, *_IMAGENET),
    TorchvisionNetwork("mvit_v1_b", 768, "head", 256, 224, *_MVIT, least_frames=16, frames=16),
    TorchvisionNetwork("mvit_v2_s", 768, "head", 256, 224, *_MVIT, least_frames=16, frames=16),
)


def import_torchvision() -> Any:
    """The package. Raises UserError, with the remedy, where it is absent or does not fit this torch."""
    global _declarations
    import torch

    try:
        import torchvision
    except ImportError as error:
        raise UserError(
            f"torchvision cannot be imported ({error}); install it: pip install 'refineloc-study[video]'"
        ) from None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error) or _declarations is not None:
            raise UserError(
                f"torchvision does not fit torch {torch.__version__} ({error}); install a pair that fits"
            ) from None
        _declarations = torch.library.Library("torchvision", "FRAGMENT")
        for operator in _DECLARED:
            _declarations.define(operator)
        return import_torchvision()
    return torchvision


def torchvision_weights(name: str) -> Path:
    """File of a network's Kinetics-400 weights, downloaded by torchvision where it is not there yet."""
    import_torchvision()
    import torch
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)[WEIGHTS]
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not file.is_file():
        try:
            weights.get_state_dict(progress=True, check_hash=True)
        except (OSError, RuntimeError) as error:  # no network; a digest that differs
            raise UserError(
                f"--weights: {file.name} cannot be downloaded ({error}); get it elsewhere and name the file"
            ) from None
    return file


def load_torchvision(name: str, fill: Callable[[nn.Module], None]) -> tuple[nn.Module, nn.Module]:
    """(network that ends before its last layer, the last layer), for inference. fill: puts the weights in."""
    import_torchvision()
    from torch import nn
    from torchvision.models import get_model

    last = next(network.last for network in NETWORKS if network.name == name)
    whole = get_model(name)
    fill(whole)
    whole.eval()
    head = getattr(whole, last)
    setattr(whole, last, nn.Identity())
    return whole, head


def kinetics_classes() -> list[str]:
    """Names of the 400 classes, in the order of the published networks' scores."""
    import_torchvision()
    from torchvision.models._meta import _KINETICS400_CATEGORIES

    return list(_KINETICS400_CATEGORIES)
