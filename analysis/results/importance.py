"""A study as Optuna sees it, one trial per configuration, for importances and its own plots. Optuna loads lazily."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from analysis.settings import GENERATOR, Dimension
from analysis.study import Study
from analysis.text import ORACLE

if TYPE_CHECKING:
    import optuna

EVALUATORS = {"fanova": "fANOVA (seed 0)", "ped_anova": "PED-ANOVA"}
FEWEST = 4  # configurations


class Importance(NamedTuple):
    """Shares by key, falling, that sum to 1. configurations: how many they rest on. left_out: conditional keys."""

    evaluator: str
    shares: dict[str, float]
    configurations: int
    left_out: list[str]


def optuna_study(study: Study) -> optuna.Study:
    """Completed configurations with their mean selection objective; the oracle is left out."""
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    done = study.completed[study.completed[GENERATOR] != ORACLE]
    groups = done.groupby("configuration", sort=False)
    points = [json.loads(str(name)) for name, _ in groups]
    values: dict[str, list[Any]] = {}
    for point in points:
        for key, value in point.items():
            values.setdefault(key, []).append(value)

    def distribution(key: str) -> BaseDistribution:
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values[key]):
            bounds = [*(study.settings.space.get(key, Dimension()).edges or ()), *values[key]]
            return FloatDistribution(float(min(bounds)), float(max(bounds)))
        return CategoricalDistribution(list(dict.fromkeys(values[key])))

    distributions = {key: distribution(key) for key in values}
    made = optuna.create_study(study_name=study.name, direction="maximize")
    for point, (_, group) in zip(points, groups, strict=True):
        params = {k: float(v) if isinstance(distributions[k], FloatDistribution) else v for k, v in point.items()}
        made.add_trial(
            optuna.trial.create_trial(
                params=params,
                distributions={key: distributions[key] for key in params},
                value=float(group["objective"].mean()),
                user_attrs={"trials": group["trial"].tolist()},
            )
        )
    return made


def importances(study: Study) -> list[Importance]:
    """By each of EVALUATORS; empty with fewer than FEWEST configurations or one key. Same numbers every time.

    Keys that matter in some configurations only (as thresholds) are left out, as Optuna does: it compares what
    all configurations share.
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

    made = optuna_study(study)
    shared = set.intersection(*(set(trial.params) for trial in made.trials)) if made.trials else set()
    shared = {key for key in shared if len({trial.params[key] for trial in made.trials}) > 1}
    every = {key for trial in made.trials for key in trial.params}
    if len(made.trials) < FEWEST or len(shared) < 2 or len({trial.value for trial in made.trials}) < 2:
        return []
    evaluators = {"fanova": FanovaImportanceEvaluator(seed=0), "ped_anova": PedAnovaImportanceEvaluator()}
    found = []
    for name, evaluator in evaluators.items():
        # Sorted: the forest depends on the order of its columns, and a set of text has another one in every process.
        shares = optuna.importance.get_param_importances(made, evaluator=evaluator, params=sorted(shared))
        found.append(Importance(name, dict(shares), len(made.trials), sorted(every - shared)))
    return found


def importance_data(found: list[Importance]) -> pd.DataFrame:
    """One row per evaluator and key."""
    return pd.DataFrame(
        [
            {"evaluator": EVALUATORS[one.evaluator], "key": key, "importance": share,
             "configurations": one.configurations, "left_out": " ".join(one.left_out)}
            for one in found
            for key, share in one.shares.items()
        ]
    )  # fmt: skip
