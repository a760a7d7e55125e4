"""Which running trial is stopped early: by its curve, against those of configurations with lower numbers.

A trial of configuration c is compared with the configurations that c was proposed from: all have ended before it
began. So a decision depends on numbers alone, never on which worker was faster, and is the same after a resume
(with ``--asynchronous`` it is not: whatever has ended by then counts). No Ray.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

# Curve: best objective so far after each iteration. A curve that ended early keeps its last value.
Curve = Sequence[float]
Pruner = Callable[[Curve, Sequence[Curve], int], bool]

LEAST_CURVES = 4  # a median of fewer says nothing: the first trials of a study are never pruned by it
REDUCTION = 3  # the factor that ASHA's authors use


def prune_by_median(curve: Curve, others: Sequence[Curve], grace: int) -> bool:
    """Below the median of the others after the same iteration, from iteration ``grace`` on."""
    step = len(curve) - 1
    if step < grace or len(others) < LEAST_CURVES:
        return False
    return curve[-1] < median(_at(other, step) for other in others)


def prune_by_halving(curve: Curve, others: Sequence[Curve], grace: int) -> bool:
    """Asynchronous successive halving: at iterations grace, 3 grace, 9 grace, ... only the best third goes on."""
    step = len(curve) - 1
    if not _is_rung(step, max(grace, 1)):
        return False
    # Who was stopped at a lower rung never came here.
    reached = [_at(other, step) for other in others if len(other) > step]
    better = sum(value > curve[-1] for value in reached)
    return len(reached) + 1 >= REDUCTION and better >= math.ceil((len(reached) + 1) / REDUCTION)


PRUNERS: dict[str, Pruner] = {"median": prune_by_median, "asha": prune_by_halving}


def _is_rung(step: int, grace: int) -> bool:
    rung = grace
    while rung < step:
        rung *= REDUCTION
    return rung == step


def _at(curve: Curve, step: int) -> float:
    return curve[min(step, len(curve) - 1)]
