"""Rows of the table of trials."""

from pathlib import Path

from analysis.report.page import report_page
from analysis.report.trials import rerun_command, trial_rows
from analysis.study import load_study
from analysis.tables.study_tables import top_grid
from tests.analysis.study_folders import StudyFolder, point, settings


def test_a_row_says_what_ran_and_how_it_ended(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "a b & c")
    made.add(point("attention", 2.0), [30, 40, 35], seed=3)
    made.add(point("attention", 4.0), [], state="failed", reason="no memory")
    first, second = trial_rows(load_study(made.folder))
    assert first[:9] == ("t0000", "completed", "Attention", "β=2", "3", "40.00", "35.00", "1", "3.0")
    assert len(first.curve.split()) == 3
    assert (first.numbers, second.numbers) == ("30.0, 40.0, 35.0", "")
    assert (second.state, second.selection, second.eta, second.curve, second.reason) == (
        "failed", "–", "–", "", "no memory"
    )  # fmt: skip
    assert rerun_command(load_study(made.folder), "0").endswith("--rerun 'a b & c' 0")


def test_curves_share_one_scale(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 40])
    made.add(point("attention", 4.0), [30, 50])
    low, high = trial_rows(load_study(made.folder))
    assert low.curve == "2.0,20.0 70.0,11.0"
    assert high.curve == "2.0,20.0 70.0,2.0"


def test_a_signal_stands_under_its_name_and_a_loss_without_its_sign(tmp_path: Path) -> None:
    run = settings("s")["run"] | {"selection": {"rule": "video-labels", "signal": "video_loss"}}
    made = StudyFolder(tmp_path / "s", run=run)
    made.add(point("attention", 2.0), [-0.9, -0.4123])
    study = load_study(made.folder)
    assert trial_rows(study)[0].selection == "0.4123"
    page = report_page(study)
    assert '<th tabindex="0">video loss</th>' in page
    assert '<td data-name="video loss">0.4123</td>' in page
    (top, _) = top_grid(study)
    assert top.header[1] == "video loss"
    assert top.rows[0][1].text == "0.4123"
