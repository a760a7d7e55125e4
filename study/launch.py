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

from study.cli.arguments import parse_arguments
from study.cli.plan import describe_plan
from study.cli.progress import Progress, comparison, saved_text
from study.cli.request import (
    Request,
    base_environment,
    check_together,
    read_placement,
    read_request,
    searched_generators,
    versions,
)
from study.execution.loggers import check_logger, logger_callback
from study.ledger import (
    Session,
    StudyCreated,
    StudyEnded,
    StudyFolder,
    StudyResumed,
    StudyStarted,
    StudyStopped,
    lock,
    open_study,
    repair_from_checkpoints,
    write_settings,
)
from study.m0_cache import M0Cache
from study.placement import Placement, check_address, probe_on_ray, probed_memory
from trainables.errors import UserError
from trainables.files import is_unavailable
from trainables.output import print_error, run_command

if TYPE_CHECKING:
    from study.driver import Driver

INTERRUPTED, UNWRITABLE_STATUS = 130, 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 no trial succeeded, 2 wrong request,
    3 the study's folder could no longer be written to, 130 interrupted."""
    given = parse_arguments(arguments)
    command = [shlex.join(["python", "-m", "study.launch", *(sys.argv[1:] if arguments is None else arguments)])]
    try:
        if given.rerun:
            return _rerun(given)
        request = read_request(given)
        check_together(given, request)
        if given.address:
            check_address(given.address)
        if given.log_to:
            check_logger(given.log_to)
        placement = None if given.address else read_placement(given, request.run, request.data)
        if given.dry_run:
            print(f"{request.card}\n\n{_dry_run(given, request, placement)}")
            return 0
        _check_with_torch(request)
        folder = request.create(command)
        with lock(folder):
            return _session(given, request, folder, placement)
    except UserError as error:
        return print_error(error)


def _dry_run(given: Namespace, request: Request, placement: Placement | None) -> str:
    """The plan, with a probe on this machine where one was asked for."""
    if not given.probe:
        return describe_plan(request, placement)
    _check_with_torch(request)
    from trainables.worker.probe import probe_trial

    probe = probe_trial(request.run, request.data, given.trials_per_process or 1)
    if placement and placement.memory:
        memory = probed_memory(placement.memory, probe)
        placement = read_placement(given, request.run, request.data, memory=memory)
    return describe_plan(request, placement, probe=probe)


def _rerun(given: Namespace) -> int:
    from study.cli.rerun import recorded_trial, rerun

    name, trial = given.rerun
    given.resume, given.num_samples = name, None
    request = read_request(given)
    assert request.opened is not None, "a resumed study is open"
    return rerun(request, recorded_trial(request.opened, int(trial.removeprefix("t"))))


def _check_with_torch(request: Request) -> None:
    """What can be wrong with a request and takes torch to see."""
    from trainables.base_models import BASE_MODELS
    from trainables.errors import nearest
    from trainables.gpu import resolve_device
    from trainables.refinement import require_annotations, selection_splits

    name = request.run.model.name
    if name not in BASE_MODELS:
        raise UserError(f"model.name: no base model '{name}'. {nearest(name, BASE_MODELS)}")
    resolve_device(request.run)
    splits = selection_splits(request.run, request.data)
    require_annotations(request.run, splits, searched_generators(request.study, request.run))


def _session(given: Namespace, request: Request, folder: StudyFolder, placement: Placement | None) -> int:
    from study.driver import Driver

    driver = None
    try:
        opened = request.opened or open_study(folder.path.parent, folder.name)
        if opened.notes:
            write_settings(folder, opened.settings)  # it was damaged
        ledger, repaired = repair_from_checkpoints(folder, opened.ledger.current())
        driver = Driver(folder, request.study, request.run, ledger)
        if opened.created_with is None:
            driver.note(StudyCreated(opened.settings.to_json()))
        for problem in [*driver.problems, *repaired]:
            print(f"note: {problem}")
        print(request.card, end="\n\n")
        if driver.num_finished < request.study.num_trials:
            _run(given, request, driver, placement)
        return _conclude(request, driver)
    except KeyboardInterrupt:
        if driver is None:
            raise
        driver.note(StudyStopped("interrupted"))
        finished = f"{driver.num_finished} of {request.study.num_trials} trials finished"
        print(f"\nstopped with {finished}; nothing is lost. To go on:\n  {_resume_command(given, folder)}")
        return INTERRUPTED
    except OSError as error:
        if not is_unavailable(error):
            raise
        # The ledger cannot be told either; it ends with its last whole line.
        where = error.filename or folder.path
        print(f"error: {where}: {error.strerror}; the study stops, no finished trial is lost. When it can be written "
              f"to again:\n  {_resume_command(given, folder)}", file=sys.stderr)  # fmt: skip
        return UNWRITABLE_STATUS
    except Exception as error:
        if driver is not None:
            driver.note(StudyStopped(str(error).strip().rpartition("\n")[2] or type(error).__name__))
        raise
    finally:
        if driver is not None:
            driver.close()


def _resume_command(given: Namespace, folder: StudyFolder) -> str:
    where = "" if given.study_dir is None else f" --study-dir {given.study_dir}"
    return f"python -m study.launch --resume {folder.name}{where}"


def _run(given: Namespace, request: Request, driver: Driver, placement: Placement | None) -> None:
    from study.execution.optuna_journal import Mirror
    from study.execution.session import MAX_FAILURES, check_nodes_see, run_trials, start_ray, stop_ray

    try:
        local = placement or Placement(0, 0, 0, 0, 0, 0)
        cluster = start_ray(local.cores, local.gpus, given.address)
        if given.address:
            check_nodes_see(driver.folder.study_file.absolute())
        placement = placement or read_placement(given, request.run, request.data, (cluster.cores, cluster.gpus))
        placement = _probed(given, request, placement, (cluster.cores, cluster.gpus))
        print(describe_plan(request, placement, driver.num_finished))
        shown = f"{cluster.dashboard}; sign in with the token of: ray get-auth-token" if cluster.dashboard else "none"
        print(f"dashboard    {shown}", end="\n\n")
        session = Session(versions(), placement.as_dict(), socket.gethostname())
        started = StudyResumed if given.resume else StudyStarted
        driver.note(started(session, request.study.num_samples, request.study.num_trials))
        if request.study.shared_base:
            driver.share_m0(M0Cache(driver.folder, base_environment(request, placement)))
        mirror = Mirror(driver.folder, request.study, request.data.name, driver.records)
        progress = Progress(driver.records, request.study.num_trials, request.run, placement.concurrency, given.verbose)
        driver.listeners += [progress, mirror]
        failures = MAX_FAILURES if given.max_failures is None else given.max_failures
        try:
            callbacks = [logger_callback(given.log_to, driver.folder.path)] if given.log_to else []
            run_trials(
                driver,
                request.data,
                placement,
                timeout_s=given.trial_timeout,
                max_failures=failures,
                callbacks=callbacks,
            )
        finally:
            progress.close()
            mirror.close()
    finally:
        stop_ray()
    driver.note(StudyEnded(driver.num_finished))


def _probed(given: Namespace, request: Request, placement: Placement, cluster: tuple[int, int]) -> Placement:
    """With the share of a GPU derived from a measurement, where it is to be derived."""
    if placement.memory is None:
        return placement
    memory = probed_memory(placement.memory, probe_on_ray(request.run, request.data, placement.trials_per_process))
    return read_placement(given, request.run, request.data, cluster, memory)


def _conclude(request: Request, driver: Driver) -> int:
    records = sorted(driver.records.values(), key=lambda record: record.number)
    counts = Counter(record.state for record in records)
    folder = driver.folder.path
    option = "" if request.study_dir == Path("studies") else f" --study-dir {request.study_dir}"
    ended, saved = ", ".join(f"{count} {state}" for state, count in counts.items()), saved_text(records)
    print(f"\n{ended}{f'; {saved}' if saved else ''}\n")
    print(comparison(records, request.run))
    print(f"\nledger       {driver.folder.ledger_file}")
    print(f"predictions  {folder / 'predictions'} (test split, best iteration of each trial)")
    print(f"next         python -m analysis.tables --study {folder.name}{option}")
    return 0 if counts["completed"] else 1


if __name__ == "__main__":
    run_command(main, prints_result=False)
