"""The outer loop: train, relabel, train anew; its state, its report, selection and random streams."""

from __future__ import annotations

from trainables.refinement.iteration import IterationResult, RunState
from trainables.refinement.refine import after_m0, measured_m0, refine, refine_together
from trainables.refinement.selection import require_annotations, selection_splits

__all__ = [
    "IterationResult",
    "RunState",
    "after_m0",
    "measured_m0",
    "refine",
    "refine_together",
    "require_annotations",
    "selection_splits",
]
