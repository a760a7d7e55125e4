"""The numbers of one refinement iteration, as plain values that go into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainables.config import RunConfig
from trainables.data import Dataset, Segments, Split
from trainables.evaluation import evaluate
from trainables.labels import SnippetScores
from trainables.training import Trained


def iteration_report(
    config: RunConfig,
    data: Dataset,
    splits: dict[str, tuple[Split, Split]],
    scores: dict[str, SnippetScores],
    predictions: dict[str, Segments],
    trained: Trained,
    previous: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Report of an iteration, from the scores and predictions of its chosen epoch's model.

    splits: by name, the videos with scores and all videos; the evaluation counts all, so that a video without
    features is one without predictions. previous: reports of the iterations before. All mAP and shares in percent.
    """
    chosen, last = trained.curve[trained.chosen_epoch], trained.curve[-1]
    report: dict[str, Any] = {
        "iteration": len(previous),
        "epochs": len(trained.curve),
        "chosen_epoch": trained.chosen_epoch,
        "lr_last": last.lr,
        "loss": {"train": chosen.train._asdict(), "valid": chosen.valid._asdict()},
        "map": {name: mean_ap(config, data, every, predictions[name]) for name, (_, every) in splits.items()},
        "video_accuracy": {name: video_accuracy(scores[name], scored) for name, (scored, _) in splits.items()},
        "attention_accuracy": {name: attention_accuracy(scores[name], scored) for name, (scored, _) in splits.items()},
    }
    chooser = "test" if config.selection.rule == "paper" else "held_out"
    report["selection"] = {"split": chooser, "map": report["map"][chooser]["selection_map"]}
    if last.map is not None:
        # What choosing by every test is worth: the last number is the one without it.
        report["map_by_epoch"] = [record.map for record in trained.curve]
    report.update(best_of([*previous, report]))
    return report


def best_of(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The iteration of the highest selection mAP so far; ties go to the earlier one, which cost less."""
    values = [report["selection"]["map"] for report in reports]
    best = int(np.argmax(values))
    return {"best_iteration": best, "best_so_far": values[best]}


def mean_ap(config: RunConfig, data: Dataset, split: Split, predictions: Segments) -> dict[str, Any]:
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
    return {
        "tiou": list(tiou),
        "map": result.map.tolist(),
        "average_map": result.average_map,
        "selection_map": result.map_at(config.evaluation.selection_tiou),
        "predictions": result.predictions,
        "videos": result.videos,
        "instances": result.instances,
    }


def video_accuracy(scores: SnippetScores, split: Split) -> dict[str, float]:
    """Share of videos whose highest class is their first label, pooled by attention and by the plain mean."""
    first = np.array([video.labels[0] for video in split.videos])
    return {
        "with_attention": _percent(scores.video_score.argmax(axis=1) == first),
        "without_attention": _percent(scores.mean_score.argmax(axis=1) == first),
    }


def attention_accuracy(scores: SnippetScores, split: Split) -> float:
    """Share of snippets whose hard attention (foreground >= 1/2) agrees with the annotation, over the split."""
    return _percent((scores.foreground >= 0.5) == split.snippet_truth)


def _percent(hits: np.ndarray) -> float:
    return 100 * float(hits.mean()) if hits.size else 0.0
