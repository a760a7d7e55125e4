"""What Ray Tune does and no public interface changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def treat_lost_workers_alike() -> None:
    """Report every lost worker to Tune as a lost worker, also one that Ray's memory monitor ended.

    Its actor manager expects RayActorError alone; the OutOfMemoryError of Ray's memory monitor, like any other, makes
    it raise and ends all trials.
    """
    from ray.air.execution._internal import actor_manager
    from ray.exceptions import RayActorError, RayError, RayTaskError

    manager: Any = actor_manager.RayActorManager
    failed = manager._actor_task_failed
    if getattr(failed, "takes_all_losses", False):
        return

    def task_failed(self: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, RayError) and not isinstance(exception, RayActorError | RayTaskError):
            exception = RayActorError(error_msg=f"{type(exception).__name__}: {exception}")
        failed(self, tracked_actor_task, exception)

    task_failed.takes_all_losses = True  # type: ignore[attr-defined]
    manager._actor_task_failed = task_failed


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Of Tune's own snapshots of the experiment only the first one is taken, of which it wants to see a file.

    Nothing is restored from them, and the last one, which no setting prevents, holds all trials of the session.
    """
    from ray.tune.execution.tune_controller import TuneController

    controller: Any = TuneController
    take, taken = controller.checkpoint, set[int]()

    def checkpoint(self: Any, force: bool = False, wait: bool = False) -> None:
        if id(self) not in taken:
            taken.add(id(self))
            take(self, force=force, wait=wait)

    controller.checkpoint = checkpoint
    try:
        yield
    finally:
        controller.checkpoint = take


@contextmanager
def registry_asked_once() -> Iterator[None]:
    """Tune asks the head of the cluster for its trainable several times for each trial, and unpickles it anew.

    What is registered stays as it is for a session.
    """
    from ray.tune import registry as tune_registry

    registry: Any = tune_registry._global_registry
    get, contains = registry.get, registry.contains
    known: dict[tuple[str, str], Any] = {}

    def get_once(category: str, key: str) -> Any:
        if (category, key) not in known:
            known[category, key] = get(category, key)
        return known[category, key]

    def contains_once(category: str, key: str) -> bool:
        return (category, key) in known or bool(contains(category, key))

    registry.get, registry.contains = get_once, contains_once
    try:
        yield
    finally:
        del registry.get, registry.contains


def count_no_callbacks() -> None:
    """Tune imports every logger that is installed (MLflow, W&B: seconds) to count callbacks for Ray's usage report,
    which is off here."""
    from ray.air._internal import usage

    usage.tag_callbacks = lambda callbacks: False


def use_idle_workers() -> None:
    """Tune gives the workers of trials an environment of their own, which the idle processes of a cluster do not have.

    Where this process has started the cluster, all of them have its environment already. So a trial begins in a
    process that is there, with torch imported (``cluster.PRELOADED``).
    """
    from ray.tune.execution import class_cache

    class_cache.DEFAULT_ENV_VARS = {}
    class_cache.ENV_VARS_TO_PROPAGATE = set()
