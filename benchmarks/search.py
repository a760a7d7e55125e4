"""How good a search is, on a table of real trainings: ``python -m benchmarks.search --budget 32 --studies 20``.

Every configuration of a finite space was trained on five seeds (``benchmarks.search_table``), so a search is replayed
in a moment, and what it chose has a known worth: its test mAP, mean over the seeds that the search did not use, each
taken relative to the mean of all configurations on that seed. Regret is what the best configuration of the table has
more. A training is one configuration on one seed; a pruned one counts by its seconds. Rivals of one study number share
their seeds, so that differences are paired.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
from matplotlib.figure import Figure
from optuna.trial import TrialState
from tabulate import tabulate
from tqdm import tqdm

from benchmarks import other_searches
from benchmarks.search_table import FOLDER, space, table_run
from study.config import Point, StudyConfig, grid, known_point, suggest
from study.search.proposals import Outcome, Proposals
from study.search.pruning import PRUNERS
from trainables.files import write_whole

Array = npt.NDArray[np.float64]
DATASETS = ("utkinect", "spoken-digits")
BUDGETS = (16, 32, 64, 128)
HALVING = 3  # the best third goes on


@dataclass(frozen=True, eq=False)
class Table:
    """Trainings of C configurations on S seeds over I iterations: held-out and test mAP, seconds; all (C, S, I)."""

    points: list[Point]
    preset: int
    held_out: Array
    test: Array
    seconds: Array

    @classmethod
    def of(cls, dataset: str) -> Table:
        """The packed table of a data set."""
        with (FOLDER / f"{dataset}.csv").open() as file:
            return cls.from_rows(pd.read_csv(file), grid(space()), known_point(space(), table_run(dataset))[0] or {})

    @classmethod
    def from_rows(cls, rows: pd.DataFrame, points: list[Point], preset: Point) -> Table:
        """rows: one per configuration, seed and iteration, all combinations of them."""
        shape = tuple(rows[name].nunique() for name in ("configuration", "seed", "iteration"))
        rows = rows.sort_values(["configuration", "seed", "iteration"])
        columns = [rows[name].to_numpy(float).reshape(shape) for name in ("held_out", "test", "seconds")]
        return cls(points, points.index(preset), *columns)

    @cached_property
    def objective(self) -> Array:
        """(C, S): what a trial reports: the best held-out mAP of all iterations, M0 among them."""
        found: Array = self.held_out.max(axis=2)
        return found

    @cached_property
    def refined(self) -> Array:
        """(C, S): the best held-out mAP of the refined models alone."""
        found: Array = self.held_out[:, :, 1:].max(axis=2)
        return found

    @cached_property
    def worth(self) -> Array:
        """(C, S): test mAP of the iteration that the held-out videos choose."""
        chosen = self.held_out.argmax(axis=2)[:, :, None]
        found: Array = np.take_along_axis(self.test, chosen, axis=2)[:, :, 0]
        return found

    @cached_property
    def trial_s(self) -> float:
        """Mean seconds of a whole training without M0, which all configurations share."""
        return float(self.seconds[:, :, 1:].sum(axis=2).mean())

    @cached_property
    def index(self) -> dict[str, int]:
        return {json.dumps(point, sort_keys=True): number for number, point in enumerate(self.points)}

    def number(self, point: Mapping[str, Any]) -> int:
        return self.index[json.dumps(point, sort_keys=True)]

    def true_worth(self, values_S: Array, unused: Sequence[int]) -> float:
        """Mean over the unused seeds, without what a seed adds to all configurations alike."""
        return float((values_S - self.worth.mean(axis=0))[list(unused)].mean() + self.worth.mean())


@dataclass
class Trainings:
    """What a search has run: objectives by configuration, in the order of the seeds used. cost: in trainings."""

    table: Table
    seeds: Sequence[int]
    budget: int
    values: dict[int, list[float]] = field(default_factory=dict)
    cost: float = 0.0
    choice: int | None = None  # of a search that has a rule of its own

    @property
    def spent(self) -> bool:
        return self.cost >= self.budget - 1e-9

    def run(self, configuration: int, iterations: int | None = None) -> float:
        """One more seed of a configuration; its objective. iterations: after so many refinements it was stopped."""
        done = self.values.setdefault(configuration, [])
        seed = self.seeds[len(done)]
        curve, seconds = self.table.held_out[configuration, seed], self.table.seconds[configuration, seed]
        end = None if iterations is None else iterations + 1
        self.cost += 1.0 if iterations is None else float(seconds[1:end].sum()) / self.table.trial_s
        done.append(float(curve[:end].max()))
        return done[-1]

    def best(self, among: Iterable[int] | None = None, count: int = 1) -> list[int]:
        """Of those with the most seeds, the highest means first, then earlier ones: the project's ranking."""
        groups = {c: self.values[c] for c in (self.values if among is None else among)}
        most = max(len(values) for values in groups.values())
        whole = [c for c, values in groups.items() if len(values) == most]
        return sorted(whole, key=lambda c: -np.mean(groups[c]))[:count]

    @property
    def used(self) -> int:
        """Seeds that anything was run on."""
        return max(len(values) for values in self.values.values())


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
    dimensions = space()
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
            done.values[number] = [float(curve[-1])]
        else:
            study.tell(trial, state=TrialState.PRUNED)
            done.values.pop(number)
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


@dataclass(frozen=True)
class Played:
    """One replayed study. worth: of its choice; cost: trainings that it took."""

    worth: float
    beats_m0: bool
    beats_preset: bool
    cost: float


def play(table: Table, rival: Rival, budget: int, number: int) -> Played:
    """Study ``number`` of a rival: its seeds are those of every other rival's."""
    seeds = np.random.default_rng(number).permutation(table.worth.shape[1]).tolist()
    done = rival(table, budget, number, seeds)
    unused = seeds[done.used :]
    choice = done.best()[0] if done.choice is None else done.choice
    worth, m0, preset = (
        table.true_worth(values, unused)
        for values in (table.worth[choice], table.test[0, :, 0], table.worth[table.preset])
    )
    return Played(worth, worth > m0, worth > preset, done.cost)


def best_worth(table: Table) -> float:
    """Mean over all seeds of the best configuration."""
    return float(table.worth.mean(axis=1).max())


def results(datasets: Sequence[str], rivals: Sequence[str], budgets: Sequence[int], studies: int) -> pd.DataFrame:
    """A row per data set, rival and budget: mean regret with its standard error, and the paired difference to random
    search at the same budget."""
    rows: list[dict[str, Any]] = []
    wanted = [(d, r, b) for d in datasets for r in rivals for b in budgets]
    tables = {dataset: Table.of(dataset) for dataset in datasets}
    played: dict[tuple[str, str, int], list[Played]] = {}
    for dataset, rival, budget in tqdm(wanted, unit=" searches"):
        count = min(studies, 20) if rival in SLOW else studies
        played[dataset, rival, budget] = [play(tables[dataset], RIVALS[rival], budget, k) for k in range(count)]
    for (dataset, rival, budget), ours in played.items():
        worth = np.array([one.worth for one in ours])
        base = np.array([one.worth for one in played.get((dataset, "random", budget), ours)])[: len(worth)]
        regret = best_worth(tables[dataset]) - worth
        rows.append(
            {
                "dataset": dataset,
                "rival": rival,
                "budget": budget,
                "studies": len(ours),
                "cost": round(float(np.mean([one.cost for one in ours])), 2),
                "regret": round(float(regret.mean()), 3),
                "regret_se": round(standard_error(regret), 3),
                "gain": round(float((worth - base).mean()), 3),
                "gain_se": round(standard_error(worth - base), 3),
                "beats_m0": round(float(np.mean([one.beats_m0 for one in ours])), 3),
                "beats_preset": round(float(np.mean([one.beats_preset for one in ours])), 3),
            }
        )
    return pd.DataFrame(rows)


def standard_error(values: Array) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else float("nan")


def text(found: pd.DataFrame) -> str:
    """Markdown: for each data set a row per rival, a column per budget."""
    parts = []
    for dataset, rows in found.groupby("dataset", sort=False):
        budgets = sorted(rows["budget"].unique())
        lines = []
        for rival, of_rival in rows.groupby("rival", sort=False):
            by_budget = of_rival.set_index("budget")
            cells = []
            for budget in budgets:
                if budget not in by_budget.index:
                    cells.append("–")
                    continue
                one = by_budget.loc[budget]
                gain = "" if rival == "random" else f" ({one['gain']:+.2f} ± {one['gain_se']:.2f})"
                cells.append(f"{one['regret']:.2f} ± {one['regret_se']:.2f}{gain}")
            last = by_budget.iloc[-1]
            lines.append([rival, *cells, f"{last['beats_m0']:.0%}, {last['beats_preset']:.0%}"])
        head = ["rival", *map(str, budgets), "beats M0, the preset"]
        parts.append(f"### {dataset}\n\n" + tabulate(lines, head, tablefmt="pipe", disable_numparse=True))
    return "\n\n".join(parts)


DRAWN = ("random", "QMC", "TPE", "TPE, ASHA", "TPE, confirm 4 x 3", "racing", "plain Optuna TPE", "SMAC3")


def draw(found: pd.DataFrame) -> bytes:
    """Regret against budget with its standard error, a plot for each data set. PNG."""
    names = list(found["dataset"].unique())
    figure = Figure(figsize=(4.2 * len(names), 3.6), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        rows = found[found["dataset"] == name]
        for rival in (rival for rival in DRAWN if rival in set(rows["rival"])):
            one = rows[rows["rival"] == rival].sort_values("budget")
            ax.errorbar(
                one["budget"], one["regret"], one["regret_se"], label=rival, marker="o", markersize=3, capsize=2
            )
        ax.set(title=name, xlabel="trainings", xscale="log", xticks=sorted(rows["budget"].unique()))
        ax.set_xticks([], minor=True)
        ax.set_xticklabels([str(budget) for budget in sorted(rows["budget"].unique())])
    figure.axes[0].set_ylabel("regret (mAP@0.5, points)")
    figure.axes[0].legend(fontsize=7)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, nargs="+", default=list(DATASETS))
    parser.add_argument("--budget", type=int, nargs="+", default=list(BUDGETS), help="trainings")
    parser.add_argument("--studies", type=int, default=100, help="study seeds; of the slow rivals 20 at most")
    parser.add_argument(
        "--rivals", choices=list(RIVALS), nargs="+", default=[name for name in RIVALS if name not in SLOW]
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--from-json", type=Path, nargs="+", help="what --json printed, instead of playing")
    parser.add_argument("--figure", type=Path, help="regret against budget, PNG")
    given = parser.parse_args()
    if given.from_json:
        found = pd.concat([pd.read_json(io.StringIO(path.read_text())) for path in given.from_json])
    else:
        found = results(given.dataset, given.rivals, given.budget, given.studies)
    if given.figure:
        write_whole(given.figure, draw(found))
    print(found.to_json(orient="records") if given.json else text(found))


if __name__ == "__main__":
    main()
