"""What study.status says of a study whose workers tell nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from study.ledger.folder import StudyFolder
from study.ledger.lock import lock
from study.ledger.settings import DatasetSettings, StudySettings, create_folder
from study.status import main, status_text, study_status
from tests.study.worlds import driver_of, report_of, run_of, study_of


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study with one running trial that has ended an iteration of 2 s."""
    dataset = DatasetSettings("simulated", "simulated", True, ("a",), ())
    settings = StudySettings(
        run=run_of().model_dump(mode="json"), study=study_of().as_dict(), command=(), dataset=dataset, data_dir="",
        card={}, versions={},
    )  # fmt: skip
    folder = create_folder(tmp_path, "s", settings)
    driver = driver_of(folder.path)
    record = driver.next_trial()
    driver.started(0, "host", 1, "cpu")
    driver.reported(0, report_of(driver.records[0], 0))
    driver.close()
    assert record is driver.records[0]
    return folder


@pytest.mark.parametrize(("later_s", "said"), [(60, False), (600, True)])
def test_a_worker_that_tells_nothing_for_long_is_told(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch, later_s: float, said: bool
) -> None:
    now = time.time() + later_s
    monkeypatch.setattr("study.status.time.time", lambda: now)
    with lock(folder):
        status = study_status(folder.path.parent, "s")
    assert ("no sign of life for 10 min 0 s" in status_text(status)) == said
    assert (status["trials"][0]["quiet_s"] is not None) == said
    assert "no sign of life" not in status_text(study_status(folder.path.parent, "s")), "a stopped study is quiet"


def test_the_best_by_a_signal_is_told_by_its_name_and_its_sign(folder: StudyFolder) -> None:
    status = study_status(folder.path.parent, "s")
    status |= {"objective": {"metric": "mAP@0.5", "signal": "video_loss"}, "selection": "video-labels"}
    status["best"] = status["trials"][0] | {"objective": -0.4123}
    status["trials"][0]["objective"] = -0.4123
    text = status_text(status)
    assert "1 training   video loss 0.412  seed" in text
    assert "; 1 trial: " in status_text(status | {"num_trials": 1})
    assert "best: t0000, video loss 0.412 (video-labels)" in text
    assert study_status(folder.path.parent, "s")["objective"] == {"metric": "mAP@0.5", "signal": None}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "NAME: required, but not given. 'python -m study.status --help' tells more."),
        (["s", "--jsn"], "--jsn: unknown option. Did you mean '--json'?"),
    ],
)
def test_wrong_arguments_say_so_in_a_line(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err == f"error: {line}\n"
