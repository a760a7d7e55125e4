"""How features were made from videos: what two sets of features must share to be comparable, and ``features.yaml``.

``FeatureProtocol`` is what the card of a data set, a study and a model carry; ``FeatureDescription`` adds what lies in
one folder of features: the videos, and what decoded and computed them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainables.errors import UserError, nearest
from trainables.files import write_whole
from trainables.json_types import JsonObject
from trainables.text_files import read_yaml

FILE_NAME = "features.yaml"
FORMAT = 1


class _Described(BaseModel):
    """Frozen, no unknown keys; errors are a UserError that names the key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> JsonObject:
        """Plain values, for JSON and YAML."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str = FILE_NAME) -> Self:
        """The inverse of ``to_json``. Raises UserError, with ``where`` and the key, for what it cannot be."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError("\n".join(f"{where}: {_sentence(problem)}" for problem in error.errors())) from None


class FeatureProtocol(_Described):
    """How a video becomes a T x D matrix. None: not known, as with features that somebody else published.

    A snippet is a row: it sees ``window_frames`` frames at ``fps`` and the next one begins ``stride_frames`` later.
    """

    backbone: str = Field(description="name of the network and its stream, as i3d-rgb")
    dimensions: int | None = Field(None, gt=0, description="D")
    fps: float | Literal["native"] | None = Field(None, description="frames per second that videos are sampled at")
    window_frames: int | None = Field(None, gt=0, description="frames that one snippet sees")
    stride_frames: int | None = Field(None, gt=0, description="frames from a snippet's begin to the next one's")
    coverage: Literal["windows", "whole-video"] | None = Field(
        None, description="windows: each row sees its own window alone; whole-video: the network saw all frames at once"
    )
    resize: str | None = Field(None, description="what a frame is scaled to before the crop, in pixels")
    crop: str | None = Field(None, description="which pixels the network sees")
    values: str | None = Field(None, description="numbers that the network sees for pixel values x of 0 to 255")
    flow: str | None = Field(None, description="how optical flow is computed; 'none' for RGB alone")
    weights_sha256: str | None = Field(None, description="digest of the weights' file; joined by '+' for two streams")

    def differences(self, other: FeatureProtocol, name: str = "the other features") -> list[str]:
        """One sentence for each field that is known of both and differs; empty: comparable as far as is known."""
        found = []
        for field in type(self).model_fields:
            mine, theirs = getattr(self, field), getattr(other, field)
            if None not in (mine, theirs) and mine != theirs:
                found.append(f"{field} is {mine}, {name} {'have' if name.endswith('s') else 'has'} {theirs}")
        return found

    def __str__(self) -> str:
        """One line, for a card."""
        return ", ".join(part for part in (self._network(), self._grid(), self._pixels()) if part)

    def _network(self) -> str:
        width = f" ({self.dimensions}-d)" if self.dimensions else ""
        weights = f", weights {self.weights_sha256[:8]}" if self.weights_sha256 else ""
        return f"{self.backbone}{width}{weights}"

    def _grid(self) -> str:
        if self.window_frames is None and self.coverage is None:
            return ""
        window = "whole video" if self.coverage == "whole-video" else f"{self.window_frames} frames"
        rate = f" at {self.fps:g} fps" if isinstance(self.fps, float) else f" at {self.fps} fps" if self.fps else ""
        stride = f", stride {self.stride_frames}" if self.stride_frames else ""
        return f"{window}{rate}{stride}"

    def _pixels(self) -> str:
        return ", ".join(text for text in (self.resize, self.crop, self.flow if self.flow != "none" else None) if text)


class VideoFeatures(_Described):
    """One video of a folder of features. problem: why its features hold less than the file announced; None: whole."""

    file: str
    sha256: str
    frames: int = Field(ge=0, description="frames on the grid of fps; N of T = (N - window) // stride + 1")
    snippets: int = Field(ge=0, description="T")
    native_fps: float | None = Field(None, description="mean rate of the file's frames")
    duration_s: float | None = None
    problem: str | None = None


class FeatureDescription(_Described):
    """``features.yaml``: all that is known of a folder of features.

    precision: what the network computed in. values_dtype: what the files hold. failed: videos without features and
    why.
    """

    format: int = FORMAT
    protocol: FeatureProtocol
    weights: str | None = Field(None, description="name of the weights")
    precision: str | None = None
    values_dtype: str | None = None
    decoder: str | None = None
    torch: str | None = None
    device: str | None = None
    videos: dict[str, VideoFeatures] = Field(default_factory=dict)
    failed: dict[str, str] = Field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write ``features.yaml`` whole."""
        import yaml

        text = yaml.safe_dump(self.to_json(), sort_keys=False, allow_unicode=True, width=120)
        write_whole(folder / FILE_NAME, text.encode())


def read_feature_description(path: Path) -> FeatureDescription | None:
    """``features.yaml`` of a folder, or beside a file, of features; None where there is none.

    Raises UserError for one that cannot be read, and for a format that is newer than this program.
    """
    file = (path if path.is_dir() else path.parent) / FILE_NAME
    if not file.is_file():
        return None
    try:
        values = read_yaml(file)
    except UserError as error:
        raise UserError(f"{error}; extract the features again") from None
    if isinstance(values.get("format"), int) and values["format"] > FORMAT:
        raise UserError(f"{file}: format {values['format']}, this version reads up to {FORMAT}; take a newer version")
    return FeatureDescription.from_json(values, str(file))


def _sentence(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = {field for part in (FeatureDescription, FeatureProtocol, VideoFeatures) for field in part.model_fields}
        return f"{key}: unknown key. {nearest(str(problem['loc'][-1]), known)}"
    return f"{key}: {problem['msg'][:1].lower()}{problem['msg'][1:]}, got {problem['input']!r}"
