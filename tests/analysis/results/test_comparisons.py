"""One searched key at a time, and pairs of thresholds."""

from pathlib import Path

from analysis.results.comparisons import MOST_THRESHOLDS, threshold_table, value_tables
from analysis.settings import ALPHA_A, ALPHA_C, SAMPLED_SHARE
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, paper_like


def test_one_key_at_a_time_shows_the_best_of_each_value(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add({SAMPLED_SHARE: 0.2}, [30, 40])
    made.add({SAMPLED_SHARE: 0.8}, [30, 42])
    (table,) = value_tables(load_study(tmp_path / "s"))
    assert (table.name, table.rows, table.columns) == ("by_sampled_share", ["0.2", "0.8"], ["M0", "refined"])
    assert [[cell.mean if cell else None for cell in row] for row in table.cells] == [[25, 35], [25, 37]]


def test_keys_of_one_last_word_have_tables_of_their_own(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for i in range(2):
        made.add({"prediction.inflation": i, "pseudo_labels.segments.inflation": 1 - i}, [30, 40 + i])
    tables = value_tables(load_study(tmp_path / "s"))
    assert [table.name for table in tables] == ["by_prediction_inflation", "by_pseudo_labels_segments_inflation"]
    assert [table.corner for table in tables] == ["prediction.inflation", "pseudo_labels.segments.inflation"]


def test_thresholds_have_a_cell_for_each_pair(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for a, c, top in ((0.1, 0.2, 40), (0.1, 0.4, 41), (0.5, 0.2, 42)):
        made.add({ALPHA_A: a, ALPHA_C: c}, [30, top])
    table = threshold_table(load_study(tmp_path / "s"))
    assert table is not None
    assert (table.rows, table.columns) == (["0.1", "0.5"], ["0.2", "0.4"])
    assert [[cell.mean if cell else None for cell in row] for row in table.cells] == [[35, 36], [37, None]]


def test_no_thresholds_no_table(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    assert threshold_table(load_study(tmp_path / "s")) is None


def test_a_long_search_has_no_table_of_hundreds_of_thresholds(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for i in range(MOST_THRESHOLDS + 1):
        made.add({ALPHA_A: 0.5, ALPHA_C: i / 100}, [30, 40])
    assert threshold_table(load_study(tmp_path / "s")) is None


def test_pairs_that_stand_alone_in_row_and_column_are_no_table(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for i in range(3):
        made.add({ALPHA_A: 0.1 * i, ALPHA_C: 0.2 * i}, [30, 40 + i])
    assert threshold_table(load_study(tmp_path / "s")) is None
    made.add({ALPHA_A: 0.1, ALPHA_C: 0.4}, [30, 50])
    assert threshold_table(load_study(tmp_path / "s")) is not None
