"""Data set files: what they hold, and how each fault is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.trainables.own_data import write_own
from trainables.config.dataset_file import find_dataset, read_dataset_file, shipped, shipped_names
from trainables.config.presets import features_of, preset
from trainables.config.run import RunConfig, parse_config
from trainables.errors import UserError

TREE: dict[str, Any] = {
    "title": "Jumps",
    "annotations": "annotations.json",
    "features": {"name": "i3d-rgb", "path": "features", "fps": 30.0, "window": 16, "stride": 4},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_own(tmp_path / "jumps")


def written(folder: Path, tree: dict[str, Any] | None = None, **keys: Any) -> Path:
    file = folder / "dataset.yaml"
    file.write_text(yaml.safe_dump({**(tree or TREE), **keys}))
    return file


def test_a_file_and_its_folder_are_the_same_data_set(folder: Path) -> None:
    file = written(folder)
    assert find_dataset(str(file)) == find_dataset(str(folder)) == read_dataset_file(folder)
    assert find_dataset(str(file)).name == "jumps"


def test_paths_are_relative_to_the_file(folder: Path) -> None:
    (folder / "train.txt").write_text("clip00\n\nclip01 \n")
    described = read_dataset_file(written(folder, train={"list": "train.txt"}, test={"videos": ["clip13"]}))
    assert described.annotations == str(folder / "annotations.json")
    assert described.features[0].path == str(folder / "features")
    assert described.train is not None
    assert described.train.list == str(folder / "train.txt")


def test_a_run_configuration_carries_all_that_the_file_says(folder: Path) -> None:
    file = written(
        folder, classes=["jump", "clap"], labels={"training": "video", "multi_label": "first", "background": "exclude"},
        evaluation={"protocol": "thumos14", "tiou": [0.3, 0.7]}, overrides={"training.epochs": 7}, train="training",
        test="validation", exclude_videos=["clip03"], allow_missing=True,
    )  # fmt: skip
    run = preset(str(file))
    data = run.dataset
    assert (data.file, data.name, data.title, data.features) == (str(file), "jumps", "Jumps", "i3d-rgb")
    assert (data.snippet_fps, data.snippet_frames, data.window_frames, data.shift_frames) == (30.0, 4, 16, 6.0)
    assert (data.classes, data.training_labels, data.background) == (("jump", "clap"), "video", "exclude")
    assert (data.multi_label, data.exclude_videos, data.allow_missing) == ("first", ("clip03",), True)
    assert (run.evaluation.protocol, run.evaluation.tiou, run.evaluation.selection_tiou) == (
        "thumos14", (0.3, 0.7), (0.3, 0.7),
    )  # fmt: skip
    assert run.training.epochs == 7
    assert parse_config(run.model_dump(mode="json"), "json") == run


def test_windows_in_a_row_are_not_shifted(folder: Path) -> None:
    features = {**TREE["features"], "stride": 16}
    assert preset(str(written(folder, features=features))).dataset.shift_frames == 0
    del features["stride"]
    assert preset(str(written(folder, features=features))).dataset.snippet_frames == 16


def test_a_preset_gives_its_settings_but_not_its_videos(folder: Path) -> None:
    ours, theirs = preset(str(written(folder, preset="thumos14-i3d")), base_model="basnet"), preset("thumos14", "i3d",
        base_model="basnet")  # fmt: skip
    assert (ours.model, ours.training) == (theirs.model, theirs.training)
    assert theirs.dataset.exclude_videos
    assert (ours.dataset.exclude_videos, ours.dataset.stream) == ((), "both")


def test_one_of_several_features_is_chosen_by_name(folder: Path) -> None:
    both = [TREE["features"], {"name": "flow", "path": "features", "window": 8}]
    file = str(written(folder, features=both))
    assert preset(file).dataset.features == "i3d-rgb"
    assert preset(file, "flow").dataset.snippet_frames == 8
    with pytest.raises(UserError, match=r"--features: jumps has no features 'rgb'; known: i3d-rgb or flow"):
        preset(file, "rgb")


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"titel": "x"}, r"titel: unknown key\. Did you mean 'title'\?"),
    ({"features": {**TREE["features"], "strid": 4}}, r"features.*strid: unknown key\. Did you mean 'stride'\?"),
    ({"annotations": "annotation.json"}, r"annotations: .*annotation\.json does not exist; paths are relative to the"),
    ({"features": {"name": "x", "path": "feature"}}, r"features\.x\.path: .*feature does not exist"),
    ({"features": {"name": "x"}}, r"features\.x\.path: required key is missing"),
    ({"features": {"name": "x", "path": "features", "fps": 0}}, r"fps: frames per second, more than 0"),
    ({"train": {"list": "train.txt"}, "test": "validation"}, r"train\.list: .*train\.txt does not exist"),
    ({"train": "training"}, r"test: required key is missing where the other is given"),
    ({"train": {"videos": ["a"], "subset": ["b"]}, "test": "c"}, r"train: needs one of subset, videos and list"),
    (
        {"features": {"name": "i3d", "path": "f", "fps": "fast"}},
        r"features\.0\.fps: input should be a valid number or 'native', got 'fast'$",
    ),
    ({"labels": {"training": "weak"}}, r"labels\.training: input should be 'segments' or 'video', got 'weak'"),
    ({"preset": "thumos"}, r"preset: no preset 'thumos'\. Did you mean 'thumos14"),
    ({"overrides": {"training.epoch": 3}}, r"overrides: training\.epoch: unknown key\. Did .* 'training\.epochs'"),
    ({"evaluation": {"tiou": [1.5]}}, r"thresholds lie in \(0, 1\]"),
    ({"classes": "classes.txt"}, r"classes: .*classes\.txt does not exist; a text file with one class a line"),
    ({"reader": "utkinect"}, r"reader: is for data sets that come with the project"),
    ({"features": []}, r"features: one or more, of different names; got none"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "message"), FAULTS)
def test_a_fault_is_said_with_its_key_and_remedy(keys: dict[str, Any], message: str, folder: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        preset(str(written(folder, **keys)))
    assert str(folder) in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(folder: Path) -> None:
    (folder / "dataset.yaml").write_text("title: [")
    with pytest.raises(UserError, match=r"dataset\.yaml: not valid YAML \(line"):
        read_dataset_file(folder)


def test_which_file_is_meant_must_be_clear(folder: Path) -> None:
    with pytest.raises(UserError, match=r"has no dataset\.yaml; python -m trainables\.datasets new"):
        find_dataset(str(folder))
    for name in ("a.yaml", "b.yml"):
        (folder / name).write_text("")
    with pytest.raises(UserError, match=r"has no dataset\.yaml; name one of its files: a\.yaml, b\.yml"):
        find_dataset(str(folder))
    with pytest.raises(UserError, match=r"nowhere\.yaml does not exist; python -m trainables\.datasets new"):
        find_dataset(str(folder / "nowhere.yaml"))


class TestShipped:
    @pytest.mark.parametrize("name", shipped_names())
    def test_each_is_described_by_the_same_kind_of_file(self, name: str) -> None:
        described = shipped(name)
        assert described.file is None
        assert described.title
        for features in features_of(name):
            assert preset(name, features).dataset.name == name

    def test_their_configurations_are_spelt_as_before_there_were_files(self) -> None:
        """Keys of base models and of what runs share are made of them: a study that exists goes on with its own."""
        dumped = preset("thumos14").model_dump(mode="json")["dataset"]
        assert list(dumped) == [
            "name", "features", "stream", "snippet_frames", "snippet_fps", "multi_label", "annotations_path",
            "features_path", "exclude_videos", "allow_missing", "simulation",
        ]  # fmt: skip
        assert RunConfig.model_validate({"dataset": dumped}).dataset == preset("thumos14").dataset
