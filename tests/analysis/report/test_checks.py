"""Checks of a search."""

from pathlib import Path

from analysis.report.checks import checks
from analysis.settings import BETA
from analysis.study import load_study
from tests.analysis.prediction_folders import with_predictions
from tests.analysis.study_folders import StudyFolder, point, settings


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
    assert "the best leads by 1.03 points, standard error 0.03 points" in check.text


def variance_text(folder: Path) -> str:
    return next(check.text for check in checks(load_study(folder)) if check.name == "Variance of retraining")


def test_a_spread_counts_by_its_seeds(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta, tops in ((1.0, (40, 44)), (2.0, (40, 40, 40, 40, 40))):  # variance 8 of one degree of freedom, 0 of four
        for seed, top in enumerate(tops):
            made.add(point("attention", beta), [30, top], seed)
    assert "over seeds: 1.26 points (pooled)" in variance_text(made.folder)


def test_a_spread_of_losses_is_not_one_of_points(tmp_path: Path) -> None:
    run = settings("s")["run"] | {"selection": {"rule": "video-labels", "signal": "video_loss"}}
    made = StudyFolder(tmp_path / "s", run=run)
    for beta, losses in ((1.0, (0.41, 0.42, 0.43)), (2.0, (0.45, 0.46, 0.475))):
        for seed, loss in enumerate(losses):
            made.add(point("attention", beta), [-0.9, -loss], seed, annotated=False)
    assert "over seeds: 0.0114 of video loss (pooled)" in variance_text(made.folder)
    assert "leads by 0.0417 of video loss, standard error 0.0017 of video loss" in variance_text(made.folder)


def test_a_configuration_without_another_on_its_seeds_is_compared_with_none(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta, seeds in ((1.0, (0, 1)), (2.0, (2, 3))):
        for seed in seeds:
            made.add(point("attention", beta), [30, 40 + seed], seed)
    assert "no second configuration on the same seeds" in variance_text(made.folder)


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
