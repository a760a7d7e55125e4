"""Start or resume a study: ``python -m study.launch`` (``--help`` tells the options).

Everything is checked before torch and Ray are imported: a wrong request ends with status 2 at once.
"""

from __future__ import annotations

import shlex
import signal
import socket
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from study.cli.arguments import parse_arguments
from study.cli.conclusion import conclude, resume_command
from study.cli.dry_run import check_completely, dry_run
from study.cli.plan import describe_plan
from study.cli.progress import Progress
from study.cli.request import (
    Request,
    base_environment,
    check_together,
    read_placement,
    read_request,
    require_versions,
    versions,
)
from study.cli.rerun import rerun
from study.cli.stops import tell_stop
from study.cli.supervisor import STOPPED_STATUS, Supervisor, supervised
from study.execution.loggers import check_logger, logger_callback
from study.ledger import (
    OpenedStudy,
    SearchLimits,
    Session,
    StudyCreated,
    StudyFolder,
    StudyResumed,
    StudyStarted,
    lock,
    open_study,
    repair_from_checkpoints,
    write_settings,
)
from study.m0_cache import M0Cache
from study.placement import Placement, check_address, probe_on_ray, probed_memory
from study.signals import stop_status
from trainables.commands import typed
from trainables.errors import UserError
from trainables.output import print_error, run_command

if TYPE_CHECKING:
    from study.driver import Driver
    from study.execution.cluster import Cluster

LEAVE_RAY_S = 15.0


def command() -> int:
    """What a user starts: in this process what starts no Ray, in a child of it what does."""
    given = parse_arguments(None)
    if given.dry_run or given.rerun or given.submit:
        return _checked(given, sys.argv[1:], Supervisor())
    return supervised(lambda supervisor: _checked(given, sys.argv[1:], supervisor))


def main(arguments: list[str] | None = None) -> int:
    """Run the command in this process; returns the exit status: 0 done, 1 no trial succeeded, 2 wrong request, 3
    stopped by what the study needs (its folder, Ray), 130 or 143 stopped by a signal."""
    return _checked(parse_arguments(arguments), sys.argv[1:] if arguments is None else arguments, Supervisor())


def _checked(given: Namespace, arguments: list[str], supervisor: Supervisor) -> int:
    """With what is wrong with a request, and a stop before there is a study, told in a line."""
    if given.submit:
        return _submitted(given, arguments)
    with supervisor.signals.installed():
        try:
            return _launch(given, shlex.join([*typed("launch").split(), *arguments]), supervisor)
        except UserError as error:
            return print_error(error)
        except KeyboardInterrupt as stop:
            print("stopped before the study began; nothing was run")
            return stop_status(getattr(stop, "number", signal.SIGINT))


def _submitted(given: Namespace, arguments: list[str]) -> int:
    """As a Ray job: this process only follows it, and any signal may end that."""
    from study.execution.jobs import submit

    try:
        return submit(given, arguments)
    except UserError as error:
        return print_error(error)
    except KeyboardInterrupt:
        print("stopped before the study was submitted; nothing was run")
        return stop_status(signal.SIGINT)


def _launch(given: Namespace, line: str, supervisor: Supervisor) -> int:
    """line: the command as it was typed, for the study's settings."""
    if given.rerun:
        return rerun(given)
    require_versions()
    request = read_request(given)
    check_together(given, request)
    if given.address:
        check_address(given.address)
    if given.log_to:
        check_logger(given.log_to)
    placement = None if given.address else read_placement(given, request.run, request.data)
    if given.dry_run:
        print(f"{request.card}\n\n{dry_run(given, request, placement)}")
        return 0
    check_completely(request)
    folder = request.create([line])
    request = replace(request, name=folder.name)
    with lock(folder, supervisor.process):
        return _session(given, request, folder, placement, supervisor)


def _session(
    given: Namespace, request: Request, folder: StudyFolder, placement: Placement | None, supervisor: Supervisor
) -> int:
    """All of a session, from the open folder to the last line; whatever ends it is told, here or by the supervisor."""
    resume = resume_command(given, folder)
    supervisor.study_began(folder.path, resume)
    driver = None
    try:
        opened = request.opened or open_study(folder.path.parent, folder.name)
        driver = _driver(request, folder, opened)
        print(request.card, end="\n\n")
        if not driver.has_ended():
            request.note_features_used(folder)
            _run(given, request, driver, placement, supervisor)
        with supervisor.signals.deferred():  # all trials have ended: there is nothing left to stop
            status = conclude(request, driver)
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        status = tell_stop(error, folder, resume, driver)
    finally:
        if driver is not None:
            driver.close()
    supervisor.end_told(status)
    _leave_ray(supervisor, status)
    return status


def _driver(request: Request, folder: StudyFolder, opened: OpenedStudy) -> Driver:
    """Of the study as it lies on the disk, with what is damaged there restored."""
    from study.driver import Driver  # its search imports Optuna

    if opened.notes:
        write_settings(folder, opened.settings)  # it was damaged
    ledger, repaired = repair_from_checkpoints(folder, opened.ledger.current())
    driver = Driver(folder, request.study, request.run, ledger)
    if opened.created_with is None:
        driver.note(StudyCreated(opened.settings.to_json()))
    for problem in [*driver.problems, *repaired]:
        print(f"note: {problem}")
    return driver


def _run(
    given: Namespace, request: Request, driver: Driver, placement: Placement | None, supervisor: Supervisor
) -> None:
    """Run the trials that are left on Ray, up to the ledger's ``study_ended``."""
    from study.execution.cluster import check_nodes_see, watch_ray
    from study.execution.session import MAX_FAILURES, run_trials

    local = placement or Placement(0, 0, 0, 0, 0, 0)
    cluster = _start_ray(local, request.study.num_trials, given.address, supervisor)
    watch = watch_ray(supervisor.give_up)
    try:
        if given.address:
            check_nodes_see(driver.folder.study_file.absolute())
        placement = placement or read_placement(given, request.run, request.data, (cluster.cores, cluster.gpus))
        placement = _probed(given, request, placement, (cluster.cores, cluster.gpus))
        _begin(given, request, driver, placement, cluster)
        with _listeners(given, request, driver, placement) as callbacks:
            run_trials(
                driver,
                request.data,
                placement,
                timeout_s=given.trial_timeout,
                max_failures=MAX_FAILURES if given.max_failures is None else given.max_failures,
                callbacks=callbacks,
                signals=supervisor.signals,
            )
    finally:
        watch.set()
    with supervisor.signals.deferred():
        driver.note_end()


def _begin(given: Namespace, request: Request, driver: Driver, placement: Placement, cluster: Cluster) -> None:
    """Say what will run where, on the terminal and in the ledger."""
    from study.execution.cluster import token_hint

    print(describe_plan(request, placement, driver.num_finished))
    print(f"dashboard    {f'{cluster.dashboard}; {token_hint()}' if cluster.dashboard else 'none'}", end="\n\n")
    session = Session(versions(), placement.as_dict(), socket.gethostname())
    started = StudyResumed if given.resume else StudyStarted
    study = request.study
    limits = SearchLimits(study.target, study.patience, study.time_budget_s)
    driver.note(started(session, study.num_samples, study.num_trials, limits))
    driver.time_budget.places = max(1, placement.concurrency)
    if request.study.shared_base:
        environment = base_environment(request, placement)
        driver.share_m0(M0Cache(driver.folder, environment, request.run.prediction))


@contextmanager
def _listeners(given: Namespace, request: Request, driver: Driver, placement: Placement) -> Iterator[list[Any]]:
    """The terminal, the Optuna journal and Ray's metrics follow the driver inside of the block; callbacks for Tune."""
    from study.execution.metrics import StudyMetrics, gpu_callback
    from study.execution.optuna_journal import OptunaJournal

    trials, concurrency, gpus = request.study.num_trials, placement.concurrency, placement.gpus_per_trial

    journal = OptunaJournal(driver.folder, request.study, request.run, request.data.name, driver.records)
    progress = Progress(driver.records, trials, request.run, concurrency, given.verbose)
    metrics = StudyMetrics(request.name, driver.records, trials, request.run, concurrency, gpus)

    def count(*told: object) -> None:
        progress.trials = metrics.trials = driver.num_trials

    driver.listeners += [count, progress, journal, metrics]
    loggers = [logger_callback(given.log_to, driver.folder.path)] if given.log_to else []
    try:
        yield [gpu_callback(metrics), *loggers]
    finally:
        progress.close()
        journal.close()
        metrics.close()


def _start_ray(local: Placement, trials: int, address: str | None, supervisor: Supervisor) -> Cluster:
    """Ray, or an error within a time that a user waits."""
    from study.execution.cluster import JOIN_S, START_S, ray_logs, start_ray

    if address:
        limit = JOIN_S, f"--address: no Ray cluster has answered at '{address}' within {JOIN_S:.0f} s", 2
    else:
        limit = START_S, f"Ray did not start within {START_S:.0f} s; its logs: {ray_logs()}", STOPPED_STATUS
    supervisor.doing(f"while Ray started; its logs: {ray_logs()}")
    with supervisor.limit(*limit):
        cluster = start_ray(local.cores_needed(trials), local.gpus, address)
    supervisor.signals.install()  # ray.init has set a handler of its own for SIGTERM
    supervisor.doing(f"while trials ran; Ray's logs: {ray_logs()}")
    return cluster


def _probed(given: Namespace, request: Request, placement: Placement, cluster: tuple[int, int]) -> Placement:
    """With the share of a GPU derived from a measurement, where it is to be derived."""
    if placement.memory is None:
        return placement
    memory = probed_memory(placement.memory, probe_on_ray(request.run, request.data, placement.trials_per_process))
    return read_placement(given, request.run, request.data, cluster, memory)


def _leave_ray(supervisor: Supervisor, status: int) -> None:
    if "ray" not in sys.modules:
        return
    from study.execution.cluster import stop_ray

    with supervisor.limit(LEAVE_RAY_S, "Ray does not shut down", status):
        stop_ray()


if __name__ == "__main__":
    run_command(command, prints_result=False)
