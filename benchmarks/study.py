"""How busy a study keeps its cores with training, and what the command takes around its trials:
``python -m benchmarks.study``.

The grid ``generator-beta`` (25 configurations) on spoken-digits, through ``study.launch``, with two workers. Busy is
the sum of the iterations' training seconds (the shared base model counted once, as it is trained) over workers times
seconds; first of the study alone, from the first trial's start to the last one's end, then of the whole command.

The second table has the parts of the command: seconds of the clock, and of the processor in all of its processes, which
other work on the machine changes less. ``--around``: that table alone, of a study of so few and short trials that only
their surroundings count.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from benchmarks.process_time import ProcessorWatch
from study.ledger import (
    Event,
    IterationEnded,
    StudyCreated,
    StudyFolder,
    StudyStarted,
    TrialEnded,
    TrialStarted,
    read_ledger,
)

AROUND = ["--num-samples", "8", "--set", "training.epochs=10", "--set", "refinement.iterations=2"]


class Part(NamedTuple):
    """Of a command; seconds."""

    name: str
    clock_s: float
    processor_s: float


def seconds_busy(events: Iterable[Event]) -> tuple[float, float]:
    """Seconds of epochs and label making, and of whole iterations; an iteration 0 taken over is neither."""
    own = [e.report for e in events if isinstance(e, IterationEnded) and (e.report.m0 is None or e.report.m0.trained)]
    return sum(report.training_s or 0.0 for report in own), sum(report.seconds for report in own)


def parts(events: Iterable[Event], began: float, ended: float, watch: ProcessorWatch) -> list[Part]:
    """What the command did, one thing after another; began, ended: of its process."""
    times: dict[type, list[float]] = {}
    for event in events:
        times.setdefault(type(event), []).append(event.time or 0.0)
    marks = [
        ("request, data, folder", times[StudyCreated][0]),
        ("Ray starts", times[StudyStarted][0]),
        ("the first trial's worker", times[TrialStarted][0]),
        ("trials", times[TrialEnded][-1]),
        ("the end", ended),
    ]
    found, before = [], began
    for name, until in marks:
        found.append(Part(name, until - before, watch.until(until) - watch.until(before)))
        before = until
    return found


def print_parts(found: list[Part]) -> None:
    whole = Part("whole command", *(sum(column) for column in list(zip(*found, strict=True))[1:]))
    trials = next(part for part in found if part.name == "trials")
    around = Part("around the trials", *(all_s - own_s for all_s, own_s in zip(whole[1:], trials[1:], strict=True)))
    rows = [(*part, 100 * part.clock_s / whole.clock_s) for part in [*found, whole, around]]
    print(tabulate(rows, ["", "s", "s of processor", "% of the command"], floatfmt=("", ".1f", ".1f", ".0f")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--study", default="generator-beta")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of study.launch")
    parser.add_argument("--around", action="store_true", help="what the command takes around its trials, alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        options = ["--dataset", "spoken-digits", "--study", given.study, "--max-concurrent", str(given.workers)]
        for setting in given.set:
            options += ["--set", setting]
        began = time.time()
        command = [sys.executable, "-m", "study.launch", *options, *(AROUND if given.around else [])]
        launched = subprocess.Popen([*command, "--study-dir", aside, "--name", "busy"], stdout=subprocess.DEVNULL)
        watch = ProcessorWatch(launched.pid)
        watch.start()
        status = launched.wait()
        ended = time.time()
        watch.stop()
        if status:
            raise SystemExit(f"study.launch: exit status {status}")
        events = read_ledger(StudyFolder(Path(aside) / "busy").ledger_file).events
    if not given.around:
        print_busy(events, given.workers, ended - began)
        print()
    print_parts(parts(events, began, ended, watch))


def print_busy(events: Sequence[Event], workers: int, command_s: float) -> None:
    """How much of the cores' time is training."""
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
    print(f"{len(ends)} trials, {workers} workers; base model {alone[1]:.1f} s, during which one worker waits")
    table = []
    for name, span in rows:
        shift = alone if "after" in name else (0, 0)
        busy = [
            100 * (spent - less) / workers / span for spent, less in zip((training_s, iterations_s), shift, strict=True)
        ]
        table.append([name, span, *busy])
    print(tabulate(table, ["", "s", "training, % of cores", "iterations, % of cores"], floatfmt=".1f"))


if __name__ == "__main__":
    main()
