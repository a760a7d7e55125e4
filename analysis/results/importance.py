"""A study as Optuna sees it, one trial per configuration, for importances and its own plots. Optuna loads lazily.

Values are the best *refined* numbers, as the search is told them: with M0 among them, the importance of a key would be
whether it decides that refinement helps at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.settings import GENERATOR, Dimension
from analysis.study import Study
from analysis.text import ORACLE
from study.ledger import configuration_means

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

EVALUATORS = {"fanova": "fANOVA (seed 0)", "ped_anova": "PED-ANOVA"}
FEWEST = 4  # configurations
TREES = 64
RESAMPLES, RESAMPLED_TREES = 40, 8  # five times the work of the shares themselves
# Of more configurations, a forest takes many seconds: the shares are then of RESAMPLED_TREES, and not resampled.
MOST_RESAMPLED = 500
PERCENTILES = (5, 95)

Interval = tuple[float, float]


class Importance(NamedTuple):
    """Shares by key, falling, that sum to 1. configurations: how many they rest on. left_out: conditional keys.

    over_trials: 90 % interval of each share over configurations drawn again with replacement; empty with more than
    MOST_RESAMPLED. over_seeds: least and largest share over the seeds, each taken alone; empty with one seed.
    """

    evaluator: str
    shares: dict[str, float]
    configurations: int
    left_out: list[str]
    over_trials: Mapping[str, Interval] = {}
    over_seeds: Mapping[str, Interval] = {}


class Points(NamedTuple):
    """Configurations with the number of each on every seed. distributions: of all keys."""

    params: list[dict[str, Any]]
    numbers: list[dict[int, float]]
    trials: list[list[int]]
    distributions: dict[str, BaseDistribution]


def optuna_study(study: Study) -> optuna.Study:
    """Completed configurations with their refined selection objective; the oracle is left out."""
    points = _points(study)
    means = configuration_means(dict(enumerate(points.numbers)))
    return _made(points, list(means), list(means.values()), study.name)


@lru_cache(maxsize=4)
def importances(study: Study) -> Sequence[Importance]:
    """By each of EVALUATORS; empty with fewer than FEWEST configurations or one key. Same numbers every time.

    Keys that matter in some configurations only (as thresholds) are left out, as Optuna does: it compares what
    all configurations share.
    """
    points = _points(study)
    means = configuration_means(dict(enumerate(points.numbers)))
    shared = set.intersection(*map(set, points.params)) if points.params else set()
    # Sorted: the forest depends on the order of its columns, and a set of text has another one in every process.
    keys = sorted(key for key in shared if len({params[key] for params in points.params}) > 1)
    every = {key for params in points.params for key in params}
    if len(means) < FEWEST or len(keys) < 2 or len(set(means.values())) < 2:
        return []
    found = []
    for name in EVALUATORS:
        shares = _shares(points, list(means), list(means.values()), keys, name)
        assert shares is not None, "keys and values vary"
        found.append(
            Importance(
                name,
                shares,
                len(means),
                sorted(every - shared),
                _over_trials(points, means, keys, name),
                _over_seeds(points, keys, name),
            )
        )
    return found


def importance_data(found: Sequence[Importance]) -> pd.DataFrame:
    """One row per evaluator and key."""
    return pd.DataFrame(
        [
            {"evaluator": EVALUATORS[one.evaluator], "key": key, "importance": share,
             **_bounds("trials", one.over_trials.get(key)), **_bounds("seeds", one.over_seeds.get(key)),
             "configurations": one.configurations, "left_out": " ".join(one.left_out)}
            for one in found
            for key, share in one.shares.items()
        ]
    )  # fmt: skip


def importance_intervals(one: Importance) -> str:
    """What the lines and ticks at a share are, to go on a sentence; empty where there are none."""
    trials = f"; lines: 90 % interval over {RESAMPLES} resamples of the configurations" * bool(one.over_trials)
    seeds = "; ticks: least and largest share over the seeds, each alone" * bool(one.over_seeds)
    return trials + seeds


def _bounds(over: str, interval: Interval | None) -> dict[str, float]:
    low, high = interval or (float("nan"), float("nan"))
    return {f"low_over_{over}": low, f"high_over_{over}": high}


def _points(study: Study) -> Points:
    """In the order of their first trial."""
    done = study.completed[(study.completed[GENERATOR] != ORACLE) & study.completed["refined_objective"].notna()]
    done = done.sort_values("trial").drop_duplicates(["configuration", "seed"])
    groups = done.groupby("configuration", sort=False)
    params = [json.loads(str(name)) for name, _ in groups]
    return Points(
        params,
        [dict(zip(group["seed"].tolist(), group["refined_objective"].tolist(), strict=True)) for _, group in groups],
        [group["trial"].tolist() for _, group in groups],
        _distributions(study, params),
    )


def _distributions(study: Study, points: Sequence[Mapping[str, Any]]) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    values: dict[str, list[Any]] = {}
    for point in points:
        for key, value in point.items():
            values.setdefault(key, []).append(value)

    def distribution(key: str) -> BaseDistribution:
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values[key]):
            bounds = [*(study.settings.space.get(key, Dimension()).edges or ()), *values[key]]
            return FloatDistribution(float(min(bounds)), float(max(bounds)))
        return CategoricalDistribution(list(dict.fromkeys(values[key])))

    return {key: distribution(key) for key in values}


def _made(points: Points, chosen: Sequence[int], values: Sequence[float], name: str | None = None) -> optuna.Study:
    """An Optuna study of some of the points, which may occur more than once."""
    import optuna
    from optuna.distributions import FloatDistribution

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(study_name=name, direction="maximize")
    for index, value in zip(chosen, values, strict=True):
        distributions = {key: points.distributions[key] for key in points.params[index]}
        params = {
            key: float(v) if isinstance(distributions[key], FloatDistribution) else v
            for key, v in points.params[index].items()
        }
        made.add_trial(
            optuna.trial.create_trial(
                params=params,
                distributions=distributions,
                value=value,
                user_attrs={"trials": points.trials[index]},
            )
        )
    return made


def _shares(
    points: Points,
    chosen: Sequence[int],
    values: Sequence[float],
    keys: Sequence[str],
    evaluator: str,
    trees: int | None = None,
) -> dict[str, float] | None:
    """Shares of the keys over some of the points; None where keys or values do not vary among these. trees: as many as
    the points allow, by default."""
    from optuna.importance import (
        BaseImportanceEvaluator,
        FanovaImportanceEvaluator,
        PedAnovaImportanceEvaluator,
        get_param_importances,
    )

    varied = all(len({points.params[index][key] for index in chosen}) > 1 for key in keys)
    if not varied or len(set(values)) < 2:
        return None
    trees = trees or (TREES if len(chosen) <= MOST_RESAMPLED else RESAMPLED_TREES)
    made: BaseImportanceEvaluator = (
        FanovaImportanceEvaluator(n_trees=trees, seed=0) if evaluator == "fanova" else PedAnovaImportanceEvaluator()
    )
    return dict(get_param_importances(_made(points, chosen, values), evaluator=made, params=list(keys)))


def _over_trials(
    points: Points, means: Mapping[int, float], keys: Sequence[str], evaluator: str
) -> dict[str, Interval]:
    """Of the resamples in which keys and values vary; the draws are the same every time."""
    if len(means) > MOST_RESAMPLED:
        return {}
    rng, indices = np.random.default_rng(0), list(means)
    found = []
    for _ in range(RESAMPLES):
        drawn = [indices[i] for i in sorted(rng.integers(len(indices), size=len(indices)))]
        found.append(_shares(points, drawn, [means[i] for i in drawn], keys, evaluator, RESAMPLED_TREES))
    known = [shares for shares in found if shares is not None]
    if len(known) < RESAMPLES // 2:
        return {}
    bounds = {key: np.percentile([shares[key] for shares in known], PERCENTILES) for key in keys}
    return {key: (float(low), float(high)) for key, (low, high) in bounds.items()}


def _over_seeds(points: Points, keys: Sequence[str], evaluator: str) -> dict[str, Interval]:
    """Of the seeds on which FEWEST configurations or more ran, each alone; empty with fewer than two of them."""
    seeds = sorted({seed for by_seed in points.numbers for seed in by_seed})
    ran_on = {seed: [i for i, by_seed in enumerate(points.numbers) if seed in by_seed] for seed in seeds}
    enough = {seed: chosen for seed, chosen in ran_on.items() if len(chosen) >= FEWEST}
    if len(enough) < 2:  # a forest takes seconds
        return {}
    found = [
        _shares(points, chosen, [points.numbers[i][seed] for i in chosen], keys, evaluator)
        for seed, chosen in enough.items()
    ]
    known = [shares for shares in found if shares is not None]
    if len(known) < 2:
        return {}
    return {key: (min(one[key] for one in known), max(one[key] for one in known)) for key in keys}
