"""The probe of a data set: M0 learns, or it is said that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainables.own_data import own_videos, write_own
from trainables.config.presets import preset
from trainables.datasets import load_dataset
from trainables.datasets.__main__ import main
from trainables.refinement.learning import Learning, learning_check


def test_a_separable_set_is_learnt_with_the_general_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["new", str(write_own(tmp_path, own_videos(train=24)))])
    assert main(["check", "--dataset", str(tmp_path), "--probe"]) == 0
    assert "M0 after 30 epochs: video loss" in capsys.readouterr().out


def test_a_learning_rate_that_is_too_low_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["new", str(write_own(tmp_path))])
    file = tmp_path / "dataset.yaml"
    file.write_text(file.read_text() + "overrides: {training.lr: 1.0e-6, training.epochs: 5}\n")
    assert main(["check", "--dataset", str(tmp_path), "--probe"]) == 1
    assert "M0 did not learn: the video loss is" in (err := capsys.readouterr().err)
    assert "raise training.lr (now 1e-06) or training.epochs (now 5)" in err


@pytest.mark.parametrize(
    "overrides",
    [
        "prediction.tune: thresholds",
        "selection.signal: label_agreement",
        "selection.rule: video-labels, selection.signal: label_agreement",
        "thresholds: both, prediction.min_attention: 0.4",
    ],
)
def test_the_settings_of_a_whole_study_do_not_keep_it_from_being_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], overrides: str
) -> None:
    main(["new", str(write_own(tmp_path, own_videos(train=24)))])
    file = tmp_path / "dataset.yaml"
    file.write_text(file.read_text() + f"overrides: {{{overrides}}}\n")
    capsys.readouterr()
    assert main(["check", "--dataset", str(tmp_path), "--probe"]) == 0, capsys.readouterr().err


def test_labels_of_other_videos_are_said(tmp_path: Path) -> None:
    """Features of class jump and clap in turn, labels in pairs: what is learnt does not hold for other videos."""
    database = own_videos(train=24)
    for place, video in enumerate(database.values()):
        video["annotations"][0]["label"] = ("jump", "jump", "clap", "clap")[place % 4]
    main(["new", str(write_own(tmp_path, database, truth=own_videos(train=24)))])
    run = preset(str(tmp_path))
    assert learning_check(run, load_dataset(run.dataset, Path("nowhere"))).problems()


@pytest.mark.parametrize(
    ("loss", "train", "held_out", "message"),
    [
        (0.69, 50, 50, "the video loss is 0.69"),
        (0.4, 55, 50, "55 % of the training videos are classified, always saying"),
        (0.1, 100, 52, "but only 52 % of those held out"),
    ],
)
def test_each_sign_has_its_sentence(loss: float, train: float, held_out: float, message: str) -> None:
    (problem,) = Learning(30, 1e-3, 0.693, loss, 50, train, held_out).problems()
    assert message in problem


def test_what_learnt_has_no_problem() -> None:
    assert Learning(30, 1e-3, 0.693, 0.1, 50, 100, 90).problems() == []
