"""Evaluation of a file of detections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainables.data import GroundTruth
from trainables.errors import UserError
from trainables.evaluation.detections import Detections, read_detections
from trainables.evaluation.matching import Floats
from trainables.evaluation.mean_ap import Evaluation, evaluate


def evaluate_file(
    predictions: Path, truth: GroundTruth, source: Path, tiou: Sequence[float] | Floats, protocol: str
) -> tuple[Evaluation, Detections]:
    """Read predictions and evaluate them by one of PROTOCOLS. source: of the ground truth, for messages.

    Raises UserError where there is nothing to compare, or the file cannot be used.
    """
    truth.require_instances(source)
    found = read_detections(predictions, truth, protocol)
    try:
        result = evaluate(
            truth.instances, found.segments, len(truth.classes), tiou, len(truth.videos), protocol, truth.ambiguous
        )
    except ValueError as error:
        raise UserError(f"{source}: {error}") from None
    return result, found
