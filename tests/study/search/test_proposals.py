from __future__ import annotations

import math
import zlib
from dataclasses import replace
from typing import Any

import pytest
from optuna.trial import TrialState

from study.config.space import contains, grid
from study.config.study import SAMPLER_NAMES
from study.ledger.records import TrialRecord
from study.ledger.trial_events import Configuration
from study.search.proposals import Outcome, Proposals, outcome
from tests.study.worlds import BETA, GENERATOR, study_of
from trainables.report import IterationReport, Selection


def test_given_points_come_first_in_their_order_and_equal_ones_once() -> None:
    preset = {GENERATOR: "uniform_random", BETA: 2.0}
    given = [{GENERATOR: "uniform_random", BETA: 8.0}, {GENERATOR: "uniform_random", BETA: 2}]
    first = [("preset", preset), *(("given", point) for point in [given[0], given[1], given[0]])]
    proposals = Proposals(study_of(sampler="random"), first)
    found = [proposals.propose() for _ in range(3)]
    assert [one and one.origin for one in found] == ["preset", "given", "sampler"]
    assert [one and one.params for one in found[:2]] == [preset, given[0]]
    assert found[2] is not None
    assert found[2].params not in (preset, given[0])


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_late_results_change_no_proposal_after_given_points(sampler: str) -> None:
    first = [("given", {GENERATOR: "uniform_random", BETA: beta}) for beta in (1.0, 2.0, 4.0, 8.0)]
    study = study_of(sampler=sampler, num_samples=16, lookback=2)
    points = propose_all(Proposals(study, first), 16, delay=0)
    assert points == propose_all(Proposals(study, first), 16, delay=2)
    assert points[:4] == [point for _, point in first]


def value_of(params: dict[str, object]) -> Outcome:
    """A result that depends on the point alone."""
    value = float(zlib.crc32(str(sorted(params.items())).encode()) % 1000)
    return Outcome(TrialState.COMPLETE, value, (value - 1, value))


def propose_all(proposals: Proposals, count: int, delay: int = 0) -> list[dict[str, object]]:
    """Propose, and tell results ``delay`` configurations late where the proposals can wait for them."""
    points: list[dict[str, object]] = []
    told = 0
    while len(points) < count:
        while told < len(points) and (not proposals.ready or len(points) - told > delay):
            proposals.tell(told, value_of(points[told]))
            told += 1
        proposal = proposals.propose()
        if proposal is None:
            break
        points.append(proposal.params)
    return points


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_late_results_change_no_proposal(sampler: str) -> None:
    study = study_of(sampler=sampler, num_samples=16)
    points = propose_all(Proposals(study), 16, delay=0)
    assert points == propose_all(Proposals(study), 16, delay=3)
    assert len(points) == 16
    assert all(contains(study.space, point) for point in points)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_late_results_change_no_proposal_of_a_study_that_has_begun_to_forget(sampler: str) -> None:
    study = study_of(sampler=sampler, num_samples=40, history=10)
    points = propose_all(Proposals(study), 40, delay=0)
    assert points == propose_all(Proposals(study), 40, delay=3)
    unforgetting = propose_all(Proposals(study_of(sampler=sampler, num_samples=40)), 40)
    assert points[:10] == unforgetting[:10]
    assert points != unforgetting


def test_a_restored_search_has_forgotten_the_same() -> None:
    study = study_of(num_samples=40, history=10)
    first, again = Proposals(study), Proposals(study)
    made = []
    for number in range(40):
        proposal = first.propose()
        assert proposal is not None
        made.append(proposal)
        first.tell(number, value_of(proposal.params))
    for number in range(30):
        again.tell(number, value_of(made[number].params))
    for proposal in made[:30]:
        again.restore(proposal.params, proposal.repeats)
    assert again.propose() == made[30]


def test_results_change_proposals_after_the_startup() -> None:
    study = study_of(startup=3, lookback=1)
    reference = propose_all(Proposals(study), 12)
    proposals = Proposals(study)
    points: list[dict[str, Any]] = []
    while len(points) < 12:
        while not proposals.ready:
            number = len(points) - 2
            proposals.tell(number, Outcome(TrialState.COMPLETE, -value_of(points[number]).value))  # type: ignore[operator]
        proposal = proposals.propose()
        assert proposal is not None
        points.append(proposal.params)
    assert points[:4] == reference[:4]
    assert points != reference


def test_another_seed_proposes_other_points() -> None:
    first, second = (propose_all(Proposals(study_of(seed=seed)), 8) for seed in (0, 1))
    assert first != second


def test_proposals_wait_for_the_results_that_they_depend_on() -> None:
    proposals = Proposals(study_of(lookback=2))
    points = [proposals.propose() for _ in range(3)]
    assert not proposals.ready
    with pytest.raises(RuntimeError, match="not there yet"):
        proposals.propose()
    proposals.tell(1, Outcome(TrialState.FAIL))
    assert not proposals.ready
    proposals.tell(0, value_of(points[0].params))  # type: ignore[union-attr]
    assert proposals.ready


def test_a_result_is_told_once() -> None:
    proposals = Proposals(study_of())
    proposals.propose()
    proposals.tell(0, Outcome(TrialState.FAIL))
    with pytest.raises(ValueError, match="told already"):
        proposals.tell(0, Outcome(TrialState.FAIL))


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_a_small_space_is_tried_point_by_point_without_repeats_and_then_ends(sampler: str) -> None:
    study = study_of(space={BETA: {"choices": [1.0, 2.0, 4.0]}, "model.layers": {"choices": [1, 2]}}, sampler=sampler)
    points = propose_all(Proposals(study), 100)
    assert len(points) == 6
    assert all(contains(study.space, point) for point in points)
    assert len({str(sorted(point.items())) for point in points}) == 6


def test_a_grid_is_proposed_in_its_order() -> None:
    study = study_of(sampler="grid", num_samples=None)
    assert propose_all(Proposals(study, first=[("preset", {GENERATOR: "attention"})]), 1000) == grid(study.space)


def test_the_known_point_comes_first() -> None:
    known = {GENERATOR: "uniform_random", BETA: 8.0}
    proposal = Proposals(study_of(), first=[("preset", known)]).propose()
    assert proposal is not None
    assert (proposal.params, proposal.origin) == (known, "preset")


def test_a_restored_search_goes_on_as_the_first_would_have() -> None:
    study = study_of(num_samples=20, lookback=1)
    whole = Proposals(study)
    made: list[Configuration] = []
    for number in range(20):
        while not whole.ready:
            whole.tell(number - 2, value_of(made[number - 2].params))
        proposal = whole.propose()
        assert proposal is not None
        made.append(proposal)
    assert any(proposal.repeats for proposal in made), "the case needs a repeated proposal"
    for cut in range(1, 20):
        restored = Proposals(study)
        for number in range(cut):
            restored.tell(number, value_of(made[number].params))
        for proposal in made[:cut]:
            restored.restore(proposal.params, proposal.repeats)
        assert restored.propose() == made[cut]


def record(state: str, objective: float | None, curve: tuple[float, ...] = ()) -> TrialRecord:
    iterations = [
        IterationReport(i, Selection("test", value), i, value, False, seconds=1.0) for i, value in enumerate(curve)
    ]
    return TrialRecord(0, state=state, objective=objective, iterations=iterations)


def test_an_outcome_is_the_mean_over_completed_replicates() -> None:
    completed = [record("completed", 4.0, (2.0, 4.0)), record("completed", 8.0, (6.0, 8.0))]
    assert outcome(completed, "best") == Outcome(TrialState.COMPLETE, 6.0, (4.0, 6.0))
    assert outcome([*completed, record("failed", 100.0)], "best") == Outcome(TrialState.COMPLETE, 6.0, (4.0, 6.0))


def test_failed_and_non_finite_trials_are_told_as_failed_and_pruned_ones_as_pruned() -> None:
    assert outcome([record("non-finite", 5.0), record("out-of-memory", None)], "best").state == TrialState.FAIL
    assert outcome([record("completed", float("nan"))], "best").state == TrialState.FAIL
    assert outcome([record("pruned", 3.0, (1.0, 3.0))], "best") == Outcome(TrialState.PRUNED, 3.0, (1.0, 3.0))


def replicate(seed: int, value: float, state: str = "completed") -> TrialRecord:
    return replace(record(state, value, (0.0, value)), seed=seed, best_iteration=1)


def test_m0_is_no_result_of_a_refined_trial() -> None:
    worse = replace(record("completed", 50.0, (50.0, 30.0, 40.0)), best_iteration=0)
    assert outcome([worse], "best").value == 50.0
    assert outcome([worse], "refined") == Outcome(TrialState.COMPLETE, 40.0, (-math.inf, 30.0, 40.0))


def test_a_replicate_that_failed_makes_no_mean_lower_than_its_seeds_are() -> None:
    proposals = Proposals(study_of(seeds=2, lookback=0))
    for number, runs in enumerate([[(0, 40.0), (1, 60.0)], [(0, 50.0), (1, 70.0)], [(0, 52.0)]]):
        proposals.propose()
        proposals.tell(number, outcome([replicate(*run) for run in runs], "refined"))
    proposals.propose()
    values = [trial.value for trial in proposals._history.trials()][:3]
    # Seed 1 is worth 20 points more than seed 0.
    assert values == pytest.approx([50.0, 60.0, 62.0])


def test_a_search_with_failed_replicates_is_restored_to_the_same() -> None:
    study = study_of(seeds=2, num_samples=20, lookback=1)

    def result(number: int, params: dict[str, object]) -> Outcome:
        value = value_of(params).value or 0.0
        return outcome([replicate(seed, value + 9 * seed) for seed in range(1 if number % 4 == 2 else 2)], "refined")

    whole, made = Proposals(study), list[Configuration]()
    for number in range(20):
        while not whole.ready:
            whole.tell(number - 2, result(number - 2, made[number - 2].params))
        proposal = whole.propose()
        assert proposal is not None
        made.append(proposal)
    for cut in (3, 8, 15, 19):
        restored = Proposals(study)
        for number in range(cut):
            restored.tell(number, result(number, made[number].params))
        for proposal in made[:cut]:
            restored.restore(proposal.params, proposal.repeats)
        assert restored.propose() == made[cut]


def test_brute_force_goes_through_the_grid_in_the_seeds_own_order() -> None:
    first, second = (propose_all(Proposals(study_of(sampler="brute_force", seed=seed)), 999) for seed in (0, 1))
    everything = grid(study_of().space)
    assert first != second
    assert first != everything
    for points in (first, second):
        assert sorted(map(str, points)) == sorted(map(str, everything))


def test_quasi_random_points_cover_every_value_evenly() -> None:
    points = propose_all(Proposals(study_of(sampler="qmc", num_samples=32)), 32)
    for beta in (1.0, 2.0, 4.0, 8.0):
        assert 4 <= sum(point[BETA] == beta for point in points) <= 12


@pytest.mark.parametrize("sampler", ["grid", "random", "qmc", "brute_force"])
def test_a_sampler_that_learns_nothing_waits_for_nothing(sampler: str) -> None:
    proposals = Proposals(study_of(sampler=sampler, lookback=0))
    assert [proposals.ready and proposals.propose() is not None for _ in range(8)] == [True] * 8


def test_an_asynchronous_study_never_waits_and_uses_what_has_ended() -> None:
    proposals = Proposals(study_of(asynchronous=True, lookback=0, startup=1))
    for _ in range(6):
        assert proposals.ready
        assert proposals.propose() is not None
    proposals.tell(4, Outcome(TrialState.COMPLETE, 3.0, (1.0, 3.0)))
    proposals.propose()
    assert proposals.curves_before(2) == [(1.0, 3.0)]


def test_a_configuration_is_compared_with_those_that_it_was_proposed_from() -> None:
    proposals = Proposals(study_of(lookback=2))
    for number in range(3):
        proposals.propose()
        proposals.tell(number, Outcome(TrialState.COMPLETE, float(number), (float(number),)))
    assert proposals.curves_before(3) == [(0.0,)]
    assert proposals.curves_before(2) == []
