from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from study.cli.resume import extended, require_same_data, require_same_settings, version_changes
from study.ledger.ledger_file import Ledger
from study.ledger.settings import OpenedStudy, StudySettings, create_folder, open_study
from study.ledger.study_events import Event, SearchLimits, StudyCreated, StudyResumed, StudyStarted
from study.ledger.trial_events import Configuration, TrialProposed
from tests.study.worlds import run_of, study_of
from tests.trainables.worlds import tiny_dataset
from trainables.datasets.card import make_card
from trainables.errors import UserError

SETTINGS = StudySettings(run_of().model_dump(mode="json"), study_of(seeds=2).as_dict())


def opened(folder: Path, *events: Event) -> OpenedStudy:
    """A study with these events."""
    made = create_folder(folder, "s", SETTINGS)
    ledger = Ledger(made.ledger_file)
    ledger.append(StudyCreated(open_study(folder, "s").settings.to_json()))
    for event in events:
        ledger.append(event)
    ledger.close()
    return open_study(folder, "s")


def proposed(trials: int) -> list[TrialProposed]:
    return [TrialProposed(number, Configuration(number // 2, {}), number % 2) for number in range(trials)]


def test_without_a_new_budget_that_of_the_last_session_holds(tmp_path: Path) -> None:
    study = opened(tmp_path, StudyStarted(num_samples=12), StudyResumed(num_samples=20))
    assert extended(study_of(seeds=2), study, None).num_samples == 20
    assert extended(study_of(seeds=2), study, 30).num_samples == 30


def test_limits_of_the_last_session_hold_but_for_those_that_are_given_anew(tmp_path: Path) -> None:
    began = StudyStarted(num_samples=12, limits=SearchLimits(60.0, 4, None))
    study = opened(tmp_path, began, StudyResumed(num_samples=12, limits=SearchLimits(60.0, 8, 3600.0)))
    kept = extended(study_of(seeds=2), study, None)
    assert (kept.target, kept.patience, kept.time_budget_s) == (60.0, 8, 3600.0)
    changed = extended(study_of(seeds=2), study, None, SearchLimits(70.0, None, 7200.0))
    assert (changed.target, changed.patience, changed.time_budget_s) == (70.0, 8, 7200.0)


def test_a_budget_below_what_was_proposed_is_refused_with_the_least_one(tmp_path: Path) -> None:
    study = opened(tmp_path, StudyStarted(num_samples=12), *proposed(5))
    assert extended(study_of(seeds=2), study, 3).num_samples == 3
    with pytest.raises(UserError, match="has 5 trials already; ask for 3 configurations or more, got 2"):
        extended(study_of(seeds=2), study, 2)


def test_changed_settings_are_refused_with_key_and_both_values(tmp_path: Path) -> None:
    study = opened(tmp_path)
    require_same_settings(study)
    changed = replace(study.settings, run=run_of(loss__beta=3.0).model_dump(mode="json"))
    with pytest.raises(UserError, match=r"run\.loss\.beta: was 2\.0 when study 's' began and is 3\.0 now"):
        require_same_settings(replace(study, settings=changed))


def test_other_data_are_refused(tmp_path: Path) -> None:
    study, card = opened(tmp_path), make_card(tiny_dataset(), run_of().dataset)
    require_same_data(card.as_dict(), card, study)
    with pytest.raises(UserError, match=r"the digest of names, labels, .* was other and is .* --data-dir"):
        require_same_data({**card.as_dict(), "content_hash": "other"}, card, study)
    with pytest.raises(UserError, match="; put the files back, or start a new study"):
        require_same_data({**card.as_dict(), "dimensions": 5}, replace(card, file="mine.yaml"), study)


def test_each_version_that_changed_has_a_line() -> None:
    assert version_changes({"torch": "2.13.0", "ray": "2.60.0"}, {"torch": "2.14.0", "ray": "2.60.0"}) == [
        "started with torch 2.13.0, now running 2.14.0: numbers may differ in the last digits"
    ]
