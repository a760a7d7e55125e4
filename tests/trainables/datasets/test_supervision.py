"""Videos whose label is known but not when it occurs: what is trained with, and which numbers are absent."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainables.own_data import own_videos, write_own
from trainables.config.presets import preset
from trainables.config.run import RunConfig
from trainables.datasets import Dataset, load_dataset, make_card
from trainables.datasets.__main__ import main
from trainables.datasets.registry import DataProblems
from trainables.errors import UserError
from trainables.refinement.iteration import IterationResult
from trainables.refinement.refine import refine
from trainables.refinement.selection import selection_splits

Database = dict[str, dict[str, Any]]
SHORT = {"training.epochs": 3, "refinement.iterations": 2, "compute.device": "cpu"}


def weaken(videos: str = "training", database: Database | None = None) -> Database:
    """Without the segments of a subset; of ``all`` subsets; or of every other training video (``some``)."""
    found = copy.deepcopy(database or own_videos())
    for place, video in enumerate(found.values()):
        training = video["subset"] == "training"
        if videos == "all" or (training and (videos == "training" or place % 2)):
            video["annotations"] = [{"label": video["annotations"][0]["label"]}]
    return found


def own(folder: Path, database: Database, truth: Database | None = None, **keys: Any) -> RunConfig:
    """A data set of one's own, and its configuration."""
    assert main(["new", str(write_own(folder, database, truth=truth or own_videos()))]) == 0
    file = folder / "dataset.yaml"
    file.write_text(file.read_text() + json.dumps(keys)[1:-1].replace(', "', '\n"') + "\n")
    return preset(str(file)).updated(SHORT)


def load(run: RunConfig) -> Dataset:
    return load_dataset(run.dataset, Path("nowhere"))


def last(run: RunConfig, data: Dataset) -> IterationResult:
    return list(refine(run, data))[-1]


class TestLoading:
    def test_a_label_without_a_segment_is_a_label_of_the_video(self, tmp_path: Path) -> None:
        data = load(own(tmp_path, weaken()))
        assert [video.labels for video in data.train.videos] == [(1,), (0,)] * 6  # jump, clap; classes are sorted
        assert not data.train.annotated_videos.any()
        assert len(data.train.ground_truth) == 0
        assert data.test.is_annotated

    def test_a_mixed_set_says_which_videos_are_annotated(self, tmp_path: Path) -> None:
        data = load(own(tmp_path, weaken("some")))
        assert data.train.annotated_videos.tolist() == [True, False] * 6
        part = data.train.annotated_part()
        assert part is not None
        assert set(part.ground_truth.video) == set(part.names)
        assert data.train.subset([1, 2], "x").annotated_videos.tolist() == [False, True]

    def test_a_label_beside_other_segments_makes_a_video_unknown(self, tmp_path: Path) -> None:
        """A second class occurs somewhere: the segments of the first do not say all."""
        database = own_videos()
        database["clip00"]["annotations"].append({"label": "clap"})
        data = load(own(tmp_path, database))
        assert data.train.videos[0].labels == (0, 1)
        assert data.train.annotated_videos.tolist() == [False] + [True] * 11
        assert "clip00" not in data.train.ground_truth.video

    def test_one_segment_over_each_whole_training_video_is_a_video_label(self, tmp_path: Path) -> None:
        database = own_videos()
        for video in database.values():
            if video["subset"] == "training":
                video["annotations"][0]["segment"] = [0.0, video["duration"]]
        run = own(tmp_path, database)
        data = load(run)
        assert not data.train.annotated_videos.any()
        assert "cover it whole: they are taken as video-level labels" in str(make_card(data, run.dataset))

    def test_one_video_with_a_shorter_segment_makes_them_segments(self, tmp_path: Path) -> None:
        database = own_videos()
        for video in list(database.values())[1:12]:
            video["annotations"][0]["segment"] = [0.0, video["duration"]]
        assert load(own(tmp_path, database)).train.is_annotated

    def test_segments_of_training_videos_can_be_left_out(self, tmp_path: Path) -> None:
        data = load(own(tmp_path, own_videos(), labels={"training": "video"}))
        assert not data.train.annotated_videos.any()
        assert data.test.is_annotated

    def test_the_card_says_what_is_unknown(self, tmp_path: Path) -> None:
        run = own(tmp_path, weaken())
        card = make_card(load(run), run.dataset)
        assert "12 videos, 0 instances; 12 with video-level labels only" in str(card)
        assert "foreground unknown" in str(card)
        assert card.splits["train"].foreground_share is None
        assert card.content_hash != make_card(load(own(tmp_path / "b", own_videos())), run.dataset).content_hash

    def test_a_real_weakly_labelled_file(self, shared: Path, tmp_path: Path) -> None:
        folder = shared / "data/utd-mhad"
        database = json.loads((folder / "annotations_weak.json").read_text())["database"]
        (tmp_path / "features").mkdir()
        for name, video in database.items():
            rows = int(video["duration"] * 25 - 16) // 16 + 1
            np.save(tmp_path / "features" / f"{name}.npy", np.zeros((rows, 4), np.float32))
        options = ["--annotations", str(folder / "annotations_weak.json"), "--features", str(tmp_path / "features")]
        assert main(["new", str(tmp_path), *options]) == 0
        data = load(preset(str(tmp_path)))
        assert (len(data.train), len(data.test), len(data.classes)) == (96, 96, 12)
        assert not data.train.annotated_videos.any()
        assert data.test.is_annotated
        assert all(len(video.labels) == 1 for video in data.train.videos)


class TestBackground:
    @pytest.fixture
    def database(self) -> Database:
        database = own_videos()
        for name in ("clip03", "clip14"):
            database[name]["annotations"] = []
        return database

    def test_videos_without_any_label_are_refused_with_the_remedies(self, tmp_path: Path, database: Database) -> None:
        with pytest.raises(
            UserError, match=r"2 videos have no instance and so no label \(clip03, clip14\).*background"
        ):
            load(own(tmp_path, database))

    def test_they_can_be_left_out(self, tmp_path: Path, database: Database) -> None:
        data = load(own(tmp_path, database, labels={"background": "exclude"}))
        assert (len(data.train), len(data.test)) == (11, 5)
        assert any("2 videos without any label (clip03, clip14) are left out" in note for note in data.notes)

    def test_or_train_as_background_from_iteration_1_on(self, tmp_path: Path, database: Database) -> None:
        run = own(tmp_path, database, labels={"background": "background"}, overrides={"selection.rule": "paper"})
        data = load(run)
        assert (len(data.train), len(data.test)) == (12, 6)
        without = [video.labels for video in data.train.videos].index(())
        base, refined = refine(run.updated({"pseudo_labels.generator": "uniform_random"}), data)
        rows = slice(data.train.offsets[without], data.train.offsets[without + 1])
        assert not refined.labels["train"][rows].any()
        assert refined.labels["train"].any()
        # Iteration 0 is as if they were not there.
        left_out = load(own(tmp_path / "b", database, labels={"background": "exclude"}))
        alone = next(iter(refine(run, left_out)))
        assert alone.report.train_loss == base.report.train_loss
        assert alone.report.splits["test"].map != base.report.splits["test"].map  # clip14 may have false positives

    def test_other_base_models_refuse_them(self, tmp_path: Path, database: Database) -> None:
        file = own(tmp_path, database, labels={"background": "background"}).dataset.file
        run = preset(str(file), base_model="wtalc").updated(SHORT | {"selection.rule": "paper"})
        with pytest.raises(UserError, match="base model wtalc cannot; set exclude"):
            next(iter(refine(run, load(run))))


class TestNumbers:
    def test_numbers_that_need_segments_are_absent_where_there_are_none(self, tmp_path: Path) -> None:
        run = own(tmp_path, weaken("all")).updated({"selection.rule": "video-labels"})
        report = last(run, load(run)).report
        assert report.selection.map is None
        assert report.selection.number == report.signals["video_loss"]  # type: ignore[index]
        for part in report.splits.values():
            assert (part.map, part.attention_accuracy) == (None, None)
            assert part.video_accuracy is not None
        quality = report.splits["train"].pseudo_labels
        assert quality is not None
        assert quality.foreground + quality.background > 0
        assert (quality.true_foreground, quality.foreground_precision, quality.background_recall) == (None, None, None)
        tree = report.to_json()
        assert tree["map"] == tree["attention_accuracy"] == {}
        assert type(report).from_json(json.loads(json.dumps(tree))) == report

    def test_numbers_of_a_mixed_split_are_those_of_its_annotated_videos(self, tmp_path: Path) -> None:
        run = own(tmp_path, weaken("some")).updated({"selection.rule": "paper"})
        data = load(run)
        report = last(run, data).report.splits["train"]
        assert report.map is not None
        assert (report.map.videos, report.map.instances) == (6, 6)
        known = np.repeat(data.train.annotated_videos, data.train.lengths)
        quality = report.pseudo_labels
        assert quality is not None
        assert quality.true_foreground is not None
        assert quality.foreground + quality.background == len(known)
        assert quality.true_foreground <= int(data.train.snippet_truth.sum())

    def test_training_does_not_depend_on_segments(self, tmp_path: Path) -> None:
        """The same videos with and without temporal annotations: the same models, under the rule without mAP."""
        runs = [own(tmp_path / name, database).updated({"selection.rule": "video-labels"})
                for name, database in (("weak", weaken()), ("full", own_videos()))]  # fmt: skip
        weak, full = (last(run, load(run)) for run in runs)
        assert weak.report.train_loss == full.report.train_loss
        assert weak.report.signals == full.report.signals
        assert weak.report.splits["test"] == full.report.splits["test"]
        assert full.report.splits["held_out"].map is not None


REFUSED = [
    ({"selection.rule": "held-out"}, r"held-out compares by the mAP of the held-out training videos.*video-labels"),
    ({"pseudo_labels.generator": "oracle", "selection.rule": "paper"}, "the oracle makes its labels from the temporal"),
    ({"pseudo_labels.foreground_share": "annotated", "selection.rule": "paper"}, "set a number, as --set"),
    ({"selection.rule": "video-labels", "selection.signal": "contrst"}, "no signal 'contrst'. Did you mean 'contrast'"),
    ({"selection.rule": "video-labels", "training.choice": "best_map"}, "best_map chooses by mAP"),
]


class TestRefusals:
    @pytest.mark.parametrize(("values", "message"), REFUSED)
    def test_what_needs_segments_is_refused_in_words(
        self, tmp_path: Path, values: dict[str, Any], message: str
    ) -> None:
        run = own(tmp_path, weaken()).updated(values)
        with pytest.raises(UserError, match=message):
            selection_splits(run, load(run))

    def test_problems_of_a_data_set_file_name_the_file(self, tmp_path: Path) -> None:
        run = own(tmp_path, own_videos())
        (tmp_path / "features" / "clip02.npy").unlink()
        with pytest.raises(DataProblems) as caught:
            load(run)
        assert caught.value.name == str(tmp_path / "dataset.yaml")
