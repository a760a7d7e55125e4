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
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tabulate import tabulate
from tqdm import tqdm

from benchmarks.replayed_table import Array, Table
from benchmarks.search_rivals import RIVALS, SLOW, Rival
from trainables.files import write_whole

DATASETS = ("utkinect", "spoken-digits")
BUDGETS = (16, 32, 64, 128)


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
        played[dataset, rival, budget] = [play(tables[dataset], RIVALS[rival], budget, k) for k in range(studies)]
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
    """Markdown: for each data set a row per rival, a column per budget. Fewer studies than elsewhere stand beside the
    rival's name."""
    parts = []
    for dataset, rows in found.groupby("dataset", sort=False):
        budgets = sorted(rows["budget"].unique())
        lines, most = [], rows["studies"].max()
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
            counts = [str(count) for count in dict.fromkeys(of_rival.sort_values("budget")["studies"])]
            fewer = f" ({', '.join(counts)} studies)" if counts != [str(most)] else ""
            lines.append([f"{rival}{fewer}", *cells, f"{last['beats_m0']:.0%}, {last['beats_preset']:.0%}"])
        head = ["rival", *map(str, budgets), "beats M0, the preset"]
        parts.append(f"### {dataset}\n\n" + tabulate(lines, head, tablefmt="pipe", disable_numparse=True))
    return "\n\n".join(parts)


OTHERS = ("plain Optuna TPE", "SMAC3", "Ray Tune, OptunaSearch, ASHA")
DRAWN = ("random", "QMC", "TPE", "TPE, ASHA", "TPE, confirm 4 x 3", "racing", *OTHERS)
SHIFT = 1.02  # each rival's points are drawn so much to the right of the last one's: error bars do not overlap


def draw(found: pd.DataFrame) -> bytes:
    """Regret against budget with its standard error, a plot for each data set. PNG."""
    names = list(found["dataset"].unique())
    figure = Figure(figsize=(4.2 * len(names), 4.2), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        rows = found[found["dataset"] == name]
        drawn = [rival for rival in DRAWN if rival in set(rows["rival"])]
        for place, rival in enumerate(drawn):
            one = rows[rows["rival"] == rival].sort_values("budget")
            budgets = one["budget"] * SHIFT ** (place - (len(drawn) - 1) / 2)
            style = "--" if rival in OTHERS else "-"
            ax.errorbar(
                budgets, one["regret"], one["regret_se"], label=rival, marker="o", markersize=3, capsize=2, ls=style
            )
        ax.set(title=name, xlabel="trainings", xscale="log", xticks=sorted(rows["budget"].unique()))
        ax.set_xticks([], minor=True)
        ax.set_xticklabels([str(budget) for budget in sorted(rows["budget"].unique())])
    figure.axes[0].set_ylabel("regret (mAP@0.5, points)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, nargs="+", default=list(DATASETS))
    parser.add_argument("--budget", type=int, nargs="+", default=list(BUDGETS), help="trainings")
    parser.add_argument("--studies", type=int, default=100, help="study seeds")
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
