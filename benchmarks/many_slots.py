"""A study of 10,000 trials on 256 slots, simulated: ``python -m benchmarks.many_slots``.

The project's driver, search, ledger and journal run behind Ray Tune's own controller as in ``study.launch``; the
workers alone are simulated (``simulated_workers``): they replay curves, one trial in a hundred fails, and an
iteration takes seconds of a counted clock. In rounds that extend one study: whatever grows faster than the trials
shows as a cost per trial that rises. All seconds are the driver's own, of the processor, so other work on the machine
does not count; what the workers' code takes is left out. What Ray itself costs for real workers is not in here: see
``scale``.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.simulated_workers import SimulatedWorkers, simulated
from benchmarks.tabulated import Tabulated
from study.cli.progress import Progress
from study.config import StudyConfig, load_study_config, parse_study
from study.driver import Driver
from study.execution.cluster import start_ray, stop_ray
from study.execution.optuna_journal import OptunaJournal
from study.execution.scheduler import FreeWorkerFirst
from study.execution.searcher import LedgerCallback, StudySearcher
from study.execution.session import run_trials
from study.ledger import StudyFolder, StudySettings, create_folder, read_ledger
from study.ledger.ledger_file import Ledger
from study.m0_cache import M0Cache
from study.placement import place
from study.search.proposals import Proposals
from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.datasets import load_dataset
from trainables.json_types import JsonObject
from trainables.worker.messages import TrialAnswer, WorkerAnswer, as_result, order_in

MIB = 2**20
FAILS_EACH = 100
LOG = "Traceback (most recent call last):\n" + "  line\n" * 20 + "ValueError: as the simulation wants it\n"
PARTS: dict[str, tuple[type[Any], str]] = {
    "proposal": (Proposals, "propose"),
    "a trial's order": (StudySearcher, "suggest"),
    "start": (Driver, "started"),
    "result": (Driver, "reported"),
    "end": (Driver, "ended"),
    "ledger line": (Ledger, "append"),
    "journal": (OptunaJournal, "__call__"),
    "step begins": (LedgerCallback, "on_step_begin"),
    "choose": (FreeWorkerFirst, "choose_trial_to_run"),
    "on start": (LedgerCallback, "on_trial_start"),
    "on result": (LedgerCallback, "on_trial_result"),
}
OUTER = ("a trial's order", "step begins", "choose", "on start", "on result")  # all that Tune calls


class Replayed(Tabulated):
    """Some trials fail after their first iteration; the first trial of an M0 leaves its files."""

    def _begin(self, config: JsonObject) -> None:
        super()._begin(config)
        (order,) = order_in(config).trials
        for path in (order.m0.files.state, order.m0.files.predictions) if order.m0 else ():
            path.parent.mkdir(exist_ok=True)
            path.touch()

    def step(self) -> JsonObject:
        if self._next == 1 and self._trial % FAILS_EACH == FAILS_EACH - 1:
            failed = TrialAnswer(self._trial, "failed", 0.0, reason="ValueError: as the simulation wants it", log=LOG)
            return as_result(WorkerAnswer((failed,), done=True))
        return super().step()


class Spent:
    """Calls and seconds of the processor of each part, what it calls included."""

    def __init__(self) -> None:
        self.calls = dict.fromkeys(PARTS, 0)
        self.cpu_s = dict.fromkeys(PARTS, 0.0)

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Inside of the block."""
        real = {name: getattr(owner, method) for name, (owner, method) in PARTS.items()}
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, self._timed(name, real[name]))
        try:
            yield
        finally:
            for name, (owner, method) in PARTS.items():
                setattr(owner, method, real[name])

    def each_ms(self, name: str) -> float:
        return 1000 * self.cpu_s[name] / max(1, self.calls[name])

    def _timed(self, name: str, function: Any) -> Any:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.calls[name] += 1
                self.cpu_s[name] += time.process_time() - started

        return timed


def extend(folder: StudyFolder, study: StudyConfig, run: RunConfig, data: Dataset, slots: int) -> dict[str, float]:
    """Run a study up to its budget; what it cost per new trial, and what its files then cost to read."""
    started = time.process_time()
    driver = Driver(folder, study, run)
    journal = OptunaJournal(folder, study, driver.run, data.name, driver.records)
    opened_s, before = time.process_time() - started, driver.num_finished
    progress = Progress(driver.records, study.num_trials, driver.run, slots)
    driver.listeners += [progress, journal]
    driver.share_m0(M0Cache(folder, {}, run.prediction))
    workers, spent = SimulatedWorkers(slots, Replayed), Spent()
    started, clock = time.process_time(), time.perf_counter()
    with simulated(workers), spent.measured(), open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
        run_trials(driver, data, place(slots, 0, 1), Replayed)
    new = driver.num_finished - before
    used_s = time.process_time() - started - workers.cpu_s
    outer_s = sum(spent.cpu_s[name] for name in OUTER)
    assert new == study.num_trials - before, "every trial ends"
    resident = resident_mib()
    journal.close()
    progress.close()
    driver.close()
    started = time.process_time()
    read_ledger(folder.ledger_file)
    read_s = time.process_time() - started
    return {
        "trials": study.num_trials,
        "per trial, ms": 1000 * used_s / new,
        "trials/s": new / used_s,
        "of it Tune's, ms": 1000 * (used_s - outer_s) / new,
        **{f"{name}, ms": spent.each_ms(name) for name in PARTS},
        "steps per trial": spent.calls["step begins"] / new,
        "clock s per trial": (time.perf_counter() - clock) / new,
        "driver, MiB": resident,
        "ledger, MiB": folder.ledger_file.stat().st_size / MIB,
        "reading it, s": read_s,
        "opening, s": opened_s,
        "status, s": command_s("study.status", folder.name, "--study-dir", str(folder.path.parent), "--json"),
        "tables, s": command_s("analysis.tables", "--study", folder.name, "--study-dir", str(folder.path.parent)),
    }


def resident_mib() -> float:
    """Of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB


def command_s(module: str, *arguments: str) -> float:
    """Seconds of the processor of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def exponent(first: dict[str, float], last: dict[str, float], total: str) -> float:
    """Of the growth of a total with the trials: 1 is linear."""
    return math.log(last[total] / first[total]) / math.log(last["trials"] / first["trials"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 2000, 5000, 10000], help="of each round")
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--seeds", type=int, default=1, help="replicates of each configuration")
    given = parser.parse_args()
    run = preset("simulated").updated({"compute.device": "cpu"})
    data = load_dataset(run.dataset, Path("data"))
    changes = {"sampler": given.sampler, "seeds": given.seeds, "lookback": 2 * given.slots}
    rounds: list[dict[str, float]] = []
    start_ray(1, 0)
    try:
        with tempfile.TemporaryDirectory() as aside:
            folder = None
            for trials in given.trials:
                tree = {**load_study_config("search").as_dict(), **changes, "num_samples": trials // given.seeds}
                study = parse_study(tree, "benchmark")
                folder = folder or create_folder(
                    Path(aside), "slots", StudySettings(run.model_dump(mode="json"), study.as_dict())
                )
                rounds.append(extend(folder, study, run, data, given.slots))
                print(tabulate([(n, f"{v:.4g}") for n, v in rounds[-1].items()], tablefmt="plain"), "\n", flush=True)
    finally:
        stop_ray()
    print(tabulate([(name, *(f"{one[name]:.4g}" for one in rounds)) for name in rounds[0]], tablefmt="github"))
    if len(rounds) > 1:
        for name in ("ledger, MiB", "reading it, s", "driver, MiB", "status, s", "tables, s"):
            print(f"growth of {name}: trials to the power of {exponent(rounds[0], rounds[-1], name):.2f}")


if __name__ == "__main__":
    main()
