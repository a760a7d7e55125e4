"""The report of one refinement iteration, computed from the scores and predictions of its chosen epoch's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from trainables.config import RunConfig
from trainables.data import Dataset, Segments, Split
from trainables.evaluation import evaluate
from trainables.labels import Mask, SnippetScores, label_quality
from trainables.report import (
    IterationReport,
    LossValues,
    Selection,
    SplitMap,
    SplitReport,
    TunedThresholds,
    VideoAccuracy,
)
from trainables.training import Trained


def iteration_report(
    config: RunConfig,
    splits: dict[str, SplitReport],
    trained: Trained,
    previous: Sequence[IterationReport],
    signals: Mapping[str, float | None],
    tuned: TunedThresholds | None = None,
) -> IterationReport:
    """Report of the iteration that follows ``previous``. Its times are zero until they are known."""
    chosen, last = trained.curve[trained.chosen_epoch], trained.curve[-1]
    selection = selection_of(config, splits, signals, chosen.valid)
    best_iteration, best_so_far = best_of([*(report.selection for report in previous), selection])
    iteration = len(previous)
    return IterationReport(
        iteration=iteration,
        selection=selection,
        best_iteration=best_iteration,
        best_so_far=best_so_far,
        finished=_is_last(config, iteration, best_iteration),
        seconds=0.0,
        epochs=len(trained.curve),
        chosen_epoch=trained.chosen_epoch,
        lr_last=last.lr,
        train_loss=chosen.train,
        valid_loss=chosen.valid,
        splits=splits,
        # What choosing by every test is worth: the last number is the one without it.
        map_by_epoch=None if last.map is None else tuple(record.map for record in trained.curve),
        signals=dict(signals),
        tuned=tuned,
    )


def measured_anew(
    config: RunConfig,
    report: IterationReport,
    splits: dict[str, SplitReport],
    signals: Mapping[str, float | None],
    tuned: TunedThresholds | None = None,
) -> IterationReport:
    """The report of an iteration 0 with other numbers of the same model, as ``config`` measures and ends it."""
    selection = selection_of(config, splits, signals, report.valid_loss)
    report = replace(report, selection=selection, splits=splits, signals=dict(signals), tuned=tuned)
    return first_report(config, report)


def selection_of(
    config: RunConfig,
    splits: Mapping[str, SplitReport],
    signals: Mapping[str, float | None],
    valid_loss: LossValues | None,
) -> Selection:
    """The number that an iteration is compared by."""
    chooser = "test" if config.selection.rule == "paper" else "held_out"
    chosen_map = splits[chooser].map
    selection = Selection(chooser, None if chosen_map is None else chosen_map.selection_map)
    if config.selection.rule == "video-labels":
        value = signal_value(config, signals, valid_loss)
        return replace(selection, signal=config.selection.signal, value=value)
    return selection


def signal_value(config: RunConfig, signals: Mapping[str, float | None], valid_loss: LossValues | None) -> float | None:
    """What rule ``video-labels`` compares an iteration by.

    M0's video loss is no fair match for that of refined models, and ``video_loss`` leaves M0 out. Where M0 is the only
    iteration all candidates are M0s, which this loss compares as well as it compares refined models.
    """
    name = config.selection.signal
    if name == "video_loss" and config.refinement.iterations == 1 and valid_loss is not None:
        return -valid_loss.video
    return signals[name]


def first_report(config: RunConfig, report: IterationReport) -> IterationReport:
    """The report of an M0 that another run trained, as ``config`` would have written it."""
    selection = report.selection
    if config.selection.rule == "video-labels" and report.signals is not None:
        selection = replace(selection, value=signal_value(config, report.signals, report.valid_loss))
    best, best_so_far = best_of([selection])
    finished = _is_last(config, 0, best)
    return replace(report, selection=selection, best_iteration=best, best_so_far=best_so_far, finished=finished)


def split_report(
    config: RunConfig,
    data: Dataset,
    scored: Split,
    every: Split,
    scores: SnippetScores,
    predictions: Segments,
    labels: Mask | None,
) -> SplitReport:
    """Numbers of one split. scored: its videos that have scores. every: all its videos, which the evaluation counts,
    so that a video without features is one without predictions. labels: unsampled pseudo labels, None without.

    Numbers that need temporal annotations are those of the videos that have them, None where there are none.
    """
    return SplitReport(
        map=mean_ap(config, data, every, predictions),
        video_accuracy=video_accuracy(scores, scored),
        attention_accuracy=attention_accuracy(scores, scored),
        pseudo_labels=None if labels is None else label_quality(labels, scored.snippet_truth, known_snippets(scored)),
    )


def best_of(selections: Sequence[Selection]) -> tuple[int, float | None]:
    """The iteration of the highest selection number so far, and that number; ties go to the earlier one, which cost
    less. An iteration without a number comes last."""
    values = [selection.number for selection in selections]
    best = int(np.argmax([-np.inf if value is None else value for value in values]))
    return best, values[best]


def _is_last(config: RunConfig, iteration: int, best_iteration: int) -> bool:
    refinement = config.refinement
    without_best = iteration - best_iteration
    return iteration + 1 >= refinement.iterations or (
        refinement.patience is not None and without_best >= refinement.patience
    )


def mean_ap(config: RunConfig, data: Dataset, every: Split, predictions: Segments) -> SplitMap | None:
    """mAP of a split at every reported tIoU with the counts that it stands on, over its annotated videos; None where
    these have no instance."""
    split = evaluated_part(every)
    if split is None:
        return None
    if split is not every:
        predictions = predictions[in_videos_of(split, predictions)]
    tiou = config.evaluation.tiou
    result = evaluate(
        split.ground_truth,
        predictions,
        tiou=tiou,
        num_classes=len(data.classes),
        num_videos=len(split),
        protocol=config.evaluation.protocol,
        ambiguous=split.ambiguous,
    )
    return SplitMap(
        tiou=tuple(tiou),
        map=tuple(result.map.tolist()),
        average_map=result.average_map,
        selection_map=result.map_at(config.evaluation.selection_tiou),
        predictions=result.predictions,
        videos=result.videos,
        instances=result.instances,
    )


def evaluated_part(every: Split) -> Split | None:
    """The annotated videos of a split; None where there is nothing to find in them."""
    split = every.annotated_part()
    return split if split is not None and has_instances(split) else None


def in_videos_of(split: Split, predictions: Segments) -> Mask:
    """Which predictions lie in videos of a split, (N,)."""
    return np.isin(predictions.video.astype(str), split.names.astype(str))


def video_accuracy(scores: SnippetScores, split: Split) -> VideoAccuracy:
    """Share of videos whose highest class is their first label, pooled by attention and by the plain mean."""
    labelled = np.flatnonzero([bool(video.labels) for video in split.videos])
    first = np.array([split.videos[v].labels[0] for v in labelled])
    return VideoAccuracy(
        with_attention=_percent(scores.video_score.argmax(axis=1)[labelled] == first),
        without_attention=_percent(scores.mean_score.argmax(axis=1)[labelled] == first),
    )


def attention_accuracy(scores: SnippetScores, split: Split) -> float | None:
    """Share of snippets whose hard attention (foreground >= 1/2) agrees with the annotation, over the annotated videos
    of the split; None without any."""
    known = known_snippets(split)
    agrees = (scores.foreground >= 0.5) == split.snippet_truth
    if known is None:
        return _percent(agrees)
    return _percent(agrees[known]) if known.any() else None


def known_snippets(split: Split) -> Mask | None:
    """Which snippets lie in annotated videos, (sum of T,); None: all."""
    return None if split.is_annotated else np.repeat(split.annotated_videos, split.lengths)


def has_instances(split: Split) -> bool:
    """Whether there is anything that an evaluation could find."""
    return bool(np.any(split.ground_truth.start_s < split.ground_truth.end_s))


def _percent(hits: np.ndarray) -> float:
    return 100 * float(hits.mean()) if hits.size else 0.0
