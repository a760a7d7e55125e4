"""Workers of Ray Tune on a clock that is only counted: Tune's own controller runs as ever, and no process is started.

What Tune does with Ray's actors goes through one class; ``SimulatedWorkers`` takes its place. An actor is an object in
this process, its tasks end in the order of the counted clock, and nothing is sent anywhere.
"""

from __future__ import annotations

import heapq
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from ray.air.execution._internal import TrackedActor
from ray.tune.execution import tune_controller

SETUP_S = 5.0  # of a worker, on the counted clock
SPREAD = 0.5  # standard deviation of the logarithm of an iteration's seconds, as runs with early stops have it

Task = tuple[TrackedActor, Callable[[], None]]


class Actor:
    """What Tune sees of a worker beside its tasks: the fields of a result that has not come yet."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.get_auto_filled_metrics = SimpleNamespace(remote=worker.get_auto_filled_metrics)


class SimulatedWorkers:
    """Stands in for Ray's actor manager. cpu_s: seconds of the processor that the workers' own code took.
    most_at_once: workers that were there together."""

    def __init__(self, slots: int, trainable: type[Any], seed: int = 0) -> None:
        self._slots, self._trainable, self._order = slots, trainable, random.Random(seed)
        self._now, self._numbers = 0.0, count()
        self._tasks: list[tuple[float, int, Task]] = []  # a heap
        self._dropped: set[int] = set()
        self._pending: deque[tuple[TrackedActor, dict[str, Any]]] = deque()
        self._starting = 0
        self._live_actors_to_ray_actors_resources: dict[TrackedActor, tuple[Actor, None]] = {}
        self.cpu_s, self.most_at_once = 0.0, 0

    def __call__(self, resource_manager: Any) -> SimulatedWorkers:
        """As Tune makes its manager."""
        return self

    def next(self, timeout: float | None = None) -> bool:
        """The next event; none where nothing runs."""
        while self._pending and len(self._live_actors_to_ray_actors_resources) + self._starting < self._slots:
            actor, kwargs = self._pending.popleft()
            self._starting += 1
            self._after(SETUP_S, actor, lambda actor=actor, kwargs=kwargs: self._start(actor, kwargs))  # type: ignore[misc]
        while self._tasks:
            self._now, number, (_, task) = heapq.heappop(self._tasks)
            if number not in self._dropped:
                task()
                return True
            self._dropped.remove(number)
        return False

    def add_actor(self, cls: Any, kwargs: dict[str, Any], resource_request: Any, **callbacks: Any) -> TrackedActor:
        actor = TrackedActor(next(self._numbers), **callbacks)
        self._pending.append((actor, kwargs))
        return actor

    def remove_actor(self, tracked_actor: TrackedActor, kill: bool = False, stop_future: Any = None) -> bool:
        if self._live_actors_to_ray_actors_resources.pop(tracked_actor, None) is None:
            waiting = len(self._pending)
            self._pending = deque(one for one in self._pending if one[0] != tracked_actor)
            if len(self._pending) == waiting:
                self._starting -= 1
                self.clear_actor_task_futures(tracked_actor)
            return False
        if tracked_actor._on_stop:
            self._after(0.0, tracked_actor, lambda: tracked_actor._on_stop(tracked_actor))  # type: ignore[misc]
        return True

    def schedule_actor_task(
        self,
        tracked_actor: TrackedActor,
        method_name: str,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        on_result: Callable[..., None] | None = None,
        on_error: Any = None,
        _return_future: bool = False,
    ) -> None:
        if on_result is None:
            return  # an order to stop
        worker = self._live_actors_to_ray_actors_resources[tracked_actor][0].worker
        seconds = self._order.lognormvariate(0, SPREAD) if method_name == "train" else 0.0
        given = {} if method_name == "train" else kwargs or {}
        self._after(
            seconds, tracked_actor, lambda: on_result(tracked_actor, self._run(worker, method_name, args, given))
        )

    def is_actor_started(self, tracked_actor: TrackedActor) -> bool:
        return tracked_actor in self._live_actors_to_ray_actors_resources

    def is_actor_failed(self, tracked_actor: TrackedActor) -> bool:
        return False

    def clear_actor_task_futures(self, tracked_actor: TrackedActor) -> None:
        self._dropped.update(number for _, number, (actor, _) in self._tasks if actor == tracked_actor)

    def get_live_actors_resources(self) -> dict[str, float]:
        return {"CPU": float(self.num_live_actors)}

    def cleanup(self) -> None:
        """Nothing: there are no processes."""

    @property
    def num_live_actors(self) -> int:
        return len(self._live_actors_to_ray_actors_resources)

    @property
    def num_pending_actors(self) -> int:
        return len(self._pending) + self._starting

    @property
    def num_actor_tasks(self) -> int:
        return len(self._tasks)

    @property
    def num_total_actors(self) -> int:
        return self.num_live_actors + self.num_pending_actors

    def _after(self, seconds: float, actor: TrackedActor, task: Callable[[], None]) -> None:
        heapq.heappush(self._tasks, (self._now + seconds, next(self._numbers), (actor, task)))

    def _start(self, actor: TrackedActor, kwargs: dict[str, Any]) -> None:
        self._starting -= 1
        worker = self._own(lambda: self._trainable(kwargs["config"]))
        self._live_actors_to_ray_actors_resources[actor] = Actor(worker), None
        self.most_at_once = max(self.most_at_once, self.num_live_actors)
        if actor._on_start:
            actor._on_start(actor)

    def _run(self, worker: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._own(lambda: getattr(worker, method)(*args, **kwargs))

    def _own(self, work: Callable[[], Any]) -> Any:
        started = time.process_time()
        try:
            return work()
        finally:
            self.cpu_s += time.process_time() - started


@contextmanager
def simulated(workers: SimulatedWorkers) -> Iterator[None]:
    """Tune takes these workers inside of the block.

    A worker of Tune moves its process to its trial's folder, and notes in the environment where it was: here the
    process is the caller's.
    """
    manager: Any = tune_controller
    real, manager.RayActorManager = manager.RayActorManager, workers
    try:
        with chdir("."), patch.dict(os.environ):
            yield
    finally:
        manager.RayActorManager = real
