"""The card and the check command say what a data set is and what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.trainables.datasets.test_external import small_thumos14
from trainables.config.run import DatasetConfig
from trainables.data.split import Dataset
from trainables.datasets import card as card_module
from trainables.datasets import load_dataset, make_card
from trainables.datasets.__main__ import main
from trainables.datasets.card import content_hash

CONFIG = DatasetConfig(name="simulated")


@pytest.fixture
def dataset() -> Dataset:
    return load_dataset(CONFIG, Path("nowhere"))


def test_card_counts(dataset: Dataset) -> None:
    card = make_card(dataset, CONFIG)
    assert card.splits["train"].videos == 24
    assert card.splits["test"].instances == len(dataset.test.ground_truth)
    low, _, high = card.splits["train"].snippets_per_video
    assert (low, high) == (dataset.train.lengths.min(), dataset.train.lengths.max())
    assert card.splits["train"].duration_ratio == pytest.approx(1)
    assert card.splits["train"].foreground_share == dataset.train.snippet_truth.mean()


def test_card_is_json_and_text(dataset: Dataset) -> None:
    card = make_card(dataset, CONFIG)
    assert json.loads(json.dumps(card.as_dict()))["splits"]["test"]["videos"] == 12
    assert "24 videos" in str(card)
    assert "16-d" in str(card)


def test_hash_tells_apart_features_truth_and_labels(dataset: Dataset) -> None:
    train = dataset.train
    features = train.features.copy()
    features[-1, -1] += 1
    truth = replace(train.ground_truth, end_s=train.ground_truth.end_s + 0.1)
    videos = (replace(train.videos[0], labels=(3,)), *train.videos[1:])
    changed = [replace(train, features=features), replace(train, ground_truth=truth), replace(train, videos=videos)]
    hashes = {content_hash(replace(dataset, train=split))[0] for split in (train, *changed)}
    assert len(hashes) == 4
    assert content_hash(dataset) == (content_hash(dataset)[0], 1.0)


def test_hash_of_large_features_is_sampled_and_says_so(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_module, "HASHED_BYTES", 64 * 64 * 4)
    _, share = content_hash(dataset)
    assert 0 < share < 1
    assert f"over {100 * share:.1f} % of the features" in str(make_card(dataset, CONFIG))


class TestCheck:
    def arguments(self, data_dir: Path, *more: str) -> list[str]:
        return ["check", "--dataset", "thumos14", "--features", "i3d", "--data-dir", str(data_dir), *more]

    def test_a_usable_data_set_shows_its_card(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        small_thumos14(tmp_path)
        assert main(self.arguments(tmp_path)) == 0
        output = capsys.readouterr().out
        assert "THUMOS14 (I3D)" in output
        assert output.endswith("no problem found\n")

    def test_every_problem_is_listed_after_the_card(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        small_thumos14(tmp_path)
        features = tmp_path / "thumos14/i3d"
        np.save(features / "valid_0.npy", np.ones((900, 4)))
        np.save(features / "valid_1.npy", np.full((100, 4), np.nan))
        (features / "test_1.npy").unlink()
        assert main(self.arguments(tmp_path)) == 2
        output, errors = capsys.readouterr()
        assert "THUMOS14 (I3D)" in output
        assert "valid_0: features have T = 900" in errors
        assert "valid_1: 200 feature values are NaN" in errors
        assert "test: 1 of 2 videos have no features" in errors

    def test_missing_files_exit_2(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(self.arguments(tmp_path)) == 2
        assert "does not exist" in capsys.readouterr().err

    def test_an_unknown_data_set_exits_2(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check", "--dataset", "thumos15"]) == 2
        assert "Did you mean 'thumos14'?" in capsys.readouterr().err
