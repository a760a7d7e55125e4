"""The last lines of a study."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from study.cli.conclusion import conclude
from study.ledger.folder import StudyFolder
from study.ledger.records import TrialRecord
from tests.study.cli.test_progress import completed
from tests.study.worlds import run_of


def concluded(record: TrialRecord, folder: Path) -> int:
    request = SimpleNamespace(run=run_of(selection__rule="held-out"), study_dir=Path("studies"))
    driver = SimpleNamespace(records={0: record}, folder=StudyFolder(folder), search_end=None)
    return conclude(request, driver)  # type: ignore[arg-type]


def test_what_comes_next_are_the_tables_or_where_there_are_none_the_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert concluded(completed(0, 50.0), tmp_path / "s") == 0
    assert capsys.readouterr().out.endswith("next         python -m analysis.tables --study s\n")
    failed = TrialRecord(0, state="failed", params={}, seed=0, iterations=[], reason="no")
    assert concluded(failed, tmp_path / "s") == 1
    told = capsys.readouterr().out
    assert told.endswith("next         python -m study.status s\n")
    assert "predictions" not in told
