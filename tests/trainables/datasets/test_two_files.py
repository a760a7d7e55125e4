"""Training and test videos in annotation files of their own: a CSV of labels beside a JSON with segments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.trainables.datasets.test_own import load, new
from tests.trainables.own_data import own_videos, write_own
from trainables.config.dataset_file import read_dataset_file
from trainables.config.presets import preset
from trainables.datasets.__main__ import main
from trainables.datasets.external import require_files
from trainables.errors import UserError


def two_files(folder: Path, **changes: str) -> Path:
    """``labels.csv`` of the training videos, ``test.json`` of the others. changes: labels of videos in the CSV."""
    videos = own_videos()
    write_own(folder, videos)
    (folder / "annotations.json").unlink()
    of = {name: video["annotations"][0]["label"] for name, video in videos.items() if video["subset"] == "training"}
    rows = [f"{name},{label}" for name, label in {**of, **changes}.items()]
    (folder / "labels.csv").write_text("\n".join(["video,label", *rows]) + "\n")
    test = {name: video for name, video in videos.items() if video["subset"] == "validation"}
    (folder / "test.json").write_text(json.dumps({"database": test}))
    return folder


def test_new_assumes_which_file_trains_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = new(two_files(tmp_path / "jumps"))
    out = capsys.readouterr().out
    assert f"{file.parent / 'labels.csv'} and {file.parent / 'test.json'} (video-level CSV (train) and" in out
    assert yaml.safe_load(file.read_text())["annotations"] == {"train": "labels.csv", "test": "test.json"}
    assert "assumed  training videos in labels.csv, test videos in test.json" in out
    assert main(["check", "--dataset", str(file)]) == 0
    card = capsys.readouterr().out
    assert "annotations: video-level CSV (train) and ActivityNet JSON (test)" in card
    assert "train: all videos have video-level labels only" in card
    data = load(file)
    assert (len(data.train), len(data.test), data.classes) == (12, 6, ("clap", "jump"))
    assert data.train.annotated_part() is None
    assert data.test.is_annotated
    assert len(data.test.ground_truth) == 6


def test_a_run_configuration_carries_both_paths_and_that_of_one_file_is_as_before(tmp_path: Path) -> None:
    folder = two_files(tmp_path / "jumps")
    config = preset(str(new(folder))).dataset
    assert config.annotations_path == str(folder / "labels.csv")
    assert config.test_annotations_path == str(folder / "test.json")
    assert "test_annotations_path" not in preset("thumos14").dataset.model_dump()


@pytest.mark.parametrize(
    ("keys", "counts"),
    [
        (
            {"train": {"videos": ["clip00", "clip01", "clip02"]}},
            (3, 6),
        ),  # of its own file; the test file is taken whole
        ({"test": {"videos": ["clip12", "clip13"]}, "exclude_videos": ["clip00"]}, (11, 2)),
    ],
)
def test_videos_of_each_file_can_be_chosen(tmp_path: Path, keys: dict[str, Any], counts: tuple[int, int]) -> None:
    file = new(two_files(tmp_path / "jumps"))
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **keys}))
    data = load(file)
    assert (len(data.train), len(data.test)) == counts


def test_of_a_file_with_several_subsets_the_ones_that_the_field_means_are_taken(tmp_path: Path) -> None:
    folder = two_files(tmp_path / "jumps")
    file = new(folder)
    videos = own_videos()
    (folder / "test.json").write_text(json.dumps({"database": videos}))  # its training videos are not meant
    data = load(file)
    assert (len(data.train), len(data.test)) == (12, 6)
    assert data.train.annotated_part() is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clip12": "jump"}, "annotations: 1 videos are in train (.*labels.csv) and in test (.*test.json), clip12"),
        (
            {f"clip{v:02d}": "jumping" for v in range(0, 12, 2)},
            "test.json: label 'jump' of clip12 is unknown to .*labels.csv: no training video has it. Did you mean "
            "'jumping'",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused_in_words(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    file = new(two_files(tmp_path / "jumps"))
    two_files(tmp_path / "jumps", **changes)
    with pytest.raises(UserError, match=message.replace("(", r"\(").replace(")", r"\)")):
        load(file)


def test_what_cannot_be_told_apart_is_not_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = two_files(tmp_path / "jumps")
    tree = json.loads((folder / "test.json").read_text())["database"]
    halves = [dict(list(tree.items())[:3]), dict(list(tree.items())[3:])]
    (folder / "labels.csv").unlink()
    (folder / "test.json").unlink()
    for name, half in zip(("a", "b"), halves, strict=True):
        (folder / f"{name}.json").write_text(json.dumps({"database": half}))
    assert main(["new", str(folder)]) == 2
    assert "2 annotations found: a.json, b.json; say which by --annotations" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ({"train": "labels.csv", "test": "x.json"}, "annotations.test: .*x.json does not exist; paths are relative"),
        ({"train": "labels.csv"}, "annotations: a path, or one for each split: {train: PATH, test: PATH}; got "),
        ({"train": "labels.csv", "tset": "test.json"}, "annotations: unknown key 'tset'. Did you mean 'test'?"),
        (3, "annotations: a path, or one for each split: {train: PATH, test: PATH}; got 3"),
    ],
)
def test_a_wrong_mapping_names_its_key(tmp_path: Path, annotations: Any, message: str) -> None:
    file = new(two_files(tmp_path / "jumps"))
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "annotations": annotations}))
    with pytest.raises(UserError, match=message.replace("{", r"\{")):
        read_dataset_file(file)


def test_a_file_that_is_gone_is_named_before_anything_is_read(tmp_path: Path) -> None:
    folder = two_files(tmp_path / "jumps")
    config = preset(str(new(folder))).dataset
    (folder / "test.json").unlink()
    with pytest.raises(UserError, match=r"annotations: .*test.json does not exist"):
        require_files(config, tmp_path)
