"""The card of a data set: what a reader of any number from it must know, printed at launch and kept with the study."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from trainables.config import DatasetConfig
from trainables.data import Dataset, Split
from trainables.json_types import JsonObject

HASHED_BYTES = 64 * 2**20
BLOCKS = 64


@dataclass(frozen=True)
class SplitCard:
    """One split. snippet_s: shortest and longest. foreground_share: of all snippets of annotated videos, any class;
    None without such videos. annotated_videos: whose instances are known; None: all.

    duration_ratio: sum of T x snippet seconds over the sum of durations, of videos with both; None without any.
    """

    videos: int
    without_features: int
    multi_label_videos: int
    instances: int
    zero_length_instances: int
    snippets: int
    snippets_per_video: tuple[int, float, int]
    snippet_s: tuple[float, float]
    duration_ratio: float | None
    foreground_share: float | None
    annotated_videos: int | None = None


@dataclass(frozen=True)
class DataCard:
    """A data set as loaded. content_hash: see ``content_hash``; hashed_share: how much of the features it covers."""

    name: str
    title: str
    simulated: bool
    classes: tuple[str, ...]
    dimensions: int
    snippet_frames: int
    snippet_fps: float | str
    multi_label: str
    splits: dict[str, SplitCard]
    content_hash: str
    hashed_share: float
    notes: tuple[str, ...]
    window_frames: int | None = None
    file: str | None = None

    def as_dict(self) -> JsonObject:
        """JSON-able, for ``study.json``."""
        return asdict(self)

    def __str__(self) -> str:
        kind = "SIMULATED, not real data" if self.simulated else "real data"
        covered = "all features" if self.hashed_share == 1 else f"{100 * self.hashed_share:.1f} % of the features"
        window = f", each of a window of {self.window_frames}" if self.window_frames else ""
        grid = f"{self.snippet_frames} frame{'s' * (self.snippet_frames != 1)} at {self.snippet_fps} fps{window}"
        lines = [
            f"{self.title}  [{self.name}; {kind}]",
            f"  classes      {len(self.classes)}: {_shortened(self.classes)}",
            f"  features     {self.dimensions}-d; a snippet is {grid}",
        ]
        lines += [line for name, split in self.splits.items() for line in _split_lines(name, split)]
        lines.append(f"  content      blake2b {self.content_hash[:16]} over {covered}")
        return "\n".join(lines + [f"  note         {note}" for note in self.notes])


def make_card(dataset: Dataset, config: DatasetConfig) -> DataCard:
    """The card of ``dataset``, loaded by ``config``."""
    digest, share = content_hash(dataset)
    return DataCard(
        dataset.name,
        dataset.title,
        dataset.simulated,
        dataset.classes,
        dataset.dimensions,
        config.snippet_frames,
        config.snippet_fps,
        config.multi_label,
        {split.name: _split_card(split) for split in (dataset.train, dataset.test)},
        digest,
        share,
        dataset.notes,
        config.window_frames,
        config.file,
    )


def content_hash(dataset: Dataset) -> tuple[str, float]:
    """blake2b of a data set (hex), and the share of the features' bytes that went into it.

    Names, labels, T, snippet seconds, classes and ground truth go in whole. Features of a split go in whole up to
    64 MiB; of larger ones, 64 evenly spaced blocks of rows, 64 MiB in all, first and last rows included. So the hash
    of a large data set tells apart different extractions, not a change of single values.
    """
    digest = hashlib.blake2b(digest_size=16)
    hashed = total = 0
    digest.update(repr(dataset.classes).encode())
    for split in (dataset.train, dataset.test):
        videos = [(video.name, video.labels, video.snippet_s, video.num_snippets) for video in split.videos]
        shifts = [video.shift_frames for video in split.videos]
        # Only where there are any: the hashes of earlier versions, which knew no shift, stay the same.
        if any(shifts):
            digest.update(repr(shifts).encode())
        truth = split.ground_truth
        digest.update(repr((split.name, videos, truth.video.tolist(), split.features.shape)).encode())
        if split.annotated is not None:
            digest.update(split.annotated.tobytes())
        for column in (truth.start_s, truth.end_s, truth.label):
            digest.update(np.ascontiguousarray(column).tobytes())
        for block in _blocks(split.features):
            digest.update(block.data)
            hashed += block.nbytes
        total += split.features.nbytes
    return digest.hexdigest(), hashed / total if total else 1.0


def _blocks(features: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    if features.nbytes <= HASHED_BYTES:
        return [features] if features.size else []
    rows = max(1, HASHED_BYTES // BLOCKS // (features.nbytes // len(features)))
    firsts = np.linspace(0, len(features) - rows, BLOCKS).astype(int)
    return [features[first : first + rows] for first in firsts]


def _split_card(split: Split) -> SplitCard:
    truth = split.ground_truth
    present = split.lengths[split.lengths > 0]
    timed = [v for v in split.videos if v.duration_s and v.num_snippets]
    return SplitCard(
        videos=len(split),
        without_features=int(np.count_nonzero(split.lengths == 0)),
        multi_label_videos=sum(len(video.labels) > 1 for video in split.videos),
        instances=len(truth),
        zero_length_instances=int(np.count_nonzero(truth.start_s >= truth.end_s)),
        snippets=split.num_snippets,
        snippets_per_video=(int(present.min()), float(np.median(present)), int(present.max()))
        if len(present)
        else (0, 0.0, 0),
        snippet_s=(float(split.snippet_s.min()), float(split.snippet_s.max())),
        duration_ratio=sum(v.num_snippets * v.snippet_s for v in timed) / sum(v.duration_s or 0 for v in timed)
        if timed
        else None,
        foreground_share=_foreground_share(split),
        annotated_videos=None if split.is_annotated else int(np.count_nonzero(split.annotated_videos)),
    )


def _foreground_share(split: Split) -> float | None:
    known = split.annotated_part()
    if known is None:
        return None
    return float(known.snippet_truth.mean()) if known.num_snippets else 0.0


def _split_lines(name: str, split: SplitCard) -> list[str]:
    low, median, high = split.snippets_per_video
    shortest, longest = split.snippet_s
    seconds = f"{shortest:.4g} s" if np.isclose(shortest, longest) else f"{shortest:.4g}-{longest:.4g} s"
    ratio = split.duration_ratio
    fit = "durations unknown" if ratio is None else f"{100 * ratio:.1f} % of the durations"
    share = split.foreground_share
    foreground = "foreground unknown" if share is None else f"{100 * share:.1f} % foreground"
    extras = [
        f"{count} {words}"
        for count, words in (
            (split.without_features, "without features"),
            (_weak(split), "with video-level labels only"),
            (split.multi_label_videos, "with several classes"),
            (split.zero_length_instances, "instances of zero length"),
        )
        if count
    ]
    return [
        f"  {name:<12} {split.videos} videos, {split.instances} instances" + "".join(f"; {extra}" for extra in extras),
        f"  {'':<12} {split.snippets} snippets of {seconds}: T {low}-{high}, median {median:g}; {fit}; " + foreground,
    ]


def _weak(split: SplitCard) -> int:
    return 0 if split.annotated_videos is None else split.videos - split.annotated_videos


def _shortened(classes: tuple[str, ...]) -> str:
    shown = ", ".join(classes[:6])
    return shown if len(classes) <= 6 else f"{shown}, ... {classes[-1]}"
