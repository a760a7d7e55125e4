from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from study.config.first_points import first_points
from study.driver import Driver, NoTrial
from study.driver.plan import number_of
from study.ledger.ranking import ranked_configurations
from study.ledger.records import TrialRecord
from tests.study.worlds import BETA, GENERATOR, SPACE, driver_of, outcomes, report_of, run_of, study_of, work
from trainables.report import IterationReport, Selection


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """An undisturbed study, one trial at a time."""
    driver = driver_of(tmp_path_factory.mktemp("reference"), study_of(seeds=2))
    work(driver, 1, random.Random(0))
    return outcomes(driver)


LARGE = {**SPACE, "pseudo_labels.sampled_share": {"low": 0.2, "high": 1.0}}


def finish(driver: Driver, record: TrialRecord) -> None:
    for iteration in range(3):
        driver.reported(record.number, report_of(record, iteration))
    driver.ended(record.number, "completed")


def test_the_study_has_all_its_trials_with_replicates_side_by_side(reference: list[tuple[object, ...]]) -> None:
    assert len(reference) == 24
    assert [trial[3] for trial in reference[:4]] == [0, 1, 0, 1]
    assert reference[0][2] == reference[1][2] != reference[2][2]
    assert reference[0][4] == "preset"


def test_a_larger_budget_goes_on_where_the_smaller_one_ended(tmp_path: Path) -> None:
    small, whole = tmp_path / "small", tmp_path / "whole"
    work(driver_of(small, study_of(num_samples=5)), 2, random.Random(0))
    extended = driver_of(small, study_of(num_samples=12))
    assert extended.num_finished == 5
    work(extended, 3, random.Random(0))
    at_once = driver_of(whole, study_of(num_samples=12))
    work(at_once, 1, random.Random(0))
    assert outcomes(extended) == outcomes(at_once)


def test_the_best_are_confirmed_on_further_seeds_after_everything_else(tmp_path: Path) -> None:
    study = study_of(num_samples=6, seeds=2, confirm={"top": 2, "seeds": 3})
    driver = driver_of(tmp_path / "one", study)
    work(driver, 1, random.Random(0))
    confirmed = [record for record in driver.records.values() if record.origin == "confirm"]
    assert [record.number for record in confirmed] == list(range(12, 18))
    assert [record.seed for record in confirmed] == [2, 3, 4] * 2
    search = [record for record in driver.records.values() if record.origin != "confirm"]
    ranked = ranked_configurations(search, number_of=lambda record: record.refined_objective)
    best = [replicates[0].configuration for replicates in ranked[:2]]
    assert [record.configuration for record in confirmed] == [best[0]] * 3 + [best[1]] * 3
    assert study.num_trials == len(driver.records) == 18
    other = driver_of(tmp_path / "four", study)
    work(other, 4, random.Random(1))
    assert outcomes(other) == outcomes(driver)


def test_where_refinement_never_helps_the_best_refined_models_are_confirmed(tmp_path: Path) -> None:
    heights = [10.0, 30.0, 20.0, 40.0]
    confirmed = {}
    for objective in ("refined", "best"):
        study = study_of(sampler="random", num_samples=4, confirm={"top": 2, "seeds": 1}, objective=objective)
        driver = driver_of(tmp_path / objective, study)
        while not isinstance(record := driver.next_trial(), NoTrial):
            driver.started(record.number, "host", 1, "cpu")
            numbers = (50.0, heights[number_of(record)])
            for i, number in enumerate(numbers):
                driver.reported(
                    record.number, IterationReport(i, Selection("test", number), 0, 50.0, i == 1, seconds=1.0)
                )
            driver.ended(record.number, "completed")
        confirmed[objective] = [r.configuration for r in driver.records.values() if r.origin == "confirm"]
    assert confirmed == {"refined": [3, 1], "best": [0, 1]}  # all report M0's 50: the earlier ones


def test_a_confirmed_study_can_be_extended(tmp_path: Path) -> None:
    plan = {"seeds": 1, "confirm": {"top": 1, "seeds": 2}}
    work(driver_of(tmp_path, study_of(num_samples=4, **plan)), 2, random.Random(0))
    driver = driver_of(tmp_path, study_of(num_samples=8, **plan))
    work(driver, 2, random.Random(1))
    at_once = driver_of(tmp_path / "at-once", study_of(num_samples=8))
    work(at_once, 1, random.Random(0))
    searched = [record.params for record in driver.records.values() if record.origin != "confirm"]
    assert searched == [record.params for record in at_once.records.values()]


def test_the_presets_own_point_is_tried_first_where_the_study_says_so() -> None:
    run = run_of(loss__beta=4.0)
    [(origin, point)] = first_points(study_of(start_from_preset=True), run)
    assert origin == "preset"
    assert (point[GENERATOR], point[BETA]) == (run.pseudo_labels.generator, 4.0)
    assert first_points(study_of(start_from_preset=False), run) == []


def test_a_trial_that_nobody_declared_has_no_configuration() -> None:
    assert number_of(TrialRecord(5, configuration=2)) == 2
    with pytest.raises(AssertionError, match="are declared"):
        number_of(TrialRecord(5))


def test_a_study_without_trials_left_says_so(tmp_path: Path) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=2, sampler="random"))
    work(driver, 1, random.Random(0))
    assert driver.next_trial() is NoTrial.EXHAUSTED


@pytest.mark.parametrize("limits", [{"patience": 3}, {"target": 55.0}, {"patience": 2, "sampler": "random"}])
def test_a_search_ends_early_with_the_same_trials_whatever_the_workers(tmp_path: Path, limits: dict[str, Any]) -> None:
    study = study_of(num_samples=60, lookback=2, confirm={"top": 1, "seeds": 2}, **limits)
    whole = driver_of(tmp_path / "1", study)
    work(whole, 1, random.Random(0))
    search = [record for record in whole.records.values() if record.origin != "confirm"]
    assert len(search) < 60
    assert len(whole.records) == len(search) + 2
    assert whole.has_ended()
    assert whole.search_end
    assert whole.num_trials == len(whole.records)
    for workers in (2, 4):
        other = driver_of(tmp_path / str(workers), study)
        work(other, workers, random.Random(workers))
        assert outcomes(other) == outcomes(whole)
    order = random.Random(7)
    while True:
        driver = driver_of(tmp_path / "killed", study)
        left = work(driver, order.randint(1, 4), order, events=order.randint(1, 30))
        driver.close()
        if left > 0:
            break
    assert outcomes(driver) == outcomes(whole)


def test_a_search_that_ended_early_is_extended_by_more_patience(tmp_path: Path) -> None:
    work(driver_of(tmp_path / "a", study_of(num_samples=60, patience=2)), 2, random.Random(0))
    extended = driver_of(tmp_path / "a", study_of(num_samples=60, patience=6))
    assert not extended.has_ended()
    work(extended, 3, random.Random(0))
    at_once = driver_of(tmp_path / "b", study_of(num_samples=60, patience=6))
    work(at_once, 1, random.Random(0))
    assert outcomes(extended) == outcomes(at_once)
    assert extended.search_end == at_once.search_end


def test_confirmations_run_side_by_side(tmp_path: Path) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=4, confirm={"top": 2, "seeds": 3}))
    searched = [driver.next_trial() for _ in range(4)]
    for record in searched:
        assert isinstance(record, TrialRecord)
        assert driver.next_trial() is NoTrial.WAITING, "the best are not known yet"
        finish(driver, record)
    confirmed = [driver.next_trial() for _ in range(6)]
    assert [record.origin for record in confirmed if isinstance(record, TrialRecord)] == ["confirm"] * 6
    assert driver.next_trial() is NoTrial.WAITING, "one of them may have to be run again"
    for record in confirmed:
        assert isinstance(record, TrialRecord)
        finish(driver, record)
    assert driver.next_trial() is NoTrial.EXHAUSTED


@pytest.mark.parametrize("limits", [{"patience": 1000}, {"time_budget_s": 1e6}])
def test_a_proposal_of_a_long_study_looks_at_as_many_trials_as_one_of_a_short_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]
) -> None:
    looks: list[int] = []
    finished = vars(TrialRecord)["finished"].fget

    def counted(self: TrialRecord) -> bool:
        looks.append(1)
        return bool(finished(self))

    monkeypatch.setattr(TrialRecord, "finished", property(counted))
    means: list[int] = []
    monkeypatch.setattr("study.search.proposals.configuration_means", lambda found: means.extend(found))
    counts = []
    for length in (40, 80):
        driver = driver_of(
            tmp_path / str(length), study_of(space=LARGE, num_samples=length, sampler="random", **limits)
        )
        looks.clear()
        work(driver, 4, random.Random(0))
        counts.append(len(looks))
    assert counts[1] < 2.3 * counts[0], counts
    assert not means
