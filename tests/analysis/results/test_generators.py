"""Generator x β, without any format."""

from pathlib import Path

import numpy as np

from analysis.results.generators import generator_table
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, paper_like, point


def test_every_cell_is_the_test_number_of_its_trial(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    table = generator_table(load_study(tmp_path / "s"))
    assert table.generators == [
        "uniform_random", "distribution_aware", "class_activation", "attention", "segment_prediction"
    ]  # fmt: skip
    assert table.betas == [1, 2, 4, 8, 16]
    assert table.base is not None
    assert (table.base.mean, table.base.trials, table.base.n) == (25, (0,), 1)
    best = table.cells[4][2]
    assert best is not None
    assert (best.mean, best.trials, best.iterations) == (40, (22,), (3,))
    assert np.isnan(best.std)


def test_seeds_of_a_configuration_are_averaged(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed, top in enumerate((40, 44, 42)):
        made.add(point("attention", 2.0), [30 + seed, top], seed)
    table = generator_table(load_study(tmp_path / "s"))
    ((cell,),) = table.cells
    assert cell is not None
    assert (cell.mean, cell.std, cell.n, cell.seeds) == (37, 2, 3, (0, 1, 2))
    assert table.base is not None
    assert (table.base.mean, table.base.n) == (26, 3)


def test_of_several_configurations_the_best_by_selection_is_shown_not_the_best_on_test(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0, S=0.2), [30, 40], offset=0)  # best test number
    made.add(point("attention", 2.0, S=0.8), [30, 41], offset=9)  # best selection objective
    table = generator_table(load_study(tmp_path / "s"))
    ((cell,),) = table.cells
    assert cell is not None
    assert (cell.mean, cell.trials) == (32, (1,))
    assert any("best selection objective" in remark for remark in table.remarks)


def test_a_lucky_single_run_does_not_beat_a_mean_over_seeds(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0, S=0.2), [30, 50])
    made.add(point("attention", 2.0, S=0.8), [30, 40], 0)
    made.add(point("attention", 2.0, S=0.8), [30, 42], 1)
    ((cell,),) = generator_table(load_study(tmp_path / "s")).cells
    assert cell is not None
    assert cell.trials == (1, 2)


def test_a_cell_without_a_completed_trial_is_none(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    made.add(point("segment_prediction", 2.0), [30, 40], state="failed", reason="no")
    made.add(point("segment_prediction", 1.0), [30], state=None)
    cells = generator_table(load_study(tmp_path / "s")).cells
    assert [[cell is None for cell in row] for row in cells] == [[False, True], [True, True]]


def test_many_betas_are_grouped_to_powers_of_two(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta in np.linspace(1, 15, 12):
        made.add(point("attention", float(beta)), [30, 40 + beta])
    table = generator_table(load_study(tmp_path / "s"))
    assert table.betas == [1, 2, 4, 8, 16]
    assert any("power of two" in remark for remark in table.remarks)


def test_a_trial_with_beta_zero_is_mentioned(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 0.0), [30, 31])
    made.add(point("attention", 1.0), [30, 40])
    table = generator_table(load_study(tmp_path / "s"))
    assert table.betas == [1]
    assert any("β = 0 are left out" in remark for remark in table.remarks)


def test_base_models_that_disagree_are_mentioned(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    made.add(point("attention", 2.0), [31, 40])
    assert any("differ in M0" in remark for remark in generator_table(load_study(tmp_path / "s")).remarks)


def test_no_completed_trial_has_no_number(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [], state="failed")
    table = generator_table(load_study(tmp_path / "s"))
    assert (table.base, table.cells) == (None, [[None]])
