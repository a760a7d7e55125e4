"""Searches of other programs, replayed on the table of ``benchmarks.search``: SMAC3's intensification over seeds (extra
``benchmark``), and Ray Tune with OptunaSearch and ASHA as its documentation has them. Slow: seconds for each study.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.search_table import space
from study.config import suggest

if TYPE_CHECKING:
    import optuna

    from benchmarks.replayed_table import Trainings


def smac(done: Trainings, study_seed: int) -> None:
    """SMAC3's facade for hyperparameters with random forests; its intensifier decides how many seeds a configuration
    gets, all but one of the table's at most."""
    from ConfigSpace import Categorical, ConfigurationSpace, InCondition
    from smac import HyperparameterOptimizationFacade as Facade
    from smac import Scenario

    choices = {key: Categorical(key, dimension.values() or []) for key, dimension in space().items()}
    known = ConfigurationSpace(seed=study_seed)
    known.add(*choices.values())
    known.add(
        *(
            InCondition(choices[key], choices[other], list(values))
            for key, dimension in space().items()
            for other, values in dimension.when.items()
        )
    )

    def train(config: Mapping[str, Any], seed: int = 0) -> float:  # SMAC minimises, and numbers its own seeds
        del seed
        return -done.run(done.table.number({key: plain(value) for key, value in dict(config).items()}))

    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(known, output_directory=folder, n_trials=done.budget, seed=study_seed)
        intensifier = Facade.get_intensifier(scenario, max_config_calls=len(done.seeds) - 1)
        # Of few points most are known: it draws more often for one that is new, before it gives up.
        selector = Facade.get_config_selector(scenario, retries=10 * len(done.table.points))
        facade = Facade(
            scenario,
            train,
            intensifier=intensifier,
            config_selector=selector,
            overwrite=True,
            logging_level=logging.ERROR,
        )
        incumbent = facade.optimize()
    chosen = done.table.number({key: plain(value) for key, value in dict(incumbent).items()})
    done.choice = chosen


def plain(value: Any) -> Any:
    """Of numpy's scalars Python's."""
    return value.item() if hasattr(value, "item") else value


def define(trial: optuna.Trial) -> None:
    """The table's space, for OptunaSearch, which pickles this function."""
    suggest(space(), trial)


def ray_tune(done: Trainings, study_seed: int) -> None:
    """``tune.Tuner`` with OptunaSearch (TPE's defaults) and ASHA over iterations, four trials at a time on one seed.

    What it calls the best is the highest last result. Pruned trials leave their share of the budget to further ones.
    """
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    table, seed = done.table, done.seeds[0]
    curves = table.held_out[:, seed].tolist()
    shares = (table.seconds[:, seed] / table.trial_s).tolist()

    class Replayed(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            number = table.number(config)
            self.curve, self.shares = curves[number], shares[number]

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.setup(new_config)
            return True

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            """Nothing to keep: Tune asks all the same."""

        def step(self) -> dict[str, Any]:
            iteration = self.training_iteration + 1
            last = iteration + 1 == len(self.curve)
            return {"held_out": self.curve[iteration], "share": self.shares[iteration], "done": last}

    class Budget(tune.Stopper):
        spent = 0.0

        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            self.spent += result["share"]
            return False

        def stop_all(self) -> bool:
            return self.spent >= done.budget

    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    if not ray.is_initialized():
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            Replayed,
            tune_config=tune.TuneConfig(
                metric="held_out",
                mode="max",
                num_samples=3 * done.budget,  # no trial takes less than about a third
                max_concurrent_trials=4,
                search_alg=OptunaSearch(space=define, metric="held_out", mode="max", seed=study_seed),
                scheduler=ASHAScheduler(max_t=3, grace_period=1, reduction_factor=3),
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0, stop=Budget()),
        )
        found = tuner.fit()
        best = found.get_best_result().config
        ran = [
            (table.number(one.config or {}), int((one.metrics or {})["training_iteration"]))
            for one in map(found.__getitem__, range(len(found)))
            if "training_iteration" in (one.metrics or {})  # else the budget ended before its first
        ]
    for number, iterations in ran:
        done.values.pop(number, None)  # Optuna does not know that it has seen a point
        done.run(number, iterations)
    done.choice = table.number(best or {})
