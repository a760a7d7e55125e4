from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.study.worlds import run_of
from trainables.report import IterationReport, Selection
from trainables.worker import log
from trainables.worker.messages import COMPLETED, RUNNING, RunFiles, TrialAnswer, TrialOrder

FILES = RunFiles(Path("state"), Path("predictions"), Path("model"))
ORDER = TrialOrder(7, run_of(seed=2), FILES, title="t0007 attention β=4", known_iterations=0)


def report(selection: Selection) -> IterationReport:
    return IterationReport(2, selection, 2, selection.number, finished=False, seconds=12.3)


def test_a_trial_that_begins_is_named_with_its_seed() -> None:
    assert log.begin_line(ORDER) == "t0007 attention β=4, seed 2: begins"
    later = TrialOrder(7, run_of(), FILES, known_iterations=2)
    assert log.begin_line(later) == "trial 7, seed 0: goes on after iteration 1"


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (Selection("held_out", 45.12), "t0007 iteration 2: held-out 45.1, 12 s"),
        (Selection("held_out", None, "video_map", 50.0), "t0007 iteration 2: held-out video mAP 50.0 %, 12 s"),
        (Selection("held_out", None, "video_loss", -0.412), "t0007 iteration 2: held-out video loss 0.412, 12 s"),
        (Selection("test", None), "t0007 iteration 2: test no number, 12 s"),
    ],
)
def test_an_iteration_is_told_with_the_number_that_compares_it(selection: Selection, text: str) -> None:
    assert log.answer_line(ORDER, TrialAnswer(7, RUNNING, 0.0, report(selection))) == text
    assert log.answer_line(ORDER, TrialAnswer(7, COMPLETED, 0.0, report(selection))) == f"{text}; completed"


def test_a_trial_that_cannot_go_on_says_why() -> None:
    failed = TrialAnswer(7, "failed", 0.0, reason="RuntimeError: broken")
    assert log.answer_line(ORDER, failed) == "t0007: failed: RuntimeError: broken"


def test_lines_have_the_time_of_day(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "time", SimpleNamespace(strftime=lambda form: "07:45:12"))
    log.log("a line")
    assert capsys.readouterr() == ("", "07:45:12 a line\n")
