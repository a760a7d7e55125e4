"""How much better than M0 refinement makes a study's configurations."""

from pathlib import Path

import pytest

from analysis.results.gain import study_against_m0
from analysis.study import load_study
from study.ledger.against_m0 import against_m0, differences_to_m0
from tests.analysis.study_folders import StudyFolder, point
from tests.study.ledgers import records_of


@pytest.mark.parametrize("annotated", [True, False])
def test_frames_and_ledger_give_the_same(tmp_path: Path, annotated: bool) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed in (0, 1):
        made.add(point("attention", 1.0), [30, 35 + seed, 33], seed, annotated=annotated)
        made.add(point("segment_prediction", 1.0), [30, 9, 20 - seed], seed, annotated=annotated)
        made.add(point("oracle", 1.0), [30, 90], seed, annotated=annotated)
    found = study_against_m0(load_study(made.folder))
    records = records_of(made.folder / "ledger.jsonl")
    assert found == against_m0(differences_to_m0(records, "test" if annotated else None))
    assert found is not None
    assert (found.better, found.configurations, found.seeds) == (1, 2, 2)
    assert found.gain is not None
    assert (found.gain.mean, found.gain.standard_error) == (5.5, pytest.approx(0.5))


def test_a_study_without_refinement_has_none(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30])
    assert study_against_m0(load_study(made.folder)) is None
