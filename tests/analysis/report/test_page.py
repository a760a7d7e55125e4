"""The report: what it says, and that a real browser shows it without the network."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report.__main__ import main
from analysis.report.page import report_page
from analysis.settings import BETA, GENERATOR
from analysis.study import load_study
from tests.analysis.browser import Browser, missing_browser
from tests.analysis.study_folders import StudyFolder, paper_like, point

SPACE = {
    GENERATOR: {"choices": ["attention", "segment_prediction", "<b>bold</b>"]},
    BETA: {"choices": [1.0, 2.0, 4.0, 8.0, 16.0]},
    "pseudo_labels.sampled_share": {"low": 0.2, "high": 1.0, "step": 0.1},
}
ABOUT = {
    "study": {"name": "s", "description": "all & everything", "space": SPACE, "num_samples": 25, "seeds": 3},
    "command": ["python", "-m", "study.launch", "--name", "a b"],
    "card": {"videos": 3, "splits": {"train": {"videos": 2, "hours": 0.123456}}},
    "versions": {"torch": "2.13.0"},
    "created": 1.7e9,
}


@pytest.fixture
def full(tmp_path: Path) -> Path:
    made = paper_like(tmp_path / "full", seeds=3, **ABOUT)
    made.add(point("attention", 1.0), [], state="failed", reason="ValueError: <script>alert(1)</script>")
    return made.folder


def test_the_page_holds_everything(full: Path) -> None:
    page = report_page(load_study(full))
    for text in ("all &amp; everything", "python -m study.launch --name &#39;a b&#39;", "torch", "2.13.0",
                 "--rerun full TRIAL", "selection_tiou", "0.2 to 1.0, step 0.1", "hours: 0.1235", "Segment prediction",
                 "ValueError: &lt;script&gt;", "76 trials of 75 asked for"):  # fmt: skip
        assert text in page, text
    assert "<script>alert(1)" not in page
    assert page.count("data:image/png;base64,") >= 7


def test_a_study_without_a_completed_trial_has_a_page_too(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [], state="failed", reason="no memory")
    page = report_page(load_study(made.folder))
    assert "no trial is completed yet" in page
    assert "no memory" in page
    assert "100 % of 1 ended trials" in page


def test_a_study_that_was_not_started_or_has_one_trial_has_a_page(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    assert "no trial yet" in report_page(load_study(made.folder))
    made.add(point("attention", 1.0), [30])
    assert "Best configurations" in report_page(load_study(made.folder))


def test_command_writes_into_the_studys_folder(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--study", str(full)]) == 0
    assert capsys.readouterr().out.strip() == str(full / "report.html")
    assert (full / "report.html").stat().st_size > 1e6
    assert main(["--study", "nowhere", "--study-dir", str(full.parent)]) == 2


@pytest.fixture(params=[False, True], ids=["desktop", "phone"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    missing = missing_browser()
    if missing:
        pytest.skip(missing)
    with Browser(tmp_path / "profile", phone=request.param) as opened:
        yield opened


def test_a_browser_shows_it_all_and_asks_the_network_for_nothing(full: Path, browser: Browser) -> None:
    path = full / "report.html"
    path.write_text(report_page(load_study(full)), encoding="utf-8")
    browser.open(path)
    end = time.monotonic() + 30
    while browser.run("return document.querySelectorAll('.plot .main-svg').length") < 4 and time.monotonic() < end:
        time.sleep(0.2)
    assert browser.console() == []
    assert browser.requests(path) == []
    state = browser.run(
        """return {
            images: document.images.length,
            broken: [...document.images].filter(i => !i.complete || i.naturalWidth == 0).length,
            plots: document.querySelectorAll('.plot').length,
            drawn: [...document.querySelectorAll('.plot')].filter(p => p.querySelector('.main-svg')).length,
            outside: document.documentElement.scrollWidth - innerWidth,
            narrowest: Math.min(...[...document.querySelectorAll('.plot .main-svg')].map(s => s.clientWidth)),
        }"""
    )
    assert state["images"] >= 7
    assert state["broken"] == 0
    assert state["plots"] == state["drawn"] == 4
    assert state["outside"] <= 0  # nothing makes the page wider than the screen; wide tables scroll by themselves
    assert state["narrowest"] > 200
    assert browser.screenshot().startswith(b"\x89PNG")


def test_the_template_names_no_address() -> None:
    text = (Path(__file__).parents[3] / "analysis" / "report" / "report.html").read_text()
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
