from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.study.worlds import run_of
from trainables import trainable as module
from trainables.checkpoint import load_state, save_state
from trainables.config import RunConfig
from trainables.datasets import Dataset, load_dataset
from trainables.refinement import refine
from trainables.segment_files import read_predictions
from trainables.trainable import RefinementTrainable, failure_state
from trainables.training import NonFiniteLoss

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
