"""RefineLoc's CSV annotations."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.data.refineloc_csv import CSV_COLUMNS, read_csv, select_csv
from trainables.errors import UserError

ROW = "v,0,1,jump,9,30,270"


def written(folder: Path, name: str, *rows: str, header: str = ",".join(CSV_COLUMNS)) -> Path:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder / name


def test_files_are_recognised_by_their_parsed_columns(tmp_path: Path) -> None:
    quoted = written(tmp_path, "a_train.csv", header='\ufeff"label","t-end","t-start","video-name"')
    upper = written(tmp_path, "b_test.CSV")
    others = [
        written(tmp_path, "p.csv", header="video-name,t-start,t-end,label,score"),
        written(tmp_path, "x.csv", header="a,b"),
        written(tmp_path, "c_train.txt"),
    ]
    assert select_csv([quoted, upper, *others]) == [quoted, upper]


@pytest.mark.parametrize(
    ("first", "second"),
    [("g_test.csv", "g_test (1).csv"), ("g_valid.csv", "g_validation.csv"), ("g_train.csv", "Copy of g_train.csv")],
)
def test_two_files_of_one_subset_are_refused_naming_both(tmp_path: Path, first: str, second: str) -> None:
    files = [written(tmp_path, name, ROW) for name in (first, second)]
    with pytest.raises(UserError) as caught:
        read_csv(files)
    assert first in str(caught.value)
    assert second in str(caught.value)


def test_a_video_has_the_values_of_its_first_row_and_a_rate_of_zero_is_said(tmp_path: Path) -> None:
    raw = read_csv([written(tmp_path, "g_train.csv", ROW, "v,2,3,run,9,30,270", "w,3,1,run,5,0,150")])
    assert [(video.name, video.fps, video.num_frames) for video in raw.videos] == [("v", 30, 270), ("w", None, 150)]
    assert raw.instances[2][1:3] == (3, 1)
    assert raw.notes == ("1 videos have the frame rate 0: it is taken as unknown",)
