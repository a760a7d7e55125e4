"""Start or resume a study: ``python -m study.launch`` (``--help`` tells the options).

Everything is checked before torch and Ray are imported: a wrong request ends with status 2 at once.
"""

from __future__ import annotations

import shlex
import signal
import socket
import sys
from argparse import Namespace
from collections import Counter
from dataclasses import replace
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
from study.cli.stops import append_event, describe_stop
from study.cli.supervisor import STOPPED_STATUS, Supervisor, supervised
from study.execution.loggers import check_logger, logger_callback
from study.ledger import (
    Session,
    StudyCreated,
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
from study.signals import Stopped, stop_status
from trainables.errors import UserError
from trainables.output import print_error, run_command

if TYPE_CHECKING:
    from study.driver import Driver
    from study.execution.cluster import Cluster

LEAVE_RAY_S = 15.0


def main(arguments: list[str] | None = None, supervisor: Supervisor | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 no trial succeeded, 2 wrong request, 3 stopped by what the
    study needs (its folder, Ray), 130 or 143 stopped by a signal. supervisor: of this process, where it has one."""
    supervisor = supervisor or Supervisor()
    with supervisor.signals.installed():
        return _main(arguments, supervisor)


def _main(arguments: list[str] | None, supervisor: Supervisor) -> int:
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
        request = replace(request, name=folder.name)
        with lock(folder, supervisor.process):
            return _session(given, request, folder, placement, supervisor)
    except UserError as error:
        return print_error(error)
    except KeyboardInterrupt as stop:
        print("stopped before the study began; nothing was run")
        return stop_status(getattr(stop, "number", signal.SIGINT))


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


def _session(
    given: Namespace, request: Request, folder: StudyFolder, placement: Placement | None, supervisor: Supervisor
) -> int:
    """All of a session, from the open folder to the last line; whatever ends it is told, here or by the supervisor."""
    from study.driver import Driver

    resume = _resume_command(given, folder)
    supervisor.study_began(folder.path, resume)
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
            _run(given, request, driver, placement, supervisor)
        with supervisor.signals.deferred():  # all trials have ended: there is nothing left to stop
            status = _conclude(request, driver)
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        status = _tell_stop(error, request, folder, driver, resume)
    finally:
        if driver is not None:
            driver.close()
    supervisor.end_told(status)
    _leave_ray(supervisor, status)
    return status


def _tell_stop(error: BaseException, request: Request, folder: StudyFolder, driver: Driver | None, resume: str) -> int:
    """Write why the study stops before its end, and say how it goes on; returns the exit status."""
    line, status = describe_stop(error, folder)
    try:
        reason = error.args[0] if isinstance(error, Stopped) else line
        if driver is not None:
            driver.note(StudyStopped(reason))
        else:
            append_event(folder, StudyStopped(reason))
    except OSError:
        pass  # the ledger ends with its last whole line
    if isinstance(error, KeyboardInterrupt):
        finished = (
            "" if driver is None else f" with {driver.num_finished} of {request.study.num_trials} trials finished"
        )
        print(f"\n{line}{finished}; nothing is lost. To go on:\n  {resume}")
    else:
        print_error(line)
        if not isinstance(error, UserError):  # its line says what to change in the command
            print(f"nothing is lost. To go on:\n  {resume}", file=sys.stderr)
    return status


def _leave_ray(supervisor: Supervisor, status: int) -> None:
    if "ray" not in sys.modules:
        return
    from study.execution.cluster import stop_ray

    with supervisor.limit(LEAVE_RAY_S, "Ray does not shut down", status):
        stop_ray()


def _resume_command(given: Namespace, folder: StudyFolder) -> str:
    """To be pasted into a shell."""
    arguments = ["python", "-m", "study.launch", "--resume", folder.name]
    if given.study_dir is not None:
        arguments += ["--study-dir", str(given.study_dir)]
    if given.address is not None:
        arguments += ["--address", given.address]
    return shlex.join(arguments)


def _run(
    given: Namespace, request: Request, driver: Driver, placement: Placement | None, supervisor: Supervisor
) -> None:
    from study.execution.cluster import check_nodes_see, token_hint, watch_ray
    from study.execution.optuna_journal import OptunaJournal
    from study.execution.session import MAX_FAILURES, run_trials

    local = placement or Placement(0, 0, 0, 0, 0, 0)
    cluster = _start_ray(local, given.address, supervisor)
    watch = watch_ray(supervisor.give_up)
    try:
        if given.address:
            check_nodes_see(driver.folder.study_file.absolute())
        placement = placement or read_placement(given, request.run, request.data, (cluster.cores, cluster.gpus))
        placement = _probed(given, request, placement, (cluster.cores, cluster.gpus))
        print(describe_plan(request, placement, driver.num_finished))
        print(f"dashboard    {f'{cluster.dashboard}; {token_hint()}' if cluster.dashboard else 'none'}", end="\n\n")
        session = Session(versions(), placement.as_dict(), socket.gethostname())
        started = StudyResumed if given.resume else StudyStarted
        driver.note(started(session, request.study.num_samples, request.study.num_trials))
        if request.study.shared_base:
            driver.share_m0(M0Cache(driver.folder, base_environment(request, placement)))
        journal = OptunaJournal(driver.folder, request.study, request.data.name, driver.records)
        progress = Progress(driver.records, request.study.num_trials, request.run, placement.concurrency, given.verbose)
        driver.listeners += [progress, journal]
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
                signals=supervisor.signals,
            )
        finally:
            progress.close()
            journal.close()
    finally:
        watch.set()
    with supervisor.signals.deferred():
        driver.note_end()


def _start_ray(local: Placement, address: str | None, supervisor: Supervisor) -> Cluster:
    """Ray, or an error within a time that a user waits."""
    from study.execution.cluster import JOIN_S, START_S, ray_logs, start_ray

    if address:
        limit = JOIN_S, f"--address: no Ray cluster has answered at '{address}' within {JOIN_S:.0f} s", 2
    else:
        limit = START_S, f"Ray did not start within {START_S:.0f} s; its logs: {ray_logs()}", STOPPED_STATUS
    supervisor.doing(f"while Ray started; its logs: {ray_logs()}")
    with supervisor.limit(*limit):
        cluster = start_ray(local.cores, local.gpus, address)
    supervisor.signals.install()  # ray.init has set a handler of its own for SIGTERM
    supervisor.doing(f"while trials ran; Ray's logs: {ray_logs()}")
    return cluster


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
    ended, saved = ", ".join(f"{count} {state}" for state, count in counts.items()), saved_text(records)
    print(f"\n{ended}{f'; {saved}' if saved else ''}\n")
    print(comparison(records, request.run))
    print(f"\nledger       {driver.folder.ledger_file}")
    print(f"predictions  {folder / 'predictions'} (test split, best iteration of each trial)")
    following = ["python", "-m", "analysis.tables", "--study", folder.name]
    if request.study_dir != Path("studies"):
        following += ["--study-dir", str(request.study_dir)]
    print(f"next         {shlex.join(following)}")
    return 0 if counts["completed"] else 1


if __name__ == "__main__":
    run_command(lambda: supervised(lambda supervisor: main(supervisor=supervisor)), prints_result=False)
