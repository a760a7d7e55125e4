"""What sampler and pruner are told of a trial: the best of its refined iterations, or of all with M0 among them.

M0 is the same for all trials of a seed. Counted among a trial's iterations, it gives one and the same number to every
configuration that refinement does not improve, however bad it is, and a search cannot tell these apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from study.config import ObjectiveName
from study.ledger import TrialRecord
from trainables.report import IterationReport

NOTHING_YET = -math.inf


def told_value(record: TrialRecord, objective: ObjectiveName) -> float | None:
    """The number of an ended trial; None where it has none that is finite."""
    value = record.refined_objective if objective == "refined" else record.objective
    return value if value is not None and math.isfinite(value) else None


def told_curve(reports: Sequence[IterationReport], objective: ObjectiveName) -> tuple[float, ...]:
    """The best number so far after each iteration; of refined iterations alone, NOTHING_YET in the place of M0.

    reports: in the order of iterations.
    """
    if objective == "best":
        return tuple(report.best_so_far for report in reports if report.best_so_far is not None)
    curve, best = [], NOTHING_YET
    for report in reports:
        if report.refined_number is not None:
            best = max(best, report.refined_number)
        curve.append(best)
    return tuple(curve)
