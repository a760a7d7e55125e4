"""Predictions of a trained model for videos that need no labels, in memory that does not grow with their number.

Features are read a few videos at a time. The videos that a study tested are scored together and in its order, so that
their predictions are the study's own to the last bit: sums of floats depend, in their last digit, on what is computed
beside them. Others are scored in groups of bounded size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainables.batching import FeatureStore, SplitTensors, whole_video_chunks
from trainables.data import (
    FeatureDescription,
    FeatureFiles,
    FeaturePlan,
    Segments,
    Split,
    Video,
    find_name,
    load_features,
    open_features,
    plan_features,
    read_feature_description,
)
from trainables.errors import UserError
from trainables.labels import SnippetScores
from trainables.model.description import ModelFeatures
from trainables.model.exported import TrainedModel
from trainables.training import score_features, score_split

# Class scores of a group: several copies of so many float32 are in memory at a time.
GROUP_VALUES = 2**25
GROUP_SNIPPETS = 2**18
ALONE_SNIPPETS = 256  # what a video counts as at least where its readout has a size of its own
SHOWN = 5

Rates = Callable[[str], float | None]


@dataclass(frozen=True, eq=False)
class GroupPrediction:
    """Some whole videos. split: names, lengths and times; it has no features. unreadable: one sentence for each of its
    videos whose features are damaged, which have no segments."""

    split: Split
    scores: SnippetScores
    segments: Segments
    unreadable: dict[str, str] = field(default_factory=dict)


class Job:
    """The videos that a model is to mark, checked: everything that can be wrong is found before any score.

    unreadable: a sentence for each video whose file cannot be opened; it is left out of ``run``.
    features: a file or folder in any understood layout. videos: names, in the order of the output; None: all, those
    that the model's study tested first. fps: frame rates of videos, for a model of features on each video's own grid.
    Raises UserError for features that are not those the model was trained on.
    """

    def __init__(
        self,
        model: TrainedModel,
        features: Path,
        videos: Sequence[str] | None = None,
        fps: Rates | None = None,
    ) -> None:
        if not features.exists():
            raise UserError(f"--features: {features} does not exist")
        self.model = model
        self._source: FeatureFiles = open_features(features)
        self.description = read_feature_description(features)
        self.names = self._names(videos)
        self.unreadable = self._unopened()
        self.names = [name for name in self.names if name not in self.unreadable]
        config = model.description.run.dataset
        self._check_width(features)
        self._plan: FeaturePlan = plan_features(self._source, self.names, config.stream, self._wanted.width)
        self._check_features(features)
        self._videos = self._timed(fps)

    def __len__(self) -> int:
        return len(self.names) + len(self.unreadable)

    @property
    def num_snippets(self) -> int:
        return int(self._plan.lengths.sum())

    @property
    def seen_in_training(self) -> int:
        """How many of the videos trained the model, as far as is known."""
        return len(set(self.names) & set(self.model.description.train_videos or ()))

    def run(self) -> Iterator[GroupPrediction]:
        """Score and detect, group by group."""
        torch.set_num_threads(self.model.description.run.compute.threads)
        try:
            for rows in self._groups():
                yield self._predict(rows)
        finally:
            self._source.close()

    def _predict(self, rows: range) -> GroupPrediction:
        problems: list[str] = []
        split = self._split(rows)
        network, dtype = self.model.network, self.model.dtype
        if network.reads_each_video_alone:
            data = SplitTensors(split, self._tensor(rows, problems), torch.zeros((len(split), 0)))
            scores = score_split(network, data, dtype)
        else:
            scores = score_features(network, self._chunks(rows, problems), split, dtype)
        unreadable = {} if not problems else self._unreadable(rows)
        segments = network.predict(scores, split)
        if unreadable:
            segments = segments[~np.isin(segments.video.astype(str), list(unreadable))]
        return GroupPrediction(split, scores, segments, unreadable)

    def _groups(self) -> Iterator[range]:
        """Rows of the names that are scored together: those of the study's test split, if all are here and first."""
        tested = self.model.description.test_videos or ()
        first = 0
        if self.model.network.reads_each_video_alone:
            for begin, end in whole_video_chunks(np.maximum(self._plan.lengths, ALONE_SNIPPETS)):
                yield range(begin, end)
            return
        if tested and tuple(self.names[: len(tested)]) == tested:
            yield range(len(tested))
            first = len(tested)
        size = max(min(GROUP_SNIPPETS, GROUP_VALUES // len(self.model.description.classes)), 1)
        place = np.cumsum(self._plan.lengths[first:]) // size
        bounds = [first, *(first + np.flatnonzero(np.diff(place)) + 1).tolist(), len(self.names)]
        yield from (range(a, b) for a, b in pairwise(bounds) if b > a)

    def _chunks(self, rows: range, problems: list[str]) -> Iterator[Tensor]:
        for begin, end in whole_video_chunks(self._plan.lengths[rows.start : rows.stop]):
            yield self._tensor(range(rows.start + begin, rows.start + end), problems)

    def _tensor(self, rows: range, problems: list[str]) -> Tensor:
        """Features of some videos on the device; zeros for those that cannot be read."""
        flat = load_features(self._source, self._part(rows))
        problems += flat.problems
        if flat.problems:
            np.nan_to_num(flat.features, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        for name in self._part(rows).names:
            self._source.forget(name)
        return FeatureStore(self.model.device, self.model.dtype).tensor(flat.features)

    def _part(self, rows: range) -> FeaturePlan:
        part = slice(rows.start, rows.stop)
        return FeaturePlan(self.names[part], self._plan.columns, self._plan.lengths[part], [], [])

    def _unreadable(self, rows: range) -> dict[str, str]:
        found = {self.names[v]: load_features(self._source, self._part(range(v, v + 1))).problems for v in rows}
        return {name: problems[0] for name, problems in found.items() if problems}

    def _split(self, rows: range) -> Split:
        lengths = self._plan.lengths[rows.start : rows.stop]
        bare = np.empty((int(lengths.sum()), 0), dtype=np.float32)
        videos = tuple(self._videos[rows.start : rows.stop])
        return Split("predicted", videos, bare, np.cumsum(lengths) - lengths, Segments.empty())

    def _names(self, videos: Sequence[str] | None) -> list[str]:
        if videos is not None:
            lacking = [name for name in videos if name not in self._source]
            if lacking:
                raise UserError(f"--videos: {len(lacking)} of {len(videos)} have no features ({_few(lacking)})")
            twice = [name for name, count in Counter(videos).items() if count > 1]
            if twice:
                raise UserError(f"--videos: {len(twice)} are named twice ({_few(twice)}); name each once")
            return list(videos)
        found = self._source.names()
        tested = self.model.description.test_videos or ()
        if tested and all(name in self._source for name in tested):
            known = set(tested)
            return [*tested, *(name for name in found if find_name(name, known) is None)]
        return found

    @property
    def _wanted(self) -> ModelFeatures:
        return self.model.description.features

    def _unopened(self) -> dict[str, str]:
        found = {}
        for name in self.names:
            try:
                self._source.shape(name)
            except UserError as error:
                found[name] = str(error)
        return found

    def _check_width(self, path: Path) -> None:
        if not self.names:
            first = next((f": {problem}" for problem in self.unreadable.values()), "")
            raise UserError(f"--features: {path} holds features of no video{' that can be read' * bool(first)}{first}")
        width = self._source.shape(self.names[0])[1]
        if width != self._wanted.width:
            raise UserError(
                f"--features: {path}: features have {width} dimensions, the model was trained on {self._wanted.width} "
                f"({_made(self.model)}); extract them in the same way"
            )

    def _check_features(self, path: Path) -> None:
        differences = self._differences(self.description)
        if differences:
            raise UserError(
                f"--features: {path}: these are not the features that the model was trained on: "
                f"{'; '.join(differences)}; extract them in the same way"
            )
        if self._plan.problems:
            more = f", ... and {len(self._plan.problems) - SHOWN} more" if len(self._plan.problems) > SHOWN else ""
            raise UserError(f"--features: {'; '.join(self._plan.problems[:SHOWN])}{more}")

    def _differences(self, found: FeatureDescription | None) -> list[str]:
        if found is None:
            return []
        config = self.model.description.run.dataset
        protocol = self.model.description.features.protocol
        if protocol:
            return found.protocol.differences(protocol, "the model's features")
        rate, stride = found.protocol.fps, found.protocol.stride_frames
        grid = [("fps", rate, config.snippet_fps), ("stride_frames", stride, config.snippet_frames)]
        return [f"{name} is {new}, the model's {old}" for name, new, old in grid if new is not None and new != old]

    def _timed(self, fps: Rates | None) -> list[Video]:
        config = self.model.description.run.dataset
        rates = [self._rate(name, fps) for name in self.names]
        lacking = [name for name, rate in zip(self.names, rates, strict=True) if rate is None]
        if lacking:
            raise UserError(
                f"--fps: the model's features lie on each video's own frame rate (dataset.snippet_fps native), which "
                f"is not known for {len(lacking)} of {len(self.names)} videos ({_few(lacking)}); give a number, or a "
                "CSV video,fps"
            )
        return [
            Video(
                name,
                (),
                config.snippet_frames / float(rate or 0),
                int(length),
                None,
                config.snippet_frames,
                config.shift_frames,
            )
            for name, rate, length in zip(self.names, rates, self._plan.lengths, strict=True)
        ]

    def _rate(self, name: str, fps: Rates | None) -> float | None:
        config = self.model.description.run.dataset
        if config.snippet_fps != "native":
            return float(config.snippet_fps)
        given = fps(name) if fps else None
        if given is None and self.description and name in self.description.videos:
            return self.description.videos[name].native_fps
        return given


def predict(model: TrainedModel, features: Path | str, videos: Sequence[str] | None = None) -> Segments:
    """Segments of all videos of a file or folder of features, or of those named; labels are ``description.classes``.

    Raises UserError for features that the model was not trained on, and where some cannot be read.
    """
    parts = []
    job = Job(model, Path(features), videos)
    if job.unreadable:
        raise UserError("\n".join(job.unreadable.values()))
    for group in job.run():
        if group.unreadable:
            raise UserError("\n".join(group.unreadable.values()))
        parts.append(group.segments)
    return Segments.concatenate(parts)


def _made(model: TrainedModel) -> str:
    protocol, config = model.description.features.protocol, model.description.run.dataset
    return str(protocol) if protocol else f"{config.features or config.name}, how they were made is not described"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
