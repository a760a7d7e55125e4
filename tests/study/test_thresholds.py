"""A study whose thresholds of predictions are chosen after each training: its models, and all pairs of a trial."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from analysis.study import load_study
from analysis.tables.study_tables import study_tables
from study.launch import main as launch
from study.ledger import StudyFolder
from study.thresholds import main
from tests.study.test_export import REQUEST, export, records_of, rows
from trainables.config import preset
from trainables.data import Dataset, read_predictions
from trainables.datasets import load_dataset
from trainables.errors import UserError
from trainables.model import load_model, predict
from trainables.report import Pair, PairMaps


@pytest.fixture(scope="module")
def tuned_data() -> Dataset:
    return load_dataset(preset("simulated").dataset, Path("data"))


@pytest.fixture
def test_features(tmp_path: Path, tuned_data: Dataset) -> Path:
    folder, test = tmp_path / "features", tuned_data.test
    folder.mkdir()
    for start, video in zip(test.starts, test.videos, strict=True):
        np.save(folder / f"{video.name}.npy", test.features[start : start + video.num_snippets])
    return folder


@pytest.fixture(scope="module")
def tuned_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds study ``s`` again, with thresholds of the predictions that are chosen after each training."""
    folder = tmp_path_factory.mktemp("tuned")
    more = ["--set", "prediction.tune=thresholds", "--study-dir", str(folder), "--name", "s"]
    assert launch([*REQUEST, *more]) == 0
    return folder


def test_a_model_carries_the_thresholds_that_were_chosen_for_it(
    tuned_dir: Path, tuned_data: Dataset, test_features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = 0
    for record in records_of(tuned_dir):
        out = tmp_path / str(record.number)
        assert export(tuned_dir, "--trial", str(record.number), "--out", str(out)) == 0
        assert f"(kept weights of t{record.number:04d}" in capsys.readouterr().out
        written = read_predictions(StudyFolder(tuned_dir / "s").predictions_file(record.number), tuned_data.classes)
        model = load_model(out)
        assert rows(predict(model, test_features)) == rows(written)
        tuned = record.iterations[record.best_iteration or 0].tuned
        assert tuned is not None
        run = model.description.run.prediction
        assert (run.tune, run.min_attention, run.min_class_score) == ("none", *vars(tuned.chosen).values())
        chosen = f"αA = {tuned.chosen.min_attention:g}, αC = {tuned.chosen.min_class_score:g}. With the configuration's"
        assert chosen in (out / "README.md").read_text()
        other += tuned.chosen != tuned.configured
    assert other
    settings = json.loads((tuned_dir / "s" / "study.json").read_text())
    assert settings["run"]["prediction"]["tune"] == "thresholds"


def test_the_configuration_of_a_tuned_study_still_tunes(tuned_dir: Path, tmp_path: Path) -> None:
    assert export(tuned_dir, "--config", str(tmp_path / "best.yaml")) == 0
    written = yaml.safe_load((tmp_path / "best.yaml").read_text())
    assert written["prediction"]["tune"] == "thresholds"
    assert written["prediction"]["min_attention"] == 0.5


def measure(study_dir: Path, *more: str) -> int:
    return main(["s", "--study-dir", str(study_dir), *more])


def test_all_pairs_of_any_trial_are_measured_from_its_kept_weights(
    tuned_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = StudyFolder(tuned_dir / "s")
    for record in records_of(tuned_dir):
        assert measure(tuned_dir, "--trial", str(record.number)) == 0
        printed = capsys.readouterr().out
        found = PairMaps.from_json(json.loads(folder.thresholds_file(record.number).read_text()))
        report = record.iterations[record.best_iteration or 0]
        assert report.tuned is not None
        assert (found.iteration, found.used) == (report.iteration, report.tuned.chosen)
        assert set(found.maps) == {"held_out", "test"}
        for split, maps in found.maps.items():
            with_pair = {
                Pair(attention, class_score): value
                for attention, values in zip(found.min_attention, maps, strict=True)
                for class_score, value in zip(found.min_class_score, values, strict=True)
            }
            assert with_pair[found.used] == report.selection_map(split)
            assert with_pair[found.configured] == report.tuned.configured_map[split]
        assert max(map(max, found.maps["held_out"])) == report.selection.map
        assert f"[{report.selection_map('test'):.1f}]" in printed


def test_measured_pairs_are_tables_of_the_study_and_a_damaged_file_is_named(tuned_dir: Path) -> None:
    assert measure(tuned_dir, "--trial", "0") == 0
    study = load_study(tuned_dir / "s")
    tables = {grid.name: (grid, numbers) for grid, numbers in study_tables(study)}
    grid, numbers = tables["prediction_thresholds_t0000_test"]
    assert "prediction_thresholds_t0000_held_out" in tables
    assert len(grid.rows) == 10
    ((attention, class_score, value),) = numbers.loc[
        numbers["used"], ["min_attention", "min_class_score", "selection_map"]
    ].to_numpy(np.float64)
    assert f"the pair in use, ({attention:g}, {class_score:g})" in grid.caption
    assert [value] == study.trials.loc[study.trials["trial"] == 0, "test_map"].tolist()
    underlined = [cell.text for cells in grid.rows for cell in cells if cell.underline]
    assert underlined == [f"{value:.2f}"]
    assert "predictions' (αA, αC) tuned" in next(iter(tables.values()))[0].caption

    path = study.files.thresholds_file(0)
    whole = path.read_text()
    path.write_text("{}")
    with pytest.raises(UserError, match=r"t0000\.thresholds\.json: is no table of thresholds; remove it"):
        study_tables(study)
    path.write_text(whole)


def test_what_cannot_be_measured_is_refused(
    tuned_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure(tuned_dir, "--trial", "99") == 2
    assert "error: --trial: study 's' has no trial 99" in capsys.readouterr().err
    shutil.copytree(tuned_dir / "s", tmp_path / "s")
    with (tmp_path / "s" / "ledger.jsonl").open("a") as ledger:
        ledger.write("torn\n")
    tree = json.loads((tmp_path / "s" / "study.json").read_text())
    del tree["run"]["prediction"]["tune"]
    tree["run"]["model"]["name"] = "wtalc"
    (tmp_path / "s" / "study.json").write_text(json.dumps(tree))
    assert measure(tmp_path, "--trial", "0") == 2
    said = capsys.readouterr()
    assert "t0000: base model wtalc detects without alpha_A and alpha_C: no pairs" in said.err
    assert re.search(r"note: .*ledger\.jsonl: line \d+ is not a ledger entry and is skipped", said.out)


def test_a_trial_without_its_weights_is_told_with_what_this_command_can_do(
    tuned_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tuned_dir / "s", tmp_path / "s")
    folder, record = StudyFolder(tmp_path / "s"), records_of(tuned_dir)[0]
    folder.model_file(0).unlink()
    shutil.rmtree(folder.state_file(0).parent)
    assert measure(tmp_path, "--trial", "0") == 2
    error = capsys.readouterr().err
    assert f"the weights of t0000's iteration {record.best_iteration} are not there" in error
    assert "name a trial that has its weights with --trial" in error
    assert "--retrain" not in error, "an option of study.export alone"
