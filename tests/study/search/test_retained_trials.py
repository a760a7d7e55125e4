from __future__ import annotations

import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from study.search.retained_trials import RetainedStorage, RetainedTrials

STATES = st.sampled_from([TrialState.COMPLETE, TrialState.PRUNED])


def told(state: TrialState, value: float) -> FrozenTrial:
    return optuna.trial.create_trial(state=state, value=value, intermediate_values={0: value})


def obvious(results: list[tuple[TrialState, float]], size: int) -> list[int]:
    """Numbers of what is to be remembered, by sorting all that there is."""
    numbers = list(range(len(results)))
    latest = numbers[-(size - size // 2) :]
    before = numbers[: len(numbers) - len(latest)]
    before.sort(key=lambda n: (results[n][0] != TrialState.COMPLETE, -results[n][1], n))
    return sorted(before[: size // 2]) + latest


@given(results=st.lists(st.tuples(STATES, st.integers(0, 5).map(float)), max_size=40), size=st.integers(2, 12))
def test_the_latest_and_the_best_of_the_others_are_remembered_in_order(
    results: list[tuple[TrialState, float]], size: int
) -> None:
    history = RetainedTrials(size)
    for state, value in results:
        history.add(told(state, value))
    trials = history.trials()
    assert len(trials) == min(len(results), size)
    assert [(trial.state, trial.value) for trial in trials] == [results[n] for n in obvious(results, size)]
    assert [trial.number - 1 for trial in trials] == obvious(results, size)


def test_samplers_see_what_is_remembered_and_not_the_trial_that_is_asked_for() -> None:
    history = RetainedTrials(4)
    for value in range(9):
        history.add(told(TrialState.COMPLETE if value % 2 else TrialState.PRUNED, float(value)))
    study = optuna.create_study(storage=RetainedStorage(history.trials()), direction="maximize")
    assert study.ask().number not in [trial.number for trial in study.get_trials()]
    assert [trial.value for trial in study.get_trials()] == [3.0, 5.0, 7.0, 8.0]
    assert [trial.value for trial in study.get_trials(states=[TrialState.PRUNED])] == [8.0]
