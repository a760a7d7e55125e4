"""A data set of one's own, from a folder to evaluated predictions, by commands alone."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study.config import studies
from study.launch import main as launch
from tests.trainables.own_data import own_videos, write_own
from trainables.datasets.__main__ import main as datasets

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["--num-samples", "2", "--sampler", "random", "--set", "refinement.iterations=2", "--set", "compute.device=cpu",
         "--set", "training.epochs=25"]  # fmt: skip


def run(*command: str, cwd: Path, status: int = 0) -> str:
    """What a command prints, run in a folder of the user's."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=240,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def without_segments(database: dict[str, dict[str, Any]], subsets: set[str]) -> dict[str, dict[str, Any]]:
    weak = copy.deepcopy(database)
    for video in weak.values():
        if video["subset"] in subsets:
            video["annotations"] = [{"label": video["annotations"][0]["label"]}]
    return weak


@pytest.mark.parametrize("unannotated", [{"training"}, {"training", "validation"}], ids=["weak", "no-annotation"])
def test_from_a_folder_to_evaluated_predictions(tmp_path: Path, unannotated: set[str]) -> None:
    truth = own_videos(train=24)
    write_own(tmp_path / "jumps", without_segments(truth, unannotated), truth=truth)
    (tmp_path / "truth.json").write_text(json.dumps({"database": truth}))
    assert "written  jumps/dataset.yaml" in run("trainables.datasets", "new", "jumps", "--title", "Jumps", cwd=tmp_path)
    assert "no problem found" in run("trainables.datasets", "check", "--dataset", "jumps", cwd=tmp_path)

    out = run("study.launch", "--dataset", "jumps", "--name", "s", *SHORT, cwd=tmp_path)
    assert "Jumps (features)  [jumps; real data]" in out
    assert "selection    video-labels: held-out training videos choose by video loss (lower is better)" in out
    assert "2 completed" in out
    reports = [event["report"] for line in (tmp_path / "studies/s/ledger.jsonl").read_text().splitlines()
               if (event := json.loads(line))["event"] == "iteration"]  # fmt: skip
    annotated = {"train", "held_out", "test"} - ({"train", "held_out", "test"} if len(unannotated) > 1 else
                                                  {"train", "held_out"})  # fmt: skip
    assert len(reports) == 4
    for report in reports:
        assert set(report["map"]) == set(report["attention_accuracy"]) == annotated
        assert report["selection"]["map"] is None
        assert (report["best_so_far"] is None) == (report["iteration"] == 0)  # M0 has no value of this signal
        assert set(report["signals"]) >= {"video_loss", "video_map", "contrast", "label_agreement", "attention_focus"}
    assert json.loads(run("study.status", "s", "--json", cwd=tmp_path))["selection"] == "video-labels"

    run("study.export", "s", "--out", "model", cwd=tmp_path)
    (tmp_path / "new").mkdir()
    for name, video in truth.items():
        if video["subset"] == "validation":
            (tmp_path / "new" / f"{name}.npy").symlink_to(tmp_path / "jumps/features" / f"{name}.npy")
    run("trainables.predict", "--model", "model", "--features", "new", "--out", "found.csv", cwd=tmp_path)
    files = ["--predictions", "found.csv", "--ground-truth", "truth.json"]
    evaluated = run("trainables.evaluation", *files, "--tiou", "0.5", "--json", cwd=tmp_path)
    assert 0 <= json.loads(evaluated)["average_map"] <= 100
    if annotated:
        best = max((r for r in reports if r["iteration"]), key=lambda report: report["selection"]["value"])
        assert json.loads(evaluated)["average_map"] == pytest.approx(best["map"]["test"]["selection_map"], abs=1e-6)


def test_an_annotated_set_is_chosen_by_its_annotations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_own(tmp_path / "jumps", fps=30.0, stride=4)
    assert datasets(["new", str(tmp_path / "jumps")]) == 0
    assert launch(["--dataset", str(tmp_path / "jumps"), "--study-dir", str(tmp_path / "studies"), "--dry-run"]) == 0
    assert "selection    held-out: held-out training videos choose; preset released" in capsys.readouterr().out


WRONG = [
    (["--study", "mine.yaml"], "pseudo_labels.generator: the oracle makes its labels from the temporal annotations"),
    (
        ["--set", "pseudo_labels.generator=oracle", "--study", "sampling"],
        "the oracle makes its labels from the temporal",
    ),
    (["--selection", "held-out"], "selection.rule: held-out compares by the mAP of the held-out training videos"),
    (
        ["--protocol", "paper", "--selection", "video-labels"],
        "set a number, as --set pseudo_labels.foreground_share=0.6",
    ),
    (["--set", "selection.signal=contrst"], "selection.signal: no signal 'contrst'. Did you mean 'contrast'?"),
    (
        ["--set", "prediction.tune=thresholds"],
        "error: the videos that choose (held-out) have no temporal annotation: prediction.tune: thresholds chooses by",
    ),
    (
        ["--study", "tuned.yaml"],
        "have no temporal annotation: study tuned: space: prediction.tune: thresholds chooses by mAP",
    ),
    (
        ["--target", "70"],
        "error: --target: 70 is an mAP, but the videos that choose (held-out) have no temporal annotation, so that",
    ),
]


@pytest.fixture
def weak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options for a data set without segments in the training videos; beside it a study file of the user's."""
    truth = own_videos()
    write_own(tmp_path / "jumps", without_segments(truth, {"training"}), truth=truth)
    assert datasets(["new", str(tmp_path / "jumps")]) == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tuned.yaml").write_text("space: {prediction.tune: {choices: [none, thresholds]}}")
    (tmp_path / "mine.yaml").write_text("space: {pseudo_labels.generator: {choices: [attention, oracle]}}")
    return ["--dataset", "jumps"]


@pytest.mark.parametrize("look", [[], ["--dry-run"]], ids=["launch", "dry-run"])
@pytest.mark.parametrize(("options", "message"), WRONG)
def test_what_needs_segments_is_refused_before_ray_starts(
    weak: list[str], look: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch([*weak, *look, *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(Path("studies").glob("[a-z]*"))


@pytest.mark.parametrize("study", studies())
def test_every_study_of_the_project_runs_without_segments(
    weak: list[str], study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch([*weak, "--study", study, "--dry-run"]) == 0
    plan = capsys.readouterr().out
    told = "the oracle, an upper bound that labels from temporal annotations, is left out: some videos have none"
    assert (told in plan) == (study == "generators")
    if study == "generators":
        assert "25 (5 configurations x 5 seeds)" in plan


def test_background_videos_with_a_base_model_that_cannot_train_them_are_refused_before_ray_starts(
    weak: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path("jumps/dataset.yaml")
    file.write_text(f"{file.read_text()}labels: {{background: background}}\n")
    assert launch([*weak, "--base-model", "wtalc", "--dry-run"]) == 2
    assert "labels.background: background trains videos without labels, which base model wtalc cannot" in (
        capsys.readouterr().err
    )
