"""All annotation formats give the same ground truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.trainables.thumos14 import THUMOS14_CLASSES
from trainables.data.annotation_files import read_annotations
from trainables.data.annotation_formats import FORMATS
from trainables.data.annotations import Annotations
from trainables.data.refineloc_csv import CSV_COLUMNS
from trainables.errors import UserError

HEADER = ",".join(CSV_COLUMNS)


def rows_of(annotations: Annotations) -> list[tuple[str, float, float, str]]:
    table = annotations.instances
    labels = [annotations.classes[label] for label in table.label]
    return sorted(zip(table.video, table.start_s.tolist(), table.end_s.tolist(), labels, strict=True))


def counts(annotations: Annotations) -> list[tuple[int, int]]:
    subsets = [annotations.subset(name) for name in ("train", "test")]
    return [(len(subset.videos), len(subset.instances)) for subset in subsets]


def write_csv(folder: Path, **subsets: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in subsets.items():
        (folder / f"some_{name}_groundtruth.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return folder


class TestThumos14:
    @pytest.mark.parametrize(
        ("path", "name", "expected"),
        [
            ("", "RefineLoc CSV", [(200, 3003), (212, 3358)]),
            ("annotations", "THUMOS14 text files", [(200, 3007), (212, 3358)]),
            ("gt.json", "ActivityNet JSON", [(200, 3007), (210, 3311)]),
            ("wtalc", "W-TALC arrays", [(200, 3007), (212, 3358)]),
        ],
    )
    def test_every_format_has_its_published_counts(
        self, shared: Path, path: str, name: str, expected: list[tuple[int, int]]
    ) -> None:
        annotations = read_annotations(shared / "data/thumos14" / path, THUMOS14_CLASSES)
        assert annotations.format == name
        assert annotations.classes == THUMOS14_CLASSES
        assert counts(annotations) == expected

    def test_formats_agree_on_the_test_split(self, shared: Path) -> None:
        folder = shared / "data/thumos14"
        csv, text, arrays = (
            read_annotations(folder / path, THUMOS14_CLASSES).subset("test") for path in ("", "annotations", "wtalc")
        )
        assert rows_of(csv) == rows_of(text) == rows_of(arrays)
        assert csv.labels() == text.labels() == arrays.labels()
        assert csv.videos[0].num_frames == 1011
        assert text.videos[0].duration_s is None

    def test_class_lists_of_the_files_are_the_known_one(self, shared: Path) -> None:
        for path in ("annotations", "wtalc", "gt.json"):
            assert read_annotations(shared / "data/thumos14" / path).classes == THUMOS14_CLASSES

    def test_times_that_are_strings_are_numbers(self, shared: Path) -> None:
        json_file = read_annotations(shared / "data/thumos14/gt.json", THUMOS14_CLASSES)
        others = set(rows_of(read_annotations(shared / "data/thumos14/annotations", THUMOS14_CLASSES)))
        assert set(rows_of(json_file)) <= others

    def test_ambiguous_intervals_are_kept_apart(self, shared: Path) -> None:
        annotations = read_annotations(shared / "data/thumos14/annotations", THUMOS14_CLASSES)
        assert len(annotations.ambiguous) > 90
        assert set(annotations.ambiguous.label) == {-1}
        assert set(annotations.instances.label) == set(range(20))


class TestActivityNet:
    def test_released_csv_is_read_as_it_is(self, shared: Path) -> None:
        annotations = read_annotations(shared / "data/activitynet12")
        assert annotations.format == "RefineLoc CSV"
        assert counts(annotations) == [(4702, 6994), (2303, 3459)]
        assert len(annotations.classes) == 100
        assert annotations.classes == tuple(sorted(annotations.classes))
        table = annotations.instances
        assert np.count_nonzero(table.start_s == table.end_s) == 2
        several = [video for video, labels in annotations.labels().items() if len(labels) > 1]
        assert len(several) == 4 + 6

    def test_json_trains_on_training_and_tests_on_validation(self, shared: Path) -> None:
        path = shared / "data/activitynet12/activity_net.v1-2.min-missing-removed.json"
        annotations = read_annotations(path)
        assert counts(annotations) == [(4441, 6588), (2198, 3281)]
        assert {video.subset for video in annotations.videos} == {"train", "test"}
        csv = read_annotations(shared / "data/activitynet12")
        assert annotations.classes == csv.classes
        video = next(video for video in csv.videos if video.name == "5wOmHw6Boj8")
        assert video.duration_s == pytest.approx(39.59, abs=0.5)


def test_removed_videos_take_their_instances_along(shared: Path) -> None:
    annotations = read_annotations(shared / "data/thumos14", THUMOS14_CLASSES)
    kept = annotations.without(["video_test_0000270", "video_test_0001496"])
    assert counts(kept) == [(200, 3003), (210, 3311)]


def test_duplicates_and_zero_length_instances_stay(tmp_path: Path) -> None:
    row = "a,1.0,1.0,jump,9.0,30,270"
    annotations = read_annotations(write_csv(tmp_path, train=[row, row], valid=["b,0,2,jump,9.0,30,270"]))
    assert counts(annotations) == [(1, 2), (1, 1)]


def test_integer_labels_sort_as_numbers(tmp_path: Path) -> None:
    train = [f"a{label},0,1,{label},9,30,270" for label in (10, 9, 2)]
    assert read_annotations(write_csv(tmp_path, train=train)).classes == ("2", "9", "10")


class TestBadInput:
    def test_an_unknown_format_is_told_what_is_understood(self, tmp_path: Path) -> None:
        (tmp_path / "labels.xml").write_text("<a/>")
        with pytest.raises(UserError, match=r"no annotations recognised; found: labels\.xml") as caught:
            read_annotations(tmp_path)
        assert all(annotation_format.understood_as in str(caught.value) for annotation_format in FORMATS)

    def test_a_path_that_is_not_there_is_told_as_such(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"labels\.csv: no such file or folder$"):
            read_annotations(tmp_path / "labels.csv")

    def test_predictions_are_no_annotations(self, tmp_path: Path) -> None:
        (tmp_path / "predictions.json").write_text(json.dumps({"results": {}}))
        with pytest.raises(UserError, match="no annotations recognised"):
            read_annotations(tmp_path)

    def test_two_annotation_jsons_are_ambiguous(self, tmp_path: Path) -> None:
        for name in ("a.json", "b.json"):
            (tmp_path / name).write_text(json.dumps({"database": {}}))
        with pytest.raises(UserError, match=r"a\.json, b\.json all hold annotations.*dataset\.annotations_path"):
            read_annotations(tmp_path)

    def test_a_label_that_no_class_list_has_is_named(self, tmp_path: Path) -> None:
        folder = write_csv(tmp_path, train=["a,0,1,Diving,9,30,270"], valid=["b,0,1,Divign,9,30,270"])
        with pytest.raises(UserError, match=r"label 'Divign' of b is in no class list.*Did you mean 'Diving'"):
            read_annotations(folder)
        with pytest.raises(UserError, match=r"label '20' of c is in no class list \(1 such rows, 20 classes\)"):
            read_annotations(write_csv(tmp_path / "x", train=["c,0,1,20,9,30,270"]), THUMOS14_CLASSES)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("a,0,x,jump,9,30,270", r"line 2: t-end must be a number, got 'x'"),
            ("a,0,,jump,9,30,270", r"line 2: t-end must be a number, got ''"),
            ("a,0,nan,jump,9,30,270", r"line 2: t-end must be a number, got 'nan'"),
            ("a,1_0,1,jump,9,30,270", r"line 2: t-start must be a number, got '1_0'"),
            (",0,1,jump,9,30,270", r"line 2: video-name must be a name, got ''"),
            ("a,0,1,,9,30,270", r"line 2: label must be a name, got ''"),
            ("a,0,1,jump,-9,30,270", r"line 2: video-duration must be above 0, got -9"),
            ("a,0,1,jump,0,30,270", r"line 2: video-duration must be above 0, got 0"),
            ("a,0,1,jump,9,-30,270", r"line 2: the frame rate must be above 0, got -30"),
            ("a,0,1,jump,9,30,0", r"line 2: video-num-frames must be above 0, got 0"),
            ("a,0,1,jump,9,30,270,7", r"line 2: has 8 fields, the header names 7 columns"),
        ],
    )
    def test_bad_times_name_file_and_value(self, tmp_path: Path, row: str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            read_annotations(write_csv(tmp_path, train=[row]))

    def test_missing_columns_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "x_train.csv").write_text("video-name,t-start,t-end,label\na,0,1,jump\n")
        with pytest.raises(UserError, match=r"column video-duration, fps, video-num-frames is missing"):
            read_annotations(tmp_path)

    def test_a_video_belongs_to_one_subset(self, tmp_path: Path) -> None:
        row = "a,0,1,jump,9,30,270"
        with pytest.raises(UserError, match="a is in two subsets"):
            read_annotations(write_csv(tmp_path, train=[row], valid=[row]))

    def test_a_csv_without_a_subset_in_its_name_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "groundtruth.csv").write_text(f"{HEADER}\na,0,1,jump,9,30,270\n")
        with pytest.raises(UserError, match="name must say its subset"):
            read_annotations(tmp_path)

    def test_broken_json_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "gt.json").write_text('{"database": {"a": {"subset": "train"}}}')
        with pytest.raises(UserError, match=r"gt\.json: 1 train videos have no 'annotations' \(a\)"):
            read_annotations(tmp_path)


def test_a_file_of_the_test_split_alone_takes_its_classes_from_it(tmp_path: Path) -> None:
    database = {"v1": {"subset": "test", "annotations": [{"label": "Dive", "segment": [1.0, 2.0]}]}}
    (tmp_path / "gt.json").write_text(json.dumps({"database": database}))
    assert read_annotations(tmp_path / "gt.json").classes == ("Dive",)


def test_instances_that_end_before_they_start_are_left_out_and_named_in_every_format(tmp_path: Path) -> None:
    csv = read_annotations(write_csv(tmp_path / "csv", train=["a,0,1,jump,9,30,270", "a,2,1,jump,9,30,270"]))
    rows = [{"segment": segment, "label": "jump"} for segment in ([0, 1], [2, 1])]
    (tmp_path / "g.json").write_text(json.dumps({"database": {"a": {"subset": "train", "annotations": rows}}}))
    for found in (csv, read_annotations(tmp_path / "g.json")):
        assert (len(found.instances), found.reversed) == (1, ("a",))


def test_a_second_copy_of_a_csv_is_refused_naming_both(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, train=["a,0,1,jump,9,30,270"])
    (folder / "some_train_groundtruth (1).csv").write_bytes((folder / "some_train_groundtruth.csv").read_bytes())
    with pytest.raises(UserError, match=r"groundtruth\.csv: some_train_groundtruth \(1\)\.csv has the same subset"):
        read_annotations(folder)


def test_ambiguous_intervals_without_a_listed_video_follow_their_file(shared: Path) -> None:
    found = read_annotations(shared / "data/thumos14/annotations", THUMOS14_CLASSES)
    assert {split: len(table) for split, table in found.ambiguous_of.items()} == {"test": 99, "train": 89}
