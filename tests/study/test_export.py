"""``python -m study.export`` on a real study: the model that it makes predicts what the study predicted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from study.export import main
from study.launch import main as launch
from study.ledger import StudyFolder, TrialRecord, read_ledger, trial_records
from trainables.config import preset
from trainables.data import Dataset, read_predictions
from trainables.datasets import load_dataset
from trainables.model import load_model, predict
from trainables.model.weights import read_weights
from trainables.worker.checkpoint import load_state

REQUEST = [
    "--dataset", "simulated", "--num-samples", "2", "--seeds", "2", "--set", "compute.device=cpu",
    "--set", "training.epochs=6", "--set", "refinement.iterations=3",
]  # fmt: skip


@pytest.fixture(scope="module")
def study_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds study ``s``: 2 configurations on 2 seeds."""
    folder = tmp_path_factory.mktemp("studies")
    assert launch([*REQUEST, "--study-dir", str(folder), "--name", "s"]) == 0
    return folder


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(preset("simulated").dataset, Path("data"))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Path:
    folder = tmp_path_factory.mktemp("features")
    for start, video in zip(data.test.starts, data.test.videos, strict=True):
        np.save(folder / f"{video.name}.npy", data.test.features[start : start + video.num_snippets])
    return folder


@pytest.fixture
def copied(study_dir: Path, tmp_path: Path) -> StudyFolder:
    shutil.copytree(study_dir / "s", tmp_path / "s")
    return StudyFolder(tmp_path / "s")


def export(study_dir: Path, *more: str) -> int:
    return main(["s", "--study-dir", str(study_dir), *more])


def records_of(study_dir: Path) -> list[TrialRecord]:
    return trial_records(read_ledger(study_dir / "s" / "ledger.jsonl").events)


def rows(segments: Any) -> list[Any]:
    return [getattr(segments, name).tolist() for name in ("video", "start_s", "end_s", "label", "score")]


def test_every_trials_model_predicts_what_the_trial_predicted(
    study_dir: Path, data: Dataset, features: Path, tmp_path: Path
) -> None:
    for record in records_of(study_dir):
        out = tmp_path / str(record.number)
        assert export(study_dir, "--trial", str(record.number), "--out", str(out)) == 0
        written = read_predictions(StudyFolder(study_dir / "s").predictions_file(record.number), data.classes)
        assert rows(predict(load_model(out), features)) == rows(written)


def test_the_best_is_the_best_replicate_of_the_best_configuration(
    study_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(study_dir, "--out", str(tmp_path / "m")) == 0
    records = records_of(study_dir)
    means = {c: np.mean([r.objective for r in records if r.configuration == c]) for c in (0, 1)}
    best_configuration = max(means, key=lambda c: (means[c], -c))
    best = max((r for r in records if r.configuration == best_configuration), key=lambda r: r.objective or 0)
    described = load_model(tmp_path / "m").description
    assert (described.origin.trial, described.origin.iteration) == (best.number, best.best_iteration)
    out = capsys.readouterr().out
    assert "mean of 2 seeds" in out
    assert f"t{best.number:04d} has the highest value" in out


def test_the_folder_has_weights_for_torch_alone_a_description_and_a_card(
    study_dir: Path, data: Dataset, tmp_path: Path
) -> None:
    assert export(study_dir, "--trial", "t0001", "--out", str(tmp_path / "m")) == 0
    assert {path.name for path in (tmp_path / "m").iterdir()} == {"weights.pt", "model.json", "README.md"}
    weights = torch.load(tmp_path / "m" / "weights.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())
    tree = json.loads((tmp_path / "m" / "model.json").read_text())
    record = records_of(study_dir)[1]
    assert tree["run"]["seed"] == record.seed == 1
    assert tree["classes"] == list(data.classes)
    assert tree["origin"]["report"] == replace(record.iterations[record.best_iteration or 0], m0=None).to_json()
    assert tree["test_videos"] == data.test.names.tolist()
    card = (tmp_path / "m" / "README.md").read_text()
    for text in ("simulated", "t0001", "16 dimensions", "| test |", "selection.rule", str(record.params["loss.beta"])):
        assert text in card


def test_an_old_study_without_weights_says_what_to_do_and_does_it(
    copied: StudyFolder, data: Dataset, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copied.path / "models")
    shutil.rmtree(copied.path / "checkpoints")
    copied.videos_file.unlink()
    out = tmp_path / "m"
    assert export(tmp_path, "--trial", "0", "--out", str(out)) == 2
    error = capsys.readouterr().err
    assert "--retrain" in error
    assert len(error.splitlines()) == 1
    assert not out.exists()
    assert export(tmp_path, "--trial", "0", "--out", str(out), "--retrain") == 0
    assert "all its numbers are the ledger's" in capsys.readouterr().out
    written = read_predictions(copied.predictions_file(0), data.classes)
    assert rows(predict(load_model(out), features)) == rows(written)


def test_the_checkpoint_serves_where_its_weights_are_the_best_iterations(
    copied: StudyFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = 0
    for record in records_of(tmp_path):
        kept, out = read_weights(copied.model_file(record.number)), tmp_path / f"m{record.number}"
        copied.model_file(record.number).unlink()
        state = load_state(copied.state_file(record.number))
        assert state is not None
        last = state.reports[-1]
        ends_best = record.best_iteration == last.iteration and last.chosen_epoch == (last.epochs or 0) - 1
        assert export(tmp_path, "--trial", str(record.number), "--out", str(out)) == (0 if ends_best else 2)
        if ends_best:
            served += 1
            found = torch.load(out / "weights.pt", weights_only=True)
            assert all(found[name].equal(value) for name, value in kept.weights.items())
            assert "checkpoint weights" in capsys.readouterr().out
    assert served < 4


def test_damaged_weights_are_not_exported(
    copied: StudyFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = copied.model_file(0)
    file.write_bytes(file.read_bytes()[:-5])
    shutil.rmtree(copied.path / "checkpoints")
    assert export(tmp_path, "--trial", "0", "--out", str(tmp_path / "m")) == 2
    assert "--retrain" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--trial", "99", "--out", "m"], "--trial: study 's' has no trial 99"),
        (["--trial", "bset", "--out", "m"], "--trial: best, or a number"),
        (["--out", "full"], "full exists and is not an empty folder"),
    ],
)
def test_a_wrong_request_is_one_line(
    study_dir: Path, tmp_path: Path, more: list[str], said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full", "file").write_text("")
    assert export(study_dir, *more) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_changed_weights_file_is_refused(study_dir: Path, tmp_path: Path) -> None:
    assert export(study_dir, "--out", str(tmp_path / "m")) == 0
    (tmp_path / "m" / "weights.pt").write_bytes(b"torn")
    with pytest.raises(ValueError, match="does not agree with the digest"):
        load_model(tmp_path / "m")


def test_a_configuration_written_by_one_study_starts_another(
    study_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "best.yaml"
    assert export(study_dir, "--trial", "3", "--config", str(file)) == 0
    tree = yaml.safe_load(file.read_text())
    record = records_of(study_dir)[3]
    assert tree["loss"]["beta"] == record.params["loss.beta"]
    assert tree["training"]["epochs"] == 6
    assert "dataset" not in tree
    begun = tmp_path / "begun"
    arguments = ["--dataset", "simulated", "--config", str(file), "--study-dir", str(begun), "--name", "n"]
    assert launch([*arguments, "--num-samples", "1", "--set", "compute.device=cpu", "--seed", "1"]) == 0
    capsys.readouterr()
    (first,) = trial_records(read_ledger(begun / "n" / "ledger.jsonl").events)
    assert first.objective == record.objective


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loss: {bta: 2.0}", "loss.bta: unknown key. Did you mean 'beta'?"),
        ("dataset: {name: x}", "dataset: is no setting of the method"),
        ("loss: [", "not valid YAML"),
    ],
)
def test_a_wrong_configuration_file_is_refused(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    assert launch(["--dataset", "simulated", "--config", str(file), "--study-dir", str(tmp_path), "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert str(file) in error
