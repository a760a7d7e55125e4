"""Data sets of annotations and features that a user has, in any of the field's layouts: THUMOS14, ActivityNet v1.2, and
whatever a data set file describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.config import DatasetConfig, DatasetFile, FeatureSet, shipped
from trainables.data import (
    FORMATS,
    LAYOUTS,
    ZERO_RATE,
    Annotations,
    Dataset,
    ExpectedLengths,
    FeatureFolder,
    FlatFeatures,
    LoadedFeatures,
    Segments,
    Split,
    Video,
    feature_key,
    feature_paths,
    feature_width,
    length_problems,
    load_features,
    open_features,
    plan_features,
)
from trainables.datasets.registry import FILES, DataProblems, register
from trainables.datasets.subsets import annotations_of
from trainables.datasets.supervision import Supervision, are_video_labels, with_background_rule
from trainables.datasets.thumos14_labels import published_labels, thumos14_classes
from trainables.errors import UserError
from trainables.files import list_folders


def require_files(config: DatasetConfig, data_dir: Path) -> None:
    """Raise UserError, in milliseconds, when annotations or features are not where they are looked for."""
    described = description(config)
    annotations, features = _paths(config, data_dir)
    lacking = []
    for path in dict.fromkeys((annotations, Path(config.test_annotations_path or annotations))):
        if not path.exists():
            lacking.append(f"annotations: {path} does not exist; {described.annotations_source or 'get it back'}")
    if not features.exists():
        source = next((part.source for part in described.features if part.name == config.features), None)
        source = source or "; ".join(part.source for part in described.features if part.source)
        remedy = "get them back" if config.file else f"extract them{f', or take them: {source}' if source else ''}"
        lacking.append(f"features: {features} does not exist; {remedy}")
    if lacking and config.file:  # described by the user: they were there once
        raise UserError("\n".join(f"{config.file}: {line}" for line in lacking))
    if lacking:
        raise UserError(
            f"{config.name}: its files are a download of yours and were not found:\n  "
            + "\n  ".join(lacking)
            + "\nUnderstood annotations: "
            + "; ".join(annotation_format.understood_as for annotation_format in FORMATS)
            + f"\nUnderstood features: {'; '.join(LAYOUTS)}"
            + "\nElsewhere? --data-dir DIR, or --set dataset.annotations_path=PATH --set dataset.features_path=PATH. "
            + "Nothing at hand? --dataset spoken-digits runs at once."
        )


def description(config: DatasetConfig) -> DatasetFile:
    """What is fixed about a data set: that of its file as the configuration holds it, or of the project's own file."""
    if config.file is None:
        return shipped(config.name)
    return DatasetFile(
        file=config.file,
        name=config.name,
        title=config.title or config.name,
        classes=config.classes,
        features=(FeatureSet(name=config.features or "features"),),
    )


def load(config: DatasetConfig, data_dir: Path, kept: FeatureFolder | None = None) -> Dataset:
    """Read annotations and features of both splits; the features are mapped from ``kept`` where one is given.

    Everything that is wrong with single videos is collected and raised together as DataProblems; what concerns the
    whole data set (no files, unknown format, an empty split, no frame rate) as UserError.
    """
    require_files(config, data_dir)
    described = description(config)
    path, features_path = _paths(config, data_dir)
    annotations = annotations_of(config, path, described.classes or None)
    annotations, background_notes = with_background_rule(annotations, config)
    for name in ("train", "test"):
        _require_usable(annotations.subset(name), name, config)
    folders = [annotations.source, annotations.source.parent, path, *list_folders(path)]
    names = {split: [video.name for video in annotations.subset(split).videos] for split in ("train", "test")}
    features = _load_features(features_path, folders, names, config, kept)
    train, test = (
        _make_split(annotations.subset(split), split, features.splits[split], config) for split in ("train", "test")
    )
    notes = [f"annotations: {annotations.format}; features: {features.layout}"]
    notes += background_notes
    if config.file:
        notes.insert(0, f"described by {config.file}")
    if config.stream != "both":
        notes.append(f"features: {config.stream.replace('_', ' ')} of {features.width} dimensions")
    if any(video.duration_s is None for video in annotations.videos):
        notes.append(f"{annotations.format} lacks durations: lengths of the features could not be checked")
    if described.ambiguous_intervals and not len(annotations.ambiguous):
        notes.append(
            f"{annotations.format} has no ambiguous intervals: every evaluation protocol counts what lies there"
        )
    notes += annotations.notes
    if annotations.reversed:
        notes.append(f"{len(annotations.reversed)} instances end before they start and are left out")
    features_name = str(config.features) if config.file else str(config.features).upper()
    dataset = Dataset(
        config.name,
        f"{described.title} ({features_name})",
        annotations.classes,
        train.split,
        test.split,
        notes=(*notes, *train.notes, *test.notes),
    )
    problems = [*_untrained_classes(dataset, config), *train.problems, *test.problems]
    if problems:
        raise DataProblems(config.file or config.name, problems, dataset)
    return dataset


def _untrained_classes(dataset: Dataset, config: DatasetConfig) -> list[str]:
    """Classes of a data set file that no training video has: nothing can be learnt of them."""
    trained = {label for video in dataset.train.videos for label in video.labels}
    lacking = [name for label, name in enumerate(dataset.classes) if label not in trained]
    if not lacking or not config.file:
        return []
    shown = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
    return [
        f"{len(lacking)} of {len(dataset.classes)} classes have no training video ({shown}); add videos of them, or "
        f"take them out of the class list (classes in {config.file}, or the annotations' own)"
    ]


@dataclass(frozen=True)
class _LoadedSplit:
    split: Split
    notes: list[str]
    problems: list[str]


def _load_features(
    path: Path, folders: Sequence[Path], names: dict[str, list[str]], config: DatasetConfig, kept: FeatureFolder | None
) -> LoadedFeatures:
    """Mapped from the folder, made there, or, without one, in memory."""
    key = feature_key(feature_paths(path, folders), names, config.stream) if kept else ""
    found = kept.find(key) if kept else None
    if found:
        return found
    source = open_features(path, folders)
    try:
        width = feature_width(source, [name for videos in names.values() for name in videos])
        plans = {split: plan_features(source, videos, config.stream, width) for split, videos in names.items()}
        if kept and kept.may_write and width is not None and all(plan.shape[0] for plan in plans.values()):
            return kept.make(key, source, width, plans)
        return LoadedFeatures(
            source.layout, width, {split: load_features(source, plan) for split, plan in plans.items()}
        )
    finally:
        source.close()


def _make_split(annotations: Annotations, name: str, flat: FlatFeatures, config: DatasetConfig) -> _LoadedSplit:
    names = [video.name for video in annotations.videos]
    expected = _expected_lengths(annotations, config)
    problems = [*flat.problems, *length_problems(names, flat.lengths, expected)]
    notes: list[str] = []
    if flat.missing:
        missing = _missing(name, flat, names, config)
        (notes if config.allow_missing and len(flat.missing) < len(names) else problems).append(missing)
    known = Supervision.of(annotations, _labels(annotations, name, config), name, config)
    videos = tuple(
        Video(
            video.name,
            labels,
            config.snippet_frames / float(video.fps or 0 if config.snippet_fps == "native" else config.snippet_fps),
            int(length),
            video.duration_s,
            config.snippet_frames,
            config.shift_frames,
        )
        for video, labels, length in zip(annotations.videos, known.labels, flat.lengths, strict=True)
    )
    if name == "train" and are_video_labels(known.instances, videos):
        known, note = _as_video_labels(known, config)
        notes.append(note)
    notes += known.notes(name)
    annotated = None if known.annotated.all() else known.annotated
    # Annotations also hold intervals of videos without instances, which only an evaluation of files needs.
    ours = np.isin(annotations.ambiguous.video.astype(str), names)
    ambiguous = annotations.ambiguous[ours]
    split = Split(name, videos, flat.features, flat.starts, known.instances, ambiguous, annotated)
    return _LoadedSplit(split, notes, problems)


def _as_video_labels(known: Supervision, config: DatasetConfig) -> tuple[Supervision, str]:
    """Segments that cover every training video whole, taken for what they are; and what the card says of them."""
    found = "train: the segments of every training video cover it whole"
    if config.file is None:  # a study that began before this was looked at goes on as it began
        return known, f"{found}; they are video-level labels, and numbers measured on them mean nothing"
    unknown = np.array([not labels for labels in known.labels], dtype=bool)
    return Supervision(known.labels, unknown, Segments.empty()), f"{found}: they are taken as video-level labels"


def _labels(annotations: Annotations, split: str, config: DatasetConfig) -> dict[str, tuple[int, ...]]:
    """Class ids of each video; the published ones concern training alone, as what a test video shows is measured."""
    if config.video_labels == "instances" or split != "train":
        return annotations.labels()
    published = annotations.labels("video")
    if annotations.classes == thumos14_classes() and not annotations.video_labels:
        published |= {video: own for video, own in published_labels().items() if video in published}
    return published


def _missing(name: str, flat: FlatFeatures, names: Sequence[str], config: DatasetConfig) -> str:
    first = ", ".join(flat.missing[:3]) + (", ..." if len(flat.missing) > 3 else "")
    found = f"{name}: {len(flat.missing)} of {len(names)} videos have no features ({first})"
    if len(flat.missing) == len(names):
        return f"{found}; the features are not those of {config.name}, or name their videos differently"
    if config.allow_missing:
        return f"{found}; they count as videos without predictions"
    return f"{found}; get them, or count them as videos without predictions by --allow-missing"


def _require_usable(annotations: Annotations, name: str, config: DatasetConfig) -> None:
    if not annotations.videos:
        raise UserError(
            f"{config.name}: split {name} is empty: {annotations.source} has no {name} video"
            + (" left after dataset.exclude_videos" if config.exclude_videos else "; both splits are needed")
        )
    no_rate = [video.name for video in annotations.videos if video.fps is None]
    if config.snippet_fps == "native" and no_rate:
        zero = " (0)" if any(note.endswith(ZERO_RATE) for note in annotations.notes) else ""
        shown = ", ".join(no_rate[:3]) + (f" and {len(no_rate) - 3} more" if len(no_rate) > 3 else "")
        raise UserError(
            f"dataset.snippet_fps: native needs each video's frame rate, but {annotations.format} has no frame "
            f"rate{zero} for the videos {shown}; correct it, use RefineLoc's CSV, or set the rate as a number"
        )


def _expected_lengths(annotations: Annotations, config: DatasetConfig) -> ExpectedLengths:
    duration_s, fps, num_frames = (
        np.array([np.nan if value is None else value for value in column], dtype=np.float64)
        for column in zip(*((v.duration_s, v.fps, v.num_frames) for v in annotations.videos), strict=True)
    )
    beyond = 0 if config.window_frames is None else config.window_frames - config.snippet_frames
    return ExpectedLengths(config.snippet_frames, config.snippet_fps, duration_s, fps, num_frames, beyond)


def _paths(config: DatasetConfig, data_dir: Path) -> tuple[Path, Path]:
    if config.features is None and config.features_path is None:
        raise UserError(f"dataset.features: {config.name} needs a feature type, i3d or tsn")
    annotations = Path(config.annotations_path) if config.annotations_path else data_dir / config.name
    features = Path(config.features_path) if config.features_path else data_dir / config.name / str(config.features)
    return annotations, features


register(FILES, require_files)(load)
for _name in ("thumos14", "activitynet12"):
    register(_name, require_files)(load)
