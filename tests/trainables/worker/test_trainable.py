from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.study.worlds import run_of
from trainables.config.run import RunConfig
from trainables.data.prediction_files import read_predictions
from trainables.datasets import Dataset, load_dataset
from trainables.refinement.refine import refine
from trainables.training.loop import NonFiniteLoss
from trainables.worker import trainable as module
from trainables.worker.checkpoint import load_state, save_state
from trainables.worker.trainable import JointTrainable, RefinementTrainable
from trainables.worker.trial import failure_state

RUN = run_of()
TIMES = ("seconds", "training_s")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(RUN.dataset, Path("data"))


@pytest.fixture(scope="module")
def reports(data: Dataset) -> list[dict[str, Any]]:
    """What refine() itself reports."""
    return [timeless(result.report) for result in refine(RUN, data)]


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in TIMES}


def config_of(folder: Path, trial: int = 0, known: int = 0, run: RunConfig = RUN) -> dict[str, Any]:
    return {
        "trial": trial,
        "run": run.model_dump(mode="json"),
        "state_path": str(folder / f"t{trial:04d}" / "state.pt"),
        "predictions_path": str(folder / f"t{trial:04d}.csv"),
        "model_path": str(folder / f"t{trial:04d}.pt"),
        "known_iterations": known,
    }


@pytest.fixture
def make(data: Dataset) -> Any:
    """RefinementTrainable with its data, outside Ray."""

    class Local(RefinementTrainable):
        def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
            super().setup(config, data=data)

    return Local


def test_one_step_is_one_iteration_of_refine(make: Any, tmp_path: Path, reports: list[dict[str, Any]]) -> None:
    trainable = make(config_of(tmp_path))
    results = [trainable.train() for _ in reports]
    assert [timeless(result["report"]) for result in results] == reports
    assert [result["done"] for result in results] == [False, False, True]
    assert [result["state"] for result in results] == ["running", "running", "completed"]
    assert results[-1]["objective"] == reports[-1]["best_so_far"]


def test_state_and_predictions_of_the_best_iteration_are_on_the_disk_before_the_report(
    make: Any, tmp_path: Path, data: Dataset
) -> None:
    trainable = make(config_of(tmp_path))
    for iteration in range(3):
        report = trainable.train()["report"]
        state = load_state(tmp_path / "t0000" / "state.pt")
        assert state is not None
        assert state.iteration == iteration
        if report["best_iteration"] == iteration:
            written = read_predictions(tmp_path / "t0000.csv", data.classes)
            assert len(written) == report["map"]["test"]["predictions"]


@pytest.mark.parametrize("done", [1, 2, 3])
@pytest.mark.parametrize("known", [0, 1])
def test_a_trial_goes_on_from_its_state_and_tells_what_is_not_known(
    make: Any, tmp_path: Path, data: Dataset, reports: list[dict[str, Any]], done: int, known: int
) -> None:
    for result, _ in zip(refine(RUN, data), range(done), strict=False):
        save_state(tmp_path / "t0000" / "state.pt", result.state)
    trainable = make(config_of(tmp_path, known=known))
    told: list[dict[str, Any]] = []
    while not told or not told[-1]["done"]:
        told.append(trainable.train())
    assert [timeless(result["report"]) for result in told] == reports[known:]


def test_one_worker_runs_trial_after_trial_with_the_numbers_of_fresh_ones(
    make: Any, tmp_path: Path, reports: list[dict[str, Any]]
) -> None:
    trainable = make(config_of(tmp_path, run=run_of(seed=5)))
    trainable.train()
    assert trainable.reset_config(config_of(tmp_path, trial=1))
    results = [trainable.train() for _ in reports]
    assert [timeless(result["report"]) for result in results] == reports
    assert {result["trial"] for result in results} == {1}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (torch.cuda.OutOfMemoryError("no room"), "out-of-memory"),
        (MemoryError("no room"), "out-of-memory"),
        (NonFiniteLoss("loss is nan"), "non-finite"),
        (ValueError("first line\nlast line"), "failed"),
    ],
)
def test_a_trial_that_cannot_go_on_ends_with_its_reason_and_its_worker_lives(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str
) -> None:
    def broken(*arguments: Any) -> Iterator[Any]:
        raise error
        yield

    trainable = make(config_of(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(module, "refine", broken)
        result = trainable.train()
    assert failure_state(error) == state
    assert (result["state"], result["done"]) == (state, True)
    assert str(error).splitlines()[-1] in result["reason"]
    assert "Traceback" in result["log"]
    trainable.reset_config(config_of(tmp_path, trial=1))
    assert trainable.train()["state"] == "running"


def test_a_loss_that_is_not_finite_ends_the_trial_as_such(make: Any, tmp_path: Path) -> None:
    result = make(config_of(tmp_path, run=run_of(training__lr=1e30))).train()
    assert result["state"] == "non-finite"


def test_a_worker_describes_itself(make: Any, tmp_path: Path) -> None:
    assert make(config_of(tmp_path)).describe()["device"] == "cpu"


@pytest.fixture
def make_joint(data: Dataset) -> Any:
    """JointTrainable with its data, outside Ray."""

    class Local(JointTrainable):
        def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
            super().setup(config, data=data)

    return Local


def joint_of(*configs: dict[str, Any]) -> dict[str, Any]:
    return {"trial": configs[0]["trial"], "together": list(configs)}


def told(trainable: Any) -> dict[int, list[dict[str, Any]]]:
    """Results by trial, until all have ended."""
    by_trial: dict[int, list[dict[str, Any]]] = {}
    done = False
    while not done:
        result = trainable.train()
        done = result["done"]
        for one in result["results"]:
            by_trial.setdefault(one["trial"], []).append(one)
    return by_trial


def test_several_trials_in_a_process_tell_their_iterations_and_leave_their_files(
    make_joint: Any, tmp_path: Path
) -> None:
    longer, shorter = run_of(loss__beta=8.0), run_of(refinement__iterations=2)
    results = told(make_joint(joint_of(config_of(tmp_path, 3, run=longer), config_of(tmp_path, 5, run=shorter))))
    assert {n: [one["report"]["iteration"] for one in ones] for n, ones in results.items()} == {3: [0, 1, 2], 5: [0, 1]}
    assert {n: [one["state"] for one in ones][-1] for n, ones in results.items()} == {3: "completed", 5: "completed"}
    for number, last in ((3, 2), (5, 1)):
        state = load_state(tmp_path / f"t{number:04d}" / "state.pt")
        assert state is not None
        assert (state.iteration, state.finished) == (last, True)
        assert (tmp_path / f"t{number:04d}.csv").exists()


def test_several_trials_go_on_from_the_disk(make_joint: Any, tmp_path: Path, data: Dataset) -> None:
    for result, _ in zip(refine(RUN, data), range(2), strict=False):
        save_state(tmp_path / "t0000" / "state.pt", result.state)
    results = told(make_joint(joint_of(config_of(tmp_path, 0, known=1), config_of(tmp_path, 1))))
    assert {n: [one["report"]["iteration"] for one in ones] for n, ones in results.items()} == {0: [1, 2], 1: [0, 1, 2]}


def test_an_error_of_the_process_ends_the_trials_that_are_left(
    make_joint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> Iterator[Any]:
        raise ValueError("no such thing")
        yield

    trainable = make_joint(joint_of(config_of(tmp_path, 0), config_of(tmp_path, 1)))
    monkeypatch.setattr(module, "refine_together", broken)
    results = told(trainable)
    assert {n: [one["state"] for one in ones] for n, ones in results.items()} == {0: ["failed"], 1: ["failed"]}
    assert "no such thing" in results[1][0]["reason"]


def test_a_loss_that_is_not_finite_ends_its_trial_alone(make_joint: Any, tmp_path: Path) -> None:
    wild = run_of(loss__beta=3e38)
    results = told(make_joint(joint_of(config_of(tmp_path, 0), config_of(tmp_path, 1, run=wild))))
    assert results[0][-1]["state"] == "completed"
    assert results[1][-1]["state"] == "non-finite"
