"""What an exported model says of itself: ``model.json``. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainables.commands import typed
from trainables.config import RunConfig, parse_config
from trainables.data import FeatureProtocol
from trainables.errors import UserError
from trainables.json_types import JsonObject
from trainables.text_files import read_json

FORMAT = 1
DESCRIPTION_FILE, WEIGHTS_FILE, CARD_FILE = "model.json", "weights.pt", "README.md"


@dataclass(frozen=True)
class ModelFeatures:
    """The features that a model reads. width: D of the files. dimensions: of these, what the network sees
    (``dataset.stream``). protocol: how they were made, None where that is not described."""

    width: int
    dimensions: int
    protocol: FeatureProtocol | None = None

    def to_json(self) -> JsonObject:
        return {
            "width": self.width,
            "dimensions": self.dimensions,
            "protocol": self.protocol.to_json() if self.protocol else None,
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> ModelFeatures:
        described = tree.get("protocol")
        protocol = FeatureProtocol.from_json(described, DESCRIPTION_FILE) if described else None
        return cls(tree["width"], tree["dimensions"], protocol)


@dataclass(frozen=True)
class ModelOrigin:
    """Where a model comes from. weights: ``kept`` by the trial, of its ``checkpoint``, or ``retrained``. why: the trial
    was taken, in a sentence. card: of the data set. report: of the iteration, as in the ledger. versions: of the
    libraries that trained. notes: what a reader of its numbers must know."""

    study: str
    trial: int
    iteration: int
    dataset: str
    title: str
    simulated: bool
    weights: str
    why: str
    params: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        return {**self.__dict__, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> ModelOrigin:
        known = {name: tree[name] for name in cls.__dataclass_fields__ if name in tree}
        return cls(**{**known, "notes": tuple(tree.get("notes", ()))})


@dataclass(frozen=True)
class ModelDescription:
    """run: the whole configuration that trained it. classes: names in the order of the network's outputs. test_videos:
    those that the study scored together, in its order (None: not known). weights_sha256: of the weights' file."""

    run: RunConfig
    classes: tuple[str, ...]
    features: ModelFeatures
    origin: ModelOrigin
    train_videos: tuple[str, ...] | None = None
    test_videos: tuple[str, ...] | None = None
    weights_sha256: str = ""

    def to_json(self) -> JsonObject:
        return {
            "format": FORMAT,
            "origin": self.origin.to_json(),
            "classes": list(self.classes),
            "features": self.features.to_json(),
            "run": self.run.model_dump(mode="json"),
            "weights_sha256": self.weights_sha256,
            "train_videos": None if self.train_videos is None else list(self.train_videos),
            "test_videos": None if self.test_videos is None else list(self.test_videos),
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any], where: str = DESCRIPTION_FILE) -> ModelDescription:
        """Raises UserError for a newer format, and for what is no description."""
        if not isinstance(tree, Mapping) or not isinstance(tree.get("format"), int):
            raise UserError(f"{where}: is not the description of a model; export it again: {typed('export')}")
        if tree["format"] > FORMAT:
            raise UserError(
                f"{where}: format {tree['format']}, this version reads up to {FORMAT}; take a newer version"
            )
        for name in ("run", "features", "origin"):
            if not isinstance(tree.get(name), Mapping):
                raise UserError(f"{where}: {name}: key is missing or no mapping; export the model again")
        try:
            return cls(
                run=parse_config(tree["run"], where),
                classes=tuple(tree["classes"]),
                features=ModelFeatures.from_json(tree["features"]),
                origin=ModelOrigin.from_json(tree["origin"]),
                train_videos=_names(tree.get("train_videos")),
                test_videos=_names(tree.get("test_videos")),
                weights_sha256=tree["weights_sha256"],
            )
        except (KeyError, TypeError) as error:
            raise UserError(f"{where}: {error}: key is missing or wrong; export the model again") from None


def read_description(folder: Path) -> ModelDescription:
    """The description in the folder of an exported model; raises UserError."""
    file = folder / DESCRIPTION_FILE
    if not file.is_file():
        raise UserError(f"--model: {folder} has no {DESCRIPTION_FILE}; {typed('export')} NAME --out DIR makes one")
    return ModelDescription.from_json(read_json(file), str(file))


def _names(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
