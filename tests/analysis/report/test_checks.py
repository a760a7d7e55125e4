"""Checks of a search."""

from pathlib import Path

from analysis.report.checks import checks
from analysis.settings import BETA
from analysis.study import load_study
from tests.analysis.prediction_folders import with_predictions
from tests.analysis.study_folders import StudyFolder, point


def verdicts(folder: Path) -> dict[str, str]:
    return {check.name: check.verdict for check in checks(load_study(folder))}


def test_best_at_the_edge_is_seen(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s", study={"space": {BETA: {"low": 1.0, "high": 16.0}}})
    for beta, top in ((1.0, 35), (4.0, 40), (16.0, 50)):
        made.add({BETA: beta}, [30, top])
    assert verdicts(made.folder)["Is the best at the edge of the space?"] == "look"
    made.add({BETA: 8.0}, [30, 60])
    assert verdicts(made.folder)["Is the best at the edge of the space?"] == "ok"


def test_checks_tell_what_one_seed_cannot(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    found = verdicts(made.folder)
    assert found["Variance of retraining"] == "unknown"
    assert found["Does refinement help?"] == "unknown"
    assert found["Share of infeasible trials"] == "ok"


def test_variance_of_retraining_is_held_against_the_lead(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta, tops in ((1.0, (40, 50, 45)), (2.0, (43, 51, 44))):
        for seed, top in enumerate(tops):
            made.add(point("attention", beta), [30, top], seed)
    assert verdicts(made.folder)["Variance of retraining"] == "look"
    assert verdicts(made.folder)["Does refinement help?"] == "ok"


def test_a_lead_that_every_seed_shows_is_no_chance_however_far_the_seeds_spread(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta, tops in ((1.0, (40, 50, 45)), (2.0, (41, 51, 46.1))):
        for seed, top in enumerate(tops):
            made.add(point("attention", beta), [30, top], seed)
    (check,) = [check for check in checks(load_study(made.folder)) if check.name == "Variance of retraining"]
    assert check.verdict == "ok"
    assert "5.0" in check.text  # over seeds
    assert "the best leads by 1.03 ± 0.03" in check.text


def test_predictions_that_give_another_map_than_the_ledger_are_seen(tmp_path: Path) -> None:
    name = "Predictions against the ledger"
    folder = with_predictions(tmp_path / "s", test_map=(30.0, 75.0))
    assert verdicts(folder)[name] == "ok"
    assert "gives mAP 75.00, the ledger has 75.00" in {c.name: c.text for c in checks(load_study(folder))}[name]
    assert verdicts(with_predictions(tmp_path / "other"))[name] == "look"


def test_without_annotations_nothing_is_said_of_map(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], annotated=False)
    found = {check.name: check for check in checks(load_study(made.folder))}
    assert found["Does refinement help?"].verdict == "unknown"
    assert "no temporal annotations" in found["Does refinement help?"].text
