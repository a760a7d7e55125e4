"""Start or resume a study: ``python -m study.launch`` (``--help`` tells the options).

Everything is checked before torch and Ray are imported: a wrong request ends with status 2 at once.
"""

from __future__ import annotations

import shlex
import socket
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from study.arguments import main_error, parse_arguments
from study.folder import StudyFolder, lock
from study.placement import Placement, check_address
from study.plan import describe_plan
from study.progress import Progress, best_configuration, comparison
from study.request import Request, read_placement, read_request, versions
from trainables.config import ConfigError

if TYPE_CHECKING:
    from study.driver import Driver

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 no trial succeeded, 2 wrong request, 130 interrupted."""
    given = parse_arguments(arguments)
    command = [shlex.join(["python", "-m", "study.launch", *(sys.argv[1:] if arguments is None else arguments)])]
    try:
        request = read_request(given)
        if given.address:
            check_address(given.address)
        placement = None if given.address else read_placement(given, request.run, request.data, None)
        if given.dry_run:
            print(f"{request.card}\n\n{describe_plan(request, placement)}")
            return 0
        _check_with_torch(request)
        folder = request.create(command)
        with lock(folder):
            return _session(given, request, folder, placement)
    except ConfigError as error:
        return main_error(str(error))


def _check_with_torch(request: Request) -> None:
    """What can be wrong with a request and takes torch to see."""
    from trainables.base_models import BASE_MODELS
    from trainables.config import nearest
    from trainables.refinement import resolve_device
    from trainables.selection import selection_splits

    name = request.run.model.name
    if name not in BASE_MODELS:
        raise ConfigError(f"model.name: no base model '{name}'. {nearest(name, BASE_MODELS)}")
    resolve_device(request.run)
    selection_splits(request.run, request.data)


def _session(given: Namespace, request: Request, folder: StudyFolder, placement: Placement | None) -> int:
    from study.driver import Driver

    driver = Driver(folder, request.study, request.run)
    for problem in driver.problems:
        print(f"note: {problem}")
    try:
        print(request.card, end="\n\n")
        if driver.num_finished < request.study.num_trials:
            _run(given, request, driver, placement)
        return _conclude(request, driver)
    except KeyboardInterrupt:
        driver.note("study_stopped", reason="interrupted")
        where = "" if given.study_dir is None else f" --study-dir {given.study_dir}"
        print(f"\nstopped with {driver.num_finished} of {request.study.num_trials} trials finished; nothing is lost. "
              f"To go on:\n  python -m study.launch --resume {folder.name}{where}")  # fmt: skip
        return INTERRUPTED
    except Exception as error:
        driver.note("study_stopped", reason=str(error).strip().rpartition("\n")[2] or type(error).__name__)
        raise
    finally:
        driver.close()


def _run(given: Namespace, request: Request, driver: Driver, placement: Placement | None) -> None:
    from study.session import run_trials, start_ray, stop_ray

    try:
        local = placement or Placement(0, 0, 0, 0, 0, 0)
        cluster = start_ray(local.cores, local.gpus, given.address)
        placement = placement or read_placement(given, request.run, request.data, (cluster.cores, cluster.gpus))
        print(describe_plan(request, placement, driver.num_finished))
        shown = f"{cluster.dashboard}; sign in with the token of: ray get-auth-token" if cluster.dashboard else "none"
        print(f"dashboard    {shown}", end="\n\n")
        driver.note(
            "study_resumed" if given.resume else "study_started",
            session={"versions": versions(), "placement": placement.as_dict(), "host": socket.gethostname()},
            num_samples=request.study.num_samples,
            num_trials=request.study.num_trials,
        )
        progress = Progress(driver.records, request.study.num_trials, request.run, placement.concurrency, given.verbose)
        driver.listeners.append(progress)
        try:
            run_trials(driver, request.data, placement)
        finally:
            progress.close()
    finally:
        stop_ray()
    driver.note("study_ended", trials=driver.num_finished)


def _conclude(request: Request, driver: Driver) -> int:
    records = sorted(driver.records.values(), key=lambda record: record.number)
    counts = Counter(record.state for record in records)
    folder = driver.folder.path
    option = "" if request.study_dir == Path("studies") else f" --study-dir {request.study_dir}"
    print(f"\n{', '.join(f'{count} {state}' for state, count in counts.items())}\n")
    print(comparison(records, request.run, request.study.seeds))
    print(f"\nledger       {driver.folder.ledger_file}")
    print(f"predictions  {folder / 'predictions'} (test split, best iteration of each trial)")
    print(f"next         python -m analysis.tables --study {folder.name}{option}")
    return 0 if best_configuration(records, request.study.seeds) else 1


if __name__ == "__main__":
    sys.exit(main())
