"""THUMOS14's text files."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.data.thumos14_text import read_thumos14, select_thumos14
from trainables.errors import UserError


def written(folder: Path, **files: str) -> list[Path]:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return sorted(folder.glob("*.txt"))


def test_ambiguous_intervals_belong_to_a_subset_not_to_a_listed_video(tmp_path: Path) -> None:
    files = written(
        tmp_path, Run_val="v 0 1\n", Run_test="\ufeffw  0.0 1.5\n\n", Ambiguous_test="x 2 3\n", detclasslist="7 Run\n"
    )
    raw = read_thumos14(files)
    assert [(video.name, video.subset) for video in raw.videos] == [("w", "test"), ("v", "val")]
    assert [row.video for row in raw.ambiguous["test"]] == ["x"]
    assert raw.classes == ("Run",)


def test_lists_and_ambiguous_files_alone_are_no_annotations(tmp_path: Path) -> None:
    assert select_thumos14(written(tmp_path, Ambiguous_test="x 2 3\n", detclasslist="7 Run\n", notes="")) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("v 1 2 7", "line 2: every line is 'video start end' in seconds, this one has 4 fields"),
        ("v 1", "line 2: .* this one has 2 fields"),
        ("v 1 inf", "line 2: a time must be a number, got 'inf'"),
        ("v ١ 2", "line 2: a time must be a number"),
    ],
)
def test_the_line_at_fault_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_thumos14(written(tmp_path, Run_test=f"v 0 1\n{line}\n"))


def test_names_that_differ_in_capitals_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Run_Test.txt").write_text("v 0 1\n")
    with pytest.raises(UserError, match="has the same class and subset"):
        read_thumos14(written(tmp_path, Run_test="v 0 1\n"))
