from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from analysis.results.refinement import best_trials
from analysis.study import load_study
from study.ledger.ranking import (
    ORACLE,
    Replicate,
    best_configuration,
    every_ranked_point,
    ranked_configurations,
    ranked_points,
)
from study.ledger.records import TrialRecord
from tests.analysis.study_folders import BETA, GENERATOR, StudyFolder


def trial(number: int, beta: float, seed: int, objective: float | None, state: str = "completed") -> TrialRecord:
    return TrialRecord(number, state=state, params={BETA: beta}, seed=seed, objective=objective)


def numbers(records: list[TrialRecord]) -> list[int]:
    return [record.number for record in records]


def test_the_best_configuration_has_the_best_mean_over_seeds() -> None:
    records = [trial(0, 1, 0, 90.0), trial(1, 1, 1, 10.0), trial(2, 2, 0, 60.0), trial(3, 2, 1, 61.0)]
    assert numbers(best_configuration(records)) == [2, 3]
    assert (
        best_configuration([trial(0, 1, 0, 99.0, "failed"), trial(1, 1, 0, None), trial(2, 1, 0, float("nan"))]) == []
    )


def test_a_configuration_with_a_failed_replicate_takes_no_part() -> None:
    records = [trial(0, 1, 0, 90.0), trial(1, 1, 1, None, "failed"), trial(2, 2, 0, 60.0), trial(3, 2, 1, 61.0)]
    assert numbers(best_configuration(records)) == [2, 3]
    assert len(ranked_configurations(records)) == 1


def test_a_confirmed_configuration_wins_over_a_lucky_single_run() -> None:
    assert numbers(best_configuration([trial(0, 1, 0, 90.0), trial(1, 2, 0, 60.0), trial(2, 2, 1, 61.0)])) == [1, 2]


def test_a_confirmation_on_a_bad_seed_loses_against_none_that_lacks_it() -> None:
    # Seed 2 takes 20 points from everyone; the second configuration's run on it failed.
    full = [(1, 60.0, 58.0, 39.0), (3, 50.0, 49.0, 31.0)]
    runs = [(beta, seed, value) for beta, *values in full for seed, value in enumerate(values)]
    runs += [(2, 0, 55.0), (2, 1, 54.0)]
    records = [trial(number, *run) for number, run in enumerate(runs)]
    assert [group[0].params[BETA] for group in ranked_configurations(records)] == [1, 2, 3]


def test_configurations_that_ran_once_come_last_with_what_is_known_of_them() -> None:
    replicates = [Replicate(0, "a", 0, 90.0), Replicate(1, "b", 0, 60.0), Replicate(2, "b", 1, 61.0)]
    first, second = every_ranked_point(replicates)
    assert (first.replicates[0].point, first.competes, first.estimate.seeds) == ("b", True, 2)
    assert (second.replicates[0].point, second.competes, second.estimate.seeds) == ("a", False, 1)


def test_ties_go_to_the_configuration_of_the_earlier_trial() -> None:
    assert numbers(best_configuration([trial(3, 2, 0, 50.0), trial(1, 1, 0, 50.0)])) == [1]


def test_a_seed_that_occurs_twice_counts_with_its_earlier_trial() -> None:
    records = [trial(0, 1, 0, 50.0), trial(1, 2, 0, 40.0), trial(2, 2, 0, 90.0)]
    assert [numbers(group) for group in ranked_configurations(records)] == [[0], [1]]


def test_the_oracle_is_an_upper_bound_and_never_the_best() -> None:
    oracle = TrialRecord(0, state="completed", params={GENERATOR: ORACLE}, objective=90.0)
    honest = TrialRecord(1, state="completed", params={GENERATOR: "attention"}, objective=50.0)
    assert numbers(best_configuration([oracle, honest])) == [1]
    assert best_configuration([trial(0, 1, 0, 90.0)], generator=ORACLE) == []


@given(
    runs=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.integers(0, 3).map(float)), max_size=20),
    order=st.randoms(use_true_random=False),
)
def test_the_order_in_which_trials_are_told_changes_nothing(
    runs: list[tuple[str, int, float]], order: random.Random
) -> None:
    replicates = [Replicate(number, *run) for number, run in enumerate(runs)]
    shuffled = order.sample(replicates, len(replicates))
    assert ranked_points(replicates) == ranked_points(shuffled)


def test_terminal_and_tables_name_the_same_winner_when_a_replicate_failed(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    lucky, steady = ({GENERATOR: "attention", BETA: beta} for beta in (1.0, 2.0))
    made.add(lucky, [30, 90], seed=0)
    made.add(lucky, [30], seed=1, state="failed", reason="RuntimeError: no")
    made.add(steady, [30, 60], seed=0)
    made.add(steady, [30, 61], seed=1)
    study = load_study(made.folder)
    assert best_trials(study)["trial"].tolist() == [2, 3]
