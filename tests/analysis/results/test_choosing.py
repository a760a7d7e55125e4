"""What each way of choosing would have chosen, on candidates whose answer is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.results.choosing import RULES, choose, choosing_table, rank_average, rank_correlation
from analysis.study import load_study, refined_only
from analysis.tables.study_tables import study_tables
from study.launch import main as launch
from tests.analysis.study_folders import StudyFolder, point


def candidate(configuration: str, seed: int, iteration: int, test: float, **numbers: float) -> dict[str, Any]:
    return {"configuration": configuration, "trial": ord(configuration), "seed": seed, "iteration": iteration,
            "lines": [], "test_map": test, "test": test, **numbers}  # fmt: skip


ROWS = pd.DataFrame([
    candidate("a", 0, 0, 10, good=1, bad=9, absent=math.nan), candidate("a", 0, 1, 30, good=3, bad=1, absent=5),
    candidate("b", 0, 0, 20, good=2, bad=2, absent=math.nan), candidate("b", 0, 1, 50, good=5, bad=0, absent=4),
    candidate("c", 0, 0, 40, good=4, bad=4, absent=math.nan), candidate("c", 0, 1, 5, good=0, bad=1, absent=1),
])  # fmt: skip


def test_a_rule_takes_the_best_iteration_of_the_best_configuration() -> None:
    for rule in ("test", "good"):
        choice = choose(ROWS, rule)
        assert choice is not None
        assert (choice.chosen["configuration"].item(), choice.chosen["iteration"].item(), choice.test_map) == (
            "b",
            1,
            50,
        )
        assert choice.correlation == pytest.approx(1)


def test_a_rule_that_misleads_costs_and_correlates_negatively() -> None:
    choice = choose(ROWS, "bad")
    assert choice is not None
    assert choice.test_map == 10
    assert choice.correlation < 0


def test_candidates_without_a_number_are_never_chosen() -> None:
    choice = choose(ROWS, "absent")
    assert choice is not None
    assert (choice.chosen["configuration"].item(), choice.test_map) == ("a", 30)
    assert choose(ROWS.assign(none=np.nan), "none") is None


def test_equal_numbers_take_the_earlier_iteration_of_the_earlier_trial() -> None:
    choice = choose(ROWS.assign(same=1.0), "same")
    assert choice is not None
    assert (choice.chosen["configuration"].item(), choice.chosen["iteration"].item()) == ("a", 0)
    assert choice.correlation == 0


def test_the_rank_average_of_one_rule_orders_as_the_rule() -> None:
    found = rank_average(ROWS, ["good"])
    assert found.rank().tolist() == ROWS["good"].rank().tolist()


def test_rank_correlation_of_few_pairs_is_not_a_number() -> None:
    assert math.isnan(rank_correlation(np.array([1.0, 2.0]), np.array([1.0, 2.0])))


def test_a_study_with_signals_and_test_annotations_has_the_table(tmp_path: Path) -> None:
    request = ["--dataset", "simulated", "--num-samples", "3", "--set", "compute.device=cpu", "--name", "s",
               "--set", "training.epochs=3", "--set", "refinement.iterations=2"]  # fmt: skip
    assert launch([*request, "--study-dir", str(tmp_path)]) == 0
    study = load_study(tmp_path / "s")
    table = choosing_table(study)
    assert table is not None
    assert {RULES[rule] for rule in ("test", "held_out", "contrast", "video_map", "m0", "preset")} <= set(table.rows)
    by_name = {row: cells[0] for row, cells in zip(table.rows, table.cells, strict=True)}
    best = study.iterations.merge(study.completed[["trial"]], on="trial")["test_map"].max()
    oracle = by_name[RULES["test"]]
    assert oracle is not None
    assert oracle.mean == best
    assert all(cell is None or cell.mean <= best for cell in by_name.values())
    assert "choosing" in {grid.name for grid, _ in study_tables(study)}


def test_too_few_configurations_have_a_dash_for_a_correlation(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta in (1.0, 2.0):
        made.add(point("attention", beta), [30, 40 + beta], signals={"contrast": beta})
    table = choosing_table(load_study(made.folder))
    assert table is not None
    assert table.remarks[-1].endswith("over configurations: contrast of class scores –")


def test_of_refined_iterations_alone_no_rule_takes_m0(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta in (1.0, 2.0, 4.0):
        made.add(point("attention", beta), [50, 20 + beta], signals={"contrast": 90.0 + beta})
    for study, found in ((load_study(made.folder), 45), (refined_only(load_study(made.folder)), 19)):
        table = choosing_table(study)
        assert table is not None
        by_name = {row: cell.mean for row, (cell,) in zip(table.rows, table.cells, strict=True) if cell}
        assert (by_name[RULES["test"]], by_name[RULES["m0"]]) == (found, 45)
