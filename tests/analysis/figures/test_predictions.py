"""Figures from prediction files."""

from pathlib import Path

import pytest

from analysis.drawing.rendering import render
from analysis.figures.__main__ import main
from analysis.figures.predictions import prediction_drawings
from analysis.study import load_study
from tests.analysis.prediction_folders import with_predictions


@pytest.mark.parametrize(
    ("protocol", "name"), [("activitynet", "ActivityNet-style evaluation"), ("thumos14", "THUMOS14 kit's evaluation")]
)
def test_all_are_drawn_hold_their_data_and_name_the_protocol(protocol: str, name: str, tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s", protocol, ["c,8,9"])
    curves, timelines, *diagnosis = prediction_drawings(load_study(folder))
    assert [drawing.name for drawing in diagnosis] == [
        "diagnosis_false_positives", "diagnosis_sensitivity", "diagnosis_false_negatives"
    ]  # fmt: skip
    assert set(diagnosis[1].data["file"]) == {"M0", "η = 1"}
    for drawing in (curves, timelines, *diagnosis):
        assert render(drawing, "t", ["png"])["png"].startswith(b"\x89PNG")
    assert set(timelines.data["track"]) == {"ground truth", "M0", "pseudo labels", "η = 1"}
    assert timelines.data.groupby("role")["video"].first().to_dict() == {"best": "a", "median": "b", "worst": "c"}
    assert set(curves.data["model"]) == {"chosen", "M0"}
    assert curves.about.endswith(name)
    assert timelines.about.endswith(name)


def test_without_the_base_models_predictions_they_are_drawn_too(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    for name in ("t0000.m0.csv", "t0000.labels.csv"):
        (folder / "predictions" / name).unlink()
    for drawing in prediction_drawings(load_study(folder)):
        render(drawing, "t", ["png"])


def test_without_ground_truth_or_predictions_there_are_no_such_figures(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    (folder / "predictions" / "t0000.csv").unlink()
    assert prediction_drawings(load_study(folder)) == []
    (folder / "ground_truth.csv").unlink()
    assert prediction_drawings(load_study(folder)) == []
    assert main(["--study", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out" / "timelines.csv").exists()
