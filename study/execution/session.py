"""One session of a study on Ray: start or join a cluster, run what is left, leave. The only user of Ray Tune."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from study.driver import Driver
from study.placement import Placement
from trainables.data import Dataset
from trainables.errors import UserError
from trainables.report import JsonObject

if TYPE_CHECKING:
    from types import FrameType

MAX_FAILURES = 1
FULL_BYTES = 64 * 1024

# Read by Ray when it is imported or started. The terminal and the ledger are ours.
RAY_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # a trial's results are in the ledger: no further files
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl+C is handled here
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the reason is in the trial's line, the traceback in its log
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # Tune's own snapshots hold all trials, and are not used
    "RAY_AIR_NEW_OUTPUT": "0",  # a progress table of Ray's beside ours
    "RAY_USAGE_STATS_ENABLED": "0",  # its consent prompt is three lines
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a trial without a share of a GPU sees none
}


class Cluster(NamedTuple):
    """What was started or joined; dashboard: its address, None without one."""

    dashboard: str | None
    cores: int
    gpus: int


def start_ray(cores: int, gpus: int, address: str | None = None) -> Cluster:
    """Start Ray on this machine with so many cores and GPUs, or join the cluster at ``address``.

    Token authentication is Ray's default and stays on. Raises UserError when there is no such cluster.
    """
    for name, value in RAY_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Ray announces the token, and its own start, as warnings on the terminal.
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        try:
            context = ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"--address: no Ray cluster at '{address}': {reason}") from None
        cores, gpus = (int(ray.cluster_resources().get(name, 0)) for name in ("CPU", "GPU"))
    else:
        # "local": a cluster that somebody else runs on this machine is not ours to join unasked.
        context = ray.init(address="local", num_cpus=cores, num_gpus=gpus, include_dashboard=True, **quiet)
    url = context.dashboard_url
    return Cluster(f"http://{url}" if url else None, cores, gpus)


def check_nodes_see(file: Path) -> None:
    """Every node that can run a trial sees ``file``; raises UserError that names those that do not."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    @ray.remote(num_cpus=0)
    def sees(path: str) -> bool:
        return os.path.exists(path)

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    asked = [
        sees.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(str(file))
        for node in nodes
    ]
    blind = [node["NodeName"] for node, seen in zip(nodes, ray.get(asked), strict=True) if not seen]
    if blind:
        raise UserError(
            f"--study-dir: {file.parent} is not seen by {', '.join(blind)}; choose a --study-dir that all nodes share"
        )


def stop_ray() -> None:
    """Leave the cluster; one that was started here ends with its workers."""
    import ray

    ray.shutdown()


def run_trials(
    driver: Driver,
    data: Dataset,
    placement: Placement,
    trainable: Any = None,
    timeout_s: float | None = None,
    max_failures: int = MAX_FAILURES,
    callbacks: Sequence[Any] = (),
) -> None:
    """Run all trials that are left; returns when there are none.

    Raises KeyboardInterrupt soon after SIGINT or SIGTERM: trials then go on from their last iteration at the next
    session. trainable: a tune.Trainable class in place of RefinementTrainable, called with the same configuration.
    timeout_s: of one trial. max_failures: how often a trial is tried again after an exception, and after the loss of
    its worker. callbacks: further ones of Tune's, after the ledger's.
    """
    from ray import tune

    from study.execution.scheduler import FreeWorkerFirst
    from study.execution.searcher import LedgerCallback, Limits, StudySearcher, title
    from study.ledger import trial_name
    from trainables.worker.messages import order_in
    from trainables.worker.trainable import RefinementTrainable

    def resources(config: JsonObject) -> tune.PlacementGroupFactory:
        order = order_in(config)
        return tune.PlacementGroupFactory([{"CPU": order.cpus, "GPU": order.gpus}])

    together = placement.trials_per_process
    prepared = tune.with_resources(tune.with_parameters(trainable or RefinementTrainable, data=data), resources)
    limits = Limits(placement.cpus_per_trial, placement.gpus_per_trial, timeout_s, max_failures, together)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a lost trial has its line and its reason here
    with _stop_request() as requested, _as_it_was(driver), warnings.catch_warnings():
        # Ray's own internals, at the end of a study: nothing that a user could act on.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="ray")
        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        tune.Tuner(
            prepared,
            param_space={},
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(driver, limits),
                scheduler=FreeWorkerFirst(),
                num_samples=-1,
                max_concurrent_trials=placement.concurrency,
                reuse_actors=True,
                trial_name_creator=title,
                trial_dirname_creator=lambda trial: trial_name(order_in(trial.config).trials[0].trial),
            ),
            run_config=tune.RunConfig(
                name="checkpoints",
                storage_path=str(driver.folder.path.absolute()),
                callbacks=[LedgerCallback(driver, max_failures), *callbacks],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # a trial keeps its own state
                failure_config=tune.FailureConfig(max_failures=max_failures),
                stop=_stopper(driver, requested),
                verbose=0,
            ),
        ).fit()
    _remove_snapshots(driver)


def _stopper(driver: Driver, requested: threading.Event) -> Any:
    from ray import tune

    from trainables.worker.messages import answer_in

    class StopRequested(tune.Stopper):
        """Asked by Tune between two events: the one place where stopping tears nothing."""

        def __call__(self, trial_id: str, result: JsonObject) -> bool:
            answer = answer_in(result)
            if driver.study.pruner == "none" or answer is None or len(answer.trials) != 1:
                return False  # of trials that share a process, one cannot be stopped alone
            (one,) = answer.trials
            return one.report is not None and driver.prunes(one.trial, one.report)

        def stop_all(self) -> bool:
            if requested.is_set():
                raise KeyboardInterrupt
            return False

        def __reduce__(self) -> Any:
            return tune.stopper.NoopStopper, ()  # Tune's snapshots: an event is of this process only

    return StopRequested()


@contextmanager
def _as_it_was(driver: Driver) -> Iterator[None]:
    """Tune turns whatever goes wrong into an error of its own; a full disk is to be told as that."""
    try:
        yield
    except Exception as error:
        full = driver.unwritable
        if full is None and shutil.disk_usage(driver.folder.path).free < FULL_BYTES:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(driver.folder.path))
        if full is None:
            raise
        raise full from error


@contextmanager
def _stop_request() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one acts at once."""
    requested = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        requested.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    if threading.current_thread() is threading.main_thread():
        for number in before:
            signal.signal(number, note)
    try:
        yield requested
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def _remove_snapshots(driver: Driver) -> None:
    """Tune's own snapshots of the experiment: nothing here is restored from them."""
    for path in (driver.folder.path / "checkpoints").iterdir():
        if path.is_file():
            path.unlink()
