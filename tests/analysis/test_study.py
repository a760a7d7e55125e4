"""A study's folder becomes frames; what is wrong with it is said."""

from pathlib import Path

import numpy as np
import pytest

from analysis.requests import why_empty
from analysis.settings import BETA, GENERATOR
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point
from trainables.errors import UserError


def test_one_row_per_trial_with_its_number_at_the_chosen_iteration(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 45, 40], seed=3)
    study = load_study(tmp_path / "s")
    (row,) = study.trials.to_dict("records")
    assert (row["trial"], row["state"], row["seed"], row[GENERATOR], row[BETA]) == (0, "completed", 3, "attention", 2.0)
    assert (row["objective"], row["best_iteration"], row["test_map"]) == (45, 1, 40)
    assert row["lines"] == [2, 3, 4, 5, 6, 7]
    assert study.iterations["test_map"].tolist() == [25, 40, 35]
    assert study.iterations["line"].tolist() == [4, 5, 6]
    assert study.test_counts == (60, 150)


def test_a_key_that_the_study_does_not_vary_comes_from_its_run(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add({"pseudo_labels.sampled_share": 0.4}, [30, 35])
    (row,) = load_study(tmp_path / "s").trials.to_dict("records")
    assert (row[GENERATOR], row[BETA], row["pseudo_labels.sampled_share"]) == ("segment_prediction", 4.0, 0.4)


def test_only_completed_trials_with_a_number_count(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 45])
    made.add(point("attention", 2.0), [30, 45], state="pruned")
    made.add(point("attention", 4.0), [], state="failed", reason="ValueError: no")
    made.add(point("attention", 8.0), [30], state=None)
    study = load_study(tmp_path / "s")
    assert study.trials["state"].tolist() == ["completed", "pruned", "failed", "running"]
    assert study.completed["trial"].tolist() == [0]
    assert np.isnan(study.trials["test_map"][2])


def test_a_damaged_line_is_a_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 45])
    made.add(point("attention", 2.0), [30, 47])
    ledger = tmp_path / "s" / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"45", b"95")
    ledger.write_bytes(b"".join(lines))
    study = load_study(tmp_path / "s")
    assert len(study.problems) == 1
    assert "line 5" in study.problems[0]
    assert study.completed["trial"].tolist() == [1]


def test_a_study_without_a_ledger_has_no_trials(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").folder.joinpath("ledger.jsonl").unlink()
    study = load_study(tmp_path / "s")
    assert study.trials.empty
    assert study.completed.empty
    assert "none was started" in why_empty(study)


def test_a_damaged_study_json_is_named(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s")
    (tmp_path / "s" / "study.json").write_text("{")
    with pytest.raises(UserError, match=r"study\.json: is not JSON"):
        load_study(tmp_path / "s")


def test_a_study_json_that_is_no_mapping_is_named(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s")
    (tmp_path / "s" / "study.json").write_text("[1]")
    with pytest.raises(UserError, match=r"study\.json"):
        load_study(tmp_path / "s")


def test_a_test_split_without_annotations_has_no_number_and_no_zero(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 45], annotated=False)
    study = load_study(tmp_path / "s")
    assert len(study.completed) == 1
    assert not study.has_test_map
    assert study.trials["test_map"].isna().all()
    assert study.iterations["tiou_map"].tolist() == [{}, {}]
    assert study.test_counts is None
