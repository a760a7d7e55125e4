"""A data set file written from what lies in a folder: ``python -m trainables.datasets new``.

Everything that is not said by the files is assumed, and every assumption is a sentence for the user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainables.config import DatasetConfig
from trainables.config.dataset_file import FILE_NAME
from trainables.data import (
    FORMATS,
    LAYOUTS,
    Annotations,
    ExpectedLengths,
    UnknownSubset,
    assumed_splits,
    feature_width,
    open_features,
    plan_features,
    read_feature_description,
)
from trainables.datasets.subsets import annotations_of
from trainables.errors import UserError
from trainables.files import files_in, list_files, list_folders
from trainables.json_types import JsonObject

# (fps, window, stride) of features that are published or that extractors make by default; the first fitting one wins.
GRIDS: tuple[tuple[float | str, int, int], ...] = (
    (25.0, 16, 16),
    (30.0, 16, 4),
    (25.0, 16, 4),
    (25.0, 16, 8),
    (30.0, 16, 16),
    ("native", 16, 16),
    ("native", 15, 15),
)
ANNOTATION_ARRAYS = {
    *("videoname.npy", "subset.npy", "segments.npy", "labels.npy", "labels_all.npy", "classlist.npy", "duration.npy"),
    *("original_fps.npy", "extracted_fps.npy"),
}
SPLIT_BY = "each the name of a subset in the annotations or a text file with a video a line"
LIST_SUFFIXES = (".txt", ".csv")


@dataclass(frozen=True)
class Given:
    """What the user says; None: to be found. train, test: a subset's name or a text file of videos."""

    annotations: Path | None = None
    features: Path | None = None
    title: str | None = None
    feature_name: str | None = None
    fps: float | str | None = None
    window: int | None = None
    stride: int | None = None
    train: str | None = None
    test: str | None = None


@dataclass(frozen=True)
class Draft:
    """tree: the keys of the file. found: what the files say. assumed: what they do not say."""

    tree: JsonObject
    found: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The file: assumptions as comments, then the keys."""
        import yaml

        keys = yaml.safe_dump(self.tree, sort_keys=False, allow_unicode=True, width=120)
        comments = "".join(f"# assumed: {line}\n" for line in self.assumed)
        return f"# A data set file; docs/data-sets.md explains every key.\n{comments}{keys}"


def draft(folder: Path, given: Given, home: Path | None = None) -> Draft:
    """Look at a folder; home: where the file will lie, to which its paths are relative (default: the folder).

    Raises UserError where annotations or features are not found, or found twice.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the folder of the data set")
    paths = _annotation_paths(folder, given)
    features_path = given.features or _only(list(_features_in(folder)), folder, "features", "--features")
    home = home or folder
    choices = _choices(folder, given)
    annotations = _annotations(paths, choices)
    assumed: list[str] = []
    features, about, guesses = _features(features_path, annotations, list(paths.values()), given)
    tree: JsonObject = {
        "title": given.title or folder.absolute().name,
        "annotations": _annotations_key(paths, home),
        **{split: _in_file(choice, home) for split, choice in choices.items()},
        "features": {"name": features.pop("name"), "path": _relative(features_path, home), **features},
    }
    if not given.title:
        assumed.append(f"title '{tree['title']}', after the folder")
    if len(paths) > 1:
        assumed.append(f"training videos in {paths['train'].name}, test videos in {paths['test'].name}")
    assumed.append("preset general: settings that suit both small and large sets")
    found = [_about_annotations(annotations, " and ".join(map(str, paths.values()))), *about]
    unlabelled = [video for video, labels in annotations.labels().items() if not labels]
    if unlabelled:
        found.append(
            f"{len(unlabelled)} videos without any label ({unlabelled[0]}{', ...' * (len(unlabelled) > 1)}): say in "
            "the file what they are, labels: {background: exclude} or {background: background}"
        )
    return Draft(tree | {"preset": "general"}, found, assumed + guesses)


def _annotation_paths(folder: Path, given: Given) -> dict[str, Path]:
    """By split, or of ``both``; raises UserError where the files leave it open."""
    if given.annotations:
        return {"both": given.annotations}
    candidates = list(_annotations_in(folder))
    return assumed_splits(candidates) or {"both": _only(candidates, folder, "annotations", "--annotations")}


def _annotations_key(paths: Mapping[str, Path], home: Path) -> Any:
    relative = {split: _relative(path, home) for split, path in paths.items()}
    return relative.get("both", relative)


def _only(candidates: list[Path], folder: Path, what: str, option: str) -> Path:
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = ", ".join(str(path.relative_to(folder)) for path in candidates)
        raise UserError(f"{folder}: {len(candidates)} {what} found: {names}; say which by {option} PATH")
    understood = [kind.understood_as for kind in FORMATS] if what == "annotations" else list(LAYOUTS)
    raise UserError(f"{folder}: no {what} found; say where by {option} PATH. Understood: {'; '.join(understood)}")


def _annotations_in(folder: Path) -> Iterator[Path]:
    """Files or folders with annotations, in the folder or one below."""
    for group in (folder, *list_folders(folder)):
        files = files_in(group)
        for annotation_format in FORMATS:
            chosen = annotation_format.select(files)
            singly = chosen and all(annotation_format.select([path]) for path in chosen if path.suffix == ".json")
            if chosen and singly and chosen[0].suffix == ".json":
                yield from chosen
            elif chosen:
                yield chosen[0] if len(chosen) == 1 else group


def _features_in(folder: Path) -> Iterator[Path]:
    """Files or folders with features: HDF5 files, and the highest folders that hold .npy files."""
    yield from (path for path in files_in(folder) if path.suffix in (".hdf5", ".h5"))
    if _arrays(files_in(folder)):
        yield folder
    for below in list_folders(folder):
        inside = list_files(below)
        if _arrays(inside) or any(path.suffix in (".hdf5", ".h5") for path in inside):
            yield below


def _arrays(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".npy" and path.name not in ANNOTATION_ARRAYS]


def _choices(folder: Path, given: Given) -> JsonObject:
    """Keys ``train`` and ``test`` where the user names them, by a subset or a file; raises UserError."""
    if (given.train is None) != (given.test is None):
        raise UserError("--train and --test belong together: give both, or neither")
    named = {split: value for split, value in (("train", given.train), ("test", given.test)) if value}
    for split, value in named.items():
        inside = folder / value
        if not Path(value).is_file() and (inside.is_file() or Path(value).suffix in LIST_SUFFIXES):
            raise UserError(f"--{split}: {value}: no such file" + f"; {inside} is one" * inside.is_file())
    return {split: {"list": value} if Path(value).is_file() else value for split, value in named.items()}


def _in_file(choice: Any, home: Path) -> Any:
    return {"list": _relative(Path(choice["list"]), home)} if isinstance(choice, dict) else choice


def _annotations(paths: Mapping[str, Path], choices: JsonObject) -> Annotations:
    path, test = paths.get("both") or paths["train"], paths.get("test")
    config = DatasetConfig.model_validate({"name": "new", "test_annotations_path": test and str(test), **choices})
    try:
        annotations = annotations_of(config, path, None)
    except UnknownSubset as error:
        raise UserError(f"{error}; or give --train and --test, {SPLIT_BY}") from None
    for split in ("train", "test"):
        if not annotations.subset(split).videos:
            raise UserError(
                f"{path}: no {split} video found; say which videos train and which test by --train and --test, "
                + SPLIT_BY
            )
    return annotations


def _about_annotations(annotations: Annotations, path: str) -> str:
    train, test = annotations.subset("train"), annotations.subset("test")
    return (
        f"annotations: {path} ({annotations.format}), {len(train.videos)} training and {len(test.videos)} test videos, "
        f"{len(annotations.classes)} classes, {len(annotations.instances)} segments"
    )


def _features(
    path: Path, annotations: Annotations, annotation_paths: Sequence[Path], given: Given
) -> tuple[JsonObject, list[str], list[str]]:
    """Keys of the features, what was found, what was assumed."""
    source = open_features(path, [around for one in annotation_paths for around in (one, one.parent)])
    try:
        names = [video.name for video in annotations.videos]
        width = feature_width(source, names)
        plan = plan_features(source, names, "both", width)
        layout = source.layout
    finally:
        source.close()
    present = len(names) - len(plan.missing)
    if not present:
        raise UserError(
            f"{path}: the {layout} holds none of the {len(names)} annotated videos (the first is {names[0]}); names "
            "must be spelled the same"
        )
    found = [f"features: {path} ({layout}), {width}-d, of {present} of {len(names)} videos"]
    described = read_feature_description(path)
    protocol = described.protocol if described else None
    if protocol:
        found.append(f"features.yaml: {protocol}")
    name = given.feature_name or (protocol.backbone if protocol else path.stem)
    assumed = [] if given.feature_name or protocol else [f"the features' name '{name}', after their path"]
    if (given.fps, given.window) != (None, None):
        fps, window, stride = given.fps or 25.0, given.window or 16, given.stride
        return _grid(name, fps, window, stride or window), found, assumed
    if protocol and protocol.fps and protocol.window_frames:
        stride = protocol.stride_frames or protocol.window_frames
        return _grid(name, protocol.fps, protocol.window_frames, stride), found, assumed
    grid, sentence = _fitting_grid(annotations, plan.lengths)
    return _grid(name, *grid), found, [*assumed, sentence]


def _grid(name: str, fps: float | str, window: int, stride: int) -> JsonObject:
    return {"name": name, "fps": fps, "window": window, "stride": stride}


def _fitting_grid(annotations: Annotations, lengths: np.ndarray) -> tuple[tuple[float | str, int, int], str]:
    """The first known grid whose T fit the videos' durations within 3 % and a snippet a video."""
    columns = [(v.duration_s, v.fps, v.num_frames) for v in annotations.videos]
    duration_s, fps, frames = (
        np.array([np.nan if value is None else value for value in column], np.float64)
        for column in zip(*columns, strict=True)
    )
    known = np.isfinite(duration_s) & (lengths > 0)
    if not known.any():
        return GRIDS[0], "16 frames at 25 fps in a row: the annotations have no durations to compare T with"
    total = int(lengths[known].sum())
    for rate, window, stride in GRIDS:
        expected = ExpectedLengths(stride, rate, duration_s, fps, frames, window - stride)  # type: ignore[arg-type]
        wanted = float(expected.snippets()[known].sum())
        if abs(total - wanted) <= 0.03 * wanted + known.sum():
            text = f"{window} frames at {rate} fps, stride {stride}: T of the features fits the durations so"
            return (rate, window, stride), text
    rows_per_s = round(total / float(duration_s[known].sum()), 3)
    return (rows_per_s, 1, 1), f"{rows_per_s:g} rows a second, as T of the features and the durations say"


def _relative(path: Path, folder: Path) -> str:
    """As the file in ``folder`` names it."""
    path, folder = path.absolute(), folder.absolute()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def default_file(folder: Path) -> Path:
    """Where a folder's data set file belongs."""
    return folder / FILE_NAME
