"""Figures from prediction files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.drawing.rendering import render
from analysis.figures.predictions import prediction_drawings
from analysis.figures.study_figures import main
from analysis.results.predictions import best_predictions, precision_recall, telling_videos
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point, settings
from trainables.data.ground_truth import read_ground_truth
from trainables.data.segments import Segments

CLASSES = ["x", "y"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three videos: refinement finds a, keeps b, loses c."""
    dataset = {"name": "thumos14", "title": "T", "simulated": False, "classes": CLASSES, "notes": []}
    run = settings("s")["run"]
    made = StudyFolder(tmp_path / "s", dataset=dataset, run=run)
    made.add(point("attention", 1.0), [30, 40])
    made.add(point("attention", 2.0), [30, 35])
    write(made.folder / "ground_truth.csv", "video-name,t-start,t-end,label,video-duration",
          ["a,0,10,x,30", "b,5,9,y,20", "c,1,4,x,10"])  # fmt: skip
    head = "video-name,t-start,t-end,label,score"
    made.folder.joinpath("predictions").mkdir()
    write(
        made.folder / "predictions" / "t0000.csv", head, ["a,0,10,x,0.9", "b,5,9,y,0.5", "c,8,9,x,0.4", "a,1,2,y,0.1"]
    )
    write(made.folder / "predictions" / "t0000.m0.csv", head, ["a,20,25,x,0.9", "b,5,9,y,0.8", "c,1,4,x,0.7"])
    write(made.folder / "predictions" / "t0000.labels.csv", head, ["a,0,8,foreground,1"])
    return made.folder


def write(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("\n".join([head, *rows]) + "\n")


def test_the_videos_are_chosen_by_their_own_change(folder: Path) -> None:
    found = best_predictions(load_study(folder))
    assert found is not None
    assert (found.trial, found.iteration) == (0, 1)
    assert telling_videos(found, np.array([0.5])) == [
        ("best", "a", 100.0),
        ("median", "b", 0.0),
        ("worst", "c", -100.0),
    ]


def test_all_are_drawn_and_hold_their_data(folder: Path) -> None:
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


def test_without_the_base_models_predictions_the_model_itself_decides(folder: Path) -> None:
    for name in ("t0000.m0.csv", "t0000.labels.csv"):
        (folder / "predictions" / name).unlink()
    found = best_predictions(load_study(folder))
    assert found is not None
    assert [(role, value) for role, _, value in telling_videos(found, np.array([0.5]))] == [
        ("best", 100.0), ("median", 100.0), ("worst", 0.0)
    ]  # fmt: skip
    for drawing in prediction_drawings(load_study(folder)):
        render(drawing, "t", ["png"])


def test_without_ground_truth_or_predictions_there_are_no_such_figures(folder: Path, tmp_path: Path) -> None:
    (folder / "predictions" / "t0000.csv").unlink()
    assert prediction_drawings(load_study(folder)) == []
    (folder / "ground_truth.csv").unlink()
    assert prediction_drawings(load_study(folder)) == []
    assert main(["--study", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out" / "timelines.csv").exists()


def test_precision_and_recall_of_each_class(folder: Path) -> None:
    truth = read_ground_truth(folder / "ground_truth.csv", classes=CLASSES)
    rows = Segments.of(["a", "a", "c"], [0, 20, 1], [10, 25, 4], [0, 0, 0], [0.9, 0.8, 0.7])
    first, second = precision_recall(truth, rows, 0.5)
    assert first.recall.tolist() == [0.5, 0.5, 1.0]
    assert first.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert first.ap == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert (len(second.recall), second.ap) == (0, 0)


def test_the_command_writes_them(folder: Path, tmp_path: Path) -> None:
    assert main(["--study", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert len(pd.read_csv(tmp_path / "out" / "timelines.csv")) > 5
    assert (tmp_path / "out" / "precision_recall.pdf").is_file()
