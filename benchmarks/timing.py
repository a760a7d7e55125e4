"""Seconds of several pieces of work of one thread, run in turn: a machine that slows down then slows all of them alike.

Seconds of the processor, not of the clock: what other processes take does not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

from tabulate import tabulate

Work = Callable[[], object]


def in_turn(work: Mapping[str, Work], runs: int) -> dict[str, list[float]]:
    """Processor seconds of each piece, ``runs`` times in turn, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for counts in [False] + [True] * runs:
        for name, task in work.items():
            started = time.process_time()
            task()
            if counts:
                times[name].append(time.process_time() - started)
    return times


def ratios(times: Mapping[str, list[float]], name: str, rival: str) -> list[float]:
    """Of a piece to its rival in each round."""
    return [ours / theirs for ours, theirs in zip(times[name], times[rival], strict=True)]


def ratio_table(times: Mapping[str, list[float]], rival: str, unit: str = "ratio") -> str:
    """Median milliseconds of each piece, and how often it is ``rival``'s time: median over the rounds, and range."""
    rows = []
    for name in times:
        each = ratios(times, name, rival)
        spread = f"{min(each):.2f}-{max(each):.2f}"
        rows.append((name, 1000 * statistics.median(times[name]), statistics.median(each), spread))
    return tabulate(rows, ["", "ms", unit, "range"], floatfmt=("", ".1f", ".2f", ""), preserve_whitespace=True)
