"""What each way of choosing would have chosen: how well its number ranks models, and what the choice is worth.

A candidate is the model of one iteration of one configuration on one seed. A rule has a number for each candidate; on
every seed it takes the iteration of the highest number of each configuration, and of these the highest one. What the
choice is worth is the test mAP, which only the rule ``test`` may look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.results.number_table import NumberTable
from analysis.results.statistics import over_seeds
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import ORACLE, number_text

TEST, HELD_OUT, M0, PRESET, RANDOM = "test", "held_out", "m0", "preset", "random"
COLUMNS = ("configuration", "trial", "seed", "iteration", "lines", "test_map")
FEWEST = 3  # configurations on a seed, for a rank correlation

RULES = {
    TEST: "test split (oracle)",
    HELD_OUT: "held-out annotations",
    "video_loss": "held-out video loss",
    "video_map": "held-out video mAP",
    "contrast": "contrast of class scores",
    "label_agreement": "agreement with the labels",
    "attention_focus": "focus of the attention",
    PRESET: "the preset, last iteration",
    M0: "M0, without refinement",
    RANDOM: "at random (mean of all)",
}


class Choice(NamedTuple):
    """chosen: a row of the candidates for each seed. correlation: Spearman's, of the rule's number and test mAP over
    the configurations of a seed, mean over seeds; NaN with too few configurations, or for a rule without a number."""

    rule: str
    chosen: pd.DataFrame
    correlation: float

    @property
    def test_map(self) -> float:
        """Mean over seeds, percent."""
        return float(self.chosen["test_map"].mean())


def choose(candidates: pd.DataFrame, rule: str) -> Choice | None:
    """What ``rule`` chooses on every seed; None where it has no number for some seed.

    candidates: one row each, with COLUMNS and a column of this name; NaN where the rule has no number.
    """
    rows, correlations = [], []
    for _, of_seed in candidates.groupby("seed"):
        known = of_seed[of_seed[rule].notna()]
        if known.empty:
            return None
        best = known.sort_values(["configuration", "iteration"], kind="stable").groupby("configuration")[rule].idxmax()
        iterations = known.loc[best]  # the earlier iteration of equal numbers
        correlations.append(rank_correlation(iterations[rule].to_numpy(), iterations["test_map"].to_numpy()))
        ranked = iterations.sort_values("trial").sort_values(rule, ascending=False, kind="stable")
        rows.append(ranked.iloc[0])
    chosen = pd.DataFrame(rows)
    return Choice(rule, chosen, float(np.mean(correlations)))


def rank_correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Spearman's rank correlation, ties by mean rank; NaN with fewer than FEWEST pairs, 0 where one is constant."""
    if len(first) < FEWEST:
        return float("nan")
    one, other = (pd.Series(values).rank().to_numpy(np.float64) for values in (first, second))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def rank_average(candidates: pd.DataFrame, rules: Sequence[str]) -> pd.Series:
    """Mean rank (0 to 1) of each candidate among those of its seed by some rules; an absent number ranks last."""
    ranks = [candidates.groupby("seed")[rule].rank(pct=True).fillna(0.0) for rule in rules]
    return pd.concat(ranks, axis=1).mean(axis=1)


def study_candidates(study: Study) -> tuple[pd.DataFrame, list[str]]:
    """Candidates of a study's completed trials, the oracle's labels aside, and its rules: ``test``, ``held_out`` and
    the signals that it recorded."""
    done = study.completed
    done = done[done[GENERATOR] != ORACLE].sort_values("trial").drop_duplicates(["configuration", "seed"])
    rows = study.iterations.merge(done[["trial", "configuration", "origin"]], on="trial")
    rows = rows[rows["test_map"].notna()].reset_index(drop=True)
    rows["lines"] = [[line] for line in rows["line"]]
    names = dict.fromkeys(name for found in rows["signals"] for name in found or {})
    columns: dict[str, Any] = {TEST: rows["test_map"], HELD_OUT: rows["held_out_map"]}
    columns |= {name: [_number(found, name) for found in rows["signals"]] for name in names}
    found = rows.assign(**columns)
    return found, [rule for rule in (TEST, HELD_OUT, *names) if found[rule].notna().any()]


def choosing_table(study: Study) -> NumberTable | None:
    """What choosing without annotations costs, a row for each rule; None where a study has no signals or no mAP."""
    candidates, rules = study_candidates(study)
    if not len(candidates) or not set(rules) - {TEST, HELD_OUT}:
        return None
    competing = candidates[candidates["iteration"] > 0] if study.refined_only else candidates
    choices = {rule: choose(competing, rule) for rule in rules}
    found = {RULES.get(rule, rule): choice for rule, choice in choices.items() if choice is not None}
    cells = {name: over_seeds(choice.chosen) for name, choice in found.items()}
    fixed = {
        RULES[PRESET]: _last_iterations(candidates[candidates["origin"] == "preset"]),
        RULES[M0]: candidates[candidates["iteration"] == 0].drop_duplicates("seed"),
    }
    cells |= {name: over_seeds(rows) for name, rows in fixed.items() if len(rows)}
    correlated = [
        f"{name} {number_text(choice.correlation, signed=True)}"
        for name, choice in found.items()
        if choice.rule != TEST
    ]
    configurations = candidates["configuration"].nunique()
    return NumberTable(
        name="choosing",
        what="What choosing without annotations costs, the epoch aside",
        corner="Chosen by",
        spanner="",
        rows=list(cells),
        columns=["test mAP"],
        cells=[[cell] for cell in cells.values()],
        competing=[name != RULES[TEST] for name in cells],
        remarks=[
            f"Each rule takes the iteration and the configuration of its highest number on every seed, of "
            f"{configurations} configurations",
            "Rank correlation with test mAP over configurations: " + "; ".join(correlated),
        ],
        chosen="of what the rule of each row would have chosen",
    )


def _last_iterations(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("iteration").drop_duplicates("seed", keep="last")


def _number(found: Mapping[str, float | None] | None, name: str) -> float:
    value = (found or {}).get(name)
    return float("nan") if value is None else value
