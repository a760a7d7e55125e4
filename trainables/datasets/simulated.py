"""Simulated features, for tests and benchmarks only; never called real.

The model: C classes and the background have means that lie ``separation`` apart from each other, in units of the
noise (orthogonal directions; random ones when D is too small). A snippet is the mean of what happens in it plus
standard normal noise in each dimension. A video has one class, a gamma-distributed T around ``mean_snippets``, and
1 + Poisson(``instances_per_video`` - 1) instances between random cut points. With ``dataset.annotations_path`` the
videos, classes and instances are those of real annotation files instead, with T = floor(duration x fps / H).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainables.config import DatasetConfig, SimulationConfig
from trainables.data import Annotations, Dataset, FeatureFolder, Segments, Split, Video, read_annotations
from trainables.datasets.registry import register
from trainables.errors import UserError

# Rows drawn at a time: the means of a block are a temporary of its size, not of the data set's.
BLOCK_ROWS = 8192
SHAPE_OF_LENGTHS = 4.0


def require_files(config: DatasetConfig, data_dir: Path) -> None:
    """Raise UserError when real annotation files are configured and missing."""
    if config.snippet_fps == "native":
        raise UserError("dataset.snippet_fps: simulated features need a number, got 'native'")
    if config.annotations_path and not Path(config.annotations_path).exists():
        raise UserError(f"dataset.annotations_path: {config.annotations_path} does not exist")


@register("simulated", require_files)
def load(config: DatasetConfig, data_dir: Path, kept: FeatureFolder | None = None) -> Dataset:
    """Draw a data set of ``config.simulation``'s size; the same configuration draws the same numbers."""
    require_files(config, data_dir)
    size = config.simulation or SimulationConfig()
    layout_seed, mean_seed, *noise_seeds = np.random.SeedSequence(size.seed).spawn(4)
    if config.annotations_path:
        annotations = read_annotations(Path(config.annotations_path))
        classes = annotations.classes
        layouts = [_annotated(annotations.subset(name), name, config) for name in ("train", "test")]
        title = f"simulated features on {annotations.format}"
    else:
        rng = np.random.default_rng(layout_seed)
        classes = tuple(f"class {c:02d}" for c in range(size.classes))
        counts = {"train": size.train_videos, "test": size.test_videos}
        layouts = [_drawn(name, count, size, config, rng) for name, count in counts.items()]
        title = f"simulated ({size.classes} classes, {size.dimensions} dimensions)"
    means = state_means(len(classes), size, np.random.default_rng(mean_seed))
    train, test = (
        _with_features(name, *layout, means, np.random.default_rng(seed))
        for name, layout, seed in zip(("train", "test"), layouts, noise_seeds, strict=True)
    )
    notes = ("simulated: drawn from a generative model, says nothing about real videos",)
    return Dataset(config.name, title, classes, train, test, simulated=True, notes=notes)


def state_means(classes: int, size: SimulationConfig, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Mean of each class and, last, of the background; (C + 1, D), pairwise ``separation`` apart if D > C."""
    directions = rng.standard_normal((classes + 1, size.dimensions))
    if size.dimensions > classes:
        directions = np.linalg.qr(directions.T)[0].T
    else:
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return (directions * size.separation / np.sqrt(2)).astype(np.float32)


def _drawn(
    name: str, count: int, size: SimulationConfig, config: DatasetConfig, rng: np.random.Generator
) -> tuple[tuple[Video, ...], Segments]:
    snippet_s = config.snippet_frames / float(config.snippet_fps)
    lengths = rng.gamma(SHAPE_OF_LENGTHS, size.mean_snippets / SHAPE_OF_LENGTHS, count).round().astype(int).clip(4)
    instances = 1 + rng.poisson(max(size.instances_per_video - 1, 0), count)
    videos, truth = [], []
    for v, (length, wanted) in enumerate(zip(lengths, instances, strict=True)):
        label = v % size.classes
        cuts = np.sort(rng.choice(np.arange(1, length), 2 * min(wanted, (length - 1) // 2), replace=False)) * snippet_s
        video = Video(
            f"{name}_{v:05d}", (label,), snippet_s, int(length), float(length * snippet_s), config.snippet_frames
        )
        videos.append(video)
        truth.append(Segments.of([video.name] * (len(cuts) // 2), cuts[::2], cuts[1::2], [label] * (len(cuts) // 2)))
    return tuple(videos), Segments.concatenate(truth)


def _annotated(annotations: Annotations, name: str, config: DatasetConfig) -> tuple[tuple[Video, ...], Segments]:
    if not annotations.videos:
        raise UserError(f"simulated: split {name} is empty: {annotations.source} has no {name} video")
    without = [video.name for video in annotations.videos if video.duration_s is None]
    if without:
        raise UserError(
            f"simulated: {annotations.format} lacks durations ({without[0]}), which give each T; use RefineLoc's CSV"
        )
    fps, labels = float(config.snippet_fps), annotations.labels()
    videos = tuple(
        Video(
            video.name,
            labels[video.name],
            config.snippet_frames / fps,
            max(1, int((video.duration_s or 0) * fps / config.snippet_frames)),
            video.duration_s,
            config.snippet_frames,
        )
        for video in annotations.videos
    )
    return videos, annotations.instances


def _with_features(
    name: str,
    videos: tuple[Video, ...],
    truth: Segments,
    means: npt.NDArray[np.float32],
    rng: np.random.Generator,
) -> Split:
    lengths = np.array([video.num_snippets for video in videos])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    bare = Split(name, videos, np.zeros((lengths.sum(), 0), np.float32), starts, truth)
    states = np.full(bare.num_snippets, len(means) - 1)
    for label in np.unique(truth.label):
        states[bare.truth_of(truth[truth.label == label])] = label
    features = np.empty((len(states), means.shape[1]), dtype=np.float32)
    for first in range(0, len(states), BLOCK_ROWS):
        block = features[first : first + BLOCK_ROWS]
        rng.standard_normal(out=block, dtype=np.float32)
        block += means[states[first : first + BLOCK_ROWS]]
    return Split(name, videos, features, starts, truth)
