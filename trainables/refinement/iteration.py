"""One refinement iteration: pseudo labels from the model before, a training, scores and numbers of the chosen epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from trainables.base_models import BaseModel, build_base_model
from trainables.batching import SplitTensors
from trainables.config import PseudoLabelConfig, RunConfig
from trainables.data import Dataset, Segments, Split
from trainables.evaluation import Floats
from trainables.gpu import DeviceCache
from trainables.labels import (
    SnippetScores,
    ThresholdGrid,
    generator_named,
    of_any_class,
    predict_segments,
    sample,
    union,
)
from trainables.refinement.randomness import FIXED_LABEL_SEED, Purpose, numpy_stream, torch_stream
from trainables.refinement.report import evaluated_part, iteration_report, mean_ap, measured_anew, split_report
from trainables.refinement.selection import SelectionSplits, selection_splits, trains_background
from trainables.refinement.tuning import best_pair, pair_maps, pair_of, tuning_grid
from trainables.refinement.unsupervised import Evidence, signals
from trainables.report import IterationReport, SplitReport, TunedThresholds
from trainables.training import NonFiniteLoss, Trained, Weights, score_split, train

Mask = npt.NDArray[np.bool_]


@dataclass
class RunState:
    """All that is needed to go on after an iteration.

    iteration: the last finished one. reports: one per iteration so far. weights: the model that makes the next
    pseudo labels. label_history: unsampled foreground masks of the last iterations, by split.
    """

    iteration: int
    finished: bool
    reports: list[IterationReport]
    weights: Weights
    label_history: dict[str, list[Mask]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class IterationResult:
    """predictions: segments by split, of the chosen epoch's model. labels: unsampled pseudo labels that it trained
    with, by split (empty at iteration 0). weights: the chosen epoch's, on the CPU; those of ``state`` may be the last
    epoch's. state: to go on from."""

    report: IterationReport
    predictions: dict[str, Segments]
    labels: dict[str, Mask]
    weights: Weights
    state: RunState


@dataclass(frozen=True, eq=False)
class PreparedIteration:
    """An iteration that is ready to train. labels: unsampled, by split. seconds: spent so far. shuffling: of the
    training videos; valid_shuffling: of those that choose, None where their order is fixed."""

    previous: RunState | None
    history: dict[str, list[Mask]]
    labels: dict[str, Mask]
    model: BaseModel
    train: SplitTensors
    valid: SplitTensors
    shuffling: np.random.Generator
    valid_shuffling: np.random.Generator | None
    seconds: float


class Measured(NamedTuple):
    """What a model says of each split, by name, and what the videos that choose say of it. tuned: the thresholds that
    the predictions are made with, None where they are the configuration's."""

    scores: dict[str, SnippetScores]
    predictions: dict[str, Segments]
    splits: dict[str, SplitReport]
    signals: dict[str, float | None]
    tuned: TunedThresholds | None


class Engine:
    """The parts of a run that stay the same over its iterations."""

    def __init__(self, config: RunConfig, data: Dataset, cache: DeviceCache) -> None:
        self.config, self.data, self.cache = config, data, cache
        self.splits: SelectionSplits = selection_splits(config, data)
        multi_label = config.dataset.multi_label
        self.tensors = {
            name: SplitTensors.of(split, len(data.classes), multi_label, cache.features, trains_background(config))
            for name, split in self.splits.reported().items()
        }
        self.labels_config = _resolved(config.pseudo_labels, self.splits.train)
        self.dtype = getattr(torch, config.compute.dtype)
        self.shape = data.dimensions, len(data.classes)
        self._scored: tuple[Weights, dict[str, SnippetScores]] | None = None  # with the weights that make labels next

    def prepare(self, state: RunState | None) -> PreparedIteration:
        """Pseudo labels from the model before, and a fresh model."""
        started = time.perf_counter()
        iteration = 0 if state is None else state.iteration + 1
        history = {} if state is None else self._label(state, iteration)
        labels = {name: union(masks) for name, masks in history.items()}
        model = self._model(iteration, state)
        tensors = self._labelled(labels, iteration, model)
        if not labels:  # nothing is to be learnt yet of videos that show no class
            tensors = {name: one.with_video_labels() for name, one in tensors.items()}
        shuffling = numpy_stream(self.config.seed, iteration, "shuffling")
        shuffled = self.config.training.validation_order == "shuffled"
        valid_shuffling = numpy_stream(self.config.seed, iteration, "shuffling_valid") if shuffled else None
        valid = tensors[self.splits.valid.name]
        seconds = time.perf_counter() - started
        return PreparedIteration(
            state, history, labels, model, tensors["train"], valid, shuffling, valid_shuffling, seconds
        )

    def train(self, prepared: PreparedIteration) -> Trained | NonFiniteLoss:
        """Train this run alone, not in the joint trainer."""
        model = prepared.model
        try:
            return train(
                model,
                lambda _: model.training_batches(prepared.train, prepared.shuffling),
                prepared.valid,
                self.config.training,
                self.dtype,
                self.measure,
                prepared.valid_shuffling,
            )
        except NonFiniteLoss as error:
            return error

    def finish(self, prepared: PreparedIteration, trained: Trained, training_s: float) -> IterationResult:
        """Scores, predictions and report of the chosen epoch's model."""
        started = time.perf_counter()
        model = prepared.model
        labels = {name: of_any_class(mask) for name, mask in prepared.labels.items()}
        model.load_state_dict(trained.best)
        measured = self._measured(model, labels, trained.curve[trained.chosen_epoch].valid.video)
        previous = [] if prepared.previous is None else prepared.previous.reports
        spent_s = prepared.seconds + training_s
        report = replace(
            iteration_report(self.config, measured.splits, trained, previous, measured.signals, measured.tuned),
            training_s=spent_s,
            seconds=spent_s + time.perf_counter() - started,
        )
        next_weights = trained.best if self.config.pseudo_labels.source == "best_epoch" else trained.last
        next_state = RunState(
            iteration=report.iteration,
            finished=report.finished,
            reports=[*previous, report],
            weights={name: tensor.cpu() for name, tensor in next_weights.items()},
            label_history=prepared.history,
        )
        # The scores at hand are the chosen epoch's. They make the next labels only where that model does.
        if next_weights is trained.best or trained.chosen_epoch == trained.curve[-1].epoch:
            self._scored = next_state.weights, measured.scores
        weights = {name: tensor.cpu() for name, tensor in trained.best.items()}
        return IterationResult(report, measured.predictions, labels, weights, next_state)

    def measure_anew(self, state: RunState, weights: Weights) -> IterationResult:
        """The M0 of another run whose segments were predicted otherwise; weights: of its chosen epoch."""
        report = state.reports[0]
        model = self._model(0, None)
        model.load_state_dict(weights)
        assert report.valid_loss is not None, "every version recorded it"
        measured = self._measured(model, {}, report.valid_loss.video)
        report = measured_anew(self.config, report, measured.splits, measured.signals, measured.tuned)
        now = replace(state, finished=report.finished, reports=[report])
        return IterationResult(report, measured.predictions, {}, weights, now)

    def pair_maps(self, weights: Weights) -> tuple[ThresholdGrid, dict[str, Floats]]:
        """Selection mAP of a model with every pair of thresholds, by split, where a split did not train and has
        annotations; the grid of pairs first."""
        model = self._model(0, None)
        model.load_state_dict(weights)
        grid, maps = tuning_grid(self.config.prediction), {}
        for name, every in self.splits.reported().items():
            scored = self._split(name)
            known = evaluated_part(every) is not None and every is not self.splits.train
            found = pair_maps(self.config, self.data, every, scored, self._score(model, name), grid) if known else None
            if found is not None:
                maps[name] = found
        return grid, maps

    def measure(self, model: BaseModel) -> float:
        """Selection mAP of the videos that choose, by the model as it is."""
        valid = self.splits.valid
        predictions = model.predict(self._score(model, valid.name), self._split(valid.name))
        measured = mean_ap(self.config, self.data, valid, predictions)
        assert measured is not None, "videos that choose by mAP are annotated"
        assert measured.selection_map is not None, "and have instances"
        return measured.selection_map

    def _measured(self, model: BaseModel, labels: Mapping[str, Mask], valid_video_loss: float) -> Measured:
        """What a model says of all splits. labels: that trained it. valid_video_loss: of the videos that choose."""
        scores = {name: self._score(model, name) for name in self.tensors}
        predictions = {name: model.predict(scores[name], self._split(name)) for name in scores}
        tuned = None
        if self.config.prediction.tune == "thresholds":
            tuned = self._tuned(scores, predictions)
            used = self.config.prediction.model_copy(update=asdict(tuned.chosen))
            predictions = {name: predict_segments(scores[name], self._split(name), used) for name in scores}
        splits = {
            name: split_report(
                self.config, self.data, self._split(name), every, scores[name], predictions[name], labels.get(name)
            )
            for name, every in self.splits.reported().items()
        }
        chooser = self.splits.valid.name
        seen = self._split(chooser), scores[chooser], predictions[chooser]
        # What the videos that choose say of the model without their temporal annotations.
        found = signals(Evidence(*seen, valid_video_loss, labels.get(chooser)))
        return Measured(scores, predictions, splits, found, tuned)

    def _tuned(self, scores: Mapping[str, SnippetScores], configured: Mapping[str, Segments]) -> TunedThresholds:
        """The best pair on the videos that choose. configured: predictions with the configuration's pair, by split."""
        own, every = pair_of(self.config.prediction), self.splits.reported()
        grid, chooser = tuning_grid(self.config.prediction), self.splits.valid.name
        found = pair_maps(self.config, self.data, every[chooser], self._split(chooser), scores[chooser], grid)
        assert found is not None, "the rule chooses by the mAP of these videos"
        maps = {name: mean_ap(self.config, self.data, split, configured[name]) for name, split in every.items()}
        own_maps = {name: None if one is None else one.selection_map for name, one in maps.items()}
        return TunedThresholds(best_pair(found, grid, own), own, own_maps)

    def _split(self, name: str) -> Split:
        return self.tensors[name].split

    def _model(self, iteration: int, state: RunState | None) -> BaseModel:
        rng = torch_stream(self.config.seed, iteration, "initial_weights")
        model = build_base_model(self.config, *self.shape, rng)
        if state is not None and not self.config.refinement.reinitialise:
            model.load_state_dict(state.weights)
        return model.to(self.cache.device)

    def _score(self, model: BaseModel, name: str) -> SnippetScores:
        return score_split(model, self.tensors[name], self.dtype)

    def _label(self, state: RunState, iteration: int) -> dict[str, list[Mask]]:
        """Foreground masks of the last m iterations, newest last, for the videos that train and that choose."""
        model = self._model(iteration, None)
        model.load_state_dict(state.weights)
        weights, known = self._scored or (None, {})
        self._scored = None  # not held while the next model trains
        # By identity: these are the scores of the very weights of this process; a state from the disk is scored anew.
        scores = known if weights is state.weights else {}
        kept = self.config.pseudo_labels.from_last_iterations - 1
        history = {}
        for name, purpose in self._label_splits("labels_train", "labels_valid"):
            rng = self._label_stream(iteration, purpose)
            seen = scores.get(name) or self._score(model, name)
            split = self._split(name)
            mask = without_background_videos(model.label(seen, split, self.labels_config, rng), split)
            older = state.label_history.get(name, [])
            history[name] = [*(older[-kept:] if kept else []), mask]
        return history

    def _labelled(self, labels: dict[str, Mask], iteration: int, model: BaseModel) -> dict[str, SplitTensors]:
        """The splits with a sample of their pseudo labels."""
        tensors = dict(self.tensors)
        if labels:
            for name, purpose in self._label_splits("sampling_train", "sampling_valid"):
                rng = self._label_stream(iteration, purpose)
                sampled = sample(labels[name], self._split(name), self.labels_config.sampled_share, rng)
                share = model.background_share(labels[name], self._split(name))
                tensors[name] = tensors[name].with_labels(sampled, share)
        return tensors

    def _label_splits(self, of_train: Purpose, of_valid: Purpose) -> list[tuple[str, Purpose]]:
        return [("train", of_train), (self.splits.valid.name, of_valid)]

    def _label_stream(self, iteration: int, purpose: Purpose) -> np.random.Generator:
        fixed = self.config.pseudo_labels.randomness == "fixed"
        return numpy_stream(FIXED_LABEL_SEED if fixed else self.config.seed, iteration, purpose)


def without_background_videos(foreground: Mask, split: Split) -> Mask:
    """Pseudo labels, (N,) or (N, C), with videos that show no class as background throughout."""
    shows_V = np.array([bool(video.labels) for video in split.videos], dtype=bool)
    if shows_V.all():
        return foreground
    foreground = foreground.copy()
    foreground[~shows_V[split.video_of_snippet]] = False
    return foreground


def _resolved(config: PseudoLabelConfig, train: Split) -> PseudoLabelConfig:
    """With 'annotated' replaced by the training videos' share of foreground snippets (paper; D18)."""
    generator_named(config.generator)
    if config.foreground_share != "annotated":
        return config
    known = train.annotated_part()
    assert known is not None, "require_annotations has checked it"
    return config.model_copy(update={"foreground_share": float(known.snippet_truth.mean())})
