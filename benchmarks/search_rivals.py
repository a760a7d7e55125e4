"""The rivals of ``benchmarks.search``: each runs a search on a table, with a budget of trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import optuna
from optuna.trial import TrialState

from benchmarks import other_searches
from benchmarks.replayed_table import Array, Table, Trainings
from benchmarks.search_table import space
from study.config import StudyConfig, suggest
from study.search.proposals import Outcome, Proposals
from study.search.pruning import PRUNERS

HALVING = 3  # the best third goes on

Rival = Callable[[Table, int, int, Sequence[int]], Trainings]  # table, budget, study seed, seeds in their order


def search(
    table: Table,
    budget: int,
    study_seed: int,
    seeds: Sequence[int],
    sampler: str = "tpe",
    refined: bool = False,
    replicates: int = 1,
    confirm: tuple[int, int] | None = None,
    pruner: str | None = None,
    grace: int = 1,
) -> Trainings:
    """The project's own search: its proposals, its pruners, its confirmation of the ``confirm[0]`` best on
    ``confirm[1]`` further seeds, within the budget. refined: Optuna is told the best refined value."""
    done = Trainings(table, seeds, budget)
    for_search = budget - (confirm[0] * confirm[1] if confirm else 0)
    study = StudyConfig.model_validate(
        {"name": "replay", "space": space(), "sampler": sampler, "seed": study_seed, "num_samples": len(table.points)}
    )
    proposals = Proposals(study, [("preset", table.points[table.preset])])
    while done.cost + replicates <= for_search + (1e-9 if pruner is None else replicates - 1e-9):
        configuration, proposal = len(proposals), proposals.propose()
        if proposal is None:
            break
        number = table.number(proposal.params)
        curves = table.held_out[number, list(seeds[:replicates])]
        if refined:
            curves = np.concatenate([np.full((replicates, 1), -1.0), curves[:, 1:]], axis=1)
        curve = np.maximum.accumulate(curves, axis=1).mean(axis=0)
        stopped = None if pruner is None else stops_at(pruner, curve, proposals.curves_before(configuration), grace)
        for _ in range(replicates):
            done.run(number, stopped)
        told = tuple(curve[: None if stopped is None else stopped + 1].tolist())
        state = TrialState.COMPLETE if stopped is None else TrialState.PRUNED
        proposals.tell(configuration, Outcome(state, told[-1], told))
        if stopped is not None:
            done.values.pop(number)  # a pruned trial is never the best
    if confirm:
        for number in done.best(count=confirm[0]):
            for _ in range(confirm[1]):
                done.run(number)
    return done


def stops_at(pruner: str, curve: Array, others: Sequence[Sequence[float]], grace: int) -> int | None:
    """The iteration after which a pruner stops a curve; None where it lets it end."""
    for iteration in range(len(curve) - 1):
        if PRUNERS[pruner](curve[: iteration + 1].tolist(), others, grace):
            return iteration
    return None


def shuffled(table: Table, study_seed: int) -> Iterator[int]:
    """All configurations in random order, the preset first."""
    order = np.random.default_rng(study_seed).permutation(len(table.points))
    yield table.preset
    yield from (int(number) for number in order if number != table.preset)


def halving_over_seeds(table: Table, budget: int, study_seed: int, seeds: Sequence[int]) -> Trainings:
    """Random configurations on one seed; the best third on a second, the best third of these on two more."""
    done = Trainings(table, seeds, budget)
    first = int(budget / (1 + 1 / HALVING + 2 / HALVING**2))
    alive = [number for number, _ in zip(shuffled(table, study_seed), range(first), strict=False)]
    for number in alive:
        done.run(number)
    for more in (1, 2):
        alive = done.best(alive, max(1, len(alive) // HALVING))
        for number in alive:
            for _ in range(more):
                if not done.spent:
                    done.run(number)
    return done


def racing(table: Table, budget: int, study_seed: int, seeds: Sequence[int]) -> Trainings:
    """Random challengers; each goes on to further seeds while its mean is not below the incumbent's on the same seeds,
    and takes its place after all (the aggressive racing of SMAC's authors)."""
    done, most = Trainings(table, seeds, budget), len(seeds) - 1
    challengers = shuffled(table, study_seed)
    incumbent = next(challengers)
    done.run(incumbent)
    for challenger in challengers:
        while not done.spent:
            done.run(challenger)
            mine, theirs = done.values[challenger], done.values[incumbent]
            if np.mean(mine) < np.mean(theirs[: len(mine)]):
                break
            if len(mine) == len(theirs):
                incumbent = challenger
                break
        if done.spent:
            break
        if len(done.values[incumbent]) < most:
            done.run(incumbent)  # the incumbent gains a seed for each challenger
    return done


def plain_optuna(table: Table, budget: int, study_seed: int, seeds: Sequence[int], halving: bool = False) -> Trainings:
    """Optuna as its tutorial has it, on one seed: TPE's defaults, told the value of the last iteration; with its
    successive halving over iterations, as Ray Tune's ASHA."""
    done = Trainings(table, seeds, budget)
    pruner = optuna.pruners.SuccessiveHalvingPruner(1, HALVING) if halving else optuna.pruners.NopPruner()
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=study_seed), pruner=pruner
    )
    dimensions, ended = space(), dict[int, list[float]]()
    while not done.spent:
        trial = study.ask()
        number = table.number(suggest(dimensions, trial))
        curve = table.held_out[number, seeds[0]]
        stopped = None
        for iteration in range(1, len(curve)):
            trial.report(float(curve[iteration]), iteration)
            if iteration < len(curve) - 1 and trial.should_prune():
                stopped = iteration
                break
        done.values.pop(number, None)  # Optuna does not know that it has seen a point
        done.run(number, stopped)
        if stopped is None:
            study.tell(trial, float(curve[-1]))
            ended[number] = [float(curve[-1])]
        else:
            study.tell(trial, state=TrialState.PRUNED)
    done.values = ended  # the best one has ended, also where it was seen again later, and pruned
    return done


def other(table: Table, budget: int, study_seed: int, seeds: Sequence[int], name: str) -> Trainings:
    """A search of another program."""
    done = Trainings(table, seeds, budget)
    getattr(other_searches, name)(done, study_seed)
    return done


RIVALS: dict[str, Rival] = {
    "random": partial(search, sampler="random"),
    "QMC": partial(search, sampler="qmc"),
    "TPE": search,
    "TPE, told the refined value": partial(search, refined=True),
    "GP": partial(search, sampler="gp"),
    "random, 3 seeds each": partial(search, sampler="random", replicates=3),
    "TPE, 3 seeds each": partial(search, replicates=3),
    "random, confirm 4 x 3": partial(search, sampler="random", confirm=(4, 3)),
    "TPE, confirm 4 x 3": partial(search, confirm=(4, 3)),
    "TPE refined, confirm 4 x 3": partial(search, refined=True, confirm=(4, 3)),
    "TPE, confirm 3 x 2": partial(search, confirm=(3, 2)),
    "halving over seeds": halving_over_seeds,
    "racing": racing,
    "TPE, median pruner": partial(search, pruner="median"),
    "TPE, ASHA": partial(search, pruner="asha"),
    "TPE, median, confirm 4 x 3": partial(search, pruner="median", confirm=(4, 3)),
    "plain Optuna TPE": plain_optuna,
    "plain Optuna TPE and halving": partial(plain_optuna, halving=True),
    "SMAC3": partial(other, name="smac"),
    "Ray Tune, OptunaSearch, ASHA": partial(other, name="ray_tune"),
}
SLOW = {"GP", "SMAC3", "Ray Tune, OptunaSearch, ASHA"}  # seconds for each study: played where they are named
