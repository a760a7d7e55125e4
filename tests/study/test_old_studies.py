"""Studies of earlier versions, kept in tests/assets: status, resume, tables and figures work on them unchanged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import study.ledger.ledger_file
from analysis.figures.__main__ import main as figures
from analysis.tables.__main__ import main as tables
from study.launch import main as launch
from study.ledger.ledger_file import encode, finite, read_ledger
from study.ledger.settings import open_study
from study.status import study_status
from tests.study.ledgers import records_of
from trainables.json_types import JsonObject

ASSET = Path(__file__).parents[1] / "assets" / "study-v1"
STARTED_T0004 = 30  # lines of the ledger until its iteration 1


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A copy of the study that version 1 wrote."""
    shutil.copytree(ASSET, tmp_path / "version-1")
    return tmp_path / "version-1"


def test_every_line_of_an_old_ledger_would_be_written_the_same_today() -> None:
    lines = (ASSET / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    contents = read_ledger(ASSET / "ledger.jsonl")
    assert contents.problems == ()
    assert [encode(finite(event.to_json())) for event in contents.events] == lines


def test_an_old_study_json_would_be_written_the_same_today(tmp_path: Path) -> None:
    opened = open_study(ASSET.parent, ASSET.name)
    text = json.dumps(opened.settings.to_json(), indent=1, ensure_ascii=False) + "\n"
    assert text == (ASSET / "study.json").read_text()
    assert opened.created_with == opened.settings


def test_status_of_an_old_study(version_1: Path) -> None:
    status = study_status(version_1.parent, "version-1")
    assert (status["state"], status["counts"], status["problems"]) == ("ended", {"completed": 6}, [])
    assert status["best"]["number"] == 0
    assert [trial["objective"] for trial in status["trials"]] == pytest.approx(
        [50.0, 37.5, 37.9, 31.25, 50.0, 37.5], abs=0.05
    )


def test_tables_and_figures_of_an_old_study(version_1: Path) -> None:
    where = ["--study", "version-1", "--study-dir", str(version_1.parent)]
    assert tables(where) == 0
    assert figures(where) == 0
    assert list((version_1 / "tables").iterdir())
    assert list((version_1 / "figures").iterdir())


def test_an_old_study_is_resumed_to_the_same_numbers_and_its_ledger_is_read_once(
    version_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = records_of(version_1 / "ledger.jsonl")
    lines = (version_1 / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (version_1 / "ledger.jsonl").write_bytes(b"".join(lines[:STARTED_T0004]))
    decoded: list[bytes] = []
    decode = study.ledger.ledger_file.decode

    def counted(line: bytes) -> JsonObject:
        decoded.append(line)
        return decode(line)

    monkeypatch.setattr(study.ledger.ledger_file, "decode", counted)
    assert launch(["--resume", "version-1", "--study-dir", str(version_1.parent)]) == 0
    assert len(decoded) == STARTED_T0004
    again = records_of(version_1 / "ledger.jsonl")
    for before, after in zip(whole, again, strict=True):
        assert (after.state, after.point, after.seed) == (before.state, before.point, before.seed)
        for old, new in zip(before.iterations, after.iterations, strict=True):
            known, found = old.without_times().to_json(), new.without_times().to_json()
            assert {key: found[key] for key in known} == known, "newer versions may add numbers, and change none"
