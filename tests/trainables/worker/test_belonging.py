"""Whole files of others, and whole files with wrong content: found, logged, and the numbers stay right."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.study.worlds import run_of
from tests.trainables.worker.orders import answers, order_of, reports, worker_of
from tests.trainables.worlds import tiny_dataset
from trainables.files import read_with_digest, write_with_digest
from trainables.report import IterationReport
from trainables.worker.belonging import m0_owner, owner_problem, trial_owner
from trainables.worker.checkpoint import load_state, save_state

DATA = tiny_dataset()
RUN, OTHER = run_of(), run_of(loss__beta=8.0)


@pytest.fixture(scope="module")
def expected() -> list[IterationReport]:
    from trainables.refinement.refine import refine

    return [result.report.without_times() for result in refine(RUN, DATA)]


def timeless(found: list[IterationReport]) -> list[IterationReport]:
    return [replace(report, m0=None).without_times() for report in found]


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the content of a state and give it the digest of what it then holds."""
    plain = torch.load(io.BytesIO(read_with_digest(path)), weights_only=True)
    changed, buffer = change(plain), io.BytesIO()
    torch.save(plain if changed is None else changed, buffer)
    write_with_digest(path, buffer.getvalue())


def without_owner(plain: dict[str, Any]) -> None:
    """As older versions wrote states."""
    plain.pop("owner", None)


def cut_weights(plain: dict[str, Any]) -> None:
    plain["weights"] = {name: tensor[:1] for name, tensor in plain["weights"].items()}


def without_weights(plain: dict[str, Any]) -> None:
    del plain["weights"]


def not_finite(plain: dict[str, Any]) -> None:
    plain["weights"] = {name: torch.full_like(tensor, torch.nan) for name, tensor in plain["weights"].items()}


def without_reports(plain: dict[str, Any]) -> None:
    plain["reports"] = "[]"


def no_json(plain: dict[str, Any]) -> None:
    plain["reports"] = "{"


def another_object(plain: dict[str, Any]) -> Any:
    return [1, 2]


WRONG = [cut_weights, without_weights, not_finite, without_reports, no_json, another_object]


@pytest.mark.parametrize("foreign", [OTHER, run_of(seed=5)], ids=["other beta", "other seed"])
def test_a_state_of_another_trial_is_not_gone_on_from(
    tmp_path: Path, expected: list[IterationReport], foreign: Any, caplog: pytest.LogCaptureFixture
) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 1, foreign))))
    shutil.copytree(tmp_path / "t0001", tmp_path / "t0000")
    assert timeless(reports(worker_of(DATA, order_of(tmp_path, 0, RUN)))) == expected
    assert "is the state of another run: " in caplog.text


def test_a_trials_own_state_is_gone_on_from_also_where_it_computes_elsewhere(tmp_path: Path) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 0, RUN))))
    state = load_state(tmp_path / "t0000" / "state.pt", trial_owner(RUN.updated({"compute.threads": 7})))
    assert state is not None
    assert state.finished


@pytest.mark.parametrize("damage", WRONG, ids=lambda damage: damage.__name__)
def test_a_state_with_the_right_digest_and_wrong_content_is_trained_anew(
    tmp_path: Path, expected: list[IterationReport], damage: Any
) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 0, RUN))))
    for file in (tmp_path / "t0000").iterdir():
        rewrite(file, damage)
    told = list(answers(worker_of(DATA, order_of(tmp_path, 0, RUN))))
    assert timeless([answer.report for answer in told if answer.report]) == expected
    assert told[-1].state == "completed"


@pytest.mark.parametrize("damage", WRONG, ids=lambda damage: damage.__name__)
def test_a_shared_m0_with_wrong_content_ends_no_trial_and_is_trained_anew(
    tmp_path: Path, expected: list[IterationReport], damage: Any
) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 0, OTHER, shares_m0=True))))
    rewrite(tmp_path / "base" / "key.pt", damage)
    found = reports(worker_of(DATA, order_of(tmp_path, 1, RUN, shares_m0=True)))
    assert timeless(found) == expected
    assert found[0].m0 is not None
    assert found[0].m0.trained
    after = reports(worker_of(DATA, order_of(tmp_path, 2, RUN, shares_m0=True)))
    assert timeless(after) == expected
    assert after[0].m0 is not None
    assert not after[0].m0.trained


@pytest.mark.parametrize(
    "damage", [cut_weights, without_weights, not_finite, another_object], ids=lambda damage: damage.__name__
)
def test_weights_of_a_shared_m0_with_wrong_content_end_no_trial_that_measures_it_anew(
    tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from trainables.refinement.refine import refine

    other = RUN.updated({"prediction.min_attention": 0.3})

    def reports_of(trial: int, run: Any) -> list[IterationReport]:
        order = order_of(tmp_path, trial, run, shares_m0=True)
        assert order.m0 is not None
        return reports(worker_of(DATA, replace(order, m0=replace(order.m0, prediction=RUN.prediction))))

    reports_of(0, RUN)
    rewrite(tmp_path / "base" / "key.model.pt", damage)
    found = reports_of(1, other)
    assert timeless(found) == [result.report.without_times() for result in refine(other, DATA)]
    assert found[0].m0 is not None
    assert found[0].m0.trained
    assert "key.model.pt" in caplog.text


def test_a_trials_state_in_the_place_of_a_shared_m0_is_not_taken(
    tmp_path: Path, expected: list[IterationReport], caplog: pytest.LogCaptureFixture
) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 0, run_of(seed=5), shares_m0=True))))
    shutil.copyfile(tmp_path / "t0000" / "state.pt", tmp_path / "base" / "key.pt")
    assert timeless(reports(worker_of(DATA, order_of(tmp_path, 1, RUN, shares_m0=True)))) == expected
    assert "is the state of a trial, not of the shared M0 key" in caplog.text


def test_a_state_of_an_older_version_is_gone_on_from(tmp_path: Path, expected: list[IterationReport]) -> None:
    worker = worker_of(DATA, order_of(tmp_path, 0, RUN))
    worker.step()
    worker.step()
    rewrite(tmp_path / "t0000" / "state.pt", without_owner)
    state = load_state(tmp_path / "t0000" / "state.pt")
    assert state is not None
    known = replace(order_of(tmp_path, 0, RUN, 2), known_reports=tuple(state.reports))
    assert timeless(reports(worker_of(DATA, known))) == expected[2:]


def test_a_state_of_an_older_version_that_disagrees_with_the_ledger_is_not_gone_on_from(
    tmp_path: Path, expected: list[IterationReport], caplog: pytest.LogCaptureFixture
) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 1, run_of(refinement__iterations=2)))))
    shutil.copytree(tmp_path / "t0001", tmp_path / "t0000")
    for file in (tmp_path / "t0000").iterdir():
        rewrite(file, without_owner)
    known = replace(order_of(tmp_path, 0, RUN, 2), known_reports=tuple(expected[:2]))
    # Its iteration 0 is the M0 of both trials.
    assert timeless(reports(worker_of(DATA, known))) == expected[1:]
    assert "disagrees with the ledger on iteration 1" in caplog.text


def test_settings_that_only_one_version_knows_do_not_count() -> None:
    older = json.loads(json.dumps(trial_owner(RUN)))
    del older["run"]["loss"]["beta"]
    assert owner_problem(older, trial_owner(RUN)) is None
    assert "loss.beta is 8.0 there" in str(owner_problem(trial_owner(OTHER), trial_owner(RUN)))
    assert owner_problem(m0_owner("a"), m0_owner("a")) is None
    assert owner_problem(m0_owner("a"), m0_owner("b")) is not None
    assert owner_problem(["a"], m0_owner("b")) is not None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.validation_order", "fixed"),
        ("prediction.tune", "thresholds"),
        ("thresholds", "predictions"),
        ("dataset.training_labels", "video"),
    ],
)
def test_a_setting_that_is_not_written_at_its_default_tells_two_runs_apart(key: str, value: str) -> None:
    default, other = trial_owner(RUN), trial_owner(RUN.updated({key: value}))
    for stored, expected in ((default, other), (other, default)):
        assert f"is the state of another run: {key} is " in str(owner_problem(json.loads(json.dumps(stored)), expected))
    assert owner_problem(other, other) is None


def test_the_state_before_a_foreign_one_is_used(tmp_path: Path) -> None:
    from trainables.refinement.refine import refine

    first, second = (result.state for result, _ in zip(refine(RUN, DATA), range(2), strict=False))
    save_state(tmp_path / "state.pt", first, trial_owner(RUN))
    save_state(tmp_path / "state.pt", second, trial_owner(OTHER))
    state = load_state(tmp_path / "state.pt", trial_owner(RUN))
    assert state is not None
    assert state.iteration == 0
