"""The report: what it says, and that a real browser shows it without the network."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report.page import report_page
from analysis.report.search_plots import plotly_script
from analysis.settings import BETA, GENERATOR
from analysis.study import load_study
from tests.analysis.browser import Browser, missing_browser
from tests.analysis.prediction_folders import with_predictions
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings

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


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its report."""
    made = paper_like(tmp_path_factory.mktemp("studies") / "full", seeds=3, **ABOUT)
    made.add(point("attention", 1.0), [], state="failed", reason="ValueError: <script>alert(1)</script>")
    (made.folder / "report.html").write_text(report_page(load_study(made.folder)), encoding="utf-8")
    return made.folder


@pytest.fixture
def page(full: Path) -> str:
    return (full / "report.html").read_text(encoding="utf-8")


def test_confirming_trials_are_none_of_those_requested(tmp_path: Path) -> None:
    made = paper_like(tmp_path / "s", seeds=1, **ABOUT)
    made.add(point("attention", 1.0), [30, 40], seed=1, origin="confirm")
    assert "26 trials of 75 requested and 1 to confirm: " in report_page(load_study(made.folder))


def test_the_page_holds_everything(page: str) -> None:
    for text in ("all &amp; everything", "python -m study.launch --name &#39;a b&#39;", "torch", "2.13.0",
                 "--rerun full TRIAL", "selection_tiou", "0.2 to 1.0, step 0.1", "0.1235", "Segment prediction",
                 "ValueError: &lt;script&gt;", "76 trials of 75 requested"):  # fmt: skip
        assert text in page, text
    assert "<script>alert(1)" not in page
    assert page.count("data:image/png;base64,") >= 6


def test_the_answer_comes_first_and_settings_last(page: str) -> None:
    order = [page.index(f'<h2 id="{section}">') for section in ("result", "checks", "tables", "figures", "trials",
                                                              "search", "made", "settings")]  # fmt: skip
    assert order == sorted(order)
    assert page.index("is the best: test mAP@0.5") < page.index('<h2 id="checks">')


def test_numbers_of_tables_lead_to_their_trials(page: str) -> None:
    assert '<a href="#t0066" title="t0066, t0067, t0068">' in page
    assert '<tr id="t0066" data-numbers=' in page


def test_no_number_leads_to_a_trial_that_the_page_has_no_row_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed in (0, 1):
        made.add(point("attention", 1.0), [30, 40], seed)
        made.add(point("attention", 2.0), [30, 50], seed)
    monkeypatch.setattr("analysis.report.trials.MOST_TRIALS", 1)
    page = report_page(load_study(made.folder))
    links, rows = re.findall(r'href="#(t\d+)"', page), re.findall(r'<tr id="(t\d+)"', page)
    assert (set(links), rows) == ({"t0000"}, ["t0000"])


def test_all_but_the_interactive_plots_stays_small(page: str) -> None:
    assert len(page.encode()) - len(plotly_script()) < 3e6


def test_without_annotations_the_report_shows_the_rest(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta in (1.0, 2.0, 4.0):
        made.add(point("attention", beta), [30, 30 + beta], annotated=False)
    page = report_page(load_study(made.folder))
    assert "mAP is not known" in page
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", page.split("<script>")[0]), re.IGNORECASE)


def test_a_study_is_compared_with_the_others(full: Path, tmp_path: Path) -> None:
    other = paper_like(tmp_path / "other", seeds=3)
    page = report_page(load_study(full), [load_study(other.folder)])
    assert "full against other: mAP@0.5 in %" in page
    assert '<h2 id="comparison">' in page
    comparison = page.split('<h2 id="comparison">')[1].split("<h2")[0]
    numbers = re.findall(r'data-name="(other|full)">(<a href="#t)?', comparison)
    assert {name: bool(link) for name, link in numbers[:-4]} == {"other": False, "full": True}


def test_studies_of_two_metrics_are_not_compared_and_the_page_says_why(full: Path, tmp_path: Path) -> None:
    run = settings("other")["run"]
    run["evaluation"]["selection_tiou"] = [0.3]
    other = paper_like(tmp_path / "other", run=run)
    page = report_page(load_study(full), [load_study(other.folder)])
    assert "Not compared: other is measured by mAP@0.3, full by mAP@0.5" in page


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
    assert "is the best: test mAP@0.5 25.00 % over 1 seed" in report_page(load_study(made.folder))


@pytest.fixture(params=[False, True], ids=["desktop", "phone"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    missing = missing_browser()
    if missing:
        pytest.skip(missing)
    with Browser(tmp_path / "profile", phone=request.param) as opened:
        yield opened


def test_a_browser_shows_it_all_and_asks_the_network_for_nothing(full: Path, browser: Browser) -> None:
    path = full / "report.html"
    browser.open(path)
    end = time.monotonic() + 30
    while browser.run("return document.querySelectorAll('.plot .main-svg').length") < 3 and time.monotonic() < end:
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
    assert state["images"] >= 6
    assert state["broken"] == 0
    assert state["plots"] == state["drawn"] == 3
    assert state["outside"] <= 0  # nothing makes the page wider than the screen; wide tables scroll by themselves
    assert state["narrowest"] > 200
    assert browser.screenshot().startswith(b"\x89PNG")


def test_trials_are_sorted_and_filtered(full: Path, browser: Browser) -> None:
    path = full / "report.html"
    browser.open(path)
    # What can be seen: on a phone the rows are folded, which must not bring back what is filtered away.
    visible = "r => r.id && r.getClientRects().length"
    names = f"[...document.querySelectorAll('#trial-table tbody tr')].filter({visible}).map(r => r.id)"
    assert len(browser.run(f"return {names}")) == 76
    browser.run("const f = document.getElementById('filter'); f.value = 'failed'; f.dispatchEvent(new Event('input'))")
    assert browser.run(f"return {names}") == ["t0075"]
    browser.run("const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input'))")
    browser.run("document.querySelectorAll('#trial-table th')[6].click()")
    browser.run("document.querySelectorAll('#trial-table th')[6].click()")
    best = load_study(full).trials.sort_values("test_map", ascending=False)["trial"].iloc[0]
    ordered = browser.run(f"return {names}")
    assert (ordered[0], ordered[-1]) == (f"t{best:04d}", "t0075")  # what has no number comes last


def test_a_row_opens_to_its_numbers_its_command_and_its_timelines(tmp_path: Path, browser: Browser) -> None:
    folder = with_predictions(tmp_path / "TRIALS" / "s")
    path = folder / "report.html"
    path.write_text(report_page(load_study(folder)), encoding="utf-8")
    browser.open(path)
    browser.run("document.querySelectorAll('#trial-table button.more').forEach(button => button.click())")
    time.sleep(0.5)
    texts = browser.run("return [...document.querySelectorAll('#trial-table tr.below')].map(row => row.innerText)")
    assert len(texts) == 2
    assert "iterations 0, 1, …: 25.0, 35.0" in texts[0]
    assert "TRIALS --rerun s t0000" in texts[0]
    assert "No predictions of this trial are kept" in texts[1]
    drawn = "return [...document.querySelectorAll('#t0000 + tr rect title')].map(title => title.textContent)"
    assert "x: 0 to 10 s" in browser.run(drawn)
    browser.run("document.querySelectorAll('#trial-table th')[0].click()")
    browser.run("document.querySelectorAll('#trial-table th')[0].click()")
    order = browser.run("return [...document.querySelectorAll('#trial-table tbody tr')].map(row => row.id)")
    assert order == ["t0001", "", "t0000", ""]  # details stay with their row
    browser.run("document.querySelector('#trial-table button.more').click()")
    assert browser.run("return document.querySelectorAll('#trial-table tr.below').length") == 1
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert browser.console() == []


def test_a_link_to_a_trial_finds_it_whatever_is_filtered(full: Path, browser: Browser) -> None:
    browser.open(full / "report.html")
    browser.run("const f = document.getElementById('filter'); f.value = 'failed'; f.dispatchEvent(new Event('input'))")
    browser.run("document.querySelector('td a[href=\"#t0066\"]').click()")
    time.sleep(0.3)
    assert browser.run("return document.getElementById('t0066').getClientRects().length") > 0


def test_any_video_has_its_timeline(tmp_path: Path, browser: Browser) -> None:
    folder = with_predictions(tmp_path / "s")
    path = folder / "report.html"
    path.write_text(report_page(load_study(folder)), encoding="utf-8")
    browser.open(path)
    time.sleep(0.5)  # until the data are unpacked
    rows = "[...document.querySelectorAll('#timeline-chosen rect title')].map(t => t.textContent)"
    video = "document.querySelector('#timeline-chosen .video')"
    assert browser.run(f"return [...{video}.options].map(o => o.value)") == ["a", "b", "c"]
    assert "x: 0 to 10 s" in browser.run(f"return {rows}")
    browser.run("document.querySelector('#timeline-chosen .next').click()")
    assert browser.run(f"return {video}.value") == "b"
    assert set(browser.run(f"return {rows}")) == {"y: 5 to 9 s"}
    assert browser.console() == []


def test_the_template_names_no_address() -> None:
    folder = Path(__file__).parents[3] / "analysis" / "report"
    text = (folder / "report.html").read_text() + (folder / "report.js").read_text()
    # The name space of SVG is no address.
    assert "http" not in text.replace("http-equiv", "").replace('"http" + "://www.w3.org/2000/svg"', "")
    assert "default-src 'none'" in text
