"""Ray itself: start it on this machine or join a cluster, see that it is still there, leave it."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import resource
import secrets
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from study.execution.tune_internals import use_idle_workers
from study.process_tree import descendants
from study.signals import Stopped
from trainables.errors import UserError
from trainables.import_folder import packages_first

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
# What workers import while the rest of Ray and Tune starts. Only of other packages: the folder that the driver imports
# ours from is not known then.
PRELOADED = "torch,ray.tune"
# Of a cluster on this machine alone.
LOCAL_ENVIRONMENT = {
    # Ray's default where it expects no cluster (macOS, Windows): all of its ports, also the metric ports that ask for
    # no token, then listen on the loopback interface alone. One machine needs no more.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_preload_python_modules": PRELOADED,
    "PL_DISABLE_FORK": "1",  # Tune sets it for the workers of trials
}

ATTEMPTS = 2  # a machine that is slow at first has Ray's files in its page cache then
START_S, JOIN_S = 150.0, 45.0  # Ray's own limits add up to three minutes
SOCKET_PATH_BYTES = 107  # of Linux
RAY_PATH_BYTES = 69  # what Ray adds to its temporary folder: /ray/session_<time>_<pid>/sockets/plasma_store
TEMPORARY_BYTES = 64 * 2**20  # logs and sockets of a session
OPEN_FILES = 256  # fewer, and Ray's processes end while they start
WATCH_S, JOINED_WATCH_S, JOINED_MISSES = 0.5, 5.0, 4


class RayFailure(Exception):
    """Ray could not be started, or is lost; the message is one line: what failed, where to look, what to change."""


class Cluster(NamedTuple):
    """What was started or joined; dashboard: its address, None without one."""

    dashboard: str | None
    cores: int
    gpus: int


def start_ray(cores: int, gpus: int, address: str | None = None) -> Cluster:
    """Start Ray on this machine with so many cores and GPUs, or join the cluster at ``address``.

    Token authentication is Ray's default and stays on. Raises UserError when there is no such cluster, or what Ray
    needs of this machine is missing; RayFailure when it does not come up.
    """
    for name, value in (RAY_ENVIRONMENT | ({} if address else LOCAL_ENVIRONMENT)).items():
        os.environ.setdefault(name, value)
    # Ray announces the token, and its own start and failures, on the terminal; what matters has a line here.
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    _raise_file_limit()
    _prepare_token(joins=address is not None)
    read_environment_again()
    return _join(address) if address else _start(cores, gpus, temporary_folder())


def _join(address: str) -> Cluster:
    import ray

    try:
        context = _init(address=address)
    except (ray.exceptions.RayError, ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise UserError(f"--address: no Ray cluster at '{address}': {_first_line(error)}{_token_hint(error)}") from None
    cores, gpus = (int(ray.cluster_resources().get(name, 0)) for name in ("CPU", "GPU"))
    return Cluster(_url(context), cores, gpus)


def _start(cores: int, gpus: int, folder: Path | None) -> Cluster:
    options: dict[str, Any] = {} if folder is None else {"_temp_dir": str(folder / "ray")}
    if folder is not None:
        os.environ["TMPDIR"] = str(folder)  # Ray's dashboard has sockets of its own there
    for left in reversed(range(ATTEMPTS)):
        try:
            # "local": a cluster that somebody else runs on this machine is not ours to join unasked.
            with _without_log_monitor():
                context = _init(address="local", num_cpus=cores, num_gpus=gpus, include_dashboard=True, **options)
            use_idle_workers()
            return Cluster(_url(context), cores, gpus)
        except Exception as error:  # Ray raises whatever its parts raise
            stop_ray()
            if not left:
                raise RayFailure(f"Ray did not start: {_first_line(error)}; its logs: {ray_logs(folder)}") from error
    raise AssertionError("the last attempt returns or raises")


def _init(**options: Any) -> Any:
    import ray

    try:
        with packages_first():
            return ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except SystemExit:  # ray.init has a handler of its own for SIGTERM
        raise Stopped(signal.SIGTERM) from None


@contextmanager
def _without_log_monitor() -> Iterator[None]:
    """Ray's log monitor sends what workers print to drivers that ask for it; this one does not (``log_to_driver``)."""
    from ray._private.node import Node

    parts: Any = Node
    start = parts.start_log_monitor
    parts.start_log_monitor = lambda node: None
    try:
        yield
    finally:
        parts.start_log_monitor = start


def ray_logs(folder: Path | None = None) -> Path:
    """Where Ray writes what its processes have to say."""
    return (folder or _default_temporary()) / "ray" / "session_latest" / "logs"


def temporary_folder() -> Path | None:
    """Where Ray's session goes: None for its own choice, /tmp where that has a path too long for Ray's sockets.

    Raises UserError where neither can be used.
    """
    own = _default_temporary()
    if (reason := _unusable(own)) is None:
        return None
    if (other := Path("/tmp")) != own and _unusable(other) is None:
        return other
    raise UserError(f"TMPDIR: {own} {reason}; set TMPDIR to another folder, for Ray's logs and sockets")


def _default_temporary() -> Path:
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp")


def _unusable(folder: Path) -> str | None:
    """Why Ray cannot have its session there."""
    room = SOCKET_PATH_BYTES - RAY_PATH_BYTES
    if len(os.fsencode(folder)) > room:
        return f"has a path of more than {room} bytes"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "is not a folder that can be written to"
    if (free := shutil.disk_usage(folder).free) < TEMPORARY_BYTES:
        return f"has only {free / 2**20:.0f} MiB of free space"
    return None


def _raise_file_limit() -> None:
    """As many open files as this user may have; raises UserError where Ray would not start with so few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = hard if hard != resource.RLIM_INFINITY else max(soft, 65_536)
    if allowed < OPEN_FILES:
        raise UserError(f"ulimit -n: Ray needs at least {OPEN_FILES} open files, the limit is {allowed}; raise it")
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(allowed, 65_536), hard))


def _prepare_token(joins: bool) -> None:
    """A token that only this user can read: in the file where Ray looks for it, else in the environment."""
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return
    try:
        path = Path.home() / ".ray" / "auth_token"
        if not joins and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            path.write_text(secrets.token_hex(32), encoding="ascii")
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(0o600)  # Ray writes it readable to all
        if path.exists():
            path.read_text(encoding="ascii")
    except (OSError, RuntimeError, ValueError):  # no home, or one that cannot be written to or read
        if not joins:
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def read_environment_again() -> None:
    """Ray's C++ part keeps RAY_AUTH_MODE as it was when Ray was imported; the processes that it starts see it as it is
    now, and would refuse this one."""
    from ray import _raylet

    internals: Any = _raylet
    internals.Config.initialize("")


def has_token() -> bool:
    """Whether there is a token where Ray looks for one."""
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return True
    try:
        return (Path.home() / ".ray" / "auth_token").exists()
    except (OSError, RuntimeError):  # no home
        return False


def token_hint() -> str:
    """How to sign in at the dashboard."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return "sign in with the token in RAY_AUTH_TOKEN"
    return "sign in with the token of: ray get-auth-token"


def _token_hint(error: BaseException) -> str:
    told = "token" in str(error).lower() or "auth" in str(error).lower() or isinstance(error, PermissionError)
    return "; set RAY_AUTH_TOKEN to the cluster's token" if told else ""


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
    from ray._private import worker

    node = worker._global_node
    if node is not None:
        _end_dashboard(node)
    ray.shutdown()


def _end_dashboard(node: Any) -> None:
    """At once, with the processes of its parts: they keep nothing, and Ray would wait for one after another."""
    for kind in ("dashboard", "monitor"):
        for started in node.all_processes.get(kind, ()):
            for process in (*descendants(started.process.pid), started.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


def watch_ray(lost: Callable[[str], None]) -> threading.Event:
    """Call ``lost`` with the reason, from a thread, when Ray is gone; set the returned event to end the watch.

    Ray itself notices the loss of its control store after a minute, and then ends this process without a word.
    """
    # No public interface tells which processes ray.init has started. ``_global_node`` is None in a Ray client, where
    # nothing is watched.
    from ray._private import worker

    node, ended = worker._global_node, threading.Event()
    target = _watch_processes if node is not None and node.all_processes else _watch_address
    if node is not None:
        threading.Thread(target=target, args=(node, lost, ended), daemon=True).start()
    return ended


def _watch_processes(node: Any, lost: Callable[[str], None], ended: threading.Event) -> None:
    while not ended.wait(WATCH_S):
        for kind, process in node.dead_processes():
            if kind in ("raylet", "gcs_server") and not ended.is_set():
                lost(f"Ray's {kind} (process {process.pid}) has ended, {_status_text(process.returncode)}; "
                     f"its logs: {node.get_logs_dir_path()}")  # fmt: skip
                return


def _watch_address(node: Any, lost: Callable[[str], None], ended: threading.Event) -> None:
    host, _, port = node.gcs_address.rpartition(":")
    misses = 0
    while not ended.wait(JOINED_WATCH_S):
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=JOINED_WATCH_S).close()
            misses = 0
        except OSError as error:
            misses += 1
            if misses == JOINED_MISSES and not ended.is_set():
                reason = error.strerror or str(error)
                lost(f"the Ray cluster at {node.gcs_address} does not answer any more ({reason}); start it again")
                return


def _status_text(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"


def _url(context: Any) -> str | None:
    return f"http://{context.dashboard_url}" if context.dashboard_url else None


def _first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"no space left in its temporary folder {_default_temporary()} (TMPDIR)"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
