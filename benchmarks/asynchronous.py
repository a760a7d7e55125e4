"""What determinism costs, by simulation: ``python -m benchmarks.asynchronous``.

A search of 64 configurations over a replayed objective, on a clock that is only counted: trials take random times
(log-normal, about as different as refinement runs with early stops are). Compared are deterministic studies, which
wait for results up to a fixed distance back, and asynchronous ones, which never wait: the share of time in which a
place stood idle, and the best objective found. Means over study seeds, with standard deviations.
"""

from __future__ import annotations

import argparse
import heapq
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tabulate import tabulate

from benchmarks.tabulated import curve
from study.config import load_study_config, parse_study
from study.driver import Driver, NoTrial
from study.ledger import StudyFolder, TrialRecord
from trainables.config import preset
from trainables.report import IterationReport, Selection

SPREAD = 0.5  # standard deviation of the logarithm of a trial's time


def simulate(folder: Path, workers: int, seed: int, trials: int, **changes: Any) -> tuple[float, float]:
    """Share of the places' time that was idle (percent), and the best objective, of one study."""
    run = preset("simulated").updated({"refinement.iterations": 3})
    settings = {**load_study_config("search").as_dict(), "num_samples": trials, "seed": seed, **changes}
    driver = Driver(StudyFolder(folder), parse_study(settings, "benchmark"), run)
    order = random.Random(seed)
    running: list[tuple[float, int]] = []
    now = busy = 0.0
    while True:
        while len(running) < workers:
            trial = driver.next_trial()
            if isinstance(trial, NoTrial):
                break
            takes = order.lognormvariate(0, SPREAD)
            busy += takes
            heapq.heappush(running, (now + takes, trial.number))
        if not running:
            break
        now, number = heapq.heappop(running)
        finish(driver, driver.records[number])
    driver.close()
    best = max(record.objective or 0.0 for record in driver.records.values())
    return 100 * (1 - busy / (now * workers)), best


def finish(driver: Driver, record: TrialRecord) -> None:
    """Report the curve of a trial and end it."""
    known = curve(driver.run_config(record))
    for iteration, value in enumerate(known):
        best = max(known[: iteration + 1])
        last = iteration + 1 == len(known)
        report = IterationReport(iteration, Selection("test", value), known.index(best), best, last, seconds=1.0)
        driver.reported(record.number, report)
    driver.ended(record.number, "completed")


def text(values: Sequence[float]) -> str:
    return f"{fmean(values):.1f} ± {stdev(values):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    rows = []
    for workers in (2, 4, 8):
        ways: dict[str, dict[str, Any]] = {
            "deterministic, lookback 3": {},
            f"deterministic, lookback {2 * workers}": {"lookback": 2 * workers},
            "asynchronous": {"asynchronous": True},
            "random": {"sampler": "random"},
        }
        for name, changes in ways.items():
            with tempfile.TemporaryDirectory() as aside:
                made = []
                for seed in range(given.seeds):
                    folder = Path(aside) / str(seed)
                    folder.mkdir()
                    made.append(simulate(folder, workers, seed, given.trials, **changes))
            idle, best = zip(*made, strict=True)
            rows.append([workers, name, text(idle), text(best)])
            print(tabulate(rows[-1:], tablefmt="plain"), flush=True)
    print(tabulate(rows, ["workers", "", "idle, %", f"best of {given.trials}"]))


if __name__ == "__main__":
    main()
