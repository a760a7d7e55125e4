from __future__ import annotations

from pathlib import Path

from study.driver.m0_gate import M0Gate
from study.ledger.folder import StudyFolder
from study.m0_cache import M0Cache


def gate_of(folder: Path) -> M0Gate:
    gate = M0Gate()
    gate.cache = M0Cache(StudyFolder(folder / "s"), {})
    return gate


def test_without_a_cache_all_trials_start() -> None:
    gate = M0Gate()
    assert gate.admits(None, 0)
    assert gate.admits("key", 1)


def test_of_the_trials_of_a_missing_m0_the_first_one_trains_it(tmp_path: Path) -> None:
    gate = gate_of(tmp_path)
    assert gate.admits("key", 3)
    assert not gate.admits("key", 4)
    assert gate.admits("key", 3), "it may be asked again"
    assert gate.admits("another key", 4)


def test_when_the_one_that_trains_ends_without_an_m0_the_next_one_trains(tmp_path: Path) -> None:
    gate = gate_of(tmp_path)
    assert gate.admits("key", 3)
    gate.release(3)
    assert gate.admits("key", 4)
    assert not gate.admits("key", 5)


def test_all_start_when_the_m0_is_in_the_cache(tmp_path: Path) -> None:
    gate = gate_of(tmp_path)
    assert gate.admits("key", 3)
    for file in StudyFolder(tmp_path / "s").m0_files("key"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert gate.admits("key", 4)
