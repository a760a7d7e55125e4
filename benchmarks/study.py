"""How busy a study keeps its cores with training: ``python -m benchmarks.study``.

The grid ``generator-beta`` (25 configurations) on spoken-digits, through ``study.launch``, with two workers. Busy is
the sum of the iterations' training seconds (the shared base model counted once, as it is trained) over workers times
seconds; first of the study alone, from the first trial's start to the last one's end, then of the whole command.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from study.ledger import Event, IterationEnded, StudyFolder, TrialEnded, TrialStarted, read_ledger


def seconds_busy(events: Iterable[Event]) -> tuple[float, float]:
    """Seconds of epochs and label making, and of whole iterations; an iteration 0 taken over is neither."""
    own = [e.report for e in events if isinstance(e, IterationEnded) and (e.report.m0 is None or e.report.m0.trained)]
    return sum(report.training_s or 0.0 for report in own), sum(report.seconds for report in own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--study", default="generator-beta")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of study.launch")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        options = ["--dataset", "spoken-digits", "--study", given.study, "--max-concurrent", str(given.workers)]
        for setting in given.set:
            options += ["--set", setting]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "study.launch", *options, "--study-dir", aside, "--name", "busy"],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        command_s = time.perf_counter() - started
        events = read_ledger(StudyFolder(Path(aside) / "busy").ledger_file).events
    training_s, iterations_s = seconds_busy(events)
    starts = [event.time for event in events if isinstance(event, TrialStarted)]
    ends = [event.time for event in events if isinstance(event, TrialEnded)]
    base = next(event for event in events if isinstance(event, IterationEnded))
    rows = [
        ("first trial's start to last one's end", max(ends) - min(starts)),
        ("the same, after the base model", max(ends) - base.time),
        ("whole command", command_s),
    ]
    alone = base.report.training_s or 0.0, base.report.seconds
    print(f"{len(ends)} trials, {given.workers} workers; base model {alone[1]:.1f} s, during which one worker waits")
    table = []
    for name, span in rows:
        shift = alone if "after" in name else (0, 0)
        busy = [
            100 * (spent - less) / given.workers / span
            for spent, less in zip((training_s, iterations_s), shift, strict=True)
        ]
        table.append([name, span, *busy])
    print(tabulate(table, ["", "s", "training, % of cores", "iterations, % of cores"], floatfmt=".1f"))


if __name__ == "__main__":
    main()
