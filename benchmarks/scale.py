"""A study of 2,000 trials without training: ``python -m benchmarks.scale``.

A tabulated trainable replays curves through the whole harness (ledger, search, journal, Ray Tune, workers), in rounds
that extend one study: 250, 500, 1,000 and 2,000 trials. Whatever grows faster than the number of trials shows as
a cost per trial that rises from round to round: look at the driver's own CPU time, as other work on the machine
does not count there.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

from benchmarks.tabulated import Tabulated
from study.config import StudyConfig, load_study_config, parse_study
from study.driver import Driver
from study.execution.cluster import start_ray, stop_ray
from study.execution.optuna_journal import OptunaJournal
from study.execution.session import run_trials
from study.ledger import StudyFolder, StudySettings, create_folder
from study.placement import place
from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.datasets import load_dataset

MIB = 2**20


def extend(folder: StudyFolder, study: StudyConfig, run: RunConfig, data: Dataset, workers: int) -> list[float]:
    """Run a study up to its budget; seconds to open it and per new trial, and what its files then measure."""
    started = time.perf_counter()
    driver = Driver(folder, study, run)
    journal = OptunaJournal(folder, study, driver.run, data.name, driver.records)
    driver.listeners.append(journal)
    opened, before = time.perf_counter() - started, driver.num_finished
    started, started_cpu = time.perf_counter(), time.process_time()
    run_trials(driver, data, place(workers, 0, 1), Tabulated)
    new = driver.num_finished - before
    each, each_cpu = (time.perf_counter() - started) / new, (time.process_time() - started_cpu) / new
    journal.close()
    driver.close()
    command = [sys.executable, "-m", "study.status", folder.name, "--study-dir", str(folder.path.parent), "--json"]
    started = time.perf_counter()
    status = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    asked = time.perf_counter() - started
    trials = len(status["trials"])
    assert status["counts"] == {"completed": trials}, status["counts"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = [file.stat().st_size / 1024 / trials for file in (folder.ledger_file, folder.optuna_file)]
    files = sum(1 for path in folder.path.rglob("*") if path.is_file())
    return [trials, each, each_cpu, opened, *sizes, asked, memory, files]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000, help="in the last round (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    run = preset("simulated").updated({"compute.device": "cpu"})
    data = load_dataset(run.dataset, Path("data"))
    rows = []
    start_ray(given.workers, 0)
    try:
        with tempfile.TemporaryDirectory() as aside:
            folder = None
            for part in (8, 4, 2, 1):
                trials = given.trials // part
                study = parse_study({**load_study_config("search").as_dict(), "num_samples": trials}, "benchmark")
                if folder is None:
                    settings = StudySettings(run.model_dump(mode="json"), study.as_dict())
                    folder = create_folder(Path(aside), "scale", settings)
                rows.append(extend(folder, study, run, data, given.workers))
                print(tabulate(rows[-1:], tablefmt="plain", floatfmt=".3f"), flush=True)
    finally:
        stop_ray()
    names = ["trials", "s per new trial", "driver's CPU s", "s to open", "ledger, KiB per trial",
             "journal, KiB per trial", "s for status", "driver's peak, MiB", "files"]  # fmt: skip
    print(tabulate(rows, names, floatfmt=".3f"))


if __name__ == "__main__":
    main()
