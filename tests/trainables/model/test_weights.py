"""The weights that a trial keeps are those of its best iteration, whichever way it came there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.study.worlds import run_of
from tests.trainables.worker.orders import answers, order_of, worker_of
from tests.trainables.worlds import tiny_dataset
from trainables.base_models import build_base_model
from trainables.batching import SplitTensors
from trainables.config import RunConfig
from trainables.data import Segments, read_predictions
from trainables.files import DamagedFile
from trainables.gpu import DeviceCache
from trainables.model.weights import read_weights, write_weights
from trainables.training import score_split
from trainables.worker.messages import TrialOrder

DATA = tiny_dataset()


def best_iterations(*orders: TrialOrder) -> dict[int, int | None]:
    """Best iteration of each trial, after a worker has run them to their end."""
    told = answers(worker_of(DATA, *orders))
    return {answer.trial: answer.report.best_iteration for answer in told if answer.report}


def predicted_by_kept_weights(folder: Path, trial: int, run: RunConfig) -> tuple[int, Segments]:
    """Iteration of the kept weights, and the test predictions of a network that has them."""
    kept = read_weights(folder / "models" / f"t{trial:04d}.pt")
    model = build_base_model(run, DATA.dimensions, len(DATA.classes), torch.Generator())
    model.load_state_dict(kept.weights)
    tensors = SplitTensors.of(DATA.test, len(DATA.classes), "first", DeviceCache.of(run).features)
    return kept.iteration, model.predict(score_split(model, tensors), tensors.split)


def assert_kept(folder: Path, trial: int, run: RunConfig, best: int | None) -> None:
    """The kept weights are of the best iteration and give the predictions that the trial wrote."""
    iteration, found = predicted_by_kept_weights(folder, trial, run)
    assert iteration == best
    written = read_predictions(folder / f"t{trial:04d}.csv", DATA.classes)
    assert [found.start_s.tolist(), found.score.tolist()] == [written.start_s.tolist(), written.score.tolist()]


@pytest.mark.parametrize("source", ["last_epoch", "best_epoch"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_trial_keeps_the_weights_of_its_best_iteration(tmp_path: Path, source: str, seed: int) -> None:
    run = run_of(training__epochs=6, pseudo_labels__source=source, seed=seed)
    best = best_iterations(order_of(tmp_path, 0, run))
    assert_kept(tmp_path, 0, run, best[0])


@pytest.mark.parametrize("iterations", [1, 3])
def test_also_where_m0_was_taken_over(tmp_path: Path, iterations: int) -> None:
    maker, taker = run_of(training__epochs=6), run_of(training__epochs=6, refinement__iterations=iterations)
    best_iterations(order_of(tmp_path, 0, maker, shares_m0=True))
    best = best_iterations(order_of(tmp_path, 1, taker, shares_m0=True))
    assert_kept(tmp_path, 1, taker, best[1])


def test_a_base_without_weights_is_taken_all_the_same(tmp_path: Path) -> None:
    run = run_of(refinement__iterations=1)
    best_iterations(order_of(tmp_path, 0, run, shares_m0=True))
    (tmp_path / "base" / "key.model.pt").unlink()
    best_iterations(order_of(tmp_path, 1, run, shares_m0=True))
    assert not (tmp_path / "models" / "t0001.pt").exists()
    assert (tmp_path / "t0001.csv").exists()


@pytest.mark.parametrize("done", [1, 2])
def test_also_after_a_kill(tmp_path: Path, done: int) -> None:
    run = run_of(training__epochs=6)
    killed = worker_of(DATA, order_of(tmp_path, 0, run))
    for _ in range(done):
        killed.step()
    best = best_iterations(order_of(tmp_path, 0, run))
    assert_kept(tmp_path, 0, run, best[0])


def test_also_of_trials_that_train_together(tmp_path: Path) -> None:
    runs = {3: run_of(loss__beta=8.0), 5: run_of(loss__beta=0.5)}
    best = best_iterations(*(order_of(tmp_path, trial, run) for trial, run in runs.items()))
    for trial, run in runs.items():
        assert_kept(tmp_path, trial, run, best[trial])


def test_damaged_weights_are_told_by_their_digest(tmp_path: Path) -> None:
    path = tmp_path / "models" / "t0000.pt"
    write_weights(path, 2, {"a": torch.ones(3)})
    assert read_weights(path).iteration == 2
    stored = path.read_bytes()
    path.write_bytes(stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(DamagedFile, match="checksum"):
        read_weights(path)
