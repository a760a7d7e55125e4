"""What is changed inside of Ray Tune, on the installed Ray. No cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayTaskError

from study.execution import tune_internals


def test_a_session_asks_the_cluster_once_for_its_trainable(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.tune import registry

    asked: list[str] = []

    def get(self: Any, category: str, key: str) -> str:
        asked.append(key)
        return f"{category} {key}"

    def contains(self: Any, category: str, key: str) -> bool:
        asked.append(key)
        return False

    monkeypatch.setattr(registry._Registry, "get", get)
    monkeypatch.setattr(registry._Registry, "contains", contains)
    with tune_internals.registry_asked_once():
        assert not registry._global_registry.contains("a", "x")
        assert [registry._global_registry.get("a", "x") for _ in range(3)] == ["a x"] * 3
        assert registry._global_registry.contains("a", "x")
    assert asked == ["x", "x"]
    registry._global_registry.get("a", "x")
    assert asked == ["x", "x", "x"], "as it was"


def test_of_each_experiment_one_snapshot_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.tune.execution.tune_controller import TuneController

    taken: list[tuple[object, bool, bool]] = []

    def take(self: object, force: bool = False, wait: bool = False) -> None:
        taken.append((self, force, wait))

    monkeypatch.setattr(TuneController, "checkpoint", take)
    one, other = (TuneController.__new__(TuneController) for _ in range(2))
    monkeypatch.setattr(TuneController, "__del__", lambda self: None, raising=False)
    with tune_internals.one_snapshot():
        for controller in (one, one, other, one):
            controller.checkpoint()
        one.checkpoint(force=True, wait=True)  # as Tune does at the end
    assert taken == [(one, False, False), (other, False, False)]
    one.checkpoint(force=True)
    assert taken[-1] == (one, True, False), "as it was"


def test_callbacks_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.air._internal import usage
    from ray.tune import Callback, tune

    monkeypatch.setattr(usage, "tag_callbacks", usage.tag_callbacks)  # put back afterwards
    tune_internals.count_no_callbacks()
    assert tune.air_usage.tag_callbacks([Callback()]) is False


def test_workers_of_trials_have_the_environment_of_idle_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.tune.execution import class_cache

    def environment() -> object:
        class Trainable:
            pass

        return class_cache._ActorClassCache().get(Trainable)._default_options["runtime_env"].get("env_vars")

    for name in ("DEFAULT_ENV_VARS", "ENV_VARS_TO_PROPAGATE"):
        monkeypatch.setattr(class_cache, name, getattr(class_cache, name))  # put back afterwards
    monkeypatch.setattr(class_cache, "DEFAULT_ENV_VARS", {"PL_DISABLE_FORK": "1"})
    assert environment()
    tune_internals.use_idle_workers()
    assert not environment()


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (OutOfMemoryError("Task was killed due to the node running low on memory."), RayActorError),
        (ActorUnavailableError("its node does not answer", None), ActorUnavailableError),
        (RayTaskError("step", "a traceback", ValueError("its own")), RayTaskError),
        (ValueError("no loss"), ValueError),
    ],
)
def test_every_loss_of_a_worker_is_one_that_tune_expects(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, told: type[Exception]
) -> None:
    from ray.air.execution._internal.actor_manager import RayActorManager

    found: list[Exception] = []

    def failed(self: object, tracked_actor_task: object, exception: Exception) -> None:
        found.append(exception)

    monkeypatch.setattr(RayActorManager, "_actor_task_failed", failed)
    for _ in range(2):  # once is enough
        tune_internals.treat_lost_workers_alike()
    RayActorManager._actor_task_failed(object(), None, raised)  # type: ignore[arg-type]
    (error,) = found
    assert type(error) is told
    assert str(raised).splitlines()[-1] in str(error)
