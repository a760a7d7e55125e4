"""``python -m analysis.report``."""

import threading
import time
from pathlib import Path

import pytest

from analysis.compare import main as compare
from analysis.report.__main__ import main
from study.ledger.folder import StudyFolder as Files
from study.ledger.lock import lock
from tests.analysis.study_folders import StudyFolder, paper_like, point


def test_the_page_goes_into_the_studys_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = paper_like(tmp_path / "full", seeds=3).folder
    assert main(["--study", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert (folder / "report.html").stat().st_size > 1e6
    assert main(["--study", "nowhere", "--study-dir", str(tmp_path)]) == 2


def test_several_studies_have_a_page_each_with_the_others_beside(tmp_path: Path) -> None:
    for name in ("a", "b"):
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 40])
    names = ["--study", "a", "--study", "b", "--study-dir", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(names) == 0
    assert "a against b" in (tmp_path / "out" / "a" / "report.html").read_text()
    assert "b against a" in (tmp_path / "out" / "b" / "report.html").read_text()


def test_an_earlier_comparison_is_part_of_the_report_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 40])
    assert compare(["--study", "a", "--study", "b", "--study-dir", str(tmp_path)]) == 0
    assert "in the reports of both" in capsys.readouterr().out
    for name, text in (("a", "a against b"), ("b", "b against a")):
        assert main(["--study", name, "--study-dir", str(tmp_path)]) == 0
        assert text in (tmp_path / name / "report.html").read_text()
    (tmp_path / "b").rename(tmp_path / "elsewhere")
    assert main(["--study", "a", "--study-dir", str(tmp_path)]) == 0
    assert "a was compared with b, which is left out" in capsys.readouterr().err


def test_a_running_study_is_watched_until_its_driver_is_gone(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    held = lock(Files(made.folder))
    page = made.folder / "report.html"
    watching = threading.Thread(target=main, args=(["--study", str(made.folder), "--watch", "1"],))
    watching.start()
    try:
        end = time.monotonic() + 60
        while not page.is_file() and time.monotonic() < end:
            time.sleep(0.1)
        assert '<meta http-equiv="refresh" content="1">' in page.read_text()
    finally:
        made.add(point("attention", 1.0), [], state="failed", reason="no memory")
        held.close()
        watching.join(60)
    assert not watching.is_alive()
    assert 'http-equiv="refresh"' not in page.read_text()
    assert "no memory" in page.read_text()


def test_the_last_page_is_written_after_the_end_whenever_that_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, driven = StudyFolder(tmp_path / "s"), iter([True, False])
    monkeypatch.setattr("analysis.report.__main__.is_driven", lambda files: next(driven))
    assert main(["--study", str(made.folder), "--watch", "1"]) == 0
    assert 'http-equiv="refresh"' not in (made.folder / "report.html").read_text()


def test_seconds_are_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--study", "s", "--watch", "0"])
    assert "from 1 on" in capsys.readouterr().err
