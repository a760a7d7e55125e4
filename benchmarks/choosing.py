"""What choosing without temporal annotations costs: ``python -m benchmarks.choosing FOLDER --dataset utkinect``.

FOLDER has the records of ``benchmarks.search_table``: every configuration of a finite space on some seeds, all
iterations of each, with what each rule may look at and the test mAP. Printed are the rank correlation of every signal
with test mAP, and the test mAP of what each rule would have chosen.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from tabulate import tabulate

from analysis.results.choosing import HELD_OUT, M0, PRESET, RANDOM, RULES, TEST, Choice, choose, rank_average
from benchmarks.search_table import ANNOTATED, DRAWS, records, space, table_run, unpacked
from study.config import grid, known_point
from trainables.files import write_whole

AVERAGED = ("contrast", "video_map", "attention_focus")
REFINED = ("video_loss", "video_map", "contrast", "attention_focus")
NAMES = {
    **RULES,
    **{f"refined_{rule}": f"{RULES[rule]}, M0 left out" for rule in REFINED},
    "seed_agreement": "agreement between seeds",
    "rank_average": f"rank average of {', '.join(AVERAGED)}",
    "few_5": "annotations of 5 held-out videos",
    "few_10": "annotations of 10 held-out videos",
}


def candidates(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per configuration, seed and iteration; configurations that not all seeds have are left out."""
    seeds = {line["seed"] for line in lines}
    whole = {n for n in {line["configuration"] for line in lines}
             if {line["seed"] for line in lines if line["configuration"] == n} == seeds}  # fmt: skip
    iterations = min(len(line["iterations"]) for line in lines)
    rows = []
    for line in (line for line in lines if line["configuration"] in whole):
        for iteration, entry in enumerate(line["iterations"][:iterations]):
            few = {f"few_{n}_{draw}": value for n, values in entry["few"].items()
                   for draw, value in enumerate(values[:DRAWS])}  # fmt: skip
            rows.append({
                "configuration": line["configuration"], "trial": line["configuration"], "seed": line["seed"],
                "iteration": iteration, "lines": [], "test_map": entry["test"], TEST: entry["test"],
                HELD_OUT: entry["held_out"], **few, **entry["signals"], "foreground": entry["foreground"],
            })  # fmt: skip
    found = pd.DataFrame(rows)
    found["seed_agreement"] = agreement(found)
    found["rank_average"] = rank_average(found, AVERAGED)
    return found.drop(columns="foreground")


def agreement(rows: pd.DataFrame) -> pd.Series:
    """Overlap of the seeds' predicted foreground, by configuration and iteration: mean over pairs, percent."""
    overlaps: dict[Any, float] = {}
    for key, group in rows.groupby(["configuration", "iteration"]):
        masks = [unpacked(text) for text in group["foreground"]]
        pairs = [100 * (a & b).sum() / max((a | b).sum(), 1) for a, b in combinations(masks, 2)]
        overlaps[key] = float(np.mean(pairs)) if pairs else float("nan")
    return pd.Series([overlaps[key] for key in zip(rows["configuration"], rows["iteration"], strict=True)], rows.index)


def choices(rows: pd.DataFrame, preset: int) -> dict[str, tuple[float, float, npt.NDArray[np.float64]]]:
    """By rule: rank correlation, mean test mAP of its choice, and the test mAP of its choice on each seed."""
    signals = ["video_loss", "video_map", "contrast", "label_agreement", "attention_focus", "seed_agreement",
               "rank_average"]  # fmt: skip
    found: dict[str, tuple[float, float, npt.NDArray[np.float64]]] = {}
    for rule in (TEST, HELD_OUT):
        found[rule] = summary([choose(rows, rule)])
    for few in ANNOTATED:
        found[f"few_{few}"] = summary([choose(rows, f"few_{few}_{draw}") for draw in range(DRAWS)])
    found |= {rule: summary([choose(rows, rule)]) for rule in signals}
    refined = rows[rows["iteration"] > 0]  # among which a model is compared with its like
    found |= {f"refined_{rule}": summary([choose(refined, rule)]) for rule in REFINED}
    by_seed = rows.groupby("seed")
    last = rows[(rows["configuration"] == preset) & (rows["iteration"] == rows["iteration"].max())]
    for name, values in (
        (PRESET, last.sort_values("seed")["test_map"]),
        (M0, rows[rows["iteration"] == 0].groupby("seed")["test_map"].first()),
        (RANDOM, by_seed["test_map"].mean()),
    ):
        found[name] = float("nan"), float(values.mean()), values.to_numpy()
    return found


def summary(made: Sequence[Choice | None]) -> tuple[float, float, npt.NDArray[np.float64]]:
    """Mean over draws of one rule."""
    known = [choice for choice in made if choice is not None]
    values = np.mean([choice.chosen.sort_values("seed")["test_map"].to_numpy() for choice in known], axis=0)
    return float(np.mean([choice.correlation for choice in known])), float(values.mean()), values


def report_text(rows: pd.DataFrame, preset: int) -> str:
    """The table of one data set, as Markdown."""
    made = choices(rows, preset)
    oracle = made[TEST][1]
    lines = [
        (NAMES.get(rule, rule), "" if rule in (TEST, PRESET, M0, RANDOM) else f"{rho:+.2f}", f"{value:.1f}",
         "" if rule == TEST else f"{value - oracle:+.1f}", " ".join(f"{one:.1f}" for one in values))
        for rule, (rho, value, values) in made.items()
    ]  # fmt: skip
    head = ("chosen by", "rank correlation", "test mAP", "to the oracle", "by seed")
    numbers = (rows["configuration"].nunique(), rows["seed"].nunique(), rows["iteration"].nunique())
    counts = "{} configurations x {} seeds x {} trainings".format(*numbers)
    return f"{counts}\n\n" + tabulate(lines, head, tablefmt="pipe", disable_numparse=True)


def draw(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Test mAP of every configuration's iteration against some rules' numbers, a row of plots for each data set."""
    rules = (HELD_OUT, "contrast", "video_map", "label_agreement", "attention_focus", "video_loss")
    figure = Figure(figsize=(2.4 * len(rules), 2.4 * len(tables)), layout="constrained")
    axes = figure.subplots(len(tables), len(rules), squeeze=False, sharey="row")
    for row, (name, rows) in zip(axes, tables.items(), strict=True):
        for ax, rule in zip(row, rules, strict=True):
            for seed, of_seed in rows.groupby("seed"):
                ax.scatter(of_seed[rule], of_seed["test_map"], s=6, alpha=0.6, label=f"seed {seed}")
            ax.set(xlabel=NAMES[rule])
        row[0].set(ylabel=f"{name}\ntest mAP@0.5 (%)")
    axes[0][0].legend(fontsize=6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def preset_number(dataset: str) -> int:
    """The configuration that is the preset's own point."""
    return grid(space()).index(known_point(space(), table_run(dataset))[0] or {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, help="folder of benchmarks.search_table")
    parser.add_argument("--dataset", nargs="+", default=["spoken-digits", "utkinect"])
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    tables = {name: candidates(records(given.records, name)) for name in given.dataset}
    for name, rows in tables.items():
        print(f"\n### {name}: {report_text(rows, preset_number(name))}")
    if given.figure:
        write_whole(given.figure, draw(tables))


if __name__ == "__main__":
    main()
