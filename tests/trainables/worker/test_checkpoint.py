"""A state survives being written, cut, flipped and replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.refinement.test_refine import DATA, tiny_run
from trainables.refinement.refine import RunState, refine
from trainables.worker.checkpoint import load_state, save_state


@pytest.fixture(scope="module")
def states() -> list[RunState]:
    config = tiny_run(pseudo_labels__from_last_iterations=2)
    return [result.state for result in refine(config, DATA)]


def test_a_loaded_state_equals_the_saved_one(tmp_path: Path, states: list[RunState]) -> None:
    save_state(tmp_path / "t0001" / "state.pt", states[1])
    loaded = load_state(tmp_path / "t0001" / "state.pt")
    assert loaded is not None
    assert (loaded.iteration, loaded.finished, loaded.reports) == (1, False, states[1].reports)
    assert all(torch.equal(loaded.weights[name], states[1].weights[name]) for name in states[1].weights)
    for name, masks in states[1].label_history.items():
        np.testing.assert_array_equal(loaded.label_history[name], masks)


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert load_state(tmp_path / "state.pt") is None


def test_only_the_state_and_the_one_before_it_stay(tmp_path: Path, states: list[RunState]) -> None:
    for state in states:
        save_state(tmp_path / "state.pt", state)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.pt", "state.pt.previous"]


@pytest.mark.parametrize("damage", ["cut", "empty", "flip", "delete"])
def test_a_damaged_state_falls_back_to_the_one_before_it(
    tmp_path: Path, states: list[RunState], damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.pt"
    save_state(path, states[0])
    save_state(path, states[1])
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes({"cut": bytes(content[:-9]), "empty": b"", "flip": bytes(content)}[damage])
    loaded = load_state(path)
    assert loaded is not None
    assert loaded.iteration == 0
    assert damage == "delete" or "checksum does not match" in caplog.text


def test_two_damaged_files_are_no_state(tmp_path: Path, states: list[RunState]) -> None:
    path = tmp_path / "state.pt"
    save_state(path, states[0])
    save_state(path, states[1])
    for file in tmp_path.iterdir():
        file.write_bytes(b"x")
    assert load_state(path) is None
