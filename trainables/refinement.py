"""The outer loop of RefineLoc: train, relabel, train anew (paper, section 3.2). No Ray, no files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trainables.base_models import BaseModel, build_base_model
from trainables.batches import SplitTensors
from trainables.config import ConfigError, PseudoLabelConfig, RunConfig
from trainables.datasets.contract import Dataset, Split
from trainables.feature_store import FeatureStore
from trainables.pseudo_labels import background_share, generator_named, label_quality, sample, union
from trainables.randomness import FIXED_LABEL_SEED, Purpose, numpy_stream, torch_stream
from trainables.reports import iteration_report, mean_ap
from trainables.scores import SnippetScores
from trainables.segments import Segments
from trainables.selection import SelectionSplits, selection_splits
from trainables.training import Trained, Weights, score_split, train

Mask = npt.NDArray[np.bool_]


@dataclass
class RunState:
    """All that is needed to go on after an iteration.

    iteration: the last finished one. reports: one per iteration so far. weights: the model that makes the next
    pseudo labels. label_history: unsampled foreground masks of the last iterations, by split.
    """

    iteration: int
    finished: bool
    reports: list[dict[str, Any]]
    weights: Weights
    label_history: dict[str, list[Mask]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class IterationResult:
    """report: numbers of the iteration, JSON-able. predictions: segments by split, of the chosen epoch's model.
    labels: unsampled pseudo labels that it trained with, by split (empty at iteration 0). state: to go on."""

    report: dict[str, Any]
    predictions: dict[str, Segments]
    labels: dict[str, Mask]
    state: RunState


def resolve_device(config: RunConfig) -> torch.device:
    """The configured device; 'auto' is CUDA where there is one. ConfigError where 'cuda' cannot be had."""
    wanted = config.compute.device
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("compute.device: 'cuda' was asked for, but torch sees no CUDA device; use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def after_base(config: RunConfig, state: RunState) -> RunState:
    """The state of an iteration 0 that another run of the same base trained, as ``config`` would have left it.

    How many iterations follow is the one thing in it that depends on more than the base.
    """
    finished = config.refinement.iterations == 1
    return replace(state, finished=finished, reports=[{**state.reports[0], "finished": finished}])


def feature_store(config: RunConfig) -> FeatureStore:
    """Where a process keeps its features on the device; hand the same one to all runs of a process."""
    return FeatureStore(resolve_device(config), getattr(torch, config.compute.dtype))


def refine(
    config: RunConfig, data: Dataset, state: RunState | None = None, store: FeatureStore | None = None
) -> Iterator[IterationResult]:
    """Run refinement iterations 0, 1, ... and yield each as it ends; iteration 0 trains without pseudo labels.

    state: go on after this state's iteration, with the same numbers as an uninterrupted run. store: features
    already on the device. Sets torch's thread count, which float sums depend on. Stops after
    ``refinement.iterations``, or when ``refinement.patience`` iterations brought no new best selection mAP.
    """
    torch.set_num_threads(config.compute.threads)
    engine = _Engine(config, data, store or feature_store(config))
    while state is None or not state.finished:
        result = engine.iterate(state)
        state = result.state
        yield result


class _Engine:
    """The parts of a run that stay the same over its iterations."""

    def __init__(self, config: RunConfig, data: Dataset, store: FeatureStore) -> None:
        self.config, self.data, self.store = config, data, store
        self.splits: SelectionSplits = selection_splits(config, data)
        multi_label = config.dataset.multi_label
        self.tensors = {
            name: SplitTensors.of(split, len(data.classes), multi_label, store)
            for name, split in self.splits.reported().items()
        }
        self.labels_config = _resolved(config.pseudo_labels, self.splits.train)
        self.dtype = getattr(torch, config.compute.dtype)

    def iterate(self, state: RunState | None) -> IterationResult:
        started = time.perf_counter()
        iteration = 0 if state is None else state.iteration + 1
        history = {} if state is None else self._label(state, iteration)
        labels = {name: union(masks) for name, masks in history.items()}

        model = self._model(iteration, state)
        trained = self._train(model, iteration, labels)
        trained_s = time.perf_counter() - started
        model.load_state_dict(trained.best)
        scores = {name: self._score(model, name) for name in self.tensors}

        previous = [] if state is None else state.reports
        predictions = {name: model.predict(scores[name], self._split(name)) for name in scores}
        report = iteration_report(self.config, self.data, self._scored_splits(), scores, predictions, trained, previous)
        report["pseudo_labels"] = {
            name: label_quality(mask, self._split(name).snippet_truth).as_dict() for name, mask in labels.items()
        } or None
        report["finished"] = self._finished(report)
        report["training_s"] = trained_s
        report["seconds"] = time.perf_counter() - started
        next_weights = trained.best if self.config.pseudo_labels.source == "best_epoch" else trained.last
        next_state = RunState(
            iteration=iteration,
            finished=report["finished"],
            reports=[*previous, report],
            weights={name: tensor.cpu() for name, tensor in next_weights.items()},
            label_history=history,
        )
        return IterationResult(report, predictions, labels, next_state)

    def _split(self, name: str) -> Split:
        return self.tensors[name].split

    def _scored_splits(self) -> dict[str, tuple[Split, Split]]:
        """By name: the videos that have scores, and all videos of the split, which the evaluation counts."""
        return {name: (self._split(name), split) for name, split in self.splits.reported().items()}

    def _model(self, iteration: int, state: RunState | None) -> BaseModel:
        rng = torch_stream(self.config.seed, iteration, "initial_weights")
        model = build_base_model(self.config, self.data.dimensions, len(self.data.classes), rng)
        if state is not None and not self.config.refinement.reinitialise:
            model.load_state_dict(state.weights)
        return model.to(self.store.device)

    def _score(self, model: BaseModel, name: str) -> SnippetScores:
        return score_split(model, self.tensors[name], self.dtype)

    def _label(self, state: RunState, iteration: int) -> dict[str, list[Mask]]:
        """Foreground masks of the last m iterations, newest last, for the videos that train and that choose."""
        model = self._model(iteration, None)
        model.load_state_dict(state.weights)
        kept = self.config.pseudo_labels.from_last_iterations - 1
        history = {}
        for name, purpose in self._label_splits("labels_train", "labels_valid"):
            rng = self._label_stream(iteration, purpose)
            mask = model.label(self._score(model, name), self._split(name), self.labels_config, rng)
            older = state.label_history.get(name, [])
            history[name] = [*(older[-kept:] if kept else []), mask]
        return history

    def _train(self, model: BaseModel, iteration: int, labels: dict[str, Mask]) -> Trained:
        tensors = dict(self.tensors)
        if labels:
            for name, purpose in self._label_splits("sampling_train", "sampling_valid"):
                rng = self._label_stream(iteration, purpose)
                sampled = sample(labels[name], self._split(name), self.labels_config.sampled_share, rng)
                tensors[name] = tensors[name].with_labels(sampled, background_share(labels[name]))
        shuffling = numpy_stream(self.config.seed, iteration, "shuffling")
        return train(
            model,
            lambda _: model.training_batches(tensors["train"], shuffling),
            tensors[self.splits.valid.name],
            self.config.training,
            self.dtype,
            lambda: self._selection_map(model),
        )

    def _selection_map(self, model: BaseModel) -> float:
        """Of the videos that choose, by the model as it is."""
        valid = self.splits.valid
        predictions = model.predict(self._score(model, valid.name), self._split(valid.name))
        value: float = mean_ap(self.config, self.data, valid, predictions)["selection_map"]
        return value

    def _label_splits(self, of_train: Purpose, of_valid: Purpose) -> list[tuple[str, Purpose]]:
        return [("train", of_train), (self.splits.valid.name, of_valid)]

    def _label_stream(self, iteration: int, purpose: Purpose) -> np.random.Generator:
        fixed = self.config.pseudo_labels.randomness == "fixed"
        return numpy_stream(FIXED_LABEL_SEED if fixed else self.config.seed, iteration, purpose)

    def _finished(self, report: dict[str, Any]) -> bool:
        refinement = self.config.refinement
        stale = report["iteration"] - report["best_iteration"]
        return report["iteration"] + 1 >= refinement.iterations or (
            refinement.patience is not None and stale >= refinement.patience
        )


def _resolved(config: PseudoLabelConfig, train: Split) -> PseudoLabelConfig:
    """With 'annotated' replaced by the training videos' share of foreground snippets (paper; D18)."""
    generator_named(config.generator)
    if config.foreground_share != "annotated":
        return config
    return config.model_copy(update={"foreground_share": float(train.snippet_truth.mean())})
