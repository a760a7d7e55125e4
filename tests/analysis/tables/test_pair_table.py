"""Two studies side by side."""

from pathlib import Path

from analysis.results.pairs import paired_studies
from analysis.study import load_study
from analysis.tables.pair_table import MOST_ROWS, pair_table
from tests.analysis.study_folders import StudyFolder, point


def test_means_difference_and_common_seeds_stand_in_a_row(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    for seed, more in ((0, 2), (1, 3), (2, 4)):
        one.add(point("attention", 2.0), [30, 40], seed)
        two.add(point("attention", 2.0), [30, 40 + more], seed)
    grid, data = pair_table(paired_studies(load_study(one.folder), load_study(two.folder)), "mAP@0.5")
    assert [cell.text for cell in grid.rows[0]] == [
        "Attention, β=2", "35.00 ± 0.00", "38.00 ± 1.00", "+3.00", "+2.00 to +4.00", "3"
    ]  # fmt: skip
    assert [cell.text for cell in grid.rows[-1]][3] == "+3.00"
    assert len(data) == 3


def test_many_configurations_are_cut_and_said(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "one")
    for beta in range(MOST_ROWS + 3):
        made.add(point("attention", float(beta)), [30, 40])
    grid, data = pair_table(paired_studies(load_study(made.folder), load_study(made.folder)), "mAP")
    assert (len(grid.rows), len(data)) == (MOST_ROWS + 2, MOST_ROWS + 3)
    assert any("3 further configurations" in note for note in grid.notes)


def test_the_study_that_was_chosen_on_the_test_split_has_the_dagger_whichever_comes_first(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "paper").add(point("attention", 1.0), [30, 40], split="test")
    StudyFolder(tmp_path / "held-out").add(point("attention", 1.0), [30, 41])
    one, two = load_study(tmp_path / "paper"), load_study(tmp_path / "held-out")
    for pair, names in (((one, two), ["paper†", "held-out"]), ((two, one), ["held-out", "paper†"])):
        grid, _ = pair_table(paired_studies(*pair), "mAP@0.5")
        assert grid.header[1:3] == names
        assert grid.caption.endswith("†Chosen on the test split itself.")
