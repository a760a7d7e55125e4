"""optuna.journal: what Optuna's own reader finds in it, while the study runs and after any damage."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from study.driver import Driver
from study.execution.optuna_attributes import metric_name
from study.execution.optuna_journal import OptunaJournal, optuna_study_name
from tests.study.worlds import BETA, SPACE, driver_of, run_of, study_of, work

STUDY = study_of(num_samples=10, pruner="median")
STATES = {
    "completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL,
    "running": TrialState.RUNNING, "proposed": TrialState.RUNNING,
}  # fmt: skip


def with_journal(path: Path) -> tuple[Driver, OptunaJournal]:
    driver = driver_of(path, STUDY)
    journal = OptunaJournal(driver.folder, STUDY, driver.run, "simulated", driver.records)
    driver.listeners.append(journal)
    return driver, journal


def read(path: Path) -> list[optuna.trial.FrozenTrial]:
    """As optuna-dashboard does."""
    storage = JournalStorage(JournalFileBackend(str(path / "optuna.journal")))
    return optuna.load_study(study_name=optuna_study_name("simulated", STUDY), storage=storage).trials


def agrees(path: Path, driver: Driver) -> None:
    trials, records = read(path), driver.records
    assert len(trials) == len(records)
    for trial in trials:
        record = records[trial.number]
        assert (trial.state, trial.params) == (STATES[record.state], record.params)
        assert trial.value == (record.refined_objective if record.state in ("completed", "pruned") else None)
        refined = [report.selection.number or 0.0 for report in record.iterations if report.iteration > 0]
        assert trial.intermediate_values == {i + 1: max(refined[: i + 1]) for i in range(len(refined))}
        attributes = trial.user_attrs
        assert (attributes["trial"], attributes["seed"]) == (f"t{trial.number:04d}", record.seed)
        assert attributes.get("state") == (record.state if record.finished else None)
        assert attributes.get("reason") == record.reason
        own = [report.selection.map for report in record.iterations]
        assert attributes.get("selection by iteration", []) == own
        if own:
            assert attributes["iteration"] == len(own) - 1
            assert attributes["test mAP at the best iteration"] == record.iterations[
                record.best_iteration or 0
            ].selection_map("test")


@pytest.mark.parametrize("events", [1, 7, 23, 1000])
def test_it_can_be_read_at_any_time_and_agrees_with_the_ledger(tmp_path: Path, events: int) -> None:
    driver, _ = with_journal(tmp_path)
    work(driver, 2, random.Random(0), events)
    agrees(tmp_path, driver)
    if events > 100:
        assert {trial.state for trial in read(tmp_path)} >= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}


@pytest.mark.parametrize("damage", ["none", "cut", "empty", "delete", "flip", "behind", "foreign", "blank line"])
def test_it_is_written_anew_where_it_does_not_agree(tmp_path: Path, damage: str) -> None:
    driver, journal = with_journal(tmp_path)
    work(driver, 2, random.Random(0), 20)
    driver.close()
    journal.close()
    file = tmp_path / "optuna.journal"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    flipped = whole.replace(b'"intermediate_value":', b'"intermediate_valuE":', 1)
    content = {
        "none": whole, "cut": whole[:-10], "empty": b"", "delete": b"", "flip": flipped,
        "behind": b"".join(lines[:-3]), "foreign": b"not a journal\n", "blank line": whole + b"\n",
    }[damage]  # fmt: skip
    file.unlink() if damage == "delete" else file.write_bytes(content)
    again, _ = with_journal(tmp_path)
    agrees(tmp_path, again)
    work(again, 2, random.Random(1))
    agrees(tmp_path, again)
    assert file.read_bytes().startswith(whole) == (damage == "none")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ledger.jsonl", "optuna.journal"]


def test_it_names_the_metric_and_tells_what_the_study_is(tmp_path: Path) -> None:
    driver, _ = with_journal(tmp_path)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "optuna.journal")))
    study = optuna.load_study(study_name=optuna_study_name("simulated", STUDY), storage=storage)
    assert study.metric_names == ["mAP@0.5, test, percent, refined"]
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    told = study.user_attrs
    assert (told["data set"], told["selection rule"], told["preset"]) == ("simulated", "paper", "released")
    assert told["evaluation protocol"] == driver.run.evaluation.protocol
    assert told["figures"] == str(tmp_path / "figures")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"selection__rule": "held-out"}, "mAP@0.5, held-out, percent, refined"),
        (
            {"selection__rule": "video-labels", "selection__signal": "video_loss"},
            "−video loss (higher is better), held-out, refined",
        ),
    ],
)
def test_the_metric_is_what_the_rule_compares(changes: dict[str, str], name: str) -> None:
    assert metric_name(run_of(**changes), "refined") == name


def test_a_journal_of_before_that_has_no_attributes_is_written_anew(tmp_path: Path) -> None:
    driver, journal = with_journal(tmp_path)
    work(driver, 2, random.Random(0), 20)
    driver.close()
    journal.close()
    file = tmp_path / "optuna.journal"
    kept = [line for line in file.read_bytes().splitlines(keepends=True) if b"selection rule" not in line]
    file.write_bytes(b"".join(kept))
    again, _ = with_journal(tmp_path)
    agrees(tmp_path, again)
    assert b"selection rule" in file.read_bytes()


def test_optuna_dashboard_shows_the_metrics_name_and_the_attributes(tmp_path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    driver, _ = with_journal(tmp_path)
    work(driver, 2, random.Random(0), 30)
    app = dashboard.wsgi(JournalStorage(JournalFileBackend(str(tmp_path / "optuna.journal"))))
    (summary,) = asked(app, "/api/studies")["study_summaries"]
    study = asked(app, f"/api/studies/{summary['study_id']}")
    assert study["objective_names"] == ["mAP@0.5, test, percent, refined"]
    assert study["directions"] == ["maximize"]
    assert {"data set", "selection rule"} <= {one["key"] for one in study["user_attrs"]}
    assert {"reason", "seed", "state"} <= {one["key"] for trial in study["trials"] for one in trial["user_attrs"]}


def asked(app: Any, path: str) -> Any:
    """What a WSGI application answers."""
    environment: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environment)
    return json.loads(b"".join(app(environment, lambda *answer: None)))


def test_a_study_that_counts_m0_shows_it(tmp_path: Path) -> None:
    study = study_of(num_samples=3, objective="best")
    driver = driver_of(tmp_path, study)
    journal = OptunaJournal(driver.folder, study, driver.run, "simulated", driver.records)
    driver.listeners.append(journal)
    work(driver, 1, random.Random(0))
    for trial in journal.trials():
        record = driver.records[trial.number]
        assert trial.value == record.objective
        assert trial.intermediate_values == {r.iteration: r.best_so_far for r in record.iterations}


def test_its_name_tells_data_set_and_space() -> None:
    name = optuna_study_name("simulated", STUDY)
    assert name.startswith("simulated small ")
    assert optuna_study_name("utkinect", STUDY) != name
    other = study_of(space={**SPACE, BETA: {"choices": [1.0, 2.0]}})
    assert optuna_study_name("simulated", other) != name
