"""The data set file: what a data set is, where its files lie, which settings it starts from. No torch, no numpy.

``--dataset PATH`` takes such a file, or a folder with a ``dataset.yaml``; the data sets that come with the project are
described by the same kind of file in ``configs/datasets``. docs/data-sets.md explains every key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from trainables.commands import typed
from trainables.config.part import FloatTuple, Overrides, Part, StrTuple
from trainables.config.run import SimulationConfig, VideoChoice
from trainables.config.validation import validated
from trainables.errors import UserError, nearest
from trainables.files import files_in
from trainables.json_types import JsonObject
from trainables.text_files import parse_yaml, read_text, read_yaml

FILE_NAME = "dataset.yaml"
GENERAL = "general"  # the preset of a data set that names none


class FeatureSet(Part):
    """Features of all videos: where they lie, and how time maps to their rows.

    ``window`` and ``stride`` are frames at ``fps``; a row stands for the ``stride`` frames around the centre of its
    window.
    """

    name: str = Field(min_length=1, description="as --features and captions call them, e.g. i3d-rgb")
    path: str | None = Field(None, description="file or folder in an understood layout")
    fps: float | Literal["native"] = Field(25.0, description="frame rate that they were extracted at")
    window: int = Field(16, ge=1, description="frames that one row sees")
    stride: int | None = Field(None, ge=1, description="frames from one row to the next; as many as window if left out")
    stream: Literal["both", "first_half", "last_half"] | None = Field(None, description="half of the columns to use")
    preset: str | None = Field(None, description="settings to start from with these features")
    source: str | None = Field(None, description="where a user gets them, said when they are missing")

    @property
    def snippet_frames(self) -> int:
        """Frames from one row to the next."""
        return self.stride or self.window

    @model_validator(mode="after")
    def _positive_rate(self) -> FeatureSet:
        if self.fps != "native" and self.fps <= 0:
            raise ValueError(f"fps: frames per second, more than 0, or native; got {self.fps:g}")
        return self


class LabelRules(Part):
    """What is taken from the annotations of the training videos."""

    training: Literal["segments", "video"] = Field(
        "segments", description="segments: their temporal annotations serve measurements; video: they are left out"
    )
    multi_label: Literal["first", "multi_hot"] | None = Field(None, description="None: as the preset")
    background: Literal["error", "exclude", "background"] = Field(
        "error", description="videos without any label: refused, left out, or background throughout"
    )


class EvaluationRules(Part):
    """How predictions are scored; what is left out is as in the preset."""

    protocol: Literal["activitynet", "thumos14", "wtalc", "basnet"] | None = None
    tiou: FloatTuple | None = Field(None, min_length=1)
    selection_tiou: FloatTuple | None = Field(None, min_length=1)

    def values(self) -> Overrides:
        """Dotted RunConfig keys. Of thresholds without a choice, 0.5 selects, or the mean over all where it is none."""
        found = {name: value for name, value in self.model_dump().items() if value is not None}
        if self.tiou and not self.selection_tiou:
            found["selection_tiou"] = (0.5,) if 0.5 in self.tiou else self.tiou
        return {f"evaluation.{name}": list(v) if isinstance(v, tuple) else v for name, v in found.items()}


def _one_or_more(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


class AnnotationsBySplit(Part):
    """Training and test videos in files of their own, of whatever formats."""

    train: str = Field(min_length=1)
    test: str = Field(min_length=1)


def _path_or_paths(value: Any) -> Any:
    """With one message for whatever is neither a path nor a path for each split."""
    if value is None or isinstance(value, str | AnnotationsBySplit):
        return value
    names = list(AnnotationsBySplit.model_fields)
    unknown = [str(key) for key in value if key not in names] if isinstance(value, Mapping) else []
    if unknown:
        raise ValueError(f"unknown key '{unknown[0]}'. {nearest(unknown[0], names)}")
    if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) and value[name] for name in names):
        raise ValueError(f"a path, or one for each split: {{train: PATH, test: PATH}}; got {value}")
    return AnnotationsBySplit(**value)


class DatasetFile(Part):
    """One data set. Paths are absolute once a file is read; in it they are relative to its folder.

    file: where it was read; None for one that comes with the project. reader: what loads it; ``files`` are a user's
    annotations and features.
    """

    file: str | None = None
    name: str = Field(pattern=r"^[^/\\\s][^/\\]*$", description="of studies and folders")
    title: str = Field(min_length=1, description="as tables and captions call it")
    reader: str = "files"
    annotations: Annotated[str | AnnotationsBySplit | None, BeforeValidator(_path_or_paths)] = Field(
        None, description="file or folder of an understood format, or one for each split"
    )
    annotations_source: str | None = Field(None, description="where a user gets them, said when they are missing")
    ambiguous_intervals: bool = Field(False, description="its makers publish intervals that evaluators ignore")
    train: VideoChoice | None = Field(None, description="which videos train; None: as the field splits such files")
    test: VideoChoice | None = Field(None, description="which videos test")
    classes: StrTuple = Field((), description="in order; () takes those of the training videos")
    features: Annotated[tuple[FeatureSet, ...], BeforeValidator(_one_or_more)]
    labels: LabelRules = LabelRules()
    evaluation: EvaluationRules = EvaluationRules()
    exclude_videos: StrTuple = ()
    allow_missing: bool = Field(False, description="a video without features counts as one without predictions")
    preset: str = Field(GENERAL, description="settings to start from, of configs/datasets/presets")
    overrides: Overrides = Field({}, description="dotted RunConfig keys that replace the preset's")
    simulation: SimulationConfig | None = Field(None, description="of the reader 'simulated'")

    @model_validator(mode="after")
    def _some_features(self) -> DatasetFile:
        names = [part.name for part in self.features]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"features: one or more, of different names; got {names or 'none'}")
        return self

    @property
    def annotation_paths(self) -> dict[str, str | None]:
        """Key in the file -> path."""
        if isinstance(self.annotations, AnnotationsBySplit):
            return {"annotations.train": self.annotations.train, "annotations.test": self.annotations.test}
        return {"annotations": self.annotations}

    @property
    def where(self) -> str:
        """How to call the file in a message."""
        return self.file or f"configs/datasets/{self.name}.yaml"

    def features_named(self, name: str | None) -> FeatureSet:
        """The features of this name, the first ones for None; raises UserError."""
        found = next((part for part in self.features if name in (None, part.name)), None)
        if found is None:
            known = " or ".join(part.name for part in self.features) if self.reader == "files" else "none"
            known += "" if len(self.features) > 1 else "; leave --features out"
            raise UserError(f"--features: {self.name} has no features '{name}'; known: {known}")
        return found

    def values(self, features: FeatureSet) -> JsonObject:
        """The ``dataset`` part of a RunConfig, but for what its preset says."""
        own = self.reader != "files"
        found: JsonObject = {
            "name": self.name,
            "features": None if own else features.name,
            "snippet_frames": features.snippet_frames,
            "snippet_fps": features.fps,
            "allow_missing": self.allow_missing,
        }
        if self.simulation:
            found["simulation"] = self.simulation.model_dump()
        if features.stream:
            found["stream"] = features.stream
        if self.labels.multi_label:
            found["multi_label"] = self.labels.multi_label
        return found | (self._own_values(features) if self.file else {})

    def _own_values(self, features: FeatureSet) -> JsonObject:
        """What a worker or a resumed study would otherwise have to read from the user's file again."""
        return {
            "file": self.file,
            "title": self.title,
            "annotations_path": self.annotation_paths.get("annotations") or self.annotation_paths["annotations.train"],
            "test_annotations_path": self.annotation_paths.get("annotations.test"),
            "features_path": features.path,
            "window_frames": features.window if features.window != features.snippet_frames else None,
            "train": self.train and self.train.model_dump(mode="json"),
            "test": self.test and self.test.model_dump(mode="json"),
            "classes": list(self.classes),
            "training_labels": self.labels.training,
            "background": self.labels.background,
            "stream": features.stream or "both",
            "exclude_videos": list(self.exclude_videos),
        }


def shipped_names() -> list[str]:
    """Names of the data sets that come with the project."""
    folder = resources.files("configs") / "datasets"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def shipped(name: str) -> DatasetFile:
    """The description of a data set that comes with the project; raises UserError with the nearest name."""
    if name not in shipped_names():
        raise UserError(f"--dataset: no data set '{name}'. {nearest(name, shipped_names())}")
    text = (resources.files("configs") / "datasets" / f"{name}.yaml").read_text(encoding="utf-8")
    source = f"configs/datasets/{name}.yaml"
    return validated(DatasetFile, {"name": name, **parse_yaml(text, source)}, source)


def find_dataset(name: str) -> DatasetFile:
    """What ``--dataset`` names: a data set of the project, a data set file, or a folder with one; raises UserError."""
    if name in shipped_names():
        return shipped(name)
    path = Path(name)
    if path.exists() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return read_dataset_file(path)
    raise UserError(
        f"--dataset: no data set '{name}'. {nearest(name, shipped_names())} For one of your own, name its file; "
        f"{typed('new')} DIR writes one"
    )


def read_dataset_file(path: Path) -> DatasetFile:
    """Read a data set file, or the one of a folder; raises UserError for whatever is wrong with it."""
    file = _file_of(path).absolute()
    tree = read_yaml(file)
    for key in ("file", "reader", "simulation", "annotations_source", "ambiguous_intervals"):
        if key in tree:
            raise UserError(f"{file}: {key}: is for data sets that come with the project; leave it out")
    name = file.parent.name if file.name == FILE_NAME else file.stem
    found = validated(DatasetFile, {"name": name or "data", **_with_classes(tree, file), "file": str(file)}, str(file))
    return _with_paths(found, file)


def _file_of(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise UserError(f"--dataset: {path} does not exist; {typed('new')} DIR writes a data set file")
    if (path / FILE_NAME).is_file():
        return path / FILE_NAME
    others = [file.name for file in files_in(path) if file.suffix in (".yaml", ".yml")]
    if others:
        raise UserError(f"--dataset: {path} has no {FILE_NAME}; name one of its files: {', '.join(others)}")
    raise UserError(f"--dataset: {path} has no {FILE_NAME}; {typed('new')} {path} writes one")


def _with_classes(tree: Mapping[str, Any], file: Path) -> JsonObject:
    """With the class list of a text file read, one name a line."""
    if not isinstance(tree.get("classes"), str):
        return dict(tree)
    path = file.parent / tree["classes"]
    if not path.is_file():
        raise UserError(f"{file}: classes: {path} does not exist; a text file with one class a line, or a list")
    return {**tree, "classes": read_lines(path)}


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that hold something, without blanks at their ends."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def _with_paths(found: DatasetFile, file: Path) -> DatasetFile:
    """With absolute paths; raises UserError for all that do not exist."""
    problems = [f"{file}: {key}: required key is missing" for key, value in _named_paths(found) if not value]
    by_split = isinstance(found.annotations, AnnotationsBySplit)  # each choice is then of videos of its own file
    if (found.train is None) != (found.test is None) and not by_split:
        problems.append(
            f"{file}: {'test' if found.train else 'train'}: required key is missing where the other is given"
        )
    named = _named_paths(found)
    named += [(f"{key}.list", choice.list) for key, choice in (("train", found.train), ("test", found.test)) if choice]
    problems += _absent(file, named)
    if problems:
        raise UserError("\n".join(problems))

    def absolute(path: str | None) -> str | None:
        return path and str((file.parent / path).absolute())

    def listed(choice: VideoChoice | None) -> VideoChoice | None:
        return choice and choice.model_copy(update={"list": absolute(choice.list)})

    features = tuple(part.model_copy(update={"path": absolute(part.path)}) for part in found.features)
    annotations = found.annotations
    if isinstance(annotations, AnnotationsBySplit):
        where = {split: absolute(path) for split, path in annotations.model_dump().items()}
        annotations = annotations.model_copy(update=where)
    else:
        annotations = absolute(annotations)
    paths = {"annotations": annotations, "train": listed(found.train), "test": listed(found.test)}
    return found.model_copy(update={**paths, "features": features})


def _named_paths(found: DatasetFile) -> list[tuple[str, str | None]]:
    features = [(f"features.{part.name}.path", part.path) for part in found.features]
    return [*found.annotation_paths.items(), *features]


def _absent(file: Path, named: Iterable[tuple[str, str | None]]) -> list[str]:
    return [
        f"{file}: {key}: {file.parent / path} does not exist; paths are relative to the data set file"
        for key, path in named
        if path and not (file.parent / path).exists()
    ]
