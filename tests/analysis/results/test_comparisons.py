"""Tables beyond generator and beta: their numbers, and what stands in their traces."""

from pathlib import Path

import numpy as np
import pytest

from analysis.results.comparisons import (
    ALPHA_A,
    ALPHA_C,
    label_quality,
    refinement_table,
    states_and_cost,
    threshold_table,
    top_configurations,
    value_tables,
)
from analysis.study import load_study
from analysis.tables.comparisons import comparison_tables, state_of_the_art
from analysis.tables.paper_comparisons import paper_comparisons
from analysis.tables.study_tables import main
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings

SHARE = "pseudo_labels.sampled_share"


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


def test_one_key_at_a_time_shows_the_best_of_each_value(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add({SHARE: 0.2}, [30, 40])
    made.add({SHARE: 0.8}, [30, 42])
    (table,) = value_tables(load_study(tmp_path / "s"))
    assert (table.name, table.rows, table.columns) == ("by_sampled_share", ["0.2", "0.8"], ["M0", "refined"])
    assert [[cell.mean if cell else None for cell in row] for row in table.cells] == [[25, 35], [25, 37]]


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


def test_top_configurations_go_by_selection_and_by_seeds(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 50])  # one seed: after all with two
    for seed in (0, 1):
        made.add(point("attention", 2.0), [30, 40], seed, offset=0)
        made.add(point("attention", 4.0), [30, 41], seed, offset=9)
    made.add(point("oracle", 4.0), [30, 90])
    ranked = top_configurations(load_study(tmp_path / "s"))
    assert [(one.selection, one.test.mean, one.test.n) for one in ranked] == [(41, 32, 2), (40, 40, 2), (50, 45, 1)]


def test_label_quality_comes_from_the_reports(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], labels={"foreground_precision": 60.0, "foreground_recall": None})
    study = load_study(tmp_path / "s")
    found = label_quality(study, study.completed)
    assert {name: list(by) for name, by in found.items() if by} == {"foreground_precision": [1]}
    assert found["foreground_precision"][1].mean == 60
    assert "label_quality" in [grid.name for grid, _ in comparison_tables(study, "second")]


def test_states_and_what_they_cost(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    made.add(point("attention", 2.0), [30], state="failed", reason="no")
    made.add(point("attention", 4.0), [30], state=None)
    rows = {row.state: row for row in states_and_cost(load_study(tmp_path / "s"))}
    assert {state: row.trials for state, row in rows.items()} == {"completed": 1, "failed": 1, "running": 1, "all": 3}
    assert (rows["all"].iterations, rows["all"].seconds) == (4, 6)


def test_the_papers_rows_stand_beside_ours(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    ((grid, trace),) = state_of_the_art(load_study(tmp_path / "s"))
    texts = {row[0].text: [cell.text for cell in row[1:]] for row in grid.rows}
    assert texts["BaS-Net"] == ["44.6", "36", "27", "18.6", "10.4"]
    assert texts["Ours (η = 3)"][0] == "50.00"
    assert "Table 4b of the paper" in grid.caption
    assert set(trace["row"]) == {"Ours (η = 0)", "Ours (η = 3)"}


def test_differences_to_the_paper(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    found = dict((grid.name, data) for grid, data in paper_comparisons(load_study(tmp_path / "s")))
    assert set(found) == {"paper_6b", "paper_7b", "paper_4b"}
    data = found["paper_6b"]
    (cell,) = data[(data["row"] == "segment_prediction") & (data["column"] == 2)].to_dict("records")
    assert (cell["paper"], cell["ours"]) == (22.6, pytest.approx(39.55))
    assert cell["difference"] == pytest.approx(39.55 - 22.6)
    base = found["paper_7b"].to_dict("records")[0]
    assert (base["paper"], base["ours"]) == (19.45, 25)


def test_base_models_are_compared_with_their_own_rows(tmp_path: Path) -> None:
    run = {**settings("s")["run"], "model": {"name": "basnet"}}
    StudyFolder(tmp_path / "s", run=run).add(point("segment_prediction", 2.0), [30, 40])
    # And not with the paper's tables of RefineLoc's own base model.
    assert [grid.name for grid, _ in paper_comparisons(load_study(tmp_path / "s"))] == ["paper_5b"]


def test_data_that_the_paper_lacks_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = {**settings("s")["run"], "dataset": {"name": "utkinect", "features": None}}
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    assert main(["--study", str(tmp_path / "s"), "--with-paper"]) == 0
    assert "the paper has no numbers for these data" in capsys.readouterr().err


def test_several_studies_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper_like(tmp_path / "a")
    run = {**settings("b")["run"], "model": {"name": "basnet"}}
    StudyFolder(tmp_path / "b", run=run).add({}, [30, 40], split="test")
    StudyFolder(tmp_path / "c")
    out = tmp_path / "out"
    names = ["--study", "a", "--study", "b", "--study", "c", "--study-dir", str(tmp_path), "--out", str(out)]
    assert main(names) == 0
    assert "c: no trial is completed yet" in capsys.readouterr().err
    assert {path.name for path in out.iterdir()} == {"a", "b", "studies.csv", "studies.md", "studies.tex"}
    text = (out / "studies.md").read_text()
    assert "b: BaS-Net" in text
    assert "b: + refinement (η = 1)†" in text
    assert main(["--study", "a", "--study", "a", "--study-dir", str(tmp_path)]) == 2


def test_ragged_iterations_have_dashes(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30])
    made.add(point("segment_prediction", 1.0), [30, 31, 32, 33])
    study = load_study(tmp_path / "s")
    for grid, trace in comparison_tables(study, "second"):
        assert all(len(row) == len(grid.header) for row in grid.rows)
        assert len(trace)
