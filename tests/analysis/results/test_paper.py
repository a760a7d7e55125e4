"""The paper's numbers agree with what the paper says about them."""

from pathlib import Path

import numpy as np
import pytest

from analysis.results.paper import Claim, Place, cell, claims, paper_tables, printed_twice, tables_for
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: f"{claim.where}: {claim.states}")
def test_stated_differences_hold(claim: Claim) -> None:
    assert abs(cell(claim.of) - cell(claim.minus) - claim.states) <= claim.within + 1e-9


@pytest.mark.parametrize(("first", "second"), printed_twice())
def test_a_number_that_is_printed_twice_agrees(first: Place, second: Place) -> None:
    # 13.27 is printed as 13.3, 19.45 as 19.5: half a digit of the coarser print
    assert abs(cell(first) - cell(second)) <= 0.05 + 1e-9


def test_differences_of_table_5_are_those_of_its_text() -> None:
    tables = paper_tables()
    gains = [np.diff(tables[number].values, axis=0)[0].round(2).tolist() for number in ("5a", "5b")]
    assert gains == [[1.12, 0.49, 0.67, -0.07, -0.28], [1.70, 1.34, 1.77, 0.36, 0.20]]


def test_best_of_each_column_of_table_1_is_what_the_text_says() -> None:
    table = paper_tables()["1"]
    best = [table.rows[row] for row in table.values.argmax(axis=0)]
    assert best[1:] == ["attention", *["segment_prediction"] * 4]


@pytest.mark.parametrize("number", paper_tables())
def test_every_table_is_whole(number: str) -> None:
    table = paper_tables()[number]
    assert table.values.shape == (len(table.rows), len(table.columns))
    values = table.values[np.isfinite(table.values)]
    assert ((values > 0) & (values < 100)).all()
    by_threshold = table.kind in ("state_of_the_art", "base_model")
    if by_threshold:  # mAP falls with the threshold
        thresholds = table.values[:, [c for c, name in enumerate(table.columns) if name != "average"]]
        assert all((np.diff(row[np.isfinite(row)]) < 0).all() for row in thresholds)


def test_tables_are_found_by_data_set_and_features(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40])
    study = load_study(tmp_path / "s")
    assert [table.number for table in tables_for(study, "generator_beta")] == ["6b"]
    assert [table.number for table in tables_for(study, "base_model")] == ["5a", "5b"]
    assert tables_for(study, "nothing") == []
    assert paper_tables()["6b"].at("segment_prediction", 2) == 22.6
    assert paper_tables()["4a"].at("UntrimmedNets", 0.7) is None
    with pytest.raises(KeyError, match="no number at"):
        cell(("4a", "UntrimmedNets", 0.7))
