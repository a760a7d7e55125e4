"""M0 against the refined model."""

from pathlib import Path

import numpy as np

from analysis.results.refinement import refinement_table
from analysis.study import load_study, refined_only
from tests.analysis.study_folders import StudyFolder, point


def test_refinement_by_tiou_takes_the_iteration_that_the_rule_chose(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 45, 40], 0)
    made.add(point("attention", 1.0), [32, 41, 43], 1)
    table = refinement_table(load_study(tmp_path / "s"))
    assert table.columns == ["0.3", "0.5", "average"]
    assert table.rows[1] == "Refined (η = 1, 2)"
    means = [[cell.mean if cell else np.nan for cell in row] for row in table.cells]
    assert means[0] == [36, 26, 31]  # test mAP lies 5 below the curve, that at 0.3 ten above
    assert means[1] == [49, 39, 44]
    assert table.competing == [True, True, False]


def test_the_row_chosen_on_the_test_split_may_be_higher(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    number = made.add(point("attention", 1.0), [30, 45, 44])
    study = load_study(tmp_path / "s")
    study.iterations.loc[study.iterations["iteration"] == 2, "test_map"] = 60.0
    peak = refinement_table(study).cells[2][1]
    assert peak is not None
    assert (peak.iterations, peak.trials) == ((2,), (number,))


def test_refined_only_leaves_m0_out_of_every_row_but_its_own(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 9, 20])
    table = refinement_table(refined_only(load_study(tmp_path / "s")))
    assert [cells[1] and cells[1].mean for cells in table.cells] == [25, 15, 15]
