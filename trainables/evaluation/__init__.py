"""Mean average precision under the field's evaluation protocols; ``python -m trainables.evaluation``."""

from __future__ import annotations

from trainables.evaluation.detections import InputCounts, read_detections, truth_warnings
from trainables.evaluation.files import evaluate_file
from trainables.evaluation.matching import Floats, Ints, candidate_pairs, matches
from trainables.evaluation.mean_ap import Evaluation, evaluate, tiou_thresholds
from trainables.evaluation.protocols import PROTOCOLS, EvaluationProtocol, Ranking
from trainables.evaluation.subsets import Subsets, maps_of_subsets

__all__ = [
    "PROTOCOLS",
    "Evaluation",
    "EvaluationProtocol",
    "Floats",
    "InputCounts",
    "Ints",
    "Ranking",
    "Subsets",
    "candidate_pairs",
    "evaluate",
    "evaluate_file",
    "maps_of_subsets",
    "matches",
    "read_detections",
    "tiou_thresholds",
    "truth_warnings",
]
