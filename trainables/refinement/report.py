"""The report of one refinement iteration, computed from the scores and predictions of its chosen epoch's model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainables.config import RunConfig
from trainables.data import Dataset, Segments, Split
from trainables.evaluation import evaluate
from trainables.labels import Mask, SnippetScores, label_quality
from trainables.report import IterationReport, Selection, SplitMap, SplitReport, VideoAccuracy
from trainables.training import Trained


def iteration_report(
    config: RunConfig, splits: dict[str, SplitReport], trained: Trained, previous: Sequence[IterationReport]
) -> IterationReport:
    """Report of the iteration that follows ``previous``. Its times are zero until they are known."""
    chosen, last = trained.curve[trained.chosen_epoch], trained.curve[-1]
    chooser = "test" if config.selection.rule == "paper" else "held_out"
    chosen_map = splits[chooser].map
    selection = Selection(chooser, None if chosen_map is None else chosen_map.selection_map)
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
    )


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
    so that a video without features is one without predictions. labels: unsampled pseudo labels, None without."""
    return SplitReport(
        map=mean_ap(config, data, every, predictions),
        video_accuracy=video_accuracy(scores, scored),
        attention_accuracy=attention_accuracy(scores, scored),
        pseudo_labels=None if labels is None else label_quality(labels, scored.snippet_truth),
    )


def best_of(selections: Sequence[Selection]) -> tuple[int, float | None]:
    """The iteration of the highest selection mAP so far, and that mAP; ties go to the earlier one, which cost less."""
    values = [selection.map for selection in selections]
    best = int(np.argmax(np.array(values, dtype=np.float64)))
    return best, values[best]


def _is_last(config: RunConfig, iteration: int, best_iteration: int) -> bool:
    refinement = config.refinement
    without_best = iteration - best_iteration
    return iteration + 1 >= refinement.iterations or (
        refinement.patience is not None and without_best >= refinement.patience
    )


def mean_ap(config: RunConfig, data: Dataset, split: Split, predictions: Segments) -> SplitMap:
    """mAP of a split at every reported tIoU with the counts that it stands on."""
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


def video_accuracy(scores: SnippetScores, split: Split) -> VideoAccuracy:
    """Share of videos whose highest class is their first label, pooled by attention and by the plain mean."""
    first = np.array([video.labels[0] for video in split.videos])
    return VideoAccuracy(
        with_attention=_percent(scores.video_score.argmax(axis=1) == first),
        without_attention=_percent(scores.mean_score.argmax(axis=1) == first),
    )


def attention_accuracy(scores: SnippetScores, split: Split) -> float:
    """Share of snippets whose hard attention (foreground >= 1/2) agrees with the annotation, over the split."""
    return _percent((scores.foreground >= 0.5) == split.snippet_truth)


def _percent(hits: np.ndarray) -> float:
    return 100 * float(hits.mean()) if hits.size else 0.0
