"""Files with labels of whole videos: every form gives the same labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainables.data.annotation_files import read_annotations
from trainables.errors import UserError

EXPECTED = {"a": (0, 1), "b": (0,), "c": (1,)}
FORMS = {
    "rows": "video,label,subset\na,clap,train\nb,clap,train\na,jump,train\nc,jump,test\n",
    "semicolons": "subset,video-name,labels\ntrain,a,clap; jump\ntrain,b,clap\ntest,c,jump\n",
    "repeated": "video,label,subset\na,clap;clap;jump,train\nb,clap,train\nc,jump,test\n",
}


def labels_of(path: Path) -> dict[str, tuple[int, ...]]:
    annotations = read_annotations(path)
    assert annotations.classes == ("clap", "jump")
    assert len(annotations.instances) == 0
    assert [video.subset for video in annotations.videos] == ["train", "train", "test"]
    return annotations.labels()


@pytest.mark.parametrize("form", FORMS)
def test_a_csv_lists_labels_in_rows_or_between_semicolons(form: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(FORMS[form])
    assert labels_of(tmp_path / "labels.csv") == labels_of(tmp_path) == EXPECTED


def test_the_name_of_a_file_can_say_its_subset(tmp_path: Path) -> None:
    (tmp_path / "labels_train.csv").write_text("video,label\na,clap;jump\nb,clap\n")
    (tmp_path / "labels_test.csv").write_text("video,label\nc,jump\n")
    assert labels_of(tmp_path) == EXPECTED


def test_a_file_without_subsets_needs_a_rule(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("video,label\na,clap;jump\nb,clap\nc,jump\n")
    with pytest.raises(UserError, match=r"labels\.csv: nothing says which of its videos train .* a column 'subset'"):
        read_annotations(tmp_path)
    found = read_annotations(tmp_path, subsets=lambda videos, _: {v.name: "train" for v in videos})
    assert found.labels() == EXPECTED


def test_a_video_may_have_no_label_and_a_duration(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("video,label,video-duration,fps\na,clap,9.5,30\nb,,4,\n")
    found = read_annotations(tmp_path)
    assert found.labels() == {"a": (0,), "b": ()}
    assert [(video.duration_s, video.fps) for video in found.videos] == [(9.5, 30), (4, None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,label,subset\n,clap,train\n", "line 2: video must be a name"),
        ("video,label,video-duration,subset\na,clap,long,train\n", "line 2: video-duration must be a number"),
        ("video,label,subset\na,clap,train\na,clap,test\n", "a is in two subsets"),
    ],
)
def test_a_fault_is_said_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_annotations(tmp_path)


def test_predictions_and_instances_are_no_label_files(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("video-name,t-start,t-end,label,score\na,0,1,clap,0.5\n")
    with pytest.raises(UserError, match="no annotations recognised"):
        read_annotations(tmp_path)


def test_wtalcs_list_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "videoname.npy", np.array([b"a", b"b", b"c"]))
    np.save(tmp_path / "subset.npy", np.array([b"validation", b"validation", b"test"]))
    every = np.empty(3, dtype=object)
    every[:] = [["clap", "jump"], ["clap"], ["jump"]]
    np.save(tmp_path / "labels_all.npy", every)
    assert labels_of(tmp_path) == EXPECTED


def test_wtalcs_published_list(shared: Path, tmp_path: Path) -> None:
    for name in ("videoname.npy", "subset.npy", "labels_all.npy", "classlist.npy"):
        (tmp_path / name).write_bytes((shared / "data/thumos14/wtalc" / name).read_bytes())
    alone = read_annotations(tmp_path)
    whole = read_annotations(shared / "data/thumos14/wtalc")
    assert alone.format == "W-TALC's video-level list"
    # Of one video the list says nothing, though it has instances.
    assert alone.labels() == whole.labels("video") | {"video_test_0000270": ()}
