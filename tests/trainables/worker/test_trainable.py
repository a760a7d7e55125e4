from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.study.worlds import run_of
from tests.trainables.worker.orders import answers, config_of, order_of
from trainables.config import RunConfig
from trainables.data.prediction_files import read_predictions
from trainables.datasets import Dataset, load_dataset
from trainables.gpu.device_cache import DeviceCache, feature_store
from trainables.json_types import JsonObject
from trainables.refinement.refine import refine
from trainables.report import IterationReport
from trainables.training.state import NonFiniteLoss
from trainables.worker import process
from trainables.worker.checkpoint import load_state, save_state
from trainables.worker.messages import (
    ANSWER,
    METRIC,
    TrialAnswer,
)
from trainables.worker.time_limit import TimeLimitExceeded
from trainables.worker.trainable import RefinementTrainable
from trainables.worker.trial import failure_state

RUN = run_of()


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(RUN.dataset, Path("data"))


@pytest.fixture(scope="module")
def reports(data: Dataset) -> list[IterationReport]:
    """What refine() itself reports."""
    return [result.report.without_times() for result in refine(RUN, data)]


def first_answer(trainable: Any) -> TrialAnswer:
    return next(answers(trainable))


def timeless(told: Iterable[TrialAnswer]) -> list[IterationReport]:
    return [answer.report.without_times() for answer in told if answer.report]


@pytest.fixture
def make(data: Dataset) -> Any:
    """RefinementTrainable with its data, outside Ray."""

    class Local(RefinementTrainable):
        def setup(self, config: JsonObject) -> None:  # type: ignore[override]
            super().setup(config, data=data)

    return Local


def test_one_step_is_one_iteration_of_refine(make: Any, tmp_path: Path, reports: list[IterationReport]) -> None:
    trainable = make(config_of(order_of(tmp_path, 0, RUN)))
    results = [trainable.train() for _ in reports]
    assert [result["done"] for result in results] == [False, False, True]
    told = [one for result in results for one in result[ANSWER].trials]
    assert timeless(told) == reports
    assert [one.state for one in told] == ["running", "running", "completed"]
    assert results[-1][METRIC] == told[-1].objective == reports[-1].best_so_far


def test_state_and_predictions_of_the_best_iteration_are_on_the_disk_before_the_answer(
    make: Any, tmp_path: Path, data: Dataset
) -> None:
    for iteration, answer in enumerate(answers(make(config_of(order_of(tmp_path, 0, RUN))))):
        state = load_state(tmp_path / "t0000" / "state.pt")
        assert state is not None
        assert state.iteration == iteration
        assert answer.report is not None
        test_map = answer.report.splits["test"].map
        if answer.report.best_iteration == iteration:
            written = read_predictions(tmp_path / "t0000.csv", data.classes)
            assert test_map is not None
            assert len(written) == test_map.predictions


@pytest.mark.parametrize("done", [1, 2, 3])
@pytest.mark.parametrize("known", [0, 1])
def test_a_trial_goes_on_from_its_state_and_tells_what_is_not_known(
    make: Any, tmp_path: Path, data: Dataset, reports: list[IterationReport], done: int, known: int
) -> None:
    for result, _ in zip(refine(RUN, data), range(done), strict=False):
        save_state(tmp_path / "t0000" / "state.pt", result.state)
    trainable = make(config_of(order_of(tmp_path, 0, RUN, known)))
    assert timeless(answers(trainable)) == reports[known:]


def test_one_worker_runs_trial_after_trial_with_the_numbers_of_fresh_ones(
    make: Any, tmp_path: Path, reports: list[IterationReport]
) -> None:
    trainable = make(config_of(order_of(tmp_path, 0, run=run_of(seed=5))))
    trainable.train()
    assert trainable.reset_config(config_of(order_of(tmp_path, 1, RUN)))
    told = list(answers(trainable))
    assert timeless(told) == reports
    assert {answer.trial for answer in told} == {1}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (torch.cuda.OutOfMemoryError("no room"), "out-of-memory"),
        (MemoryError("no room"), "out-of-memory"),
        (NonFiniteLoss("loss is nan"), "non-finite"),
        (TimeLimitExceeded("its time was used up"), "timed-out"),
        (ValueError("first line\nlast line"), "failed"),
    ],
)
def test_a_trial_that_cannot_go_on_ends_with_its_reason_and_its_worker_lives(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str
) -> None:
    def broken(*arguments: Any) -> Iterator[Any]:
        raise error
        yield

    trainable = make(config_of(order_of(tmp_path, 0, RUN)))
    with monkeypatch.context() as patched:
        patched.setattr(process, "refine_together", broken)
        (answer,) = answers(trainable)
    assert failure_state(error) == answer.state == state
    assert str(error).splitlines()[-1] in str(answer.reason)
    if state in ("non-finite", "timed-out"):  # foreseen: a sentence of its own, without the name of a class
        assert answer.reason == str(error)
    assert "Traceback" in str(answer.log)
    trainable.reset_config(config_of(order_of(tmp_path, 1, RUN)))
    assert first_answer(trainable).state == "running"


def test_a_loss_that_is_not_finite_ends_the_trial_as_such(make: Any, tmp_path: Path) -> None:
    (answer,) = answers(make(config_of(order_of(tmp_path, 0, run=run_of(training__lr=1e30)))))
    assert answer.state == "non-finite"


def test_a_worker_describes_itself(make: Any, tmp_path: Path) -> None:
    assert make(config_of(order_of(tmp_path, 0, RUN))).describe().device == "cpu"


def by_trial(trainable: Any) -> dict[int, list[TrialAnswer]]:
    """Answers of each trial, until all have ended."""
    told: dict[int, list[TrialAnswer]] = {}
    for answer in answers(trainable):
        told.setdefault(answer.trial, []).append(answer)
    return told


def iterations(told: list[TrialAnswer]) -> list[int]:
    return [answer.report.iteration for answer in told if answer.report]


@pytest.mark.parametrize("first", ["kept", "measured"])
def test_an_m0_is_measured_anew_from_the_features_that_the_worker_has_on_its_device(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """A second copy would double the memory of a GPU that is shared by trials that just fit."""
    caches: list[DeviceCache] = []

    def counted(config: RunConfig) -> DeviceCache:
        caches.append(DeviceCache(feature_store(config)))
        return caches[-1]

    monkeypatch.setattr(DeviceCache, "of", counted)
    other = RUN.updated({"prediction.min_attention": 0.3})
    trainable = None
    for trial, run in enumerate((RUN, other) if first == "kept" else (other, RUN)):
        order = order_of(tmp_path, trial, run, shares_m0=True)
        assert order.m0 is not None
        config = config_of(replace(order, m0=replace(order.m0, prediction=RUN.prediction)))
        if trainable is None:
            trainable = make(config)
        else:
            trainable.reset_config(config)
        list(answers(trainable))
    assert len(caches) == 1


def test_several_trials_in_a_process_tell_their_iterations_and_leave_their_files(make: Any, tmp_path: Path) -> None:
    longer, shorter = run_of(loss__beta=8.0), run_of(refinement__iterations=2)
    told = by_trial(make(config_of(order_of(tmp_path, 3, run=longer), order_of(tmp_path, 5, run=shorter))))
    assert {number: iterations(ones) for number, ones in told.items()} == {3: [0, 1, 2], 5: [0, 1]}
    assert {number: ones[-1].state for number, ones in told.items()} == {3: "completed", 5: "completed"}
    for number, last in ((3, 2), (5, 1)):
        state = load_state(tmp_path / f"t{number:04d}" / "state.pt")
        assert state is not None
        assert (state.iteration, state.finished) == (last, True)
        assert (tmp_path / f"t{number:04d}.csv").exists()


def test_several_trials_go_on_from_the_disk(make: Any, tmp_path: Path, data: Dataset) -> None:
    for result, _ in zip(refine(RUN, data), range(2), strict=False):
        save_state(tmp_path / "t0000" / "state.pt", result.state)
    told = by_trial(make(config_of(order_of(tmp_path, 0, RUN, 1), order_of(tmp_path, 1, RUN))))
    assert {number: iterations(ones) for number, ones in told.items()} == {0: [1, 2], 1: [0, 1, 2]}


def test_an_error_of_the_process_ends_the_trials_that_are_left(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> Iterator[Any]:
        raise ValueError("no such thing")
        yield

    trainable = make(config_of(order_of(tmp_path, 0, RUN), order_of(tmp_path, 1, RUN)))
    monkeypatch.setattr(process, "refine_together", broken)
    told = by_trial(trainable)
    assert {number: [one.state for one in ones] for number, ones in told.items()} == {0: ["failed"], 1: ["failed"]}
    assert "no such thing" in str(told[1][0].reason)


def test_a_loss_that_is_not_finite_ends_its_trial_alone(make: Any, tmp_path: Path) -> None:
    wild = run_of(loss__beta=3e38)
    told = by_trial(make(config_of(order_of(tmp_path, 0, RUN), order_of(tmp_path, 1, run=wild))))
    assert told[0][-1].state == "completed"
    assert told[1][-1].state == "non-finite"
