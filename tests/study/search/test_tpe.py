"""Our TPE proposes what Optuna's proposes, to the last bit, whatever it has learned from."""

from __future__ import annotations

import json
import random
import warnings
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from study.config import Point, StudyConfig, load_study_config, parse_study, suggest
from study.search import proposals as module
from study.search.proposals import SAMPLED_TRIES, Outcome, Proposals
from study.search.retained_trials import RetainedStorage
from study.search.tpe import GridMasses

KEYS = {
    "steps": {},
    "ranges": {
        "loss.beta": {"low": 0.5, "high": 16.0, "log": True},
        "pseudo_labels.sampled_share": {"low": 0.2, "high": 1.0},
        "refinement.iterations": {"low": 1, "high": 9},
        "training.epochs": {"low": 1, "high": 4000},
    },
    "one value": {
        "loss.beta": {"choices": [4.0]},
        "pseudo_labels.sampled_share": {"low": 0.2, "high": 1.0, "step": 0.4},
    },
}


class OptunasOwn(Proposals):
    """With the sampler that Optuna has, which reads the whole history for itself."""

    def _ask(self, attempt: int) -> Point:
        seed = self._seed(attempt)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=seed)
            if attempt < SAMPLED_TRIES and self._config.sampler == "tpe":
                sampler = optuna.samplers.TPESampler(
                    seed=seed, multivariate=True, group=True, n_startup_trials=self._config.startup
                )
        study = optuna.create_study(
            storage=RetainedStorage(self._history.trials()), sampler=sampler, direction="maximize"
        )
        return suggest(self._config.space, study.ask())


def study_with(keys: dict[str, Any], **changes: Any) -> StudyConfig:
    tree = load_study_config("search").as_dict()
    return parse_study({**tree, "space": {**tree["space"], **keys}, "lookback": 0, **changes}, "test")


def result_of(order: random.Random) -> Outcome:
    """Of what happens to configurations: failures, pruning, other seeds, equal values."""
    if order.random() < 0.05:
        return Outcome(TrialState.FAIL)
    value = round(order.gauss(50, 5), 1)
    if order.random() < 0.2:
        return Outcome(TrialState.PRUNED, value, tuple(order.gauss(40, 5) for _ in range(order.randint(0, 3))))
    by_seed = {seed: value + order.gauss(0, 1) for seed in range(order.choice([2, 2, 2, 1]))}
    return Outcome(TrialState.COMPLETE, sum(by_seed.values()) / len(by_seed), (value - 3, value), by_seed)


def proposed(kind: type[Proposals], study: StudyConfig, count: int) -> list[Point]:
    search, order, points = kind(study), random.Random(0), []
    for number in range(count):
        proposal = search.propose()
        assert proposal is not None
        points.append(proposal.params)
        search.tell(number, result_of(order))
    return points


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(("sampler", "history"), [("tpe", 1000), ("tpe", 30), ("random", 1000)])
def test_proposals_are_those_of_optunas_own_sampler(keys: dict[str, Any], sampler: str, history: int) -> None:
    study = study_with(keys, history=history, sampler=sampler)
    count = 30 if keys.get("loss.beta") == {"choices": [4.0]} else 90
    ours, optunas = (proposed(kind, study, count) for kind in (Proposals, OptunasOwn))
    assert json.dumps(ours) == json.dumps(optunas)


def test_masses_are_computed_once_for_each_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    compute = GridMasses._compute

    def counted(self: GridMasses, mu: Any, sigma: Any) -> None:
        computed.append(len(mu))
        compute(self, mu, sigma)

    monkeypatch.setattr(GridMasses, "_compute", counted)
    proposed(Proposals, study_with({}, history=100), 130)
    first = sum(computed)
    computed.clear()
    proposed(Proposals, study_with({}, history=100), 260)
    # Kernels lie on the same grids: what 130 proposals needed serves the next ones, too.
    assert sum(computed) < 1.5 * first


def test_a_long_search_reads_each_result_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where seeds differ, and all values are compared anew at each proposal."""
    added: list[int] = []
    add = module.RetainedTrials.add

    def counted(self: module.RetainedTrials, trial: optuna.trial.FrozenTrial) -> None:
        added.append(1)
        add(self, trial)

    monkeypatch.setattr(module.RetainedTrials, "add", counted)
    counts = []
    for length in (100, 200):
        added.clear()
        proposed(Proposals, study_with(KEYS["ranges"], history=20, sampler="random"), length)
        counts.append(len(added))
    assert counts[1] < 2.2 * counts[0], counts
