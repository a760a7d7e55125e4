"""The formats in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.data.annotation_formats import FORMATS


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("thumos14", "RefineLoc CSV"),
        ("activitynet12", "RefineLoc CSV"),
        ("thumos14/annotations", "THUMOS14 text files"),
        ("thumos14/wtalc", "W-TALC arrays"),
        ("utd-mhad", "ActivityNet JSON"),
    ],
)
def test_the_first_format_that_finds_files_is_the_folder_s(shared: Path, path: str, name: str) -> None:
    files = sorted(entry for entry in (shared / "data" / path).iterdir() if entry.is_file())
    assert next(form.name for form in FORMATS if form.select(files)) == name


def test_every_format_says_how_it_is_recognised() -> None:
    assert len({form.name for form in FORMATS}) == len({form.understood_as for form in FORMATS}) == len(FORMATS)
    assert all(form.select([]) == [] for form in FORMATS)
