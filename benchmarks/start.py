"""How long the commands take that train nothing: ``python -m benchmarks.start``.

``study.launch --dry-run``, and ``study.status`` and ``analysis.tables`` on a study of so many trials with replayed
curves, each against a process that only imports what its command needs from outside. Seconds of the clock, and of the
processor, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from benchmarks.tabulated import ITERATIONS, Tabulated
from study.config import load_study_config, parse_study
from study.driver import Driver, NoTrial
from study.execution.searcher import Limits, worker_order
from study.ledger import DatasetSettings, StudyEnded, StudySettings, StudyStarted, create_folder
from trainables.config import preset
from trainables.worker.messages import ANSWER, as_config

NEEDED = {
    "study.launch --dry-run": "numpy, pandas, pydantic, h5py",
    "study.status": "pydantic",
    "analysis.tables": "numpy, pandas, pydantic, tabulate",
}


class Spent(NamedTuple):
    """Seconds of one process."""

    clock_s: float
    processor_s: float


def replay(study_dir: Path, trials: int) -> str:
    """A complete study without training and without Ray; returns its name."""
    run = preset("simulated").updated({"compute.device": "cpu"})
    study = parse_study(
        {**load_study_config("search").as_dict(), "num_samples": trials, "sampler": "random"}, "benchmark"
    )
    dataset = DatasetSettings("simulated", "simulated", simulated=True, classes=("a",))
    settings = StudySettings(run.model_dump(mode="json"), study.as_dict(), dataset=dataset)
    driver = Driver(create_folder(study_dir, "replayed", settings), study, run)
    driver.note(StudyStarted())
    while not isinstance(record := driver.next_trial(), NoTrial):
        order = worker_order(driver, [record], Limits())
        trainable = Tabulated(as_config(order))
        driver.started(record.number, "localhost", 0, "cpu")
        for _ in range(ITERATIONS):
            (answer,) = trainable.step()[ANSWER].trials
            driver.reported(record.number, answer.report)
        driver.ended(record.number, "completed")
    driver.note(StudyEnded(driver.num_finished))
    driver.close()
    return "replayed"


def spent(arguments: list[str], folder: Path) -> Spent:
    """Run a process to its end; raises CalledProcessError where it fails."""
    before, started = os.times(), time.perf_counter()
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    clock_s, after = time.perf_counter() - started, os.times()
    processor_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(clock_s, processor_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[25, 2000])
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    rows = []
    for trials in given.trials:
        with tempfile.TemporaryDirectory() as aside:
            name = replay(Path(aside) / "studies", trials)
            commands = {
                "study.launch --dry-run": ["-m", "study.launch", "--dry-run"],
                "study.status": ["-m", "study.status", name],
                "analysis.tables": ["-m", "analysis.tables", "--study", name],
            }
            for command, arguments in commands.items():
                pairs = []
                for _ in range(given.runs):
                    imports = spent(["-c", f"import {NEEDED[command]}"], Path(aside))
                    pairs.append((spent(arguments, Path(aside)), imports))
                ours = [statistics.median(s) for s in zip(*(ours for ours, _ in pairs), strict=True)]
                imports_s = [statistics.median(s) for s in zip(*(floor for _, floor in pairs), strict=True)]
                ratio = statistics.median(ours.processor_s / floor.processor_s for ours, floor in pairs)
                rows.append([command, trials, *ours, *imports_s, ratio])
    names = ["", "trials in study", "s", "s of processor", "import, s", "import, s of processor", "ratio"]
    print(tabulate(rows, names, floatfmt=".2f"))


if __name__ == "__main__":
    main()
