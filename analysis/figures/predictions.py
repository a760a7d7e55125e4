"""Figures from the prediction files of a study: precision and recall, timelines of chosen videos, diagnosis."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.characteristics import BINS
from analysis.diagnosis.diagnosis import Diagnosis, diagnose
from analysis.diagnosis.figures import diagnosis_drawings
from analysis.drawing import PAGE_IN, Drawing
from analysis.figures.curves import ROW_IN, curve_data, draw_curves, num_rows
from analysis.figures.timelines import draw_timelines, timeline_data
from analysis.results.predictions import (
    TrialPredictions,
    best_predictions,
    evaluation_note,
    precision_recall,
    telling_videos,
)
from analysis.study import Study
from trainables.evaluation import PROTOCOLS, Floats

RULE = "most, median and least improved video (its own mAP, mean over tIoU)"
EDGES_IN = 0.3  # above and below the panels


def prediction_drawings(study: Study) -> list[Drawing]:
    """Those that the study's folder has the files for; under the study's evaluation protocol, which they name."""
    found = best_predictions(study)
    if found is None or not found.test.is_annotated:
        return []
    thresholds = np.array(study.settings.tiou)
    selecting = study.settings.selection_tiou or study.settings.tiou
    return [
        _curves(study, found, float(selecting[0])),
        _timelines(study, found, thresholds),
        *diagnosis_drawings(_diagnoses(study, found, thresholds)),
    ]


def _curves(study: Study, found: TrialPredictions, tiou: float) -> Drawing:
    curves = precision_recall(found.test, found.chosen, tiou)
    base = precision_recall(found.test, found.base, tiou) if found.base is not None else []
    classes, interpolated = found.test.truth.classes, PROTOCOLS[found.test.protocol].interpolated
    return Drawing(
        "precision_recall",
        f"Precision over recall of each class at tIoU {tiou:g}, {found.title}{'; dashed: M0' * bool(base)}; "
        f"{evaluation_note(study, found.test)}",
        lambda figure: draw_curves(figure, curves, base, classes, interpolated),
        curve_data({"chosen": curves, "M0": base}, classes),
        PAGE_IN,
        ROW_IN * num_rows(len(curves)) + EDGES_IN,
    )


def _timelines(study: Study, found: TrialPredictions, thresholds: Floats) -> Drawing:
    videos = telling_videos(found, thresholds)
    return Drawing(
        "timelines",
        f"Ground truth and predictions over time, {found.title}: the {RULE}; paler: lower score; "
        f"{evaluation_note(study, found.test)}",
        lambda figure: draw_timelines(figure, found, videos),
        timeline_data(found, videos),
        PAGE_IN,
        ROW_IN * len(videos) + EDGES_IN,
    )


def _diagnoses(study: Study, found: TrialPredictions, tiou: Floats) -> list[Diagnosis]:
    """Of M0 and of the chosen iteration, at the thresholds of the study; THUMOS14 has bins of its own.

    DETAD has one definition of a match, that of ActivityNet's evaluation, whatever the study's protocol.
    """
    bins = BINS["thumos14" if study.settings.dataset == "thumos14" else "activitynet"]
    return [diagnose(found.test.truth, segments, bins, tiou, name) for name, segments in found.models.items()]
